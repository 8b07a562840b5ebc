/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a feed waits for before its first packet, besides --startup-delay, and
 * what it does when its readers go: --wait-for-reader, --wait-for-start,
 * --ready-socket, --wait-for-file, --no-reader and --linger auto. The gate
 * itself is the injector's (proto/worker.h); this is who tells it. Driven by
 * the supervising half's loop. Who says READY=1 is hostile.
 */
#ifndef TAPFEED_LAUNCHER_GATE_H
#define TAPFEED_LAUNCHER_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/options.h"
#include "launcher/control.h"
#include "launcher/readers.h"

struct feed;

struct gate {
	/* What was asked for. */
	bool for_reader, for_start, for_ready, for_file;
	uint32_t readers_wanted;
	uint64_t settle_ns;
	enum no_reader no_reader;
	bool linger_auto;
	uint64_t startup_delay_ns;
	int ready_fd; /* READY=1 comes here; -1: none */
	const char *ready_path;
	int file_fd; /* of waitfile_open(); -1: none, or it came */
	const char *file_path;
	/* What there is. */
	bool begun;	   /* the interface is up */
	uint64_t delay_ns; /* the start-up delay's end */
	bool started;	   /* tapfeed start */
	bool ready;	   /* READY=1 */
	bool file;	   /* the file is there */
	bool open;	   /* the injector was told so */
	struct readers_set set;
	uint64_t changed_ns; /* since then the set is this one */
	bool read;	     /* there have been readers */
	bool missed;	     /* there are none any more, which was said */
	bool paused;
	bool left;   /* --no-reader exit ended the feed */
	bool untold; /* the injector does not know how things stand */
	/* Asking the kernel. */
	struct readers readers; /* fd -1: nobody wants to know */
	uint64_t next_ns;
	bool failed_said;
	/* --linger auto: what was written before the kernel was asked. */
	uint64_t asked_frames; /* 0: something was still under way */
	uint64_t done_ns;      /* since then it is so many */
	bool rings_said;
};

/*
 * Opens what it needs, in the caller's network namespace. ready_fd: a datagram
 * socket, file_fd: of waitfile_open(); -1: none, or with --wait-for-file, that
 * the file is there. Both are the gate's from now on. 0 or a negative errno:
 * -ENOENT where the kernel cannot tell who reads.
 */
int gate_init(struct gate *gate, const struct options *options, int ready_fd,
	      int file_fd);
void gate_done(struct gate *gate);

/* Whether anything is waited for besides the start-up delay. */
bool gate_holds(const struct gate *gate);

/* The interface is up, or the injector that writes to it is a new one. */
void gate_ready(struct feed *feed);

/* An injector is about to be started again: it learns how things stand before
 * it writes anything, not when we hear that it is ready. */
void gate_renew(struct feed *feed);

/* Asks and looks, and opens the gate, pauses, goes on or ends the feed. */
void gate_turn(struct feed *feed, uint64_t now_ns);

/* When gate_turn() is due; CLOCK_NEVER: when ready_fd or file_fd has input. */
uint64_t gate_next_ns(const struct feed *feed);

/* No packet is under way, and none of our own capture will come. */
bool gate_all_written(const struct feed *feed);

/* What is still waited for: enum control_wait; 0: the gate is open. */
uint32_t gate_waits(const struct gate *gate, uint64_t now_ns);

/* tapfeed start has come. */
enum control_start gate_start(struct gate *gate);

#endif
