/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capture's end of the feed: collects frames into batches, sends them, and
 * hears what the injector has to say. Where the injector dies and tapfeed
 * starts another one, it goes on over the new feed that comes by the control
 * socket; what was under way in the old one is lost.
 */
#ifndef TAPFEED_CAPTURE_SENDER_H
#define TAPFEED_CAPTURE_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/counters.h"
#include "proto/limits.h"

struct sender;

/*
 * feed_fd: a connected stream socket, the sender's from now on, or -1: it comes
 * by the control socket. control_fd (or -1) stays the caller's: new feeds come
 * by it (proto/worker.h), and its end means stop. source: its name for people.
 * sequence: the number of the first packet. 0 or a negative errno.
 */
int sender_new(int feed_fd, int control_fd, const char *source,
	       uint64_t sequence, struct sender **ret_sender);
void sender_free(struct sender *sender);

/* The packets' times are those at which they came to this host: every Hello
 * from now on says so. */
void sender_live(struct sender *sender);

/*
 * The functions below return 0 or a negative errno: -EPIPE where the injector
 * has closed the feed and there will be no other, -EPROTO where it broke the
 * protocol; the feed is of no more use then.
 */

/* Says Hello, where there is a feed so far. */
int sender_hello(struct sender *sender);

/*
 * Waits for a message of the injector, a signal, the control socket, or input
 * on one of the n (at most TAPFEED_SOURCES_MAX) source_fds, until deadline_ns
 * (0: only looks; CLOCK_NEVER: none).
 */
int sender_wait(struct sender *sender, const int *source_fds, size_t n,
		uint64_t deadline_ns);

/* Whether the gate is open; then what the interface carries. */
bool sender_welcome(const struct sender *sender);
enum tapfeed_kind sender_kind(const struct sender *sender);
uint32_t sender_mtu(const struct sender *sender);

/* How many feeds have come so far: with a new one an injector begins anew. */
uint64_t sender_feeds(const struct sender *sender);

/* Its name, valid; "" where the injector does not say. */
const char *sender_interface(const struct sender *sender);

/* Whether capture is to end: by Stop, by a signal, or because tapfeed is gone.
 */
bool sender_stop(const struct sender *sender);

/*
 * Makes room for a packet of so many frames and bytes in all, within what
 * COLLECT_PACKET_FRAMES and _BYTES (capture/collect.h) allow; sends first what
 * is full. Then each of its frames has to be added, by the next function.
 */
int sender_open(struct sender *sender, size_t frames, size_t bytes,
		uint64_t time_ns);

/* Adds one frame; returns the place for its bytes, all of which the caller has
 * to write before it calls anything else here. */
uint8_t *sender_frame(struct sender *sender, uint32_t len,
		      uint32_t original_len);

/* Says of the frame added last that its checksum is unfinished; false where the
 * interface does not tell readers. */
bool sender_unfinished(struct sender *sender);

/* Sends what was added. Waits while the injector does not read. */
int sender_flush(struct sender *sender);

/*
 * Flush, End, and wait for the Report, whose figures go to the told_ fields of
 * counters.
 */
int sender_end(struct sender *sender, struct counters_capture *counters);

#endif
