/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the queue. Its entries were checked before. */
#include <config.h>

#include "injector/deliver.h"

#include <assert.h>
#include <errno.h>

#include "common/clock.h"
#include "common/log.h"
#include "injector/latency.h"

/* A write to an interface that is down fails at once: look again after this. */
#define DOWN_RETRY_NS (50 * NS_PER_MS)
/* An interface that is being deleted is down for a moment: nothing to say. */
#define DOWN_SAY_NS (200 * NS_PER_MS)

#define AGAIN_RETRY_NS NS_PER_MS

/* Frames for which it is worth waking another thread: a batch. */
#define LANES_WORTH WRITER_BATCH_MAX

static void note_down(struct deliver *deliver, uint64_t now_ns)
{
	if (deliver->down_ns == 0)
		deliver->down_ns = now_ns;
	if (deliver->down_said || now_ns < deliver->down_ns + DOWN_SAY_NS)
		return;
	deliver->down_said = true;
	log_warning("%s is down: packets %s until it is up again (ip link set "
		    "%s up)",
		    deliver->interface,
		    deliver->when_full == WHEN_FULL_WAIT
			    ? "wait"
			    : "are dropped and counted",
		    deliver->interface);
}

static void note_up(struct deliver *deliver)
{
	if (deliver->down_said)
		log_info("%s is up again", deliver->interface);
	deliver->down_said = false;
	deliver->down_ns = 0;
}

static void log_failed_write(const struct deliver *deliver, uint32_t len,
			     int result, uint64_t now_ns)
{
	static struct log_limit limit = { .burst = 5, .interval_ns = NS_PER_S };
	uint64_t left_out;

	if (log_limit_pass(&limit, now_ns, &left_out))
		log_error("a frame of %u bytes could not be written to %s: %s",
			  len, deliver->interface,
			  log_errno(result < 0 ? -result : EIO));
}

/*
 * Acts on the result of an entry's write, which was there at written_ns.
 * Returns false where the entry has to be tried again later.
 */
static bool settle(struct deliver *deliver, const struct queue_entry *entry,
		   struct account *account, int result, uint64_t now_ns,
		   uint64_t written_ns)
{
	enum outcome outcome = OUTCOME_ERROR;

	if (result == (int)entry->len) {
		note_up(deliver);
		outcome = OUTCOME_INJECTED;
		latency_note(deliver->counters, entry, written_ns);
		timing_note(deliver->counters, entry, written_ns);
	} else if (result == -EIO) {
		note_down(deliver, now_ns);
		if (deliver->when_full == WHEN_FULL_WAIT) {
			deliver->retry_ns = now_ns + DOWN_RETRY_NS;
			return false;
		}
		outcome = OUTCOME_DROPPED_INTERFACE_DOWN;
	} else if (result == -EAGAIN) {
		deliver->retry_ns = now_ns + AGAIN_RETRY_NS;
		return false;
	} else if (result == -EBADFD) {
		deliver->gone = true; /* the main loop says so, once */
	} else {
		log_failed_write(deliver, entry->len, result, now_ns);
	}
	account_frame(account, entry->len, entry->flags, outcome);
	return true;
}

/* Writes n entries at the queue's front; returns how many are done with. */
static size_t write_some(struct deliver *deliver, struct queue *queue,
			 struct account *account, size_t n, uint64_t now_ns)
{
	struct writer *writer = deliver->writer;
	struct queue_entry *entries[WRITER_BATCH_MAX];
	int results[WRITER_BATCH_MAX];
	bool done[WRITER_BATCH_MAX];
	size_t settled = 0;

	assert(n > 0);
	for (size_t i = 0; i < n; i++)
		entries[i] = queue_at(queue, i);
	writer->ops->write(writer, 0, entries, n, results);
	deliver->written_ns = clock_now_ns();
	for (size_t i = 0; i < n; i++) {
		done[i] = settle(deliver, entries[i], account, results[i],
				 now_ns, deliver->written_ns);
		settled += done[i];
	}
	queue_remove(queue, done, n);
	return settled;
}

static void stamp(struct deliver *deliver, uint64_t now_ns)
{
	if (deliver->counters->first_ns == 0)
		counter_set(&deliver->counters->first_ns,
			    deliver->began_ns ? deliver->began_ns : now_ns);
	counter_set(&deliver->counters->last_ns, deliver->written_ns);
}

