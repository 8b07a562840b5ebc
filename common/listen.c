/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors handed over at start. The environment may be anybody's. */
#include <config.h>

#include "common/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/parse.h"

#define NAME_SIZE 32

static struct {
	int fd;
	char name[NAME_SIZE];
} handed[LISTEN_FDS_MAX];
static size_t handed_count;

/* Names are separated by colons; a missing or long one stays empty. */
static void read_names(const char *names)
{
	for (size_t i = 0; i < handed_count && names; i++) {
		size_t len = strcspn(names, ":");

		if (len < NAME_SIZE)
			memcpy(handed[i].name, names, len);
		names = names[len] == ':' ? names + len + 1 : NULL;
	}
}

static int read_environment(void)
{
	const char *pid_text = getenv("LISTEN_PID");
	const char *fds_text = getenv("LISTEN_FDS");
	uint64_t pid, fds;

	if (!pid_text || !fds_text)
		return 0;
	if (parse_number(pid_text, 1, INT32_MAX, &pid) < 0 ||
	    parse_number(fds_text, 0, LISTEN_FDS_MAX, &fds) < 0)
		return -EINVAL;
	if (pid != (uint64_t)getpid())
		return 0; /* meant for another process: as sd_listen_fds */
	handed_count = (size_t)fds;
	for (size_t i = 0; i < handed_count; i++) {
		handed[i].fd = LISTEN_FDS_START + (int)i;
		if (fcntl(handed[i].fd, F_SETFD, FD_CLOEXEC) < 0)
			return -EINVAL;
	}
	read_names(getenv("LISTEN_FDNAMES"));
	return 0;
}

int listen_init(void)
{
	int r = read_environment();

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (r < 0)
		return r;
	return fd_close_from(LISTEN_FDS_START + (int)handed_count);
}

int listen_take(const char *name)
{
	for (size_t i = 0; i < handed_count; i++) {
		int fd = handed[i].fd;

		if (fd < 0 || strcmp(handed[i].name, name) != 0)
			continue;
		handed[i].fd = -1;
		return fd;
	}
	return -1;
}

void listen_done(void)
{
	for (size_t i = 0; i < handed_count; i++)
		fd_close(&handed[i].fd);
}
