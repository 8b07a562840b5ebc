/* SPDX-License-Identifier: Apache-2.0 */
/* injector/batch.c: what of a decoded batch is believed. */
#include <config.h>

#include "tests/unit/unit.h"

#include "injector/batch.h"
#include "proto/limits.h"

#define MORE	 ((uint32_t)TAPFEED__PACKET_FLAG__PACKET_MORE_FRAMES)
#define SEQUENCE 1000
#define FRAMES	 4

static uint32_t captured_len[TAPFEED_BATCH_MAX_PACKETS + 1];
static uint32_t original_len[TAPFEED_BATCH_MAX_PACKETS + 1];
static uint64_t time_ns[TAPFEED_BATCH_MAX_PACKETS + 1];
static uint32_t flags[TAPFEED_BATCH_MAX_PACKETS + 1];
static uint8_t payload[TAPFEED_FRAME_MAX_BYTES * FRAMES];
static struct arena_slot slot;

/* n frames of 60, 61, ... bytes, whose first byte is their number. */
static Tapfeed__PacketBatch valid(size_t n)
{
	Tapfeed__PacketBatch message = TAPFEED__PACKET_BATCH__INIT;
	size_t sum = 0;

	memset(payload, 0, sizeof(payload));
	for (size_t i = 0; i < COUNT(flags); i++) {
		captured_len[i] = 60 + (uint32_t)(i % 64);
		original_len[i] = 1500;
		time_ns[i] = i;
		flags[i] = 0;
	}
	for (size_t i = 0; i < n; i++) {
		payload[sum] = (uint8_t)i;
		sum += captured_len[i];
	}
	message.sequence = SEQUENCE;
	message.n_captured_len = n;
	message.captured_len = captured_len;
	message.n_original_len = n;
	message.original_len = original_len;
	message.n_time_ns = n;
	message.time_ns = time_ns;
	message.n_flags = n;
	message.flags = flags;
	message.payload.data = payload;
	message.payload.len = sum;
	slot = (struct arena_slot){ .refs = 1 };
	return message;
}

static int check_kind(const Tapfeed__PacketBatch *message,
		      enum tapfeed_kind kind)
{
	struct batch batch, before;
	int r;

	memset(&batch, 0x5a, sizeof(batch));
	before = batch;
	r = batch_check(message, &slot, kind, SEQUENCE, &batch);
	if (r != 0)
		assert_memory_equal(&batch, &before, sizeof(batch));
	assert_int_equal(slot.refs, 1); /* taken over, or left alone */
	return r;
}

static int check(const Tapfeed__PacketBatch *message)
{
	return check_kind(message, TAPFEED_TAP);
}

static void test_valid(void **state)
{
	Tapfeed__PacketBatch message = valid(FRAMES);
	struct batch batch;

	(void)state;
	flags[1] = MORE;
	assert_int_equal(
		batch_check(&message, &slot, TAPFEED_TAP, SEQUENCE, &batch), 0);
	assert_int_equal(batch_packets(&batch), 3);
	for (uint32_t i = 0; i < FRAMES; i++) {
		struct queue_entry entry = batch_take(&batch);

		assert_int_equal(entry.len, 60 + i);
		assert_int_equal(entry.data[0], i);
		assert_int_equal(entry.time_ns, i);
		assert_int_equal(entry.flags, i == 1 ? MORE : 0);
		assert_ptr_equal(entry.slot, &slot);
		assert_int_equal(slot.refs, i + 2);
	}
	assert_int_equal(batch.next, batch.count);
	batch_done(&batch);
	assert_int_equal(slot.refs, FRAMES);
	batch_done(&batch); /* no batch: nothing to give back */
	assert_int_equal(slot.refs, FRAMES);
}

