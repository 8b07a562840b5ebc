/* SPDX-License-Identifier: Apache-2.0 */
/* capture/frames.c: what the options make of a packet, seen from the injector's
 * end of the feed, and what is counted. */
#include <config.h>

#include "tests/unit/ipframe.h"
#include "tests/unit/senderfeed.h"

#include "capture/collect.h"
#include "capture/frames.h"
#include "common/fdpass.h"
#include "injector/batch.h"
#include "proto/worker.h"

#define MTU 1500

static uint8_t bytes[IPFRAME_MAX];
static struct options options;
static struct frames stage;

static void say_interface(enum tapfeed_kind kind, uint32_t mtu)
{
	Tapfeed__Welcome message = TAPFEED__WELCOME__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;

	message.version = TAPFEED_FEED_VERSION;
	message.mtu = mtu;
	message.kind = kind;
	frame.message_case = TAPFEED__FRAME__MESSAGE_WELCOME;
	frame.welcome = &message;
	say(&frame);
}

static int welcome(enum tapfeed_kind kind, uint32_t mtu)
{
	say_interface(kind, mtu);
	return sender_wait(sender, NULL, 0, CLOCK_NEVER);
}

static int set_up_stage(void **state)
{
	memset(&options, 0, sizeof(options));
	memset(&counters, 0, sizeof(counters));
	if (set_up(state) < 0 || welcome(TAPFEED_TAP, MTU) < 0)
		return -1;
	stage = (struct frames){ &options, &counters, sender };
	return 0;
}

/* What the packet added last became. */
static struct frames_sent became;

/* One packet of captured bytes of bytes[], of which there were original. */
static int add(uint32_t captured, uint32_t original)
{
	struct packet packet = {
		bytes, captured, captured, original, 1, 77, 0
	};
	struct convert_frame frame = {
		.data = bytes,
		.data_len = captured,
		.original_len = original,
	};

	return frames_add(&stage, &packet, &frame, 1, &became);
}

/*
 * The batch collected so far, of so many packets, sent by a child: the socket
 * may be too small for it. The injector's own check takes it.
 */
static Tapfeed__Frame *sent(size_t packets)
{
	struct arena_slot slot = { .refs = 1 };
	struct batch batch;
	Tapfeed__Frame *frame;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		alarm(CHILD_SECONDS);
		_exit(sender_flush(sender) < 0);
	}
	frame = must_hear();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(frame->message_case, TAPFEED__FRAME__MESSAGE_BATCH);
	assert_int_equal(batch_check(frame->batch, &slot, TAPFEED_TAP,
				     frame->batch->sequence, &batch),
			 0);
	assert_int_equal(batch_packets(&batch), packets);
	return frame;
}

static void nothing_sent(void)
{
	struct pollfd fd = { .fd = far, .events = POLLIN };

	assert_int_equal(sender_flush(sender), 0);
	assert_int_equal(poll(&fd, 1, 0), 0);
}

static void expect_whole(uint32_t len, uint32_t original)
{
	Tapfeed__Frame *frame = sent(1);

	assert_int_equal(frame->batch->n_captured_len, 1);
	assert_int_equal(frame->batch->captured_len[0], len);
	assert_int_equal(frame->batch->original_len[0], original);
	assert_int_equal(frame->batch->time_ns[0], 77);
	assert_int_equal(frame->batch->n_flags, 0);
	assert_memory_equal(frame->batch->payload.data, bytes, len);
	tapfeed__frame__free_unpacked(frame, NULL);
}

static const struct ipframe super = {
	TAPFEED_TAP, 1, 4, 6, 0, 3, 20000, 0x18, 0
};
static const struct ipframe datagram = {
	TAPFEED_TAP, 0, 4, 17, 0, 0, 4000, 0, 0
};
static const struct ipframe small = {
	TAPFEED_TAP, 0, 4, 6, 0, 3, 1448, 0x18, 0
};

static void test_keep(void **state)
{
	struct ipframe_at at = ipframe_make(&super, bytes);

	(void)state;
	assert_int_equal(add(at.len, at.len), 0);
	assert_int_equal(counters.oversize, 1);
	expect_whole(at.len, at.len);
}

