/* SPDX-License-Identifier: Apache-2.0 */
/* Feed connections. Input is hostile: length, type, state, fields, in that
 * order. */
#include <config.h>

#include "injector/peer.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/escape.h"
#include "common/fd.h"
#include "common/log.h"
#include "injector/flow.h"
#include "injector/vnet.h"

/* Frames taken in one turn. */
#define TURN_FRAMES 4

/* Largest message to a peer: Report. */
#define OUT_MAX_BYTES 64

/* Lines about joined peers, whose number nobody bounds. */
static struct log_limit joined_limit = { .burst = 5, .interval_ns = NS_PER_S };

int peer_init(struct peer *peer, size_t queue_size)
{
	int r;

	*peer = (struct peer){
		.fd = -1,
		.state = PEER_CLOSED,
		.deadline_ns = CLOCK_NEVER,
	};
	r = frame_reader_init(&peer->reader, TAPFEED_FEED_FRAME_MAX);
	if (r == 0)
		r = queue_init(&peer->queue, queue_size);
	if (r < 0)
		peer_done(peer);
	return r;
}

void peer_open(struct peer *peer, int fd, bool joined,
	       const struct peer_context *context,
	       struct counters_injector *counters, uint64_t now_ns)
{
	struct frame_reader reader = peer->reader;
	struct queue queue = peer->queue;

	assert(peer_idle(peer) && queue.entries);
	frame_reader_reset(&reader);
	queue.clock = (struct pace_clock){ 0 };
	*peer = (struct peer){
		.fd = fd,
		.joined = joined,
		.source = "a feed",
		.deadline_ns = now_ns + TAPFEED_HELLO_DEADLINE_S * NS_PER_S,
		.reader = reader,
		.queue = queue,
	};
	account_init(&peer->account, counters, joined);
	peer->account.headroom = tapfeed_headroom(context->kind);
	arena_join(context->arena, &peer->share);
}

static void peer_close(struct peer *peer)
{
	fd_close(&peer->fd);
	arena_leave(&peer->share);
	peer->state = PEER_CLOSED;
	peer->deadline_ns = CLOCK_NEVER;
}

void peer_done(struct peer *peer)
{
	batch_done(&peer->batch);
	queue_done(&peer->queue);
	frame_reader_done(&peer->reader);
	peer_close(peer);
}

static void peer_break(struct peer *peer, const char *why)
{
	uint64_t left_out;

	if (!peer->joined ||
	    log_limit_pass(&joined_limit, clock_now_ns(), &left_out))
		log_error("%s: %s; the feed is closed", peer->source, why);
	peer->broken = true;
	peer_close(peer);
}

/* Before and after its packets, what it says needs no slot of the arena. */
static bool feeds(const struct peer *peer)
{
	return peer->state == PEER_FEEDING;
}

/* Whether what finds no room is lost. */
static bool drops(const struct peer *peer, const struct peer_context *context)
{
	return context->held_up && !peer->patient;
}

bool peer_wants_input(const struct peer *peer,
		      const struct peer_context *context)
{
	if (peer->fd < 0 || peer->batch.slot)
		return false;
	if (!feeds(peer) || context->discard != OUTCOME_INJECTED)
		return true;
	if (context->when_full == WHEN_FULL_DROP)
		return drops(peer, context) || (queue_room(&peer->queue) > 0 &&
						arena_has_room(&peer->share));
	return arena_has_room(&peer->share);
}

/* Counts what is left of the batch as outcome, behind what is queued. */
static void discard_batch(struct peer *peer, enum outcome outcome)
{
	while (peer->batch.next < peer->batch.count) {
		struct queue_entry entry = batch_take(&peer->batch);

		account_frame(&peer->account, entry.len, entry.flags, outcome);
		arena_unref(entry.slot);
	}
	batch_done(&peer->batch);
}

