/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the control socket of injector and capture. The input is a list of
 * messages, each a byte that says how many descriptors of which sort go with
 * it, a byte for its length, and its bytes. No descriptor is ever left open,
 * and one that is handed on is a connected stream; the last good message of
 * each kind is what is taken.
 */
#include <config.h>

#include "tests/fuzz/fuzz.h"

#include "common/fdpass.h"
#include "common/log.h"
#include "common/sock.h"
#include "injector/control.h"

#define MESSAGES_MAX 8
#define FDS_MAX	     3

static int sorts[4]; /* a connected stream, a datagram socket, a file, ... */

static void make_sorts(void)
{
	int ends[2];
	int r = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);

	assert(r == 0);
	sorts[0] = ends[0];
	sorts[1] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	sorts[2] = open("/dev/null", O_RDWR | O_CLOEXEC);
	sorts[3] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(sorts[1] >= 0 && sorts[2] >= 0 && sorts[3] >= 0);
	log_init((enum log_level)0, NULL, false);
}

/* Of the numbers that a run may come to. */
static unsigned int open_fds(void)
{
	unsigned int n = 0;

	for (int fd = 0; fd < 64; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* What the messages sent so far come to. */
struct expected {
	bool feed, gate;
	uint64_t frames_taken;
	struct worker_gate said;
};

static void expect(struct expected *expected, const uint8_t *data, size_t len,
		   size_t n, bool stream)
{
	struct worker_feed feed;
	struct worker_gate gate;

	if (len == sizeof(feed) && n == 1 && stream) {
		memcpy(&feed, data, sizeof(feed));
		if (feed.version != WORKER_VERSION || feed.reserved != 0)
			return;
		expected->feed = true;
		expected->frames_taken = feed.frames_taken;
	} else if (len == sizeof(gate) && n == 0) {
		memcpy(&gate, data, sizeof(gate));
		if (gate.version != WORKER_VERSION || gate.flags > 3 ||
		    gate.reserved != 0)
			return;
		expected->gate = true;
		expected->said = gate;
	}
}

/* Sends one message off the input. */
static void send_one(int sock, const uint8_t **data, size_t *size,
		     struct expected *expected)
{
	int fds[FDS_MAX];
	uint8_t how = (*data)[0];
	size_t n = how & 3;
	size_t len = (*data)[1] % 40;

	*data += 2;
	*size -= 2;
	len = len < *size ? len : *size;
	for (size_t i = 0; i < n; i++)
		fds[i] = sorts[how >> (2 + 2 * i) & 3];
	if (fdpass_send(sock, *data, len, fds, n) == 0)
		expect(expected, *data, len, n, (how >> 2 & 3) == 0);
	*data += len;
	*size -= len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct expected expected = { 0 };
	struct control control;
	unsigned int fds;
	int ends[2], r;

	if (sorts[0] == 0)
		make_sorts();
	fds = open_fds();
	r = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
	assert(r == 0);
	for (int i = 0; i < MESSAGES_MAX && size >= 2; i++)
		send_one(ends[1], &data, &size, &expected);
	control_take(ends[0], &control);
	assert(!control.end);
	assert((control.feed_fd >= 0) == expected.feed);
	assert(control.gate_said == expected.gate);
	if (expected.gate)
		assert(memcmp(&control.gate, &expected.said,
			      sizeof(control.gate)) == 0);
	if (expected.feed) {
		assert(control.frames_taken == expected.frames_taken);
		assert(sock_is_connected(control.feed_fd, SOCK_STREAM));
		assert(fcntl(control.feed_fd, F_GETFD) & FD_CLOEXEC);
		close(control.feed_fd);
	}
	/* Somebody who looks at /proc/PID/fd may hold it a moment longer. */
	shutdown(ends[1], SHUT_RDWR);
	close(ends[1]);
	control_take(ends[0], &control);
	assert(control.end);
	close(ends[0]);
	assert(open_fds() == fds);
	return 0;
}
