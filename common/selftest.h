/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --self-test: drives a program's own main() under its own table, one path
 * after the other, each in a process of its own. What the table lacks is
 * refused as ever; SIGSYS then says which call it was, where otherwise it
 * kills. The caller plays the other end of its descriptors: no privilege is
 * needed, no interface made.
 */
#ifndef TAPFEED_COMMON_SELFTEST_H
#define TAPFEED_COMMON_SELFTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SELFTEST_FDS_MAX  16u
#define SELFTEST_ARGS_MAX 16u

/* One path being driven, as its table's function sees it. */
struct selftest {
	int (*work)(int argc, char **argv); /* the program behind --self-test */
	int fds[SELFTEST_FDS_MAX];	    /* become 3, 4, ... */
	const char *names[SELFTEST_FDS_MAX];
	size_t fd_count;
	int stdout_fd, stderr_fd; /* -1: to be dropped, to be kept */
	char *argv[SELFTEST_ARGS_MAX + 2];
	int argc;
	int status;	  /* of its end, as waitpid(2) gives it */
	pid_t pid;	  /* of the process; 0: not started */
	int said_fd;	  /* what it wrote to standard error */
	char why_not[64]; /* why it was skipped or failed; "": a call */
};

enum {
	SELFTEST_OK,
	SELFTEST_FAILED, /* said already, or by the process itself */
	SELFTEST_SKIP,
};

/* What a program may come to do: gives it what it needs, starts it, plays its
 * peers and returns selftest_end(). */
struct selftest_path {
	const char *name;
	int (*drive)(struct selftest *test);
};

struct selftest_program {
	const char *name;
	const char *table; /* the file that has its table */
	const struct selftest_path *paths;
	size_t path_count;
	int (*work)(int argc, char **argv);
};

/* Drives all paths and prints the outcome. The exit status. */
int selftest_run(const struct selftest_program *program);

/* Whether this process is being driven: its table is to trap. */
bool selftest_armed(void);

/* ---- for the paths --------------------------------------------------------
 */

/* Hands fd over under that name (LISTEN_FDNAMES); it is closed here at the
 * start. */
void selftest_give(struct selftest *test, int fd, const char *name);

/* A socket pair of that type; one end is handed over, the other returned. */
int selftest_give_pair(struct selftest *test, int type, const char *name);

/* A file without a name that holds data, at its beginning. */
int selftest_file(const void *data, size_t len);

/* An argument; the text stays the caller's. */
void selftest_arg(struct selftest *test, const char *argument);

void selftest_start(struct selftest *test);

bool selftest_ended(const struct selftest *test);

/* Waits until the program has written text to standard error, ten seconds at
 * most. Whether it has. */
bool selftest_said(const struct selftest *test, const char *text);

void selftest_sleep(unsigned int ms);

/* Says why this path cannot be driven here. SELFTEST_SKIP. */
int selftest_skip(struct selftest *test, const char *why);

/* Says that a peer did not hear what it should have: the path was not driven
 * as it is meant to be. */
void selftest_missed(void);

/* Waits for its end, which has to come by exit with that status. */
int selftest_end(struct selftest *test, int status);

#endif
