/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tapfeed-injector: owns the interface's queue, takes packets from feeds and
 * writes them. Everything a feed sends is hostile.
 */
#include <config.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/signals.h"
#include "common/worker.h"
#include "injector/arena.h"
#include "injector/deliver.h"
#include "injector/netdev.h"
#include "injector/peer.h"
#include "injector/writer.h"
#include "proto/counters.h"

/* One feed so far; several come with the listening feed socket. */
#define PEERS_MAX 1

/* After the drain deadline, feeds get so long to say what they had sent. */
#define LAST_WORDS_NS NS_PER_S

struct injector {
	struct options options;
	struct worker worker;
	struct counters_injector *counters;
	struct netdev netdev;
	struct arena arena;
	struct writer writer;
	struct deliver deliver;
	struct peer peers[PEERS_MAX];
	size_t peer_count;
	struct peer_context context;
	bool gate_open;
	uint64_t gate_ns; /* when it opens */
	bool stopping;
	uint64_t drain_ns;  /* while stopping: until then packets are written */
	uint64_t linger_ns; /* the end, once all is done; CLOCK_NEVER before */
};

static const char about[] =
	"Takes packets from a feed and writes them to a virtual interface.\n"
	"Started by tapfeed(1) or systemd with its descriptors by name (feed,\n"
	"privileged, control, counters, notify); not by hand.";

static void publish_interface(struct injector *inj)
{
	memcpy(inj->counters->interface, inj->netdev.name,
	       sizeof(inj->counters->interface));
	counter_set(&inj->counters->mtu, inj->netdev.mtu);
	__atomic_store_n(&inj->counters->ifindex, inj->netdev.ifindex,
			 __ATOMIC_RELEASE);
}

/* Has the helper make the interface. 0, or the exit status. */
static int create_interface(struct injector *inj)
{
	struct netdev_request request = { .mtu = inj->options.mtu };
	enum privileged_step step = PRIVILEGED_STEP_NONE;
	char message[512];
	int sock = listen_take("privileged");
	int r;

	if (sock < 0) {
		log_error("no socket named \"privileged\" was handed over; "
			  "start me through tapfeed");
		return TAPFEED_EXIT_USAGE;
	}
	memcpy(request.name, inj->options.name, sizeof(request.name));
	memcpy(request.mac, inj->options.mac, sizeof(request.mac));
	r = netdev_create(sock, &request, &inj->netdev, &step);
	fd_close(&sock);
	if (r < 0) {
		log_error("%s",
			  netdev_explain(step, r, message, sizeof(message),
					 inj->options.name));
		return (int)netdev_exit_status(step, r);
	}
	publish_interface(inj);
	return 0;
}

/* Opens and allocates all there will be. 0, or the exit status. */
static int injector_open(struct injector *inj)
{
	int feed_fd = listen_take("feed");
	int r;

	inj->counters = inj->worker.counters;
	if (feed_fd < 0) {
		log_error("no socket named \"feed\" was handed over; start me "
			  "through tapfeed");
		return TAPFEED_EXIT_USAGE;
	}
	r = arena_init(&inj->arena);
	if (r == 0)
		r = peer_init(&inj->peers[inj->peer_count++], feed_fd,
			      inj->options.queue_size, inj->counters);
	if (r < 0) {
		log_error("memory for the arena and a queue of %u packets: %s",
			  inj->options.queue_size, log_errno(-r));
		return TAPFEED_EXIT_LOSS;
	}
	r = create_interface(inj);
	if (r != 0)
		return r;
	inj->writer.ops = &writer_plain;
	r = inj->writer.ops->init(&inj->writer, inj->netdev.queue_fd,
				  inj->netdev.queues, &inj->arena);
	if (r < 0) {
		log_error("the writer for %s: %s", inj->netdev.name,
			  log_errno(-r));
		return TAPFEED_EXIT_LOSS;
	}
	return 0;
}

