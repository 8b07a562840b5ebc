/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes notifications (sd_notify(3) and our own): the first byte chooses who
 * speaks and what sort of feed it is, 16 bytes are the name on the injector's
 * page, the rest is what is said, a datagram for each NUL in it. No name is
 * taken over that is none, and nobody says another's lines.
 */
#include <config.h>

#include "tests/fuzz/fuzz.h"

#include "common/ifname.h"
#include "common/log.h"
#include "launcher/notices.h"

static struct counters_injector page = { .ifindex = 7 };
static struct counters_capture capture_page;

/* The sockets stay, all else is as at a start. */
static void feed_begin(struct feed *feed, uint8_t how)
{
	if (!feed->link.socket) {
		assert(linkwatch_init(&feed->link) == 0);
		assert(sourcewatch_init(&feed->sources, NULL, 0) == 0);
	}
	*feed = (struct feed){
		.injector = &page,
		.capture = &capture_page,
		.link = feed->link,
		.sources = feed->sources,
		.spawner_fd = -1,
		.name = "tf%d",
		.what = "tap",
		.command = "live",
		.joins = how & 2 ? "/nowhere" : NULL,
		.wait_for_capture = how & 4,
		.ready = how & 8,
		.capturing = how & 16,
		.status = { .dir = { .fd = -1 }, .listen_fd = -1 },
		.deadline_ns = CLOCK_NEVER,
		.lost_ns = CLOCK_NEVER,
	};
	for (int i = 0; i < FEED_CHILDREN; i++) {
		feed->processes[i].notify_fd = -1;
		feed->processes[i].control_fd = -1;
		feed->processes[i].log.fd = -1;
	}
}

static void check_feed(const struct feed *feed, enum feed_child child,
		       const struct feed *before)
{
	const char *name = feed->interface;

	assert(strnlen(name, sizeof(feed->interface)) < TAPFEED_IFNAME_SIZE);
	/* Of an interface that another tapfeed made, its capture says it. */
	assert(!feed->up || feed->joins || ifname_matches("tf%d", name));
	assert(!*name || ifname_valid(name) || !feed->up);
	assert(feed->ready == before->ready || child == FEED_INJECTOR);
	assert(feed->deleted == before->deleted || child == FEED_INJECTOR);
	assert(feed->capturing == before->capturing || child == FEED_CAPTURE);
	assert(feed->done == before->done || child == FEED_CAPTURE);
	assert(feed->failed == before->failed || feed->joins);
	for (int i = 0; i < FEED_CHILDREN; i++)
		assert(!feed->processes[i].stopping || i == (int)child);
}

/* One datagram; returns the bytes of the input that it took. */
static size_t say(int sock, const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, '\0', size);
	size_t len = end ? (size_t)(end - data) : size;

	(void)send(sock, data, len, MSG_DONTWAIT);
	return end ? len + 1 : size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct feed feed, before;
	enum feed_child child;
	int ends[2], r;

	if (size < 1 + sizeof(page.interface))
		return 0;
	log_init((enum log_level)0, NULL, false);
	feed_begin(&feed, data[0]);
	child = data[0] & 1 ? FEED_INJECTOR : FEED_CAPTURE;
	memcpy(page.interface, data + 1, sizeof(page.interface));
	data += 1 + sizeof(page.interface);
	size -= 1 + sizeof(page.interface);
	r = socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends);
	assert(r == 0);
	feed.processes[child].notify_fd = ends[0];
	while (size > 0) {
		size_t n = say(ends[1], data, size);

		data += n;
		size -= n;
		before = feed;
		notices_read(&feed, child);
		check_feed(&feed, child, &before);
	}
	if (feed.processes[child].notify_fd >= 0)
		close(feed.processes[child].notify_fd);
	close(ends[1]);
	return 0;
}
