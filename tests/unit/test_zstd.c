/* SPDX-License-Identifier: Apache-2.0 */
/* capture/decompress.c: zstd. */
#include <config.h>

#include "tests/unit/streams.h"

#include <malloc.h>
#include <zstd.h>

#include "capture/source_file.h"

/* Frames by hand (RFC 8878): magic, descriptor, window, blocks. */
#define MAGIC	 "\x28\xb5\x2f\xfd"
#define MAGIC_07 "\x27\xb5\x2f\xfd"
#define SKIP_0	 "\x50\x2a\x4d\x18"
#define SKIP_F	 "\x5f\x2a\x4d\x18"
/* The last block: raw, of no byte. */
#define LAST "\1\0\0"

/* A string literal with its length, zeros included. */
#define BYTES(text) (text), sizeof(text) - 1

enum block {
	BLOCK_RAW,
	BLOCK_RLE,
	BLOCK_COMPRESSED,
	BLOCK_RESERVED
};

static void add_block(struct blob *blob, enum block type, bool last,
		      const void *data, uint32_t len)
{
	uint32_t header = len << 3 | (uint32_t)type << 1 | last;
	const uint8_t bytes[] = { header & 0xff, header >> 8 & 0xff,
				  header >> 16 & 0xff };

	add(blob, bytes, sizeof(bytes));
	add(blob, data, type == BLOCK_RLE ? 1 : len);
}

/* A frame of these bytes with a check sum, blocks of at most block bytes. */
static void add_frame(struct blob *blob, const uint8_t *plain, size_t len,
		      size_t block)
{
	ZSTD_CCtx *z = ZSTD_createCCtx();
	ZSTD_outBuffer out = { .dst = blob->at,
			       .size = sizeof(blob->at),
			       .pos = blob->len };
	ZSTD_inBuffer in = { .src = plain };
	size_t r;

	assert_non_null(z);
	ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
	/* All at once: the frame tells how much it holds. */
	if (block >= len)
		ZSTD_CCtx_setPledgedSrcSize(z, len);
	do {
		in.size = len - in.size < block ? len : in.size + block;
		r = ZSTD_compressStream2(z, &out, &in,
					 in.size < len ? ZSTD_e_flush
						       : ZSTD_e_end);
		assert_int_equal(r, 0);
	} while (in.size < len);
	blob->len = out.pos;
	ZSTD_freeCCtx(z);
}

/* Frames of any length, none of which ends where a read does. */
static void test_frames(void **state)
{
	static const size_t lens[] = { 70000, 0, 1, 65536, 0, 0, 12345 };
	static uint8_t plain[PLAIN_BYTES];
	static struct blob blob;
	size_t len = 0;

	(void)state;
	fill_plain(plain, sizeof(plain));
	blob.len = 0;
	for (size_t i = 0; i < COUNT(lens); i++) {
		add_frame(&blob, plain + len, lens[i], i % 2 ? 999 : SIZE_MAX);
		add(&blob, BYTES(SKIP_F "\5\0\0\0hello"));
		add(&blob, BYTES(SKIP_0 "\0\0\0\0"));
		len += lens[i];
	}
	for (size_t i = 0; i < COUNT(sizes); i++)
		check_file(&blob, plain, len, sizes[i], 0);
}

/* pzstd begins with a skippable frame; longer ones than a read are skipped. */
static void test_skippable_first(void **state)
{
	static uint8_t plain[PLAIN_BYTES];
	static struct blob blob;

	(void)state;
	fill_plain(plain, sizeof(plain));
	blob.len = 0;
	add(&blob, BYTES(SKIP_0 "\4\0\0\0\x12\x34\0\0"));
	add_frame(&blob, plain, 1000, SIZE_MAX);
	add(&blob, BYTES(SKIP_0 "\x40\x0d\3\0")); /* 200,000 */
	add(&blob, plain, 200000);
	add_frame(&blob, plain + 1000, 1000, SIZE_MAX);
	for (size_t i = 0; i < COUNT(sizes); i++)
		check_file(&blob, plain, 2000, sizes[i], 0);
	/* Nothing but skipped bytes, and cut ones. */
	blob.len = 12;
	check_file(&blob, plain, 0, 100, 0);
	for (blob.len = 4; blob.len < 12; blob.len++)
		check_file(&blob, plain, 0, 100, -ENODATA);
}

