/* SPDX-License-Identifier: Apache-2.0 */
/* tapfeed replay: sets everything up, hands it to the spawner, reports. */
#include <config.h>

#include "launcher/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/counters.h"
#include "common/escape.h"
#include "common/fd.h"
#include "common/log.h"
#include "common/options.h"
#include "common/program.h"
#include "common/signals.h"
#include "launcher/paths.h"
#include "launcher/progress.h"
#include "launcher/report.h"
#include "launcher/spawner.h"
#include "launcher/supervise.h"

/* The feed socket holds a batch or two, where the system lets it. */
#define FEED_BUFFER_BYTES (1024 * 1024)

struct replay {
	struct options options;
	const char *path; /* as given; "-": standard input */
	char shown[128];  /* escaped */
	int source_fd;
	uint64_t source_bytes; /* 0: no regular file */
	struct spawner_child table[FEED_CHILDREN];
	struct feed feed;
	pid_t spawner_pid;
};

static const char *const names[FEED_CHILDREN] = {
	[FEED_PRIVILEGED] = "tapfeed-privileged",
	[FEED_INJECTOR] = "tapfeed-injector",
	[FEED_CAPTURE] = "tapfeed-capture",
};

static void help(void)
{
	puts("usage: tapfeed replay [OPTIONS] FILE|-\n\n"
	     "Creates a TAP interface and puts the packets of FILE (pcap or "
	     "pcapng, plain or\ngzip) or of standard input on it, byte for "
	     "byte, for any tool that reads one.\n");
	options_help(OPTIONS_REPLAY);
	puts("\nThe report goes to standard output; exit status 0: every "
	     "packet was injected or\nskipped by rule, 1: some were lost or "
	     "something failed, 2: wrong usage or input,\n3: no permission. "
	     "More in tapfeed(1).");
}

/* Returns -1 to go on, or the exit status. */
static int read_arguments(struct replay *run, int argc, char **argv)
{
	struct options *options = &run->options;
	char error[256];
	int first = options_parse(argc, argv, OPTIONS_REPLAY, options, error,
				  sizeof(error));

	if (first < 0) {
		log_error("%s; see tapfeed replay --help", error);
		return TAPFEED_EXIT_USAGE;
	}
	if (options->help || options->version) {
		if (options->help)
			help();
		else
			puts(PROGRAM_VERSION);
		return TAPFEED_EXIT_OK;
	}
	if (argc - first != 1) {
		log_error("%s; usage: tapfeed replay [OPTIONS] FILE|-",
			  first == argc ? "no file is given"
					: "one file at a time");
		return TAPFEED_EXIT_USAGE;
	}
	run->path = argv[first];
	log_init(options->quiet	    ? LOG_LEVEL_ERROR
		 : options->verbose ? LOG_LEVEL_DEBUG
				    : LOG_LEVEL_INFO,
		 "tapfeed: ", false);
	return -1;
}

static int source_error(const struct replay *run, int error)
{
	log_error("%s cannot be opened: %s", run->shown, log_errno(error));
	return error == EACCES || error == EPERM ? TAPFEED_EXIT_PERMISSION
						 : TAPFEED_EXIT_USAGE;
}

/* Packets come by the source alone: no process keeps them as its input. */
static int discard_stdin(void)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	return null < 0 ? -1 : dup2(null, STDIN_FILENO);
}

/* Opens the source with the caller's own rights. -1 to go on, or the exit
 * status. */
static int open_source(struct replay *run)
{
	bool standard = strcmp(run->path, "-") == 0;
	struct stat st;
	int fd;

	escape_text(run->shown, sizeof(run->shown),
		    standard ? "standard input" : run->path,
		    standard ? 14 : strlen(run->path));
	if (!standard && stat(run->path, &st) == 0 && S_ISFIFO(st.st_mode))
		log_info("%s: waiting for somebody to write to it", run->shown);
	fd = standard ? fcntl(STDIN_FILENO, F_DUPFD, STDERR_FILENO + 1)
		      : open(run->path, O_RDONLY | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return source_error(run, errno);
	if (standard && discard_stdin() < 0)
		return source_error(run, errno);
	/* The lowest place for it, and nothing else inherited is kept. */
	if (fd != STDERR_FILENO + 1 && dup2(fd, STDERR_FILENO + 1) < 0)
		return source_error(run, errno);
	fd = STDERR_FILENO + 1;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fd_close_from(fd + 1) < 0)
		return source_error(run, errno);
	if (S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode) || isatty(fd)) {
		log_error("%s is a %s: give a capture file or a pipe",
			  run->shown,
			  S_ISDIR(st.st_mode)	? "directory"
			  : S_ISBLK(st.st_mode) ? "block device"
						: "terminal");
		return TAPFEED_EXIT_USAGE;
	}
	if (!S_ISREG(st.st_mode) && run->options.loop != 1) {
		log_error("--loop needs a regular file: %s cannot be read "
			  "twice",
			  run->shown);
		return TAPFEED_EXIT_USAGE;
	}
	if (S_ISREG(st.st_mode) && run->options.loop == 1)
		run->source_bytes = (uint64_t)st.st_size;
	run->source_fd = fd;
	return -1;
}

