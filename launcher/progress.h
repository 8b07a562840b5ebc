/* SPDX-License-Identifier: Apache-2.0 */
/* The progress line on a terminal; nothing where standard error is none. */
#ifndef TAPFEED_LAUNCHER_PROGRESS_H
#define TAPFEED_LAUNCHER_PROGRESS_H

#include <stdint.h>

#include "proto/counters.h"

/* Between two redraws. */
#define PROGRESS_INTERVAL_MS 200

/* source_bytes: of the file, 0 where nobody knows. Draws only if asked to. */
void progress_init(int wanted, uint64_t source_bytes);

/* When the next line is due (CLOCK_MONOTONIC), CLOCK_NEVER where there is none.
 */
uint64_t progress_next_ns(void);

/* Draws a line from the pages, if one is due. */
void progress_draw(const struct counters_capture *capture,
		   const struct counters_injector *injector,
		   uint32_t queue_size, uint64_t now_ns);

/* Takes the line off the screen: before something else is written, and at the
 * end. */
void progress_clear(void);

#endif
