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

struct source_file {
	struct source source; /* first: what the functions below are given */
	bool regular;
	off_t base; /* where the file begins: standard input may be shared */
	bool ended; /* no more bytes will come */
	struct decompress *stream;
	struct capfile *capfile;
	uint8_t *buf;
	size_t start; /* of the bytes not yet used */
	size_t end;
};

static struct source_file *of(struct source *source)
{
	return (struct source_file *)source;
}

static const struct source_file *of_const(const struct source *source)
{
	return (const struct source_file *)source;
}

static void file_free(struct source *source)
{
	struct source_file *file = of(source);

	capfile_free(file->capfile);
	decompress_free(file->stream);
	free(file->buf);
	fd_close(&source->fd);
	free(file);
}

bool source_file_is_regular(const struct source *source)
{
	return of_const(source)->regular;
}

static bool file_ready(const struct source *source)
{
	const struct source_file *file = of_const(source);
	struct pollfd fd = { .fd = source->fd, .events = POLLIN };

	if (file->regular || decompress_pending(file->stream))
		return true;
	/* Not O_NONBLOCK: the fd may be shared with the caller's shell. */
	return fd_poll(&fd, 1, 0) > 0;
}

/* Makes room for a chunk behind what is left. */
static void compact(struct source_file *file)
{
	if (BUFFER_BYTES - file->end >= CHUNK_BYTES)
		return;
	file->end -= file->start;
	memmove(file->buf, file->buf + file->start, file->end);
	file->start = 0;
}

/* Reads once. Bytes read, 0 where none came (yet, or file->ended), or an
 * error. */
static ssize_t more(struct source_file *file)
{
	ssize_t n;

	if (!file_ready(&file->source))
		return 0;
	compact(file);
	n = decompress_read(file->stream, file->buf + file->end, CHUNK_BYTES);
	if (n == 0)
		file->ended = true;
	if (n > 0)
		file->end += (size_t)n;
	return n;
}

static int file_next(struct source *source, struct packet *ret_packet)
{
	struct source_file *file = of(source);

	for (int reads = 0;; reads++) {
		size_t used;
		ssize_t n;
		int r = capfile_next(file->capfile, file->buf + file->start,
				     file->end - file->start, &used,
				     ret_packet);

		file->start += used;
		if (r != 0)
			return r;
		if (file->ended) {
			r = capfile_end(file->capfile, file->end - file->start);
			return r < 0 ? r : SOURCE_END;
		}
		if (reads == TURN_READS)
			return SOURCE_WAIT;
		n = more(file);
		if (n == -EAGAIN) /* input without output, such as padding */
			continue;
		if (n < 0)
			return (int)n;
		if (n == 0 && !file->ended)
			return SOURCE_WAIT;
	}
}

/* A compression that is not read here: what it is called, and what reads it. */
static const char *other_compression(const struct source_file *file)
{
	static const struct {
		const char *magic;
		size_t len;
		const char *advice;
	} rows[] = {
		{ "\xfd"
		  "7zXZ",
		  5, "xz (xzcat FILE | tapfeed replay -)" },
		{ "BZh", 3, "bzip2 (bzcat FILE | tapfeed replay -)" },
		{ "\x04\x22\x4d\x18", 4,
		  "lz4 (lz4cat FILE | tapfeed replay -)" },
	};
	const uint8_t *start = file->buf + file->start;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (file->end - file->start >= rows[i].len &&
		    memcmp(start, rows[i].magic, rows[i].len) == 0)
			return rows[i].advice;
	return NULL;
}

static void file_explain(const struct source *source, int error, char *buf,
			 size_t size)
{
	const struct source_file *file = of_const(source);
	const char *format = decompress_format(file->stream);
	const char *unread = decompress_problem(file->stream);
	const char *problem = capfile_problem(file->capfile);
	bool decompressing = format && !file->ended;

	if (unread)
		snprintf(buf, size, "%s", unread);
	else if (error == -ENOTSUP && other_compression(file))
		snprintf(buf, size, "compressed by %s",
			 other_compression(file));
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

static int file_rewind(struct source *source)
{
	struct source_file *file = of(source);

	if (lseek(source->fd, file->base, SEEK_SET) < 0)
		return -errno;
	decompress_reset(file->stream);
	capfile_reset(file->capfile);
	file->start = 0;
	file->end = 0;
	file->ended = false;
	return 0;
}

static uint64_t file_bytes(const struct source *source)
{
	return decompress_input_bytes(of_const(source)->stream);
}

static const struct source_ops file_ops = {
	.next = file_next,
	.ready = file_ready,
	.explain = file_explain,
	.rewind = file_rewind,
	.bytes = file_bytes,
	.free = file_free,
};

int source_file_new(int fd, struct source **ret_source)
{
	struct source_file *file = calloc(1, sizeof(*file));
	struct stat st;
	int r = 0;

	if (!file)
		return -ENOMEM;
	file->source = (struct source){ .ops = &file_ops, .fd = fd };
	if (fstat(fd, &st) < 0)
		r = -errno;
	else
		file->regular = S_ISREG(st.st_mode);
	if (file->regular)
		file->base = lseek(fd, 0, SEEK_CUR);
	file->buf = malloc(BUFFER_BYTES);
	if (r == 0 && !file->buf)
		r = -ENOMEM;
	if (r == 0)
		r = decompress_new(&file->stream, fd);
	if (r == 0)
		r = capfile_new(&file->capfile);
	if (r < 0)
		source_free(&file->source);
	else
		*ret_source = &file->source;
	return r;
}
