/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --mtu auto: reads files once to find the MTU that they need, confined as for
 * capturing. Their packets are hostile.
 */
#ifndef TAPFEED_CAPTURE_SCAN_H
#define TAPFEED_CAPTURE_SCAN_H

#include "capture/filter.h"
#include "capture/sources.h"
#include "common/options.h"
#include "proto/counters.h"

/*
 * Reads sources, which are regular files, to their end, to --count, or as far
 * as they are whole, and counts into counters->mtu_needed the most that any
 * frame would carry on an interface of options->scan. filter: NULL, or what
 * packets have to pass. The exit status.
 */
int scan_run(struct sources *sources, struct filter *filter,
	     const struct options *options, struct counters_capture *counters);

#endif
