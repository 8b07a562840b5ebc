/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Histograms of times: log-linear buckets, 16 an octave, so that a bucket is
 * at most 1/16 as wide as what is in it is long.
 *
 *   bucket 0                 less than 128 ns
 *   bucket 1 + 16 o + s      128 ns * 2^o * (1 + s/16), 29 octaves
 *   the last one             68.7 s and more
 */
#ifndef TAPFEED_COMMON_HISTOGRAM_H
#define TAPFEED_COMMON_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_STEP_BITS   4u /* steps an octave, as a power of two */
#define HISTOGRAM_STEPS	      (1u << HISTOGRAM_STEP_BITS)
#define HISTOGRAM_FIRST_POWER 7u  /* 2^7 ns: where the octaves begin ... */
#define HISTOGRAM_END_POWER   36u /* ... and end */
#define HISTOGRAM_BUCKETS                                                      \
	(2 + (HISTOGRAM_END_POWER - HISTOGRAM_FIRST_POWER) * HISTOGRAM_STEPS)

/* The bucket of a time: for the packet path, without a division. */
static inline size_t histogram_bucket(uint64_t ns)
{
	unsigned int power, step;

	if (ns < UINT64_C(1) << HISTOGRAM_FIRST_POWER)
		return 0;
	if (ns >= UINT64_C(1) << HISTOGRAM_END_POWER)
		return HISTOGRAM_BUCKETS - 1;
	power = 63u - (unsigned int)__builtin_clzll(ns);
	step = (unsigned int)(ns >> (power - HISTOGRAM_STEP_BITS)) -
	       HISTOGRAM_STEPS;
	return 1 + (power - HISTOGRAM_FIRST_POWER) * HISTOGRAM_STEPS + step;
}

/* The least and the largest time of a bucket (less than HISTOGRAM_BUCKETS). */
uint64_t histogram_lower(size_t bucket);
uint64_t histogram_upper(size_t bucket);

/* The same in 31 steps, for people: less than 128 ns, the octaves, the rest. */
#define HISTOGRAM_OCTAVES (2 + HISTOGRAM_END_POWER - HISTOGRAM_FIRST_POWER)

void histogram_octaves(const uint64_t buckets[static HISTOGRAM_BUCKETS],
		       uint64_t ret_octaves[static HISTOGRAM_OCTAVES]);

/* The largest time of an octave (less than HISTOGRAM_OCTAVES). */
uint64_t histogram_octave_upper(size_t octave);

/* Everything counted; UINT64_MAX where it is more than that. */
uint64_t histogram_count(const uint64_t buckets[static HISTOGRAM_BUCKETS]);

/*
 * A time that at least per_mille (1 to 1000) in a thousand do not exceed: their
 * bucket's largest, but no more than max, the largest time there was. 0 of
 * nothing. The counts may be any numbers.
 */
uint64_t histogram_quantile(const uint64_t buckets[static HISTOGRAM_BUCKETS],
			    unsigned int per_mille, uint64_t max);

#endif
