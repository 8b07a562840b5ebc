/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where packets come from: a capture file or pipe (source_file.c), or a network
 * interface (source_live.c).
 */
#ifndef TAPFEED_CAPTURE_SOURCE_H
#define TAPFEED_CAPTURE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/packet.h"

enum source_result {
	SOURCE_WAIT = 0, /* no packet so far: wait until source_ready() */
	SOURCE_PACKET = 1,
	SOURCE_END = 2, /* at a packet's boundary: all is well */
};

struct source;

/* One row a kind of source; struct source is the first member of each. */
struct source_ops {
	int (*next)(struct source *source, struct packet *ret_packet);
	bool (*ready)(const struct source *source);
	void (*explain)(const struct source *source, int error, char *buf,
			size_t size);
	int (*rewind)(struct source *source);		/* NULL: it cannot be */
	uint64_t (*bytes)(const struct source *source); /* NULL: no file */
	void (*free)(struct source *source);
};

struct source {
	const struct source_ops *ops;
	int fd; /* to be polled for input */
};

/*
 * The next packet, which stays valid until the next call for this source. Never
 * blocks, and returns after a while where there is much to read and no packet
 * in it. An enum source_result, or a negative errno, after which only
 * source_explain(), source_rewind() and source_free() make sense.
 */
int source_next(struct source *source, struct packet *ret_packet);

/* To be polled for input. */
int source_fd(const struct source *source);

/* Whether source_next() has something to read without sleeping. */
bool source_ready(const struct source *source);

/* What went wrong (the negative errno of source_next()), in a line without the
 * name. */
void source_explain(const struct source *source, int error, char *buf,
		    size_t size);

/* Back to the start. 0, or -ESPIPE where that cannot be. */
int source_rewind(struct source *source);

/* Bytes of the file (compressed ones, if it is) read in this pass; 0 where it
 * is none. */
uint64_t source_bytes(const struct source *source);

void source_free(struct source *source);

#endif
