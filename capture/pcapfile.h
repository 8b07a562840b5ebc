/* SPDX-License-Identifier: Apache-2.0 */
/* pcap files, as a format of capfile.c. */
#ifndef TAPFEED_CAPTURE_PCAPFILE_H
#define TAPFEED_CAPTURE_PCAPFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capfile_format;

/* The two lengths in a packet's header: captured first, or original first? */
enum pcapfile_lengths {
	PCAPFILE_CAPTURED_FIRST = 0,
	PCAPFILE_ORIGINAL_FIRST,
	/* Told apart packet by packet: the captured one is not the larger. */
	PCAPFILE_LENGTHS_VARY,
};

struct pcapfile {
	bool header_seen;
	size_t record_header_bytes;
	uint64_t fraction_ns; /* a unit of the time's second word */
	enum pcapfile_lengths lengths;
	uint32_t link_type;
};

extern const struct capfile_format pcapfile_format;

void pcapfile_reset(struct pcapfile *pcap);

#endif
