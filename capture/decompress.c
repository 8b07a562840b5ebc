/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressed input, taken apart in bounded memory. The input is hostile: it may
 * be damaged, cut, grow by a thousand, or never yield a byte.
 */
#include <config.h>

#include "capture/decompress.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "common/fd.h"

#define INPUT_BYTES (64u * 1024)

/* zlib: the largest window there is, and gzip headers only. */
#define GZIP_WINDOW_BITS (15 + 16)

enum gzip_state {
	GZIP_MEMBER = 0,
	GZIP_BETWEEN, /* a member has ended; another one may follow */
	GZIP_PADDING, /* zeros after the last one, as tapes and disks add them
		       */
};

struct gzip {
	z_stream z;
	enum gzip_state state;
	bool full; /* output was cut by the caller's size: there may be more */
};

struct decompress_format {
	const char *name; /* NULL: not compressed, any first bytes will do */
	uint8_t magic[4];
	size_t magic_bytes;
	/* At decompress_new(): all allocation is here. 0 or -ENOMEM. */
	int (*init)(struct decompress *stream);
	/* Also where init() failed or was never called. */
	void (*done)(struct decompress *stream);
	void (*reset)(struct decompress *stream);
	/*
	 * Turns input into at most size bytes at buf. Their number; 0 once all
	 * input is used and more is needed; -EBADMSG.
	 */
	ssize_t (*decode)(struct decompress *stream, uint8_t *buf, size_t size);
	/* Whether decode() may yield something without input. */
	bool (*holds_output)(const struct decompress *stream);
	/* All input is used, none will come: 0 or -ENODATA. */
	int (*end)(const struct decompress *stream);
};

struct decompress {
	int fd;
	bool eof;
	int error;				/* sticky */
	const struct decompress_format *format; /* NULL: not known yet */
	uint64_t input_bytes;
	size_t start, len; /* what of input is not used yet */
	struct gzip gzip;
	uint8_t input[INPUT_BYTES];
};

/* ---- plain ----------------------------------------------------------------
 */

static ssize_t plain_decode(struct decompress *stream, uint8_t *buf,
			    size_t size)
{
	size_t n = stream->len < size ? stream->len : size;

	memcpy(buf, stream->input + stream->start, n);
	stream->start += n;
	stream->len -= n;
	return (ssize_t)n;
}

/* ---- gzip -----------------------------------------------------------------
 */

static void gzip_reset(struct decompress *stream)
{
	struct gzip *gzip = &stream->gzip;

	inflateReset(&gzip->z);
	gzip->state = GZIP_MEMBER;
	gzip->full = false;
}

static void gzip_done(struct decompress *stream)
{
	/* Refuses, and does nothing, where there is no state. */
	inflateEnd(&stream->gzip.z);
}

/*
 * zlib (1.2.13) puts off the allocation of its window to the end of the first
 * call that has put something out and not come to a check sum, and keeps it
 * when it is reset. So a member of one byte goes through it now, without end.
 */
static int gzip_warm_up(z_stream *z)
{
	static const uint8_t member[] = {
		/* header, then "a" deflated */
		0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x03, 0x4b, 0x04, 0x00,
	};
	uint8_t in[sizeof(member)];
	uint8_t out[1];

	memcpy(in, member, sizeof(in)); /* next_in is not const everywhere */
	z->next_in = in;
	z->avail_in = sizeof(in);
	z->next_out = out;
	z->avail_out = sizeof(out);
	if (inflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_out > 0)
		return -ENOMEM;
	return inflateReset(z) == Z_OK ? 0 : -ENOMEM;
}

static int gzip_init(struct decompress *stream)
{
	z_stream *z = &stream->gzip.z;

	if (inflateInit2(z, GZIP_WINDOW_BITS) != Z_OK)
		return -ENOMEM;
	return gzip_warm_up(z);
}

/* Bytes put out, 0 where input or space was used up first, or -EBADMSG. */
static ssize_t gzip_inflate(struct decompress *stream, uint8_t *buf,
			    size_t size)
{
	struct gzip *gzip = &stream->gzip;
	z_stream *z = &gzip->z;
	uInt space = size < INT_MAX ? (uInt)size : INT_MAX;
	ssize_t n;
	int r;

	z->next_in = stream->input + stream->start;
	z->avail_in = (uInt)stream->len;
	z->next_out = buf;
	z->avail_out = space;
	r = inflate(z, Z_SYNC_FLUSH);
	stream->start += stream->len - z->avail_in;
	stream->len = z->avail_in;
	gzip->full = z->avail_out == 0;
	n = (ssize_t)(space - z->avail_out);
	if (r == Z_STREAM_END) {
		gzip->state = GZIP_BETWEEN;
		gzip->full = false;
	} else if (r != Z_OK && r != Z_BUF_ERROR) {
		/* What came out before the damage is handed on first. */
		stream->error = -EBADMSG;
	}
	return n > 0 ? n : stream->error;
}

