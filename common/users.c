/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/passwd and /etc/group: root's files, believed. */
#include <config.h>

#include "common/users.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

int users_find(const char *name, struct users_id *ret_id)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *entry;
	int r = -ENOENT;

	if (!file)
		return -errno;
	while (r == -ENOENT && (entry = fgetpwent(file))) {
		if (strcmp(entry->pw_name, name) != 0)
			continue;
		*ret_id = (struct users_id){ entry->pw_uid, entry->pw_gid };
		r = 0;
	}
	fclose(file);
	return r;
}

int users_find_group(const char *name, gid_t *ret_gid)
{
	FILE *file = fopen("/etc/group", "re");
	const struct group *entry;
	int r = -ENOENT;

	if (!file)
		return -errno;
	while (r == -ENOENT && (entry = fgetgrent(file))) {
		if (strcmp(entry->gr_name, name) != 0)
			continue;
		*ret_gid = entry->gr_gid;
		r = 0;
	}
	fclose(file);
	return r;
}
