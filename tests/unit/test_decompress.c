/* SPDX-License-Identifier: Apache-2.0 */
/* capture/decompress.c: plain and gzip. */
#include <config.h>

#include "tests/unit/streams.h"

#include <malloc.h>
#include <zlib.h>

/* One gzip member that holds these bytes. */
static void add_member(struct blob *blob, const uint8_t *plain, size_t len)
{
	z_stream z = { .avail_in = (uInt)len };
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, plain, len);
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8,
				      Z_DEFAULT_STRATEGY),
			 Z_OK);
	z.next_in = copy;
	z.next_out = blob->at + blob->len;
	z.avail_out = (uInt)(sizeof(blob->at) - blob->len);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	blob->len += z.total_out;
	deflateEnd(&z);
	free(copy);
}

static void test_plain(void **state)
{
	static const struct {
		const char *begin;
		size_t len;
	} rows[] = {
		{ "", 0 },
		{ "a", 1 },
		{ "\x1f", 1 },
		{ "\x1f\x8a", 2 },
		{ "\x1f\x00\x8b", 3 },
		{ "\x8b\x1f", 2 },
		{ "", PLAIN_BYTES },
		{ "\x1f\x8c\x08", PLAIN_BYTES },
	};
	static struct blob blob;

	(void)state;
	for (size_t i = 0; i < COUNT(rows) * COUNT(sizes); i++) {
		const char *begin = rows[i / COUNT(sizes)].begin;

		blob.len = rows[i / COUNT(sizes)].len;
		fill_plain(blob.at, blob.len);
		memcpy(blob.at, begin,
		       strlen(begin) < blob.len ? strlen(begin) : blob.len);
		if (blob.len == 3)
			memcpy(blob.at, begin, 3);
		check_file(&blob, blob.at, blob.len, sizes[i % COUNT(sizes)],
			   0);
	}
}

/* Members of any length, none of which ends where a read does. */
static void test_members(void **state)
{
	static const size_t lens[] = { 70000, 0, 1, 65536, 0, 0, 12345 };
	static uint8_t plain[PLAIN_BYTES];
	static struct blob blob;
	size_t len = 0;

	(void)state;
	fill_plain(plain, sizeof(plain));
	blob.len = 0;
	for (size_t i = 0; i < COUNT(lens); i++) {
		add_member(&blob, plain + len, lens[i]);
		len += lens[i];
	}
	for (size_t i = 0; i < COUNT(sizes); i++)
		check_file(&blob, plain, len, sizes[i], 0);
}

/* What may follow a member, and what may not. */
static void test_after_the_end(void **state)
{
	static const struct {
		const char *more;
		size_t len;
		int result;
	} rows[] = {
		{ "", 0, 0 },
		{ "\0", 1, 0 },
		{ "\0\0\0\0\0\0\0\0\0\0\0\0", 12, 0 },
		{ "garbage", 7, -EBADMSG },
		{ "\0garbage", 8, -EBADMSG },
		{ "\0\x1f\x8b", 3, -EBADMSG },
		{ "\x1f", 1, -ENODATA },
		{ "\x1f\x8b", 2, -ENODATA },
		{ "\x1f\x8a", 2, -EBADMSG },
		{ "\x1f\x8b\x08\0\0\0\0\0\0\3", 10, -ENODATA },
		{ "\x1f\x8b\x07\0\0\0\0\0\0\3", 10, -EBADMSG },
		{ "\x1f\x8b\x08\xe0\0\0\0\0\0\3", 10, -EBADMSG },
	};
	uint8_t plain[SMALL_BYTES];
	static struct blob blob;

	(void)state;
	fill_plain(plain, sizeof(plain));
	for (size_t i = 0; i < COUNT(rows) * COUNT(sizes); i++) {
		blob.len = 0;
		add_member(&blob, plain, sizeof(plain));
		add(&blob, rows[i / COUNT(sizes)].more,
		    rows[i / COUNT(sizes)].len);
		check_file(&blob, plain, sizeof(plain), sizes[i % COUNT(sizes)],
			   rows[i / COUNT(sizes)].result);
	}
}

/* More zeros than fit into one read of the input, then one other byte. */
static void test_long_padding(void **state)
{
	uint8_t plain[SMALL_BYTES];
	static struct blob blob;

	(void)state;
	fill_plain(plain, sizeof(plain));
	blob.len = 0;
	add_member(&blob, plain, sizeof(plain));
	memset(blob.at + blob.len, 0, PLAIN_BYTES);
	blob.len += PLAIN_BYTES;
	check_file(&blob, plain, sizeof(plain), 1, 0);
	add(&blob, "x", 1);
	check_file(&blob, plain, sizeof(plain), 1, -EBADMSG);
}

