/* SPDX-License-Identifier: Apache-2.0 */
/* The users that root's processes become: root never stays root. */
#ifndef TAPFEED_COMMON_SERVICE_H
#define TAPFEED_COMMON_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/users.h"

/* What a program that is not installed uses. */
#define SERVICE_NOBODY "nobody"

/*
 * The user that this process has to become, by configure's name for it:
 * *ret_user is id, or NULL where it stays who it is: it is not root, or root of
 * a user namespace that has no other user. A program that is not installed
 * becomes nobody. 0, -ENOENT where the user is missing, or another negative
 * errno.
 */
int service_user(const char *name, struct users_id *id,
		 const struct users_id **ret_user);

/* The folder of the running executable. 0 or a negative errno. */
int service_folder(char *buf, size_t size);

/* Whether the running executable is where make install puts it. */
bool service_installed(void);

#endif
