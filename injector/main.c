/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tapfeed-injector: owns the interface's queue, takes packets from feeds and
 * writes them. Everything a feed sends is hostile.
 */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/selftest.h"
#include "common/signals.h"
#include "common/worker.h"
#include "injector/control.h"
#include "injector/iface.h"
#include "injector/lanes.h"
#include "injector/peers.h"
#include "injector/policy.h"
#include "injector/selftest.h"
#include "injector/writer.h"

/* After the drain deadline, feeds get so long to say what they had sent. */
#define LAST_WORDS_NS NS_PER_S

/* Who spins sees packets at once; signals, the control socket and who joins
 * by ppoll(2), so often. */
#define LOOK_NS (100 * NS_PER_US)

/* A sleep ends 20 to 40 us too late where a processor was halted meanwhile. So
 * before a packet that waits for its time it is so much shorter, and the rest
 * is spun away. Not where packets follow each other more closely: that would
 * take all of a processor. */
#define SPIN_NS (50 * NS_PER_US)

struct injector {
	struct options options;
	struct worker worker;
	struct counters_injector *counters;
	struct netdev netdev;
	bool restarted;		/* another injector had the interface before */
	uint64_t frames_before; /* written by it, as far as it counted */
	struct arena arena;
	struct writer writer;
	struct lanes lanes;
	struct deliver deliver;
	struct peers peers;
	uint64_t gate_ns; /* when it opens, unless it is held */
	bool held;	  /* tapfeed says when (--hold) */
	bool stopping;
	uint64_t drain_ns;  /* while stopping: until then packets are written */
	uint64_t linger_ns; /* the end, once all is done; CLOCK_NEVER before */
	uint64_t spin_due_ns; /* of a packet, slept for a little short; 0: none
			       */
	uint64_t look_ns;     /* --busy-poll: when ppoll(2) is asked again */
};

static const char about[] =
	"Takes packets from feeds and writes them to a virtual interface.\n"
	"Started by tapfeed(1) or systemd with its descriptors by name (feed,\n"
	"privileged or interface, store, control, counters, notify); not by\n"
	"hand.";

static bool is_listening(int fd)
{
	socklen_t size = sizeof(int);
	int value = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 &&
	       value;
}

/* One connected, one listening, or both. 0, or a negative errno. */
static int take_feeds(struct injector *inj)
{
	int fd, r;

	while ((fd = listen_take("feed")) >= 0) {
		bool listening = is_listening(fd);

		if (listening ? inj->peers.listen_fd >= 0
			      : inj->peers.own_next_fd >= 0) {
			fd_close(&fd);
			return -EEXIST;
		}
		if (!listening) {
			peers_own(&inj->peers, fd, 0);
			continue;
		}
		r = peers_listen(&inj->peers, fd);
		if (r < 0)
			return r;
	}
	return 0;
}

static void stop(struct injector *inj, uint64_t now)
{
	if (inj->stopping)
		return;
	inj->stopping = true;
	inj->peers.gate = PEERS_STOPPING;
	inj->deliver.unpaced = true;
	inj->drain_ns = now + TAPFEED_DRAIN_DEADLINE_S * NS_PER_S;
	if (inj->deliver.paused) /* what waits for a reader has none */
		inj->drain_ns = now;
	notify_send("STOPPING=1");
}

/*
 * A new feed of our own capture. What the kernel has counted beyond a killed
 * injector says something only as long as we have written nothing.
 */
static void take_feed(struct injector *inj, int fd, uint64_t taken)
{
	const struct counters_injector *counters = inj->counters;
	uint64_t uncounted = 0;

	if (inj->restarted && inj->deliver.began_ns == 0 &&
	    counters->frames_written == inj->frames_before &&
	    taken > counters->frames_written)
		uncounted = taken - counters->frames_written;
	log_debug("a feed by the control socket");
	peers_own(&inj->peers, fd, uncounted);
}