/* Reads what there is of the content, then says that it is cut. */
static void test_cut_everywhere(void **state)
{
	uint8_t plain[SMALL_BYTES];
	uint8_t out[SMALL_BYTES];
	static struct blob blob;
	size_t last = 0;

	(void)state;
	fill_plain(plain, sizeof(plain));
	blob.len = 0;
	add_member(&blob, plain, sizeof(plain));
	for (size_t len = 2; len < blob.len; len++) {
		static struct blob cut;
		struct decompress *stream = NULL;
		size_t got;
		int fd;

		cut.len = 0;
		add(&cut, blob.at, len);
		fd = open_file(&cut);
		assert_int_equal(decompress_new(&stream, fd), 0);
		assert_int_equal(read_all(stream, out, sizeof(out), 10, &got),
				 -ENODATA);
		assert_true(got >= last);
		assert_memory_equal(out, plain, got);
		last = got;
		decompress_free(stream);
		close(fd);
	}
	/* The last eight bytes are check sum and length. */
	assert_int_equal(last, sizeof(plain));
}

/* Every single bit turned over: an error, or all the same. */
static void test_damage_everywhere(void **state)
{
	uint8_t plain[SMALL_BYTES];
	static struct blob blob;

	(void)state;
	fill_plain(plain, sizeof(plain));
	blob.len = 0;
	add_member(&blob, plain, sizeof(plain));
	for (size_t bit = 16; bit < blob.len * 8; bit++) {
		static uint8_t out[PLAIN_BYTES];
		struct decompress *stream = NULL;
		uint8_t mask = (uint8_t)(1 << bit % 8);
		ssize_t result;
		size_t got;
		int fd;

		blob.at[bit / 8] ^= mask;
		fd = open_file(&blob);
		assert_int_equal(decompress_new(&stream, fd), 0);
		result = read_all(stream, out, sizeof(out), 100, &got);
		/* Not all of the header, nor the last padding, matters. */
		if (result == 0) {
			assert_int_equal(got, sizeof(plain));
			assert_memory_equal(out, plain, got);
		} else {
			assert_true(result == -EBADMSG || result == -ENODATA);
		}
		decompress_free(stream);
		close(fd);
		blob.at[bit / 8] ^= mask;
	}
}

/* What precedes the damage comes first, in the same read of the input, too. */
static void test_output_before_damage(void **state)
{
	static uint8_t plain[PLAIN_BYTES];
	static struct blob blob;

	(void)state;
	fill_plain(plain, sizeof(plain));
	blob.len = 0;
	add_member(&blob, plain, sizeof(plain));
	/* The check sum: all content is before it. */
	blob.at[blob.len - 5] ^= 1;
	for (size_t i = 0; i < COUNT(sizes); i++)
		check_file(&blob, plain, sizeof(plain), sizes[i], -EBADMSG);
}

static void test_trickle(void **state)
{
	uint8_t plain[SMALL_BYTES];
	uint8_t out[SMALL_BYTES * 2 + 100];
	static struct blob blob;
	size_t got;

	(void)state;
	fill_plain(plain, sizeof(plain));
	for (size_t size = 1; size <= 100; size += 33) {
		blob.len = 0;
		add(&blob, plain, sizeof(plain));
		assert_int_equal(trickle(&blob, out, sizeof(out), size, &got),
				 0);
		assert_int_equal(got, sizeof(plain));
		assert_memory_equal(out, plain, got);

		blob.len = 0;
		add_member(&blob, plain, 100);
		add_member(&blob, plain + 100, sizeof(plain) - 100);
		add(&blob, "\0\0", 2);
		assert_int_equal(trickle(&blob, out, sizeof(out), size, &got),
				 0);
		assert_int_equal(got, sizeof(plain));
		assert_memory_equal(out, plain, got);
	}
	/* A lone first byte of a magic is content once nothing follows. */
	blob.len = 0;
	add(&blob, "\x1f", 1);
	assert_int_equal(trickle(&blob, out, sizeof(out), 1, &got), 0);
	assert_int_equal(got, 1);
	assert_int_equal(out[0], 0x1f);
}

/* Where input ends in a long match, all of it comes without further input. */
static void test_output_without_input(void **state)
{
	static const uint8_t zeros[1000];
	static struct blob blob;

	(void)state;
	blob.len = 0;
	add_member(&blob, zeros, sizeof(zeros));
	for (size_t len = 2; len < blob.len; len++)
		assert_int_equal(read_pending(&blob, len, 1),
				 read_pending(&blob, len, 2000));
	assert_int_equal(read_pending(&blob, blob.len - 8, 1), sizeof(zeros));
}

/* A read just as long as what there is leaves nothing, and it may not know. */
static void test_no_hasty_read(void **state)
{
	static uint8_t plain[1000];
	static struct blob blob;

	(void)state;
	for (size_t size = 50; size <= 1000; size += 50) {
		blob.len = 0;
		add_member(&blob, plain, sizeof(plain));
		check_no_hasty_read(&blob, size);
	}
}

