/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network interface as a source of packets, by libpcap. The order of calls is
 * the point: open (needs CAP_NET_RAW), then drop every privilege, then filter
 * (a compiler of 7,000 lines), then start.
 */
#ifndef TAPFEED_CAPTURE_SOURCE_LIVE_H
#define TAPFEED_CAPTURE_SOURCE_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/source.h"
#include "common/options.h"

/*
 * Opens and activates interface name, which must be one that if_nametoindex(3)
 * knows, by the options snaplen, buffer_kib, immediate, no_promiscuous; its
 * ring fills from now on. several: merged with others, so packets must not wait
 * long in the ring. 0; or the exit status (enum tapfeed_exit) with one line in
 * error: what failed, on what, why, what to do.
 */
int source_live_open(const char *name, const struct options *options,
		     bool several, struct source **ret_source, char *error,
		     size_t error_size);

/*
 * Compiles expression (NULL: none) and sets it in the kernel, then locks it
 * there. 0; -EINVAL with libpcap's words in error; another negative errno.
 */
int source_live_filter(struct source *source, const char *expression,
		       char *error, size_t error_size);

/*
 * The gate is open: reads the ring empty. What came before the return is thrown
 * away and not counted, what comes from then on is taken, and the kernel's
 * drops count from there.
 */
void source_live_start(struct source *source);

/*
 * The end is near: source_next() hands out what came before this moment and
 * then SOURCE_END, at the latest when deadline_ns (CLOCK_MONOTONIC) has come.
 */
void source_live_stop(struct source *source, uint64_t deadline_ns);

/*
 * When source_next() has to be called although nothing came: while stopping,
 * and while the interface is down, because a removal wakes nobody then;
 * CLOCK_NEVER where it has not, and behind its end.
 */
uint64_t source_live_next_ns(const struct source *source);

/* Packets the kernel dropped since source_live_start(); makes a system call. */
uint64_t source_live_dropped(struct source *source);

#endif