/* Where latency counts from is the capture's word: any number, no harm. */
static void test_since(void **state)
{
	const uint64_t real = UINT64_C(1700000000) * 1000000000, now = 5000000;
	const struct {
		uint64_t now_ns, real_ns, time_ns, since_ns;
	} rows[] = {
		{ now, real, real, now },
		{ now, real, real - 1, now - 1 },
		{ now, real, real - now + 1, 1 },
		{ now, real, real - now, 0 }, /* before the host began */
		{ now, real, 0, 0 },
		{ now, real, real + 1, 0 }, /* to come */
		{ now, real, UINT64_MAX, 0 },
		{ now, 0, 0, now }, /* whose clock was never set */
		{ now, 0, 1, 0 },
		{ now, 0, UINT64_MAX, 0 },
		{ 0, real, real, 0 },
	};
	Tapfeed__PacketBatch message = valid(1);
	struct batch batch;

	(void)state;
	assert_int_equal(
		batch_check(&message, &slot, TAPFEED_TAP, SEQUENCE, &batch), 0);
	assert_int_equal(batch_take(&batch).since_ns, 0); /* not said */
	message.has_handed_ns = true;
	message.handed_ns = UINT64_MAX - 1;
	assert_int_equal(
		batch_check(&message, &slot, TAPFEED_TAP, SEQUENCE, &batch), 0);
	assert_int_equal(batch_take(&batch).since_ns, UINT64_MAX - 1);
	for (size_t i = 0; i < COUNT(rows); i++) {
		time_ns[0] = rows[i].time_ns;
		assert_int_equal(batch_check(&message, &slot, TAPFEED_TAP,
					     SEQUENCE, &batch),
				 0);
		batch_live(&batch, rows[i].now_ns, rows[i].real_ns);
		assert_int_equal(batch_take(&batch).since_ns, rows[i].since_ns);
	}
}

static void test_limits(void **state)
{
	Tapfeed__PacketBatch message = valid(1);

	(void)state;
	captured_len[0] = TAPFEED_FRAME_MIN_BYTES;
	message.payload.len = TAPFEED_FRAME_MIN_BYTES;
	assert_int_equal(check(&message), 0);
	captured_len[0] = TAPFEED_FRAME_MAX_BYTES;
	message.payload.len = TAPFEED_FRAME_MAX_BYTES;
	assert_int_equal(check(&message), 0);
	message = valid(TAPFEED_BATCH_MAX_PACKETS);
	assert_int_equal(check(&message), 0);
	message.n_flags = 0;
	assert_int_equal(check(&message), 0);
	original_len[0] = 0; /* only for people: any number */
	original_len[1] = UINT32_MAX;
	time_ns[0] = UINT64_MAX;
	assert_int_equal(check(&message), 0);
}

static void test_malformed(void **state)
{
#define ROW(change)                                                            \
	do {                                                                   \
		Tapfeed__PacketBatch message = valid(FRAMES);                  \
		assert_int_equal(check(&message), 0);                          \
		change;                                                        \
		assert_int_equal(check(&message), -EPROTO);                    \
	} while (0)

	(void)state;
	/* counts that disagree */
	ROW(message.n_captured_len = 0);
	ROW(message.n_captured_len = FRAMES - 1);
	ROW(message.n_captured_len = FRAMES + 1);
	ROW(message.n_captured_len = SIZE_MAX);
	ROW(message.n_original_len = 0);
	ROW(message.n_original_len = FRAMES - 1);
	ROW(message.n_original_len = FRAMES + 1);
	ROW(message.n_time_ns = 0);
	ROW(message.n_time_ns = FRAMES - 1);
	ROW(message.n_time_ns = FRAMES + 1);
	ROW(message.n_flags = 1);
	ROW(message.n_flags = FRAMES - 1);
	ROW(message.n_flags = FRAMES + 1);
	/* lengths out of range, the sum right or not */
	ROW(captured_len[0] = 0);
	ROW(captured_len[0] = 13);
	ROW(captured_len[0] = 13; message.payload.len -= 47);
	ROW(captured_len[FRAMES - 1] = 0; message.payload.len -= 63);
	ROW(captured_len[0] = TAPFEED_FRAME_MAX_BYTES + 1);
	ROW(captured_len[0] = TAPFEED_FRAME_MAX_BYTES + 1;
	    message.payload.len += TAPFEED_FRAME_MAX_BYTES + 1 - 60);
	ROW(captured_len[0] = 0x80000000);
	ROW(captured_len[0] = UINT32_MAX);
	/* sums that differ */
	ROW(message.payload.len++);
	ROW(message.payload.len--);
	ROW(message.payload.len = 0);
	ROW(message.payload.len = 0; message.payload.data = NULL);
	ROW(message.payload.len = SIZE_MAX);
	ROW(captured_len[0]++);
	ROW(captured_len[0]--);
	/* sums that are right only in 32 bits */
	ROW(captured_len[0] -= 1U << 31; captured_len[1] += 1U << 31);
	ROW(captured_len[0] = UINT32_MAX; captured_len[1] += 61);
	ROW(message.payload.len += (size_t)1 << 32);
	/* flags */
	ROW(flags[0] = 2);
	ROW(flags[1] = MORE | 2);
	ROW(flags[2] = 0x80000000);
	ROW(flags[FRAMES - 1] = UINT32_MAX);
	ROW(flags[FRAMES - 1] = MORE);
	/* the sequence */
	ROW(message.sequence = 0);
	ROW(message.sequence = SEQUENCE - 1);
	ROW(message.sequence = SEQUENCE + 1);
	ROW(message.sequence = UINT64_MAX);
#undef ROW
}