static void take_gate(struct injector *inj, const struct worker_gate *gate,
		      uint64_t now)
{
	bool paused = gate->flags & WORKER_GATE_PAUSED;

	if (gate->flags & WORKER_GATE_OPEN) {
		inj->held = false;
		/* A successor does not begin with the start-up delay again. */
		inj->gate_ns = now;
	}
	if (paused != inj->deliver.paused)
		log_debug("%s: %s", inj->netdev.name,
			  paused ? "paused, nobody reads" : "goes on");
	peers_pause(&inj->peers, paused, now);
	if (paused && inj->stopping && inj->drain_ns > now)
		inj->drain_ns = now;
	/* Who has joined meanwhile and written ends the lingering anyway. */
	if (inj->linger_ns != CLOCK_NEVER && gate->frames_read > 0 &&
	    gate->frames_read == counter_get(&inj->counters->frames_written))
		inj->linger_ns = now;
}

static void take_control(struct injector *inj)
{
	const uint64_t now = clock_now_ns();
	struct control control;

	control_take(inj->worker.control_fd, &control);
	if (control.end) {
		fd_close(&inj->worker.control_fd);
		stop(inj, now);
		return;
	}
	if (control.feed_fd >= 0)
		take_feed(inj, control.feed_fd, control.frames_taken);
	if (control.gate_said)
		take_gate(inj, &control.gate, now);
}

/* 0, or the exit status where no feed can ever come. */
static int check_feeds(const struct injector *inj, bool by_control)
{
	if (inj->peers.own_next_fd >= 0 || inj->peers.listen_fd >= 0 ||
	    (by_control && inj->worker.control_fd >= 0))
		return 0;
	log_error("no socket named \"feed\" was handed over; start me through "
		  "tapfeed");
	return TAPFEED_EXIT_USAGE;
}

static enum writer_choice writer_choice(const struct options *options)
{
	if (options->require_ring)
		return WRITER_RING;
	return options->no_ring ? WRITER_PLAIN : WRITER_AUTO;
}

/* One by one, frames are written by this thread: each is counted before the
 * next, so that the count is exact also after kill -9. */
static int open_lanes(struct injector *inj)
{
	size_t count = lanes_wanted(inj->netdev.queues, inj->options.busy_poll);
	int r;

	if (inj->writer.ops == &writer_plain && inj->netdev.queues == 1)
		count = 0;
	if (count > inj->writer.lanes)
		count = inj->writer.lanes;
	r = lanes_init(&inj->lanes, &inj->writer, count);
	if (r < 0)
		log_error("descriptors for writer threads: %s", log_errno(-r));
	return r < 0 ? TAPFEED_EXIT_LOSS : 0;
}

/* Opens and allocates all there will be. 0, or the exit status. */
static int injector_open(struct injector *inj)
{
	int r;

	inj->counters = inj->worker.counters;
	r = arena_init(&inj->arena);
	if (r == 0)
		r = peers_init(&inj->peers, &inj->options, &inj->arena,
			       &inj->deliver, inj->counters);
	if (r < 0) {
		log_error("memory for the arena and a queue of %u packets: %s",
			  inj->options.queue_size, log_errno(-r));
		return TAPFEED_EXIT_LOSS;
	}
	r = take_feeds(inj);
	if (r < 0) {
		log_error("the sockets named \"feed\" must be one connected "
			  "and one listening at most: %s",
			  log_errno(-r));
		return TAPFEED_EXIT_USAGE;
	}
	r = check_feeds(inj, true);
	if (r == 0)
		r = (selftest_armed() ? selftest_iface
				      : iface_open)(&inj->options,
						    inj->counters, &inj->netdev,
						    &inj->restarted);
	if (r == 0) /* only for a successor it comes later */
		r = check_feeds(inj, inj->restarted);
	if (r != 0)
		return r;
	r = writer_open(&inj->writer, inj->netdev.queue_fd, inj->netdev.queues,
			&inj->arena, writer_choice(&inj->options),
			inj->restarted);
	return r < 0 ? TAPFEED_EXIT_LOSS : open_lanes(inj);
}

