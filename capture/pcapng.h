/* SPDX-License-Identifier: Apache-2.0 */
/* pcapng files, as a format of capfile.c. */
#ifndef TAPFEED_CAPTURE_PCAPNG_H
#define TAPFEED_CAPTURE_PCAPNG_H

#include <stdint.h>

/* In one section; the obsolete Packet Block cannot name more either. */
#define PCAPNG_INTERFACES_MAX 65536u

struct capfile_format;

struct pcapng_interface {
	int64_t offset_s; /* if_tsoffset */
	uint32_t snaplen; /* 0: none */
	uint16_t link_type;
	uint8_t resolution; /* if_tsresol: an exponent, of 2 with 0x80 */
};

struct pcapng {
	/* Of PCAPNG_INTERFACES_MAX; pages that no file touches cost nothing. */
	struct pcapng_interface *interfaces;
	uint32_t interface_count; /* in this section */
	uint64_t last_time_ns;
};

extern const struct capfile_format pcapng_format;

/* 0 or -ENOMEM. */
int pcapng_init(struct pcapng *pcapng);
void pcapng_done(struct pcapng *pcapng);
void pcapng_reset(struct pcapng *pcapng);

/*
 * The time in ns since 1970 of a timestamp of that interface; outside of what
 * 64 bits hold, the nearest that they do. Any resolution and offset will do.
 */
uint64_t pcapng_time_ns(const struct pcapng_interface *interface,
			uint64_t timestamp);

#endif
