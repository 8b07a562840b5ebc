/* SPDX-License-Identifier: Apache-2.0 */
/* Notifications of the processes (sd_notify(3) and some of our own). */
#ifndef TAPFEED_LAUNCHER_NOTICES_H
#define TAPFEED_LAUNCHER_NOTICES_H

#include "launcher/supervise.h"

/* Reads what a process has said, and acts on it. Never blocks. */
void notices_read(struct feed *feed, enum feed_child child);

/* Ends the feed where one of its sources would see its own packets again. */
void notices_check_loop(struct feed *feed);

#endif
