/* SPDX-License-Identifier: Apache-2.0 */
/* tapfeed replay and live: sets everything up, hands it to the spawner,
 * reports.
 */
#include <config.h>

#include "launcher/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/audit.h"
#include "common/clock.h"
#include "common/escape.h"
#include "common/fd.h"
#include "common/log.h"
#include "common/signals.h"
#include "launcher/arguments.h"
#include "launcher/automtu.h"
#include "launcher/confine.h"
#include "launcher/feedpath.h"
#include "launcher/feedstatus.h"
#include "launcher/gate.h"
#include "launcher/input.h"
#include "launcher/progress.h"
#include "launcher/report.h"
#include "launcher/waitfile.h"
#include "launcher/wiring.h"

static int feed_path_failed(const char *option, const char *path, int error)
{
	const char *why = log_errno(-error);
	char shown[200];

	escape_text(shown, sizeof(shown), path, strlen(path));
	if (error == -EADDRINUSE && *option == 'r')
		why = "another process listens there";
	else if (error == -EADDRINUSE)
		why = "another tapfeed listens there; feed that one by --join";
	else if (error == -EEXIST)
		why = "something is there that is no socket";
	else if (error == -ECONNREFUSED)
		why = "nobody listens there any more";
	else if (error == -ENOENT && *option == 'j')
		why = "there is no such socket; a tapfeed started with "
		      "--feed-path makes it";
	log_error("--%s %s: %s", option, shown, why);
	return error == -EACCES || error == -EPERM ? TAPFEED_EXIT_PERMISSION
						   : TAPFEED_EXIT_USAGE;
}

/* Takes those away that were made here. */
static void remove_sockets(struct run *run)
{
	if (run->listen_fd >= 0)
		feedpath_remove(&run->feedpath);
	if (run->ready_fd >= 0)
		feedpath_remove(&run->readypath);
}

/* -1 to go on, or the exit status. */
static int watch_file(struct run *run)
{
	const char *path = run->options.wait_for_file;
	char shown[200];
	int r = path ? waitfile_open(path, &run->file_fd) : 0;

	if (r >= 0)
		return -1;
	escape_text(shown, sizeof(shown), path, strlen(path));
	log_error("--wait-for-file %s: %s", shown,
		  r == -ENOENT || r == -ENOTDIR
			  ? "its directory has to be there"
			  : log_errno(-r));
	return r == -EACCES ? TAPFEED_EXIT_PERMISSION : TAPFEED_EXIT_USAGE;
}

/* The sockets of --ready-socket, --feed-path and --join. -1 to go on, or the
 * exit status. */
static int open_feed_path(struct run *run)
{
	const struct options *options = &run->options;

	if (options->ready_socket) {
		run->ready_fd =
			feedpath_listen(&run->readypath, options->ready_socket,
					SOCK_DGRAM, run->user);
		if (run->ready_fd < 0)
			return feed_path_failed("ready-socket",
						options->ready_socket,
						run->ready_fd);
	}
	if (options->feed_path) {
		run->listen_fd =
			feedpath_listen(&run->feedpath, options->feed_path,
					SOCK_STREAM, run->user);
		if (run->listen_fd < 0)
			return feed_path_failed("feed-path", options->feed_path,
						run->listen_fd);
	}
	if (options->join) {
		run->join_fd = feedpath_connect(options->join);
		if (run->join_fd < 0)
			return feed_path_failed("join", options->join,
						run->join_fd);
	}
	return -1;
}

static void show_stats(const struct feed *feed)
{
	const struct run *run =
		(const struct run *)((const char *)feed -
				     offsetof(struct run, feed));
	struct report report;

	report_read(&report, feed->capture, feed->injector);
	(void)report_print(&report, run->options.json);
}

/* Of a feed that nobody could start. The exit status. */
static int not_startable(const struct run *run, int error)
{
	char shown[200];

	escape_text(shown, sizeof(shown), run->feed.status.dir.path,
		    strlen(run->feed.status.dir.path));
	log_error("--wait-for-start: tapfeed start would not find this feed: "
		  "%s: %s; let XDG_RUNTIME_DIR name a directory that is yours",
		  shown, log_errno(-error));
	return error == -EACCES || error == -EPERM ? TAPFEED_EXIT_PERMISSION
						   : TAPFEED_EXIT_LOSS;
}

