/* SPDX-License-Identifier: Apache-2.0 */
/* Connections between the processes, made before any of them runs. */
#include <config.h>

#include "launcher/wiring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/counters.h"
#include "launcher/paths.h"

/* The feed socket holds a batch or two, where the system lets it. */
#define FEED_BUFFER_BYTES (1024 * 1024)

static const struct {
	const char *name;
	const char *folder; /* in a build tree */
} programs[FEED_CHILDREN] = {
	[FEED_PRIVILEGED] = { "tapfeed-privileged", "privileged" },
	[FEED_INJECTOR] = { "tapfeed-injector", "injector" },
	[FEED_CAPTURE] = { "tapfeed-capture", "capture" },
};

/* keep: also to one that is started again. */
static void hand_over(struct spawner_child *child, int fd, const char *name,
		      bool keep)
{
	child->fds[child->fd_count++] = (struct spawner_fd){ fd, name, keep };
}

/* A socket pair: one end for a child, the other one returned; or -errno. */
static int pair_with(struct spawner_child *child, int type, const char *name)
{
	int ends[2];

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	hand_over(child, ends[1], name, true);
	return ends[0];
}

/* Standard error of every child, and what each worker has. 0 or a negative
 * errno. */
static int connect_process(struct run *run, enum feed_child i)
{
	struct spawner_child *child = &run->table[i];
	struct feed_process *process = &run->feed.processes[i];
	int ends[2];

	*process = (struct feed_process){
		.name = programs[i].name,
		.notify_fd = -1,
		.control_fd = -1,
		.absent = i == FEED_CAPTURE ? run->options.source_count == 0
					    : run->join_fd >= 0,
	};
	process->log.fd = -1;
	child->stderr_fd = -1;
	child->store_fd = -1;
	if (process->absent)
		return 0;
	/* Non-blocking on both sides: no child ever waits for us to read. */
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	childlog_init(&process->log, programs[i].name, ends[0]);
	child->stderr_fd = ends[1];
	if (i == FEED_PRIVILEGED) { /* its one line is for the audit trail */
		process->log.shown_from = LOG_LEVEL_WARNING;
		return 0;
	}
	process->notify_fd = pair_with(child, SOCK_DGRAM, "notify");
	if (process->notify_fd < 0)
		return process->notify_fd;
	process->control_fd = pair_with(child, SOCK_SEQPACKET, "control");
	return process->control_fd < 0 ? process->control_fd : 0;
}

/* A counters page for a worker. 0 and the mapping, or a negative errno. */
static int share_counters(struct spawner_child *child, const void **ret_page)
{
	int fd = counters_create();

	if (fd < 0)
		return fd;
	hand_over(child, fd, "counters", true);
	return counters_map_readonly(fd, ret_page);
}

int wiring_pair(int ends[2], int type)
{
	const int size = FEED_BUFFER_BYTES;

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		(void)setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size,
				 sizeof(size));
	return 0;
}

/* Connects two children. 0 or a negative errno. */
static int join(struct spawner_child *a, struct spawner_child *b,
		const char *name, int type)
{
	int ends[2];
	int r = wiring_pair(ends, type);

	if (r < 0)
		return r;
	hand_over(a, ends[0], name, false);
	hand_over(b, ends[1], name, false);
	return 0;
}

/* Where the injector hands the interface's queues to the spawner. */
static int add_store(struct run *run)
{
	struct spawner_child *injector = &run->table[FEED_INJECTOR];
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	injector->store_fd = ends[0];
	injector->store_name = run->options.name;
	injector->store_kind =
		tapfeed_vnet(run->options.kind,
			     run->options.checksums == CHECKSUMS_TRUST);
	injector->store_queues = run->options.queues;
	injector->restartable = true;
	hand_over(injector, ends[1], "store", false);
	return 0;
}