static void injector_ready(struct injector *inj)
{
	char text[128];

	inj->context = (struct peer_context){
		.arena = &inj->arena,
		.when_full = inj->options.when_full,
		.discard = OUTCOME_INJECTED,
	};
	inj->deliver = (struct deliver){
		.writer = &inj->writer,
		.counters = inj->counters,
		.when_full = inj->options.when_full,
		.interface = inj->netdev.name,
	};
	pace_init(&inj->deliver.pace, inj->options.pps);
	inj->gate_ns = clock_now_ns() + inj->options.startup_delay_ns;
	inj->linger_ns = CLOCK_NEVER;
	for (size_t i = 0; i < inj->peer_count; i++)
		peer_await_hello(&inj->peers[i], clock_now_ns());
	log_debug("%s: writer %s, arena %u x %u KiB", inj->netdev.name,
		  inj->writer.ops->name, TAPFEED_SLOT_COUNT,
		  TAPFEED_SLOT_BYTES / 1024);
	snprintf(text, sizeof(text), "READY=1\nSTATUS=%s is up (tap, mtu %u)",
		 inj->netdev.name, inj->netdev.mtu);
	notify_send(text);
}

static void stop(struct injector *inj, uint64_t now)
{
	inj->stopping = true;
	inj->deliver.unpaced = true;
	inj->drain_ns = now + TAPFEED_DRAIN_DEADLINE_S * NS_PER_S;
	notify_send("STOPPING=1");
}

/* What can no longer be written is counted as outcome, now and when it comes.
 */
static void discard(struct injector *inj, enum outcome outcome)
{
	inj->context.discard = outcome;
	for (size_t i = 0; i < inj->peer_count; i++)
		deliver_discard(&inj->peers[i].queue, &inj->peers[i].account,
				outcome);
}

static void check_stop(struct injector *inj, uint64_t now)
{
	if (!inj->stopping && signals_stop_count() > 0)
		stop(inj, now);
	if (inj->stopping && signals_stop_count() > 1 && inj->drain_ns > now)
		inj->drain_ns = now;
	if (inj->stopping && now >= inj->drain_ns &&
	    inj->context.discard == OUTCOME_INJECTED)
		discard(inj, OUTCOME_DROPPED_STOPPED);
	if (!inj->deliver.gone || inj->context.discard == OUTCOME_ERROR)
		return;
	log_debug("%s is gone", inj->netdev.name);
	notify_send("ERRNO=77"); /* EBADFD */
	if (!inj->stopping)
		stop(inj, now);
	discard(inj, OUTCOME_ERROR);
}

static void check_gate(struct injector *inj, uint64_t now)
{
	if (!inj->gate_open && now >= inj->gate_ns) {
		inj->gate_open = true;
		log_debug("%s: the gate is open", inj->netdev.name);
	}
}

/* One peer's turn. Returns whether there may be more to do at once. */
static bool turn_peer(struct injector *inj, struct peer *peer, uint64_t now)
{
	bool again = peer_service(peer, &inj->context, now);

	if (inj->gate_open && !inj->stopping)
		peer_welcome(peer, inj->netdev.mtu);
	if (deliver_run(&inj->deliver, &peer->queue, &peer->account, now) > 0)
		again = true;
	counter_set(&inj->counters->queue_used, peer->queue.used);
	peer_finish(peer);
	if (inj->stopping)
		peer_stop(peer);
	return again;
}

static bool all_idle(const struct injector *inj)
{
	for (size_t i = 0; i < inj->peer_count; i++)
		if (!peer_idle(&inj->peers[i]))
			return false;
	return true;
}

