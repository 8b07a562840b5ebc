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
#include <sys/socket.h>
#include <unistd.h>

#include "capture/collect.h"
#include "common/clock.h"
#include "common/fd.h"
#include "common/fdpass.h"
#include "common/frame.h"
#include "common/ifname.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/signals.h"
#include "proto/feed.pb-c.h"
#include "proto/limits.h"
#include "proto/worker.h"

/*
 * After stop: the injector drains for TAPFEED_DRAIN_DEADLINE_S and then reads
 * what is left; one that does not is given up.
 */
#define LAST_WORDS_NS ((TAPFEED_DRAIN_DEADLINE_S + 3) * NS_PER_S)

/*
 * The same on a feed without Welcome: its other end may lie in the control
 * socket of an injector that died before it took it.
 */
#define NOT_WELCOME_NS (2 * NS_PER_S)

/* The injector's messages are small. */
#define IN_MAX_BYTES 256u

/* A payload up to this goes out with the rest in one system call, copied. */
#define COPIED_MAX_BYTES 16384u

struct sender {
	int fd; /* -1: none, a new one may come */
	int control_fd;
	char source[64];
	bool live;
	uint64_t feeds; /* that have come: a new one may have the fd's number */
	bool hello_due; /* to the one that came last */
	bool welcome;
	enum tapfeed_kind kind;
	uint32_t mtu;
	uint32_t headroom;
	char interface[TAPFEED_IFNAME_SIZE]; /* "": the injector did not say */
	bool stop;
	uint64_t deadline_ns; /* after stop: for all that is left to be said */
	bool ended;	      /* End was sent */
	bool report;
	struct counters_capture *counters; /* for the Report; NULL before End */
	uint64_t sequence;		   /* of the next packet to be added */
	size_t packet_frames; /* of the packet being added, still to come */
	uint64_t packet_ns;
	struct frame_reader in;
	uint64_t batch_sequence; /* of the batch being collected */
	struct collect batch;
	/* The frame being sent, without its payload where that is large. */
	uint8_t out[TAPFEED_FEED_HEADER_BYTES +
		    COLLECT_COLUMNS_BYTES(TAPFEED_BATCH_MAX_PACKETS) +
		    COPIED_MAX_BYTES];
};

