/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A feed's status as people and programs read it. What a feed said is
 * untrusted: texts are escaped. How its processes are confined is read from
 * /proc here, not believed.
 */
#ifndef TAPFEED_LAUNCHER_STATUSSHOW_H
#define TAPFEED_LAUNCHER_STATUSSHOW_H

#include <stdio.h>

#include "launcher/control.h"
#include "launcher/statusask.h"
#include "launcher/usernames.h"

/* What is shown of a feed. */
struct statusshow {
	const char *name; /* of the socket */
	const struct control_status *status;
	const struct statusask_rate *rate; /* NULL: not known */
	const struct usernames *users;
};

void statusshow_text(FILE *out, const struct statusshow *show);

/* One JSON object, without a newline. */
void statusshow_json(FILE *out, const struct statusshow *show);

/* "readers, tapfeed start", of enum control_wait; "" for nothing. */
void statusshow_waits(char *buf, size_t size, uint32_t waits);

#endif
