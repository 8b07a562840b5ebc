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
#include <zstd.h>
#include <zstd_errors.h>

#include "common/fd.h"

#define INPUT_BYTES (64u * 1024)

/* zlib: the largest window there is, and gzip headers only. */
#define GZIP_WINDOW_BITS (15 + 16)

/*
 * zstd: the largest window of a frame, 2^23 bytes (8 MiB). It is what RFC 8878
 * (3.1.1.1.2) asks every decoder to take, and what zstd needs up to level 19;
 * --ultra and --long ask for up to 2 GiB, which a hostile file could, too.
 */
#define ZSTD_WINDOW_LOG	 23
#define ZSTD_MAGIC_BYTES 4u

/* No frame header is longer (RFC 8878, 3.1.1.1), the magic included. */
#define ZSTD_HEADER_BYTES 18u

/* Of members (zstd: frames), one behind the other. */
enum stream_state {
	STREAM_MEMBER = 0,
	STREAM_BETWEEN, /* a member has ended; another one may follow */
	STREAM_PADDING, /* zeros after the last one, as tapes and disks add
			   them */
};

struct gzip {
	z_stream z;
	enum stream_state state;
	bool full; /* output was cut by the caller's size: there may be more */
};

struct zstd {
	ZSTD_DStream *z;
	enum stream_state state;
	bool full;	      /* as for gzip */
	bool any;	      /* there was some output */
	bool skippable;	      /* the frame holds no content */
	uint64_t frame_bytes; /* used of this frame */
	size_t wanted;	      /* what libzstd would like to get next */
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
	 * input is used and more is needed; or a final error.
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
	const char *problem;			/* NULL: none */
	const struct decompress_format *format; /* NULL: not known yet */
	uint64_t input_bytes;
	size_t start, len; /* what of input is not used yet */
	struct gzip gzip;
	struct zstd zstd;
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

/* Zeros to the end are all right, anything else is not. 0 or -EBADMSG. */
static int skip_padding(struct decompress *stream)
{
	while (stream->len > 0 && stream->input[stream->start] == 0) {
		stream->start++;
		stream->len--;
	}
	if (stream->len > 0)
		stream->error = -EBADMSG;
	return stream->error;
}

/* ---- gzip -----------------------------------------------------------------
 */

static void gzip_reset(struct decompress *stream)
{
	struct gzip *gzip = &stream->gzip;

	inflateReset(&gzip->z);
	gzip->state = STREAM_MEMBER;
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
		gzip->state = STREAM_BETWEEN;
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

	if (gzip->state == STREAM_BETWEEN &&
	    stream->input[stream->start] != 0) {
		gzip_reset(stream);
		return 0;
	}
	gzip->state = STREAM_PADDING;
	return skip_padding(stream);
}

static ssize_t gzip_decode(struct decompress *stream, uint8_t *buf, size_t size)
{
	const struct gzip *gzip = &stream->gzip;
	ssize_t n = 0;

	while (n == 0 && (stream->len > 0 || gzip->full)) {
		if (gzip->state == STREAM_MEMBER)
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
	return stream->gzip.state == STREAM_MEMBER ? -ENODATA : 0;
}

/* ---- zstd -----------------------------------------------------------------
 */

static void zstd_begin_frame(struct zstd *zstd)
{
	zstd->state = STREAM_MEMBER;
	zstd->frame_bytes = 0;
	zstd->wanted = 1;
}

static void zstd_reset(struct decompress *stream)
{
	struct zstd *zstd = &stream->zstd;

	ZSTD_DCtx_reset(zstd->z, ZSTD_reset_session_only);
	zstd->full = false;
	zstd->any = false;
	zstd_begin_frame(zstd);
}

static void zstd_done(struct decompress *stream)
{
	ZSTD_freeDStream(stream->zstd.z);
}

static int zstd_init(struct decompress *stream)
{
	struct zstd *zstd = &stream->zstd;

	zstd->z = ZSTD_createDStream();
	if (!zstd->z || ZSTD_isError(ZSTD_DCtx_setParameter(
				zstd->z, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG)))
		return -ENOMEM;
	zstd_reset(stream);
	return 0;
}

/* libzstd's error as ours. */
static int zstd_failed(struct decompress *stream, size_t error)
{
	switch (ZSTD_getErrorCode(error)) {
	case ZSTD_error_memory_allocation:
		return -ENOMEM;
	case ZSTD_error_frameParameter_windowTooLarge:
		stream->problem =
			"its zstd window is larger than 8 MiB, as --long and "
			"--ultra make it (zstdcat --long=31 FILE | tapfeed "
			"replay - reads it)";
		break;
	case ZSTD_error_dictionary_wrong:
		stream->problem =
			"its zstd data needs a dictionary (zstdcat -D "
			"DICTIONARY FILE | tapfeed replay - reads it)";
		break;
	default:
		return -EBADMSG;
	}
	return stream->zstd.any ? -EBADMSG : -ENOTSUP;
}

/*
 * How much input to offer. With an error libzstd (1.5.4) does not say what it
 * has put out in the same call, so no call may do more than one thing:
 * - what it wants is a block and the three bytes of the next one's header,
 * - a frame that comes whole and fits into the caller's space is decoded at
 *   once, so its header comes byte by byte,
 * - while it may still hold output, it gets nothing.
 */
static size_t zstd_offer(const struct decompress *stream)
{
	const struct zstd *zstd = &stream->zstd;
	size_t n = zstd->wanted;

	if (zstd->full)
		return 0;
	if (zstd->frame_bytes < ZSTD_HEADER_BYTES)
		n = 1;
	else if (n > 3)
		n -= 3;
	return n < stream->len ? n : stream->len;
}

/*
 * Whether the next byte goes on with a frame's magic. libzstd would try its
 * decoders of formats older than 0.8, too.
 */
static bool zstd_magic_fits(struct zstd *zstd, uint8_t byte)
{
	static const uint8_t magics[][ZSTD_MAGIC_BYTES] = {
		{ 0x28, 0xb5, 0x2f, 0xfd },
		{ 0x50, 0x2a, 0x4d, 0x18 }, /* and up to 0x5f, 0x2a ... */
	};

	if (zstd->frame_bytes > 0)
		return byte == magics[zstd->skippable][zstd->frame_bytes];
	zstd->skippable = (byte & 0xf0) == 0x50;
	return zstd->skippable || byte == magics[0][0];
}

/* Bytes put out, 0 where input or space was used up first, or an error. */
static ssize_t zstd_step(struct decompress *stream, uint8_t *buf, size_t size)
{
	struct zstd *zstd = &stream->zstd;
	ZSTD_inBuffer in = { .src = stream->input + stream->start,
			     .size = zstd_offer(stream) };
	ZSTD_outBuffer out = { .dst = buf, .size = size };
	size_t r;

	if (in.size > 0 && zstd->frame_bytes < ZSTD_MAGIC_BYTES &&
	    !zstd_magic_fits(zstd, stream->input[stream->start])) {
		stream->error = -EBADMSG;
		return stream->error;
	}
	r = ZSTD_decompressStream(zstd->z, &out, &in);
	if (ZSTD_isError(r)) {
		stream->error = zstd_failed(stream, r);
		return stream->error;
	}
	stream->start += in.pos;
	stream->len -= in.pos;
	zstd->frame_bytes += in.pos;
	zstd->wanted = r;
	zstd->full = out.pos == out.size;
	zstd->any |= out.pos > 0;
	if (r == 0) {
		zstd->state = STREAM_BETWEEN;
		zstd->full = false;
	}
	return (ssize_t)out.pos;
}

static ssize_t zstd_decode(struct decompress *stream, uint8_t *buf, size_t size)
{
	struct zstd *zstd = &stream->zstd;
	ssize_t n = 0;

	while (n == 0 && (stream->len > 0 || zstd->full)) {
		if (zstd->state == STREAM_MEMBER) {
			n = zstd_step(stream, buf, size);
		} else if (zstd->state == STREAM_BETWEEN &&
			   stream->input[stream->start] != 0) {
			zstd_begin_frame(zstd);
		} else {
			zstd->state = STREAM_PADDING;
			n = skip_padding(stream);
		}
	}
	return n;
}

static bool zstd_holds_output(const struct decompress *stream)
{
	return stream->zstd.full;
}

static int zstd_end(const struct decompress *stream)
{
	return stream->zstd.state == STREAM_MEMBER ? -ENODATA : 0;
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
	{
		.name = "zstd",
		.magic = { 0x28, 0xb5, 0x2f, 0xfd },
		.magic_bytes = ZSTD_MAGIC_BYTES,
		.init = zstd_init,
		.done = zstd_done,
		.reset = zstd_reset,
		.decode = zstd_decode,
		.holds_output = zstd_holds_output,
		.end = zstd_end,
	},
	/* The skippable frame that pzstd begins with; init is the row's above.
	 */
	{
		.name = "zstd",
		.magic = { 0x50, 0x2a, 0x4d, 0x18 },
		.magic_bytes = ZSTD_MAGIC_BYTES,
		.reset = zstd_reset,
		.decode = zstd_decode,
		.holds_output = zstd_holds_output,
		.end = zstd_end,
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
	stream->problem = NULL;
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
	bool pending = decompress_pending(stream);
	ssize_t n = decode(stream, buf, size);

	if (n != 0)
		return n;
	if (!stream->eof) {
		/* The caller did not look whether a read would sleep. */
		if (pending)
			return -EAGAIN;
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

const char *decompress_problem(const struct decompress *stream)
{
	return stream->problem;
}
