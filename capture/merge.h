/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several sources as one, in the order of their packets' times. Each source is
 * in its own order; one that goes back in time is handed on as it comes.
 */
#ifndef TAPFEED_CAPTURE_MERGE_H
#define TAPFEED_CAPTURE_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "capture/source.h"
#include "proto/limits.h"

struct merge;

/*
 * Of n (1 to TAPFEED_SOURCES_MAX) sources, which stay the caller's. window_ns:
 * a packet whose time (of CLOCK_REALTIME) is so long ago is not held back any
 * longer for sources that have nothing; 0: files, which are always waited for.
 * 0 or -ENOMEM.
 */
int merge_new(struct source **sources, size_t n, uint64_t window_ns,
	      struct merge **ret_merge);
void merge_free(struct merge *merge);

/*
 * The next packet, valid until the next call. SOURCE_PACKET; SOURCE_WAIT;
 * SOURCE_END where every source has ended; or a negative errno of the source
 * *ret_source, which has ended with it: the others go on with the next call.
 * *ret_source is set with every packet and error.
 */
int merge_next(struct merge *merge, struct packet *ret_packet,
	       size_t *ret_source);

/*
 * After SOURCE_WAIT: the fds to poll for input, one for each source that has to
 * be waited for, at most TAPFEED_SOURCES_MAX; returns their number. 0 of them
 * where merge_next() need not wait.
 */
size_t merge_wait_fds(const struct merge *merge, int *fds);

/* When a packet that is held back is due (CLOCK_MONOTONIC); CLOCK_NEVER: none
 * is. */
uint64_t merge_due_ns(const struct merge *merge);

/* Every source was rewound: begin again. */
void merge_reset(struct merge *merge);

#endif
