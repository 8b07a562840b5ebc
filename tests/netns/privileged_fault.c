/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linked into tests/netns/privileged-fault, the helper whose calls fail when
 * told to. Each wrapped call counts and is named on standard error.
 * Environment:
 *
 *   TAPFEED_FAULT_AT     the call that fails, from 1; 0 or unset: none
 *   TAPFEED_FAULT_ERRNO  with this number
 *   TAPFEED_FAULT_STOP   SIGSTOP before these calls: "7,9"
 *   TAPFEED_FAULT_NAME   TUNGETIFF says this name
 */
#include <config.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "common/sandbox.h"

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
ssize_t __real_getrandom(void *buf, size_t size, unsigned int flags);
ssize_t __wrap_getrandom(void *buf, size_t size, unsigned int flags);
struct mnl_socket *__real_mnl_socket_open(int bus);
struct mnl_socket *__wrap_mnl_socket_open(int bus);
int __real_mnl_socket_bind(struct mnl_socket *nl, unsigned int groups,
			   pid_t pid);
int __wrap_mnl_socket_bind(struct mnl_socket *nl, unsigned int groups,
			   pid_t pid);
ssize_t __real_mnl_socket_sendto(const struct mnl_socket *nl, const void *buf,
				 size_t len);
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *nl, const void *buf,
				 size_t len);
ssize_t __real_mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf,
				   size_t len);
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf,
				   size_t len);
int __real_mnl_cb_run(const void *buf, size_t len, unsigned int seq,
		      unsigned int port, mnl_cb_t callback, void *data);
int __wrap_mnl_cb_run(const void *buf, size_t len, unsigned int seq,
		      unsigned int port, mnl_cb_t callback, void *data);
int __real_fdpass_send(int sock, const void *msg, size_t len, const int *fds,
		       size_t n);
int __wrap_fdpass_send(int sock, const void *msg, size_t len, const int *fds,
		       size_t n);

int __real_sandbox_seal(const struct sandbox_policy *policy);
int __wrap_sandbox_seal(const struct sandbox_policy *policy);

static int number(const char *variable)
{
	const char *text = getenv(variable);

	return text ? atoi(text) : 0;
}

/* Whether it is one of those. */
static bool listed(const char *variable, int wanted)
{
	const char *text = getenv(variable);

	for (; text; text = strchr(text, ','), text += text ? 1 : 0)
		if (atoi(text) == wanted)
			return true;
	return false;
}

/* Whether this call, the next one, has to fail; errno is set then. */
static bool hit(const char *call, unsigned long detail)
{
	static int calls;
	bool now = ++calls == number("TAPFEED_FAULT_AT");

	fprintf(stderr, "call %d %s 0x%lx%s\n", calls, call, detail,
		now ? " hit" : "");
	if (listed("TAPFEED_FAULT_STOP", calls))
		raise(SIGSTOP);
	if (!now)
		return false;
	errno = number("TAPFEED_FAULT_ERRNO");
	return true;
}

int __wrap_open(const char *path, int flags, ...)
{
	if (strcmp(path, "/dev/net/tun") == 0 && hit("open", 0))
		return -1;
	return __real_open(path, flags);
}

static void lie(struct ifreq *ifr)
{
	const char *name = getenv("TAPFEED_FAULT_NAME");

	if (name)
		memcpy(ifr->ifr_name, name, strnlen(name, IFNAMSIZ - 1) + 1);
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *argument;
	int r;

	va_start(args, request);
	argument = va_arg(args, void *);
	va_end(args);
	if (hit("ioctl", request))
		return -1;
	r = __real_ioctl(fd, request, argument);
	if (r == 0 && request == TUNGETIFF)
		lie(argument);
	return r;
}

ssize_t __wrap_getrandom(void *buf, size_t size, unsigned int flags)
{
	return hit("getrandom", 0) ? -1 : __real_getrandom(buf, size, flags);
}

struct mnl_socket *__wrap_mnl_socket_open(int bus)
{
	return hit("netlink", 0) ? NULL : __real_mnl_socket_open(bus);
}

int __wrap_mnl_socket_bind(struct mnl_socket *nl, unsigned int groups,
			   pid_t pid)
{
	return hit("netlink", 1) ? -1 : __real_mnl_socket_bind(nl, groups, pid);
}

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *nl, const void *buf,
				 size_t len)
{
	return hit("send", 0) ? -1 : __real_mnl_socket_sendto(nl, buf, len);
}

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf,
				   size_t len)
{
	return hit("receive", 0) ? -1
				 : __real_mnl_socket_recvfrom(nl, buf, len);
}

int __wrap_mnl_cb_run(const void *buf, size_t len, unsigned int seq,
		      unsigned int port, mnl_cb_t callback, void *data)
{
	return hit("acknowledge", 0)
		       ? -1
		       : __real_mnl_cb_run(buf, len, seq, port, callback, data);
}

int __wrap_fdpass_send(int sock, const void *msg, size_t len, const int *fds,
		       size_t n)
{
	return hit("reply", n) ? -errno
			       : __real_fdpass_send(sock, msg, len, fds, n);
}

/* The production filter, and what the wrappers themselves need. */
int __wrap_sandbox_seal(const struct sandbox_policy *policy)
{
	static const struct sandbox_row rows[] = {
		SANDBOX_ALLOW(gettid, "raise"),
		SANDBOX_ALLOW(rt_sigprocmask, "raise"),
		SANDBOX_ALLOW1(tgkill, SANDBOX_INT(2, SIGSTOP), "raise"),
	};
	struct sandbox_policy more = *policy;

	more.more_rows = rows;
	more.more_row_count = sizeof(rows) / sizeof(rows[0]);
	return __real_sandbox_seal(&more);
}