static void hand_over(struct spawner_child *child, int fd, const char *name)
{
	child->fds[child->fd_count++] = (struct spawner_fd){ fd, name };
}

/* A socket pair: one end for a child, the other one returned; or -errno. */
static int pair_with(struct spawner_child *child, int type, const char *name)
{
	int ends[2];

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	hand_over(child, ends[1], name);
	return ends[0];
}

/* Standard error of every child, and what each worker has. 0 or a negative
 * errno. */
static int connect_process(struct replay *run, enum feed_child i)
{
	struct spawner_child *child = &run->table[i];
	struct feed_process *process = &run->feed.processes[i];
	int ends[2];

	*process = (struct feed_process){
		.name = names[i],
		.notify_fd = -1,
		.control_fd = -1,
	};
	/* Non-blocking on both sides: no child ever waits for us to read. */
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	childlog_init(&process->log, names[i], ends[0]);
	child->stderr_fd = ends[1];
	if (i == FEED_PRIVILEGED) { /* its one line is for the audit trail */
		process->log.shown_from = LOG_LEVEL_WARNING;
		return 0;
	}
	process->notify_fd = pair_with(child, SOCK_DGRAM, "notify");
	if (process->notify_fd < 0)
		return process->notify_fd;
	process->control_fd = pair_with(child, SOCK_STREAM, "control");
	return process->control_fd < 0 ? process->control_fd : 0;
}

/* A counters page for a worker. 0 and the mapping, or a negative errno. */
static int share_counters(struct spawner_child *child, const void **ret_page)
{
	int fd = counters_create();

	if (fd < 0)
		return fd;
	hand_over(child, fd, "counters");
	return counters_map_readonly(fd, ret_page);
}

/* Connects two children by a socket pair. 0 or a negative errno. */
static int join(struct spawner_child *a, const char *a_name,
		struct spawner_child *b, const char *b_name, int type)
{
	const int size = FEED_BUFFER_BYTES;
	int ends[2];

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		(void)setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size,
				 sizeof(size));
	hand_over(a, ends[0], a_name);
	hand_over(b, ends[1], b_name);
	return 0;
}

/* All descriptors, counters and connections. 0 or a negative errno. */
static int connect_all(struct replay *run)
{
	struct spawner_child *privileged = &run->table[FEED_PRIVILEGED];
	struct spawner_child *injector = &run->table[FEED_INJECTOR];
	struct spawner_child *capture = &run->table[FEED_CAPTURE];
	const void *page = NULL;
	int r = 0;

	for (int i = 0; r == 0 && i < FEED_CHILDREN; i++)
		r = connect_process(run, (enum feed_child)i);
	if (r == 0)
		r = share_counters(injector, &page);
	run->feed.injector = page;
	if (r == 0)
		r = share_counters(capture, &page);
	run->feed.capture = page;
	/* The helper's is descriptor 3: it reads no environment. */
	if (r == 0)
		r = join(privileged, "privileged", injector, "privileged",
			 SOCK_SEQPACKET);
	if (r == 0)
		r = join(capture, "feed", injector, "feed", SOCK_STREAM);
	if (r == 0)
		hand_over(capture, run->source_fd, "source");
	return r;
}

