/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms of times. Input is hostile: counts that another process wrote. */
#include <config.h>

#include "common/histogram.h"

#include <assert.h>

/* So many buckets of 64 bits each cannot overflow it, nor a thousand times. */
typedef unsigned __int128 sum;

uint64_t histogram_lower(size_t bucket)
{
	size_t octave, step;

	assert(bucket < HISTOGRAM_BUCKETS);
	if (bucket == 0)
		return 0;
	octave = (bucket - 1) / HISTOGRAM_STEPS;
	step = (bucket - 1) % HISTOGRAM_STEPS;
	return (uint64_t)(HISTOGRAM_STEPS + step)
	       << (HISTOGRAM_FIRST_POWER - HISTOGRAM_STEP_BITS + octave);
}

uint64_t histogram_upper(size_t bucket)
{
	return bucket + 1 < HISTOGRAM_BUCKETS ? histogram_lower(bucket + 1) - 1
					      : UINT64_MAX;
}

static size_t octave_of(size_t bucket)
{
	return (bucket + HISTOGRAM_STEPS - 1) / HISTOGRAM_STEPS;
}

void histogram_octaves(const uint64_t buckets[static HISTOGRAM_BUCKETS],
		       uint64_t ret_octaves[static HISTOGRAM_OCTAVES])
{
	for (size_t i = 0; i < HISTOGRAM_OCTAVES; i++)
		ret_octaves[i] = 0;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		ret_octaves[octave_of(i)] += buckets[i];
}

uint64_t histogram_octave_upper(size_t octave)
{
	assert(octave < HISTOGRAM_OCTAVES);
	return octave + 1 < HISTOGRAM_OCTAVES
		       ? (UINT64_C(1) << (HISTOGRAM_FIRST_POWER + octave)) - 1
		       : UINT64_MAX;
}

static sum count_all(const uint64_t *buckets)
{
	sum total = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		total += buckets[i];
	return total;
}

uint64_t histogram_count(const uint64_t buckets[static HISTOGRAM_BUCKETS])
{
	sum total = count_all(buckets);

	return total > UINT64_MAX ? UINT64_MAX : (uint64_t)total;
}

uint64_t histogram_quantile(const uint64_t buckets[static HISTOGRAM_BUCKETS],
			    unsigned int per_mille, uint64_t max)
{
	sum total = count_all(buckets);
	sum rank = (total * per_mille + 999) / 1000; /* counted from 1 */
	sum below = 0;
	size_t i = 0;
	uint64_t upper;

	assert(per_mille > 0 && per_mille <= 1000);
	if (total == 0)
		return 0;
	while ((below += buckets[i]) < rank)
		i++;
	upper = histogram_upper(i);
	return upper < max ? upper : max;
}