/* Whether the injector's work is done; starts the linger time. */
static bool finished(struct injector *inj, uint64_t now)
{
	if (inj->stopping && now >= inj->drain_ns + LAST_WORDS_NS) {
		for (size_t i = 0; i < inj->peer_count; i++)
			peer_give_up(&inj->peers[i]);
		return true;
	}
	if (!all_idle(inj))
		return false;
	if (inj->linger_ns == CLOCK_NEVER)
		inj->linger_ns = now + (inj->counters->last_ns > 0
						? inj->options.linger_ns
						: 0);
	return inj->stopping || now >= inj->linger_ns;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The time of the next thing that happens by itself. */
static uint64_t next_event(const struct injector *inj, uint64_t now)
{
	uint64_t next = inj->linger_ns;

	if (!inj->gate_open)
		next = earlier(next, inj->gate_ns);
	if (inj->stopping)
		next = earlier(next, now < inj->drain_ns
					     ? inj->drain_ns
					     : inj->drain_ns + LAST_WORDS_NS);
	for (size_t i = 0; i < inj->peer_count; i++) {
		next = earlier(next, inj->peers[i].deadline_ns);
		if (inj->peers[i].queue.used > 0)
			next = earlier(next, deliver_next_ns(&inj->deliver));
	}
	return next;
}

static int wait_for_events(struct injector *inj, uint64_t deadline)
{
	struct pollfd fds[1 + PEERS_MAX];
	int r;

	fds[0] = (struct pollfd){ .fd = inj->worker.control_fd,
				  .events = POLLIN };
	for (size_t i = 0; i < inj->peer_count; i++) {
		bool wanted = peer_wants_input(&inj->peers[i], &inj->context);

		/* Not polled at all otherwise: POLLHUP would not let us sleep.
		 */
		fds[1 + i] = (struct pollfd){
			.fd = wanted ? inj->peers[i].fd : -1,
			.events = POLLIN,
		};
	}
	r = fd_poll(fds, 1 + inj->peer_count, deadline);
	if (r <= 0)
		return r;
	if (fds[0].revents) { /* nothing is ever sent on it: its end */
		fd_close(&inj->worker.control_fd);
		if (!inj->stopping)
			stop(inj, clock_now_ns());
	}
	for (size_t i = 0; i < inj->peer_count; i++)
		if (fds[1 + i].revents)
			inj->peers[i].readable = true;
	return 0;
}

static int injector_run(struct injector *inj)
{
	for (;;) {
		uint64_t now = clock_now_ns();
		bool again = false;
		int r;

		check_stop(inj, now);
		check_gate(inj, now);
		for (size_t i = 0; i < inj->peer_count; i++)
			if (turn_peer(inj, &inj->peers[i], now))
				again = true;
		if (finished(inj, now))
			return 0;
		r = wait_for_events(inj, again ? 0 : next_event(inj, now));
		if (r < 0)
			return r;
	}
}

static int exit_status(const struct injector *inj)
{
	bool broken = false;

	for (size_t i = 0; i < inj->peer_count; i++)
		broken = broken || inj->peers[i].broken;
	return broken || inj->deliver.gone ? TAPFEED_EXIT_LOSS
					   : TAPFEED_EXIT_OK;
}

int main(int argc, char **argv)
{
	static struct injector inj;
	int r = worker_init(&inj.worker, argc, argv, OPTIONS_INJECTOR, about,
			    &inj.options);

	if (r >= 0)
		return r;
	r = worker_confine();
	if (r != 0)
		return r;
	r = injector_open(&inj);
	if (r != 0)
		return r;
	listen_done();
	/* Pacing wakes up to the microsecond, not to the default 50 later. */
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	injector_ready(&inj);
	r = injector_run(&inj);
	if (r < 0)
		log_error("waiting for events: %s", log_errno(-r));
	notify_send("STOPPING=1"); /* before the interface goes */
	for (size_t i = 0; i < inj.peer_count; i++)
		peer_done(&inj.peers[i]);
	inj.writer.ops->done(&inj.writer);
	arena_done(&inj.arena);
	return r < 0 ? TAPFEED_EXIT_LOSS : exit_status(&inj);
}
