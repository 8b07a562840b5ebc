/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for the MTU that files need. Their packets are hostile. */
#include <config.h>

#include "capture/scan.h"

#include "capture/convert.h"
#include "capture/frames.h"
#include "capture/segment.h"

static uint64_t carried_by(const struct options *options,
			   const struct convert_frame *frame)
{
	struct segmenter segmenter;
	uint32_t pad = options->truncated == TRUNCATED_PAD
			       ? frames_pad(frame, UINT32_MAX)
			       : 0;

	(void)segment_init(&segmenter, frame, pad, options->scan, 0);
	return segmenter.carried;
}

static void scan_packet(const struct options *options, struct packet *packet,
			struct counters_capture *counters)
{
	/* Not on the stack, where 12 KB would be zeroed for each. */
	static struct convert_frame frames[CONVERT_FRAMES_MAX];
	const struct convert_to to = { .kind = options->scan };
	size_t n;

	packet_cut(packet, options->snaplen);
	if (convert_packet(packet, &to, frames, &n) != CONVERT_OK)
		return;
	if (options->truncated == TRUNCATED_DROP &&
	    packet->captured_len < packet->original_len)
		return;
	for (size_t i = 0; i < n; i++) {
		uint64_t carried = carried_by(options, &frames[i]);

		if (carried > counters->mtu_needed)
			counter_set(&counters->mtu_needed, carried);
	}
}

int scan_run(struct sources *sources, struct filter *filter,
	     const struct options *options, struct counters_capture *counters)
{
	uint64_t taken = 0;
	size_t source;

	/* tapfeed, which waits, takes the signals: this ends with it. */
	while (!options->count || taken < options->count) {
		struct packet packet;
		int r = sources_next(sources, &packet, &source);

		if (r == SOURCE_END)
			break;
		/* What is wrong with a file is said when it is played, and the
		 * others are; a regular file is always ready. */
		if (r < 0 || r == SOURCE_WAIT)
			continue;
		if (filter && !filter_pass(filter, &packet))
			continue;
		taken++;
		scan_packet(options, &packet, counters);
	}
	return TAPFEED_EXIT_OK;
}
