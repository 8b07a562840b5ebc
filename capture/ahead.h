/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far ahead of the injector's pace files are read: a quarter of a second,
 * not as far as buffers go, so that a stop, --duration or a killed injector
 * concern few packets. And the recorded times go on from pass to pass of
 * --loop. Pure: the caller brings the time and waits. Recorded times are
 * hostile.
 */
#ifndef TAPFEED_CAPTURE_AHEAD_H
#define TAPFEED_CAPTURE_AHEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/frames.h"
#include "common/options.h"
#include "common/pace.h"

struct ahead {
	struct pace
		pace; /* as the injector's, not active where all may be read */
	struct pace_clock clock;
	uint64_t loop_gap_ns; /* between two passes, as it is to be seen */
	bool again;	      /* the next packet begins another pass */
	uint64_t shift_ns; /* what this pass's times are behind the first's */
	uint64_t last_ns;  /* the time of the last packet, shifted */
	uint64_t due_ns;   /* when that one is written, as far as known */
	uint64_t rest_ns;  /* no packet before; 0: none has to wait for it */
	uint64_t feeds;	   /* the injector's one: see ahead_feed() */
};

void ahead_init(struct ahead *ahead, const struct options *options);

/* All files begin again, at now_ns. */
void ahead_pass(struct ahead *ahead, uint64_t now_ns);

/*
 * Packets go to the injector of this feed, numbered as by sender_feeds(): a new
 * one's clocks and buckets begin with the next packet.
 */
void ahead_feed(struct ahead *ahead, uint64_t feeds);

/* The time of the next packet to be sent, which was recorded at time_ns, on the
 * line that goes through all passes. */
uint64_t ahead_time(struct ahead *ahead, uint64_t time_ns);

/* Until when (CLOCK_MONOTONIC) a packet of that time, by ahead_time(), has to
 * wait; 0: not at all. */
uint64_t ahead_until(const struct ahead *ahead, uint64_t time_ns,
		     uint64_t now_ns);

/* Whether ahead_until() might say so. */
static inline bool ahead_waits(const struct ahead *ahead)
{
	return pace_active(&ahead->pace) || ahead->rest_ns > 0;
}

/* It is sent off, as so many frames, or none. now_ns says nothing where none
 * has to wait. */
void ahead_take(struct ahead *ahead, const struct frames_sent *sent,
		uint64_t time_ns, uint64_t now_ns);

#endif
