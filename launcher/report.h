/* SPDX-License-Identifier: Apache-2.0 */
/* The sum that always adds up, and how it is shown. */
#ifndef TAPFEED_LAUNCHER_REPORT_H
#define TAPFEED_LAUNCHER_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/histogram.h"
#include "proto/counters.h"

struct report_link_type {
	char name[COUNTERS_LINK_NAME_LEN + 1]; /* printable, no quotes */
	uint64_t skipped[COUNTERS_SKIPS];
};

/* Of the frames written (proto/counters.h), from where latency counts. */
struct report_latency {
	uint64_t count; /* 0: nothing is known */
	uint64_t p50_ns, p90_ns, p99_ns, p99_9_ns, max_ns;
	uint64_t octaves[HISTOGRAM_OCTAVES]; /* all 0: not known */
};

/* Packets, unless the name says otherwise; see proto/counters.h. */
struct report {
	char interface[TAPFEED_IFNAME_SIZE];
	uint64_t received, injected, frames_written, bytes_injected;
	uint64_t dropped_queue, dropped_interface_down, dropped_stopped,
		dropped_restart;
	uint64_t skipped[COUNTERS_SKIPS]; /* of all link types */
	struct report_link_type link_types[COUNTERS_LINK_TYPES];
	size_t link_type_count;
	uint64_t errors;
	uint64_t truncated, oversize, segmented, checksums_fixed,
		checksums_left, filtered, kernel_dropped, queue_peak;
	uint64_t duration_ns; /* from the first packet to the last */
	struct report_latency latency;
	struct report_latency timing; /* from when they were due by a pace */
};

/*
 * Reads the two pages, either of which a taken-over or dead process may have
 * left: they are numbers and nothing more.
 */
void report_read(struct report *report, const struct counters_capture *capture,
		 const struct counters_injector *injector);

/* The same where the packets went to another tapfeed (--join), as far as it
 * told. */
void report_read_told(struct report *report,
		      const struct counters_capture *capture);

/*
 * Counts what was skipped of a link type, by reason. The name (at most
 * COUNTERS_LINK_NAME_LEN bytes, ended by NUL where shorter) may be anything: a
 * JSON key may stand there once, so one row a name.
 */
void report_add_link_type(struct report *report, const char *text,
			  const uint64_t skipped[COUNTERS_SKIPS]);

/* The reason as the report has it: "too_short". */
const char *report_skip_name(enum counters_skip reason);

/* All that was dropped; all that was skipped. */
uint64_t report_dropped(const struct report *report);
uint64_t report_skipped(const struct report *report);

/* Packets received that no counter accounts for; negative: too many are. */
int64_t report_missing(const struct report *report);

/* Logs the reasons that the one line leaves out, and what a reader will miss.
 */
void report_explain(const struct report *report, bool json);

/* Writes one line, or one JSON object, to standard output. 0 or a negative
 * errno. */
int report_print(const struct report *report, bool json);

/* The members of the JSON object but for the interface, without braces. */
void report_json_members(FILE *out, const struct report *report);

#endif
