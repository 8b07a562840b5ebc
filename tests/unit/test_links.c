/* SPDX-License-Identifier: Apache-2.0 */
/* launcher/links.c: which interface sees what another one takes. */
#include <config.h>

#include "tests/unit/unit.h"

#include "launcher/links.h"

enum {
	FEED = 1,
	BRIDGE,
	VLAN_ON_BRIDGE,
	BOND,
	OTHER,
	FAR_VETH,
	LOOP_A,
	LOOP_B,
	PORT,
	PORT_END
};

static struct links_entry entries[] = {
	{ .ifindex = FEED, .master = BRIDGE },
	{ .ifindex = BRIDGE },
	{ .ifindex = VLAN_ON_BRIDGE, .lower = BRIDGE, .master = BOND },
	{ .ifindex = BOND },
	{ .ifindex = OTHER },
	/* The number is of another namespace: no kin of ours. */
	{ .ifindex = FAR_VETH, .lower = FEED, .lower_foreign = true },
	/* A veth pair stands on itself. */
	{ .ifindex = LOOP_A, .lower = LOOP_B },
	{ .ifindex = LOOP_B, .lower = LOOP_A },
	{ .ifindex = PORT, .master = BRIDGE, .lower = PORT_END },
	{ .ifindex = PORT_END, .lower = PORT },
};

static const struct links links = {
	.entries = entries,
	.count = COUNT(entries),
};

static void test_carries(void **state)
{
	static const struct {
		unsigned int upper, lower;
		bool carries;
	} rows[] = {
		{ FEED, FEED, true },		{ BRIDGE, FEED, true },
		{ VLAN_ON_BRIDGE, FEED, true }, { BOND, FEED, true },
		{ OTHER, FEED, false },		{ FAR_VETH, FEED, false },
		{ PORT, FEED, false },		{ FEED, BRIDGE, false },
		{ LOOP_A, LOOP_B, true },	{ LOOP_B, LOOP_A, true },
		{ OTHER, LOOP_A, false },	{ 99, FEED, false },
		{ OTHER, 99, false },		{ 99, 99, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (links_carries(&links, rows[i].upper, rows[i].lower) !=
		    rows[i].carries)
			fail_msg("row %zu", i);
}

/* What leaves a bridge again, where its port has no shield. */
static void test_bridged(void **state)
{
	static const struct {
		unsigned int port, lower;
		bool bridged;
	} rows[] = {
		{ PORT, FEED, true },	 { PORT_END, FEED, true },
		{ OTHER, FEED, false },	 { FAR_VETH, FEED, false },
		{ PORT, OTHER, false },	 { PORT_END, OTHER, false },
		{ LOOP_A, FEED, false }, { 99, FEED, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (links_bridged(&links, rows[i].port, rows[i].lower) !=
		    rows[i].bridged)
			fail_msg("row %zu", i);
}

/* What there is for sure: the loopback interface, as the kernel tells it. */
static void test_load(void **state)
{
	struct links loaded;

	(void)state;
	assert_int_equal(links_init(&loaded), 0);
	for (int i = 0; i < 3; i++) {
		const struct links_entry *lo;

		assert_int_equal(links_load(&loaded), 0);
		lo = links_find(&loaded, 1);
		assert_non_null(lo);
		assert_string_equal(lo->name, "lo");
		assert_int_equal(lo->master, 0);
		assert_null(links_find(&loaded, 4000000));
	}
	links_done(&loaded);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_carries),
		cmocka_unit_test(test_bridged),
		cmocka_unit_test(test_load),
	};

	return cmocka_run_group_tests_name("links", tests, NULL, NULL);
}
