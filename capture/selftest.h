/* SPDX-License-Identifier: Apache-2.0 */
/* tapfeed-capture --self-test: common/selftest.h. */
#ifndef TAPFEED_CAPTURE_SELFTEST_H
#define TAPFEED_CAPTURE_SELFTEST_H

/* work: main() but for this. Returns the exit status. */
int selftest_capture(int (*work)(int argc, char **argv));

#endif
