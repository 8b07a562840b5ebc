/* SPDX-License-Identifier: Apache-2.0 */
/* Feed sockets. The path is the caller's, and used with the caller's rights. */
#include <config.h>

#include "launcher/feedpath.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/fd.h"
#include "proto/limits.h"

static int make_address(const char *path, struct sockaddr_un *address)
{
	size_t len = strlen(path);

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len == 0 || len >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	memcpy(address->sun_path, path, len);
	return 0;
}

int feedpath_connect(const char *path)
{
	struct sockaddr_un address;
	int r = make_address(path, &address);
	int fd;

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

/* Takes away a socket that nobody listens on. 0, or why not. */
static int clear(const char *path)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = feedpath_connect(path);
	if (fd != -ECONNREFUSED) {
		fd_close(&fd);
		return -EADDRINUSE;
	}
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

int feedpath_listen(const char *path)
{
	struct sockaddr_un address;
	int r = make_address(path, &address);
	mode_t mask;
	int fd = -1;

	if (r == 0)
		r = clear(path);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The file gets the mode that the socket has, less the umask. */
	mask = umask(0);
	if (fd < 0 || fchmod(fd, 0660) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, TAPFEED_PEERS_MAX) < 0)
		r = -errno;
	umask(mask);
	if (r < 0)
		fd_close(&fd);
	return r < 0 ? r : fd;
}

void feedpath_remove(const char *path)
{
	(void)unlink(path);
}
