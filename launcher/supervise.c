/* SPDX-License-Identifier: Apache-2.0 */
/* Supervision. Input is hostile: notifications, log lines, counters of
 * children. */
#include <config.h>

#include "launcher/supervise.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/audit.h"
#include "common/clock.h"
#include "common/fd.h"
#include "common/log.h"
#include "common/signals.h"
#include "launcher/feedstatus.h"
#include "launcher/notices.h"
#include "launcher/pagelink.h"
#include "launcher/progress.h"
#include "launcher/revive.h"
#include "proto/limits.h"

/* From asking to end to killing: the injector's drain, its last words, some
 * more. */
#define STOP_NS ((TAPFEED_DRAIN_DEADLINE_S + 2) * NS_PER_S)

/* Capture gives up by itself before that. */
#define JOINED_NS (4 * NS_PER_S)

/* The kernel may need so long to take an interface down. */
#define GONE_NS (2 * NS_PER_S)

/* pollfds: notifications and log of each process, status, READY=1, the file,
 * link, spawner. */
#define POLL_STATUS (2 * FEED_CHILDREN)
#define POLL_MAX    (POLL_STATUS + STATUSD_POLL + 4)

static void command(struct feed *feed, enum spawner_action action,
		    enum feed_child child)
{
	if (feed->spawner_fd >= 0 && !feed->processes[child].ended)
		(void)spawner_command(feed->spawner_fd, action, (size_t)child);
}

/* Asks the workers to end; kills what has not ended when the time is up. */
void feed_stop(struct feed *feed)
{
	if (feed->deadline_ns != CLOCK_NEVER)
		return;
	feed->deadline_ns = clock_now_ns() + STOP_NS;
	if (feed->joins) /* whose injector keeps to its own pace */
		feed->deadline_ns += JOINED_NS;
	revive_never(feed);
	command(feed, SPAWNER_TERM, FEED_CAPTURE);
	command(feed, SPAWNER_TERM, FEED_INJECTOR);
}

static void kill_all(struct feed *feed)
{
	for (int i = 0; i < FEED_CHILDREN; i++)
		command(feed, SPAWNER_KILL, (enum feed_child)i);
}

/* Where capture was in a file that is not read again. */
static void say_position(const struct feed *feed)
{
	uint64_t read = counter_get(&feed->capture->received) +
			counter_get(&feed->capture->filtered);

	if (read > 0)
		log_error("it had taken %llu packets",
			  (unsigned long long)read);
}

static void say_killed(const struct feed *feed, enum feed_child child,
		       bool again, uint64_t delay_ns)
{
	const struct feed_process *process = &feed->processes[child];
	int number = WTERMSIG(process->status);
	const char *name = sigabbrev_np(number);
	bool attack = number == SIGSYS || number == SIGSEGV;
	char then[64] = "";
	char text[128];

	if (again && delay_ns == 0)
		snprintf(then, sizeof(then), "; it is started again");
	else if (again)
		snprintf(then, sizeof(then), "; it is started again in %u s",
			 (unsigned int)(delay_ns / NS_PER_S));
	snprintf(text, sizeof(text), "%s%s was killed by signal %d (SIG%s)",
		 attack ? "security: " : "", process->name, number,
		 name ? name : "?");
	log_error("%s%s", text, then);
	if (attack)
		audit_send(feed->audit_fd, "tapfeed", true, text);
}

static void on_killed(struct feed *feed, enum feed_child child)
{
	uint64_t delay_ns = 0;
	bool again = revive_plan(feed, child, clock_now_ns(), &delay_ns);

	feed->failed = true;
	if (feed->kill_signal)
		return;
	progress_clear();
	say_killed(feed, child, again, delay_ns);
	if (child == FEED_CAPTURE && again)
		log_warning("what passes until it captures again is in no "
			    "counter");
	else if (child == FEED_CAPTURE)
		say_position(feed);
}

