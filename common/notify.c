/* SPDX-License-Identifier: Apache-2.0 */
/* The sd_notify(3) protocol. Nothing is received. */
#include <config.h>

#include "common/notify.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/fd.h"
#include "common/fdpass.h"

static int notify_fd = -1;
static bool notify_by_path; /* systemd listens, not tapfeed */

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	socklen_t size;

	if (len == 0 || len >= sizeof(address.sun_path))
		return -EINVAL;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0'; /* abstract */
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify_fd < 0)
		return -errno;
	if (connect(notify_fd, (struct sockaddr *)&address, size) < 0) {
		int error = errno;

		fd_close(&notify_fd);
		return -error;
	}
	return 0;
}

int notify_init(int fd)
{
	const char *path = getenv("NOTIFY_SOCKET");

	notify_fd = fd;
	notify_by_path = fd < 0 && path;
	return notify_by_path ? connect_to(path) : 0;
}

int notify_store(const int *fds, size_t n)
{
	static const char text[] = "FDSTORE=1\nFDNAME=interface";

	if (!notify_by_path || notify_fd < 0)
		return 0;
	return fdpass_send(notify_fd, text, strlen(text), fds, n);
}

int notify_descriptor(void)
{
	return notify_fd;
}

void notify_send(const char *text)
{
	if (notify_fd >= 0)
		(void)send(notify_fd, text, strlen(text),
			   MSG_DONTWAIT | MSG_NOSIGNAL);
}
