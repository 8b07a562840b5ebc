/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervising half with a stage in the spawner's place: a process that says
 * what children would. Input: none but what this program itself says.
 */
#include <config.h>

#include "launcher/selftest.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/counters.h"
#include "common/fd.h"
#include "common/fdpass.h"
#include "common/log.h"
#include "common/selftest.h"
#include "launcher/paths.h"
#include "launcher/readers.h"
#include "launcher/run.h"
#include "launcher/selftest_status.h"
#include "proto/worker.h"

/* No interface has it; lo has 1. */
#define NO_INTERFACE INT_MAX
#define LOOPBACK     1

#define PACKETS 5u

/* What stands for the spawner and all its children. */
struct stage {
	int sock;
	const struct spawner_child *table;
	struct counters_injector *injector;
	struct counters_capture *capture;
	pid_t half; /* the supervising one */
};

/* What is played on it, by the path that is being driven. */
static void (*play)(struct stage *stage);

static int find(const struct stage *stage, enum feed_child child,
		const char *name)
{
	const struct spawner_child *row = &stage->table[child];

	for (size_t i = 0; i < row->fd_count; i++)
		if (strcmp(row->fds[i].name, name) == 0)
			return row->fds[i].fd;
	return -1;
}

static void tell(const struct stage *stage, enum feed_child child,
		 enum spawner_event_kind kind, int value)
{
	const struct spawner_event event = { child, kind, value };

	(void)!send(stage->sock, &event, sizeof(event), MSG_NOSIGNAL);
}

static void notify(const struct stage *stage, enum feed_child child,
		   const char *text)
{
	(void)!send(find(stage, child, "notify"), text, strlen(text),
		    MSG_NOSIGNAL);
}

static void say(const struct stage *stage, enum feed_child child,
		const char *line)
{
	(void)!write(stage->table[child].stderr_fd, line, strlen(line));
}

/* Reads on to that command; ends where it does not come. */
static void await(const struct stage *stage, enum spawner_action action,
		  enum feed_child child)
{
	uint8_t command;

	do {
		if (recv(stage->sock, &command, 1, 0) != 1)
			_exit(TAPFEED_EXIT_LOSS);
	} while (command != (size_t)action * SPAWNER_CHILDREN_MAX + child);
}

/* ---- what children do ------------------------------------------------------
 */

static void run_all(const struct stage *stage)
{
	await(stage, SPAWNER_START, FEED_CAPTURE);
	for (int i = 0; i < FEED_CHILDREN; i++)
		tell(stage, (enum feed_child)i, SPAWNER_STARTED, 1);
	tell(stage, FEED_PRIVILEGED, SPAWNER_ENDED, 0);
}

static void count_packets(const struct stage *stage)
{
	counter_set(&stage->capture->received, PACKETS);
	counter_set(&stage->injector->first_ns, clock_now_ns());
	counter_set(&stage->injector->last_ns, clock_now_ns());
	counter_set(&stage->injector->injected, PACKETS);
	counter_set(&stage->injector->frames_written, PACKETS);
}

/* last: the interface may be missing, as the injector is about to let it go. */
static void come_up(const struct stage *stage, uint64_t ifindex, bool last)
{
	strcpy(stage->injector->interface, "selftest0");
	counter_set(&stage->injector->mtu, TAPFEED_MTU_DEFAULT);
	counter_set(&stage->injector->ifindex, ifindex);
	notify(stage, FEED_INJECTOR, last ? "READY=1\nSTOPPING=1" : "READY=1");
	notify(stage, FEED_CAPTURE, "READY=1");
	await(stage, SPAWNER_SETTLE, (enum feed_child)0);
	notify(stage, FEED_CAPTURE, "X_INTERFACE=lo\nSTATUS=capturing");
	count_packets(stage);
}

static void end_all(const struct stage *stage)
{
	notify(stage, FEED_CAPTURE, "X_FEED=done");
	tell(stage, FEED_CAPTURE, SPAWNER_ENDED, 0);
	notify(stage, FEED_INJECTOR, "STOPPING=1");
	tell(stage, FEED_INJECTOR, SPAWNER_ENDED, 0);
}

