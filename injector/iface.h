/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The injector's interface at its start: a new one from the helper, or the one
 * that a killed injector has left. Everything that was handed over is checked.
 */
#ifndef TAPFEED_INJECTOR_IFACE_H
#define TAPFEED_INJECTOR_IFACE_H

#include <stdbool.h>

#include "common/options.h"
#include "injector/netdev.h"
#include "proto/counters.h"

/*
 * Takes over the descriptors "interface", or asks over "privileged" for an
 * interface and stores its queues for a successor; publishes it on the page.
 * 0, with *ret and whether it was taken over; or the exit status, with its
 * message out.
 */
int iface_open(const struct options *options,
	       struct counters_injector *counters, struct netdev *ret,
	       bool *ret_adopted);

#endif
