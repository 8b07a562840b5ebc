/* SPDX-License-Identifier: Apache-2.0 */
/* What a running feed says of itself when it is asked (launcher/statusd.h). */
#ifndef TAPFEED_LAUNCHER_FEEDSTATUS_H
#define TAPFEED_LAUNCHER_FEEDSTATUS_H

#include "launcher/control.h"
#include "launcher/supervise.h"

/*
 * Listens under the interface's name; a feed that has none, because it feeds
 * another tapfeed, under "join" and its process number.
 */
void feedstatus_listen(struct feed *feed);

/* A statusd_fill: data is the struct feed. */
void feedstatus_fill(const void *data, struct control_status *status);

/* A statusd_start: the same. */
enum control_start feedstatus_start(void *data, uint32_t *ret_waits);

#endif
