/* SPDX-License-Identifier: Apache-2.0 */
/* How a process is confined, as /proc/PID/status says it (proc(5)). */
#ifndef TAPFEED_LAUNCHER_PROCSTATUS_H
#define TAPFEED_LAUNCHER_PROCSTATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum procstatus_seccomp {
	PROCSTATUS_NONE = 0,
	PROCSTATUS_STRICT = 1,
	PROCSTATUS_FILTER = 2,
};

struct procstatus {
	uid_t uid;	       /* real */
	uid_t euid;	       /* effective */
	uint64_t capabilities; /* permitted or effective */
	bool no_new_privs;
	enum procstatus_seccomp seccomp;
};

/* Reads the text of such a file. 0, or -EINVAL where a line is missing. */
int procstatus_parse(const char *text, struct procstatus *ret_status);

/* 0 or a negative errno: -ENOENT where it is gone or hidden, or is dead. */
int procstatus_read(pid_t pid, struct procstatus *ret_status);

/*
 * "none", "all", or up to four names with commas ("cap_net_raw"), or "7 of
 * 41".
 */
void procstatus_capabilities(char *buf, size_t size, uint64_t capabilities);

/* The name of one, or "capability_63" where it has none. */
void procstatus_capability(char *buf, size_t size, unsigned int number);

/* "none", "strict", "filter"; static. */
const char *procstatus_seccomp_name(enum procstatus_seccomp seccomp);

/* The user's name, or its number. */
void procstatus_user(char *buf, size_t size, uid_t uid);

#endif