static int play_it(struct spawner_child *table, size_t n,
		   const struct spawner_users *users, pid_t *ret_pid)
{
	const struct timeval patience = { .tv_sec = 10 };
	struct stage stage = { .table = table, .half = getpid() };
	int socks[2];
	void *page;

	(void)users;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks) < 0)
		abort();
	*ret_pid = fork();
	if (*ret_pid == 0) {
		char byte;

		close(socks[0]);
		stage.sock = socks[1];
		(void)setsockopt(stage.sock, SOL_SOCKET, SO_RCVTIMEO, &patience,
				 sizeof(patience));
		if (counters_map(find(&stage, FEED_INJECTOR, "counters"),
				 &page) == 0)
			stage.injector = page;
		if (counters_map(find(&stage, FEED_CAPTURE, "counters"),
				 &page) == 0)
			stage.capture = page;
		play(&stage);
		for (size_t i = 0; i < n; i++)
			child_close(&table[i]);
		while (recv(stage.sock, &byte, 1, 0) > 0)
			;
		_exit(TAPFEED_EXIT_OK);
	}
	close(socks[1]);
	for (size_t i = 0; i < n; i++)
		child_close(&table[i]);
	return socks[0];
}

static int work(int argc, char **argv)
{
	return run_driven(play_it, argc - 1, argv + 1);
}

/* ---- the paths ------------------------------------------------------------
 */

static void play_whole(struct stage *stage)
{
	run_all(stage);
	come_up(stage, NO_INTERFACE, true);
	selftest_sleep(50);
	end_all(stage);
}

static void start(struct selftest *test, void (*script)(struct stage *stage))
{
	play = script;
	/* Any file: the stage does not read it. */
	if (test->argc == 1) {
		selftest_arg(test, "replay");
		selftest_arg(test, "/proc/self/exe");
	}
	selftest_arg(test, "--name=selftest%d"); /* come_up() */
	selftest_start(test);
}

static int drive(struct selftest *test, void (*script)(struct stage *stage),
		 int status)
{
	start(test, script);
	return selftest_end(test, status);
}

static int drive_feed(struct selftest *test)
{
	return drive(test, play_whole, TAPFEED_EXIT_OK);
}

static int drive_file(struct selftest *test)
{
	test->stdout_fd = selftest_file("", 0);
	return drive_feed(test);
}

static int drive_pipe(struct selftest *test)
{
	int ends[2], r;

	if (pipe(ends) < 0)
		abort();
	test->stdout_fd = ends[1];
	r = drive_feed(test);
	fd_close(&ends[0]);
	return r;
}

static int drive_closed_pipe(struct selftest *test)
{
	int ends[2];

	if (pipe(ends) < 0)
		abort();
	test->stdout_fd = ends[1];
	fd_close(&ends[0]);
	return drive(test, play_whole, TAPFEED_EXIT_LOSS);
}

