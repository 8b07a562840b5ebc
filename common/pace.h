/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When packets are due: by their recorded times, on a clock of each capture, or
 * by one bucket of packets or bits for all of them. The injector writes by it;
 * capture, which reads files only so far ahead, reckons with the same. Pure:
 * the caller brings the time (CLOCK_MONOTONIC). Recorded times are hostile: any
 * number may follow any other.
 *
 * Each due time follows from the one before it, exactly, never from when
 * something was written: there is no drift.
 */
#ifndef TAPFEED_COMMON_PACE_H
#define TAPFEED_COMMON_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/options.h"

/* So much of a delay is made up for; behind by more, times count anew. */
#define PACE_STALL_NS (100 * NS_PER_MS)

/* Recorded times that go back by more: a clock that was set. Less is the wrong
 * order of some packets, and says nothing about those behind them. */
#define PACE_BACK_NS (100 * NS_PER_MS)

/* Nothing to write for longer is not made up for by a bucket, see pace_idle().
 */
#define PACE_IDLE_NS (20 * NS_PER_MS)

/* No packet is due later: some 146 years after the host began. */
#define PACE_FAR_NS (UINT64_MAX / 4)

struct pace {
	/* Recorded times, so many millionths as fast; 0: not by these. */
	uint64_t speed_ppm;
	uint64_t max_gap_ns; /* no longer ones are kept; CLOCK_NEVER: all are */
	/* A bucket of so many units a second; 0: there is none. */
	uint64_t rate;
	bool bits;	   /* a unit is a bit of a frame, not a frame */
	uint64_t burst_ns; /* of the rate: so much may go at once */
	uint64_t next_ns;  /* when the next frame is due; 0: none was taken */
	uint64_t rest;	   /* and the part of a nanosecond, by rate */
};

/* One capture's recorded times. All zero: it has not begun. */
struct pace_clock {
	bool runs;
	uint64_t time_ns; /* recorded: the latest on this line */
	uint64_t due_ns;  /* when that one was due ... */
	uint64_t rest;	  /* and the part of a nanosecond, by speed_ppm */
};

/* As options say it; --replay-timing, --pps and --bitrate exclude each other.
 */
void pace_init(struct pace *pace, const struct options *options);

/* The bucket begins anew: the next frame is the first one. */
static inline void pace_restart(struct pace *pace)
{
	pace->next_ns = 0;
	pace->rest = 0;
}

static inline bool pace_timed(const struct pace *pace)
{
	return pace->speed_ppm > 0;
}

static inline bool pace_active(const struct pace *pace)
{
	return pace_timed(pace) || pace->rate > 0;
}

/* There is something to write since then, and there was nothing before: no more
 * than a bucket's burst makes up for it. */
void pace_idle(struct pace *pace, uint64_t since_ns);

/* When a frame that was recorded at time_ns is due, were it the next one; 0: at
 * once. */
uint64_t pace_due_ns(const struct pace *pace, const struct pace_clock *clock,
		     uint64_t time_ns);

/*
 * Takes this frame of len bytes at now_ns, mostly when it is due. Returns when
 * it was, now_ns where it is the first one. Whoever is far behind goes on from
 * now: see above.
 */
uint64_t pace_take(struct pace *pace, struct pace_clock *clock,
		   uint64_t time_ns, uint32_t len, uint64_t now_ns);

#endif
