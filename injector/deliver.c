/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the queue. Its entries were checked before. */
#include <config.h>

#include "injector/deliver.h"

#include <errno.h>

#include "common/clock.h"
#include "common/log.h"
#include "injector/latency.h"

/* A write to an interface that is down fails at once: look again after this. */
#define DOWN_RETRY_NS (50 * NS_PER_MS)
/* An interface that is being deleted is down for a moment: nothing to say. */
#define DOWN_SAY_NS (200 * NS_PER_MS)

#define AGAIN_RETRY_NS NS_PER_MS

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
			 struct account *account,
			 const struct queue_entry *entries, size_t n,
			 uint64_t now_ns)
{
	struct writer *writer = deliver->writer;
	int results[WRITER_BATCH_MAX];
	bool done[WRITER_BATCH_MAX];
	size_t settled = 0;
	uint64_t written_ns;

	(void)writer->ops->submit(writer, entries, n);
	n = writer->ops->reap(writer, results);
	written_ns = clock_now_ns();
	for (size_t i = 0; i < n; i++) {
		done[i] = settle(deliver, &entries[i], account, results[i],
				 now_ns, written_ns);
		settled += done[i];
	}
	queue_remove(queue, done, n);
	return settled;
}

static void stamp(struct deliver *deliver, uint64_t now_ns)
{
	if (deliver->counters->first_ns == 0)
		counter_set(&deliver->counters->first_ns, now_ns);
	counter_set(&deliver->counters->last_ns, clock_now_ns());
}

/* Of an interface that is down, one by one: it may come up between two frames
 * of a batch, and the first ones would be tried again behind the others. */
static size_t batch_max(const struct deliver *deliver)
{
	return deliver->down_ns > 0 ? 1 : deliver->writer->ops->batch_max;
}

size_t deliver_run(struct deliver *deliver, struct queue *queue,
		   struct account *account, uint64_t now_ns)
{
	size_t done = 0;

	if (deliver->retry_ns > now_ns)
		return 0;
	deliver->retry_ns = 0;
	while (done < DELIVER_ROUND_FRAMES && !deliver->gone &&
	       !deliver->retry_ns) {
		size_t n, settled;
		const struct queue_entry *entries = queue_front(queue, &n);

		if (n > batch_max(deliver))
			n = batch_max(deliver);
		if (n > 0 && !deliver->unpaced)
			n = pace_allowed(&deliver->pace, now_ns, n);
		if (n == 0)
			break;
		settled =
			write_some(deliver, queue, account, entries, n, now_ns);
		pace_take(&deliver->pace, settled);
		done += settled;
	}
	if (done > 0)
		stamp(deliver, now_ns);
	return done;
}

uint64_t deliver_next_ns(const struct deliver *deliver)
{
	uint64_t due = deliver->unpaced ? 0 : pace_next_ns(&deliver->pace);

	return due > deliver->retry_ns ? due : deliver->retry_ns;
}

void deliver_discard(struct queue *queue, struct account *account,
		     enum outcome outcome)
{
	while (queue->used > 0) {
		size_t n;
		const struct queue_entry *entry = queue_front(queue, &n);

		account_frame(account, entry->len, entry->flags, outcome);
		queue_pop(queue);
	}
}
