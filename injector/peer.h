/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One feed connection: frames in, checked batches into the queue. A peer that
 * breaks the protocol of proto/feed.proto is closed; what it sent before stays
 * good. Once idle, a struct peer serves for another connection.
 *
 *   HELLO --Hello--> WAITING --Welcome sent--> FEEDING --End--> ENDED -->
 * CLOSED
 */
#ifndef TAPFEED_INJECTOR_PEER_H
#define TAPFEED_INJECTOR_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/frame.h"
#include "common/options.h"
#include "injector/account.h"
#include "injector/arena.h"
#include "injector/batch.h"
#include "injector/queue.h"

enum peer_state {
	PEER_HELLO,
	PEER_WAITING, /* for the gate */
	PEER_FEEDING,
	PEER_ENDED, /* its queue has still to be written */
	PEER_CLOSED,
};

struct peer {
	int fd; /* -1: closed; the queue may still hold packets */
	enum peer_state state;
	bool broken;   /* closed without End */
	bool readable; /* poll said so, and nothing was read since */
	bool stop_sent;
	bool greeted;	 /* it said Hello */
	bool fed;	 /* it sent a batch */
	bool live;	 /* its packets' times are when they came */
	bool patient;	 /* what it sent waits for its time: it can wait, too */
	bool joined;	 /* by the listening socket: not our own capture */
	char source[64]; /* escaped, for messages */
	uint64_t deadline_ns; /* for what is awaited; CLOCK_NEVER: nothing is */
	uint64_t sequence;    /* of the next packet */
	/* Of an own capture that goes on: see account_resume(). */
	uint64_t frames_uncounted;
	struct frame_reader reader;
	struct batch batch; /* being put into the queue */
	struct arena_share share;
	struct queue queue;
	struct account account;
};

/* What all peers share. */
struct peer_context {
	struct arena *arena;
	enum when_full when_full;
	char interface[TAPFEED_IFNAME_SIZE];
	enum tapfeed_kind kind; /* with TAPFEED_VNET, or not */
	uint32_t mtu;
	uint32_t queues; /* of the interface */
	/*
	 * Not OUTCOME_INJECTED: nothing can be written any more, and what still
	 * comes is counted as this at once.
	 */
	enum outcome discard;
	/*
	 * Packets wait that could not be written in the last turn: the pace,
	 * or an interface that is down, holds them up. A queue that is only
	 * busy drops nothing.
	 */
	bool held_up;
};

/* Memory for any number of connections, one after the other. 0 or -ENOMEM. */
int peer_init(struct peer *peer, size_t queue_size);

/*
 * A new connection of an idle peer over fd, a connected stream socket, which
 * is the peer's from now on. Its time for Hello begins.
 */
void peer_open(struct peer *peer, int fd, bool joined,
	       const struct peer_context *context,
	       struct counters_injector *counters, uint64_t now_ns);

void peer_done(struct peer *peer);

/* Whether more input could be used now: poll for it only then. */
bool peer_wants_input(const struct peer *peer,
		      const struct peer_context *context);

/*
 * Reads, decodes and queues until input, arena or queue stop it; closes a peer
 * that breaks the protocol or misses its deadline. Returns whether it stopped
 * only so that others have their turn.
 */
bool peer_service(struct peer *peer, const struct peer_context *context,
		  uint64_t now_ns);

/*
 * Puts what has been read into the queue, or drops it, as far as that goes.
 * peer_service() does; call it too once context->held_up is known.
 */
void peer_enqueue(struct peer *peer, const struct peer_context *context);

/* The gate is open: send Welcome to a peer that waits for it. */
void peer_welcome(struct peer *peer, struct peer_context *context);

/* Ask the peer to end (once). */
void peer_stop(struct peer *peer);

/* Closes a peer that did not end although it was asked to. */
void peer_give_up(struct peer *peer);

/* Where the peer has ended and all of it is accounted for: Report, and close.
 */
void peer_finish(struct peer *peer);

/* Closed, and nothing of it left to write. */
bool peer_idle(const struct peer *peer);

#endif