/* How long the injector gets to end by itself where capture did without End:
 * no time at all where it has nothing of it. */
static uint64_t lost_after(const struct feed *feed)
{
	return counter_get(&feed->capture->received) > 0 ? FEED_LOST_NS : 0;
}

static void on_end(struct feed *feed, enum feed_child child, int status)
{
	struct feed_process *process = &feed->processes[child];

	/* What it said last, before it is called dead. */
	if (process->notify_fd >= 0)
		notices_read(feed, child);
	process->ended = true;
	process->pid = 0;
	process->status = status;
	if (WIFSIGNALED(status))
		on_killed(feed, child);
	if (process->restart_ns != CLOCK_NEVER)
		return;
	/* The injector may wait for a successor: there will be none. */
	if (child == FEED_CAPTURE && !feed->done)
		feed->lost_ns = clock_now_ns() + lost_after(feed);
	/*
	 * Without the injector nobody takes what capture reads; where capture
	 * was killed, the injector need not keep to its pace.
	 */
	if (child == FEED_INJECTOR || WIFSIGNALED(status))
		feed_stop(feed);
}

static void on_event(struct feed *feed, const struct spawner_event *event)
{
	enum feed_child child = (enum feed_child)event->child;

	switch (event->kind) {
	case SPAWNER_STARTED:
		feed->processes[child].pid = event->value;
		break;
	case SPAWNER_STORED:
		feed->processes[child].stored = event->value;
		break;
	case SPAWNER_ENDED:
		on_end(feed, child, event->value);
		break;
	default:
		break;
	}
}

static void read_spawner(struct feed *feed)
{
	struct spawner_event event;
	ssize_t n = fd_read(feed->spawner_fd, &event, sizeof(event));

	if (n == sizeof(event) && event.child < FEED_CHILDREN) {
		on_event(feed, &event);
		return;
	}
	progress_clear();
	log_error("the spawner died: the feed ends");
	feed->failed = true;
	revive_never(feed);
	fd_close(&feed->spawner_fd);
	/* Its children die with it; their logs' ends tell when. */
	for (int i = 0; i < FEED_CHILDREN; i++)
		fd_close(&feed->processes[i].control_fd);
	if (feed->deadline_ns == CLOCK_NEVER)
		feed->deadline_ns = clock_now_ns() + STOP_NS;
}

static void check_signals(struct feed *feed)
{
	int count = signals_stop_count();

	if (count > 0 && feed->stop_signal == 0) {
		feed->stop_signal = signals_last_stop();
		progress_clear();
		log_info("stopping: what is queued is written, for %u s at "
			 "most; a second signal ends at once",
			 TAPFEED_DRAIN_DEADLINE_S);
		feed_stop(feed);
	}
	if (count > 1 && feed->kill_signal == 0) {
		feed->kill_signal = signals_last_stop();
		kill_all(feed);
	}
}

static void check_deadline(struct feed *feed, uint64_t now)
{
	if (now < feed->deadline_ns)
		return;
	progress_clear();
	for (int i = 0; i < FEED_CHILDREN; i++)
		if (!feed->processes[i].ended)
			log_error("%s did not end in time and is killed",
				  feed->processes[i].name);
	feed->failed = true;
	kill_all(feed);
	feed->deadline_ns = now + STOP_NS;
}

/* A feed that broke, and neither of its processes died of it. */
static void check_lost(struct feed *feed, uint64_t now)
{
	const struct feed_process *injector = &feed->processes[FEED_INJECTOR];

	if (now < feed->lost_ns)
		return;
	feed->lost_ns = CLOCK_NEVER;
	if (injector->restart_ns != CLOCK_NEVER || injector->ended)
		return;
	feed->failed = true;
	feed_stop(feed);
}

