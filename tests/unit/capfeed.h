/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of capture file readers: files written down as 32-bit words, so
 * that each is tried in both byte orders, and offered in pieces of any size.
 */
#ifndef TAPFEED_TESTS_UNIT_CAPFEED_H
#define TAPFEED_TESTS_UNIT_CAPFEED_H

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture/capfile.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A word of two 16-bit fields, or four bytes; all others are one number. */
#define HALVES(first, second)                                                  \
	(UINT64_C(1) << 32 | (uint64_t)(second) << 16 | (uint64_t)(first))
#define BYTES(a, b, c, d)                                                      \
	(UINT64_C(2) << 32 | (uint64_t)(a) << 24 | (uint64_t)(b) << 16 |       \
	 (uint64_t)(c) << 8 | (uint64_t)(d))

/* Keeps the words of a record on a line. */
#define WORDS(...) __VA_ARGS__

struct blob {
	uint8_t at[8192];
	size_t len;
};

static inline void put_u16(struct blob *blob, uint16_t value, bool big)
{
	value = big ? htobe16(value) : htole16(value);
	assert_true(blob->len + sizeof(value) <= sizeof(blob->at));
	memcpy(blob->at + blob->len, &value, sizeof(value));
	blob->len += sizeof(value);
}

static inline void put_u32(struct blob *blob, uint32_t value, bool big)
{
	value = big ? htobe32(value) : htole32(value);
	assert_true(blob->len + sizeof(value) <= sizeof(blob->at));
	memcpy(blob->at + blob->len, &value, sizeof(value));
	blob->len += sizeof(value);
}

static inline void put_words(struct blob *blob, const uint64_t *words,
			     size_t count, bool big)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t low = (uint32_t)words[i];

		switch (words[i] >> 32) {
		case 1:
			put_u16(blob, (uint16_t)low, big);
			put_u16(blob, (uint16_t)(low >> 16), big);
			break;
		case 2:
			put_u32(blob, low, true);
			break;
		default:
			put_u32(blob, low, big);
			break;
		}
	}
}

/* What reading a file came to. */
struct outcome {
	int result; /* of capfile_next(), or of capfile_end() after it */
	size_t packets;
	struct packet packet[8]; /* the first ones; without data */
	uint8_t data[8][64];	 /* their first bytes */
	uint64_t digest;	 /* over all fields and data of all packets */
	char problem[256];
};

static inline uint64_t digest_add(uint64_t digest, const void *data, size_t len)
{
	const uint8_t *at = data;

	for (size_t i = 0; i < len; i++)
		digest = (digest ^ at[i]) * UINT64_C(0x100000001b3);
	return digest;
}

static inline void outcome_add(struct outcome *outcome,
			       const struct packet *packet)
{
	struct packet copy = *packet;
	size_t i = outcome->packets++;

	assert_true(packet->data_len <= TAPFEED_FRAME_MAX_BYTES);
	assert_true(packet->data_len <= packet->captured_len);
	copy.data = NULL;
	outcome->digest = digest_add(outcome->digest, &copy, sizeof(copy));
	outcome->digest =
		digest_add(outcome->digest, packet->data, packet->data_len);
	if (i >= COUNT(outcome->packet))
		return;
	outcome->packet[i] = copy;
	memcpy(outcome->data[i], packet->data,
	       packet->data_len < 64 ? packet->data_len : 64);
}

/*
 * Offers the file in pieces of piece bytes (0: all at once). Each time the
 * bytes stand in memory of just their size, so that a sanitizer sees a step
 * beyond.
 */
