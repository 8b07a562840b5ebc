/* SPDX-License-Identifier: Apache-2.0 */
/* The feed, from capture's side. The injector's messages are hostile. */
#include <config.h>

#include "capture/sender.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/frame.h"
#include "common/log.h"
#include "common/signals.h"
#include "proto/feed.pb-c.h"
#include "proto/limits.h"

/*
 * After stop: the injector drains for TAPFEED_DRAIN_DEADLINE_S and then reads
 * what is left; one that does not is given up.
 */
#define LAST_WORDS_NS ((TAPFEED_DRAIN_DEADLINE_S + 3) * NS_PER_S)

/* The injector's messages are small. */
#define IN_MAX_BYTES 256u

/* More than TAPFEED_BATCH_TARGET_BYTES only for one packet alone. */
#define PAYLOAD_MAX_BYTES TAPFEED_FRAME_MAX_BYTES

/* Four columns of 4, 4, 8 and 4 bytes a packet; tags and lengths. */
#define COLUMNS_MAX_BYTES (TAPFEED_BATCH_MAX_PACKETS * 20u + 256u)

static_assert(TAPFEED_BATCH_TARGET_BYTES + COLUMNS_MAX_BYTES <=
		      TAPFEED_FEED_FRAME_MAX,
	      "a full batch fits in a frame");
static_assert(PAYLOAD_MAX_BYTES + 256u + CONVERT_FRAMES_MAX * 20u <=
		      TAPFEED_FEED_FRAME_MAX,
	      "a packet alone fits in a frame");

struct sender {
	int fd;
	int control_fd;
	bool welcome;
	bool stop;
	uint64_t deadline_ns; /* after stop: for all that is left to be said */
	bool ended;	      /* End was sent */
	bool report;
	uint64_t sequence; /* of the next packet to be added */
	struct frame_reader in;
	/* The batch being collected. */
	uint64_t batch_sequence;
	size_t count;
	size_t payload_len;
	uint32_t captured_len[TAPFEED_BATCH_MAX_PACKETS];
	uint32_t original_len[TAPFEED_BATCH_MAX_PACKETS];
	uint64_t time_ns[TAPFEED_BATCH_MAX_PACKETS];
	uint32_t flags[TAPFEED_BATCH_MAX_PACKETS];
	bool any_flags;
	uint8_t payload[PAYLOAD_MAX_BYTES];
	/* The frame being sent. */
	uint8_t out[TAPFEED_FEED_HEADER_BYTES + TAPFEED_FEED_FRAME_MAX];
};

int sender_new(int feed_fd, int control_fd, struct sender **ret_sender)
{
	struct sender *sender = calloc(1, sizeof(*sender));
	int r;

	if (!sender)
		return -ENOMEM;
	sender->fd = feed_fd;
	sender->control_fd = control_fd;
	r = frame_reader_init(&sender->in, IN_MAX_BYTES);
	if (r == 0)
		r = fd_set_nonblock(feed_fd);
	if (r < 0)
		sender_free(sender);
	else
		*ret_sender = sender;
	return r;
}

void sender_free(struct sender *sender)
{
	if (!sender)
		return;
	frame_reader_done(&sender->in);
	fd_close(&sender->fd);
	free(sender);
}

static void note_stop(struct sender *sender)
{
	if (sender->stop)
		return;
	sender->stop = true;
	sender->deadline_ns = clock_now_ns() + LAST_WORDS_NS;
}

static int on_message(struct sender *sender, const Tapfeed__Frame *frame)
{
	switch (frame->message_case) {
	case TAPFEED__FRAME__MESSAGE_WELCOME:
		if (sender->welcome ||
		    frame->welcome->version != TAPFEED_FEED_VERSION)
			return -EPROTO;
		sender->welcome = true;
		return 0;
	case TAPFEED__FRAME__MESSAGE_STOP:
		note_stop(sender);
		return 0;
	case TAPFEED__FRAME__MESSAGE_REPORT:
		if (!sender->ended || sender->report)
			return -EPROTO;
		sender->report = true;
		log_debug("the injector reports %llu injected, %llu dropped, "
			  "%llu errors",
			  (unsigned long long)frame->report->injected,
			  (unsigned long long)frame->report->dropped,
			  (unsigned long long)frame->report->errors);
		return 0;
	case TAPFEED__FRAME__MESSAGE__NOT_SET:
	case TAPFEED__FRAME__MESSAGE_HELLO:
	case TAPFEED__FRAME__MESSAGE_BATCH:
	case TAPFEED__FRAME__MESSAGE_END:
	default:
		return -EPROTO;
	}
}

/* Acts on the whole messages that are there. */
static int take_messages(struct sender *sender)
{
	const uint8_t *body;
	size_t len;
	int r;

	while ((r = frame_reader_next(&sender->in, &body, &len)) > 0) {
		Tapfeed__Frame *frame = tapfeed__frame__unpack(NULL, len, body);

		if (!frame)
			return -EPROTO;
		r = on_message(sender, frame);
		tapfeed__frame__free_unpacked(frame, NULL);
		if (r < 0)
			return r;
	}
	return r;
}

static int receive(struct sender *sender)
{
	ssize_t n = frame_reader_fill(&sender->in, sender->fd);

	if (n == 0 || n == -ECONNRESET)
		return -EPIPE;
	if (n < 0)
		return n == -EAGAIN ? 0 : (int)n;
	return take_messages(sender);
}