/* What may follow a frame, and what may not. */
static void test_after_the_end(void **state)
{
	static const struct {
		const char *more;
		size_t len;
		int result;
	} rows[] = {
		{ BYTES(""), 0 },
		{ BYTES("\0"), 0 },
		{ BYTES("\0\0\0\0\0\0\0\0\0\0\0\0"), 0 },
		{ BYTES(MAGIC "\0\0" LAST), 0 },
		{ BYTES(SKIP_F "\0\0\0\0"), 0 },
		{ BYTES("garbage"), -EBADMSG },
		{ BYTES("\0garbage"), -EBADMSG },
		{ BYTES("\0" MAGIC "\0\0" LAST), -EBADMSG },
		{ BYTES("\x28"), -ENODATA },
		{ BYTES("\x28\xb5\x2f"), -ENODATA },
		{ BYTES("\x28\xb5\x2f\xfe"), -EBADMSG },
		{ BYTES("\x28\x2a\x4d\x18"), -EBADMSG },
		{ BYTES("\x50\xb5"), -EBADMSG },
		{ BYTES("\x60\x2a\x4d\x18\0\0\0\0"), -EBADMSG },
		{ BYTES(MAGIC), -ENODATA },
		{ BYTES(MAGIC "\0\0"), -ENODATA },
		{ BYTES(MAGIC "\0\0\1\0"), -ENODATA },
		/* The reserved bit of the descriptor; a reserved block. */
		{ BYTES(MAGIC "\x08\0" LAST), -EBADMSG },
		{ BYTES(MAGIC "\0\0\7\0\0"), -EBADMSG },
		/* A frame of version 0.7: its decoder would be 128 KiB more. */
		{ BYTES(MAGIC_07 "\0\0" LAST), -EBADMSG },
	};
	uint8_t plain[SMALL_BYTES];
	static struct blob blob;

	(void)state;
	fill_plain(plain, sizeof(plain));
	for (size_t i = 0; i < COUNT(rows) * COUNT(sizes); i++) {
		blob.len = 0;
		add_frame(&blob, plain, sizeof(plain), SIZE_MAX);
		add(&blob, rows[i / COUNT(sizes)].more,
		    rows[i / COUNT(sizes)].len);
		check_file(&blob, plain, sizeof(plain), sizes[i % COUNT(sizes)],
			   rows[i / COUNT(sizes)].result);
	}
}

/* Reads what there is of the content, then says that it is cut. */
static void test_cut_everywhere(void **state)
{
	uint8_t plain[SMALL_BYTES];
	uint8_t out[SMALL_BYTES];
	static struct blob blob, cut;
	size_t last = 0;

	(void)state;
	fill_plain(plain, sizeof(plain));
	blob.len = 0;
	add_frame(&blob, plain, sizeof(plain), 100);
	for (size_t len = 4; len < blob.len; len++) {
		struct decompress *stream = NULL;
		size_t got;
		int fd;

		cut.len = 0;
		add(&cut, blob.at, len);
		fd = open_file(&cut);
		assert_int_equal(decompress_new(&stream, fd), 0);
		assert_int_equal(read_all(stream, out, sizeof(out), 10, &got),
				 -ENODATA);
		assert_true(got == last || got == last + 100);
		assert_memory_equal(out, plain, got);
		last = got;
		decompress_free(stream);
		close(fd);
	}
	/* The last four bytes are the check sum. */
	assert_int_equal(last, sizeof(plain));
}

/* Every single bit turned over: an error, or all the same. */
static void test_damage_everywhere(void **state)
{
	uint8_t plain[SMALL_BYTES];
	static uint8_t out[PLAIN_BYTES];
	static struct blob blob;
	size_t len;

	(void)state;
	fill_plain(plain, sizeof(plain));
	blob.len = 0;
	add_frame(&blob, plain, sizeof(plain), 100);
	len = blob.len * 8;
	for (size_t bit = 32; bit < len; bit++) {
		struct decompress *stream = NULL;
		uint8_t mask = (uint8_t)(1 << bit % 8);
		ssize_t result;
		size_t got;
		int fd;

		blob.at[bit / 8] ^= mask;
		fd = open_file(&blob);
		assert_int_equal(decompress_new(&stream, fd), 0);
		result = read_all(stream, out, sizeof(out), 100, &got);
		/* Some bits are reserved, and the window may be larger. */
		if (result == 0) {
			assert_int_equal(got, sizeof(plain));
			assert_memory_equal(out, plain, got);
		} else {
			assert_true(result == -EBADMSG || result == -ENODATA ||
				    (result == -ENOTSUP && bit < 48));
		}
		decompress_free(stream);
		close(fd);
		blob.at[bit / 8] ^= mask;
	}
}

