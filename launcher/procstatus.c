/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/status. The kernel's text, but a process chooses its own name in
 * it; which the kernel escapes. */
#include <config.h>

#include "launcher/procstatus.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <unistd.h>

#include "common/escape.h"
#include "common/fd.h"

#define FEW 4

static const struct {
	const char *key;  /* in /proc */
	const char *name; /* in JSON */
} sets[PROCSTATUS_SETS] = {
	[PROCSTATUS_INHERITABLE] = { "CapInh", "inheritable" },
	[PROCSTATUS_PERMITTED] = { "CapPrm", "permitted" },
	[PROCSTATUS_EFFECTIVE] = { "CapEff", "effective" },
	[PROCSTATUS_BOUNDING] = { "CapBnd", "bounding" },
	[PROCSTATUS_AMBIENT] = { "CapAmb", "ambient" },
};

/* The value of a line "KEY:\tVALUE", behind the white space. NULL: none. */
static const char *find_value(const char *text, const char *key)
{
	const size_t len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) == 0 && line[len] == ':')
			return line + len + 1 + strspn(line + len + 1, " \t");
	}
	return NULL;
}

/* 0, or -EINVAL where there is no such line or number. */
static int read_number(const char *text, const char *key, int base,
		       uint64_t *ret_value)
{
	const char *value = find_value(text, key);
	char *end;

	/* strtoull takes a sign, and white space, the line's end too. */
	if (!value || !isxdigit((unsigned char)*value))
		return -EINVAL;
	errno = 0;
	*ret_value = strtoull(value, &end, base);
	return errno || end == value ? -EINVAL : 0;
}

static int read_users(const char *text, struct procstatus *status)
{
	const char *value = find_value(text, "Uid");
	unsigned int uid, euid;

	if (!value || sscanf(value, "%u %u", &uid, &euid) != 2)
		return -EINVAL;
	status->uid = uid;
	status->euid = euid;
	return 0;
}

int procstatus_parse(const char *text, struct procstatus *ret_status)
{
	struct procstatus status = { 0 };
	const char *state = find_value(text, "State");
	uint64_t no_new_privs, seccomp;

	for (size_t i = 0; i < PROCSTATUS_SETS; i++)
		if (read_number(text, sets[i].key, 16, &status.sets[i]) < 0)
			return -EINVAL;
	if (read_users(text, &status) < 0 ||
	    read_number(text, "NoNewPrivs", 10, &no_new_privs) < 0 ||
	    read_number(text, "Seccomp", 10, &seccomp) < 0 ||
	    seccomp > PROCSTATUS_FILTER)
		return -EINVAL;
	/* What has ended and was not yet waited for. */
	if (!state || *state == 'Z' || *state == 'X')
		return -EINVAL;
	status.no_new_privs = no_new_privs != 0;
	status.seccomp = (enum procstatus_seccomp)seccomp;
	*ret_status = status;
	return 0;
}

int procstatus_read(pid_t pid, struct procstatus *ret_status)
{
	char path[32], text[8192];
	size_t used = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return -ENOENT;
	do {
		n = fd_read(fd, text + used, sizeof(text) - 1 - used);
		used += n > 0 ? (size_t)n : 0;
	} while (n > 0 && used < sizeof(text) - 1);
	close(fd);
	text[used] = '\0';
	return n < 0 || procstatus_parse(text, ret_status) < 0 ? -ENOENT : 0;
}

uint64_t procstatus_held(const struct procstatus *status)
{
	uint64_t held = 0;

	for (size_t i = 0; i < PROCSTATUS_SETS; i++)
		if (i != PROCSTATUS_BOUNDING)
			held |= status->sets[i];
	return held;
}

const char *procstatus_set_name(enum procstatus_set set)
{
	return sets[set].name;
}

void procstatus_capability(char *buf, size_t size, unsigned int number)
{
	char *name = cap_to_name((cap_value_t)number);

	/* libcap gives the number for what it does not know. */
	if (name && strncmp(name, "cap_", 4) == 0)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "capability_%u", number);
	cap_free(name);
}

/* Names with commas; whether they fit. */
static bool join_names(char *buf, size_t size, uint64_t capabilities)
{
	size_t used = 0;

	for (unsigned int i = 0; i < 64; i++) {
		char name[64];
		int len;

		if (!(capabilities >> i & 1))
			continue;
		procstatus_capability(name, sizeof(name), i);
		len = snprintf(buf + used, size - used, "%s%s",
			       used > 0 ? "," : "", name);
		if (len < 0 || (size_t)len >= size - used)
			return false;
		used += (size_t)len;
	}
	return true;
}

void procstatus_capabilities(char *buf, size_t size, uint64_t capabilities)
{
	const unsigned int known = (unsigned int)cap_max_bits();
	const unsigned int count =
		(unsigned int)__builtin_popcountll(capabilities);

	if (count == 0 || count >= known)
		snprintf(buf, size, "%s", count ? "all" : "none");
	else if (count > FEW || !join_names(buf, size, capabilities))
		snprintf(buf, size, "%u of %u", count, known);
}

const char *procstatus_seccomp_name(enum procstatus_seccomp seccomp)
{
	static const char *const names[] = { "none", "strict", "filter" };

	return names[seccomp];
}

void procstatus_user(char *buf, size_t size, const struct usernames *names,
		     uid_t uid)
{
	const char *name = usernames_find(names, uid);

	if (name)
		escape_text(buf, size, name, strlen(name));
	else
		snprintf(buf, size, "%u", (unsigned int)uid);
}
