/* SPDX-License-Identifier: Apache-2.0 */
/* When packets are due. Recorded times are hostile. */
#include <config.h>

#include "common/pace.h"

#define MILLION UINT64_C(1000000)

/* A time, and what is left of a nanosecond in parts of some whole. */
struct moment {
	uint64_t ns;
	uint64_t rest;
};

/* from and (amount * scale) / whole nanoseconds, exactly. */
static struct moment later(struct moment from, uint64_t amount, uint64_t scale,
			   uint64_t whole)
{
	unsigned __int128 sum = (unsigned __int128)amount * scale + from.rest;
	unsigned __int128 ns = sum / whole;

	if (from.ns >= PACE_FAR_NS)
		return from;
	if (ns >= PACE_FAR_NS - from.ns)
		return (struct moment){ .ns = PACE_FAR_NS };
	return (struct moment){
		.ns = from.ns + (uint64_t)ns,
		.rest = (uint64_t)(sum % whole),
	};
}

/* Never early. */
static uint64_t rounded_up(struct moment moment)
{
	return moment.ns + (moment.rest > 0);
}

static uint64_t units_of(const struct pace *pace, uint32_t len)
{
	return pace->bits ? (uint64_t)len * 8 : 1;
}

void pace_init(struct pace *pace, const struct options *options)
{
	const bool timed = options_timed(options);
	uint64_t burst = options->burst;

	*pace = (struct pace){
		.rate = options->bitrate ? options->bitrate : options->pps,
		.bits = options->bitrate > 0,
		.max_gap_ns =
			options->max_gap_ns ? options->max_gap_ns : CLOCK_NEVER,
	};
	if (timed)
		pace->speed_ppm =
			options->speed_ppm ? options->speed_ppm : MILLION;
	if (pace->rate == 0 || burst == 0)
		return;
	/* Of N packets the first one needs no time. */
	burst = pace->bits ? burst * 8 : burst - 1;
	pace->burst_ns =
		later((struct moment){ 0 }, burst, NS_PER_S, pace->rate).ns;
}

/* ---- recorded times ------------------------------------------------------
 */

/*
 * When a packet of that time is due. Times are numbers on a circle: ahead or
 * behind, whichever is nearer. *ret_line: whether it is the latest one now, by
 * which those behind it are timed.
 */
static struct moment clock_due(const struct pace *pace,
			       const struct pace_clock *clock, uint64_t time_ns,
			       bool *ret_line)
{
	const struct moment last = { clock->due_ns, clock->rest };
	const uint64_t ahead = time_ns - clock->time_ns;
	const uint64_t behind = clock->time_ns - time_ns;
	struct moment due;

	*ret_line = ahead <= INT64_MAX || behind > PACE_BACK_NS;
	if (ahead > INT64_MAX) /* goes back: due with the one before it */
		return last;
	due = later(last, ahead, MILLION, pace->speed_ppm);
	if (due.ns - last.ns > pace->max_gap_ns)
		due = (struct moment){ last.ns + pace->max_gap_ns, last.rest };
	return due;
}

static uint64_t clock_take(const struct pace *pace, struct pace_clock *clock,
			   uint64_t time_ns, uint64_t now_ns)
{
	bool line = true;
	struct moment due = { .ns = now_ns };
	uint64_t told;

	if (clock->runs)
		due = clock_due(pace, clock, time_ns, &line);
	told = rounded_up(due);
	if (told < now_ns && now_ns - told > PACE_STALL_NS)
		due = (struct moment){ .ns = now_ns };
	clock->runs = true;
	if (line)
		clock->time_ns = time_ns;
	clock->due_ns = due.ns;
	clock->rest = due.rest;
	return told;
}

/* ---- the bucket ----------------------------------------------------------
 */

/* Whether it lies behind by more than a burst and what is made up for besides.
 */
static bool behind(const struct pace *pace, uint64_t due_ns, uint64_t now_ns,
		   uint64_t made_up_ns)
{
	if (made_up_ns < pace->burst_ns)
		made_up_ns = pace->burst_ns;
	return due_ns < now_ns && now_ns - due_ns > made_up_ns;
}

void pace_idle(struct pace *pace, uint64_t since_ns)
{
	if (pace->next_ns == 0 ||
	    !behind(pace, pace->next_ns, since_ns, PACE_IDLE_NS))
		return;
	pace->next_ns = since_ns - pace->burst_ns;
	pace->rest = 0;
}

static uint64_t bucket_take(struct pace *pace, uint64_t units, uint64_t now_ns)
{
	struct moment due = { pace->next_ns, pace->rest };
	uint64_t told;

	if (due.ns == 0)
		due.ns = now_ns;
	told = rounded_up(due);
	if (behind(pace, told, now_ns, PACE_STALL_NS))
		due = (struct moment){ .ns = now_ns - pace->burst_ns };
	due = later(due, units, NS_PER_S, pace->rate);
	pace->next_ns = due.ns;
	pace->rest = due.rest;
	return told;
}

uint64_t pace_due_ns(const struct pace *pace, const struct pace_clock *clock,
		     uint64_t time_ns)
{
	bool line;

	if (pace->rate > 0)
		return rounded_up((struct moment){ pace->next_ns, pace->rest });
	if (!pace_timed(pace) || !clock->runs)
		return 0;
	return rounded_up(clock_due(pace, clock, time_ns, &line));
}

uint64_t pace_take(struct pace *pace, struct pace_clock *clock,
		   uint64_t time_ns, uint32_t len, uint64_t now_ns)
{
	if (pace->rate > 0)
		return bucket_take(pace, units_of(pace, len), now_ns);
	if (pace_timed(pace))
		return clock_take(pace, clock, time_ns, now_ns);
	return now_ns;
}
