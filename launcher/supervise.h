/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervising half: watches the processes of one feed from their start to
 * the last one's end. Whatever they say is hostile.
 */
#ifndef TAPFEED_LAUNCHER_SUPERVISE_H
#define TAPFEED_LAUNCHER_SUPERVISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/childlog.h"
#include "launcher/linkwatch.h"
#include "launcher/spawner.h"
#include "proto/counters.h"

/* The children, by their place in the spawner's table. */
enum feed_child {
	FEED_PRIVILEGED,
	FEED_INJECTOR,
	FEED_CAPTURE,
	FEED_CHILDREN,
};

struct feed_process {
	const char *name;
	int notify_fd;	/* non-blocking datagram socket; -1: none */
	int control_fd; /* closing it means stop; -1: none */
	bool stopping;	/* it said that it is about to end */
	struct childlog log;
	bool ended;
	int status; /* as waitpid(2) gives it */
};

struct feed {
	struct feed_process processes[FEED_CHILDREN];
	const struct counters_capture *capture;	  /* read-only */
	const struct counters_injector *injector; /* read-only */
	struct linkwatch link;
	int spawner_fd;
	uint32_t queue_size;
	uint64_t startup_delay_ns;
	/* Results. */
	char interface[TAPFEED_IFNAME_SIZE]; /* valid where up */
	bool up;			     /* the interface was there */
	bool vanished;	 /* before the injector said that it lets it go */
	bool deleted;	 /* ... because somebody else deleted it */
	bool failed;	 /* a process died or was killed, or the spawner was */
	int stop_signal; /* the first one; 0: none */
	int kill_signal; /* the second one; 0: none */
	uint64_t deadline_ns; /* then what still runs is killed */
};

/* Starts the children and returns when the last one, and the interface, is
 * gone. */
void feed_run(struct feed *feed);

/* The exit status of a process, or -1 where it was killed or has not ended. */
int feed_exit_status(const struct feed_process *process);

#endif
