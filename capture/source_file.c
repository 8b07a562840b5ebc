/* SPDX-License-Identifier: Apache-2.0 */
/* Reading capture files. Input is hostile: the file, and how it arrives. */
#include <config.h>

#include "capture/source_file.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/capfile.h"
#include "capture/decompress.h"
#include "common/fd.h"
#include "common/log.h"

/* One read brings so much at most: what fits in a processor's cache. */
#define CHUNK_BYTES  ((size_t)128 * 1024)
#define BUFFER_BYTES (CAPFILE_WINDOW_BYTES + CHUNK_BYTES)

/* Reads without a packet after which the caller gets a turn: 2 MiB. */
#define TURN_READS 16

struct source {
	int fd;
	bool regular;
	off_t base; /* where the file begins: standard input may be shared */
	bool ended; /* no more bytes will come */
	struct decompress *stream;
	struct capfile *file;
	uint8_t *buf;
	size_t start; /* of the bytes not yet used */
	size_t end;
};

int source_new(int fd, struct source **ret_source)
{
	struct source *source = calloc(1, sizeof(*source));
	struct stat st;
	int r = 0;

	if (!source)
		return -ENOMEM;
	source->fd = fd;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else
		source->regular = S_ISREG(st.st_mode);
	if (source->regular)
		source->base = lseek(fd, 0, SEEK_CUR);
	source->buf = malloc(BUFFER_BYTES);
	if (r == 0 && !source->buf)
		r = -ENOMEM;
	if (r == 0)
		r = decompress_new(&source->stream, fd);
	if (r == 0)
		r = capfile_new(&source->file);
	if (r < 0)
		source_free(source);
	else
		*ret_source = source;
	return r;
}

void source_free(struct source *source)
{
	if (!source)
		return;
	capfile_free(source->file);
	decompress_free(source->stream);
	free(source->buf);
	fd_close(&source->fd);
	free(source);
}

int source_fd(const struct source *source)
{
	return source->fd;
}

bool source_is_regular(const struct source *source)
{
	return source->regular;
}

bool source_ready(const struct source *source)
{
	struct pollfd fd = { .fd = source->fd, .events = POLLIN };

	if (source->regular || decompress_pending(source->stream))
		return true;
	/* Not O_NONBLOCK: the fd may be shared with the caller's shell. */
	return fd_poll(&fd, 1, 0) > 0;
}

/* Makes room for a chunk behind what is left. */
static void compact(struct source *source)
{
	if (BUFFER_BYTES - source->end >= CHUNK_BYTES)
		return;
	source->end -= source->start;
	memmove(source->buf, source->buf + source->start, source->end);
	source->start = 0;
}

/* Reads once. Bytes read, 0 where none came (yet, or source->ended), or an
 * error. */
static ssize_t more(struct source *source)
{
	ssize_t n;

	if (!source_ready(source))
		return 0;
	compact(source);
	n = decompress_read(source->stream, source->buf + source->end,
			    CHUNK_BYTES);
	if (n == -EAGAIN) /* input that made no output, such as padding */
		return 0;
	if (n == 0)
		source->ended = true;
	if (n > 0)
		source->end += (size_t)n;
	return n;
}

int source_next(struct source *source, struct packet *ret_packet)
{
	for (int reads = 0;; reads++) {
		size_t used;
		ssize_t n;
		int r = capfile_next(source->file, source->buf + source->start,
				     source->end - source->start, &used,
				     ret_packet);

		source->start += used;
		if (r != 0)
			return r;
		if (source->ended) {
			r = capfile_end(source->file,
					source->end - source->start);
			return r < 0 ? r : SOURCE_END;
		}
		if (reads == TURN_READS)
			return SOURCE_WAIT;
		n = more(source);
		if (n < 0)
			return (int)n;
		if (n == 0 && !source->ended)
			return SOURCE_WAIT;
	}
}

/* A compression that is not read here: what it is called, and what reads it. */
static const char *other_compression(const struct source *source)
{
	static const struct {
		const char *magic;
		size_t len;
		const char *advice;
	} rows[] = {
		{ "\x28\xb5\x2f\xfd", 4,
		  "zstd (zstdcat FILE | tapfeed replay -)" },
		{ "\xfd"
		  "7zXZ",
		  5, "xz (xzcat FILE | tapfeed replay -)" },
		{ "BZh", 3, "bzip2 (bzcat FILE | tapfeed replay -)" },
		{ "\x04\x22\x4d\x18", 4,
		  "lz4 (lz4cat FILE | tapfeed replay -)" },
	};
	const uint8_t *start = source->buf + source->start;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (source->end - source->start >= rows[i].len &&
		    memcmp(start, rows[i].magic, rows[i].len) == 0)
			return rows[i].advice;
	return NULL;
}

void source_explain(const struct source *source, int error, char *buf,
		    size_t size)
{
	const char *format = decompress_format(source->stream);
	const char *problem = capfile_problem(source->file);
	bool decompressing = format && !source->ended;

	if (error == -ENOTSUP && other_compression(source))
		snprintf(buf, size, "compressed by %s",
			 other_compression(source));
	else if (error == -ENOTSUP)
		snprintf(buf, size, "not a capture file%s%s: %s",
			 format ? " inside its " : "", format ? format : "",
			 problem);
	else if (error == -ENODATA && decompressing)
		snprintf(buf, size, "the %s data is cut short", format);
	else if (error == -ENODATA)
		snprintf(buf, size, "empty, so not a capture file");
	else if (error == -EBADMSG && *problem)
		snprintf(buf, size, "%s", problem);
	else if (error == -EBADMSG)
		snprintf(buf, size, "the %s data is damaged",
			 format ? format : "compressed");
	else
		snprintf(buf, size, "reading it failed: %s", log_errno(-error));
}

int source_rewind(struct source *source)
{
	if (lseek(source->fd, source->base, SEEK_SET) < 0)
		return -errno;
	decompress_reset(source->stream);
	capfile_reset(source->file);
	source->start = 0;
	source->end = 0;
	source->ended = false;
	return 0;
}

uint64_t source_bytes(const struct source *source)
{
	return decompress_input_bytes(source->stream);
}