/* Helper and injector, and the feed between injector and capture. */
static int connect_injector(struct run *run)
{
	struct spawner_child *injector = &run->table[FEED_INJECTOR];
	struct spawner_child *capture = &run->table[FEED_CAPTURE];
	const void *page = NULL;
	int r = share_counters(injector, &page);

	run->feed.injector = page;
	/* The helper's is descriptor 3: it reads no environment. */
	if (r == 0)
		r = join(&run->table[FEED_PRIVILEGED], injector, "privileged",
			 SOCK_SEQPACKET);
	if (r == 0)
		r = add_store(run);
	if (r == 0 && run->options.source_count > 0)
		r = join(capture, injector, "feed", SOCK_STREAM);
	if (r == 0 && run->listen_fd >= 0)
		hand_over(injector, run->listen_fd, "feed", true);
	return r;
}

/* All descriptors, counters and connections. 0 or a negative errno. */
static int connect_all(struct run *run)
{
	static const struct counters_capture no_capture;
	static const struct counters_injector no_injector;
	struct spawner_child *capture = &run->table[FEED_CAPTURE];
	const void *page = NULL;
	int r = 0;

	for (int i = 0; r == 0 && i < FEED_CHILDREN; i++)
		r = connect_process(run, (enum feed_child)i);
	run->feed.injector = &no_injector;
	run->feed.capture = &no_capture;
	if (r == 0 && !run->feed.processes[FEED_CAPTURE].absent) {
		r = share_counters(capture, &page);
		run->feed.capture = page;
	}
	if (r == 0 && run->join_fd >= 0)
		hand_over(capture, run->join_fd, "feed", false);
	else if (r == 0)
		r = connect_injector(run);
	for (size_t i = 0; !run->live && i < run->options.source_count; i++)
		hand_over(capture, run->source_fds[i], "source", false);
	return r;
}

/*
 * Whether a live capture that died can be started again: its file brings the
 * capability. Whom root became has none.
 */
static bool has_capability(int program_fd)
{
	cap_flag_value_t value = CAP_CLEAR;
	char path[32];
	cap_t caps;

	/* By descriptor opened for the path alone: fgetxattr(2) refuses it. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", program_fd);
	caps = cap_get_file(path);
	if (caps)
		cap_get_flag(caps, CAP_NET_RAW, CAP_PERMITTED, &value);
	cap_free(caps);
	return value == CAP_SET;
}

/* What is executed, with which arguments. 0 or -ENOMEM. */
static int name_programs(struct run *run)
{
	static char helper[] = "tapfeed-privileged";
	static char *no_arguments[] = { helper, NULL };
	struct spawner_child *table = run->table;

	table[FEED_PRIVILEGED].argv = no_arguments;
	table[FEED_INJECTOR].argv =
		options_argv(&run->options, OPTIONS_INJECTOR,
			     "tapfeed-injector");
	table[FEED_CAPTURE].argv =
		options_argv(&run->options, OPTIONS_CAPTURE, "tapfeed-capture");
	for (int i = 0; i < FEED_CHILDREN; i++) {
		table[i].path =
			paths_find(programs[i].folder, programs[i].name);
		if (!table[i].argv || !table[i].path)
			return -ENOMEM;
		table[i].program_fd = open(table[i].path, O_PATH | O_CLOEXEC);
	}
	return 0;
}

int wiring_make(struct run *run)
{
	int r = name_programs(run);

	if (r == 0)
		r = connect_all(run);
	if (r < 0)
		return r;
	run->table[FEED_INJECTOR].user = run->user;
	run->table[FEED_CAPTURE].user = run->capture_user;
	if (run->live && geteuid() != 0 &&
	    has_capability(run->table[FEED_CAPTURE].program_fd)) {
		run->table[FEED_CAPTURE].restartable = true;
		run->table[FEED_CAPTURE].file_capability = true;
		run->feed.processes[FEED_CAPTURE].restartable = true;
	}
	return 0;
}
