/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users and groups by name, out of /etc/passwd and /etc/group alone: the name
 * service switch would load code into a privileged process.
 */
#ifndef TAPFEED_COMMON_USERS_H
#define TAPFEED_COMMON_USERS_H

#include <sys/types.h>

struct users_id {
	uid_t uid;
	gid_t gid;
};

/* Reads a user (its uid and primary group) or a group; -ENOENT: there is none,
 * or another negative errno. Opens files and allocates. */
int users_find(const char *name, struct users_id *ret_id);
int users_find_group(const char *name, gid_t *ret_gid);

#endif
