/* SPDX-License-Identifier: Apache-2.0 */
/* tapfeed-injector --self-test: common/selftest.h. */
#ifndef TAPFEED_INJECTOR_SELFTEST_H
#define TAPFEED_INJECTOR_SELFTEST_H

#include "common/options.h"
#include "injector/netdev.h"
#include "proto/counters.h"

/* work: main() but for this. Returns the exit status. */
int selftest_injector(int (*work)(int argc, char **argv));

/* Stands for iface_open() in a process that is driven: a socket that takes
 * what an interface's queue would. */
int selftest_iface(const struct options *options,
		   struct counters_injector *counters, struct netdev *ret,
		   bool *ret_adopted);

#endif
