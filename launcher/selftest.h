/* SPDX-License-Identifier: Apache-2.0 */
/* tapfeed --self-test: common/selftest.h. */
#ifndef TAPFEED_LAUNCHER_SELFTEST_H
#define TAPFEED_LAUNCHER_SELFTEST_H

/* Drives injector, capture, tapfeed's own supervising half and tapfeed status.
 * The exit status. */
int selftest_launcher(void);

#endif
