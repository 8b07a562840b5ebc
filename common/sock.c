/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor may be anything: its giver is not trusted. */
#include <config.h>

#include "common/sock.h"

#include <sys/socket.h>

static bool option_is(int fd, int option, int wanted)
{
	socklen_t size = sizeof(wanted);
	int value;

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 &&
	       value == wanted;
}

bool sock_is_connected(int fd, int type)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);

	return option_is(fd, SO_DOMAIN, AF_UNIX) &&
	       option_is(fd, SO_TYPE, type) &&
	       option_is(fd, SO_ACCEPTCONN, 0) &&
	       getpeername(fd, (struct sockaddr *)&address, &len) == 0;
}
