/* SPDX-License-Identifier: Apache-2.0 */
/* Believed is the kernel alone: the caller chose all else. */
#include <config.h>

#include "common/filecap.h"

#include <errno.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

static bool has(int cap, cap_flag_t set)
{
	cap_flag_value_t value = CAP_CLEAR;
	cap_t caps = cap_get_proc();

	if (caps)
		cap_get_flag(caps, cap, set, &value);
	cap_free(caps);
	return value == CAP_SET;
}

bool filecap_has(int cap)
{
	return has(cap, CAP_PERMITTED);
}

bool filecap_is_own(int cap)
{
	return has(cap, CAP_INHERITABLE) ||
	       (!getauxval(AT_SECURE) && has(cap, CAP_EFFECTIVE));
}

int filecap_raise(int cap)
{
	const cap_value_t value = cap;
	cap_t caps = cap_get_proc();
	int r = 0;

	if (!caps ||
	    cap_set_flag(caps, CAP_EFFECTIVE, 1, &value, CAP_SET) < 0 ||
	    cap_set_proc(caps) < 0)
		r = -errno;
	cap_free(caps);
	return r;
}

const char *filecap_lost(void)
{
	struct statvfs mount;

	if (getxattr("/proc/self/exe", "security.capability", NULL, 0) <= 0)
		return NULL;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return "no_new_privs is set (a container's or service's "
		       "setting), which takes it away";
	if (statvfs("/proc/self/exe", &mount) == 0 &&
	    (mount.f_flag & ST_NOSUID))
		return "it lies on a file system that is mounted nosuid, "
		       "which takes it away";
	return "it did not come into effect: under strace, in a user namespace "
	       "or with a bounding set that lacks it it does not";
}
