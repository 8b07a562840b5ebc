/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts super-frames, which the sender's stack left to its network card to cut,
 * or the receiver's card or stack put together (TSO, GSO, LRO, GRO), into
 * frames as they are on the wire. Input is hostile: any bytes.
 */
#ifndef TAPFEED_CAPTURE_SEGMENT_H
#define TAPFEED_CAPTURE_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/convert.h"
#include "common/layers.h"

/* Headers of a frame that is to be cut, from the link header to TCP's options.
 * Some 120 bytes are usual with extension headers and tags. */
#define SEGMENT_HEAD_MAX 512u

/* One frame: the headers, the data, zeros. */
struct segment {
	const uint8_t *head;
	uint32_t head_len;
	const uint8_t *data;
	uint32_t data_len;
	uint32_t zeros;
};

struct segmenter {
	/* The frame's first bytes, then each segment's headers. */
	uint8_t head[SEGMENT_HEAD_MAX];
	uint32_t head_len;
	const struct convert_frame *frame;
	uint32_t frame_len; /* with the zeros behind it */
	uint64_t carried;   /* of that, what the MTU is about */
	struct layers layers;
	const uint8_t *data; /* behind the headers */
	uint32_t data_len;   /* bytes at data ... */
	uint32_t len;	     /* ... of so many; the others are zeros */
	uint32_t size;	     /* data of a segment, but the last */
	uint32_t count;	     /* segments */
	uint32_t done;	     /* those that were taken */
	/* Of the frame that is cut. */
	uint8_t tcp_flags;
	uint16_t urgent;
	uint32_t sequence;
	uint16_t id;
	bool checked; /* UDP has a checksum */
};

/*
 * Looks at a frame, with pad zeros behind it, for an interface of that kind.
 * True where what it carries (segmenter->carried bytes) is longer than the MTU:
 * an IP packet by its own length, which padding behind it does not change, else
 * the frame without its link header. Keeps frame.
 */
bool segment_init(struct segmenter *segmenter,
		  const struct convert_frame *frame, uint32_t pad,
		  enum tapfeed_kind kind, uint32_t mtu);

/*
 * Whether it can be cut into packets of at most mtu bytes: TCP into parts of
 * size bytes (0: not known, as large as they may be), UDP into datagrams of
 * exactly that. What else is carried, fragments, what was cut or lies about its
 * length, and TCP with SYN or RST cannot. Then segmenter->count frames of
 * segment_bytes() in all can be taken.
 */
bool segment_plan(struct segmenter *segmenter, uint32_t mtu, uint32_t size);
uint64_t segment_bytes(const struct segmenter *segmenter);

/* The next of them, whose head stays valid until the next call; false behind
 * the last. */
bool segment_next(struct segmenter *segmenter, struct segment *ret);

#endif