static void injector_ready(struct injector *inj)
{
	const char *kind = inj->netdev.kind == TAPFEED_TUN ? "tun" : "tap";
	char text[128];

	inj->deliver = (struct deliver){
		.writer = &inj->writer,
		.lanes = &inj->lanes,
		.counters = inj->counters,
		.when_full = inj->options.when_full,
		.interface = inj->netdev.name,
	};
	pace_init(&inj->deliver.pace, &inj->options);
	inj->peers.context.mtu = inj->netdev.mtu;
	memcpy(inj->peers.context.interface, inj->netdev.name,
	       sizeof(inj->peers.context.interface));
	inj->frames_before = inj->counters->frames_written;
	inj->gate_ns = clock_now_ns();
	/* Where a former injector has written something, it was open. */
	if (!inj->restarted || inj->counters->last_ns == 0) {
		inj->gate_ns += inj->options.startup_delay_ns;
		inj->held = inj->options.hold;
	}
	inj->linger_ns = CLOCK_NEVER;
	if (inj->worker.control_fd >= 0)
		take_control(inj);
	counter_set(&inj->counters->writer, inj->writer.ops == &writer_ring
						    ? COUNTERS_WRITER_RING
						    : COUNTERS_WRITER_PLAIN);
	log_debug("%s: writer %s, threads %zu, arena %u x %u KiB",
		  inj->netdev.name, inj->writer.ops->name, inj->lanes.count,
		  TAPFEED_SLOT_COUNT, TAPFEED_SLOT_BYTES / 1024);
	snprintf(text, sizeof(text), "READY=1\nSTATUS=%s is up (%s, mtu %u)",
		 inj->netdev.name, kind, inj->netdev.mtu);
	notify_send(text);
}

/* Nothing of a peer has been read so far. 0, or the exit status. */
static int seal(struct injector *inj)
{
	const int notify = notify_descriptor();
	int rings[WRITER_LANES_MAX];
	const struct sandbox_fds fds[POLICY_INJECTOR_FDS] = {
		[POLICY_INJECTOR_NOTIFY] = { &notify, 1 },
		[POLICY_INJECTOR_CONTROL] = { &inj->worker.control_fd, 1 },
		[POLICY_INJECTOR_LISTEN] = { &inj->peers.listen_fd, 1 },
		[POLICY_INJECTOR_RING] = { rings, writer_ring_fds(&inj->writer,
								  rings) },
	};
	struct sandbox_policy policy =
		policy_injector(fds, inj->options.queue_size);

	policy.start_threads = lanes_start;
	policy.threads = &inj->lanes;
	/* Pacing wakes up to the microsecond, not to the default 50 later. */
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	return worker_seal(&policy);
}

static void check_stop(struct injector *inj, uint64_t now)
{
	const enum outcome *discard = &inj->peers.context.discard;

	if (signals_stop_count() > 0)
		stop(inj, now);
	if (inj->stopping && signals_stop_count() > 1 && inj->drain_ns > now)
		inj->drain_ns = now;
	/* What can no longer be written is counted, now and when it comes. */
	if (inj->stopping && now >= inj->drain_ns &&
	    *discard < OUTCOME_DROPPED_STOPPED)
		peers_discard(&inj->peers, OUTCOME_DROPPED_STOPPED);
	if (!inj->deliver.gone || *discard == OUTCOME_ERROR)
		return;
	log_debug("%s is gone", inj->netdev.name);
	notify_send("ERRNO=77"); /* EBADFD */
	stop(inj, now);
	peers_discard(&inj->peers, OUTCOME_ERROR);
}

static void check_gate(struct injector *inj, uint64_t now)
{
	if (inj->peers.gate == PEERS_SHUT && !inj->held &&
	    now >= inj->gate_ns) {
		inj->peers.gate = PEERS_OPEN;
		log_debug("%s: the gate is open", inj->netdev.name);
	}
}

