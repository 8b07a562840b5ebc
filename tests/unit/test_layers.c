/* SPDX-License-Identifier: Apache-2.0 */
/* common/layers.c: where headers lie, and that none lies where nothing is. */
#include <config.h>

#include "tests/unit/ipframe.h"

#include "common/layers.h"

#define BEYOND 4 /* bytes of the frame that are not there to be read */

static uint8_t bytes[IPFRAME_MAX];

/* In memory of just that size: a sanitizer sees each byte too far. */
static struct layers find(uint32_t len, uint32_t frame_len)
{
	struct layers layers = { 0 };
	uint8_t *exact = malloc(len ? len : 1);

	assert_non_null(exact);
	memcpy(exact, bytes, len);
	if (!layers_find(exact, len, frame_len, TAPFEED_TAP, &layers))
		assert_true(layers.network == 0 && layers.version == 0);
	free(exact);
	return layers;
}

static const struct ipframe specs[] = {
	{ TAPFEED_TAP, 0, 4, 6, 0, 0, 0, 0x10, 0 },
	{ TAPFEED_TAP, 2, 4, 17, 10, 0, 0, 0, 0 },
	{ TAPFEED_TAP, 0, 6, 6, 0, 0, 0, 0x10, 0 },
	{ TAPFEED_TAP, 1, 6, 17, 3, 0, 0, 0, 0 },
};

/* Up to its last byte a header is not found, with it it is. */
static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(specs); i++) {
		struct ipframe_at at = ipframe_make(&specs[i], bytes);
		uint32_t least = specs[i].version == 4 ? 20 : 40;

		for (uint32_t len = 0; len <= at.transport; len++) {
			struct layers layers = find(len, at.len + BEYOND);

			assert_int_equal(layers.version,
					 len < at.network + least
						 ? 0
						 : specs[i].version);
			assert_int_equal(layers.transport,
					 len < at.transport ? 0 : at.transport);
			if (layers.version)
				assert_int_equal(layers.end, at.len);
		}
	}
}

/* An extension header of sixteen bytes, whole and cut in its second half. */
static void test_long_extension(void **state)
{
	static const struct ipframe spec = { TAPFEED_TAP, 0,  6,    6, 2,
					     0,		  10, 0x10, 0 };
	struct ipframe_at at = ipframe_make(&spec, bytes);

	(void)state;
	bytes[at.network + 40] = 6;
	bytes[at.network + 41] = 1;
	assert_int_equal(find(at.len, at.len).transport, at.transport);
	for (uint32_t len = at.transport - 9; len < at.transport; len++)
		assert_int_equal(find(len, at.len).transport, 0);
}

/* IPv6 where the link header says IPv4, and the other way round. */
static void test_other_version(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(specs); i++) {
		struct ipframe_at at = ipframe_make(&specs[i], bytes);

		bytes_put_be16(bytes + at.network - 2,
			       specs[i].version == 4 ? 0x86dd : 0x0800);
		assert_int_equal(find(at.len, at.len).version, 0);
		assert_int_equal(find(at.len, at.len).network, at.network);
	}
}

/* A route counts, wherever it stands; not behind the end of the options, nor
 * where their lengths lead nowhere. */
static void test_options(void **state)
{
	static const struct {
		const char *options;
		bool routed;
	} rows[] = {
		{ "\x83\x07\x04\0\0\0\0\0", true },
		{ "\x89\x07\x04\0\0\0\0\0", true },
		{ "\x01\x01\x44\x04\x05\0\x83\x02", true },
		{ "\0\x01\x83\x06\x04\0\0\0", false },
		{ "\x44\0\x83\x07\x04\0\0\0", false }, /* for ever */
		{ "\x44\x09\x83\x07\x04\0\0\0", false },
		{ "\x01\x01\x01\x01\x01\x01\x01\x44", false },
	};
	static const struct ipframe spec = { TAPFEED_TAP, 0,  4,    6, 2,
					     0,		  10, 0x10, 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ipframe_at at = ipframe_make(&spec, bytes);

		memcpy(bytes + at.network + 20, rows[i].options, 8);
		if (find(at.len, at.len).transport !=
		    (rows[i].routed ? 0 : at.transport))
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_long_extension),
		cmocka_unit_test(test_other_version),
		cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests_name("layers", tests, NULL, NULL);
}
