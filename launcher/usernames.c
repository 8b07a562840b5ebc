/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/passwd: root's file, believed; its names are escaped all the same. */
#include <config.h>

#include "launcher/usernames.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As many are added at a time. */
#define STEP 64u

static int add(struct usernames *names, const struct passwd *user)
{
	struct usernames_entry *entry;

	if (*user->pw_name == '\0' || strlen(user->pw_name) >= USERNAMES_SIZE)
		return 0;
	if (names->count % STEP == 0) {
		entry = reallocarray(names->entries, names->count + STEP,
				     sizeof(*entry));
		if (!entry)
			return -ENOMEM;
		names->entries = entry;
	}
	entry = &names->entries[names->count++];
	entry->uid = user->pw_uid;
	strcpy(entry->name, user->pw_name);
	return 0;
}

int usernames_read(struct usernames *names)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *user;
	int r = 0;

	*names = (struct usernames){ 0 };
	while (file && r == 0 && (user = fgetpwent(file)))
		r = add(names, user);
	if (file)
		fclose(file);
	if (r < 0)
		usernames_done(names);
	return r;
}

const char *usernames_find(const struct usernames *names, uid_t uid)
{
	for (size_t i = 0; i < names->count; i++)
		if (names->entries[i].uid == uid)
			return names->entries[i].name;
	return NULL;
}

void usernames_done(struct usernames *names)
{
	free(names->entries);
	*names = (struct usernames){ 0 };
}