/* One poll. feed_events: POLLOUT where there is something to send, else 0. */
static int wait_for(struct sender *sender, int source_fd, short feed_events,
		    uint64_t deadline_ns)
{
	struct pollfd fds[] = {
		{ .fd = sender->fd, .events = POLLIN | feed_events },
		{ .fd = sender->control_fd, .events = POLLIN },
		{ .fd = source_fd, .events = POLLIN },
	};
	int r;

	/* One that came outside fd_poll() does not wake it. */
	if (signals_stop_count() > 0 && !sender->stop) {
		note_stop(sender);
		deadline_ns = 0;
	}
	if (sender->stop && clock_now_ns() >= sender->deadline_ns)
		return -ETIMEDOUT;
	if (sender->stop && sender->deadline_ns < deadline_ns)
		deadline_ns = sender->deadline_ns;
	r = fd_poll(fds, 3, deadline_ns);
	if (r < 0)
		return r;
	if (fds[1].revents) { /* nothing is ever sent on it: its end */
		sender->control_fd = -1;
		note_stop(sender);
	}
	if (signals_stop_count() > 0)
		note_stop(sender);
	if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
		return receive(sender);
	return 0;
}

int sender_wait(struct sender *sender, int source_fd, uint64_t deadline_ns)
{
	return wait_for(sender, source_fd, 0, deadline_ns);
}

bool sender_welcome(const struct sender *sender)
{
	return sender->welcome;
}

bool sender_stop(const struct sender *sender)
{
	return sender->stop;
}

static int send_frame(struct sender *sender, const Tapfeed__Frame *frame)
{
	size_t len = tapfeed__frame__get_packed_size(frame);
	size_t done = 0;

	assert(len <= TAPFEED_FEED_FRAME_MAX);
	frame_header(sender->out, len);
	tapfeed__frame__pack(frame, sender->out + TAPFEED_FEED_HEADER_BYTES);
	len += TAPFEED_FEED_HEADER_BYTES;
	while (done < len) {
		ssize_t n =
			fd_write(sender->fd, sender->out + done, len - done);
		int r;

		if (n >= 0) {
			done += (size_t)n;
			continue;
		}
		if (n != -EAGAIN)
			return n == -ECONNRESET ? -EPIPE : (int)n;
		r = wait_for(sender, -1, POLLOUT, CLOCK_NEVER);
		if (r < 0)
			return r;
	}
	return 0;
}

int sender_hello(struct sender *sender, const char *source)
{
	Tapfeed__Hello hello = TAPFEED__HELLO__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;
	char name[64];

	snprintf(name, sizeof(name), "%s", source);
	hello.version = TAPFEED_FEED_VERSION;
	hello.source = name;
	frame.message_case = TAPFEED__FRAME__MESSAGE_HELLO;
	frame.hello = &hello;
	return send_frame(sender, &frame);
}

int sender_flush(struct sender *sender)
{
	Tapfeed__PacketBatch batch = TAPFEED__PACKET_BATCH__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;
	int r;

	if (sender->count == 0)
		return 0;
	batch.sequence = sender->batch_sequence;
	batch.n_captured_len = sender->count;
	batch.captured_len = sender->captured_len;
	batch.n_original_len = sender->count;
	batch.original_len = sender->original_len;
	batch.n_time_ns = sender->count;
	batch.time_ns = sender->time_ns;
	batch.n_flags = sender->any_flags ? sender->count : 0;
	batch.flags = sender->flags;
	batch.payload.data = sender->payload;
	batch.payload.len = sender->payload_len;
	frame.message_case = TAPFEED__FRAME__MESSAGE_BATCH;
	frame.batch = &batch;
	r = send_frame(sender, &frame);
	sender->count = 0;
	sender->payload_len = 0;
	sender->any_flags = false;
	sender->batch_sequence = sender->sequence;
	return r;
}

static void add_frame(struct sender *sender, const struct convert_frame *frame,
		      uint64_t time_ns, uint32_t flags)
{
	size_t i = sender->count++;

	sender->captured_len[i] = frame->len;
	sender->original_len[i] = frame->original_len;
	sender->time_ns[i] = time_ns;
	sender->flags[i] = flags;
	sender->any_flags = sender->any_flags || flags;
	memcpy(sender->payload + sender->payload_len, frame->data, frame->len);
	sender->payload_len += frame->len;
}

int sender_add(struct sender *sender, const struct convert_frame *frames,
	       size_t n, uint64_t time_ns)
{
	const uint32_t more = TAPFEED__PACKET_FLAG__PACKET_MORE_FRAMES;
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += frames[i].len;
	assert(n <= CONVERT_FRAMES_MAX && bytes <= PAYLOAD_MAX_BYTES);
	if (sender->payload_len + bytes > TAPFEED_BATCH_TARGET_BYTES ||
	    sender->count + n > TAPFEED_BATCH_MAX_PACKETS) {
		int r = sender_flush(sender);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < n; i++)
		add_frame(sender, &frames[i], time_ns, i + 1 < n ? more : 0);
	sender->sequence++;
	return 0;
}

int sender_end(struct sender *sender)
{
	Tapfeed__End end = TAPFEED__END__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;
	int r = sender_flush(sender);

	if (r < 0)
		return r;
	end.sequence = sender->sequence;
	frame.message_case = TAPFEED__FRAME__MESSAGE_END;
	frame.end = &end;
	r = send_frame(sender, &frame);
	sender->ended = true;
	while (r == 0 && !sender->report)
		r = wait_for(sender, -1, 0, CLOCK_NEVER);
	return r;
}
