/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process gives up before it reads its first hostile byte. The order,
 * the same in every main(): fd_sanitise, options, open what needs privilege,
 * sandbox_drop(), open the rest, sandbox_seal(), READY=1, work.
 */
#ifndef TAPFEED_COMMON_SANDBOX_H
#define TAPFEED_COMMON_SANDBOX_H

#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/landlock.h"
#include "common/users.h"

/* Argument comparisons of one row, all of which must hold. */
#define SANDBOX_ARGS_MAX 4u

/* Which of a process's descriptors an argument must be: an index into
 * sandbox_policy.fds. */
struct sandbox_arg {
	unsigned int index; /* of the argument, from 0 */
	bool is_fd;	    /* value is an index into sandbox_policy.fds */
	uint64_t mask;	    /* argument & mask == value */
	uint64_t value;
};

/* One system call that a process may make, or is refused alive. */
struct sandbox_row {
	int call;  /* SCMP_SYS(x) */
	int error; /* 0: allowed; else refused with this errno, not killed */
	unsigned int arg_count;
	struct sandbox_arg args[SANDBOX_ARGS_MAX];
	const char *reason;
};

/* Rows of a policy.c, one a line. Compared by mask: EQ fails on sign extension,
 * and orders (LT, GT) can allow what no row allows. */
#define SANDBOX_INT(i, v)                                                      \
	{                                                                      \
		(i), false, 0xffffffffu, (uint32_t)(v)                         \
	}
#define SANDBOX_MASK(i, m, v)                                                  \
	{                                                                      \
		(i), false, (m), (v)                                           \
	}
#define SANDBOX_FD(i, class)                                                   \
	{                                                                      \
		(i), true, 0xffffffffu, (class)                                \
	}
#define SANDBOX_ALLOW(name, why)                                               \
	{                                                                      \
		SCMP_SYS(name), 0, 0, { { 0 } }, (why)                         \
	}
#define SANDBOX_ALLOW1(name, a, why)                                           \
	{                                                                      \
		SCMP_SYS(name), 0, 1, { a }, (why)                             \
	}
#define SANDBOX_ALLOW2(name, a, b, why)                                        \
	{                                                                      \
		SCMP_SYS(name), 0, 2, { a, b }, (why)                          \
	}
#define SANDBOX_ALLOW3(name, a, b, c, why)                                     \
	{                                                                      \
		SCMP_SYS(name), 0, 3, { a, b, c }, (why)                       \
	}
#define SANDBOX_REFUSE(name, e, why)                                           \
	{                                                                      \
		SCMP_SYS(name), (e), 0, { { 0 } }, (why)                       \
	}

#define SANDBOX_REFUSE2(name, e, a, b, why)                                    \
	{                                                                      \
		SCMP_SYS(name), (e), 2, { a, b }, (why)                        \
	}

/* The descriptors of one class; a row that names the class stands for each of
 * them, and for none where there is none. */
struct sandbox_fds {
	const int *fds;
	size_t count;
};

struct sandbox_policy {
	const char *name; /* of the process, for messages */
	const struct sandbox_row *rows;
	size_t row_count;
	const struct sandbox_row
		*more_rows; /* those that many share; or NULL */
	size_t more_row_count;
	const struct sandbox_fds *fds; /* by class, as the rows name them */
	size_t fd_classes;
	/* Directories in which sockets may be renamed and removed; -1 ends. */
	const int *dirs;
	/* Those beneath which files may be read, where the rows let it open
	 * any; -1 ends. */
	const int *read_dirs;
	landlock_allowance *allow; /* landlock_allow; NULL: no directories */
	/*
	 * Starts the threads there will be, once they inherit all but the
	 * filter, which holds them too; NULL: there are none. 0 or a negative
	 * errno.
	 */
	int (*start_threads)(void *threads);
	void *threads;
	unsigned int fds_more; /* descriptors it may still get */
	uint64_t memory_bytes; /* address space it may still take */
	/* SIGSYS for what no row allows, for --self-test, instead of death: it
	 * can say then which call it was. Refused all the same. */
	bool trap;
};

/*
 * Becomes *user where it is not NULL (CAP_SETUID and CAP_SETGID needed; no
 * supplementary groups stay), empties the permitted, effective, inheritable and
 * ambient capability sets but for those in keep (a mask of 1 << CAP_x), the
 * bounding set and securebits where the caller may (CAP_SETPCAP), then sets
 * no_new_privs, makes the process non-dumpable and forbids core files. 0 or a
 * negative errno.
 */
int sandbox_drop(const struct users_id *user, uint64_t keep);

/* The same with another real user: such a process may signal those of both
 * without a capability, kill(2). */
int sandbox_drop_to(const struct users_id *real, const struct users_id *user,
		    uint64_t keep);

/* The resource limits, Landlock, then the system-call filter: from here on
 * nothing but the policy's rows. 0 or a negative errno. */
int sandbox_seal(const struct sandbox_policy *policy);

/* What sandbox_seal() loads, for the tests that simulate it. NULL where a row
 * cannot be expressed; free it with seccomp_release(). */
scmp_filter_ctx sandbox_filter(const struct sandbox_policy *policy);

/* The highest descriptor plus one. */
unsigned int sandbox_count_fds(void);

/* Whether this process holds cap (CAP_x) in its effective set. In
 * sandbox_holds.c: not linked by those that are given theirs. */
bool sandbox_holds(int cap);

#ifdef TAPFEED_SANITIZE
/* Set by sandbox_seal(), asked by the leak checker: sandbox_leaks.c. */
extern bool sandbox_sealed;
#endif

#endif