/* The longest that is not oversize, and one byte more. */
static void test_limit(void **state)
{
	struct ipframe spec = small;
	struct ipframe_at at;

	(void)state;
	for (uint32_t tags = 0; tags < 3; tags++) {
		spec.tags = tags;
		at = ipframe_make(&spec, bytes);
		options.oversize = OVERSIZE_DROP;
		assert_int_equal(add(at.len, at.len), 0);
		assert_int_equal(
			counters.link_types[0].skipped[COUNTERS_OVERSIZE],
			tags);
		spec.payload++;
		at = ipframe_make(&spec, bytes);
		assert_int_equal(add(at.len, at.len), 0);
		assert_int_equal(
			counters.link_types[0].skipped[COUNTERS_OVERSIZE],
			tags + 1);
		assert_int_equal(became.frames + became.bytes, 0);
		spec.payload--;
	}
	assert_int_equal(counters.oversize + counters.segmented, 0);
}

static void test_segment(void **state)
{
	struct ipframe_at at = ipframe_make(&super, bytes);
	const uint32_t full = at.data + 1448;
	Tapfeed__PacketBatch *batch;
	Tapfeed__Frame *frame;
	uint32_t sum = 0;

	(void)state;
	options.oversize = OVERSIZE_SEGMENT;
	assert_int_equal(add(at.len, at.len), 0);
	assert_int_equal(add(60, 60), 0);
	assert_int_equal(counters.segmented, 1);
	assert_int_equal(counters.oversize, 0);
	frame = sent(2);
	batch = frame->batch;
	assert_int_equal(batch->n_captured_len, 15);
	assert_int_equal(batch->n_flags, 15);
	for (uint32_t i = 0; i < 14; i++) {
		struct ipframe_at part = at;

		part.len = i < 13 ? full : at.data + 20000 - 13 * 1448;
		assert_int_equal(batch->captured_len[i], part.len);
		assert_int_equal(batch->original_len[i], part.len);
		assert_int_equal(batch->time_ns[i], 77);
		assert_int_equal(batch->flags[i], i < 13);
		assert_true(ipframe_verify(batch->payload.data + sum, part, 6));
		sum += part.len;
	}
	assert_int_equal(batch->flags[14], 0);
	tapfeed__frame__free_unpacked(frame, NULL);
}

/* What cannot be cut goes as it is, and is counted. */
static void test_not_to_be_cut(void **state)
{
	struct ipframe_at at = ipframe_make(&datagram, bytes);

	(void)state;
	options.oversize = OVERSIZE_SEGMENT;
	assert_int_equal(add(at.len, at.len), 0);
	assert_int_equal(counters.oversize, 1);
	assert_int_equal(counters.segmented, 0);
	expect_whole(at.len, at.len);
}

static void test_size_known(void **state)
{
	struct ipframe_at at = ipframe_make(&datagram, bytes);
	struct packet packet = { bytes, at.len, at.len, at.len, 1, 77, 1000 };
	struct convert_frame list = {
		.data = bytes,
		.data_len = at.len,
		.original_len = at.len,
	};
	Tapfeed__Frame *frame;

	(void)state;
	options.oversize = OVERSIZE_SEGMENT;
	assert_int_equal(frames_add(&stage, &packet, &list, 1, &became), 0);
	assert_int_equal(counters.segmented, 1);
	frame = sent(1);
	assert_int_equal(frame->batch->n_captured_len, 4);
	tapfeed__frame__free_unpacked(frame, NULL);
}

/* So many small segments that no batch holds them. */
static void test_too_many(void **state)
{
	struct ipframe spec = super;
	struct ipframe_at at;
	Tapfeed__Frame *frame;

	options.oversize = OVERSIZE_SEGMENT;
	for (int fits = 1; fits >= 0; fits--) {
		tear_down(state);
		set_up(state);
		stage.sender = sender;
		assert_int_equal(welcome(TAPFEED_TAP, 20 + 32 + 16), 0);
		spec.payload = fits ? 16 * 1024 : 16 * 1024 + 1;
		at = ipframe_make(&spec, bytes);
		assert_int_equal(add(at.len, at.len), 0);
		assert_int_equal(counters.segmented, 1);
		assert_int_equal(counters.oversize, !fits);
		frame = sent(1);
		assert_int_equal(frame->batch->n_captured_len, fits ? 1024 : 1);
		assert_int_equal(became.frames, fits ? 1024 : 1);
		assert_int_equal(became.bytes, frame->batch->payload.len);
		tapfeed__frame__free_unpacked(frame, NULL);
	}
}