/* The far end of a terminal, and the near one; -1: there is none. */
static int open_terminal(int *ret_near)
{
	int far = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (far >= 0 && grantpt(far) == 0 && unlockpt(far) == 0)
		*ret_near = open(ptsname(far), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (far >= 0 && *ret_near < 0)
		fd_close(&far);
	return far;
}

static int drive_terminal(struct selftest *test)
{
	int far = open_terminal(&test->stdout_fd), r;

	if (far < 0)
		return selftest_skip(test, "no terminal can be made");
	r = drive_feed(test);
	fd_close(&far);
	return r;
}

/* Time enough for some lines of progress. */
static void play_slowly(struct stage *stage)
{
	run_all(stage);
	come_up(stage, NO_INTERFACE, true);
	selftest_sleep(700);
	say(stage, FEED_CAPTURE, "<4>a line between\n");
	selftest_sleep(50);
	end_all(stage);
}

static int drive_progress(struct selftest *test)
{
	int far = open_terminal(&test->stderr_fd), r;

	if (far < 0)
		return selftest_skip(test, "no terminal can be made");
	setenv("TERM", "xterm", 1);
	r = drive(test, play_slowly, TAPFEED_EXIT_OK);
	fd_close(&far);
	return r;
}

static int drive_statistics(struct selftest *test)
{
	test->stdout_fd = selftest_file("", 0);
	selftest_arg(test, "replay");
	selftest_arg(test, "--stats=10ms");
	selftest_arg(test, "--json");
	selftest_arg(test, "/proc/self/exe");
	return drive_feed(test);
}

static void play_lines(struct stage *stage)
{
	run_all(stage);
	for (int i = 0; i < 500; i++) {
		say(stage, FEED_INJECTOR, "<3>a line, and\n<7>another one\n");
		say(stage, FEED_PRIVILEGED, "<6>of the helper\n");
		say(stage, FEED_CAPTURE, "not a line at all \x1b[31m");
	}
	come_up(stage, NO_INTERFACE, true);
	end_all(stage);
}

static int drive_lines(struct selftest *test)
{
	return drive(test, play_lines, TAPFEED_EXIT_OK);
}

static void play_stop(struct stage *stage)
{
	run_all(stage);
	come_up(stage, NO_INTERFACE, true);
	kill(stage->half, SIGTERM);
	await(stage, SPAWNER_TERM, FEED_INJECTOR);
	end_all(stage);
}

static int drive_stop(struct selftest *test)
{
	return drive(test, play_stop, TAPFEED_EXIT_OK);
}

static void play_kill(struct stage *stage)
{
	run_all(stage);
	come_up(stage, NO_INTERFACE, true);
	kill(stage->half, SIGTERM);
	await(stage, SPAWNER_TERM, FEED_INJECTOR);
	kill(stage->half, SIGTERM);
	await(stage, SPAWNER_KILL, FEED_CAPTURE);
	tell(stage, FEED_CAPTURE, SPAWNER_ENDED, SIGKILL);
	tell(stage, FEED_INJECTOR, SPAWNER_ENDED, SIGKILL);
}

static int drive_kill(struct selftest *test)
{
	return drive(test, play_kill, TAPFEED_EXIT_SIGNAL + SIGTERM);
}

/* The wait goes on by restart_syscall(2), then. */
static void play_pause(struct stage *stage)
{
	run_all(stage);
	come_up(stage, NO_INTERFACE, true);
	selftest_sleep(20);
	kill(stage->half, SIGSTOP);
	selftest_sleep(20);
	kill(stage->half, SIGCONT);
	selftest_sleep(20);
	end_all(stage);
}

static int drive_pause(struct selftest *test)
{
	return drive(test, play_pause, TAPFEED_EXIT_OK);
}

static void play_deleted(struct stage *stage)
{
	run_all(stage);
	come_up(stage, NO_INTERFACE, false);
	selftest_sleep(50);
	end_all(stage);
}

static int drive_deleted(struct selftest *test)
{
	return drive(test, play_deleted, TAPFEED_EXIT_LOSS);
}

/* The end of its log says when a child is gone whose spawner is. */
static void play_no_spawner(struct stage *stage)
{
	run_all(stage);
	come_up(stage, NO_INTERFACE, true);
	_exit(TAPFEED_EXIT_LOSS);
}

static int drive_no_spawner(struct selftest *test)
{
	return drive(test, play_no_spawner, TAPFEED_EXIT_LOSS);
}

/* The injector dies, and both are told of a new feed. */
static void play_restart(struct stage *stage)
{
	struct worker_feed message;
	size_t n = 0;
	int fd = -1;

	run_all(stage);
	come_up(stage, LOOPBACK, false);
	selftest_sleep(20);
	tell(stage, FEED_INJECTOR, SPAWNER_STORED, 1);
	tell(stage, FEED_INJECTOR, SPAWNER_ENDED, SIGKILL);
	await(stage, SPAWNER_START, FEED_INJECTOR);
	tell(stage, FEED_INJECTOR, SPAWNER_STARTED, 1);
	if (fdpass_recv(find(stage, FEED_CAPTURE, "control"), &message,
			sizeof(message), &fd, 1, &n,
			MSG_DONTWAIT) != sizeof(message) ||
	    n != 1)
		_exit(TAPFEED_EXIT_LOSS);
	fd_close(&fd);
	notify(stage, FEED_INJECTOR, "READY=1");
	notify(stage, FEED_CAPTURE, "X_FEED=new");
	end_all(stage);
}

static int drive_restart(struct selftest *test)
{
	start(test, play_restart);
	if (!selftest_said(test, "selftest0 goes on"))
		selftest_missed();
	return selftest_end(test, TAPFEED_EXIT_LOSS);
}

static int drive_live(struct selftest *test)
{
	selftest_arg(test, "live");
	selftest_arg(test, "lo");
	return drive(test, play_whole, TAPFEED_EXIT_OK);
}

/* What tapfeed status asks. */
static void play_status(struct stage *stage)
{
	run_all(stage);
	come_up(stage, NO_INTERFACE, true);
	selftest_sleep(300);
	end_all(stage);
}

static int drive_status(struct selftest *test)
{
	if (!selftest_status_folder())
		return selftest_skip(test, "no temporary directory");
	start(test, play_status);
	if (!selftest_said(test, "is up") || !selftest_status_ask("selftest0"))
		selftest_missed();
	return selftest_end(test, TAPFEED_EXIT_OK);
}

static int drive_feed_path(struct selftest *test)
{
	char path[PATH_MAX];

	if (!selftest_status_folder())
		return selftest_skip(test, "no temporary directory");
	snprintf(path, sizeof(path), "%s/feed.sock", selftest_status_folder());
	selftest_arg(test, "replay");
	selftest_arg(test, "--feed-path");
	selftest_arg(test, path);
	selftest_arg(test, "/proc/self/exe");
	return drive(test, play_whole, TAPFEED_EXIT_OK);
}

static char ready_path[sizeof(((struct sockaddr_un *)0)->sun_path)];

static char file_path[64];

/* It waits for READY=1 and a file, asks who reads, and tells the injector. */
static void play_gate(struct stage *stage)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct worker_gate message;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	run_all(stage);
	come_up(stage, NO_INTERFACE, true);
	selftest_sleep(120);
	memcpy(address.sun_path, ready_path, sizeof(ready_path));
	if (sendto(fd, "READY=1", 7, 0, (struct sockaddr *)&address,
		   sizeof(address)) != 7 ||
	    open(file_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 ||
	    recv(find(stage, FEED_INJECTOR, "control"), &message,
		 sizeof(message), 0) != sizeof(message) ||
	    message.flags != WORKER_GATE_OPEN)
		_exit(TAPFEED_EXIT_LOSS);
	end_all(stage);
}

static int drive_gate(struct selftest *test)
{
	struct readers readers;

	if (!selftest_status_folder())
		return selftest_skip(test, "no temporary directory");
	if (readers_init(&readers) < 0)
		return selftest_skip(test, "the kernel cannot tell who reads");
	readers_done(&readers);
	snprintf(ready_path, sizeof(ready_path), "%s/ready.sock",
		 selftest_status_folder());
	snprintf(file_path, sizeof(file_path), "%s/go",
		 selftest_status_folder());
	selftest_arg(test, "replay");
	selftest_arg(test, "--no-reader=exit");
	selftest_arg(test, "--linger=auto");
	selftest_arg(test, "--ready-socket");
	selftest_arg(test, ready_path);
	selftest_arg(test, "--wait-for-file");
	selftest_arg(test, file_path);
	selftest_arg(test, "/proc/self/exe");
	return drive(test, play_gate, TAPFEED_EXIT_OK);
}

static const struct selftest_path paths[] = {
	{ "a feed from its start to its report", drive_feed },
	{ "a report to a file", drive_file },
	{ "a report to a pipe", drive_pipe },
	{ "a report that nobody reads", drive_closed_pipe },
	{ "a report on a terminal", drive_terminal },
	{ "the line of progress", drive_progress },
	{ "statistics", drive_statistics },
	{ "log lines of children", drive_lines },
	{ "a stop signal", drive_stop },
	{ "a second stop signal", drive_kill },
	{ "a wait that is stopped and goes on", drive_pause },
	{ "an interface that somebody deletes", drive_deleted },
	{ "an injector that dies", drive_restart },
	{ "a spawner that dies", drive_no_spawner },
	{ "interfaces that are captured from", drive_live },
	{ "a question for its status", drive_status },
	{ "a socket for further captures", drive_feed_path },
	{ "who reads, READY=1 and a file", drive_gate },
};

/* ---- all programs ---------------------------------------------------------
 */

/* Another program's own self-test. Whether all was well. */
static bool drive_program(const char *folder, const char *name)
{
	char *path = paths_find(folder, name);
	pid_t pid;
	int status = -1;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (path)
			execl(path, name, "--self-test", (char *)NULL);
		log_error("%s: it cannot be executed", name);
		_exit(TAPFEED_EXIT_LOSS);
	}
	free(path);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int selftest_launcher(void)
{
	const struct selftest_program half = {
		.name = "tapfeed",
		.table = "launcher/policy.c and common/policy.c",
		.paths = paths,
		.path_count = sizeof(paths) / sizeof(paths[0]),
		.work = work,
	};
	bool good = drive_program("capture", "tapfeed-capture");

	good = drive_program("injector", "tapfeed-injector") && good;
	selftest_status_begin();
	good = selftest_run(&half) == TAPFEED_EXIT_OK && good;
	good = selftest_status() && good;
	good = selftest_status_end() && good;
	puts("tapfeed-privileged: not driven: its one path makes an interface");
	return good ? TAPFEED_EXIT_OK : TAPFEED_EXIT_LOSS;
}
