/* SPDX-License-Identifier: Apache-2.0 */
/* The command's side of the gate. Input is hostile: what comes to the socket of
 * --ready-socket. */
#include <config.h>

#include "launcher/gate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/escape.h"
#include "common/fd.h"
#include "common/log.h"
#include "launcher/progress.h"
#include "launcher/supervise.h"
#include "launcher/waitfile.h"
#include "proto/worker.h"

/* How often the kernel is asked. A reader that goes is missed so long. */
#define INTERVAL_NS (50 * NS_PER_MS)

/*
 * A reader that has seen the last packet may go before we hear that it was the
 * last: capture's word for that takes longer. So long it is not missed.
 */
#define GONE_NS (20 * NS_PER_MS)

/*
 * A ring's reader gets its last packets when the kernel hands over the block
 * that they are in: after a second at the latest with most users of libpcap.
 */
#define RING_LINGER_NS (2 * NS_PER_S)

/* Datagrams of --ready-socket in one turn, and the longest one. */
#define READY_TURN	8
#define READY_MAX_BYTES 4096

#define ULL(x) ((unsigned long long)(x))

bool gate_holds(const struct gate *gate)
{
	return gate->for_reader || gate->for_start || gate->for_ready ||
	       gate->for_file;
}

int gate_init(struct gate *gate, const struct options *options, int ready_fd,
	      int file_fd)
{
	*gate = (struct gate){
		.for_reader = options->wait_for_reader,
		.for_start = options->wait_for_start,
		.for_ready = ready_fd >= 0,
		.for_file = options->wait_for_file != NULL,
		.readers_wanted = options->readers,
		.settle_ns = options->settle_ns,
		.no_reader = options->no_reader,
		.linger_auto = options->linger_auto,
		.startup_delay_ns = options->startup_delay_ns,
		.ready_fd = ready_fd,
		.ready_path = options->ready_socket,
		.file_fd = file_fd,
		.file_path = options->wait_for_file,
		.file = file_fd < 0,
		.readers = { .fd = -1 },
	};
	gate->open = !gate_holds(gate) && gate->startup_delay_ns == 0;
	if (!gate->for_reader && !gate->linger_auto &&
	    !options_is_given(options, "no-reader") &&
	    gate->no_reader == NO_READER_CONTINUE)
		return 0;
	return readers_init(&gate->readers);
}

void gate_done(struct gate *gate)
{
	readers_done(&gate->readers);
	fd_close(&gate->ready_fd);
	fd_close(&gate->file_fd);
}

static bool settled(const struct gate *gate, uint64_t now_ns)
{
	return gate->set.count >= gate->readers_wanted &&
	       now_ns - gate->changed_ns >= gate->settle_ns;
}

uint32_t gate_waits(const struct gate *gate, uint64_t now_ns)
{
	uint32_t waits = 0;

	if (gate->open)
		return 0;
	if (!gate->begun || now_ns < gate->delay_ns)
		waits |= gate->startup_delay_ns ? CONTROL_WAIT_DELAY : 0;
	if (gate->for_reader && !settled(gate, now_ns))
		waits |= CONTROL_WAIT_READERS;
	if (gate->for_start && !gate->started)
		waits |= CONTROL_WAIT_START;
	if (gate->for_ready && !gate->ready)
		waits |= CONTROL_WAIT_READY;
	if (gate->for_file && !gate->file)
		waits |= CONTROL_WAIT_FILE;
	return waits;
}

enum control_start gate_start(struct gate *gate)
{
	if (!gate->for_start)
		return CONTROL_START_NOT_AWAITED;
	if (gate->started)
		return CONTROL_START_ALREADY;
	gate->started = true;
	gate->next_ns = 0;
	return CONTROL_START_DONE;
}

/* The last message tells all: one that was lost with a killed injector is told
 * to its successor. */
static void tell(struct feed *feed, uint64_t frames_read)
{
	struct gate *gate = &feed->gate;
	const int control = feed->processes[FEED_INJECTOR].control_fd;
	const struct worker_gate message = {
		.version = WORKER_VERSION,
		.flags = (gate->open ? WORKER_GATE_OPEN : 0u) |
			 (gate->paused ? WORKER_GATE_PAUSED : 0u),
		.frames_read = frames_read,
	};

	gate->untold = control >= 0 && send(control, &message, sizeof(message),
					    MSG_DONTWAIT | MSG_NOSIGNAL) < 0;
}

/* "1 reader", "4 readers" */
static void name_readers(char *buf, size_t size, uint32_t n)
{
	snprintf(buf, size, "%u reader%s", n, n == 1 ? "" : "s");
}

void gate_renew(struct feed *feed)
{
	if (feed->gate.begun)
		tell(feed, 0);
}