int sender_new(int feed_fd, int control_fd, const char *source,
	       uint64_t sequence, struct sender **ret_sender)
{
	struct sender *sender = calloc(1, sizeof(*sender));
	int r;

	if (!sender)
		return -ENOMEM;
	sender->fd = feed_fd;
	sender->control_fd = control_fd;
	sender->sequence = sequence;
	sender->batch_sequence = sequence;
	snprintf(sender->source, sizeof(sender->source), "%s", source);
	r = frame_reader_init(&sender->in, IN_MAX_BYTES);
	if (r == 0 && feed_fd >= 0)
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

void sender_live(struct sender *sender)
{
	sender->live = true;
}

static void note_stop(struct sender *sender)
{
	if (sender->stop)
		return;
	sender->stop = true;
	sender->deadline_ns =
		clock_now_ns() +
		(sender->welcome ? LAST_WORDS_NS : NOT_WELCOME_NS);
}

/* ---- what the injector says ----------------------------------------------
 */

static int on_welcome(struct sender *sender, const Tapfeed__Welcome *welcome)
{
	const char *name = welcome->interface;

	if (sender->welcome || welcome->version != TAPFEED_FEED_VERSION ||
	    (welcome->kind != TAPFEED_TAP && welcome->kind != TAPFEED_TUN) ||
	    welcome->mtu < TAPFEED_MTU_MIN || welcome->mtu > TAPFEED_MTU_MAX)
		return -EPROTO;
	if ((name && !ifname_valid(name)) ||
	    (welcome->headroom != 0 && welcome->headroom != TAPFEED_VNET_BYTES))
		return -EPROTO;
	if (name)
		strcpy(sender->interface, name);
	sender->welcome = true;
	sender->kind = (enum tapfeed_kind)welcome->kind;
	sender->mtu = welcome->mtu;
	sender->headroom = welcome->headroom;
	return 0;
}

static int on_report(struct sender *sender, const Tapfeed__Report *report)
{
	struct counters_capture *counters = sender->counters;

	if (!sender->ended || sender->report)
		return -EPROTO;
	sender->report = true;
	notify_send("X_FEED=done");
	counter_set(&counters->told_injected, report->injected);
	counter_set(&counters->told_dropped_queue, report->dropped_queue);
	counter_set(&counters->told_dropped_interface_down,
		    report->dropped_interface_down);
	counter_set(&counters->told_dropped_stopped, report->dropped_stopped);
	counter_set(&counters->told_dropped_restart, report->dropped_restart);
	counter_set(&counters->told_errors, report->errors);
	log_debug("the injector reports %llu injected, %llu errors",
		  (unsigned long long)report->injected,
		  (unsigned long long)report->errors);
	return 0;
}

static int on_message(struct sender *sender, const Tapfeed__Frame *frame)
{
	switch (frame->message_case) {
	case TAPFEED__FRAME__MESSAGE_WELCOME:
		return on_welcome(sender, frame->welcome);
	case TAPFEED__FRAME__MESSAGE_STOP:
		if (!sender->stop)
			notify_send("X_FEED=stopped");
		note_stop(sender);
		return 0;
	case TAPFEED__FRAME__MESSAGE_REPORT:
		return on_report(sender, frame->report);
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

/* ---- feeds that end and feeds that come ----------------------------------
 */

/* The injector is gone, or will have no more of this. */
static void lose_feed(struct sender *sender)
{
	fd_close(&sender->fd);
	sender->welcome = false;
	if (!sender->report)
		notify_send("X_FEED=lost");
}

static int receive(struct sender *sender)
{
	ssize_t n = frame_reader_fill(&sender->in, sender->fd);

	if (n == 0 || n == -ECONNRESET || n == -EPIPE) {
		lose_feed(sender);
		return 0;
	}
	if (n < 0)
		return n == -EAGAIN ? 0 : (int)n;
	return take_messages(sender);
}

/* A message on the control socket: a new feed, or the end. Sends nothing, so it
 * may be called in the middle of a frame to the old feed. */
static int read_control(struct sender *sender)
{
	struct worker_feed message;
	size_t n;
	int fd, r;
	ssize_t len = fdpass_recv(sender->control_fd, &message, sizeof(message),
				  &fd, 1, &n, MSG_DONTWAIT);

	if (len == -EAGAIN || len == -EPROTO)
		return 0;
	if (len <= 0) {
		sender->control_fd = -1;
		note_stop(sender);
		return 0;
	}
	if (len != sizeof(message) || n != 1 ||
	    message.version != WORKER_VERSION || message.reserved != 0) {
		while (n-- > 0)
			close(fd);
		return 0;
	}
	fd_close(&sender->fd);
	sender->fd = fd;
	sender->feeds++;
	notify_send("X_FEED=new");
	sender->hello_due = true;
	sender->welcome = false;
	sender->ended = false;
	frame_reader_done(&sender->in);
	r = frame_reader_init(&sender->in, IN_MAX_BYTES);
	return r < 0 ? r : fd_set_nonblock(fd);
}

/*
 * One poll. feed_events: POLLOUT where there is something to send, else 0; n
 * source_fds follow the two of our own.
 */
static int wait_for(struct sender *sender, const int *source_fds, size_t n,
		    short feed_events, uint64_t deadline_ns)
{
	struct pollfd fds[2 + TAPFEED_SOURCES_MAX] = {
		{ .fd = sender->fd, .events = POLLIN | feed_events },
		{ .fd = sender->control_fd, .events = POLLIN },
	};
	int r;

	assert(n <= TAPFEED_SOURCES_MAX);
	for (size_t i = 0; i < n; i++)
		fds[2 + i] = (struct pollfd){ .fd = source_fds[i],
					      .events = POLLIN };
	/* One that came outside fd_poll() does not wake it. */
	if (signals_stop_count() > 0 && !sender->stop) {
		note_stop(sender);
		deadline_ns = 0;
	}
	if (sender->stop && clock_now_ns() >= sender->deadline_ns)
		return -ETIMEDOUT;
	if (sender->stop && sender->deadline_ns < deadline_ns)
		deadline_ns = sender->deadline_ns;
	r = fd_poll(fds, 2 + n, deadline_ns);
	if (r < 0)
		return r;
	if (signals_stop_count() > 0)
		note_stop(sender);
	r = 0;
	if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
		r = receive(sender);
	if (r == 0 && fds[1].revents)
		r = read_control(sender);
	return r;
}

/* Says Hello to a feed that came by the control socket. */
static int greet(struct sender *sender)
{
	if (!sender->hello_due || sender->fd < 0)
		return 0;
	sender->hello_due = false;
	return sender_hello(sender);
}

/* Waits until packets can be sent: a feed is there, and its gate open. */
static int await_feed(struct sender *sender)
{
	while (!sender->welcome) {
		int r = greet(sender);

		if (r < 0)
			return r;
		/* While stopping, nobody starts anything any more. */
		if (sender->fd < 0 && (sender->control_fd < 0 || sender->stop))
			return -EPIPE;
		r = wait_for(sender, NULL, 0, 0, CLOCK_NEVER);
		if (r < 0)
			return r;
	}
	return 0;
}

int sender_wait(struct sender *sender, const int *source_fds, size_t n,
		uint64_t deadline_ns)
{
	int r = wait_for(sender, source_fds, n, 0, deadline_ns);

	if (r == 0)
		r = greet(sender);
	if (r == 0 && sender->fd < 0 &&
	    (sender->control_fd < 0 || sender->stop))
		return -EPIPE;
	return r;
}

bool sender_welcome(const struct sender *sender)
{
	return sender->welcome;
}

enum tapfeed_kind sender_kind(const struct sender *sender)
{
	return sender->kind;
}

uint32_t sender_mtu(const struct sender *sender)
{
	return sender->mtu;
}

uint64_t sender_feeds(const struct sender *sender)
{
	return sender->feeds;
}

const char *sender_interface(const struct sender *sender)
{
	return sender->interface;
}

bool sender_stop(const struct sender *sender)
{
	return sender->stop;
}

/* ---- what is sent --------------------------------------------------------
 */

/* Where protobuf-c puts a frame: all but a large payload is copied. */
struct out {
	ProtobufCBuffer base;
	struct sender *sender;
	size_t len;
	size_t payload_len; /* sent from where it is, after the rest */
};

static void out_append(ProtobufCBuffer *buffer, size_t len, const uint8_t *data)
{
	struct out *out = (struct out *)(void *)buffer;

	assert(out->payload_len == 0); /* the last field of all */
	if (data == out->sender->batch.payload && len > COPIED_MAX_BYTES) {
		out->payload_len = len;
		return;
	}
	assert(len <= sizeof(out->sender->out) - out->len);
	memcpy(out->sender->out + out->len, data, len);
	out->len += len;
}

static int send_bytes(struct sender *sender, const uint8_t *bytes, size_t len,
		      uint64_t feeds)
{
	size_t done = 0;

	while (done < len && sender->fd >= 0 && sender->feeds == feeds) {
		ssize_t n = fd_write(sender->fd, bytes + done, len - done);
		int r;

		if (n >= 0) {
			done += (size_t)n;
			continue;
		}
		if (n == -EPIPE || n == -ECONNRESET) {
			/* What it said last is still to be read. */
			r = receive(sender);
			if (r == 0 && sender->fd >= 0)
				lose_feed(sender);
		} else if (n == -EAGAIN) {
			r = wait_for(sender, NULL, 0, POLLOUT, CLOCK_NEVER);
		} else {
			r = (int)n;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Sends a frame. 0 also where the feed was lost with it, and maybe a new one
 * came: sender->fd and sender->hello_due tell.
 */
static int send_frame(struct sender *sender, const Tapfeed__Frame *frame)
{
	struct out out = {
		{ out_append }, sender, TAPFEED_FEED_HEADER_BYTES, 0
	};
	const uint64_t feeds = sender->feeds;
	size_t len;
	int r;

	tapfeed__frame__pack_to_buffer(frame, &out.base);
	len = out.len + out.payload_len - TAPFEED_FEED_HEADER_BYTES;
	assert(len <= TAPFEED_FEED_FRAME_MAX);
	frame_header(sender->out, len);
	r = send_bytes(sender, sender->out, out.len, feeds);
	if (r == 0)
		r = send_bytes(sender, sender->batch.payload, out.payload_len,
			       feeds);
	return r;
}

int sender_hello(struct sender *sender)
{
	Tapfeed__Hello hello = TAPFEED__HELLO__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;

	hello.version = TAPFEED_FEED_VERSION;
	hello.source = sender->source;
	hello.has_sequence = true;
	hello.sequence = sender->batch_sequence;
	hello.has_live = true;
	hello.live = sender->live;
	frame.message_case = TAPFEED__FRAME__MESSAGE_HELLO;
	frame.hello = &hello;
	return send_frame(sender, &frame);
}

int sender_flush(struct sender *sender)
{
	Tapfeed__PacketBatch batch = TAPFEED__PACKET_BATCH__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;
	int r;

	if (sender->batch.count == 0)
		return 0;
	r = await_feed(sender);
	if (r < 0)
		return r;
	batch.sequence = sender->batch_sequence;
	batch.has_handed_ns = true;
	batch.handed_ns = clock_now_ns();
	collect_fill(&sender->batch, &batch);
	frame.message_case = TAPFEED__FRAME__MESSAGE_BATCH;
	frame.batch = &batch;
	/*
	 * From here on these packets are the injector's. Before the frame goes
	 * out: should a new feed come meanwhile, its Hello says what follows.
	 */
	collect_clear(&sender->batch);
	sender->batch_sequence = sender->sequence;
	r = send_frame(sender, &frame);
	return r;
}

int sender_open(struct sender *sender, size_t frames, size_t bytes,
		uint64_t time_ns)
{
	if (!collect_fits(&sender->batch, frames, bytes)) {
		int r = sender_flush(sender);

		if (r < 0)
			return r;
	}
	/* One that came with another feed counts from the next batch on. */
	if (sender->batch.count == 0)
		sender->batch.headroom = sender->headroom;
	sender->packet_frames = frames;
	sender->packet_ns = time_ns;
	sender->sequence++;
	return 0;
}

uint8_t *sender_frame(struct sender *sender, uint32_t len,
		      uint32_t original_len)
{
	assert(sender->packet_frames > 0);
	sender->packet_frames--;
	return collect_add(&sender->batch, len, original_len, sender->packet_ns,
			   sender->packet_frames > 0);
}

bool sender_unfinished(struct sender *sender)
{
	if (sender->batch.headroom > 0)
		collect_unfinished(&sender->batch);
	return sender->batch.headroom > 0;
}

/* End, and its Report; or the feed is lost meanwhile. */
static int end_once(struct sender *sender)
{
	Tapfeed__End end = TAPFEED__END__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;
	int r;

	end.sequence = sender->sequence;
	frame.message_case = TAPFEED__FRAME__MESSAGE_END;
	frame.end = &end;
	sender->ended = true;
	r = send_frame(sender, &frame);
	/* A new feed resets "ended". */
	while (r == 0 && sender->ended && sender->fd >= 0 && !sender->report)
		r = wait_for(sender, NULL, 0, 0, CLOCK_NEVER);
	return r;
}

int sender_end(struct sender *sender, struct counters_capture *counters)
{
	int r = sender_flush(sender);

	sender->counters = counters;
	while (r == 0 && !sender->report) {
		/* A feed whose gate never opened may be ended as well. */
		if (sender->fd < 0 || sender->hello_due)
			r = await_feed(sender);
		if (r == 0)
			r = end_once(sender);
	}
	return r;
}