/* 4097, though every array and the sum agree. */
static void test_too_many(void **state)
{
	Tapfeed__PacketBatch message = valid(TAPFEED_BATCH_MAX_PACKETS + 1);

	(void)state;
	assert_int_equal(check(&message), -EPROTO);
	message = valid(0);
	assert_int_equal(check(&message), -EPROTO);
}

/* The largest sum of lengths that each for itself is in range: no wrap to 0. */
static void test_large_sum(void **state)
{
	Tapfeed__PacketBatch message = valid(TAPFEED_BATCH_MAX_PACKETS);

	(void)state;
	for (size_t i = 0; i < TAPFEED_BATCH_MAX_PACKETS; i++)
		captured_len[i] = TAPFEED_FRAME_MAX_BYTES;
	message.payload.len = 0;
	assert_int_equal(check(&message), -EPROTO);
	message.payload.len =
		(size_t)TAPFEED_BATCH_MAX_PACKETS * TAPFEED_FRAME_MAX_BYTES;
	assert_int_equal(check(&message), 0);
}

/* Alone, and as the last of several: what is one frame long or first. */
static void test_kinds(void **state)
{
	static const struct {
		uint32_t len;
		uint8_t first;
		uint16_t ethertype;
		bool tap, tun;
	} rows[] = {
		{ 0, 0x45, 0x0800, false, false },
		{ 1, 0x45, 0x0800, false, true },
		{ 1, 0x40, 0x0800, false, true },
		{ 1, 0x60, 0x0800, false, true },
		{ 1, 0x6f, 0x0800, false, true },
		{ 1, 0x00, 0x0800, false, false },
		{ 1, 0x04, 0x0800, false, false },
		{ 1, 0x06, 0x0800, false, false },
		{ 13, 0x45, 0x0800, false, true },
		{ 14, 0x45, 0x0800, true, true },
		{ 14, 0x02, 0x0800, true, false },
		{ 19, 0x45, 0x8100, false, true },
		{ 19, 0x45, 0x88a8, false, true },
		{ 20, 0x45, 0x8100, true, true },
		{ 60, 0x3f, 0x0800, true, false },
		{ 60, 0x50, 0x0800, true, false },
		{ 60, 0x5f, 0x0800, true, false },
		{ 60, 0x70, 0x0800, true, false },
		{ 60, 0xf4, 0x0800, true, false },
		{ 60, 0xf6, 0x0800, true, false },
		{ 262144, 0x45, 0x0800, true, true },
		{ 262145, 0x45, 0x0800, false, false },
		{ 262145, 0x65, 0x0800, false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t at = 0; at < 2; at++) {
			Tapfeed__PacketBatch message = valid(at + 1);
			uint8_t *frame = payload + 60 * at;

			payload[0] = 0x45; /* the first of two is for both */
			frame[0] = rows[i].first;
			frame[12] = (uint8_t)(rows[i].ethertype >> 8);
			frame[13] = (uint8_t)rows[i].ethertype;
			captured_len[at] = rows[i].len;
			message.payload.len = 60 * at + rows[i].len;
			if ((check_kind(&message, TAPFEED_TAP) == 0) !=
				    rows[i].tap ||
			    (check_kind(&message, TAPFEED_TUN) == 0) !=
				    rows[i].tun)
				fail_msg("row %zu at %zu", i, at);
		}
}

/* Nothing is looked at that is not there. */
static void test_payload_absent(void **state)
{
	Tapfeed__PacketBatch message = valid(1);

	(void)state;
	message.payload.data = NULL;
	message.payload.len = 0;
	for (uint32_t len = 0; len < 64; len++) {
		captured_len[0] = len;
		assert_int_equal(check_kind(&message, TAPFEED_TUN), -EPROTO);
		assert_int_equal(check_kind(&message, TAPFEED_TAP), -EPROTO);
	}
}

static void test_packets_of_frames(void **state)
{
	static const struct {
		uint32_t more[FRAMES];
		size_t packets;
		size_t frames[FRAMES];
	} rows[] = {
		{ { 0, 0, 0, 0 }, 4, { 1, 1, 1, 1 } },
		{ { MORE, 0, 0, 0 }, 3, { 2, 1, 1 } },
		{ { 0, 0, MORE, 0 }, 3, { 1, 1, 2 } },
		{ { MORE, 0, MORE, 0 }, 2, { 2, 2 } },
		{ { 0, MORE, MORE, 0 }, 2, { 1, 3 } },
		{ { MORE, MORE, MORE, 0 }, 1, { 4 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		Tapfeed__PacketBatch message = valid(FRAMES);
		struct batch batch;

		memcpy(flags, rows[i].more, sizeof(rows[i].more));
		assert_int_equal(batch_check(&message, &slot, TAPFEED_TAP,
					     SEQUENCE, &batch),
				 0);
		assert_int_equal(batch_packets(&batch), rows[i].packets);
		for (size_t j = 0; j < rows[i].packets; j++) {
			assert_int_equal(batch_packet_frames(&batch),
					 rows[i].frames[j]);
			for (size_t k = 0; k < rows[i].frames[j]; k++)
				batch_take(&batch);
		}
		assert_int_equal(batch.next, FRAMES);
		/* Walked or not: it is of so many packets. */
		assert_int_equal(batch_packets(&batch), rows[i].packets);
	}
}

/* Room before each frame, and the flag that is known only then. */
static void test_headroom(void **state)
{
	const enum tapfeed_kind kind = tapfeed_vnet(TAPFEED_TAP, true);
	const uint32_t unfinished =
		TAPFEED__PACKET_FLAG__PACKET_CHECKSUM_UNFINISHED;
	Tapfeed__PacketBatch message = valid(2);
	const size_t sum = message.payload.len;
	struct batch batch;
	struct queue_entry entry;

	(void)state;
	flags[0] = unfinished;
	assert_int_equal(check_kind(&message, TAPFEED_TAP), -EPROTO);
	assert_int_equal(check_kind(&message, kind), -EPROTO); /* no room */
	message.payload.len = sum + TAPFEED_VNET_BYTES;
	assert_int_equal(check_kind(&message, kind), -EPROTO);
	message.payload.len = sum + 2 * TAPFEED_VNET_BYTES + 1;
	assert_int_equal(check_kind(&message, kind), -EPROTO);
	message.payload.len = TAPFEED_VNET_BYTES - 1;
	assert_int_equal(check_kind(&message, kind), -EPROTO);
	message.payload.len = sum + 2 * TAPFEED_VNET_BYTES;
	flags[0] = 4;
	assert_int_equal(check_kind(&message, kind), -EPROTO);
	flags[0] = unfinished;
	slot.refs = 1;
	assert_int_equal(batch_check(&message, &slot, kind, SEQUENCE, &batch),
			 0);
	entry = batch_take(&batch);
	assert_ptr_equal(entry.data, payload);
	assert_int_equal(entry.len, 60 + TAPFEED_VNET_BYTES);
	assert_int_equal(entry.flags, unfinished);
	entry = batch_take(&batch);
	assert_ptr_equal(entry.data, payload + 60 + TAPFEED_VNET_BYTES);
	assert_int_equal(entry.len, 61 + TAPFEED_VNET_BYTES);
}

/* Lengths that lie at each frame: what is not there is not looked at. */
static void test_headroom_beyond(void **state)
{
	const enum tapfeed_kind kind = tapfeed_vnet(TAPFEED_TAP, true);
	Tapfeed__PacketBatch message = valid(FRAMES);

	(void)state;
	for (size_t i = 0; i < FRAMES; i++)
		captured_len[i] = 14; /* short enough to be looked into */
	for (size_t len = 0; len <= TAPFEED_VNET_BYTES + 14; len++) {
		uint8_t *exact = malloc(len ? len : 1);

		assert_non_null(exact);
		memset(exact, 0, len);
		message.payload.data = exact;
		message.payload.len = len;
		assert_int_equal(check_kind(&message, kind), -EPROTO);
		free(exact);
	}
}

static void test_no_flags(void **state)
{
	Tapfeed__PacketBatch message = valid(FRAMES);
	struct batch batch;

	(void)state;
	flags[0] = MORE; /* lies there, but is not in the message */
	message.n_flags = 0;
	assert_int_equal(
		batch_check(&message, &slot, TAPFEED_TAP, SEQUENCE, &batch), 0);
	assert_int_equal(batch_packets(&batch), FRAMES);
	assert_int_equal(batch_packet_frames(&batch), 1);
	assert_int_equal(batch_take(&batch).flags, 0);
	batch_done(&batch);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_since),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_large_sum),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_payload_absent),
		cmocka_unit_test(test_packets_of_frames),
		cmocka_unit_test(test_headroom),
		cmocka_unit_test(test_headroom_beyond),
		cmocka_unit_test(test_no_flags),
	};

	return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
