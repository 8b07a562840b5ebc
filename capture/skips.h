/* SPDX-License-Identifier: Apache-2.0 */
/* Counting what is skipped: by link type and by reason. */
#ifndef TAPFEED_CAPTURE_SKIPS_H
#define TAPFEED_CAPTURE_SKIPS_H

#include <stdint.h>

#include "capture/convert.h"
#include "proto/counters.h"

/*
 * Counts a packet of a source that verdict, not CONVERT_OK, lets be skipped.
 * The first of a link type that needs the user's attention is a warning.
 */
void skips_count(struct counters_capture *counters, uint32_t link_type,
		 enum convert_verdict verdict, const char *source);

/* Counts one that is skipped because an option says so. */
void skips_by_option(struct counters_capture *counters, uint32_t link_type,
		     enum counters_skip reason);

#endif
