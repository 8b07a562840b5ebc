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

#include "common/clock.h"
#include "launcher/childlog.h"
#include "launcher/gate.h"
#include "launcher/linkwatch.h"
#include "launcher/restart.h"
#include "launcher/sourcewatch.h"
#include "launcher/spawner.h"
#include "launcher/statusd.h"
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
	bool absent; /* this feed does without it */
	pid_t pid;   /* 0: it does not run */
	int stored;  /* descriptors that the spawner keeps for it */
	bool restartable;
	uint64_t restart_ns; /* when it is started again; CLOCK_NEVER: never */
	int notify_fd;	     /* non-blocking datagram socket; -1: none */
	int control_fd;	     /* closing it means stop; -1: none */
	bool ready;	     /* it said that it is confined and works */
	bool stopping;	     /* it said that it is about to end */
	struct childlog log;
	bool ended;
	int status; /* as waitpid(2) gives it */
};

struct feed {
	struct feed_process processes[FEED_CHILDREN];
	const struct counters_capture *capture;	  /* read-only */
	const struct counters_injector *injector; /* read-only */
	struct linkwatch link;
	struct sourcewatch sources;
	int spawner_fd;
	int audit_fd; /* the system's security log; -1: none */
	pid_t spawner_pid;
	const char *name;  /* asked for: of the interface, or a pattern */
	const char *what;  /* the kind of interface: "tap" */
	const char *joins; /* the path of the feed that gets the packets */
	bool host_visible; /* the interface has no shield */
	bool listens;	   /* captures may join */
	/* The interface is up when capture has begun, not before. */
	bool wait_for_capture;
	uint64_t stats_ns; /* between two calls of show_stats; 0: none */
	void (*show_stats)(const struct feed *feed);
	struct statusd status;
	const char *remark;  /* said once it is up or joined; NULL: none */
	const char *command; /* for status: what runs, from which sources */
	const char *const *source_names;
	size_t source_count;
	uint32_t queue_size;
	uint32_t queues; /* of the interface */
	enum when_full when_full;
	struct gate gate;
	uint64_t startup_delay_ns;
	/* Results. */
	char interface[TAPFEED_IFNAME_SIZE]; /* valid where up */
	bool ready;			     /* the injector is */
	bool capturing;			     /* the gate was open for capture */
	bool done;			     /* capture has its Report */
	bool up;			     /* the interface was there */
	bool vanished;	 /* before the injector said that it lets it go */
	bool deleted;	 /* ... because somebody else deleted it */
	bool failed;	 /* a process died or was killed, or the spawner was */
	int stop_signal; /* the first one; 0: none */
	int kill_signal; /* the second one; 0: none */
	uint64_t deadline_ns; /* then what still runs is killed */
	struct restart restart;
	uint64_t restarts;
	uint64_t lost_ns; /* when a feed that broke ends the run */
	uint64_t stats_next_ns;
	bool settled; /* the spawner was told that all run */
};

/*
 * Starts the children, and again those that die and may be; returns when the
 * last one, the spawner and the interface are gone.
 */
void feed_run(struct feed *feed);

/* Asks the workers to end; kills what has not ended when the time is up. */
void feed_stop(struct feed *feed);

/*
 * A feed that broke while both its processes live: after this one of them is at
 * fault.
 */
#define FEED_LOST_NS NS_PER_S

/* The exit status of a process, or -1 where it was killed or has not ended. */
int feed_exit_status(const struct feed_process *process);

#endif
