/* SPDX-License-Identifier: Apache-2.0 */
/* Where the feed comes from. Nothing of it is read here. */
#include <config.h>

#include "capture/feed.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/fd.h"
#include "common/listen.h"
#include "common/log.h"
#include "proto/limits.h"

/* Connects to a listening feed socket. The fd or a negative errno. */
static int connect_feed(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = 0;

	if (fd < 0)
		return -errno;
	memcpy(address.sun_path, path,
	       strlen(path)); /* its length was checked */
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		r = -errno;
	if (r < 0)
		fd_close(&fd);
	return r < 0 ? r : fd;
}

int feed_find(const char *path, int control_fd, int *ret_fd)
{
	int fd = listen_take("feed");

	if (fd < 0 && path && control_fd < 0) {
		fd = connect_feed(path);
		if (fd < 0) {
			log_error("no feed behind %s: %s", path,
				  log_errno(-fd));
			return fd == -EACCES ? TAPFEED_EXIT_PERMISSION
					     : TAPFEED_EXIT_USAGE;
		}
	}
	if (fd < 0 && control_fd < 0) {
		log_error("no descriptor named \"feed\" was handed over; "
			  "start me through tapfeed");
		return TAPFEED_EXIT_USAGE;
	}
	*ret_fd = fd;
	return 0;
}