static void drop_packet(struct peer *peer)
{
	size_t frames = batch_packet_frames(&peer->batch);

	account_packet(&peer->account, OUTCOME_DROPPED_QUEUE);
	for (; frames > 0; frames--) {
		struct queue_entry entry = batch_take(&peer->batch);

		arena_unref(entry.slot);
	}
}

/* Puts the next frame into the queue. */
static void push_frame(struct peer *peer, const struct peer_context *context)
{
	struct queue_entry entry = batch_take(&peer->batch);
	const uint32_t headroom = tapfeed_headroom(context->kind);

	if (headroom > 0)
		vnet_fill(&entry, context->kind);
	if (context->queues > 1)
		entry.queue = flow_queue(tapfeed_vnet(context->kind, false),
					 entry.data + headroom,
					 entry.len - headroom, context->queues);
	queue_push(&peer->queue, &entry);
}

/* The same with all frames of the next packet. */
static void push_packet(struct peer *peer, const struct peer_context *context)
{
	size_t frames = batch_packet_frames(&peer->batch);

	for (; frames > 0; frames--)
		push_frame(peer, context);
}

/*
 * With drop, a packet goes in whole or not at all. It waits for room only where
 * the queue moves on.
 */
static bool push_or_drop(struct peer *peer, const struct peer_context *context)
{
	size_t frames = batch_packet_frames(&peer->batch);

	/* The scratch slot holds what may not stay. */
	if (peer->batch.slot == &context->arena->scratch ||
	    frames > peer->queue.size) {
		drop_packet(peer);
	} else if (frames <= queue_room(&peer->queue)) {
		push_packet(peer, context);
	} else if (drops(peer, context)) {
		drop_packet(peer);
	} else {
		return false;
	}
	return true;
}

/* With wait, frame by frame, as long as there is room. */
static bool push_or_wait(struct peer *peer, const struct peer_context *context)
{
	if (queue_room(&peer->queue) == 0)
		return false;
	push_frame(peer, context);
	return true;
}

void peer_enqueue(struct peer *peer, const struct peer_context *context)
{
	struct batch *batch = &peer->batch;
	bool more = true;

	if (!batch->slot)
		return;
	if (context->discard != OUTCOME_INJECTED) {
		discard_batch(peer, context->discard);
		return;
	}
	while (more && batch->next < batch->count)
		more = context->when_full == WHEN_FULL_DROP
			       ? push_or_drop(peer, context)
			       : push_or_wait(peer, context);
	if (batch->next == batch->count)
		batch_done(batch);
}

static const char *on_hello(struct peer *peer, const Tapfeed__Hello *hello)
{
	if (peer->state != PEER_HELLO)
		return "it said Hello twice";
	if (hello->base.n_unknown_fields > 0)
		return "its Hello has unknown fields";
	if (hello->version != TAPFEED_FEED_VERSION)
		return "its Hello is of an unknown version";
	if (hello->source)
		escape_text(peer->source, sizeof(peer->source), hello->source,
			    strlen(hello->source));
	if (!peer->joined && account_resume(&peer->account, hello->sequence,
					    peer->frames_uncounted) < 0)
		return "its Hello contradicts what it sent before";
	peer->sequence = hello->sequence;
	peer->live = hello->live;
	peer->state = PEER_WAITING;
	peer->greeted = true;
	log_debug("%s said Hello", peer->source);
	return NULL;
}

static const char *on_batch(struct peer *peer, struct arena_slot *slot,
			    enum tapfeed_kind kind,
			    const Tapfeed__PacketBatch *message)
{
	size_t packets;

	if (peer->state != PEER_FEEDING)
		return "it sent a batch where none may come";
	if (message->base.n_unknown_fields > 0 ||
	    batch_check(message, slot, kind, peer->sequence, &peer->batch) < 0)
		return "it sent a batch that contradicts itself";
	arena_ref(slot);
	if (peer->live)
		batch_live(&peer->batch, clock_now_ns(), clock_real_ns());
	peer->fed = true;
	packets = batch_packets(&peer->batch);
	peer->sequence += packets;
	account_received(&peer->account, packets, peer->batch.count);
	return NULL;
}