/* What is executed, with which arguments. 0 or -ENOMEM. */
static int prepare_table(struct replay *run)
{
	static char helper[] = "tapfeed-privileged";
	static char *no_arguments[] = { helper, NULL };
	struct spawner_child *table = run->table;
	char *source;

	if (asprintf(&source, "--source=%s",
		     strcmp(run->path, "-") ? run->path : "standard input") < 0)
		return -ENOMEM;
	table[FEED_PRIVILEGED].argv = no_arguments;
	table[FEED_INJECTOR].argv =
		options_argv(&run->options, OPTIONS_INJECTOR,
			     "tapfeed-injector", NULL);
	table[FEED_CAPTURE].argv = options_argv(&run->options, OPTIONS_CAPTURE,
						"tapfeed-capture", source);
	free(source);
	table[FEED_PRIVILEGED].path = paths_find("privileged", names[0]);
	table[FEED_INJECTOR].path = paths_find("injector", names[1]);
	table[FEED_CAPTURE].path = paths_find("capture", names[2]);
	for (int i = 0; i < FEED_CHILDREN; i++)
		if (!table[i].argv || !table[i].path)
			return -ENOMEM;
	return 0;
}

/* -1 to go on, or the exit status. */
static int start(struct replay *run)
{
	struct feed *feed = &run->feed;
	int r = signals_init(false);

	if (r == 0)
		r = prepare_table(run);
	if (r == 0)
		r = connect_all(run);
	if (r == 0)
		r = linkwatch_init(&feed->link);
	if (r == 0)
		r = spawner_fork(run->table, FEED_CHILDREN, &run->spawner_pid);
	if (r < 0) {
		log_error("setting up the processes: %s", log_errno(-r));
		return TAPFEED_EXIT_LOSS;
	}
	feed->spawner_fd = r;
	feed->queue_size = run->options.queue_size;
	feed->startup_delay_ns = run->options.startup_delay_ns;
	return -1;
}

/*
 * Whether packets may have died with a process: capture counted them as
 * received, and nobody could say what became of them.
 */
static bool may_miss(const struct feed *feed)
{
	int injector = feed_exit_status(&feed->processes[FEED_INJECTOR]);

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
	else
		report->errors += (uint64_t)missing;
}

static int exit_status(const struct replay *run, const struct report *report)
{
	const struct feed *feed = &run->feed;
	const int statuses[] = {
		feed_exit_status(&feed->processes[FEED_INJECTOR]),
		feed_exit_status(&feed->processes[FEED_CAPTURE]),
	};
	bool failed = feed->failed || feed->deleted;

	if (feed->kill_signal)
		return TAPFEED_EXIT_SIGNAL + feed->kill_signal;
	for (size_t i = 0; i < 2; i++) {
		if (statuses[i] == TAPFEED_EXIT_USAGE ||
		    statuses[i] == TAPFEED_EXIT_PERMISSION)
			return statuses[i];
		failed = failed || statuses[i] != TAPFEED_EXIT_OK;
	}
	if (failed || report_dropped(report) > 0 || report->errors > 0 ||
	    report_missing(report) != 0)
		return TAPFEED_EXIT_LOSS;
	if (run->options.strict && report_skipped(report) > 0)
		return TAPFEED_EXIT_LOSS;
	return TAPFEED_EXIT_OK;
}

static int finish(struct replay *run)
{
	struct report report;
	int status, r = 0;

	fd_close(&run->feed.spawner_fd);
	(void)waitpid(run->spawner_pid, NULL, 0);
	report_read(&report, run->feed.capture, run->feed.injector);
	settle_missing(&run->feed, &report);
	if (report.received == 0 && report.filtered > 0)
		log_warning("none of %llu packets matches the filter",
			    (unsigned long long)report.filtered);
	status = exit_status(run, &report);
	/* Whoever waits for a reader of the report can be interrupted. */
	signals_default();
	/* Where nothing began there is nothing to report. */
	if (report.received > 0 ||
	    (run->feed.up && status < TAPFEED_EXIT_USAGE))
		r = report_print(&report, run->options.json);
	if (r < 0) {
		log_error("writing the report to standard output: %s",
			  log_errno(-r));
		if (status == TAPFEED_EXIT_OK)
			status = TAPFEED_EXIT_LOSS;
	}
	return status;
}

int replay(int argc, char **argv)
{
	static struct replay run;
	int r = read_arguments(&run, argc, argv);

	if (r < 0)
		r = open_source(&run);
	if (r < 0)
		r = start(&run);
	if (r >= 0)
		return r;
	progress_init(!run.options.quiet, run.source_bytes);
	feed_run(&run.feed);
	return finish(&run);
}
