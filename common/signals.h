/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stop signals. SIGINT, SIGTERM, SIGHUP (and SIGCHLD, if asked for) stay
 * blocked but inside fd_poll(), so a signal is never lost between a check and a
 * sleep.
 */
#ifndef TAPFEED_COMMON_SIGNALS_H
#define TAPFEED_COMMON_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/*
 * Blocks the stop signals, installs their handlers, ignores SIGPIPE and
 * SIGXFSZ. With want_child, SIGCHLD wakes fd_poll() too. 0 or a negative errno.
 */
int signals_init(bool want_child);

/* How many stop signals have come, and the last one's number. */
int signals_stop_count(void);
int signals_last_stop(void);

/*
 * Whether one has come since signals_stop_count() was last called. Then
 * fd_poll() does not sleep: a loop that has just logged a line, say, took it
 * there.
 */
bool signals_unheard(void);

/*
 * Takes pending stop signals without sleeping: for loops that are busy and do
 * not come by fd_poll() often.
 */
void signals_check(void);

/* The mask for ppoll(2); NULL before signals_init(). */
const sigset_t *signals_wait_mask(void);

/*
 * The mask and handlers a child should have before exec: the defaults, but stop
 * signals blocked, so that one that comes early waits for the child's
 * signals_init().
 */
void signals_reset(void);

/* From now on a stop signal ends the process; those that came are done with. */
void signals_default(void);

#endif
