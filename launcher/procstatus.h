/* SPDX-License-Identifier: Apache-2.0 */
/* How a process is confined, as /proc/PID/status says it (proc(5)). */
#ifndef TAPFEED_LAUNCHER_PROCSTATUS_H
#define TAPFEED_LAUNCHER_PROCSTATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "launcher/usernames.h"

enum procstatus_seccomp {
	PROCSTATUS_NONE = 0,
	PROCSTATUS_STRICT = 1,
	PROCSTATUS_FILTER = 2,
};

/* The capability sets of capabilities(7). */
enum procstatus_set {
	PROCSTATUS_INHERITABLE,
	PROCSTATUS_PERMITTED,
	PROCSTATUS_EFFECTIVE,
	PROCSTATUS_BOUNDING,
	PROCSTATUS_AMBIENT,
	PROCSTATUS_SETS,
};

struct procstatus {
	uid_t uid;  /* real */
	uid_t euid; /* effective */
	uint64_t sets[PROCSTATUS_SETS];
	bool no_new_privs;
	enum procstatus_seccomp seccomp;
};

/* Reads the text of such a file. 0, or -EINVAL where a line is missing. */
int procstatus_parse(const char *text, struct procstatus *ret_status);

/* 0 or a negative errno: -ENOENT where it is gone or hidden, or is dead. */
int procstatus_read(pid_t pid, struct procstatus *ret_status);

/* What it holds in any set but the bounding one, which gives nothing. */
uint64_t procstatus_held(const struct procstatus *status);

/* "inheritable" and so on; static. */
const char *procstatus_set_name(enum procstatus_set set);

/*
 * "none", "all", or names with commas ("cap_net_raw"), or "7 of 41" where
 * they are more than four or do not fit.
 */
void procstatus_capabilities(char *buf, size_t size, uint64_t capabilities);

/* The name of one, or "capability_63" where it has none. */
void procstatus_capability(char *buf, size_t size, unsigned int number);

/* "none", "strict", "filter"; static. */
const char *procstatus_seccomp_name(enum procstatus_seccomp seccomp);

/* The user's name, or its number. */
void procstatus_user(char *buf, size_t size, const struct usernames *names,
		     uid_t uid);

#endif
