/* SPDX-License-Identifier: Apache-2.0 */
/* Input: files of root's and the kernel's. */
#include <config.h>

#include "common/service.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"

int service_folder(char *buf, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", buf, size - 1);
	char *slash;

	if (n < 0)
		return -errno;
	buf[n] = '\0';
	slash = strrchr(buf, '/');
	if (!slash)
		return -ENOENT;
	*slash = '\0';
	return 0;
}

bool service_installed(void)
{
	char folder[PATH_MAX];

	return service_folder(folder, sizeof(folder)) == 0 &&
	       (strcmp(folder, TAPFEED_BINDIR) == 0 ||
		strcmp(folder, TAPFEED_LIBEXECDIR) == 0);
}

/* Whether this user namespace knows the user: user_namespaces(7). */
static bool is_mapped(uid_t uid)
{
	char text[4096] = "";
	int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	const char *line = text;
	unsigned long long first, parent, count;
	int used;

	if (fd < 0)
		return true; /* then becoming that user says what is wrong */
	(void)!fd_read(fd, text, sizeof(text) - 1);
	close(fd);
	while (sscanf(line, "%llu %llu %llu%n", &first, &parent, &count,
		      &used) == 3) {
		if (uid >= first && uid - first < count)
			return true;
		line += used;
	}
	return false;
}

int service_user(const char *name, struct users_id *id,
		 const struct users_id **ret_user)
{
	int r;

	*ret_user = NULL;
	if (geteuid() != 0)
		return 0;
	r = users_find(service_installed() ? name : SERVICE_NOBODY, id);
	if (r == 0 && is_mapped(id->uid))
		*ret_user = id;
	/* Root of a namespace without users needs none. */
	return r == -ENOENT && !is_mapped(65534) ? 0 : r;
}
