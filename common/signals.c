/* SPDX-License-Identifier: Apache-2.0 */
/* Stop signals, counted. */
#include <config.h>

#include "common/signals.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

static volatile sig_atomic_t stop_count;
static volatile sig_atomic_t last_stop;
static sig_atomic_t asked_count; /* as signals_stop_count() last said it */
static sigset_t blocked;
static sigset_t wait_mask;
static bool initialised;

static void on_stop(int number)
{
	if (stop_count < 100)
		stop_count++;
	last_stop = number;
}

static void on_child(int number)
{
	(void)number; /* it wakes ppoll, that is all */
}

static int set_handler(int number, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	return sigaction(number, &action, NULL) < 0 ? -errno : 0;
}

/* nohup(1) has a hang-up ignored: then it stays so. */
static bool hangup_counts(void)
{
	struct sigaction action;

	return sigaction(SIGHUP, NULL, &action) == 0 &&
	       action.sa_handler != SIG_IGN;
}

int signals_init(bool want_child)
{
	bool hangup = hangup_counts();
	int r;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	if (hangup)
		sigaddset(&blocked, SIGHUP);
	if (want_child)
		sigaddset(&blocked, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &blocked, NULL) < 0)
		return -errno;
	sigemptyset(&wait_mask);

	/* A closed pipe and a file limit are errors like others. */
	r = set_handler(SIGPIPE, SIG_IGN);
	if (r == 0)
		r = set_handler(SIGXFSZ, SIG_IGN);
	if (r == 0)
		r = set_handler(SIGINT, on_stop);
	if (r == 0)
		r = set_handler(SIGTERM, on_stop);
	if (r == 0 && hangup)
		r = set_handler(SIGHUP, on_stop);
	if (r == 0 && want_child)
		r = set_handler(SIGCHLD, on_child);
	initialised = r == 0;
	return r;
}

int signals_stop_count(void)
{
	asked_count = stop_count;
	return asked_count;
}

bool signals_unheard(void)
{
	return stop_count != asked_count;
}

int signals_last_stop(void)
{
	return last_stop;
}

void signals_check(void)
{
	static const struct timespec now;
	int number;

	while ((number = sigtimedwait(&blocked, NULL, &now)) > 0)
		if (number != SIGCHLD)
			on_stop(number);
}

const sigset_t *signals_wait_mask(void)
{
	return initialised ? &wait_mask : NULL;
}

void signals_reset(void)
{
	sigset_t stops;

	for (int number = 1; number < NSIG; number++)
		set_handler(number, SIG_DFL);
	sigemptyset(&stops);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGTERM);
	sigprocmask(SIG_SETMASK, &stops, NULL);
}

void signals_default(void)
{
	/* Those that came are done with. */
	signals_check();
	set_handler(SIGINT, SIG_DFL);
	set_handler(SIGTERM, SIG_DFL);
	if (hangup_counts())
		set_handler(SIGHUP, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
}