/*
 * What precedes the damage comes first, in the same read of the input, too, and
 * where libzstd could take the whole frame in one go.
 */
static void test_output_before_damage(void **state)
{
	static const size_t blocks[] = { SIZE_MAX, 1000 };
	static const size_t lens[] = { 10, 3000, PLAIN_BYTES };
	static uint8_t plain[PLAIN_BYTES];
	static struct blob blob;

	(void)state;
	fill_plain(plain, sizeof(plain));
	for (size_t i = 0; i < COUNT(lens) * COUNT(blocks); i++) {
		size_t len = lens[i / COUNT(blocks)];

		blob.len = 0;
		add_frame(&blob, plain, len, blocks[i % COUNT(blocks)]);
		/* The check sum: all content is before it. */
		blob.at[blob.len - 1] ^= 1;
		for (size_t j = 0; j < COUNT(sizes); j++)
			check_file(&blob, plain, len, sizes[j], -EBADMSG);
	}
}

/* Three blocks that are whole, then one of a type that there is not. */
static void test_blocks_before_damage(void **state)
{
	static const enum block types[] = { BLOCK_RAW, BLOCK_RLE };
	static uint8_t plain[3000];
	static struct blob blob;

	(void)state;
	memset(plain, 'a', sizeof(plain));
	for (size_t i = 0; i < COUNT(types) * COUNT(sizes); i++) {
		enum block type = types[i / COUNT(sizes)];

		blob.len = 0;
		add(&blob, BYTES(MAGIC "\0\0"));
		for (int j = 0; j < 3; j++)
			add_block(&blob, type, false, plain, 1000);
		add_block(&blob, BLOCK_RESERVED, true, plain, 10);
		check_file(&blob, plain, 3000, sizes[i % COUNT(sizes)],
			   -EBADMSG);
	}
}

/* Frames that are whole, and more than this reader takes. */
static void test_limits(void **state)
{
	static const struct {
		const char *frame;
		size_t len;
		int result;
		const char *problem;
	} rows[] = {
		/* 8 MiB of window; the next step is 9 MiB. */
		{ BYTES(MAGIC "\0\x68" LAST), 0, NULL },
		{ BYTES(MAGIC "\0\x69" LAST), -ENOTSUP, "--long=31" },
		{ BYTES(MAGIC "\0\x70" LAST), -ENOTSUP, "--long=31" },
		{ BYTES(MAGIC "\0\xa8" LAST), -ENOTSUP, "--long=31" },
		/* The largest there is, which no libzstd takes. */
		{ BYTES(MAGIC "\0\xff" LAST), -ENOTSUP, "--long=31" },
		/* A single segment is its own window: 8 MiB, and one more. */
		{ BYTES(MAGIC "\xa0\0\0\x80\0" LAST), 0, NULL },
		{ BYTES(MAGIC "\xa0\1\0\x80\0" LAST), -ENOTSUP, "--long=31" },
		{ BYTES(MAGIC "\xe0\xff\xff\xff\xff\xff\xff\xff\xff" LAST),
		  -ENOTSUP, NULL },
		{ BYTES(MAGIC "\1\0\7" LAST), -ENOTSUP, "dictionary" },
		{ BYTES(MAGIC "\1\0\0" LAST), 0, NULL },
	};
	static struct blob blob;

	(void)state;
	/* Alone, then behind a frame with content. */
	for (size_t i = 0; i < COUNT(rows) * 2; i++) {
		struct decompress *stream = NULL;
		size_t row = i / 2;
		int result = rows[row].result;
		const char *problem;
		uint8_t out[8];
		size_t got;
		int fd;

		blob.len = 0;
		if (i % 2)
			add_frame(&blob, (const uint8_t *)"abc", 3, SIZE_MAX);
		if (i % 2 && result == -ENOTSUP)
			result = -EBADMSG;
		add(&blob, rows[row].frame, rows[row].len);
		fd = open_file(&blob);
		assert_int_equal(decompress_new(&stream, fd), 0);
		assert_null(decompress_problem(stream));
		assert_int_equal(read_all(stream, out, sizeof(out), 8, &got),
				 result);
		assert_int_equal(got, i % 2 ? 3 : 0);
		problem = decompress_problem(stream);
		if (rows[row].problem)
			assert_non_null(strstr(problem, rows[row].problem));
		else if (result != -ENOTSUP && rows[row].result != -ENOTSUP)
			assert_null(problem);
		decompress_reset(stream);
		assert_null(decompress_problem(stream));
		decompress_free(stream);
		close(fd);
	}
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
		add(&blob, BYTES(SKIP_0 "\4\0\0\0\x12\x34\0\0"));
		add_frame(&blob, plain, 100, 30);
		add_frame(&blob, plain + 100, sizeof(plain) - 100, SIZE_MAX);
		add(&blob, "\0\0", 2);
		assert_int_equal(trickle(&blob, out, sizeof(out), size, &got),
				 0);
		assert_int_equal(got, sizeof(plain));
		assert_memory_equal(out, plain, got);
	}
	/* A magic's first bytes are content once nothing follows. */
	blob.len = 0;
	add(&blob, "\x28\xb5\x2f", 3);
	assert_int_equal(trickle(&blob, out, sizeof(out), 10, &got), 0);
	assert_int_equal(got, 3);
	assert_memory_equal(out, "\x28\xb5\x2f", 3);
}