static void test_format(void **state)
{
	static struct blob blob;
	struct decompress *stream = NULL;
	uint8_t byte;
	int fds[2];

	(void)state;
	blob.len = 0;
	add_member(&blob, (const uint8_t *)"abc", 3);
	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	assert_int_equal(decompress_new(&stream, fds[0]), 0);
	assert_null(decompress_format(stream));
	assert_int_equal(write(fds[1], blob.at, blob.len), blob.len);
	assert_int_equal(decompress_read(stream, &byte, 1), 1);
	assert_int_equal(byte, 'a');
	assert_string_equal(decompress_format(stream), "gzip");
	assert_true(decompress_pending(stream));
	decompress_reset(stream);
	assert_null(decompress_format(stream));
	assert_false(decompress_pending(stream));
	assert_int_equal(decompress_input_bytes(stream), 0);
	assert_int_equal(write(fds[1], "xyz", 3), 3);
	assert_int_equal(decompress_read(stream, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	assert_null(decompress_format(stream));
	decompress_free(stream);
	close(fds[0]);
	close(fds[1]);
}

/* From any point, in the middle of a member and after damage. */
static void test_reset(void **state)
{
	static uint8_t plain[PLAIN_BYTES];
	static uint8_t out[PLAIN_BYTES];
	static struct blob blob;
	struct decompress *stream = NULL;
	size_t got;
	int fd;

	(void)state;
	fill_plain(plain, sizeof(plain));
	blob.len = 0;
	add_member(&blob, plain, sizeof(plain));
	fd = open_file(&blob);
	assert_int_equal(decompress_new(&stream, fd), 0);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(decompress_read(stream, out, 1000), 1000);
		assert_int_equal(lseek(fd, i % 2 ? 0 : 5000, SEEK_SET),
				 i % 2 ? 0 : 5000);
		if (i % 2 == 0)
			assert_int_equal(read_all(stream, out, sizeof(out), 999,
						  &got),
					 -EBADMSG);
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		decompress_reset(stream);
		assert_int_equal(read_all(stream, out, sizeof(out), 1000, &got),
				 0);
		assert_int_equal(got, sizeof(plain));
		assert_memory_equal(out, plain, got);
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		decompress_reset(stream);
	}
	decompress_free(stream);
	close(fd);
}

/* 100 MiB of zeros out of 100 KiB, through a small buffer. */
static void test_bomb(void **state)
{
	static uint8_t zeros[1024 * 1024];
	static struct blob blob;
	struct decompress *stream = NULL;
	uint8_t out[3000];
	size_t total = 0;
	ssize_t n;
	int fd;

	(void)state;
	blob.len = 0;
	for (int i = 0; i < 100; i++)
		add_member(&blob, zeros, sizeof(zeros));
	fd = open_file(&blob);
	assert_int_equal(decompress_new(&stream, fd), 0);
	do {
		n = decompress_read(stream, out, sizeof(out));
		if (n > 0)
			total += (size_t)n;
	} while (n > 0 || n == -EAGAIN);
	assert_int_equal(n, 0);
	assert_int_equal(total, 100 * sizeof(zeros));
	decompress_free(stream);
	close(fd);
}

/* Where glibc's allocator is in use (a sanitizer's is not counted). */
static void test_no_later_allocation(void **state)
{
	static uint8_t plain[PLAIN_BYTES];
	static struct blob blob;
	struct decompress *stream = NULL;
	size_t before;
	ssize_t n;
	int fd;

	(void)state;
	fill_plain(plain, sizeof(plain));
	blob.len = 0;
	add_member(&blob, plain, PLAIN_BYTES / 2);
	add_member(&blob, plain, PLAIN_BYTES / 2);
	fd = open_file(&blob);
	assert_int_equal(decompress_new(&stream, fd), 0);
	before = mallinfo2().uordblks;
	do {
		n = decompress_read(stream, plain, sizeof(plain));
	} while (n > 0 || n == -EAGAIN);
	assert_int_equal(mallinfo2().uordblks, before);
	decompress_free(stream);
	close(fd);
}

static void test_read_errors(void **state)
{
	struct decompress *stream = NULL;
	uint8_t byte;
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(decompress_new(&stream, fd), 0);
	assert_int_equal(decompress_read(stream, &byte, 1), -EISDIR);
	decompress_free(stream);
	close(fd);
	assert_int_equal(decompress_new(&stream, -1), 0);
	assert_int_equal(decompress_read(stream, &byte, 1), -EBADF);
	decompress_free(stream);
	decompress_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_after_the_end),
		cmocka_unit_test(test_long_padding),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_damage_everywhere),
		cmocka_unit_test(test_output_before_damage),
		cmocka_unit_test(test_trickle),
		cmocka_unit_test(test_output_without_input),
		cmocka_unit_test(test_no_hasty_read),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_no_later_allocation),
		cmocka_unit_test(test_read_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
