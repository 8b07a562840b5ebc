/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capture's end of the feed: collects frames into batches, sends them, and
 * hears what the injector has to say.
 */
#ifndef TAPFEED_CAPTURE_SENDER_H
#define TAPFEED_CAPTURE_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/convert.h"

struct sender;

/*
 * feed_fd: a connected stream socket, the sender's from now on. control_fd (or
 * -1) is only watched: its end means stop. 0 or a negative errno.
 */
int sender_new(int feed_fd, int control_fd, struct sender **ret_sender);
void sender_free(struct sender *sender);

/*
 * The functions below return 0 or a negative errno: -EPIPE where the injector
 * has closed the feed, -EPROTO where it broke the protocol; the feed is of no
 * more use then.
 */

int sender_hello(struct sender *sender, const char *source);

/*
 * Waits for a message of the injector, a signal, the end of the control socket,
 * or, where source_fd is not -1, input on it, until deadline_ns (0: only looks;
 * CLOCK_NEVER: none).
 */
int sender_wait(struct sender *sender, int source_fd, uint64_t deadline_ns);

/* Whether the gate is open. */
bool sender_welcome(const struct sender *sender);

/* Whether capture is to end: by Stop, by a signal, or because tapfeed is gone.
 */
bool sender_stop(const struct sender *sender);

/* Adds one packet's frames (1 to CONVERT_FRAMES_MAX); sends first what is full.
 */
int sender_add(struct sender *sender, const struct convert_frame *frames,
	       size_t n, uint64_t time_ns);

/* Sends what was added. Waits while the injector does not read. */
int sender_flush(struct sender *sender);

/* Flush, End, and wait for the Report. */
int sender_end(struct sender *sender);

#endif
