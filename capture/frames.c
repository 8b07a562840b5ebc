/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Oversize, cut and unfinished frames. A packet is looked at twice: first for
 * the room that it takes, then to write it there; so nothing is kept of its
 * segments. Input is hostile: any bytes.
 */
#include <config.h>

#include "capture/frames.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "capture/checksum.h"
#include "capture/collect.h"
#include "capture/segment.h"
#include "capture/skips.h"

static_assert(CONVERT_FRAMES_MAX <= COLLECT_PACKET_FRAMES, "they fit");

/* One packet, and the interface as it is now: a feed that comes while there is
 * no room for it may be to another one. */
struct job {
	const struct options *options;
	const struct packet *packet;
	const struct convert_frame *list;
	size_t n;
	enum tapfeed_kind kind;
	uint32_t mtu;
};

/* What it takes, and what was found in it. */
struct shape {
	size_t frames;
	size_t bytes;
	bool oversize;	/* something is */
	bool segmented; /* something is cut */
	bool refused;	/* something that is oversize cannot be cut */
};

static uint32_t frame_len(const struct convert_frame *frame)
{
	return frame->header_len + frame->data_len;
}

uint32_t frames_pad(const struct convert_frame *frame, uint32_t pad_max)
{
	uint32_t len = frame_len(frame);
	uint32_t pad = 0;

	if (frame->original_len > len)
		pad = frame->original_len - len;
	if (pad > TAPFEED_FRAME_MAX_BYTES - len)
		pad = TAPFEED_FRAME_MAX_BYTES - len;
	return pad < pad_max ? pad : pad_max;
}

/* Zeros for all frames together: what they leave of the room. */
static uint32_t pad_room(const struct job *job)
{
	uint32_t len = 0;

	if (job->options->truncated != TRUNCATED_PAD)
		return 0;
	for (size_t i = 0; i < job->n; i++)
		len += frame_len(&job->list[i]);
	return len < COLLECT_PACKET_BYTES ? COLLECT_PACKET_BYTES - len : 0;
}

/* Most frames are not looked into. */
static bool may_be_oversize(const struct job *job, uint32_t len)
{
	return len >
	       job->mtu +
		       (job->kind == TAPFEED_TUN ? 0 : TAPFEED_FRAME_MIN_BYTES);
}

/* Whether a frame with pad zeros behind it is oversize, and then whether it is
 * to be cut: a plan of how. */
static bool plan(const struct job *job, const struct convert_frame *frame,
		 uint32_t pad, struct segmenter *segmenter, bool *ret_cut)
{
	*ret_cut = false;
	if (!may_be_oversize(job, frame_len(frame) + pad) ||
	    !segment_init(segmenter, frame, pad, job->kind, job->mtu))
		return false;
	*ret_cut = job->options->oversize == OVERSIZE_SEGMENT &&
		   segment_plan(segmenter, job->mtu, job->packet->segment_size);
	return true;
}

static void measure_long(const struct job *job,
			 const struct convert_frame *frame, uint32_t pad,
			 struct shape *shape)
{
	struct segmenter segmenter;
	bool cut;

	if (plan(job, frame, pad, &segmenter, &cut)) {
		shape->oversize = true;
		shape->segmented = shape->segmented || cut;
		shape->refused = shape->refused || !cut;
	}
	shape->frames += cut ? segmenter.count : 1;
	shape->bytes +=
		cut ? segment_bytes(&segmenter) : frame_len(frame) + pad;
}

static void measure(const struct job *job, const struct convert_frame *frame,
		    uint32_t pad, struct shape *shape)
{
	uint32_t len = frame_len(frame) + pad;

	if (may_be_oversize(job, len)) {
		measure_long(job, frame, pad, shape);
		return;
	}
	shape->frames++;
	shape->bytes += len;
}

static struct shape measure_all(const struct job *job)
{
	uint32_t room = pad_room(job);
	struct shape shape = { 0 };

	for (size_t i = 0; i < job->n; i++) {
		uint32_t pad = frames_pad(&job->list[i], room);

		room -= pad;
		measure(job, &job->list[i], pad, &shape);
	}
	return shape;
}

/* Of a packet whose segments do not fit in one batch: as many frames as came.
 */
static void refuse(const struct job *job, struct shape *shape)
{
	uint32_t room = pad_room(job);

	shape->frames = job->n;
	shape->bytes = 0;
	for (size_t i = 0; i < job->n; i++) {
		uint32_t pad = frames_pad(&job->list[i], room);

		room -= pad;
		shape->bytes += frame_len(&job->list[i]) + pad;
	}
	shape->segmented = false;
	shape->refused = true;
}

