/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of capture/sender.c: a sender, and the injector's end of its
 * feed. */
#ifndef TAPFEED_TESTS_UNIT_SENDERFEED_H
#define TAPFEED_TESTS_UNIT_SENDERFEED_H

#include "tests/unit/unit.h"

#include <endian.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "capture/sender.h"
#include "common/clock.h"
#include "common/fd.h"
#include "common/frame.h"
#include "common/log.h"
#include "common/signals.h"
#include "proto/feed.pb-c.h"
#include "proto/limits.h"

static struct sender *sender;
static int far;
static int control = -1, near_control = -1;
static struct counters_capture counters;

/* With nothing but the feed: no new one can come. */
static inline int set_up_alone(void **state)
{
	int ends[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	log_init((enum log_level)0, NULL, false);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		return -1;
	far = ends[1];
	control = -1;
	return sender_new(ends[0], -1, "a.pcap", 0, &sender);
}

static inline int set_up(void **state)
{
	int ends[2], control_ends[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	log_init((enum log_level)0, NULL, false);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, control_ends) < 0)
		return -1;
	far = ends[1];
	control = control_ends[1];
	near_control = control_ends[0];
	return sender_new(ends[0], near_control, "a.pcap", 0, &sender);
}

static inline int tear_down(void **state)
{
	(void)state;
	sender_free(sender);
	sender = NULL;
	fd_close(&far);
	fd_close(&control);
	fd_close(&near_control);
	return 0;
}

/* A packet of one frame: len bytes of that value. */
static inline int add_frame(uint32_t len, uint32_t original_len,
			    uint64_t time_ns, uint8_t value)
{
	int r = sender_open(sender, 1, len, time_ns);

	if (r == 0)
		memset(sender_frame(sender, len, original_len), value, len);
	return r;
}

/* The next message of the sender, or NULL at the end. Blocks. */
static inline Tapfeed__Frame *hear(void)
{
	static uint8_t body[TAPFEED_FEED_FRAME_MAX];
	uint32_t len;

	if (recv(far, &len, sizeof(len), MSG_WAITALL) != sizeof(len))
		return NULL;
	len = be32toh(len);
	if (len == 0 || len > sizeof(body) ||
	    recv(far, body, len, MSG_WAITALL) != (ssize_t)len)
		return NULL;
	return tapfeed__frame__unpack(NULL, len, body);
}

/* The same where the end is a failure. */
static inline Tapfeed__Frame *must_hear(void)
{
	Tapfeed__Frame *frame = hear();

	if (!frame)
		abort();
	return frame;
}

static inline void say_raw(const void *body, size_t len)
{
	uint8_t header[TAPFEED_FEED_HEADER_BYTES];

	frame_header(header, len);
	(void)!write(far, header, sizeof(header));
	(void)!write(far, body, len);
}

static inline void say(const Tapfeed__Frame *frame)
{
	uint8_t body[256];

	say_raw(body, tapfeed__frame__pack(frame, body));
}

static inline void say_welcome(uint32_t version)
{
	Tapfeed__Welcome welcome = TAPFEED__WELCOME__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;

	welcome.version = version;
	welcome.mtu = 1500;
	welcome.kind = TAPFEED_TUN;
	frame.message_case = TAPFEED__FRAME__MESSAGE_WELCOME;
	frame.welcome = &welcome;
	say(&frame);
}

static inline void say_report(uint64_t injected)
{
	Tapfeed__Report report = TAPFEED__REPORT__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;

	report.injected = injected;
	frame.message_case = TAPFEED__FRAME__MESSAGE_REPORT;
	frame.report = &report;
	say(&frame);
}

static inline void say_stop(void)
{
	say_raw("\x2a\x00", 2);
}

static inline int open_gate(void)
{
	say_welcome(TAPFEED_FEED_VERSION);
	return sender_wait(sender, NULL, 0, CLOCK_NEVER);
}

static inline int set_up_open(void **state)
{
	return set_up(state) < 0 || open_gate() < 0 ? -1 : 0;
}

static inline int set_up_alone_open(void **state)
{
	return set_up_alone(state) < 0 || open_gate() < 0 ? -1 : 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define OPEN(name) cmocka_unit_test_setup_teardown(name, set_up_open, tear_down)
#define ALONE(name)                                                            \
	cmocka_unit_test_setup_teardown(name, set_up_alone_open, tear_down)

#endif