/* So long headers that no batch holds them so often; padded, too. */
static void test_too_long(void **state)
{
	static const struct ipframe spec = { TAPFEED_TAP, 0,	 6,    6, 50,
					     0,		  64000, 0x10, 0 };
	struct ipframe_at at = ipframe_make(&spec, bytes);

	options.oversize = OVERSIZE_SEGMENT;
	options.truncated = TRUNCATED_PAD;
	for (uint32_t cut = 0; cut <= 1000; cut += 1000) {
		tear_down(state);
		set_up(state);
		stage.sender = sender;
		assert_int_equal(welcome(TAPFEED_TAP, 40 + 400 + 20 + 64), 0);
		assert_int_equal(add(at.len - cut, at.len), 0);
		assert_int_equal(counters.segmented, 0);
		assert_int_equal(counters.oversize, 1 + (cut > 0));
		assert_int_equal(became.bytes, at.len);
		memset(bytes + at.len - cut, 0, cut);
		expect_whole(at.len, at.len);
	}
}

/* The largest frame there is, cut; a batch that is not empty goes first. */
static void test_largest(void **state)
{
	struct ipframe spec = super;
	struct ipframe_at at;
	Tapfeed__Frame *frame;

	(void)state;
	options.oversize = OVERSIZE_SEGMENT;
	spec.payload = TAPFEED_FRAME_MAX_BYTES - 18 - 20 - 32;
	at = ipframe_make(&spec, bytes);
	bytes_put_be16(bytes + at.network + 2, 0);
	assert_int_equal(at.len, TAPFEED_FRAME_MAX_BYTES);
	assert_int_equal(add(60, 60), 0);
	assert_int_equal(add(at.len, at.len), 0);
	frame = must_hear();
	assert_int_equal(frame->batch->n_captured_len, 1);
	tapfeed__frame__free_unpacked(frame, NULL);
	frame = sent(1);
	assert_int_equal(frame->batch->sequence, 1);
	assert_int_equal(frame->batch->n_captured_len, 181);
	tapfeed__frame__free_unpacked(frame, NULL);
}

/*
 * A new feed, to an interface of a smaller MTU, comes while room is made for a
 * packet: as many frames are written as room was made for.
 */