/* Counts what fixing has done to a packet, once for all its frames. */
static void count_checksums(struct counters_capture *counters, const bool *seen)
{
	if (seen[CHECKSUM_FIXED])
		counter_add(&counters->checksums_fixed, 1);
	else if (seen[CHECKSUM_LEFT])
		counter_add(&counters->checksums_left, 1);
}

/* What --checksums makes of the frame that was added last, at place. */
static enum checksum_result finish(struct sender *sender, const struct job *job,
				   const struct convert_frame *frame,
				   uint8_t *place, uint32_t pad)
{
	uint32_t len = frame_len(frame) + pad;
	enum checksum_result found;

	if (job->options->checksums == CHECKSUMS_KEEP)
		return CHECKSUM_KEPT;
	/* What was padded had a checksum of other bytes. */
	if (job->options->checksums == CHECKSUMS_FIX)
		return checksum_fix(place, len, frame->original_len, job->kind,
				    pad > 0);
	found = checksum_look(place, len, frame->original_len, job->kind);
	if (found == CHECKSUM_FIXED && !sender_unfinished(sender))
		found = CHECKSUM_LEFT;
	return found;
}

static void write_whole(struct sender *sender, const struct job *job,
			const struct convert_frame *frame, uint32_t pad,
			bool *seen)
{
	uint32_t len = frame_len(frame);
	uint8_t *place = sender_frame(sender, len + pad, frame->original_len);

	memcpy(place, frame->header, frame->header_len);
	memcpy(place + frame->header_len, frame->data, frame->data_len);
	if (pad > 0)
		memset(place + len, 0, pad);
	seen[finish(sender, job, frame, place, pad)] = true;
}

/* Whether it was to be cut; then it is written. */
static bool write_segments(struct sender *sender, const struct job *job,
			   const struct convert_frame *frame, uint32_t pad)
{
	struct segmenter segmenter;
	struct segment segment;
	bool cut;

	if (!plan(job, frame, pad, &segmenter, &cut) || !cut)
		return false;
	while (segment_next(&segmenter, &segment)) {
		uint32_t len =
			segment.head_len + segment.data_len + segment.zeros;
		uint8_t *place = sender_frame(sender, len, len);

		memcpy(place, segment.head, segment.head_len);
		place += segment.head_len;
		memcpy(place, segment.data, segment.data_len);
		memset(place + segment.data_len, 0, segment.zeros);
	}
	return true;
}

static int write_all(const struct frames *frames, const struct job *job,
		     const struct shape *shape)
{
	uint32_t room = pad_room(job);
	bool seen[CHECKSUM_LEFT + 1] = { false };
	int r = sender_open(frames->sender, shape->frames, shape->bytes,
			    job->packet->time_ns);

	if (r < 0)
		return r;
	for (size_t i = 0; i < job->n; i++) {
		uint32_t pad = frames_pad(&job->list[i], room);

		room -= pad;
		if (!shape->segmented ||
		    !write_segments(frames->sender, job, &job->list[i], pad))
			write_whole(frames->sender, job, &job->list[i], pad,
				    seen);
	}
	count_checksums(frames->counters, seen);
	return 0;
}

int frames_add(const struct frames *frames, const struct packet *packet,
	       const struct convert_frame *list, size_t n,
	       struct frames_sent *ret_sent)
{
	const struct job job = {
		frames->options,
		packet,
		list,
		n,
		sender_kind(frames->sender),
		sender_mtu(frames->sender),
	};
	struct counters_capture *counters = frames->counters;
	bool truncated = packet->captured_len < packet->original_len;
	struct shape shape;
	int r;

	*ret_sent = (struct frames_sent){ 0 };
	if (truncated && job.options->truncated == TRUNCATED_DROP) {
		skips_by_option(counters, packet->link_type,
				COUNTERS_TRUNCATED);
		return 0;
	}
	shape = measure_all(&job);
	if (shape.oversize && job.options->oversize == OVERSIZE_DROP) {
		skips_by_option(counters, packet->link_type, COUNTERS_OVERSIZE);
		return 0;
	}
	if (shape.frames > COLLECT_PACKET_FRAMES ||
	    shape.bytes > COLLECT_PACKET_BYTES)
		refuse(&job, &shape);
	counter_add(&counters->truncated, truncated);
	counter_add(&counters->oversize, shape.refused);
	counter_add(&counters->segmented, shape.segmented);
	r = write_all(frames, &job, &shape);
	if (r == 0)
		*ret_sent = (struct frames_sent){ shape.frames, shape.bytes };
	return r;
}
