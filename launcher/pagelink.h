/* SPDX-License-Identifier: Apache-2.0 */
/* What the injector's page says of its interface. */
#ifndef TAPFEED_LAUNCHER_PAGELINK_H
#define TAPFEED_LAUNCHER_PAGELINK_H

#include <stdbool.h>

#include "proto/counters.h"
#include "proto/limits.h"

/*
 * Reads name and index, where they can be those of the interface that was asked
 * for: a name that the kernel may make of pattern (a valid name or pattern), an
 * index that there may be. Whether it did; writes nothing else.
 */
bool pagelink_read(const struct counters_injector *page, const char *pattern,
		   char ret_name[static TAPFEED_IFNAME_SIZE],
		   unsigned int *ret_ifindex);

#endif
