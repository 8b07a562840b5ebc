/* SPDX-License-Identifier: Apache-2.0 */
/* The set of peers. Who connects is hostile until SO_PEERCRED says otherwise,
 * and what he sends is in any case. */
#include <config.h>

#include "injector/peers.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"

/* Connections taken in one turn. */
#define TURN_ACCEPTS 4

/* After accept(2) has failed for want of something, it rests so long. */
#define ACCEPT_RETRY_NS NS_PER_S

#define OWN 0 /* the own capture's slot */

int peers_init(struct peers *peers, const struct options *options,
	       struct arena *arena, struct deliver *deliver,
	       struct counters_injector *counters)
{
	*peers = (struct peers){
		.context = {
			.arena = arena,
			.when_full = options->when_full,
			.kind = tapfeed_vnet(options->kind, options->checksums == CHECKSUMS_TRUST),
			.queues = options->queues,
			.mtu = options->mtu,
			.discard = OUTCOME_INJECTED,
		},
		.deliver = deliver,
		.counters = counters,
		.queue_size = options->queue_size,
		.own_next_fd = -1,
		.listen_fd = -1,
		.uid = geteuid(),
		.refused_limit = { .burst = 1, .interval_ns = 5 * NS_PER_S },
		.failed_limit = { .burst = 1, .interval_ns = 60 * NS_PER_S },
	};
	for (size_t i = 0; i < TAPFEED_PEERS_MAX; i++)
		peers->slots[i].fd = -1;
	counter_set(&counters->peers, 0);
	counter_set(&counters->queue_used, 0);
	return peer_init(&peers->slots[OWN], peers->queue_size);
}

void peers_done(struct peers *peers)
{
	for (size_t i = 0; i < TAPFEED_PEERS_MAX; i++)
		peer_done(&peers->slots[i]);
	fd_close(&peers->own_next_fd);
	fd_close(&peers->listen_fd);
}

int peers_listen(struct peers *peers, int fd)
{
	peers->listen_fd = fd;
	return fd_set_nonblock(fd);
}

void peers_own(struct peers *peers, int fd, uint64_t frames_uncounted)
{
	/* One that still waits has not been read: nothing of it is lost. */
	fd_close(&peers->own_next_fd);
	peers->own_next_fd = fd;
	peers->own_next_uncounted = frames_uncounted;
	peers->own_place = true;
}

/* The own capture's next connection, once the last one is done with. */
static void open_own(struct peers *peers, uint64_t now_ns)
{
	struct peer *peer = &peers->slots[OWN];

	if (peers->own_next_fd < 0 || !peer_idle(peer))
		return;
	peers->own_came = true;
	if (fd_set_nonblock(peers->own_next_fd) < 0) {
		fd_close(&peers->own_next_fd);
		peers->own_broken = true;
		return;
	}
	peer_open(peer, peers->own_next_fd, false, &peers->context,
		  peers->counters, now_ns);
	peer->frames_uncounted = peers->own_next_uncounted;
	peers->own_awaited = false;
	peers->own_next_fd = -1;
	peers->own_next_uncounted = 0;
}

/* A place for one who joins, with its memory; NULL: there is none. */
static struct peer *free_place(struct peers *peers)
{
	for (size_t i = peers->own_place ? OWN + 1 : OWN; i < TAPFEED_PEERS_MAX;
	     i++) {
		struct peer *peer = &peers->slots[i];

		if (!peer_idle(peer))
			continue;
		if (peer->queue.entries ||
		    peer_init(peer, peers->queue_size) == 0)
			return peer;
	}
	return NULL;
}

static void refuse(struct peers *peers, uid_t uid, const char *why,
		   uint64_t now_ns)
{
	uint64_t left_out;

	if (!log_limit_pass(&peers->refused_limit, now_ns, &left_out))
		return;
	if (left_out > 0)
		log_warning("a feed of uid %u is refused: %s (and %llu more "
			    "since the last such line)",
			    (unsigned int)uid, why,
			    (unsigned long long)left_out);
	else
		log_warning("a feed of uid %u is refused: %s",
			    (unsigned int)uid, why);
}

