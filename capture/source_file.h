/* SPDX-License-Identifier: Apache-2.0 */
/* A capture file, FIFO or pipe as a source of packets, by an fd handed over. */
#ifndef TAPFEED_CAPTURE_SOURCE_FILE_H
#define TAPFEED_CAPTURE_SOURCE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/packet.h"

struct source;

enum source_result {
	SOURCE_WAIT = 0, /* no packet so far: wait until source_ready() */
	SOURCE_PACKET = 1,
	SOURCE_END = 2, /* at a packet's boundary: all is well */
};

/* The fd is the source's from now on. 0 or a negative errno. */
int source_new(int fd, struct source **ret_source);
void source_free(struct source *source);

int source_fd(const struct source *source);

/* Whether it never has to be waited for, and can be rewound. */
bool source_is_regular(const struct source *source);

/* Whether source_next() has something to read without sleeping. */
bool source_ready(const struct source *source);

/*
 * The next packet, which stays valid until the next call. Never blocks, and
 * returns after a while where there is much to read and no packet in it. An
 * enum source_result, or a negative errno, after which only source_explain()
 * and source_rewind() make sense.
 */
int source_next(struct source *source, struct packet *ret_packet);

/* What went wrong (the negative errno of source_next()), in a line without the
 * name. */
void source_explain(const struct source *source, int error, char *buf,
		    size_t size);

/* Back to the start. 0, or -ESPIPE where that cannot be. */
int source_rewind(struct source *source);

/* Bytes of the file (compressed ones, if it is) read in this pass. */
uint64_t source_bytes(const struct source *source);

#endif