static const char *on_end(struct peer *peer, const Tapfeed__End *end)
{
	if (peer->state != PEER_FEEDING && peer->state != PEER_WAITING)
		return "it sent End where none may come";
	if (end->base.n_unknown_fields > 0 || end->sequence != peer->sequence)
		return "its End contradicts what it sent";
	peer->state = PEER_ENDED;
	log_debug("%s has ended after %llu packets", peer->source,
		  (unsigned long long)peer->sequence);
	return NULL;
}

/* NULL, or what is wrong with it. */
static const char *dispatch(struct peer *peer, struct arena_slot *slot,
			    enum tapfeed_kind kind, const Tapfeed__Frame *frame)
{
	if (frame->base.n_unknown_fields > 0)
		return "it sent a message of an unknown kind";
	switch (frame->message_case) {
	case TAPFEED__FRAME__MESSAGE_HELLO:
		return on_hello(peer, frame->hello);
	case TAPFEED__FRAME__MESSAGE_BATCH:
		return on_batch(peer, slot, kind, frame->batch);
	case TAPFEED__FRAME__MESSAGE_END:
		return on_end(peer, frame->end);
	case TAPFEED__FRAME__MESSAGE__NOT_SET:
	case TAPFEED__FRAME__MESSAGE_WELCOME:
	case TAPFEED__FRAME__MESSAGE_STOP:
	case TAPFEED__FRAME__MESSAGE_REPORT:
	default:
		return "it sent a message that is not for the injector";
	}
}

static void handle_frame(struct peer *peer, const struct peer_context *context,
			 const uint8_t *body, size_t len)
{
	struct arena_slot *slot =
		feeds(peer) ? arena_acquire(&peer->share, len) : NULL;
	ProtobufCAllocator allocator;
	Tapfeed__Frame *frame;
	const char *wrong;

	if (!slot) /* or where what comes would be dropped anyway */
		slot = arena_scratch(context->arena);
	allocator = arena_allocator(slot);
	frame = tapfeed__frame__unpack(&allocator, len, body);
	wrong = frame ? dispatch(peer, slot, context->kind, frame)
		      : "it sent a message that cannot be decoded";
	arena_unref(slot);
	peer->deadline_ns = CLOCK_NEVER; /* it was of this frame */
	if (wrong)
		peer_break(peer, wrong);
	else
		peer_enqueue(peer, context);
}

/* One read. Returns false where there was nothing. */
static bool fill(struct peer *peer)
{
	ssize_t n;

	if (!peer->readable)
		return false;
	peer->readable = false;
	n = frame_reader_fill(&peer->reader, peer->fd);
	if (n > 0)
		return true;
	if (n == -EAGAIN)
		return false;
	if (peer->state == PEER_ENDED) { /* it did not wait for its Report */
		peer_close(peer);
	} else if (!peer->fed && (n == 0 || n == -ECONNRESET)) {
		/* It found nothing to send, and says itself why. */
		peer->broken = true;
		peer_close(peer);
	} else {
		peer_break(peer, n == 0 || n == -ECONNRESET
					 ? "it closed without End"
					 : log_errno((int)-n));
	}
	return false;
}

static void check_deadline(struct peer *peer,
			   const struct peer_context *context, uint64_t now_ns)
{
	bool waits = peer->state != PEER_HELLO;

	if (peer->fd < 0)
		return;
	if (waits && !(peer_wants_input(peer, context) &&
		       frame_reader_partial(&peer->reader)))
		peer->deadline_ns = CLOCK_NEVER;
	else if (peer->deadline_ns == CLOCK_NEVER)
		peer->deadline_ns =
			now_ns + TAPFEED_FRAME_DEADLINE_S * NS_PER_S;
	else if (now_ns >= peer->deadline_ns)
		peer_break(peer, waits ? "a message stayed unfinished too long"
				       : "it did not say Hello in time");
}

