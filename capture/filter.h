/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --filter: compiled by libpcap once for each link type that comes by, run by
 * libpcap's interpreter.
 */
#ifndef TAPFEED_CAPTURE_FILTER_H
#define TAPFEED_CAPTURE_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "capture/packet.h"

struct filter;

/*
 * expression NULL: a filter that every packet passes. Compiles it for Ethernet,
 * so that a bad one is known at once. 0 and *ret_filter; -ENOMEM; -EINVAL with
 * libpcap's words in error.
 */
int filter_new(const char *expression, struct filter **ret_filter, char *error,
	       size_t error_size);
void filter_free(struct filter *filter);

/*
 * Whether packet passes. One whose link type libpcap has no filters for passes:
 * it is counted by whatever else speaks against it, never lost in silence.
 */
bool filter_pass(struct filter *filter, const struct packet *packet);

#endif
