/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of users, out of /etc/passwd alone and read once: the name service
 * switch opens what it likes, and nothing is to be opened later.
 */
#ifndef TAPFEED_LAUNCHER_USERNAMES_H
#define TAPFEED_LAUNCHER_USERNAMES_H

#include <stddef.h>
#include <sys/types.h>

/* With the NUL; longer ones are passed over, as login(1) does. */
#define USERNAMES_SIZE 33

struct usernames_entry {
	uid_t uid;
	char name[USERNAMES_SIZE];
};

struct usernames {
	struct usernames_entry *entries;
	size_t count;
};

/* Without the file there are no names. 0 or -ENOMEM. */
int usernames_read(struct usernames *names);

/* The first name of the uid; NULL: it has none. */
const char *usernames_find(const struct usernames *names, uid_t uid);

void usernames_done(struct usernames *names);

#endif
