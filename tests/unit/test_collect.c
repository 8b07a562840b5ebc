/* SPDX-License-Identifier: Apache-2.0 */
/* capture/collect.c: what finds room, and what is sent along. */
#include <config.h>

#include "tests/unit/unit.h"

#include "capture/collect.h"
#include "common/bytes.h"

#define ROOM TAPFEED_VNET_BYTES

static struct collect collect;

static int set_up(void **state)
{
	(void)state;
	memset(&collect, 0, sizeof(collect));
	memset(collect.payload, 0xa5, sizeof(collect.payload));
	return 0;
}

static void add(uint32_t len, bool more)
{
	memset(collect_add(&collect, len, len, 7, more), 0x11, len);
}

/* What stands before frames takes room, too. */
static void test_fits(void **state)
{
	const uint32_t big = 64 * 1024;
	const size_t left = TAPFEED_BATCH_TARGET_BYTES - 2 * (big + ROOM);

	(void)state;
	collect.headroom = ROOM;
	assert_true(collect_fits(&collect, COLLECT_PACKET_FRAMES,
				 COLLECT_PACKET_BYTES)); /* alone */
	add(big, false);
	add(big, false);
	assert_true(collect_fits(&collect, 1, left - ROOM));
	assert_false(collect_fits(&collect, 1, left - ROOM + 1));
	assert_true(collect_fits(&collect, 100, left - 100 * ROOM));
	assert_false(collect_fits(&collect, 101, left - 100 * ROOM));
}

static void test_room_is_zero(void **state)
{
	(void)state;
	collect.headroom = ROOM;
	add(60, false);
	add(61, false);
	assert_true(bytes_zero(collect.payload, ROOM));
	assert_true(bytes_zero(collect.payload + ROOM + 60, ROOM));
	assert_int_equal(collect.payload_len, 2 * ROOM + 121);
}

/* Flags go along where there are any, of this batch. */
static void test_flags(void **state)
{
	Tapfeed__PacketBatch batch = TAPFEED__PACKET_BATCH__INIT;

	(void)state;
	add(60, true);
	add(60, false);
	collect_fill(&collect, &batch);
	assert_int_equal(batch.n_flags, 2);
	assert_int_equal(batch.flags[0], 1);
	assert_int_equal(batch.flags[1], 0);
	collect_clear(&collect);
	add(60, false);
	collect_fill(&collect, &batch);
	assert_int_equal(batch.n_flags, 0);
	assert_int_equal(batch.n_captured_len, 1);
	assert_int_equal(batch.payload.len, 60);
	collect_unfinished(&collect);
	collect_fill(&collect, &batch);
	assert_int_equal(batch.n_flags, 1);
	assert_int_equal(batch.flags[0], 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_fits, set_up),
		cmocka_unit_test_setup(test_room_is_zero, set_up),
		cmocka_unit_test_setup(test_flags, set_up),
	};

	return cmocka_run_group_tests_name("collect", tests, NULL, NULL);
}
