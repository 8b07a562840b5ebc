/* SPDX-License-Identifier: Apache-2.0 */
/* Restarts. Only the kernel's word counts here: exit statuses and counters. */
#include <config.h>

#include "launcher/revive.h"

#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fdpass.h"
#include "common/log.h"
#include "launcher/gate.h"
#include "launcher/wiring.h"
#include "proto/worker.h"

static bool runs(const struct feed_process *process)
{
	return !process->absent && !process->ended;
}

/* Whether a new one could go on where this one was. */
static bool can_go_on(const struct feed *feed, enum feed_child child)
{
	const struct feed_process *capture = &feed->processes[FEED_CAPTURE];

	if (feed->deadline_ns != CLOCK_NEVER || feed->spawner_fd < 0)
		return false;
	if (child == FEED_INJECTOR)
		return feed->ready && !feed->link.gone &&
		       feed->processes[child].stored > 0 &&
		       (feed->listens || runs(capture) ||
			capture->restart_ns != CLOCK_NEVER);
	return child == FEED_CAPTURE && capture->restartable;
}

bool revive_plan(struct feed *feed, enum feed_child child, uint64_t now_ns,
		 uint64_t *ret_delay_ns)
{
	if (!can_go_on(feed, child))
		return false;
	if (!restart_note(&feed->restart, now_ns, ret_delay_ns)) {
		log_error("%d deaths within ten minutes: the feed ends",
			  RESTART_DEATHS_MAX);
		return false;
	}
	feed->processes[child].restart_ns = now_ns + *ret_delay_ns;
	return true;
}

/*
 * A new connection of the two; what a dead one has of it, its successor takes.
 * An injector whose capture is over gets one that has ended: so it knows that
 * there was one. Where there never was one, it serves whoever joins.
 */
static int renew_feed(struct feed *feed, uint64_t frames_taken)
{
	const struct feed_process *capture = &feed->processes[FEED_CAPTURE];
	bool over = !runs(capture) && capture->restart_ns == CLOCK_NEVER;
	struct worker_feed message = {
		.version = WORKER_VERSION,
		.frames_taken = frames_taken,
	};
	int ends[2];
	int r;

	/* Only others feed it, by a socket that it has. */
	if (capture->absent)
		return 0;
	r = wiring_pair(ends, SOCK_STREAM);
	if (r < 0)
		return r;
	r = fdpass_send(feed->processes[FEED_INJECTOR].control_fd, &message,
			sizeof(message), &ends[0], 1);
	message.frames_taken = 0;
	if (r == 0 && !over)
		r = fdpass_send(capture->control_fd, &message, sizeof(message),
				&ends[1], 1);
	close(ends[0]);
	close(ends[1]);
	return r;
}

static void start_again(struct feed *feed, enum feed_child child)
{
	struct feed_process *process = &feed->processes[child];
	int r = renew_feed(feed, sourcewatch_frames(&feed->sources,
						    feed->link.ifindex));

	process->restart_ns = CLOCK_NEVER;
	if (child == FEED_INJECTOR)
		gate_renew(feed);
	if (r == 0)
		r = spawner_command(feed->spawner_fd, SPAWNER_START,
				    (size_t)child);
	if (r < 0) {
		log_error("starting %s again: %s", process->name,
			  log_errno(-r));
		feed_stop(feed); /* the other one would wait for it */
		return;
	}
	feed->restarts++;
	feed->lost_ns = CLOCK_NEVER;
	process->ended = false;
	process->stopping = false;
}

void revive_due(struct feed *feed, uint64_t now_ns)
{
	/* The injector first: it has to be there for the other. */
	for (int i = 0; i < FEED_CHILDREN; i++)
		if (now_ns >= feed->processes[i].restart_ns)
			start_again(feed, (enum feed_child)i);
}

uint64_t revive_next_ns(const struct feed *feed)
{
	uint64_t next = CLOCK_NEVER;

	for (int i = 0; i < FEED_CHILDREN; i++)
		if (feed->processes[i].restart_ns < next)
			next = feed->processes[i].restart_ns;
	return next;
}

void revive_never(struct feed *feed)
{
	for (int i = 0; i < FEED_CHILDREN; i++)
		feed->processes[i].restart_ns = CLOCK_NEVER;
}
