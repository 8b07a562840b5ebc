/* SPDX-License-Identifier: Apache-2.0 */
/* Not by syslog(3): it connects late, and reads the time zone's file. */
#include <config.h>

#include "common/audit.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"

int audit_open(void)
{
	static const struct sockaddr_un log = { AF_UNIX, _PATH_LOG };
	static const struct timeval wait = { .tv_sec = 1 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 &&
	    (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0 ||
	     connect(fd, (const struct sockaddr *)&log, sizeof(log)) < 0))
		fd_close(&fd);
	return fd;
}

void audit_send(int fd, const char *program, bool warning, const char *text)
{
	char line[LOG_LINE_MAX];

	if (fd < 0)
		return;
	/* The daemon puts its own time where none is. */
	snprintf(line, sizeof(line), "<%d>%s[%d]: %s",
		 LOG_AUTHPRIV | (warning ? LOG_WARNING : LOG_INFO), program,
		 (int)getpid(), text);
	(void)send(fd, line, strlen(line), MSG_NOSIGNAL);
}
