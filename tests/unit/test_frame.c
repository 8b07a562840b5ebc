/* SPDX-License-Identifier: Apache-2.0 */
/* common/frame.c: frames out of a stream that is cut anywhere. */
#include <config.h>

#include "tests/unit/unit.h"

#include <sys/socket.h>

#include "common/fd.h"
#include "common/frame.h"

#define BODY_MAX 400

struct fixture {
	int near; /* the reader's, non-blocking */
	int far;
	struct frame_reader reader;
};

static struct fixture fixture;

static void open_reader(size_t body_max)
{
	int ends[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	fixture.near = ends[0];
	fixture.far = ends[1];
	assert_int_equal(fd_set_nonblock(fixture.near), 0);
	assert_int_equal(fd_set_nonblock(fixture.far), 0);
	assert_int_equal(frame_reader_init(&fixture.reader, body_max), 0);
}

static int set_up(void **state)
{
	(void)state;
	open_reader(BODY_MAX);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	frame_reader_done(&fixture.reader);
	fd_close(&fixture.near);
	fd_close(&fixture.far);
	return 0;
}

static void put(const void *data, size_t len)
{
	assert_int_equal(fd_write(fixture.far, data, len), len);
}

static ssize_t fill(void)
{
	return frame_reader_fill(&fixture.reader, fixture.near);
}

/* The next frame must be of len bytes, each of that value. */
static void expect_frame(size_t len, uint8_t value)
{
	const uint8_t *body;
	size_t got = SIZE_MAX;

	assert_int_equal(frame_reader_next(&fixture.reader, &body, &got), 1);
	assert_int_equal(got, len);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(body[i], value);
}

static void expect_none(bool partial)
{
	const uint8_t *body = NULL;
	size_t len = SIZE_MAX;

	assert_int_equal(frame_reader_next(&fixture.reader, &body, &len), 0);
	assert_null(body);
	assert_int_equal(len, SIZE_MAX);
	assert_int_equal(frame_reader_partial(&fixture.reader), partial);
}

static size_t make_frame(uint8_t *dst, size_t len, uint8_t value)
{
	frame_header(dst, len);
	memset(dst + TAPFEED_FEED_HEADER_BYTES, value, len);
	return TAPFEED_FEED_HEADER_BYTES + len;
}

static void test_header(void **state)
{
	static const struct {
		size_t len;
		uint8_t header[4];
	} rows[] = {
		{ 1, { 0, 0, 0, 1 } },
		{ 0x102, { 0, 0, 1, 2 } },
		{ TAPFEED_FEED_FRAME_MAX, { 0, 6, 0, 0 } },
		{ 0xfedcba98, { 0xfe, 0xdc, 0xba, 0x98 } },
	};
	uint8_t header[TAPFEED_FEED_HEADER_BYTES];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		frame_header(header, rows[i].len);
		assert_memory_equal(header, rows[i].header, sizeof(header));
	}
}

static void test_nothing(void **state)
{
	(void)state;
	expect_none(false);
	assert_int_equal(fill(), -EAGAIN);
	fd_close(&fixture.far);
	assert_int_equal(fill(), 0);
	expect_none(false);
}

/* Three frames, offered in two pieces that meet at each byte. */
static void test_split_at_each_byte(void **state)
{
	uint8_t stream[BODY_MAX * 2];
	size_t len = make_frame(stream, 1, 7);

	(void)state;
	len += make_frame(stream + len, 5, 8);
	len += make_frame(stream + len, 300, 9);
	for (size_t split = 1; split < len; split++) {
		const size_t lens[] = { 1, 5, 300 };
		const size_t ends[] = { 5, 14, len };
		size_t next = 0;

		open_reader(BODY_MAX);
		put(stream, split);
		assert_int_equal(fill(), split);
		for (; next < 3 && ends[next] <= split; next++)
			expect_frame(lens[next], (uint8_t)(7 + next));
		expect_none(split != 5 && split != 14);
		put(stream + split, len - split);
		while (next < 3) {
			assert_true(fill() > 0);
			for (; next < 3 &&
			       fixture.reader.end - fixture.reader.start >=
				       4 + lens[next];
			     next++)
				expect_frame(lens[next], (uint8_t)(7 + next));
		}
		expect_none(false);
		tear_down(NULL);
	}
}

static void test_byte_by_byte(void **state)
{
	uint8_t stream[BODY_MAX];
	size_t len = make_frame(stream, 20, 3);

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < len; i++) {
			expect_none(i > 0);
			put(stream + i, 1);
			assert_int_equal(fill(), 1);
		}
		expect_frame(20, 3);
		expect_none(false);
	}
}