/* Not in a member, with input. 0 or -EBADMSG. */
static int gzip_between(struct decompress *stream)
{
	struct gzip *gzip = &stream->gzip;
	const uint8_t *at = stream->input + stream->start;

	if (gzip->state == GZIP_BETWEEN && at[0] != 0) {
		gzip_reset(stream);
		return 0;
	}
	gzip->state = GZIP_PADDING;
	while (stream->len > 0 && *at == 0) {
		at++;
		stream->start++;
		stream->len--;
	}
	if (stream->len > 0)
		stream->error = -EBADMSG;
	return stream->error;
}

static ssize_t gzip_decode(struct decompress *stream, uint8_t *buf, size_t size)
{
	const struct gzip *gzip = &stream->gzip;
	ssize_t n = 0;

	while (n == 0 && (stream->len > 0 || gzip->full)) {
		if (gzip->state == GZIP_MEMBER)
			n = gzip_inflate(stream, buf, size);
		else
			n = gzip_between(stream);
	}
	return n;
}

static bool gzip_holds_output(const struct decompress *stream)
{
	return stream->gzip.full;
}

static int gzip_end(const struct decompress *stream)
{
	return stream->gzip.state == GZIP_MEMBER ? -ENODATA : 0;
}

/* ---- any ------------------------------------------------------------------
 */

static const struct decompress_format formats[] = {
	{
		.name = "gzip",
		.magic = { 0x1f, 0x8b },
		.magic_bytes = 2,
		.init = gzip_init,
		.done = gzip_done,
		.reset = gzip_reset,
		.decode = gzip_decode,
		.holds_output = gzip_holds_output,
		.end = gzip_end,
	},
	/* The last one: taken where no other may be meant any more. */
	{
		.decode = plain_decode,
	},
};

#define FORMAT_COUNT (sizeof(formats) / sizeof(formats[0]))

int decompress_new(struct decompress **ret_stream, int fd)
{
	struct decompress *stream = calloc(1, sizeof(*stream));
	int r = 0;

	if (!stream)
		return -ENOMEM;
	stream->fd = fd;
	for (size_t i = 0; i < FORMAT_COUNT && r == 0; i++) {
		if (formats[i].init)
			r = formats[i].init(stream);
	}
	if (r < 0) {
		decompress_free(stream);
		return r;
	}
	*ret_stream = stream;
	return 0;
}

void decompress_free(struct decompress *stream)
{
	if (!stream)
		return;
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		if (formats[i].done)
			formats[i].done(stream);
	}
	free(stream);
}

void decompress_reset(struct decompress *stream)
{
	if (stream->format && stream->format->reset)
		stream->format->reset(stream);
	stream->eof = false;
	stream->error = 0;
	stream->format = NULL;
	stream->input_bytes = 0;
	stream->start = 0;
	stream->len = 0;
}

/* Leaves the format unknown as long as another byte may decide otherwise. */
static void detect(struct decompress *stream)
{
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		const struct decompress_format *format = &formats[i];
		size_t n = format->magic_bytes;

		if (n > stream->len)
			n = stream->len;
		if (memcmp(stream->input + stream->start, format->magic, n))
			continue;
		if (n == format->magic_bytes) {
			stream->format = format;
			return;
		}
		if (!stream->eof)
			return;
	}
}

/* Bytes, 0 where nothing can come without more input, or -EBADMSG. */
static ssize_t decode(struct decompress *stream, uint8_t *buf, size_t size)
{
	if (stream->error < 0)
		return stream->error;
	if (!stream->format)
		detect(stream);
	return stream->format ? stream->format->decode(stream, buf, size) : 0;
}

static ssize_t read_fd(struct decompress *stream, uint8_t *buf, size_t size)
{
	ssize_t n = fd_read(stream->fd, buf, size);

	if (n == 0)
		stream->eof = true;
	if (n > 0)
		stream->input_bytes += (uint64_t)n;
	return n;
}

/* Only where input is used up, or is a magic's first bytes. */
static ssize_t fill(struct decompress *stream)
{
	ssize_t n;

	if (stream->len == 0)
		stream->start = 0;
	n = read_fd(stream, stream->input + stream->start + stream->len,
		    sizeof(stream->input) - stream->start - stream->len);
	if (n > 0)
		stream->len += (size_t)n;
	return n;
}

ssize_t decompress_read(struct decompress *stream, uint8_t *buf, size_t size)
{
	ssize_t n = decode(stream, buf, size);

	if (n != 0)
		return n;
	if (!stream->eof) {
		/* Plain content needs no copy. */
		if (stream->format && !stream->format->name)
			return read_fd(stream, buf, size);
		n = fill(stream);
		if (n < 0)
			return n;
		n = decode(stream, buf, size);
		if (n != 0)
			return n;
	}
	if (!stream->eof)
		return -EAGAIN;
	return stream->format->end ? stream->format->end(stream) : 0;
}

int decompress_pending(const struct decompress *stream)
{
	if (stream->eof || stream->error < 0)
		return 1;
	if (!stream->format)
		return 0;
	return stream->len > 0 || (stream->format->holds_output &&
				   stream->format->holds_output(stream));
}

uint64_t decompress_input_bytes(const struct decompress *stream)
{
	return stream->input_bytes;
}

const char *decompress_format(const struct decompress *stream)
{
	return stream->format ? stream->format->name : NULL;
}