static void say_waiting(const struct feed *feed)
{
	const struct gate *gate = &feed->gate;
	char readers[120] = "", start[60] = "", ready[300] = "", file[300] = "";
	char path[200];
	const char *comma = "";

	if (gate->for_reader) {
		snprintf(readers, sizeof(readers),
			 "%u packet socket%s on it, unchanged for %.3g s",
			 gate->readers_wanted,
			 gate->readers_wanted == 1 ? "" : "s",
			 (double)gate->settle_ns / (double)NS_PER_S);
		comma = ", and for ";
	}
	if (gate->for_start) {
		snprintf(start, sizeof(start), "%stapfeed start %s", comma,
			 feed->interface);
		comma = ", and for ";
	}
	if (gate->for_ready) {
		escape_text(path, sizeof(path), gate->ready_path,
			    strlen(gate->ready_path));
		snprintf(ready, sizeof(ready), "%sREADY=1 to %s", comma, path);
		comma = ", and for ";
	}
	if (gate->for_file) {
		escape_text(path, sizeof(path), gate->file_path,
			    strlen(gate->file_path));
		snprintf(file, sizeof(file), "%s%s%s", comma, path,
			 gate->file ? ", which is there" : "");
	}
	log_info("%s waits for %s%s%s%s", feed->interface, readers, start,
		 ready, file);
}

void gate_ready(struct feed *feed)
{
	struct gate *gate = &feed->gate;

	if (gate->begun) { /* the injector is a new one */
		tell(feed, 0);
		return;
	}
	gate->begun = true;
	gate->delay_ns = clock_now_ns() + gate->startup_delay_ns;
	if (gate_holds(gate))
		say_waiting(feed);
}

/* Nobody reads any more, and packets are still to come. */
static void on_missed(struct feed *feed)
{
	struct gate *gate = &feed->gate;

	gate->missed = true;
	progress_clear();
	switch (gate->no_reader) {
	case NO_READER_PAUSE:
		gate->paused = true;
		tell(feed, 0);
		log_warning("nobody reads %s any more: packets %s until "
			    "somebody does (--no-reader pause)",
			    feed->interface,
			    feed->when_full == WHEN_FULL_WAIT
				    ? "wait"
				    : "are dropped and counted");
		break;
	case NO_READER_EXIT:
		gate->left = true;
		gate->paused = true; /* what waits is for nobody */
		tell(feed, 0);
		log_error("nobody reads %s any more: the feed ends "
			  "(--no-reader exit)",
			  feed->interface);
		feed_stop(feed);
		break;
	case NO_READER_CONTINUE:
	default:
		log_warning("nobody reads %s any more: packets go on "
			    "(--no-reader continue)",
			    feed->interface);
		break;
	}
}

static void on_back(struct feed *feed)
{
	struct gate *gate = &feed->gate;
	char readers[32];

	name_readers(readers, sizeof(readers), gate->set.count);
	progress_clear();
	log_info("%s is read again (%s)", feed->interface, readers);
	gate->missed = false;
	if (!gate->paused)
		return;
	gate->paused = false;
	tell(feed, 0);
}

bool gate_all_written(const struct feed *feed)
{
	return feed->done && counter_get(&feed->injector->peers) == 0 &&
	       counter_get(&feed->injector->queue_used) == 0;
}

/* A new set of readers, or the same one again. */
static void watch_readers(struct feed *feed, uint64_t now_ns)
{
	struct gate *gate = &feed->gate;

	/* Whether somebody reads an interface without packets is all one. */
	if (!gate->open || gate_all_written(feed))
		return;
	if (gate->read && gate->set.count == 0 && !gate->missed &&
	    now_ns - gate->changed_ns < GONE_NS)
		gate->next_ns = gate->changed_ns + GONE_NS;
	else if (gate->read && gate->set.count == 0 && !gate->missed)
		on_missed(feed);
	else if (gate->missed && gate->set.count > 0 &&
		 (!gate->paused || settled(gate, now_ns)))
		on_back(feed);
}

static void say_begins(const struct feed *feed)
{
	const struct gate *gate = &feed->gate;
	char readers[32];

	name_readers(readers, sizeof(readers), gate->set.count);
	progress_clear();
	log_info("%s begins%s%s%s%s%s", feed->interface,
		 gate->for_reader ? ": " : "", gate->for_reader ? readers : "",
		 gate->for_start ? ", it was started" : "",
		 gate->for_ready ? ", READY=1 has come" : "",
		 gate->for_file ? ", the file is there" : "");
}

static void open_gate(struct feed *feed, uint64_t now_ns)
{
	struct gate *gate = &feed->gate;

	if (gate_waits(gate, now_ns) != 0 || now_ns < gate->delay_ns)
		return;
	gate->open = true;
	if (gate_holds(gate))
		say_begins(feed);
	watch_readers(feed, now_ns); /* who was there may have gone */
	tell(feed, 0);
}

/* --linger auto: the injector is told once nothing waits for a reader. */
static void watch_queues(struct feed *feed, uint64_t now_ns)
{
	struct gate *gate = &feed->gate;
	const struct readers_set *set = &gate->set;

	if (!gate->linger_auto || gate->asked_frames == 0 ||
	    set->queued_bytes > 0)
		return;
	if (set->rings > 0 && !gate->rings_said) {
		progress_clear();
		log_info("%s stays for %u s: what waits for a reader with a "
			 "ring cannot be seen",
			 feed->interface,
			 (unsigned int)(RING_LINGER_NS / NS_PER_S));
		gate->rings_said = true;
	}
	if (set->rings > 0 && now_ns < gate->done_ns + RING_LINGER_NS)
		return;
	tell(feed, gate->asked_frames);
}

