/* SPDX-License-Identifier: Apache-2.0 */
/* Feed sockets. The path is the caller's, and used with the caller's rights. */
#include <config.h>

#include "launcher/feedpath.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

static int connect_to(const char *path, int type)
{
	struct sockaddr_un address;
	int r = make_address(path, &address);
	int fd;

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

int feedpath_connect(const char *path)
{
	return connect_to(path, SOCK_STREAM);
}

/* Takes away a socket that nobody listens on. 0, or why not. */
static int clear(int dir_fd, const char *name, const char *path, int type)
{
	struct stat st;
	int fd;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = connect_to(path, type);
	if (fd != -ECONNREFUSED) {
		fd_close(&fd);
		return -EADDRINUSE;
	}
	return unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* Opens the directory of path: to remove what is in it takes no more. 0 or a
 * negative errno. */
static int open_folder(struct feedpath *feedpath, const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path)] = ".";

	feedpath->name = slash ? slash + 1 : path;
	if (slash)
		snprintf(folder, sizeof(folder), "%.*s/", (int)(slash - path),
			 path);
	feedpath->dir_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return feedpath->dir_fd < 0 ? -errno : 0;
}

/* The socket itself. The fd or a negative errno. */
static int make_socket(struct feedpath *feedpath,
		       const struct sockaddr_un *address, int type,
		       const struct users_id *owner)
{
	const mode_t mode = type == SOCK_STREAM ? 0660 : 0600;
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The file gets the mode that the socket has, less the umask. */
	mode_t mask = umask(0);
	int r = 0;

	if (fd < 0 || fchmod(fd, mode) < 0 ||
	    bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		r = -errno;
	umask(mask);
	if (r == 0)
		r = runtime_give(feedpath->dir_fd, feedpath->name, owner,
				 &feedpath->file);
	if (r == 0 && type == SOCK_STREAM && listen(fd, TAPFEED_PEERS_MAX) < 0)
		r = -errno;
	if (r < 0)
		fd_close(&fd);
	return r < 0 ? r : fd;
}

int feedpath_listen(struct feedpath *ret_feedpath, const char *path, int type,
		    const struct users_id *owner)
{
	struct sockaddr_un address;
	int r = make_address(path, &address);

	*ret_feedpath = (struct feedpath){ .dir_fd = -1 };
	if (r == 0)
		r = open_folder(ret_feedpath, path);
	if (r == 0)
		r = clear(ret_feedpath->dir_fd, ret_feedpath->name, path, type);
	if (r == 0)
		r = make_socket(ret_feedpath, &address, type, owner);
	if (r < 0)
		feedpath_remove(ret_feedpath);
	return r;
}

int feedpath_dir_fd(const struct feedpath *feedpath)
{
	return feedpath->dir_fd;
}

void feedpath_remove(struct feedpath *feedpath)
{
	if (feedpath->dir_fd >= 0)
		runtime_remove(feedpath->dir_fd, feedpath->name,
			       &feedpath->file);
	feedpath->file.inode = 0;
	fd_close(&feedpath->dir_fd);
}
