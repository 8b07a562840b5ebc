/* SPDX-License-Identifier: Apache-2.0 */
/* How far files are read ahead. Recorded times are hostile. */
#include <config.h>

#include "capture/ahead.h"

#include "common/clock.h"

/* So far ahead, in steps of so much: not one packet at a time. */
#define AHEAD_NS      (250 * NS_PER_MS)
#define AHEAD_STEP_NS (50 * NS_PER_MS)

void ahead_init(struct ahead *ahead, const struct options *options)
{
	/* What is dropped where it does not fit is read as fast as it goes,
	 * and interfaces do not wait. */
	const bool all =
		options->live || (!options_timed(options) &&
				  options->when_full == WHEN_FULL_DROP);

	*ahead = (struct ahead){ .loop_gap_ns = options->loop_gap_ns };
	if (!all)
		pace_init(&ahead->pace, options);
}

/* As much of recorded time as is played in the gap between two passes. */
static uint64_t recorded(const struct ahead *ahead)
{
	unsigned __int128 time = ahead->loop_gap_ns;

	if (pace_timed(&ahead->pace))
		time = time * ahead->pace.speed_ppm / 1000000;
	return time < INT64_MAX ? (uint64_t)time : INT64_MAX;
}

void ahead_pass(struct ahead *ahead, uint64_t now_ns)
{
	uint64_t end_ns = ahead->due_ns > now_ns ? ahead->due_ns : now_ns;

	ahead->again = true;
	if (!pace_timed(&ahead->pace) && ahead->loop_gap_ns > 0)
		ahead->rest_ns = end_ns + ahead->loop_gap_ns;
}

void ahead_feed(struct ahead *ahead, uint64_t feeds)
{
	if (ahead->feeds == feeds)
		return;
	ahead->feeds = feeds;
	ahead->clock = (struct pace_clock){ 0 };
	pace_restart(&ahead->pace);
}

uint64_t ahead_time(struct ahead *ahead, uint64_t time_ns)
{
	/* Times are numbers on a circle, see common/pace.h. */
	if (ahead->again)
		ahead->shift_ns = ahead->last_ns + recorded(ahead) - time_ns;
	ahead->again = false;
	return time_ns + ahead->shift_ns;
}

uint64_t ahead_until(const struct ahead *ahead, uint64_t time_ns,
		     uint64_t now_ns)
{
	uint64_t due_ns;

	if (ahead->rest_ns > now_ns)
		return ahead->rest_ns;
	due_ns = pace_due_ns(&ahead->pace, &ahead->clock, time_ns);
	return due_ns > now_ns + AHEAD_NS ? due_ns - AHEAD_NS + AHEAD_STEP_NS
					  : 0;
}

void ahead_take(struct ahead *ahead, const struct frames_sent *sent,
		uint64_t time_ns, uint64_t now_ns)
{
	size_t bytes = sent->bytes;

	/* What nobody is going to write takes no time. */
	if (sent->frames == 0)
		return;
	ahead->rest_ns = 0;
	ahead->last_ns = time_ns;
	ahead->due_ns = now_ns;
	if (!pace_active(&ahead->pace))
		return;
	for (size_t left = sent->frames; left > 0; left--) {
		/* All but the last are of one size mostly, and it is the sum
		 * that counts. */
		uint32_t len = (uint32_t)(bytes / left);

		bytes -= len;
		ahead->due_ns = pace_take(&ahead->pace, &ahead->clock, time_ns,
					  len, now_ns);
	}
}
