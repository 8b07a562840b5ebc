/* SPDX-License-Identifier: Apache-2.0 */
/* Supervision. Input is hostile: notifications, log lines, counters of
 * children. */
#include <config.h>

#include "launcher/supervise.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/ifname.h"
#include "common/log.h"
#include "common/signals.h"
#include "launcher/progress.h"
#include "proto/limits.h"

/* From asking to end to killing: the injector's drain, its last words, some
 * more. */
#define STOP_NS ((TAPFEED_DRAIN_DEADLINE_S + 2) * NS_PER_S)

/* The kernel may need so long to take an interface down. */
#define GONE_NS (2 * NS_PER_S)

/* Notifications of one child in one turn. */
#define NOTIFY_TURN 8

/* pollfds: notifications and log of each process, spawner, link. */
#define POLL_MAX (2 * FEED_CHILDREN + 2)

static void command(struct feed *feed, enum spawner_action action,
		    enum feed_child child)
{
	if (feed->spawner_fd >= 0 && !feed->processes[child].ended)
		(void)spawner_command(feed->spawner_fd, action, (size_t)child);
}

/* Asks the workers to end; kills what has not ended when the time is up. */
static void stop(struct feed *feed)
{
	if (feed->deadline_ns != CLOCK_NEVER)
		return;
	feed->deadline_ns = clock_now_ns() + STOP_NS;
	command(feed, SPAWNER_TERM, FEED_CAPTURE);
	command(feed, SPAWNER_TERM, FEED_INJECTOR);
}

static void kill_all(struct feed *feed)
{
	for (int i = 0; i < FEED_CHILDREN; i++)
		command(feed, SPAWNER_KILL, (enum feed_child)i);
}

static void say_up(struct feed *feed)
{
	char *name = feed->interface;
	uint64_t ifindex =
		__atomic_load_n(&feed->injector->ifindex, __ATOMIC_ACQUIRE);

	if (feed->up)
		return;
	memcpy(name, feed->injector->interface, TAPFEED_IFNAME_SIZE - 1);
	if (!ifname_valid(name))
		return;
	feed->up = true;
	log_info("%s is up (tap, mtu %llu)", name,
		 (unsigned long long)counter_get(&feed->injector->mtu));
	if (feed->startup_delay_ns >= NS_PER_S)
		log_info("the first packet goes out in %.1f s",
			 (double)feed->startup_delay_ns / (double)NS_PER_S);
	linkwatch_set(&feed->link, (unsigned int)ifindex);
}

/* Acts on one line of a notification, which need not end in NUL. */
static void on_notify_line(struct feed *feed, enum feed_child child,
			   const char *line, size_t len)
{
	static const char ready[] = "READY=1";
	static const char stopping[] = "STOPPING=1";
	static const char gone[] = "ERRNO=77"; /* EBADFD */

	if (len == sizeof(stopping) - 1 && memcmp(line, stopping, len) == 0)
		feed->processes[child].stopping = true;
	if (child != FEED_INJECTOR)
		return;
	if (len == sizeof(ready) - 1 && memcmp(line, ready, len) == 0)
		say_up(feed);
	if (len == sizeof(gone) - 1 && memcmp(line, gone, len) == 0)
		feed->deleted = true;
}

static void read_notify(struct feed *feed, enum feed_child child)
{
	struct feed_process *process = &feed->processes[child];
	char text[512];

	for (int i = 0; i < NOTIFY_TURN; i++) {
		/* recv, not recvmsg: descriptors sent along are dropped. */
		ssize_t n = recv(process->notify_fd, text, sizeof(text),
				 MSG_DONTWAIT);
		const char *line = text;

		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			fd_close(&process->notify_fd);
		if (n <= 0)
			return;
		while (line < text + n) {
			size_t rest = (size_t)(text + n - line);
			const char *end = memchr(line, '\n', rest);
			size_t len = end ? (size_t)(end - line) : rest;

			on_notify_line(feed, child, line, len);
			line += len + 1;
		}
	}
}

static void on_end(struct feed *feed, enum feed_child child, int status)
{
	struct feed_process *process = &feed->processes[child];

	/* What it said last, before it is called dead. */
	if (process->notify_fd >= 0)
		read_notify(feed, child);
	process->ended = true;
	process->status = status;
	if (WIFSIGNALED(status)) {
		feed->failed = true;
		if (feed->kill_signal == 0) {
			progress_clear();
			log_error("%s was killed by signal %d (SIG%s)",
				  process->name, WTERMSIG(status),
				  sigabbrev_np(WTERMSIG(status))
					  ? sigabbrev_np(WTERMSIG(status))
					  : "?");
		}
	}
	/*
	 * Without the injector nobody takes what capture reads; where capture
	 * was killed, the injector need not keep to its pace.
	 */
	if (child == FEED_INJECTOR || WIFSIGNALED(status))
		stop(feed);
}

