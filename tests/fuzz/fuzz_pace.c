/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the pace with recorded times of any kind. The first 16 bytes are its
 * options; each further 14 are a packet: time, length, and how long after it
 * is due it is taken. Held against it: none is due before the one before it,
 * nor so late that it never comes; by recorded times none early, none behind
 * --max-gap; of a bucket no more than its rate gives.
 */
#include <config.h>

#include "tests/fuzz/fuzz.h"

#include "common/clock.h"
#include "common/pace.h"

#define START	    (100 * NS_PER_S)
#define PACKET_SIZE 14

struct run {
	struct options options;
	struct pace pace;
	struct pace_clock clock;
	bool begun;
	uint64_t now_ns;
	uint64_t taken_ns; /* the last one of a bucket */
	uint64_t since_ns;
	unsigned __int128 units; /* of a bucket, since then */
};

static uint64_t within(uint32_t number, uint64_t min, uint64_t max)
{
	return min + number % (max - min + 1);
}

static void choose(struct run *run, uint32_t how, uint32_t a, uint32_t b)
{
	struct options *options = &run->options;

	switch (how & 3) {
	case 0:
		options->replay_timing = true;
		options->speed_ppm = how & 4 ? within(a, 1000, 4000000000) : 0;
		options->max_gap_ns = how & 8 ? b : 0;
		break;
	case 1:
		options->pps = within(a, 1, 1000000000);
		options->burst = how & 4 ? within(b, 1, 1000000000) : 0;
		break;
	default:
		options->bitrate = within(a, 1000, UINT64_C(1000000000000));
		options->burst = how & 4 ? within(b, 1, 1000000000) : 0;
		break;
	}
	pace_init(&run->pace, options);
}

/* What went before this frame had its time, or was made up for once. Behind by
 * more than that, all begins anew. */
static void check_bucket(struct run *run, uint32_t len, uint64_t due_ns)
{
	const struct pace *pace = &run->pace;
	const uint64_t made_up_ns =
		pace->burst_ns > PACE_STALL_NS ? pace->burst_ns : PACE_STALL_NS;
	uint64_t span_ns = run->now_ns - run->since_ns + made_up_ns;

	assert(run->units * NS_PER_S <=
	       (unsigned __int128)span_ns * pace->rate);
	if (run->now_ns - due_ns > made_up_ns) {
		run->units = 0;
		run->since_ns = run->now_ns;
	}
	assert(due_ns + made_up_ns >= run->taken_ns);
	run->taken_ns = run->now_ns;
	run->units += pace->bits ? (uint64_t)len * 8 : 1;
}

/* ahead: of the latest one, on the circle of 64 bits. */
static void check_recorded(const struct run *run, uint64_t ahead,
			   uint64_t due_ns)
{
	const uint64_t max_gap_ns = run->options.max_gap_ns;
	uint64_t waits_ns = due_ns - run->clock.due_ns;
	unsigned __int128 gap_ns =
		(unsigned __int128)ahead * 1000000 / run->pace.speed_ppm;

	assert(due_ns >= run->clock.due_ns);
	if (ahead > INT64_MAX) /* behind it */
		assert(waits_ns <= 1);
	else if (max_gap_ns && gap_ns > max_gap_ns)
		assert(waits_ns - max_gap_ns <= 1);
	else if (due_ns < PACE_FAR_NS)
		assert(waits_ns - gap_ns <= 2);
}

/* Returns whether there may be another one. */
static bool packet(struct run *run, uint64_t time_ns, uint32_t len,
		   uint32_t late)
{
	uint64_t due_ns = pace_due_ns(&run->pace, &run->clock, time_ns);
	uint64_t told_ns;

	assert(due_ns <= PACE_FAR_NS + 1);
	assert((due_ns == 0) == !run->begun);
	if (run->begun && pace_timed(&run->pace))
		check_recorded(run, time_ns - run->clock.time_ns, due_ns);
	/* The one that is 146 years from now is the last one. */
	if (due_ns >= PACE_FAR_NS / 2)
		return false;
	if (run->now_ns < due_ns)
		run->now_ns = due_ns;
	run->now_ns += late;
	if (run->pace.rate > 0)
		check_bucket(run, len, due_ns);
	told_ns = pace_take(&run->pace, &run->clock, time_ns, len, run->now_ns);
	assert(told_ns == (run->begun ? due_ns : run->now_ns));
	run->begun = true;
	/* Never so far behind that it makes up for more than it may. */
	if (pace_timed(&run->pace))
		assert(run->clock.due_ns + 1 + PACE_STALL_NS >= run->now_ns);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run run = { .now_ns = START, .since_ns = START };
	uint32_t how, a, b;

	if (size < 16)
		return 0;
	how = fuzz_take(&data, &size);
	a = fuzz_take(&data, &size);
	b = fuzz_take(&data, &size);
	run.now_ns += fuzz_take(&data, &size);
	run.since_ns = run.now_ns;
	choose(&run, how, a, b);
	while (size >= PACKET_SIZE) {
		uint32_t low = fuzz_take(&data, &size);
		uint32_t high = fuzz_take(&data, &size);
		uint32_t late = fuzz_take(&data, &size);
		uint32_t len = 1 + (uint32_t)data[0] + ((uint32_t)data[1] << 8);

		data += 2;
		size -= 2;
		if (!packet(&run, (uint64_t)high << 32 | low, len,
			    late % 16 ? late >> 8 : late))
			break;
	}
	return 0;
}