/* 0 or the exit status. */
static int prepare_feed(struct run *run)
{
	const struct options *options = &run->options;
	struct feed *feed = &run->feed;
	int r = statusd_init(&feed->status, run->user);

	if (r < 0 && options->wait_for_start)
		return not_startable(run, r);
	feed->command = run->command;
	feed->source_names = options->sources;
	feed->source_count = options->source_count;
	feed->queue_size = options->queue_size;
	feed->queues = options->queues;
	feed->when_full = options->when_full;
	feed->startup_delay_ns = options->startup_delay_ns;
	feed->status.start = feedstatus_start;
	feed->status.start_data = feed;
	feed->stats_ns = options->stats_ns;
	feed->show_stats = show_stats;
	feed->name = options->name;
	feed->what = options->kind == TAPFEED_TUN ? "tun" : "tap";
	feed->joins = options->join;
	feed->host_visible = options->host_visible;
	feed->listens = options->feed_path != NULL;
	feed->wait_for_capture = run->live && options->source_count > 0 &&
				 options->startup_delay_ns == 0 &&
				 !gate_holds(&feed->gate);
	return 0;
}

/* Who reads is asked from here on. 0 or the exit status. */
static int open_gate(struct run *run)
{
	int r = gate_init(&run->feed.gate, &run->options, run->ready_fd,
			  run->file_fd);

	if (r == 0)
		return 0;
	log_error("asking the kernel who reads an interface: %s%s",
		  log_errno(-r),
		  r == -ENOENT ? "; this one cannot tell (modprobe "
				 "af_packet_diag, CONFIG_PACKET_DIAG), and "
				 "--wait-for-reader, --no-reader and --linger "
				 "auto need it"
			       : "");
	return TAPFEED_EXIT_LOSS;
}

/* -1 to go on, or the exit status. */
static int start(struct run *run)
{
	const struct options *options = &run->options;
	struct feed *feed = &run->feed;
	struct spawner_users users;
	int r = open_gate(run);

	if (r > 0)
		return r;
	r = signals_init(false);
	if (run->user)
		users = (struct spawner_users){ *run->capture_user,
						*run->user };
	if (r == 0)
		r = wiring_make(run);
	if (r == 0)
		r = linkwatch_init(&feed->link);
	if (r == 0)
		r = sourcewatch_init(&feed->sources, options->sources,
				     run->live ? options->source_count : 0);
	if (r == 0)
		r = run->spawn(run->table, FEED_CHILDREN,
			       run->user ? &users : NULL, &feed->spawner_pid);
	if (r < 0) {
		log_error("setting up the processes: %s%s", log_errno(-r),
			  r == -EMFILE ? " (ulimit -n)" : "");
		return TAPFEED_EXIT_LOSS;
	}
	feed->spawner_fd = r;
	feed->audit_fd = audit_open();
	r = prepare_feed(run);
	if (r == 0)
		r = confine(run);
	return r == 0 ? -1 : r;
}

/*
 * Whether packets may have died with a process: capture counted them as
 * received, and nobody could say what became of them.
 */
static bool may_miss(const struct feed *feed)
{
	int injector = feed_exit_status(&feed->processes[FEED_INJECTOR]);

	/* Where it is another tapfeed's, capture has to hear of it. */
	if (feed->joins)
		return feed_exit_status(&feed->processes[FEED_CAPTURE]) !=
		       TAPFEED_EXIT_OK;

	return feed->failed || (injector != TAPFEED_EXIT_OK && !feed->deleted);
}

/* Any other imbalance is our own fault, and said. */
static void settle_missing(const struct feed *feed, struct report *report)
{
	int64_t missing = report_missing(report);

	if (missing == 0)
		return;
	if (missing < 0 || !may_miss(feed)) {
		log_error("the counters do not add up by %lld packets: please "
			  "report this",
			  (long long)missing);
		return;
	}
	log_debug("%lld packets were lost with a process", (long long)missing);
	if (feed->stop_signal)
		report->dropped_stopped += (uint64_t)missing;
	else if (feed->restarts > 0)
		report->dropped_restart += (uint64_t)missing;
	else
		report->errors += (uint64_t)missing;
}