bool peer_service(struct peer *peer, const struct peer_context *context,
		  uint64_t now_ns)
{
	size_t frames = 0;

	peer_enqueue(peer, context);
	while (peer_wants_input(peer, context) && frames < TURN_FRAMES) {
		const uint8_t *body;
		size_t len;
		int r = frame_reader_next(&peer->reader, &body, &len);

		if (r < 0) {
			peer_break(peer, "it sent a length outside the limits");
		} else if (r == 0) {
			if (!fill(peer))
				break;
		} else if (peer->state == PEER_ENDED) {
			peer_break(peer, "it went on after End");
		} else {
			handle_frame(peer, context, body, len);
			frames++;
		}
	}
	check_deadline(peer, context, now_ns);
	return frames == TURN_FRAMES;
}

/* Small messages only: a peer that has not read the last ones is closed. */
static void send_message(struct peer *peer, const Tapfeed__Frame *frame)
{
	uint8_t out[TAPFEED_FEED_HEADER_BYTES + OUT_MAX_BYTES];
	size_t len = tapfeed__frame__get_packed_size(frame);
	ssize_t n;

	assert(len <= OUT_MAX_BYTES);
	frame_header(out, len);
	tapfeed__frame__pack(frame, out + TAPFEED_FEED_HEADER_BYTES);
	len += TAPFEED_FEED_HEADER_BYTES;
	n = fd_write(peer->fd, out, len);
	/* One that is gone has left what is still to be read: then its end. */
	if (n != (ssize_t)len && n != -EPIPE && n != -ECONNRESET)
		peer_break(peer, "it takes no messages");
}

void peer_welcome(struct peer *peer, struct peer_context *context)
{
	Tapfeed__Welcome welcome = TAPFEED__WELCOME__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;

	if (peer->state != PEER_WAITING)
		return;
	welcome.version = TAPFEED_FEED_VERSION;
	welcome.mtu = context->mtu;
	welcome.kind = (uint32_t)tapfeed_vnet(context->kind, false);
	welcome.has_headroom = true;
	welcome.headroom = tapfeed_headroom(context->kind);
	welcome.interface = context->interface;
	frame.message_case = TAPFEED__FRAME__MESSAGE_WELCOME;
	frame.welcome = &welcome;
	peer->state = PEER_FEEDING;
	send_message(peer, &frame);
}

void peer_stop(struct peer *peer)
{
	Tapfeed__Stop stop = TAPFEED__STOP__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;

	if (peer->fd < 0 || peer->stop_sent || peer->state == PEER_ENDED)
		return;
	frame.message_case = TAPFEED__FRAME__MESSAGE_STOP;
	frame.stop = &stop;
	peer->stop_sent = true;
	send_message(peer, &frame);
}

void peer_give_up(struct peer *peer)
{
	if (peer->fd >= 0)
		peer_break(peer, "it did not end in time; what it sent last "
				 "is not accounted for");
}

void peer_finish(struct peer *peer)
{
	const uint64_t *packets = peer->account.packets;
	Tapfeed__Report report = TAPFEED__REPORT__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;

	if (peer->state != PEER_ENDED || peer->queue.used > 0 ||
	    peer->batch.slot)
		return;
	report.injected = packets[OUTCOME_INJECTED];
	report.dropped_queue = packets[OUTCOME_DROPPED_QUEUE];
	report.dropped_interface_down = packets[OUTCOME_DROPPED_INTERFACE_DOWN];
	report.dropped_stopped = packets[OUTCOME_DROPPED_STOPPED];
	report.dropped_restart = packets[OUTCOME_DROPPED_RESTART];
	report.errors = packets[OUTCOME_ERROR];
	frame.message_case = TAPFEED__FRAME__MESSAGE_REPORT;
	frame.report = &report;
	send_message(peer, &frame);
	peer_close(peer);
}

bool peer_idle(const struct peer *peer)
{
	return peer->fd < 0 && peer->queue.used == 0 && !peer->batch.slot;
}
