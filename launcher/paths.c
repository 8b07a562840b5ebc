/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the other executables beside the running one. */
#include <config.h>

#include "launcher/paths.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/service.h"

char *paths_find(const char *folder, const char *name)
{
	char own[PATH_MAX];
	char *path;

	if (service_folder(own, sizeof(own)) == 0 &&
	    strcmp(own, TAPFEED_BINDIR)) {
		if (asprintf(&path, "%s/../%s/%s", own, folder, name) < 0)
			return NULL;
		if (access(path, F_OK) == 0)
			return path;
		free(path);
	}
	return asprintf(&path, "%s/%s", TAPFEED_LIBEXECDIR, name) < 0 ? NULL
								      : path;
}