static int exit_status(const struct run *run, const struct report *report)
{
	const struct feed *feed = &run->feed;
	const int statuses[] = {
		feed_exit_status(&feed->processes[FEED_INJECTOR]),
		feed_exit_status(&feed->processes[FEED_CAPTURE]),
	};
	bool failed = feed->failed || feed->deleted;

	if (feed->kill_signal)
		return TAPFEED_EXIT_SIGNAL + feed->kill_signal;
	if (feed->gate.left && !failed)
		return TAPFEED_EXIT_NO_READER;
	for (size_t i = 0; i < 2; i++) {
		/* What a successor is refused was there when it all began. */
		if (feed->restarts == 0 &&
		    (statuses[i] == TAPFEED_EXIT_USAGE ||
		     statuses[i] == TAPFEED_EXIT_PERMISSION))
			return statuses[i];
		failed = failed || statuses[i] != TAPFEED_EXIT_OK;
	}
	if (failed || report_dropped(report) > 0 || report->errors > 0 ||
	    report_missing(report) != 0)
		return TAPFEED_EXIT_LOSS;
	if (run->options.strict &&
	    (report_skipped(report) > 0 || report->kernel_dropped > 0))
		return TAPFEED_EXIT_LOSS;
	return TAPFEED_EXIT_OK;
}

static int finish(struct run *run)
{
	struct report report;
	int status, r = 0;

	remove_sockets(run);
	if (run->options.join)
		report_read_told(&report, run->feed.capture);
	else
		report_read(&report, run->feed.capture, run->feed.injector);
	settle_missing(&run->feed, &report);
	if (report.received == 0 && report.filtered > 0)
		log_warning("none of %llu packets matches the filter",
			    (unsigned long long)report.filtered);
	if (report.kernel_dropped > 0)
		log_warning("the kernel dropped %llu packets in all, beside "
			    "the sum: a ring was full; see --buffer-size, "
			    "--filter and --snaplen",
			    (unsigned long long)report.kernel_dropped);
	report_explain(&report, run->options.json);
	status = exit_status(run, &report);
	/* Whoever waits for a reader of the report can be interrupted. */
	signals_default();
	/* Where nothing began there is nothing to report. */
	if (report.received > 0 ||
	    ((run->feed.up || run->feed.capturing) &&
	     status != TAPFEED_EXIT_USAGE && status != TAPFEED_EXIT_PERMISSION))
		r = report_print(&report, run->options.json);
	if (r < 0) {
		log_error("writing the report to standard output: %s",
			  log_errno(-r));
		if (status == TAPFEED_EXIT_OK)
			status = TAPFEED_EXIT_LOSS;
	}
	return status;
}

static int run_command(struct run *run, int argc, char **argv)
{
	int r;

	run->listen_fd = run->join_fd = run->ready_fd = run->file_fd = -1;
	run->command = argv[0];
	r = arguments_read(run, argc, argv);
	if (r < 0)
		r = confine_find_users(run);
	if (r < 0)
		r = run->live ? input_check_interfaces(run)
			      : input_open_files(run);
	if (r < 0)
		r = automtu_find(run);
	if (r < 0)
		r = watch_file(run);
	if (r < 0)
		r = open_feed_path(run);
	if (r < 0)
		r = start(run);
	if (r >= 0) {
		remove_sockets(run);
		return r;
	}
	progress_init(!run->options.quiet && !run->options.join,
		      run->source_bytes);
	feed_run(&run->feed);
	return finish(run);
}

int run_replay(int argc, char **argv)
{
	static struct run run = { .spawn = spawner_fork };

	return run_command(&run, argc, argv);
}

int run_live(int argc, char **argv)
{
	static struct run run = { .live = true, .spawn = spawner_fork };

	return run_command(&run, argc, argv);
}

int run_driven(run_spawn spawn, int argc, char **argv)
{
	static struct run run;

	run.live = strcmp(argv[0], "live") == 0;
	run.spawn = spawn;
	return run_command(&run, argc, argv);
}
