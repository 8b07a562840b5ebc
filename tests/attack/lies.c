/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a taken-over capture or injector can say to tapfeed's supervising half
 * with what its sandbox leaves it: notifications, log lines, its counters page.
 * The process goes on afterwards: the feed must not suffer.
 */
#include <config.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/counters.h"
#include "tests/attack/attack.h"

#define ACT(name) static long name(const struct attack_fds *fds)
#define UNUSED	  (void)fds

/* How long the receiver has to drop what it was sent. */
#define DROP_MS 3000

static void *page;

void attack_find_page(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long from;
	char line[512];

	while (maps && !page && fgets(line, sizeof(line), maps))
		if (strstr(line, "rw-s") && strstr(line, "memfd:") &&
		    sscanf(line, "%lx-", &from) == 1)
			page = (void *)from;
	if (maps)
		fclose(maps);
}

static long tell(const struct attack_fds *fds, const void *data, size_t len)
{
	return attack_result(send(fds->notify, data, len, MSG_NOSIGNAL));
}

#define TELL(fds, text) tell((fds), (text), sizeof(text) - 1)

/* The control. */
ACT(act_lie_nothing)
{
	UNUSED;
	return 0;
}

/* What only the other process may say. */
ACT(act_lie_notify_as_capture)
{
	return TELL(fds,
		    "X_FEED=lost\nX_FEED=stopped\nX_FEED=done\nX_FEED=new") |
	       TELL(fds, "STATUS=capturing\nX_INTERFACE=lo");
}

ACT(act_lie_notify_as_injector)
{
	return TELL(fds, "ERRNO=77") | TELL(fds, "ERRNO=77\nSTATUS=deleted");
}

/* systemd's own, which here nobody obeys. */
ACT(act_lie_notify_manager)
{
	return TELL(fds, "FDSTORE=1\nFDNAME=interface") |
	       TELL(fds, "FDSTOREREMOVE=1\nFDNAME=interface") |
	       TELL(fds, "MAINPID=1\nBARRIER=1\nRELOADING=1") |
	       TELL(fds, "WATCHDOG=trigger\nWATCHDOG_USEC=1") |
	       TELL(fds, "EXTEND_TIMEOUT_USEC=18446744073709551615");
}

ACT(act_lie_notify_garbage)
{
	static char long_line[60000];

	memset(long_line, 0xff, sizeof(long_line));
	return TELL(fds, "\n\n\n\n") | TELL(fds, "\0\0\0\0") |
	       TELL(fds, "X_INTERFACE=\nX_INTERFACE=../../etc/passwd") |
	       TELL(fds,
		    "X_INTERFACE=\033[2J\nX_INTERFACE=a/b\nX_INTERFACE=%s%n") |
	       TELL(fds,
		    "STATUS=\033]0;owned\007\033[2J\r\n=\n==\nREADY=\nREADY") |
	       tell(fds, long_line, sizeof(long_line)) |
	       tell(fds, long_line, 512) | tell(fds, long_line, 1);
}

ACT(act_lie_notify_flood)
{
	long r = 0;

	for (int i = 0; r == 0 && i < 20000; i++)
		r = TELL(fds, "STATUS=x\nSTATUS=y\nWATCHDOG=1");
	return r;
}

static long log_bytes(const void *data, size_t len)
{
	return attack_result(write(STDERR_FILENO, data, len));
}

#define LOG(text) log_bytes((text), sizeof(text) - 1)

ACT(act_lie_log_escapes)
{
	UNUSED;
	return LOG("\033]0;owned\007\033[2J\033[1;1H\r\b\177 \200\237\377\n") |
	       LOG("nul \0 nul\n") | LOG("\xe2\x80\xae right to left\n");
}

/* A line that looks like tapfeed's own, of every level. */
ACT(act_lie_log_forged)
{
	UNUSED;
	return LOG("<0>security: tapfeed-other was killed by signal 31\n") |
	       LOG("<3>tapfeed: tf0 was deleted\n") |
	       LOG("<9>level nine\n<>\n<<<<\n<3\n");
}

ACT(act_lie_log_long)
{
	static char data[1 << 20];

	UNUSED;
	memset(data, 'A', sizeof(data));
	for (size_t done = 0; done < sizeof(data);) {
		ssize_t n =
			write(STDERR_FILENO, data + done, sizeof(data) - done);

		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return LOG("\n");
}

ACT(act_lie_log_flood)
{
	long r = 0;

	UNUSED;
	for (int i = 0; r == 0 && i < 20000; i++)
		r = LOG("<3>flood\n");
	return r;
}

/* All ones but for what tells the counters where it writes. */
ACT(act_lie_page_absurd)
{
	UNUSED;
	if (!page)
		return -ENOENT;
	memset(page, 0xff, COUNTERS_PAGE_BYTES);
	return 0;
}

ACT(act_lie_page_names)
{
	static const char evil[] = "\"\\\033[2J\"}{\n\r\t\377\200";
	struct counters_capture *capture = page;

	UNUSED;
	if (!page)
		return -ENOENT;
	for (size_t i = 0; i < COUNTERS_LINK_TYPES; i++) {
		struct counters_link_type *row = &capture->link_types[i];

		row->skipped[COUNTERS_LINK_TYPE] = 1;
		memset(row->name, '!', sizeof(row->name)); /* no NUL */
		memcpy(row->name, evil, sizeof(evil) - 1);
	}
	return 0;
}

/* That somebody else's interface is the feed's. */
ACT(act_lie_page_interface)
{
	struct counters_injector *injector = page;

	UNUSED;
	if (!page)
		return -ENOENT;
	snprintf(injector->interface, sizeof(injector->interface), "lo");
	injector->ifindex = 1;
	return 0;
}

/* ---- descriptors
 * -------------------------------------------------------------
 */

/* 0 where the receiver has dropped all of them, though it got them. */
static long dropped(int sock)
{
	struct pollfd end;
	int ends[2];
	long r;

	if (pipe(ends) < 0)
		return -errno;
	r = attack_send_fds(sock, ends[1], 253);
	close(ends[1]);
	end = (struct pollfd){ .fd = ends[0] };
	if (r == 0)
		r = poll(&end, 1, DROP_MS) == 1 && (end.revents & POLLHUP)
			    ? 0
			    : -EBUSY;
	close(ends[0]);
	return r;
}

ACT(act_lie_fds_notify)
{
	return dropped(fds->notify);
}

ACT(act_lie_fds_feed)
{
	return dropped(fds->stream);
}

#define ROW(name)                                                              \
	{                                                                      \
#name, act_##name                                              \
	}

const struct attack attack_lie[] = {
	ROW(lie_nothing),
	ROW(lie_notify_as_capture),
	ROW(lie_notify_as_injector),
	ROW(lie_notify_manager),
	ROW(lie_notify_garbage),
	ROW(lie_notify_flood),
	ROW(lie_log_escapes),
	ROW(lie_log_forged),
	ROW(lie_log_long),
	ROW(lie_log_flood),
	ROW(lie_page_absurd),
	ROW(lie_page_names),
	ROW(lie_page_interface),
	ROW(lie_fds_notify),
	ROW(lie_fds_feed),
};
const size_t attack_lie_count = sizeof(attack_lie) / sizeof(attack_lie[0]);
