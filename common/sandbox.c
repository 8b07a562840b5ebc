/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up privilege. */
#include <config.h>

#include "common/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/param.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/fd.h"

/* Where descriptors are looked for, at most. */
#define FDS_MAX 4096u

#ifdef TAPFEED_TRACE_FILTER
#define ACTION SCMP_ACT_LOG
#else
#define ACTION SCMP_ACT_KILL_PROCESS
#endif

/* ---- users and capabilities -----------------------------------------------
 */

/* A setcap install lacks CAP_SETPCAP: no_new_privs makes both inert then. */
static void lock_root_out(void)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	/* Capabilities do not follow the uid any more: what stays is said. */
	(void)prctl(PR_SET_SECUREBITS,
		    SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
			    SECBIT_NO_SETUID_FIXUP |
			    SECBIT_NO_SETUID_FIXUP_LOCKED |
			    SECBIT_KEEP_CAPS_LOCKED |
			    SECBIT_NO_CAP_AMBIENT_RAISE |
			    SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
		    0, 0, 0);
}

static int set_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };

	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++, keep >>= 32)
		sets[i].permitted = sets[i].effective = (uint32_t)keep;
	return capset(&header, sets) < 0 ? -errno : 0;
}

int sandbox_drop(const struct users_id *user, uint64_t keep)
{
	return sandbox_drop_to(user, user, keep);
}

int sandbox_drop_to(const struct users_id *real, const struct users_id *user,
		    uint64_t keep)
{
	static const struct rlimit none;
	int r;

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	lock_root_out();
	if (user && (setgroups(0, NULL) < 0 ||
		     setresgid(real->gid, user->gid, user->gid) < 0 ||
		     setresuid(real->uid, user->uid, user->uid) < 0))
		return -errno;
	r = set_capabilities(keep);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	/* After the last credential change, which would reset it. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	return setrlimit(RLIMIT_CORE, &none) < 0 ? -errno : 0;
}

/* ---- resource limits -------------------------------------------------------
 */

/* One that is lower already stays. */
static int lower(__rlimit_resource_t resource, rlim_t value)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0)
		return -errno;
	limit.rlim_max = MIN(limit.rlim_max, value);
	limit.rlim_cur = MIN(limit.rlim_cur, limit.rlim_max);
	return setrlimit(resource, &limit) < 0 ? -errno : 0;
}

unsigned int sandbox_count_fds(void)
{
	unsigned int n = FDS_MAX;

	while (n > 0 && fcntl((int)n - 1, F_GETFD) < 0)
		n--;
	return n;
}

#ifndef TAPFEED_SANITIZE
static int limit_memory(uint64_t more_bytes)
{
	char text[32] = "";
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	uint64_t pages;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = fd_read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -EIO;
	pages = strtoull(text, NULL, 10);
	return lower(RLIMIT_AS, pages * (uint64_t)getpagesize() + more_bytes);
}
#endif

/* ---- the filter -------------------------------------------------------------
 */

/* Adds a row, its descriptor class being fd. 0 or a negative errno. */
static int add_row(scmp_filter_ctx filter, const struct sandbox_row *row,
		   int fd)
{
	struct scmp_arg_cmp args[SANDBOX_ARGS_MAX];
	uint32_t action = row->error ? SCMP_ACT_ERRNO((uint16_t)row->error)
				     : SCMP_ACT_ALLOW;

	for (unsigned int i = 0; i < row->arg_count; i++) {
		const struct sandbox_arg *arg = &row->args[i];
		uint64_t value = arg->is_fd ? (uint32_t)fd : arg->value;

		args[i] = SCMP_CMP64(arg->index, SCMP_CMP_MASKED_EQ, arg->mask,
				     value);
	}
	return seccomp_rule_add_array(filter, action, row->call, row->arg_count,
				      args);
}

/* Whether the process has a row of its own for the call: it goes before a
 * refusal that many share. */
static bool has_own(const struct sandbox_policy *policy, int call)
{
	for (size_t i = 0; i < policy->row_count; i++)
		if (policy->rows[i].call == call)
			return true;
	return false;
}

static int add_rows(scmp_filter_ctx filter, const struct sandbox_policy *policy,
		    const struct sandbox_row *rows, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct sandbox_row *row = &rows[i];
		const struct sandbox_fds *fds = NULL;

		if (row->call < 0) /* this architecture does without it */
			continue;
		if (rows == policy->more_rows && row->error &&
		    has_own(policy, row->call))
			continue;
		for (unsigned int arg = 0; arg < row->arg_count; arg++)
			if (row->args[arg].is_fd)
				fds = &policy->fds[row->args[arg].value];
		if (!fds)
			r = add_row(filter, row, -1);
		for (size_t fd = 0; fds && r == 0 && fd < fds->count; fd++)
			if (fds->fds[fd] >= 0)
				r = add_row(filter, row, fds->fds[fd]);
	}
	return r;
}

scmp_filter_ctx sandbox_filter(const struct sandbox_policy *policy)
{
	uint32_t action = policy->trap ? SCMP_ACT_TRAP : ACTION;
	scmp_filter_ctx filter = seccomp_init(action);

	if (!filter)
		return NULL;
	if (seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH,
			     SCMP_ACT_KILL_PROCESS) == 0 &&
	    seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0) == 0 &&
	    seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
	    seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0 &&
	    add_rows(filter, policy, policy->rows, policy->row_count) == 0 &&
	    add_rows(filter, policy, policy->more_rows,
		     policy->more_row_count) == 0)
		return filter;
	seccomp_release(filter);
	return NULL;
}

int sandbox_seal(const struct sandbox_policy *policy)
{
	scmp_filter_ctx filter = sandbox_filter(policy);
	int r = filter ? 0 : -EINVAL;

#ifdef TAPFEED_SANITIZE /* shadow memory is beyond all bounds */
	sandbox_sealed = true;
#else
	if (r == 0)
		r = limit_memory(policy->memory_bytes);
#endif
	if (r == 0)
		r = landlock_seal(policy->allow, policy->dirs,
				  policy->read_dirs);
	if (r == 0)
		r = lower(RLIMIT_NOFILE,
			  sandbox_count_fds() + policy->fds_more);
	if (r == 0) /* what a ring has registered stays */
		r = lower(RLIMIT_MEMLOCK, 0);
	if (r == 0 && policy->start_threads)
		r = policy->start_threads(policy->threads);
	if (r == 0) /* threads count too: there are none to come */
		r = lower(RLIMIT_NPROC, 0);
	if (r == 0)
		r = seccomp_load(filter);
	if (filter)
		seccomp_release(filter);
	return r;
}