static void test_other_interface(void **state)
{
	struct worker_feed message = { .version = WORKER_VERSION };
	Tapfeed__Frame *frame;
	struct ipframe_at at;
	int ends[2], size = 1 << 20;

	(void)state;
	options.oversize = OVERSIZE_SEGMENT;
	memset(bytes, 0, 60000);
	for (int i = 0; i < 3; i++)
		assert_int_equal(add(60000, 60000), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	/* Nobody reads while it is sent. */
	(void)setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	assert_int_equal(fdpass_send(control, &message, sizeof(message),
				     &ends[0], 1),
			 0);
	close(ends[0]);
	fd_close(&far);
	far = ends[1];
	assert_int_equal(
		sender_wait(sender, NULL, 0, clock_now_ns() + NS_PER_S), 0);
	assert_false(sender_welcome(sender));
	say_interface(TAPFEED_TAP, 68);
	at = ipframe_make(&super, bytes);
	assert_int_equal(add(at.len, at.len), 0);
	assert_int_equal(sender_mtu(sender), 68);
	for (int i = 0; i < 2; i++) /* Hello, and what was there */
		tapfeed__frame__free_unpacked(must_hear(), NULL);
	frame = sent(1);
	assert_int_equal(frame->batch->n_captured_len, 14);
	tapfeed__frame__free_unpacked(frame, NULL);
}

static void test_truncated_keep(void **state)
{
	struct ipframe_at at = ipframe_make(&small, bytes);

	(void)state;
	options.checksums = CHECKSUMS_FIX;
	assert_int_equal(add(at.len - 5, at.len), 0);
	assert_int_equal(counters.truncated, 1);
	assert_int_equal(counters.checksums_left, 1);
	expect_whole(at.len - 5, at.len);
}

static void test_truncated_drop(void **state)
{
	(void)state;
	options.truncated = TRUNCATED_DROP;
	became = (struct frames_sent){ 99, 99 };
	assert_int_equal(add(60, 61), 0);
	assert_int_equal(counters.link_types[0].skipped[COUNTERS_TRUNCATED], 1);
	assert_int_equal(counters.truncated, 0);
	assert_int_equal(became.frames + became.bytes, 0);
	nothing_sent();
	assert_int_equal(add(60, 60), 0);
	assert_int_equal(add(60, 59), 0); /* a lie */
	assert_int_equal(counters.link_types[0].skipped[COUNTERS_TRUNCATED], 1);
}

/* What was there before is not what is sent. */
static void fill_with_junk(void)
{
	memset(bytes, 0xa5, 60000);
	assert_int_equal(add(60000, 60000), 0);
	assert_int_equal(sender_flush(sender), 0);
	tapfeed__frame__free_unpacked(must_hear(), NULL);
	counters.oversize = 0;
}

static void test_truncated_pad(void **state)
{
	static const struct {
		uint32_t original, len;
	} rows[] = {
		{ 61, 61 },
		{ 1500, 1500 },
		{ 60, 60 },
		{ 59, 60 },
		{ TAPFEED_FRAME_MAX_BYTES, TAPFEED_FRAME_MAX_BYTES },
		{ TAPFEED_FRAME_MAX_BYTES + 1, TAPFEED_FRAME_MAX_BYTES },
		{ UINT32_MAX, TAPFEED_FRAME_MAX_BYTES },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		tear_down(state);
		set_up_stage(state);
		options.truncated = TRUNCATED_PAD;
		fill_with_junk();
		memset(bytes, 0, sizeof(bytes));
		memset(bytes, 0xaa, 60);
		assert_int_equal(add(60, rows[i].original), 0);
		assert_int_equal(counters.truncated, rows[i].original > 60);
		/* bytes is what was sent: zeros behind it. */
		expect_whole(rows[i].len, rows[i].original);
	}
}

/* Padded, cut, and with right checksums: what IP says is there. */
static void test_pad_and_segment(void **state)
{
	struct ipframe_at at;
	Tapfeed__Frame *frame;

	(void)state;
	fill_with_junk();
	at = ipframe_make(&super, bytes);
	options.truncated = TRUNCATED_PAD;
	options.oversize = OVERSIZE_SEGMENT;
	assert_int_equal(add(1000, at.len), 0);
	assert_int_equal(counters.truncated, 1);
	assert_int_equal(counters.segmented, 1);
	frame = sent(1);
	assert_int_equal(frame->batch->n_captured_len, 14);
	at.len = at.data + 1448;
	for (uint32_t i = 0; i < 13; i++)
		assert_true(ipframe_verify(frame->batch->payload.data +
						   (size_t)i * at.len,
					   at, 6));
	tapfeed__frame__free_unpacked(frame, NULL);
}

static void test_fix(void **state)
{
	struct ipframe_at at = ipframe_make(&small, bytes);
	uint8_t *field = bytes + at.transport + 16;
	Tapfeed__Frame *frame;

	(void)state;
	options.checksums = CHECKSUMS_FIX;
	assert_int_equal(add(at.len, at.len), 0);
	assert_int_equal(counters.checksums_fixed, 1);
	bytes_put_be16(field, 0x1234); /* a wrong one stays */
	assert_int_equal(add(at.len, at.len), 0);
	assert_int_equal(counters.checksums_fixed, 1);
	assert_int_equal(counters.checksums_left, 0);
	frame = sent(2);
	assert_true(ipframe_verify(frame->batch->payload.data, at, 6));
	assert_memory_equal(frame->batch->payload.data + at.len, bytes, at.len);
	tapfeed__frame__free_unpacked(frame, NULL);
}

/* What zeros took the place of has another checksum. */
static void say_headroom(uint32_t headroom)
{
	Tapfeed__Welcome message = TAPFEED__WELCOME__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;

	message.version = TAPFEED_FEED_VERSION;
	message.mtu = MTU;
	message.kind = TAPFEED_TAP;
	message.has_headroom = true;
	message.headroom = headroom;
	frame.message_case = TAPFEED__FRAME__MESSAGE_WELCOME;
	frame.welcome = &message;
	say(&frame);
}

/* Room before each frame, zeros; the unfinished are marked, and untouched. */
static void test_trust(void **state)
{
	const uint32_t room = TAPFEED_VNET_BYTES;
	struct ipframe_at at = ipframe_make(&small, bytes);
	Tapfeed__PacketBatch *batch;
	Tapfeed__Frame *frame;

	tear_down(state);
	set_up(state);
	stage.sender = sender;
	say_headroom(room);
	assert_int_equal(sender_wait(sender, NULL, 0, CLOCK_NEVER), 0);
	options.checksums = CHECKSUMS_TRUST;
	assert_int_equal(add(at.len, at.len), 0);
	assert_int_equal(add(60, 60), 0);
	assert_int_equal(add(at.len - 1, at.len), 0);
	assert_int_equal(counters.checksums_fixed, 1);
	assert_int_equal(counters.checksums_left, 2); /* they end too soon */
	assert_int_equal(sender_flush(sender), 0);
	frame = must_hear();
	batch = frame->batch;
	assert_int_equal(batch->n_captured_len, 3);
	assert_int_equal(batch->flags[0], 2);
	assert_int_equal(batch->flags[1] | batch->flags[2], 0);
	assert_int_equal(batch->payload.len, 3 * room + 2 * at.len + 59);
	assert_true(bytes_zero(batch->payload.data, room));
	assert_memory_equal(batch->payload.data + room, bytes, at.len);
	assert_true(bytes_zero(batch->payload.data + room + at.len, room));
	assert_memory_equal(batch->payload.data + 2 * room + at.len, bytes, 60);
	tapfeed__frame__free_unpacked(frame, NULL);
}

/* An interface that tells nobody. */
static void test_trust_in_vain(void **state)
{
	struct ipframe_at at = ipframe_make(&small, bytes);

	(void)state;
	options.checksums = CHECKSUMS_TRUST;
	assert_int_equal(add(at.len, at.len), 0);
	assert_int_equal(counters.checksums_fixed, 0);
	assert_int_equal(counters.checksums_left, 1);
	expect_whole(at.len, at.len);
}

static void test_bad_headroom(void **state)
{
	static const uint32_t bad[] = { 1, 9, 11, 12, 1u << 31 };

	for (size_t i = 0; i < COUNT(bad); i++) {
		tear_down(state);
		set_up(state);
		say_headroom(bad[i]);
		assert_int_equal(sender_wait(sender, NULL, 0, CLOCK_NEVER),
				 -EPROTO);
	}
}

static void test_fix_padded(void **state)
{
	struct ipframe_at at = ipframe_make(&small, bytes);
	Tapfeed__Frame *frame;

	(void)state;
	bytes_put_be16(bytes + at.transport + 16, 0x1234);
	options.checksums = CHECKSUMS_FIX;
	options.truncated = TRUNCATED_PAD;
	assert_int_equal(add(100, at.len), 0);
	assert_int_equal(counters.checksums_fixed, 1);
	frame = sent(1);
	assert_true(ipframe_verify(frame->batch->payload.data, at, 6));
	tapfeed__frame__free_unpacked(frame, NULL);
}

#define STAGE(name)                                                            \
	cmocka_unit_test_setup_teardown(name, set_up_stage, tear_down)

/* Two frames of one packet: what is counted of both, and their room. */
static void test_two_frames(void **state)
{
	struct ipframe_at at = ipframe_make(&small, bytes);
	struct packet packet = { bytes, at.len, at.len, at.len, 1, 77, 0 };
	struct convert_frame list[2] = {
		{ .data = bytes, .data_len = at.len, .original_len = at.len },
		{ .data = bytes, .data_len = 500, .original_len = at.len },
	};
	Tapfeed__Frame *frame;

	options.checksums = CHECKSUMS_FIX;
	assert_int_equal(frames_add(&stage, &packet, list, 2, &became), 0);
	assert_int_equal(counters.checksums_fixed, 1);
	assert_int_equal(counters.checksums_left, 0);
	tear_down(state);
	set_up_stage(state);
	options.truncated = TRUNCATED_PAD;
	list[0].data_len = list[0].original_len = 250000;
	list[1].original_len = 65535 + 14;
	assert_int_equal(frames_add(&stage, &packet, list, 2, &became), 0);
	assert_int_equal(became.bytes, COLLECT_PACKET_BYTES);
	frame = sent(1);
	assert_int_equal(frame->batch->captured_len[1],
			 COLLECT_PACKET_BYTES - 250000);
	tapfeed__frame__free_unpacked(frame, NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		STAGE(test_keep),
		STAGE(test_limit),
		STAGE(test_segment),
		STAGE(test_not_to_be_cut),
		STAGE(test_size_known),
		STAGE(test_too_many),
		STAGE(test_too_long),
		STAGE(test_largest),
		STAGE(test_other_interface),
		STAGE(test_truncated_keep),
		STAGE(test_truncated_drop),
		STAGE(test_truncated_pad),
		STAGE(test_pad_and_segment),
		STAGE(test_fix),
		STAGE(test_fix_padded),
		STAGE(test_trust),
		STAGE(test_trust_in_vain),
		STAGE(test_bad_headroom),
		STAGE(test_two_frames),
	};

	return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