/* Whether the injector's work is done; starts the linger time. */
static bool finished(struct injector *inj, uint64_t now)
{
	if (inj->stopping && now >= inj->drain_ns + LAST_WORDS_NS) {
		peers_give_up(&inj->peers);
		return true;
	}
	if (!peers_idle(&inj->peers)) {
		inj->linger_ns = CLOCK_NEVER;
		return false;
	}
	if (inj->stopping)
		return true;
	/* Without a capture of its own it serves whoever joins. */
	if (!inj->peers.own_came)
		return false;
	/* tapfeed starts another capture, or has us stop. */
	if (inj->peers.own_awaited && inj->worker.control_fd >= 0)
		return false;
	if (inj->linger_ns == CLOCK_NEVER)
		inj->linger_ns = now + (inj->counters->last_ns > 0
						? inj->options.linger_ns
						: 0);
	return now >= inj->linger_ns;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The time; what was slept for a little short is waited for here. */
static uint64_t await_due(const struct injector *inj)
{
	uint64_t now = clock_now_ns();

	while (now < inj->spin_due_ns && inj->spin_due_ns - now <= SPIN_NS)
		now = clock_now_ns();
	return now;
}

/* When to wake up for the next packet: where its time matters and it is not all
 * but due, a little before. */
static uint64_t next_packet(struct injector *inj, uint64_t now)
{
	uint64_t due = peers_due_ns(&inj->peers);

	inj->spin_due_ns = 0;
	if (!pace_active(&inj->deliver.pace) || due == CLOCK_NEVER ||
	    due < now + SPIN_NS)
		return due;
	inj->spin_due_ns = due;
	return due - SPIN_NS;
}

/* The time of the next thing that happens by itself. */
static uint64_t next_event(struct injector *inj, uint64_t now)
{
	uint64_t next = earlier(inj->linger_ns, peers_next_ns(&inj->peers));

	next = earlier(next, next_packet(inj, now));
	if (inj->peers.gate == PEERS_SHUT && !inj->held)
		next = earlier(next, inj->gate_ns);
	if (inj->stopping)
		next = earlier(next, now < inj->drain_ns
					     ? inj->drain_ns
					     : inj->drain_ns + LAST_WORDS_NS);
	return next;
}

static int wait_for_events(struct injector *inj, uint64_t now,
			   uint64_t deadline)
{
	struct pollfd fds[2 + PEERS_POLL_MAX];
	size_t n = 2 + peers_poll(&inj->peers, now, fds + 2);
	int r;

	fds[0] = (struct pollfd){ .fd = inj->worker.control_fd,
				  .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = inj->lanes.bell, .events = POLLIN };
	if (deadline > now && !lanes_await(&inj->lanes))
		deadline = 0;
	r = fd_poll(fds, n, deadline);
	lanes_awake(&inj->lanes, r > 0 && fds[1].revents);
	if (r <= 0)
		return r;
	if (fds[0].revents)
		take_control(inj);
	peers_polled(&inj->peers, fds + 2);
	return 0;
}

static int injector_run(struct injector *inj)
{
	for (;;) {
		uint64_t now = await_due(inj);
		bool again, spins;
		int r;

		check_stop(inj, now);
		check_gate(inj, now);
		again = peers_turn(&inj->peers, now);
		if (finished(inj, now))
			return 0;
		spins = inj->options.busy_poll && peers_spin(&inj->peers);
		if (spins && now < inj->look_ns)
			continue;
		inj->look_ns = now + LOOK_NS;
		r = wait_for_events(inj, now,
				    again || spins ? 0 : next_event(inj, now));
		if (r < 0)
			return r;
	}
}

static int exit_status(const struct injector *inj)
{
	return inj->peers.own_broken || inj->deliver.gone ? TAPFEED_EXIT_LOSS
							  : TAPFEED_EXIT_OK;
}

static size_t rings_wanted(const struct options *options)
{
	size_t lanes = lanes_wanted(options->queues, options->busy_poll);

	return lanes > 1 ? lanes : 1;
}

static int work(int argc, char **argv)
{
	static struct injector inj;
	int r = worker_init(&inj.worker, argc, argv, OPTIONS_INJECTOR, about,
			    &inj.options);

	if (r >= 0)
		return r;
	writer_prepare(&inj.writer, writer_choice(&inj.options),
		       rings_wanted(&inj.options));
	r = worker_drop(TAPFEED_USER);
	if (r == 0)
		r = injector_open(&inj);
	if (r != 0)
		return r;
	listen_done();
	r = seal(&inj);
	if (r != 0)
		return r;
	injector_ready(&inj);
	r = injector_run(&inj);
	if (r < 0)
		log_error("waiting for events: %s", log_errno(-r));
	notify_send("STOPPING=1"); /* before the interface goes */
	lanes_stop(&inj.lanes);
	peers_done(&inj.peers);
	inj.writer.ops->done(&inj.writer);
	arena_done(&inj.arena);
	return r < 0 ? TAPFEED_EXIT_LOSS : exit_status(&inj);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--self-test") == 0)
		return selftest_injector(work);
	return work(argc, argv);
}