static void check_stats(struct feed *feed, uint64_t now)
{
	if (feed->stats_ns == 0 || now < feed->stats_next_ns)
		return;
	feed->stats_next_ns += feed->stats_ns;
	if (feed->stats_next_ns <= now) /* stopped for a while */
		feed->stats_next_ns = now + feed->stats_ns;
	if (!feed->up)
		return;
	progress_clear();
	feed->show_stats(feed);
}

/* Whether the interface went while the injector meant to keep it. */
static void check_link(struct feed *feed)
{
	struct feed_process *injector = &feed->processes[FEED_INJECTOR];

	if (feed->link.changed) {
		feed->link.changed = false;
		sourcewatch_look(&feed->sources, progress_clear,
				 !feed->gate.open);
		notices_check_loop(feed);
	}
	if (!feed->link.gone || feed->vanished)
		return;
	/* It says so before it lets the interface go. */
	if (injector->notify_fd >= 0)
		notices_read(feed, FEED_INJECTOR);
	if (injector->ended || injector->stopping || feed->spawner_fd < 0)
		return;
	feed->vanished = true;
	feed_stop(feed);
}

/*
 * A killed injector takes the interface with it, and the kernel may tell of
 * that first.
 */
static void judge_vanished(struct feed *feed)
{
	const struct feed_process *injector = &feed->processes[FEED_INJECTOR];

	if (feed->vanished && injector->ended && WIFEXITED(injector->status))
		feed->deleted = true;
	if (feed->deleted)
		log_error("%s was deleted, or moved to another network "
			  "namespace, by somebody else: what was left is lost, "
			  "and counted",
			  feed->interface);
}

/* Whether a process has ended, as far as can be told. */
static bool is_over(const struct feed *feed, const struct feed_process *process)
{
	if (process->ended)
		return process->restart_ns == CLOCK_NEVER;
	return feed->spawner_fd < 0 && process->log.fd < 0;
}

static bool all_over(const struct feed *feed)
{
	for (int i = 0; i < FEED_CHILDREN; i++)
		if (!is_over(feed, &feed->processes[i]))
			return false;
	return true;
}