static void read_spawner(struct feed *feed)
{
	struct spawner_event event;
	ssize_t n = fd_read(feed->spawner_fd, &event, sizeof(event));

	if (n == sizeof(event) && event.child < FEED_CHILDREN) {
		on_end(feed, (enum feed_child)event.child, event.status);
		return;
	}
	progress_clear();
	log_error("the spawner died: the feed ends");
	feed->failed = true;
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
		stop(feed);
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

/* Whether the interface went while the injector meant to keep it. */
static void check_link(struct feed *feed)
{
	struct feed_process *injector = &feed->processes[FEED_INJECTOR];

	if (!feed->link.gone || feed->vanished)
		return;
	/* It says so before it lets the interface go. */
	if (injector->notify_fd >= 0)
		read_notify(feed, FEED_INJECTOR);
	if (injector->ended || injector->stopping || feed->spawner_fd < 0)
		return;
	feed->vanished = true;
	stop(feed);
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
		log_error("%s was deleted by somebody else: what was left "
			  "counts as errors",
			  feed->interface);
}

/* Whether a process has ended, as far as can be told. */
static bool is_over(const struct feed *feed, const struct feed_process *process)
{
	if (process->ended)
		return true;
	return feed->spawner_fd < 0 && process->log.fd < 0;
}

static bool all_over(const struct feed *feed)
{
	for (int i = 0; i < FEED_CHILDREN; i++)
		if (!is_over(feed, &feed->processes[i]))
			return false;
	return true;
}

static void wait_for_events(struct feed *feed)
{
	struct pollfd fds[POLL_MAX];
	uint64_t deadline = feed->deadline_ns;
	size_t n = 0;

	for (int i = 0; i < FEED_CHILDREN; i++) {
		struct feed_process *process = &feed->processes[i];

		fds[n++] = (struct pollfd){ process->notify_fd, POLLIN, 0 };
		fds[n++] = (struct pollfd){ process->log.fd, POLLIN, 0 };
	}
	fds[n++] = (struct pollfd){ linkwatch_fd(&feed->link), POLLIN, 0 };
	fds[n++] = (struct pollfd){ feed->spawner_fd, POLLIN, 0 };
	if (progress_next_ns() < deadline)
		deadline = progress_next_ns();
	if (fd_poll(fds, n, deadline) <= 0)
		return;
	for (int i = 0; i < FEED_CHILDREN; i++) {
		if (fds[2 * i].revents)
			read_notify(feed, (enum feed_child)i);
		if (fds[2 * i + 1].revents)
			childlog_read(&feed->processes[i].log, progress_clear);
	}
	if (fds[n - 2].revents)
		linkwatch_read(&feed->link);
	/* Last: what a process said before its end is read by now. */
	if (fds[n - 1].revents)
		read_spawner(feed);
}

/* The injector has ended, so the interface goes: some milliseconds later. */
static void wait_for_link(struct feed *feed)
{
	uint64_t deadline = clock_now_ns() + GONE_NS;

	while (feed->up && !feed->link.gone && clock_now_ns() < deadline) {
		struct pollfd fd = { linkwatch_fd(&feed->link), POLLIN, 0 };

		if (fd_poll(&fd, 1, deadline) > 0)
			linkwatch_read(&feed->link);
	}
	if (feed->up && !feed->link.gone)
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

void feed_run(struct feed *feed)
{
	feed->deadline_ns = CLOCK_NEVER;
	for (int i = 0; i < FEED_CHILDREN; i++)
		command(feed, SPAWNER_START, (enum feed_child)i);
	while (!all_over(feed)) {
		uint64_t now;

		wait_for_events(feed);
		now = clock_now_ns();
		check_signals(feed);
		check_link(feed);
		check_deadline(feed, now);
		progress_draw(feed->capture, feed->injector, feed->queue_size,
			      now);
	}
	drain_logs(feed);
	progress_clear();
	judge_vanished(feed);
	wait_for_link(feed);
}

int feed_exit_status(const struct feed_process *process)
{
	if (!process->ended || !WIFEXITED(process->status))
		return -1;
	return WEXITSTATUS(process->status);
}