/* All of a block comes without further input, however little is read at once;
 * all of a frame with its last byte. */
static void test_output_without_input(void **state)
{
	uint8_t plain[SMALL_BYTES];
	static struct blob blob;

	(void)state;
	fill_plain(plain, sizeof(plain));
	blob.len = 0;
	add_frame(&blob, plain, sizeof(plain), 100);
	for (size_t len = 4; len < blob.len; len++)
		assert_int_equal(read_pending(&blob, len, 1),
				 read_pending(&blob, len, 2000));
	/* The last four bytes are the check sum. */
	assert_int_equal(read_pending(&blob, blob.len - 4, 1), sizeof(plain));
	/* Without a check sum, known in length, so taken in one go. */
	for (size_t size = 1; size <= 2000; size += 100) {
		blob.len = 0;
		add(&blob, BYTES(MAGIC "\x60\x2c\0"));
		add_block(&blob, BLOCK_RAW, true, plain, sizeof(plain));
		/* So that it may be cut for read_pending(). */
		add(&blob, MAGIC, 4);
		assert_int_equal(read_pending(&blob, blob.len, size),
				 sizeof(plain));
	}
}

/* A read just as long as what there is leaves nothing, and it may not know. */
static void test_no_hasty_read(void **state)
{
	static uint8_t plain[1000];
	static struct blob blob;

	(void)state;
	for (size_t size = 50; size <= 1000; size += 50) {
		blob.len = 0;
		add_frame(&blob, plain, sizeof(plain), 50);
		check_no_hasty_read(&blob, size);
	}
}

/* From any point, in the middle of a frame and after damage. */
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
	add_frame(&blob, plain, sizeof(plain), 1000);
	fd = open_file(&blob);
	assert_int_equal(decompress_new(&stream, fd), 0);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(decompress_read(stream, out, 900), 900);
		assert_string_equal(decompress_format(stream), "zstd");
		assert_int_equal(lseek(fd, 5000, SEEK_SET), 5000);
		if (i % 2)
			assert_int_equal(read_all(stream, out, sizeof(out), 999,
						  &got),
					 -EBADMSG);
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		decompress_reset(stream);
		assert_false(decompress_pending(stream));
		assert_null(decompress_format(stream));
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