static void join(struct peers *peers, int fd, uint64_t now_ns)
{
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t size = sizeof(cred);
	struct peer *peer = NULL;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0 ||
	    (cred.uid != 0 && cred.uid != peers->uid))
		refuse(peers, cred.uid,
		       "only root and the injector's own user "
		       "may feed",
		       now_ns);
	else if (!(peer = free_place(peers)))
		refuse(peers, cred.uid, "there are too many already", now_ns);
	if (!peer) {
		close(fd);
		return;
	}
	peer_open(peer, fd, true, &peers->context, peers->counters, now_ns);
	log_debug("a feed of uid %u joins", (unsigned int)cred.uid);
}

static void accept_failed(struct peers *peers, int error, uint64_t now_ns)
{
	uint64_t left_out;

	peers->listen_ns = now_ns + ACCEPT_RETRY_NS;
	if (log_limit_pass(&peers->failed_limit, now_ns, &left_out))
		log_error("no feed can join for now: %s", log_errno(error));
}

/* Returns whether more may be waiting. */
static bool accept_some(struct peers *peers, uint64_t now_ns)
{
	if (!peers->listen_ready)
		return false;
	for (int i = 0; i < TURN_ACCEPTS; i++) {
		int fd = accept4(peers->listen_fd, NULL, NULL,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			join(peers, fd, now_ns);
			continue;
		}
		if (errno == ECONNABORTED)
			continue;
		peers->listen_ready = false;
		if (errno != EAGAIN)
			accept_failed(peers, errno, now_ns);
		return false;
	}
	return true;
}

/* Tells the page of all queues together, and who is connected. */
static void publish(struct peers *peers)
{
	struct counters_injector *counters = peers->counters;
	size_t used = 0, connected = 0;

	for (size_t i = 0; i < TAPFEED_PEERS_MAX; i++) {
		used += peers->slots[i].queue.used;
		connected += peers->slots[i].fd >= 0;
	}
	counter_set(&counters->queue_used, used);
	counter_set(&counters->peers, connected);
	if (used > counters->queue_peak)
		counter_set(&counters->queue_peak, used);
}

/* Returns whether there may be more to do for it at once. */
static bool turn_peer(struct peers *peers, size_t i, uint64_t now_ns,
		      bool *held_up)
{
	const struct deliver *deliver = peers->deliver;
	struct peer *peer = &peers->slots[i];
	bool again;
	size_t done;

	/* A file, at its recorded times: they come, and nothing else does. */
	peer->patient = !peer->live && pace_timed(&deliver->pace) &&
			deliver->down_ns == 0;
	again = peer_service(peer, &peers->context, now_ns);
	if (peers->gate == PEERS_OPEN)
		peer_welcome(peer, &peers->context);
	publish(peers); /* at its fullest */
	done = deliver_run(peers->deliver, &peer->queue, &peer->account,
			   now_ns);
	if (done > 0) { /* whoever is next in line comes first next time */
		peers->turn = (i + 1) % TAPFEED_PEERS_MAX;
		again = true;
	}
	if (peer->queue.used > 0 && done < DELIVER_ROUND_FRAMES &&
	    !deliver_busy(peers->deliver, &peer->queue))
		*held_up = true;
	peer_finish(peer);
	if (peers->gate == PEERS_STOPPING)
		peer_stop(peer);
	if (i == OWN && peer->broken && !peer->joined) {
		peers->own_broken = true;
		peers->own_awaited = peer->greeted;
	}
	return again;
}

static void collect_all(struct peers *peers, uint64_t now_ns)
{
	for (size_t i = 0; i < TAPFEED_PEERS_MAX; i++)
		(void)deliver_collect(peers->deliver, &peers->slots[i].queue,
				      &peers->slots[i].account, now_ns);
}

bool peers_turn(struct peers *peers, uint64_t now_ns)
{
	const size_t first = peers->turn;
	bool again = accept_some(peers, now_ns);
	bool held_up = false;

	if (now_ns >= peers->listen_ns)
		peers->listen_ns = 0;
	if (peers->gate == PEERS_STOPPING) {
		fd_close(&peers->listen_fd);
		peers->listen_ready = false;
	}
	open_own(peers, now_ns);
	if (deliver_begin(peers->deliver))
		collect_all(peers, now_ns);
	for (size_t i = 0; i < TAPFEED_PEERS_MAX; i++) {
		size_t slot = (first + i) % TAPFEED_PEERS_MAX;

		if (!peers->slots[slot].queue.entries)
			continue; /* never used */
		if (turn_peer(peers, slot, now_ns, &held_up))
			again = true;
	}
	peers->context.held_up = held_up;
	for (size_t i = 0; i < TAPFEED_PEERS_MAX && held_up; i++)
		peer_enqueue(&peers->slots[i], &peers->context);
	publish(peers);
	return again;
}

