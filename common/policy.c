/* SPDX-License-Identifier: Apache-2.0 */
/* One row a system call: its name, what its arguments must be, why. */
#include <config.h>

#include "common/policy.h"

#include <errno.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <sys/mman.h>

#define NO_EXEC SANDBOX_MASK(2, PROT_EXEC, 0)
/* Neither of a file nor shared nor over what is there. */
#define OWN_MEMORY                                                             \
	SANDBOX_MASK(3, MAP_ANONYMOUS | MAP_SHARED | MAP_FIXED, MAP_ANONYMOUS)

/* clang-format off */
const struct sandbox_row policy_common[] = {
	/* What is open already. */
	SANDBOX_ALLOW(read, "sources, sockets, pipes; drops descriptors that come along"),
	SANDBOX_ALLOW(close, "a peer that ended"),
	SANDBOX_ALLOW(poll, "waiting"),
	SANDBOX_ALLOW(ppoll, "waiting, with the stop signals let in"),
	SANDBOX_ALLOW(ppoll_time64, "the same, where time_t grew"),

	/* Time. */
	SANDBOX_ALLOW(clock_gettime, "where the vDSO does not serve the clock"),
	SANDBOX_ALLOW(clock_gettime64, "the same, where time_t grew"),
	SANDBOX_ALLOW(gettimeofday, "libc's time(), where the vDSO does not serve"),
	SANDBOX_ALLOW(time, "the same"),
	SANDBOX_ALLOW(clock_nanosleep, "nanosleep(3) of newer libc"),
	SANDBOX_ALLOW(clock_nanosleep_time64, "the same, where time_t grew"),
	SANDBOX_ALLOW(nanosleep, "nanosleep(3) of older libc"),
	SANDBOX_ALLOW(restart_syscall, "a wait that SIGSTOP and SIGCONT broke"),

	/* Signals: the handler is set before. */
	SANDBOX_ALLOW(rt_sigreturn, "the end of the handler"),
	SANDBOX_ALLOW(rt_sigprocmask, "a stop that comes at any moment"),
	SANDBOX_ALLOW(rt_sigtimedwait, "a stop that is pending"),
	SANDBOX_ALLOW(rt_sigtimedwait_time64, "the same, where time_t grew"),
	SANDBOX_ALLOW(rt_sigpending, "a stop that is pending"),

	/* Memory: never executable. */
	SANDBOX_ALLOW(brk, "malloc"),
	SANDBOX_ALLOW2(mmap, NO_EXEC, OWN_MEMORY, "malloc"),
	SANDBOX_ALLOW2(mmap2, NO_EXEC, OWN_MEMORY, "malloc on 32 bits"),
	SANDBOX_ALLOW(munmap, "free"),
	SANDBOX_ALLOW1(mprotect, NO_EXEC, "malloc's heaps"),
	SANDBOX_ALLOW1(madvise, SANDBOX_INT(2, MADV_DONTNEED), "free's trimming"),
	SANDBOX_ALLOW1(madvise, SANDBOX_INT(2, MADV_HUGEPAGE), "malloc, where GLIBC_TUNABLES asks for huge pages"),
	SANDBOX_REFUSE2(prctl, EINVAL, SANDBOX_INT(0, PR_SET_VMA), SANDBOX_INT(1, PR_SET_VMA_ANON_NAME), "malloc of glibc 2.39, by GLIBC_TUNABLES: naming its memory; it does without"),

	/* libc's own. */
	SANDBOX_ALLOW(futex, "locks of stdio"),
	SANDBOX_ALLOW(futex_time64, "the same, where time_t grew"),
	SANDBOX_ALLOW(getrandom, "malloc's key, where libc asks late"),
#ifndef TAPFEED_SANITIZE
	SANDBOX_REFUSE(sched_getaffinity, ENOSYS, "getrandom(3) of glibc 2.41: how many processors; it does without"),
#endif
	SANDBOX_ALLOW(getpid, "libc's own"),
	SANDBOX_ALLOW(gettid, "libc's own"),
	SANDBOX_ALLOW(rseq, "libc's own"),
	SANDBOX_ALLOW(sched_yield, "libc's own"),
	SANDBOX_ALLOW(exit, "the end"),
	SANDBOX_ALLOW(exit_group, "the end"),
#ifdef TAPFEED_SANITIZE
	SANDBOX_ALLOW(sigaltstack, "sanitizers"),
	SANDBOX_ALLOW(mmap, "sanitizers"),
	SANDBOX_ALLOW(madvise, "sanitizers"),
	SANDBOX_ALLOW(mremap, "sanitizers"),
	SANDBOX_ALLOW(rt_sigaction, "sanitizers"),
	SANDBOX_ALLOW(sched_getaffinity, "sanitizers"),
	SANDBOX_ALLOW(tgkill, "sanitizers: abort"),
	SANDBOX_ALLOW(getrusage, "sanitizers"),
	SANDBOX_ALLOW(prlimit64, "sanitizers: how large the stack is"),
	SANDBOX_REFUSE(openat, 13, "sanitizers: their report is without names"),
	SANDBOX_REFUSE(open, 13, "sanitizers"),
	SANDBOX_REFUSE(readlink, 13, "sanitizers"),
	SANDBOX_REFUSE(readlinkat, 13, "sanitizers"),
	SANDBOX_REFUSE(pipe, 13, "sanitizers"),
	SANDBOX_REFUSE(pipe2, 13, "sanitizers"),
	SANDBOX_REFUSE(personality, 13, "sanitizers"),
#endif
};
/* clang-format on */

const size_t policy_common_count =
	sizeof(policy_common) / sizeof(policy_common[0]);
