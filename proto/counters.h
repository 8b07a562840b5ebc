/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counters pages: one sealed memfd for each worker, written by that
 * worker alone (relaxed 64-bit stores), mapped read-only by tapfeed, which
 * believes nothing in it and reads the page of a killed worker too.
 *
 * Packets, unless the name says otherwise. The sum that always adds up:
 *   received + joined_received = injected + dropped_* + skipped + errors
 */
#ifndef TAPFEED_PROTO_COUNTERS_H
#define TAPFEED_PROTO_COUNTERS_H

#include <assert.h>
#include <stdint.h>

#include "proto/limits.h"

#define COUNTERS_PAGE_BYTES    8192u
#define COUNTERS_LINK_TYPES    32u
#define COUNTERS_LINK_NAME_LEN 23u

/* Those of common/histogram.h. */
#define COUNTERS_LATENCY_BUCKETS 466u

/* Why a packet is skipped; the report has a name for each. */
enum counters_skip {
	COUNTERS_TOO_SHORT,
	COUNTERS_TOO_LONG,
	COUNTERS_NOT_IP,
	COUNTERS_LINK_TYPE, /* tapfeed cannot convert its link type */
	COUNTERS_NOT_ETHERNET,
	COUNTERS_ENCRYPTED,
	COUNTERS_NOT_DATA,
	COUNTERS_FRAGMENT,
	COUNTERS_DAMAGED,
	COUNTERS_OVERSIZE,  /* --oversize drop */
	COUNTERS_TRUNCATED, /* --truncated drop */
	COUNTERS_SKIPS,
};

/* Packets that were skipped, of one link type. */
struct counters_link_type {
	uint64_t skipped[COUNTERS_SKIPS];
	uint32_t link_type; /* LINKTYPE_ value of the file */
	/* NUL-padded; untrusted. Stored first: a row without is free. */
	char name[COUNTERS_LINK_NAME_LEN];
};

struct counters_capture {
	uint64_t received;  /* passed the filter and were handed to capture */
	uint64_t filtered;  /* did not pass the filter; beside the sum */
	uint64_t truncated; /* captured less than was on the wire; beside the
			       sum */
	uint64_t kernel_dropped; /* pcap_stats; beside the sum */
	/* Beside the sum. */
	uint64_t oversize;  /* longer than the MTU, sent as they are */
	uint64_t segmented; /* longer than the MTU, cut into segments */
	uint64_t checksums_fixed;
	uint64_t checksums_left; /* unfinished, but what they count was cut */
	uint64_t mtu_needed;	 /* bytes; of files, for --mtu auto */
	uint64_t source_bytes;	 /* read from the source in this pass */
	uint64_t passes;	 /* of --loop that are done */
	uint64_t begin_ns; /* CLOCK_MONOTONIC: when the gate opened, first */
	/* As the injector reported them at the end: of use where this capture
	   feeds an injector that is not ours (--join). */
	uint64_t told_injected;
	uint64_t told_dropped_queue;
	uint64_t told_dropped_interface_down;
	uint64_t told_dropped_stopped;
	uint64_t told_dropped_restart;
	uint64_t told_errors;
	struct counters_link_type link_types[COUNTERS_LINK_TYPES];
};

/* How frames reach the interface. */
enum counters_writer {
	COUNTERS_WRITER_UNKNOWN = 0,
	COUNTERS_WRITER_PLAIN = 1, /* write(2) */
	COUNTERS_WRITER_RING = 2,  /* a restricted io_uring */
};

struct counters_injector {
	uint64_t injected;
	uint64_t frames_written; /* beside the sum: frames, not packets */
	uint64_t bytes_injected;
	uint64_t dropped_queue;
	uint64_t dropped_interface_down;
	uint64_t dropped_stopped;
	uint64_t dropped_restart;
	uint64_t errors;
	/* Of captures that came by the listening socket: packets taken from
	   them, and those of them that the counters above hold. */
	uint64_t joined_received;
	uint64_t joined_done;
	uint64_t peers; /* captures connected now */
	uint64_t queue_used;
	uint64_t queue_peak;
	uint64_t first_ns; /* CLOCK_MONOTONIC of the first and last write */
	uint64_t last_ns;
	/* Packets of several frames have been taken: what is written and not
	   counted need not be a packet a frame. */
	uint64_t several_frames;
	uint64_t ifindex; /* 0 until the interface is up */
	uint64_t mtu;
	uint64_t kind;			     /* enum tapfeed_kind */
	uint64_t writer;		     /* enum counters_writer */
	char interface[TAPFEED_IFNAME_SIZE]; /* stored before ifindex */
	/* Frames written, by the time they took from where latency counts
	   (PacketBatch.handed_ns, or of a live capture each packet's time_ns);
	   and the longest time of all. */
	uint64_t latency_max_ns;
	uint64_t latency[COUNTERS_LATENCY_BUCKETS];
	/* The same of frames that went by a pace, by how long after they were
	   due they were written. */
	uint64_t timing_max_ns;
	uint64_t timing[COUNTERS_LATENCY_BUCKETS];
};

static_assert(sizeof(struct counters_capture) <= COUNTERS_PAGE_BYTES, "page");
static_assert(sizeof(struct counters_injector) <= COUNTERS_PAGE_BYTES, "page");

/* Adds to a counter of one's own page. One writer: no read-modify-write. */
static inline void counter_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline void counter_set(uint64_t *counter, uint64_t value)
{
	__atomic_store_n(counter, value, __ATOMIC_RELAXED);
}

/* Reads a counter, of another process too. */
static inline uint64_t counter_get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* All packets that were skipped; absurd counters wrap. */
static inline uint64_t counters_skipped(const struct counters_capture *capture)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < COUNTERS_LINK_TYPES; i++)
		for (unsigned int j = 0; j < COUNTERS_SKIPS; j++)
			sum += counter_get(&capture->link_types[i].skipped[j]);
	return sum;
}

#endif
