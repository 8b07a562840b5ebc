/* SPDX-License-Identifier: Apache-2.0 */
/* For tapfeed --self-test: both ends of tapfeed status, in a temporary runtime
 * directory. */
#ifndef TAPFEED_LAUNCHER_SELFTEST_STATUS_H
#define TAPFEED_LAUNCHER_SELFTEST_STATUS_H

#include <stdbool.h>

/* From here on runtime directories are in one of our own. */
void selftest_status_begin(void);

/* That one; NULL: there is none. */
const char *selftest_status_folder(void);

/* Asks the feed of that interface. Whether it answers. */
bool selftest_status_ask(const char *interface);

/* Drives tapfeed status. Whether all was well. */
bool selftest_status(void);

/* Removes the directory. Whether all had been removed from it. */
bool selftest_status_end(void);

#endif