bool deliver_begin(struct deliver *deliver)
{
	if (!deliver->lanes)
		return false;
	lanes_look(deliver->lanes);
	if (!lanes_halted(deliver->lanes))
		return false;
	lanes_stop(deliver->lanes);
	return true;
}

/*
 * Where the lanes are idle, all that was handed over: what has to be tried
 * again, or was never begun, is the queue's again. Else as far as the first
 * such frame.
 */
size_t deliver_collect(struct deliver *deliver, struct queue *queue,
		       struct account *account, uint64_t now_ns)
{
	/* Not on the stack, where 16 KiB would be zeroed at each turn. */
	static bool done[LANES_ENTRIES];
	const bool idle = queue->sent > 0 && lanes_idle(deliver->lanes);
	bool down = false;
	size_t settled = 0, n;

	assert(queue->sent <= LANES_ENTRIES);
	for (n = 0; n < queue->sent; n++) {
		struct queue_entry *entry = queue_at(queue, n);
		int result = queue_entry_result(entry);
		bool again = result == QUEUE_UNWRITTEN || result == -EIO ||
			     result == -EAGAIN;

		if (again && !idle)
			break;
		down = down || result == -EIO;
		done[n] = result != QUEUE_UNWRITTEN &&
			  settle(deliver, entry, account, result, now_ns,
				 entry->written_ns);
		if (done[n])
			deliver->written_ns = entry->written_ns;
		else
			entry->result = QUEUE_UNWRITTEN;
		settled += done[n];
	}
	queue_remove(queue, done, n);
	queue->sent -= n;
	if (down) /* what another lane wrote meanwhile came before it */
		note_down(deliver, now_ns);
	if (settled > 0)
		stamp(deliver, now_ns);
	return settled;
}