/* 1 GiB out of 32 KiB, with the largest window, through a small buffer. */
static void test_bomb(void **state)
{
	const uint32_t block = 128 * 1024;
	const int blocks = 8192;
	static struct blob blob;
	struct decompress *stream = NULL;
	static uint8_t out[65536];
	struct mallinfo2 before = mallinfo2(), after;
	size_t total = 0;
	ssize_t n;
	int fd;

	(void)state;
	blob.len = 0;
	add(&blob, BYTES(MAGIC "\0\x68"));
	for (int i = 0; i < blocks; i++)
		add_block(&blob, BLOCK_RLE, i == blocks - 1, "x", block);
	fd = open_file(&blob);
	assert_int_equal(decompress_new(&stream, fd), 0);
	do {
		n = decompress_read(stream, out, sizeof(out));
		if (n > 0)
			total += (size_t)n;
	} while (n > 0 || n == -EAGAIN);
	assert_int_equal(n, 0);
	assert_int_equal(total, (size_t)blocks * block);
	/* Where glibc's allocator is in use (a sanitizer's is not counted). */
	after = mallinfo2();
	assert_true(after.uordblks + after.hblkhd <
		    before.uordblks + before.hblkhd + (9u << 20));
	decompress_free(stream);
	close(fd);
}

/* A capture of one packet of len bytes behind its headers, to the end. */
static void make_capture(struct blob *blob, const uint8_t *plain, uint32_t len)
{
	const uint32_t record[] = { 1, 2, len, len };
	const uint32_t header[] = {
		0xa1b2c3d4,
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		2 << 16 | 4,
#else
		2 | 4 << 16,
#endif
		0,
		0,
		262144,
		1,
	};

	blob->len = 0;
	add(blob, header, sizeof(header));
	add(blob, record, sizeof(record));
	add(blob, plain, len);
}

/*
 * As a source: a packet that ends with a block of 128 KiB, which is also what
 * is read at once, is there before the pipe (where reads sleep) goes on.
 */
static void test_source_pipe(void **state)
{
	static uint8_t plain[128 * 1024];
	static struct blob capture, packed;
	struct source *source = NULL;
	struct packet packet;
	int fds[2];

	(void)state;
	make_capture(&capture, plain, sizeof(plain) - 40);
	packed.len = 0;
	add_frame(&packed, capture.at, capture.len, SIZE_MAX);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(write(fds[1], packed.at, packed.len - 4),
			 packed.len - 4);
	assert_int_equal(source_file_new(fds[0], &source), 0);
	assert_int_equal(source_next(source, &packet), SOURCE_PACKET);
	assert_int_equal(packet.data_len, sizeof(plain) - 40);
	assert_int_equal(source_next(source, &packet), SOURCE_WAIT);
	assert_int_equal(write(fds[1], packed.at + packed.len - 4, 4), 4);
	assert_int_equal(source_next(source, &packet), SOURCE_WAIT);
	close(fds[1]);
	assert_int_equal(source_next(source, &packet), SOURCE_END);
	source_free(source);
}

/* As a source: what is said of a window that is too large, and of damage. */
static void test_source_explain(void **state)
{
	static const struct {
		const char *frame;
		size_t len;
		int error;
		const char *text;
	} rows[] = {
		{ BYTES(MAGIC "\0\x70" LAST), -ENOTSUP, "zstdcat --long=31" },
		{ BYTES(MAGIC "\0\x68\7\0\0"), -EBADMSG,
		  "the zstd data is damaged" },
		{ BYTES(MAGIC "\0\x68\1\0"), -ENODATA,
		  "the zstd data is cut short" },
		{ BYTES(MAGIC "\0\x68" LAST), -ENODATA, "empty" },
	};
	static struct blob blob;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct source *source = NULL;
		struct packet packet;
		char text[256];

		blob.len = 0;
		add(&blob, rows[i].frame, rows[i].len);
		assert_int_equal(source_file_new(open_file(&blob), &source), 0);
		assert_int_equal(lseek(source_fd(source), 0, SEEK_SET), 0);
		assert_int_equal(source_next(source, &packet), rows[i].error);
		source_explain(source, rows[i].error, text, sizeof(text));
		assert_non_null(strstr(text, rows[i].text));
		source_free(source);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_skippable_first),
		cmocka_unit_test(test_after_the_end),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_damage_everywhere),
		cmocka_unit_test(test_output_before_damage),
		cmocka_unit_test(test_blocks_before_damage),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_trickle),
		cmocka_unit_test(test_output_without_input),
		cmocka_unit_test(test_no_hasty_read),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_source_pipe),
		cmocka_unit_test(test_source_explain),
	};

	/* A read that sleeps ends the run instead of holding it up. */
	alarm(2 * CHILD_SECONDS);

	return cmocka_run_group_tests_name("zstd", tests, NULL, NULL);
}