void peers_pause(struct peers *peers, bool paused, uint64_t now_ns)
{
	enum outcome *discard = &peers->context.discard;

	if (peers->deliver->paused && !paused)
		peers->deliver->resumed_ns = now_ns;
	peers->deliver->paused = paused;
	if (peers->context.when_full == WHEN_FULL_WAIT)
		return;
	/* Where nothing will ever be written any more, that stays. */
	if (paused && *discard == OUTCOME_INJECTED)
		peers_discard(peers, OUTCOME_DROPPED_QUEUE);
	else if (!paused && *discard == OUTCOME_DROPPED_QUEUE)
		*discard = OUTCOME_INJECTED;
}

void peers_discard(struct peers *peers, enum outcome outcome)
{
	peers->context.discard = outcome;
	for (size_t i = 0; i < TAPFEED_PEERS_MAX; i++)
		deliver_discard(peers->deliver, &peers->slots[i].queue,
				&peers->slots[i].account, outcome);
}

void peers_give_up(struct peers *peers)
{
	for (size_t i = 0; i < TAPFEED_PEERS_MAX; i++)
		peer_give_up(&peers->slots[i]);
	if (peers->slots[OWN].broken && !peers->slots[OWN].joined)
		peers->own_broken = true;
}

bool peers_idle(const struct peers *peers)
{
	for (size_t i = 0; i < TAPFEED_PEERS_MAX; i++)
		if (!peer_idle(&peers->slots[i]))
			return false;
	return peers->own_next_fd < 0;
}

uint64_t peers_due_ns(const struct peers *peers)
{
	uint64_t next = CLOCK_NEVER;

	for (size_t i = 0; i < TAPFEED_PEERS_MAX; i++) {
		uint64_t due =
			deliver_next_ns(peers->deliver, &peers->slots[i].queue);

		if (due < next)
			next = due;
	}
	return next;
}

uint64_t peers_next_ns(const struct peers *peers)
{
	uint64_t next = CLOCK_NEVER;

	for (size_t i = 0; i < TAPFEED_PEERS_MAX; i++) {
		const struct peer *peer = &peers->slots[i];

		if (peer->fd >= 0 && peer->deadline_ns < next)
			next = peer->deadline_ns;
	}
	if (peers->listen_fd >= 0 && peers->listen_ns > 0 &&
	    peers->listen_ns < next)
		next = peers->listen_ns;
	if (peers->own_next_fd >= 0 && peer_idle(&peers->slots[OWN]))
		next = 0; /* it can be opened */
	return next;
}

size_t peers_poll(const struct peers *peers, uint64_t now_ns,
		  struct pollfd fds[static PEERS_POLL_MAX])
{
	fds[0] = (struct pollfd){
		.fd = now_ns >= peers->listen_ns ? peers->listen_fd : -1,
		.events = POLLIN,
	};
	for (size_t i = 0; i < TAPFEED_PEERS_MAX; i++) {
		const struct peer *peer = &peers->slots[i];
		bool wanted = peer_wants_input(peer, &peers->context);

		/* Not polled at all otherwise: POLLHUP would not let us sleep.
		 */
		fds[1 + i] = (struct pollfd){
			.fd = wanted ? peer->fd : -1,
			.events = POLLIN,
		};
	}
	return PEERS_POLL_MAX;
}

void peers_polled(struct peers *peers,
		  const struct pollfd fds[static PEERS_POLL_MAX])
{
	if (fds[0].revents) {
		peers->listen_ready = true;
		peers->listen_ns = 0;
	}
	for (size_t i = 0; i < TAPFEED_PEERS_MAX; i++)
		if (fds[1 + i].revents)
			peers->slots[i].readable = true;
}

bool peers_spin(struct peers *peers)
{
	bool connected = false;

	for (size_t i = 0; i < TAPFEED_PEERS_MAX; i++) {
		struct peer *peer = &peers->slots[i];

		if (peer->fd < 0)
			continue;
		connected = true;
		if (peer_wants_input(peer, &peers->context))
			peer->readable = true;
	}
	return connected && peers->gate != PEERS_SHUT &&
	       !peers->deliver->paused;
}