/* Once all run, the spawner gives up what it had for their start. */
static void check_settled(struct feed *feed)
{
	if (feed->settled)
		return;
	for (int i = 0; i < FEED_CHILDREN; i++)
		if (!feed->processes[i].ready && !feed->processes[i].ended)
			return;
	feed->settled = true;
	if (feed->spawner_fd >= 0)
		(void)spawner_command(feed->spawner_fd, SPAWNER_SETTLE, 0);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t next_event(const struct feed *feed)
{
	uint64_t next = earlier(feed->deadline_ns, progress_next_ns());

	next = earlier(next, revive_next_ns(feed));
	next = earlier(next, feed->lost_ns);
	next = earlier(next, statusd_next_ns(&feed->status));
	next = earlier(next, gate_next_ns(feed));
	return feed->stats_ns ? earlier(next, feed->stats_next_ns) : next;
}

static void wait_for_events(struct feed *feed)
{
	struct pollfd fds[POLL_MAX];
	size_t n = 0;
	int ready;

	for (int i = 0; i < FEED_CHILDREN; i++) {
		struct feed_process *process = &feed->processes[i];

		fds[n++] = (struct pollfd){ process->notify_fd, POLLIN, 0 };
		fds[n++] = (struct pollfd){ process->log.fd, POLLIN, 0 };
	}
	statusd_poll(&feed->status, &fds[POLL_STATUS]);
	n += STATUSD_POLL;
	/* gate_turn() looks by itself. */
	fds[n++] = (struct pollfd){ feed->gate.ready_fd, POLLIN, 0 };
	fds[n++] = (struct pollfd){ feed->gate.file_fd, POLLIN, 0 };
	fds[n++] = (struct pollfd){ linkwatch_fd(&feed->link), POLLIN, 0 };
	fds[n++] = (struct pollfd){ feed->spawner_fd, POLLIN, 0 };
	ready = fd_poll(fds, n, next_event(feed));
	statusd_serve(&feed->status, &fds[POLL_STATUS], clock_now_ns(),
		      feedstatus_fill, feed);
	if (ready <= 0)
		return;
	for (int i = 0; i < FEED_CHILDREN; i++) {
		if (fds[2 * i].revents)
			notices_read(feed, (enum feed_child)i);
		if (fds[2 * i + 1].revents)
			childlog_read(&feed->processes[i].log, progress_clear);
	}
	if (fds[n - 2].revents)
		linkwatch_read(&feed->link);
	/* Last: what a process said before its end is read by now. */
	if (fds[n - 1].revents)
		read_spawner(feed);
}

/* Whether there was an interface; one that was never said to be up, too. */
static bool had_link(struct feed *feed)
{
	unsigned int ifindex;

	if (feed->up || !feed->injector)
		return feed->up;
	if (!pagelink_read(feed->injector, feed->name, feed->interface,
			   &ifindex))
		return false;
	linkwatch_set(&feed->link, ifindex);
	return true;
}

/* The injector has ended, so the interface goes: some milliseconds later. */
static void wait_for_link(struct feed *feed)
{
	uint64_t deadline = clock_now_ns() + GONE_NS;
	bool had = had_link(feed);

	while (had && !feed->link.gone && clock_now_ns() < deadline) {
		struct pollfd fd = { linkwatch_fd(&feed->link), POLLIN, 0 };

		(void)signals_stop_count(); /* nothing is left to stop */
		if (fd_poll(&fd, 1, deadline) > 0)
			linkwatch_read(&feed->link);
	}
	if (had && !feed->link.gone)
		log_warning("%s is still there: who holds it?",
			    feed->interface);
}

static void drain_logs(struct feed *feed)
{
	for (int i = 0; i < FEED_CHILDREN; i++) {
		struct childlog *log = &feed->processes[i].log;
		size_t turns = 64; /* a pipe holds no more */

		while (log->fd >= 0 && turns-- > 0) {
			struct pollfd fd = { log->fd, POLLIN, 0 };

			if (fd_poll(&fd, 1, 0) <= 0)
				break;
			childlog_read(log, progress_clear);
		}
	}
}

static void begin(struct feed *feed)
{
	feed->deadline_ns = CLOCK_NEVER;
	feed->lost_ns = CLOCK_NEVER;
	feed->stats_next_ns = clock_now_ns() + feed->stats_ns;
	revive_never(feed);
	for (int i = 0; i < FEED_CHILDREN; i++) {
		struct feed_process *process = &feed->processes[i];

		process->ended = process->absent;
		command(feed, SPAWNER_START, (enum feed_child)i);
	}
}

/* It keeps the interface as long as it lives. */
static void end_spawner(struct feed *feed)
{
	fd_close(&feed->spawner_fd);
	(void)waitpid(feed->spawner_pid, NULL, 0);
}

void feed_run(struct feed *feed)
{
	begin(feed);
	while (!all_over(feed)) {
		uint64_t now;

		wait_for_events(feed);
		now = clock_now_ns();
		check_settled(feed);
		check_signals(feed);
		check_link(feed);
		check_lost(feed, now);
		gate_turn(feed, now);
		check_deadline(feed, now);
		revive_due(feed, now);
		check_stats(feed, now);
		progress_draw(feed->capture, feed->injector, feed->queue_size,
			      now);
	}
	statusd_done(&feed->status);
	gate_done(&feed->gate);
	end_spawner(feed);
	drain_logs(feed);
	progress_clear();
	judge_vanished(feed);
	wait_for_link(feed);
}

int feed_exit_status(const struct feed_process *process)
{
	if (process->absent)
		return TAPFEED_EXIT_OK;
	if (!process->ended || !WIFEXITED(process->status))
		return -1;
	return WEXITSTATUS(process->status);
}
