/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the caller may capture: tapfeed-policy.conf(5). */
#ifndef TAPFEED_CAPTURE_PERMISSION_H
#define TAPFEED_CAPTURE_PERMISSION_H

#include "common/options.h"

/*
 * Where CAP_NET_RAW comes from our file, asks the policy file about every
 * source, and puts the capability into effect. Who has it himself is not asked;
 * who has none will be refused by the kernel. 0, or the exit status; messages
 * are out.
 */
int permission_ask(const struct options *options);

#endif
