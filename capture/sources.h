/* SPDX-License-Identifier: Apache-2.0 */
/* All that one capture reads: files that were handed over, or interfaces. */
#ifndef TAPFEED_CAPTURE_SOURCES_H
#define TAPFEED_CAPTURE_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/merge.h"
#include "capture/source.h"
#include "common/options.h"

struct sources {
	struct source *list[TAPFEED_SOURCES_MAX];
	char names[TAPFEED_SOURCES_MAX][128]; /* escaped */
	uint64_t read[TAPFEED_SOURCES_MAX];   /* packets in this pass */
	size_t count;
	bool live;
	struct merge *merge;
	uint64_t dropped;     /* by the kernel, as counted so far */
	uint64_t stopping_ns; /* the latest end, once stopping; else 0 */
};

/*
 * Takes the descriptors named "source", or opens the interfaces (needs
 * CAP_NET_RAW); again: in the place of a capture that died, without those
 * interfaces that are gone. 0 or the exit status; messages are out.
 */
int sources_open(struct sources *sources, const struct options *options,
		 bool again);

/* Sets the filter of interfaces. 0 or the exit status; messages are out. */
int sources_set_filter(struct sources *sources, const char *expression);
void sources_done(struct sources *sources);

/*
 * Looks at the start of every regular file, so that what is no capture file is
 * known before the gate opens. 0, or the negative errno of *ret_source.
 */
int sources_probe(struct sources *sources, size_t *ret_source);

/* The gate is open: interfaces begin here. */
void sources_start(struct sources *sources);

/* Interfaces: hand out what came until now, for a second at most. Files: end.
 */
void sources_stop(struct sources *sources, uint64_t now_ns);

/* As merge_next(). */
int sources_next(struct sources *sources, struct packet *ret_packet,
		 size_t *ret_source);

/*
 * What to wait for after SOURCE_WAIT: fds for input, and the deadline by which
 * to look again in any case. Returns the number of fds.
 */
size_t sources_wait(const struct sources *sources, int *fds,
		    uint64_t *ret_deadline_ns);

/* All files back to the start. 0 or a negative errno. */
int sources_rewind(struct sources *sources);

/* Bytes of all files read in this pass. */
uint64_t sources_bytes(const struct sources *sources);

/* Packets the kernel dropped since the last call. */
uint64_t sources_dropped(struct sources *sources);

#endif