static inline void feed_with(struct capfile *file, const uint8_t *at,
			     size_t len, size_t piece, struct outcome *outcome)
{
	size_t used = 0;
	size_t shown = 0;

	memset(outcome, 0, sizeof(*outcome));
	while (shown < len && outcome->result == 0) {
		shown = piece == 0 || len - shown < piece ? len : shown + piece;
		do {
			size_t n = shown - used;
			uint8_t *window = malloc(n ? n : 1);
			struct packet packet;
			size_t now_used = SIZE_MAX;

			assert_non_null(window);
			memcpy(window, at + used, n);
			outcome->result = capfile_next(file, window, n,
						       &now_used, &packet);
			assert_true(now_used <= n);
			assert_true(outcome->result != 0 ||
				    n - now_used < CAPFILE_WINDOW_BYTES);
			used += now_used;
			if (outcome->result == 1)
				outcome_add(outcome, &packet);
			free(window);
		} while (outcome->result == 1);
	}
	if (outcome->result == 0)
		outcome->result = capfile_end(file, len - used);
	snprintf(outcome->problem, sizeof(outcome->problem), "%s",
		 capfile_problem(file));
}

static inline void feed(const uint8_t *at, size_t len, size_t piece,
			struct outcome *outcome)
{
	struct capfile *file = NULL;

	assert_int_equal(capfile_new(&file), 0);
	feed_with(file, at, len, piece, outcome);
	capfile_free(file);
}

/* In pieces of each size from 1 to all: always the same. */
static inline void feed_pieces(const struct blob *blob, struct outcome *outcome)
{
	struct capfile *file = NULL;

	assert_int_equal(capfile_new(&file), 0);
	feed_with(file, blob->at, blob->len, 0, outcome);
	for (size_t piece = 1; piece < blob->len; piece++) {
		struct outcome again;

		capfile_reset(file);
		feed_with(file, blob->at, blob->len, piece, &again);
		assert_int_equal(again.result, outcome->result);
		assert_int_equal(again.packets, outcome->packets);
		assert_int_equal(again.digest, outcome->digest);
		assert_string_equal(again.problem, outcome->problem);
	}
	capfile_free(file);
}

/* Streams through a window of the size promised, as the program does. */
struct stream {
	struct capfile *file;
	uint8_t *window;
	size_t start, len;
	struct outcome outcome;
};

static inline void stream_init(struct stream *stream)
{
	memset(stream, 0, sizeof(*stream));
	stream->window = malloc(CAPFILE_WINDOW_BYTES);
	assert_non_null(stream->window);
	assert_int_equal(capfile_new(&stream->file), 0);
}

static inline void stream_next(struct stream *stream)
{
	int r;

	do {
		struct packet packet;
		size_t used;

		r = capfile_next(stream->file, stream->window + stream->start,
				 stream->len, &used, &packet);
		stream->start += used;
		stream->len -= used;
		if (r == 1)
			outcome_add(&stream->outcome, &packet);
	} while (r == 1);
	stream->outcome.result = r;
}

/* Fails where the reader wants more in the window than was agreed. */
static inline void stream_put(struct stream *stream, const uint8_t *at,
			      size_t len)
{
	while (len > 0 && stream->outcome.result == 0) {
		size_t room = CAPFILE_WINDOW_BYTES - stream->len;
		size_t n = len < room ? len : room;

		assert_true(n > 0);
		memmove(stream->window, stream->window + stream->start,
			stream->len);
		stream->start = 0;
		memcpy(stream->window + stream->len, at, n);
		stream->len += n;
		at += n;
		len -= n;
		stream_next(stream);
	}
}

static inline void stream_fill(struct stream *stream, uint64_t len)
{
	uint8_t piece[4096];

	memset(piece, 0x5a, sizeof(piece));
	while (len > 0) {
		size_t n = len < sizeof(piece) ? (size_t)len : sizeof(piece);

		stream_put(stream, piece, n);
		len -= n;
	}
}

static inline void stream_words(struct stream *stream, const uint64_t *words,
				size_t count)
{
	struct blob blob = { .len = 0 };

	put_words(&blob, words, count, false);
	stream_put(stream, blob.at, blob.len);
}

/* Ends the file and frees all. */
static inline void stream_done(struct stream *stream)
{
	struct outcome *outcome = &stream->outcome;

	if (outcome->result == 0)
		outcome->result = capfile_end(stream->file, stream->len);
	snprintf(outcome->problem, sizeof(outcome->problem), "%s",
		 capfile_problem(stream->file));
	capfile_free(stream->file);
	free(stream->window);
}

#endif
