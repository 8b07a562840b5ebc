/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the other executables beside the running one. */
#include <config.h>

#include "launcher/paths.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folder of the running executable; 0, or -1 where it is not to be had. */
static int own_folder(char *buf, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", buf, size - 1);
	char *slash;

	if (n < 0)
		return -1;
	buf[n] = '\0';
	slash = strrchr(buf, '/');
	if (!slash)
		return -1;
	*slash = '\0';
	return 0;
}

char *paths_find(const char *folder, const char *name)
{
	char own[PATH_MAX];
	char *path;

	if (own_folder(own, sizeof(own)) == 0 && strcmp(own, TAPFEED_BINDIR)) {
		if (asprintf(&path, "%s/../%s/%s", own, folder, name) < 0)
			return NULL;
		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return asprintf(&path, "%s/%s", TAPFEED_LIBEXECDIR, name) < 0 ? NULL
								      : path;
}
