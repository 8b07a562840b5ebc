/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks over the records of a capture file, whichever its format. The input is
 * hostile: no length in it is believed, and the only ones acted on are
 * compared with what is in the buffer first.
 */
#include <config.h>

#include "capture/capfile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/capfile_internal.h"

/* Beside 0 and 1 of capfile_next(): a record without packet is behind us. */
#define STEP_ON 2

#define MAGIC_BYTES 4u

/* The bytes offered that are not used yet. */
struct view {
	const uint8_t *at;
	size_t left;
};

static const struct capfile_format *const formats[] = {
	&pcapfile_format,
	&pcapng_format,
};

int capfile_new(struct capfile **ret_file)
{
	struct capfile *file = calloc(1, sizeof(*file));
	int r;

	if (!file)
		return -ENOMEM;
	r = pcapng_init(&file->pcapng);
	if (r < 0) {
		free(file);
		return r;
	}
	*ret_file = file;
	return 0;
}

void capfile_free(struct capfile *file)
{
	if (!file)
		return;
	pcapng_done(&file->pcapng);
	free(file);
}

void capfile_reset(struct capfile *file)
{
	file->format = NULL;
	file->error = 0;
	file->big_endian = false;
	file->offset = 0;
	file->packets = 0;
	file->rest = 0;
	file->record = (struct capfile_record){ 0 };
	file->problem[0] = '\0';
	pcapfile_reset(&file->pcap);
	pcapng_reset(&file->pcapng);
}

const char *capfile_problem(const struct capfile *file)
{
	return file->problem;
}

/* Writes where the current record is into problem; returns the length. */
static size_t put_where(struct capfile *file, const char *before)
{
	const struct capfile_record *record = &file->record;
	/* One with a rest to be skipped has been handed out already. */
	uint64_t number = file->packets + (file->rest ? 0 : 1);
	size_t size = sizeof(file->problem);
	int n;

	if (strcmp(record->name, "packet") == 0)
		n = snprintf(file->problem, size,
			     "%spacket %" PRIu64 " at byte %" PRIu64 ": ",
			     before, number, record->start);
	else
		n = snprintf(file->problem, size,
			     "%s%s at byte %" PRIu64 ", before packet %" PRIu64
			     ": ",
			     before, record->name, record->start,
			     file->packets + 1);
	return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

int capfile_damaged(struct capfile *file, const char *fmt, ...)
{
	size_t used = put_where(file, "");
	va_list args;

	va_start(args, fmt);
	vsnprintf(file->problem + used, sizeof(file->problem) - used, fmt,
		  args);
	va_end(args);
	return -EBADMSG;
}

int capfile_refuse(struct capfile *file, const char *fmt, ...)
{
	size_t used = file->offset > 0 ? put_where(file, "") : 0;
	va_list args;

	va_start(args, fmt);
	vsnprintf(file->problem + used, sizeof(file->problem) - used, fmt,
		  args);
	va_end(args);
	return file->offset > 0 ? -EBADMSG : -ENOTSUP;
}

int capfile_set_captured(struct capfile *file, uint32_t captured)
{
	struct packet *packet = &file->record.packet;

	if (captured > CAPFILE_CAPTURED_MAX)
		return capfile_damaged(file,
				       "claims %" PRIu32 " captured bytes",
				       captured);
	packet->captured_len = captured;
	packet->data_len = captured < TAPFEED_FRAME_MAX_BYTES
				   ? captured
				   : TAPFEED_FRAME_MAX_BYTES;
	return 0;
}

static void use(struct capfile *file, struct view *view, size_t n)
{
	view->at += n;
	view->left -= n;
	file->offset += n;
}

/* 1 once file->format is known, 0 where more bytes are needed. */
static int detect(struct capfile *file, const struct view *view)
{
	bool undecided = false;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		int r = formats[i]->probe(file, view->at, view->left);

		if (r > 0) {
			file->format = formats[i];
			return 1;
		}
		if (r == -EAGAIN)
			undecided = true;
	}
	if (undecided || view->left < MAGIC_BYTES)
		return 0;
	return capfile_refuse(
		file,
		"neither pcap nor pcapng: begins with %02x %02x %02x %02x",
		view->at[0], view->at[1], view->at[2], view->at[3]);
}

static int skip_rest(struct capfile *file, struct view *view)
{
	size_t trailer = file->format->trailer_bytes;
	uint64_t plain = file->rest > trailer ? file->rest - trailer : 0;
	int r;

	if (plain > view->left)
		plain = view->left;
	use(file, view, (size_t)plain);
	file->rest -= plain;
	if (file->rest > trailer || view->left < trailer)
		return 0;
	if (trailer > 0) {
		r = file->format->check_trailer(file, view->at);
		if (r < 0)
			return r;
		use(file, view, trailer);
	}
	file->rest = 0;
	return STEP_ON;
}

static int step(struct capfile *file, struct view *view,
		struct packet *ret_packet)
{
	struct capfile_record *record = &file->record;
	int r;

	if (file->rest > 0)
		return skip_rest(file, view);
	if (view->left == 0)
		return 0;
	if (!file->format) {
		r = detect(file, view);
		if (r <= 0)
			return r;
	}
	*record = (struct capfile_record){ .start = file->offset };
	r = file->format->parse(file, view->at, view->left);
	if (r < 0)
		return r;
	if (view->left < record->needed)
		return 0;
	use(file, view, record->needed);
	file->rest = record->len - record->needed;
	if (!record->has_packet)
		return STEP_ON;
	file->packets++;
	*ret_packet = record->packet;
	return 1;
}

int capfile_next(struct capfile *file, const uint8_t *buf, size_t len,
		 size_t *ret_used, struct packet *ret_packet)
{
	struct view view = { .at = buf, .left = len };
	int r = file->error;

	*ret_used = 0;
	if (r < 0 || len == 0)
		return r;
	do {
		r = step(file, &view, ret_packet);
	} while (r == STEP_ON);
	if (r < 0)
		file->error = r;
	*ret_used = len - view.left;
	return r;
}

static int cut_short(struct capfile *file, size_t left)
{
	const struct capfile_record *record = &file->record;
	uint64_t there = left;
	size_t used = put_where(file, "cut short in ");
	size_t size = sizeof(file->problem) - used;

	if (file->rest > 0)
		there += record->len - file->rest;
	if (record->len > 0)
		snprintf(file->problem + used, size,
			 "%" PRIu64 " bytes announced, %" PRIu64 " there",
			 record->len, there);
	else
		snprintf(file->problem + used, size,
			 "its header has %zu bytes, %" PRIu64 " there",
			 record->needed, there);
	return -EBADMSG;
}

int capfile_end(struct capfile *file, size_t left)
{
	if (file->error < 0)
		return file->error;
	if (file->offset == 0 && left == 0)
		file->error = -ENODATA;
	else if (!file->format)
		file->error = capfile_refuse(
			file, "%zu bytes are too few for a capture file", left);
	else if (file->rest > 0 || left > 0)
		file->error = cut_short(file, left);
	return file->error;
}
