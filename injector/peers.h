/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All captures of one feed: the feed's own, and those that join it by the
 * listening socket. They are served in turn; what one of them does or leaves
 * undone costs the others nothing but their share. Who connects is hostile.
 *
 * The own capture's place is the first one. A capture that was restarted comes
 * over a new connection, which is not read before the old one is closed and all
 * of it is accounted for.
 */
#ifndef TAPFEED_INJECTOR_PEERS_H
#define TAPFEED_INJECTOR_PEERS_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/log.h"
#include "injector/deliver.h"
#include "injector/peer.h"

#define PEERS_POLL_MAX (1 + TAPFEED_PEERS_MAX)

enum peers_gate {
	PEERS_SHUT, /* captures wait for their Welcome */
	PEERS_OPEN,
	PEERS_STOPPING, /* captures are told to end, and none joins */
};

struct peers {
	struct peer slots[TAPFEED_PEERS_MAX];
	struct peer_context context;
	struct deliver *deliver;
	struct counters_injector *counters;
	size_t queue_size;
	enum peers_gate gate;
	size_t turn; /* the slot that is served first */

	int own_next_fd; /* of the own capture; waits for its turn. -1: none */
	uint64_t own_next_uncounted; /* see account_resume() */
	bool own_place;		     /* the first slot is kept for it */
	bool own_came;
	bool own_broken;
	bool own_awaited; /* it broke off after Hello: a successor may come */

	int listen_fd;	    /* -1: nobody joins */
	bool listen_ready;  /* poll said so */
	uint64_t listen_ns; /* not before: accept(2) failed */
	uid_t uid;	    /* who may join, besides root */
	struct log_limit refused_limit;
	struct log_limit failed_limit;
};

/*
 * arena, deliver and counters stay the caller's. options says the queue's size
 * and what happens when it is full. 0 or -ENOMEM: the first place's memory.
 */
int peers_init(struct peers *peers, const struct options *options,
	       struct arena *arena, struct deliver *deliver,
	       struct counters_injector *counters);
void peers_done(struct peers *peers);

/* Captures may join by fd, a listening stream socket, ours from now on. */
int peers_listen(struct peers *peers, int fd);

/*
 * A connection of the feed's own capture, ours from now on; it follows the one
 * there is. frames_uncounted: see account_resume().
 */
void peers_own(struct peers *peers, int fd, uint64_t frames_uncounted);

/*
 * One turn of each: join, read, queue, write, answer. Returns whether there may
 * be more to do at once.
 */
bool peers_turn(struct peers *peers, uint64_t now_ns);

/*
 * Writes nothing until it is called with false. What is there waits for it, or
 * where a full queue drops is dropped, and so is what comes. What waited so is
 * not late.
 */
void peers_pause(struct peers *peers, bool paused, uint64_t now_ns);

/* Counts what is queued as outcome, and from now on what still comes. */
void peers_discard(struct peers *peers, enum outcome outcome);

/* Closes who did not end although he was asked to. */
void peers_give_up(struct peers *peers);

/* Nobody is connected, and nothing is left to write. */
bool peers_idle(const struct peers *peers);

/* When a queue goes on, by its pace mostly; CLOCK_NEVER where none can. */
uint64_t peers_due_ns(const struct peers *peers);

/* When something else happens by itself; CLOCK_NEVER where nothing does. */
uint64_t peers_next_ns(const struct peers *peers);

/* Fills in what to poll for, and takes what poll(2) said. */
size_t peers_poll(const struct peers *peers, uint64_t now_ns,
		  struct pollfd fds[static PEERS_POLL_MAX]);
void peers_polled(struct peers *peers,
		  const struct pollfd fds[static PEERS_POLL_MAX]);

/*
 * Has the next turn read from each peer whose input could be used, whatever
 * poll(2) would say. Returns whether somebody is connected who may send
 * packets: otherwise there is nothing to spin for.
 */
bool peers_spin(struct peers *peers);

#endif
