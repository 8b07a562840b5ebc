/* SPDX-License-Identifier: Apache-2.0 */
/* What tapfeed says over `control`: proto/worker.h. */
#ifndef TAPFEED_INJECTOR_CONTROL_H
#define TAPFEED_INJECTOR_CONTROL_H

#include <stdint.h>

enum control {
	CONTROL_NOTHING, /* none has come, or one that was refused */
	CONTROL_FEED,
	CONTROL_END, /* end of file: stop */
};

/*
 * Takes what has come over sock, of several messages the last one: each was for
 * a process that is no more. Does not block. On CONTROL_FEED *ret_fd, the
 * feed's end, is the caller's, and *ret_frames_taken is what the message says.
 */
enum control control_take(int sock, int *ret_fd, uint64_t *ret_frames_taken);

#endif