static void say_behind(const struct deliver *deliver, uint64_t behind_ns,
		       uint64_t now_ns)
{
	static struct log_limit limit = { .burst = 1,
					  .interval_ns = 10 * NS_PER_S };
	uint64_t left_out;

	if (log_limit_pass(&limit, now_ns, &left_out))
		log_warning("%s: a packet came %llu ms after its time: the "
			    "source or this host was too slow; those behind it "
			    "keep their distance from it",
			    deliver->interface,
			    (unsigned long long)(behind_ns / NS_PER_MS));
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Whether the frame, with so many bytes before it, may be written by now; then
 * it counts for the pace. */
static bool take(struct deliver *deliver, struct queue *queue,
		 uint32_t headroom, struct queue_entry *entry, uint64_t now_ns)
{
	struct pace *pace = &deliver->pace;
	uint64_t due_ns;

	pace_idle(pace, queue->fresh_ns);
	if (pace_due_ns(pace, &queue->clock, entry->time_ns) > now_ns)
		return false;
	due_ns = pace_take(pace, &queue->clock, entry->time_ns,
			   entry->len - headroom, now_ns);
	due_ns = later(due_ns, deliver->resumed_ns);
	if (!pace_timed(pace)) /* a bucket knows not that there was nothing */
		due_ns = later(due_ns, queue->fresh_ns);
	else if (now_ns - due_ns > PACE_STALL_NS)
		say_behind(deliver, now_ns - due_ns, now_ns);
	entry->due_ns = due_ns;
	return true;
}

/*
 * How many frames wait and may be written by now. One that has to be tried
 * again does not count twice.
 */
static size_t due(struct deliver *deliver, struct queue *queue,
		  uint32_t headroom, uint64_t now_ns)
{
	size_t waiting = queue->used - queue->sent, n = 0;

	if (deliver->unpaced || !pace_active(&deliver->pace))
		return waiting;
	if (waiting > DELIVER_ROUND_FRAMES)
		waiting = DELIVER_ROUND_FRAMES;
	for (; n < waiting; n++) {
		struct queue_entry *entry = queue_at(queue, queue->sent + n);

		if (entry->due_ns == 0 &&
		    !take(deliver, queue, headroom, entry, now_ns))
			break;
	}
	return n;
}

/*
 * Whether the lanes write the next n frames: those behind something that they
 * have, and what is worth waking them for. Never to an interface that is down:
 * there, a frame must not be tried before the one in front of it.
 */
static bool by_lanes(const struct deliver *deliver, const struct queue *queue,
		     size_t n)
{
	if (!deliver->lanes || deliver->lanes->count == 0)
		return false;
	if (deliver_busy(deliver, queue))
		return true;
	return deliver->down_ns == 0 && !deliver->gone && n >= LANES_WORTH;
}

static void hand_over(struct deliver *deliver, struct queue *queue, size_t n,
		      uint64_t now_ns)
{
	size_t i = 0;

	if (n > LANES_ENTRIES - queue->sent)
		n = LANES_ENTRIES - queue->sent;
	if (n > DELIVER_ROUND_FRAMES) /* others have their turn */
		n = DELIVER_ROUND_FRAMES;
	if (deliver->began_ns == 0)
		deliver->began_ns = now_ns;
	while (i < n &&
	       lanes_push(deliver->lanes, queue_at(queue, queue->sent + i)))
		i++;
	queue->sent += i;
	lanes_kick(deliver->lanes);
}

/* Of an interface that is down, one by one: it may come up between two frames
 * of a batch, and the first ones would be tried again behind the others. */
static size_t batch_max(const struct deliver *deliver)
{
	return deliver->down_ns > 0 ? 1 : deliver->writer->ops->batch_max;
}

/* By this thread, of n that are due. Returns how many frames are done with. */
static size_t write_round(struct deliver *deliver, struct queue *queue,
			  struct account *account, size_t n, uint64_t now_ns)
{
	size_t done = 0;

	if (n > DELIVER_ROUND_FRAMES)
		n = DELIVER_ROUND_FRAMES;
	while (done < n && !deliver->gone && !deliver->retry_ns) {
		size_t some = n - done;

		if (some > batch_max(deliver))
			some = batch_max(deliver);
		done += write_some(deliver, queue, account, some, now_ns);
	}
	if (done > 0)
		stamp(deliver, now_ns);
	return done;
}

/* Notes since when there is something to write. */
static void note_fresh(struct queue *queue, uint64_t now_ns)
{
	if (queue->used == queue->sent)
		queue->fresh_ns = 0;
	else if (queue->fresh_ns == 0)
		queue->fresh_ns = now_ns;
}

size_t deliver_run(struct deliver *deliver, struct queue *queue,
		   struct account *account, uint64_t now_ns)
{
	size_t done = deliver_collect(deliver, queue, account, now_ns);
	size_t n;

	note_fresh(queue, now_ns);
	if (deliver->paused || deliver->retry_ns > now_ns)
		return done;
	deliver->retry_ns = 0;
	n = due(deliver, queue, account->headroom, now_ns);
	if (by_lanes(deliver, queue, n))
		hand_over(deliver, queue, n, now_ns);
	else
		done += write_round(deliver, queue, account, n, now_ns);
	note_fresh(queue, now_ns);
	return done;
}

bool deliver_busy(const struct deliver *deliver, const struct queue *queue)
{
	return queue->sent > 0 ||
	       (deliver->lanes && !lanes_idle(deliver->lanes));
}

uint64_t deliver_next_ns(const struct deliver *deliver,
			 const struct queue *queue)
{
	const struct queue_entry *next;
	uint64_t paced = 0;

	if (queue->used == queue->sent || deliver->paused ||
	    queue->sent == LANES_ENTRIES)
		return CLOCK_NEVER;
	next = queue_at(queue, queue->sent);
	if (deliver_busy(deliver, queue) &&
	    !lanes_have_room(deliver->lanes, next))
		return CLOCK_NEVER; /* the lanes' bell tells */
	if (!deliver->unpaced && next->due_ns == 0)
		paced = pace_due_ns(&deliver->pace, &queue->clock,
				    next->time_ns);
	return paced > deliver->retry_ns ? paced : deliver->retry_ns;
}

void deliver_discard(struct deliver *deliver, struct queue *queue,
		     struct account *account, enum outcome outcome)
{
	if (queue->sent > 0) {
		lanes_stop(deliver->lanes);
		(void)deliver_collect(deliver, queue, account, clock_now_ns());
	}
	while (queue->used > 0) {
		const struct queue_entry *entry = queue_at(queue, 0);

		account_frame(account, entry->len, entry->flags, outcome);
		queue_pop(queue);
	}
}
