/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands before sandbox_drop() and sandbox_seal() in the attack builds of the
 * four programs (never installed): seals as in production, says "attack NAME
 * begins" on standard error, tries the one act that TAPFEED_ATTACK names, says
 * what came of it ("attack NAME: 0", or a negative errno), and ends.
 * TAPFEED_GUARD=off leaves the sandbox out: the control, in which the act has
 * to get through. TAPFEED_GUARD=nofilter leaves out the system-call filter
 * alone: what users, capabilities, limits and Landlock stop by themselves.
 */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/sandbox.h"
#include "tests/attack/attack.h"

int __real_sandbox_drop(const struct users_id *user, uint64_t keep);
int __real_seccomp_load(scmp_filter_ctx filter);
int __wrap_sandbox_drop(const struct users_id *user, uint64_t keep);
int __wrap_sandbox_seal(const struct sandbox_policy *policy);
int __wrap_seccomp_load(scmp_filter_ctx filter);

long attack_result(long r)
{
	return r < 0 ? -errno : 0;
}

static bool guard_is(const char *wanted)
{
	const char *guard = getenv("TAPFEED_GUARD");

	return guard && strcmp(guard, wanted) == 0;
}

bool attack_guarded(void)
{
	return !guard_is("off");
}

void attack_say(const char *format, ...)
{
	char text[3000] = "attack ";
	size_t len = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + len, sizeof(text) - len - 1, format, args);
	va_end(args);
	len = strlen(text);
	text[len++] = '\n';
	(void)!write(STDERR_FILENO, text, len);
}

static int option_of(int fd, int option)
{
	socklen_t len = sizeof(int);
	int value = -1;

	(void)getsockopt(fd, SOL_SOCKET, option, &value, &len);
	return value;
}

static bool is_stream(int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);

	return option_of(fd, SO_TYPE) == SOCK_STREAM &&
	       getpeername(fd, (struct sockaddr *)&address, &len) == 0;
}

/* Of the loopback address; 0: there is none. */
static uint16_t listen_tcp(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&address, len) < 0 ||
	    listen(fd, 1) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return 0;
	return address.sin_port;
}

static void make_fds(struct attack_fds *fds)
{
	struct sockaddr_un address = { AF_UNIX, ATTACK_LISTENS };
	socklen_t len = offsetof(struct sockaddr_un, sun_path) +
			sizeof(ATTACK_LISTENS) - 1;
	int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* Another run may have the name at the moment: it serves as well. */
	(void)bind(listening, (struct sockaddr *)&address, len);
	(void)listen(listening, 8);
	fds->memory = memfd_create("attack", MFD_CLOEXEC);
	(void)!ftruncate(fds->memory, 4096);
	fds->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fds->tcp_port = listen_tcp();
	fds->local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static struct attack_fds find_fds(void)
{
	struct attack_fds fds = { -1, -1, -1, -1, -1, -1, -1, -1, -1, 0 };

	for (int fd = 3; fd < 256; fd++) {
		struct ifreq ifr = { 0 };
		int domain = option_of(fd, SO_DOMAIN);

		if (domain == AF_UNIX && fds.socket < 0)
			fds.socket = fd;
		if (domain == AF_UNIX && fds.stream < 0 && is_stream(fd))
			fds.stream = fd;
		if (domain == AF_UNIX && option_of(fd, SO_TYPE) == SOCK_DGRAM)
			fds.notify = fd;
		if (domain == AF_PACKET && fds.packet < 0)
			fds.packet = fd;
		if (domain == AF_NETLINK &&
		    option_of(fd, SO_PROTOCOL) == NETLINK_SOCK_DIAG)
			fds.diag = fd;
		/* The helper has not attached it yet. */
		if (domain < 0 &&
		    (ioctl(fd, TUNGETIFF, &ifr) == 0 || errno == EBADFD))
			fds.tun = fd;
	}
	return fds;
}

/* Whether the table has it. */
static bool try_in(const struct attack *table, size_t n, const char *name,
		   const struct attack_fds *fds)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(table[i].name, name) != 0)
			continue;
		attack_say("%s begins", name);
		attack_say("%s: %ld", name, table[i].act(fds));
		return true;
	}
	return false;
}

static bool try(const char *name, const struct attack_fds *fds)
{
	return try_in(attack_general, attack_general_count, name, fds) ||
	       try_in(attack_fd, attack_fd_count, name, fds) ||
	       try_in(attack_argument, attack_argument_count, name, fds) ||
	       try_in(attack_sibling, attack_sibling_count, name, fds) ||
	       (&attack_ring_count &&
		try_in(attack_ring, attack_ring_count, name, fds));
}

int __wrap_sandbox_drop(const struct users_id *user, uint64_t keep)
{
	return !attack_guarded() ? 0 : __real_sandbox_drop(user, keep);
}

int __wrap_seccomp_load(scmp_filter_ctx filter)
{
	return guard_is("nofilter") ? 0 : __real_seccomp_load(filter);
}

int __wrap_sandbox_seal(const struct sandbox_policy *policy)
{
	const char *name = getenv("TAPFEED_ATTACK");
	const char *who = getenv("TAPFEED_ATTACKER");
	struct attack_fds fds = find_fds();
	int r;

	if (!name || !who || strcmp(who, policy->name) != 0)
		return __real_sandbox_seal(policy);
	if (strcmp(name, "every_number") == 0) {
		attack_every_number(policy);
		_exit(0);
	}
	make_fds(&fds);
	attack_find_sibling();
	attack_find_page();
	r = !attack_guarded() ? 0 : __real_sandbox_seal(policy);
	if (r < 0)
		return r;
	if (try_in(attack_lie, attack_lie_count, name, &fds))
		return 0;
	if (!try(name, &fds))
		attack_say("unknown");
	_exit(0);
}