static void take_answer(struct feed *feed, const struct readers_set *set,
			uint64_t now_ns)
{
	struct gate *gate = &feed->gate;

	if (set->count != gate->set.count || set->mark != gate->set.mark) {
		gate->changed_ns = now_ns;
		log_debug("%s: %u readers, %u rings, %llu bytes wait",
			  feed->interface, set->count, set->rings,
			  ULL(set->queued_bytes));
	}
	gate->set = *set;
	gate->read = gate->read || set->count > 0;
	watch_readers(feed, now_ns);
	watch_queues(feed, now_ns);
}

static void ask(struct feed *feed, uint64_t now_ns)
{
	struct gate *gate = &feed->gate;
	struct readers_set set;
	uint64_t frames = 0;
	int r = 0;

	if (!gate->readers.asked) {
		if (gate_all_written(feed))
			frames = counter_get(&feed->injector->frames_written);
		if (frames != gate->asked_frames)
			gate->done_ns = now_ns;
		gate->asked_frames = frames;
		r = readers_ask(&gate->readers);
	}
	if (r == 0)
		r = readers_take(&gate->readers, feed->link.ifindex, &set);
	if (r < 0 && !gate->failed_said) {
		progress_clear();
		log_warning("asking the kernel who reads %s: %s; it is asked "
			    "again",
			    feed->interface, log_errno(-r));
		gate->failed_said = true;
	}
	gate->next_ns = now_ns + INTERVAL_NS;
	if (r == 0)
		gate->next_ns = now_ns; /* of many sockets a part */
	else if (r > 0)
		take_answer(feed, &set, now_ns);
}

static bool says_ready(const char *text, size_t len)
{
	static const char wanted[] = "READY=1";

	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len;

		if (line == sizeof(wanted) - 1 &&
		    memcmp(text, wanted, line) == 0)
			return true;
		text += end ? line + 1 : line;
		len -= end ? line + 1 : line;
	}
	return false;
}

/*
 * Whoever may write to the socket's file may say so. Behind READY=1 it is read
 * on: sd_notify_barrier(3), so systemd-notify(1), sends a descriptor and waits
 * until it is closed; and an IDS may go on to tell its STATUS.
 */
static void hear_ready(struct gate *gate)
{
	char text[READY_MAX_BYTES];

	for (int i = 0; gate->ready_fd >= 0 && i < READY_TURN; i++) {
		/* recv, not recvmsg: descriptors sent along are dropped. */
		ssize_t n =
			recv(gate->ready_fd, text, sizeof(text), MSG_DONTWAIT);

		if (n < 0)
			return;
		gate->ready = gate->ready || says_ready(text, (size_t)n);
	}
}

static void look_for_file(struct gate *gate)
{
	static struct log_limit limit = { .burst = 1,
					  .interval_ns = 10 * NS_PER_S };
	uint64_t left_out;
	char path[200];
	int r = 0;

	if (gate->file_fd >= 0)
		r = waitfile_take(gate->file_fd, gate->file_path);
	if (r == 0)
		return;
	escape_text(path, sizeof(path), gate->file_path,
		    strlen(gate->file_path));
	if (r == -EOVERFLOW) { /* there was more than the kernel keeps */
		if (log_limit_pass(&limit, clock_now_ns(), &left_out))
			log_warning("%s may have come unseen, so much happens "
				    "in its directory: touch it",
				    path);
		return;
	}
	gate->file = r > 0;
	fd_close(&gate->file_fd);
	if (r < 0)
		log_error("%s will not come: %s; Ctrl-C ends the wait", path,
			  r == -ESTALE ? "its directory is gone"
				       : log_errno(-r));
}

void gate_turn(struct feed *feed, uint64_t now_ns)
{
	struct gate *gate = &feed->gate;

	/* At any time: what is not taken wakes the loop for ever. */
	hear_ready(gate);
	look_for_file(gate);
	if (!gate->begun || feed->deadline_ns != CLOCK_NEVER)
		return;
	if (gate->untold)
		tell(feed, 0);
	if (gate->readers.fd >= 0 && now_ns >= gate->next_ns)
		ask(feed, now_ns);
	if (!gate->open)
		open_gate(feed, now_ns);
}

uint64_t gate_next_ns(const struct feed *feed)
{
	const struct gate *gate = &feed->gate;

	if (!gate->begun || feed->deadline_ns != CLOCK_NEVER)
		return CLOCK_NEVER;
	if (gate->readers.fd >= 0)
		return gate->next_ns;
	if (gate->untold) /* a full socket: it is being read */
		return clock_now_ns() + INTERVAL_NS;
	return gate->open || gate->delay_ns < clock_now_ns() ? CLOCK_NEVER
							     : gate->delay_ns;
}