static void test_several_in_one_read(void **state)
{
	uint8_t stream[BODY_MAX];
	size_t len = 0;

	(void)state;
	for (uint8_t i = 1; i <= 10; i++)
		len += make_frame(stream + len, i, i);
	put(stream, len);
	put("\0\0", 2);
	assert_int_equal(fill(), len + 2);
	for (uint8_t i = 1; i <= 10; i++)
		expect_frame(i, i);
	expect_none(true);
}

static void test_lengths(void **state)
{
	static const struct {
		uint32_t len;
		int result;
	} rows[] = {
		{ 0, -EPROTO },		 { 1, 0 },
		{ BODY_MAX, 0 },	 { BODY_MAX + 1, -EPROTO },
		{ 0x7fffffff, -EPROTO }, { 0x80000000, -EPROTO },
		{ 0xfffffffb, -EPROTO }, { 0xfffffffc, -EPROTO },
		{ 0xffffffff, -EPROTO }, { 0x01000000, -EPROTO },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t header[TAPFEED_FEED_HEADER_BYTES];
		const uint8_t *body = NULL;
		size_t len;

		open_reader(BODY_MAX);
		frame_header(header, rows[i].len);
		put(header, sizeof(header));
		assert_int_equal(fill(), sizeof(header));
		/* Known before a byte of the body is there. */
		assert_int_equal(frame_reader_next(&fixture.reader, &body,
						   &len),
				 rows[i].result);
		assert_null(body);
		tear_down(NULL);
	}
}

/* A bad length behind good frames spoils none of them. */
static void test_bad_after_good(void **state)
{
	uint8_t stream[64];
	size_t len = make_frame(stream, 8, 1);
	const uint8_t *body;

	(void)state;
	frame_header(stream + len, 0);
	put(stream, len + 4);
	assert_int_equal(fill(), len + 4);
	expect_frame(8, 1);
	assert_int_equal(frame_reader_next(&fixture.reader, &body, &len),
			 -EPROTO);
}

/* Frames of the limit, back to back, through a socket smaller than they are. */
static void test_largest(void **state)
{
	const size_t total = 4 + TAPFEED_FEED_FRAME_MAX;
	uint8_t *frame = malloc(total);
	size_t written = 0, frames = 0;

	(void)state;
	assert_non_null(frame);
	tear_down(NULL);
	open_reader(TAPFEED_FEED_FRAME_MAX);
	make_frame(frame, TAPFEED_FEED_FRAME_MAX, 0xa5);
	while (frames < 3) {
		size_t at = written % total;
		ssize_t n = fd_write(fixture.far, frame + at, total - at);
		const uint8_t *body;
		size_t len;

		if (n > 0)
			written += (size_t)n;
		if (frame_reader_next(&fixture.reader, &body, &len) == 0) {
			assert_true(fill() > 0);
			continue;
		}
		assert_int_equal(len, TAPFEED_FEED_FRAME_MAX);
		assert_memory_equal(body, frame + 4, len);
		frames++;
	}
	free(frame);
}

/* A body stays valid until the next fill, while others are taken. */
static void test_body_stays(void **state)
{
	uint8_t stream[64];
	size_t len = make_frame(stream, 4, 1);
	const uint8_t *first, *second;

	(void)state;
	len += make_frame(stream + len, 4, 2);
	put(stream, len);
	assert_int_equal(fill(), len);
	assert_int_equal(frame_reader_next(&fixture.reader, &first, &len), 1);
	assert_int_equal(frame_reader_next(&fixture.reader, &second, &len), 1);
	assert_memory_equal(first, "\1\1\1\1", 4);
	assert_memory_equal(second, "\2\2\2\2", 4);
}

static void test_end_in_mid_frame(void **state)
{
	uint8_t stream[64];
	size_t len = make_frame(stream, 8, 1);

	(void)state;
	put(stream, len - 1);
	fd_close(&fixture.far);
	assert_int_equal(fill(), len - 1);
	expect_none(true);
	assert_int_equal(fill(), 0);
	expect_none(true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		TEST(test_nothing),
		cmocka_unit_test(test_split_at_each_byte),
		TEST(test_byte_by_byte),
		TEST(test_several_in_one_read),
		cmocka_unit_test(test_lengths),
		TEST(test_bad_after_good),
		TEST(test_largest),
		TEST(test_body_stays),
		TEST(test_end_in_mid_frame),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
