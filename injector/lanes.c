/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writer threads. Entries were checked before.
 *
 * Who sleeps says so, then looks once more; who has news publishes them, then
 * looks whether somebody sleeps. Both by sequentially consistent operations, so
 * that one of the two sees the other's.
 */
#include <config.h>

#include "injector/lanes.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/log.h"

static_assert((LANE_ENTRIES & (LANE_ENTRIES - 1)) == 0, "a power of two");

/* The main thread is woken when a lane has so few left. */
#define LOW (LANE_ENTRIES / 4)

#define STACK_BYTES (256 * 1024)

size_t lanes_wanted(size_t queues, bool spins)
{
	cpu_set_t cpus;
	size_t n = 1;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		n = (size_t)CPU_COUNT(&cpus);
	if (n < (spins ? 3 : 2))
		return 0;
	n -= spins;
	n = n < queues ? n : queues;
	return n < WRITER_LANES_MAX ? n : WRITER_LANES_MAX;
}

static void ring_bell(int bell)
{
	const uint64_t one = 1;

	(void)fd_write(bell, &one, sizeof(one));
}

static void tell_main(struct lanes *lanes)
{
	if (atomic_load(&lanes->awaited) &&
	    atomic_exchange(&lanes->awaited, false))
		ring_bell(lanes->bell);
}

static uint32_t left(const struct lane *lane)
{
	return atomic_load(&lane->pushed) - atomic_load(&lane->done);
}

/* ---- the lane's thread ------------------------------------------------------
 */

static bool has_work(const struct lane *lane)
{
	return !atomic_load(&lane->stop) && !atomic_load(&lane->halted) &&
	       left(lane) > 0;
}

static void rest(struct lane *lane)
{
	uint64_t rung;

	atomic_store(&lane->rests, true);
	tell_main(lane->lanes);
	if (has_work(lane) && atomic_exchange(&lane->rests, false))
		return;
	(void)fd_read(lane->bell, &rung, sizeof(rung));
}

static void write_batch(struct lane *lane, size_t index)
{
	struct writer *writer = lane->lanes->writer;
	const uint32_t first = atomic_load(&lane->done);
	struct queue_entry *entries[WRITER_BATCH_MAX];
	int results[WRITER_BATCH_MAX];
	size_t n = left(lane);
	uint64_t now_ns;

	assert(n > 0);
	if (n > WRITER_BATCH_MAX)
		n = WRITER_BATCH_MAX;
	for (size_t i = 0; i < n; i++)
		entries[i] = lane->entries[(first + i) & (LANE_ENTRIES - 1)];
	writer->ops->write(writer, index, entries, n, results);
	now_ns = clock_now_ns();
	for (size_t i = 0; i < n; i++) {
		if (results[i] == -EIO || results[i] == -EAGAIN)
			atomic_store(&lane->halted, true);
		queue_entry_written(entries[i], results[i], now_ns);
	}
	atomic_store(&lane->done, first + (uint32_t)n);
	if (left(lane) <= LOW)
		tell_main(lane->lanes);
}

static void *run(void *data)
{
	struct lane *lane = data;
	const size_t index = (size_t)(lane - lane->lanes->lane);

	for (;;) {
		if (has_work(lane))
			write_batch(lane, index);
		else
			rest(lane);
	}
	return NULL;
}

/* ---- the main thread --------------------------------------------------------
 */

int lanes_init(struct lanes *lanes, struct writer *writer, size_t count)
{
	assert(count <= WRITER_LANES_MAX);
	*lanes = (struct lanes){ .writer = writer, .bell = -1 };
	if (count == 0)
		return 0;
	lanes->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (lanes->bell < 0)
		return -errno;
	for (size_t i = 0; i < count; i++) {
		struct lane *lane = &lanes->lane[i];

		lane->lanes = lanes;
		lane->bell = eventfd(0, EFD_CLOEXEC);
		if (lane->bell < 0)
			return -errno;
		lanes->count++;
	}
	return 0;
}

static int start_thread(struct lane *lane)
{
	static const int faults[] = { SIGSYS, SIGSEGV, SIGBUS,
				      SIGFPE, SIGILL,  SIGABRT };
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all, old;
	int r;

	sigfillset(&all);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigdelset(&all, faults[i]);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_sigmask(SIG_SETMASK, &all, &old); /* no stop signal is its */
	r = pthread_create(&thread, &attributes, run, lane);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attributes);
	return -r;
}

/* Until it rests, its libc may make calls that only a start needs. */
static void wait_for_rest(struct lane *lane)
{
	struct pollfd bell = { .fd = lane->lanes->bell, .events = POLLIN };

	for (;;) {
		atomic_store(&lane->lanes->awaited, true);
		if (atomic_load(&lane->rests))
			break;
		lanes_awake(lane->lanes, fd_poll(&bell, 1, CLOCK_NEVER) > 0);
	}
	lanes_awake(lane->lanes, false);
}

/* The user's limit of processes may be reached: the main thread can do it. */
int lanes_start(void *data)
{
	struct lanes *lanes = data;

	for (size_t i = 0; i < lanes->count; i++) {
		int r = start_thread(&lanes->lane[i]);

		if (r < 0) {
			log_info("%zu of %zu writer threads run: the user's "
				 "limit of processes is reached, raise it "
				 "(ulimit -u, LimitNPROC=, TasksMax=) (%s)",
				 i, lanes->count, log_errno(-r));
			lanes->count = i;
			break;
		}
		wait_for_rest(&lanes->lane[i]);
	}
	return 0;
}

bool lanes_idle(const struct lanes *lanes)
{
	for (size_t i = 0; i < lanes->count; i++)
		if (left(&lanes->lane[i]) > 0)
			return false;
	return true;
}

static size_t lane_of(const struct lanes *lanes,
		      const struct queue_entry *entry)
{
	return entry->queue % lanes->count;
}

bool lanes_have_room(const struct lanes *lanes, const struct queue_entry *entry)
{
	return left(&lanes->lane[lane_of(lanes, entry)]) < LANE_ENTRIES;
}

bool lanes_push(struct lanes *lanes, struct queue_entry *entry)
{
	struct lane *lane = &lanes->lane[lane_of(lanes, entry)];
	uint32_t pushed =
		atomic_load_explicit(&lane->pushed, memory_order_relaxed);

	if (left(lane) == LANE_ENTRIES)
		return false;
	lane->entries[pushed & (LANE_ENTRIES - 1)] = entry;
	atomic_store_explicit(&lane->pushed, pushed + 1, memory_order_release);
	return true;
}

void lanes_kick(struct lanes *lanes)
{
	atomic_thread_fence(memory_order_seq_cst);
	for (size_t i = 0; i < lanes->count; i++) {
		struct lane *lane = &lanes->lane[i];

		if (left(lane) > 0 && atomic_load(&lane->rests) &&
		    atomic_exchange(&lane->rests, false))
			ring_bell(lane->bell);
	}
}

bool lanes_halted(const struct lanes *lanes)
{
	for (size_t i = 0; i < lanes->count; i++)
		if (atomic_load(&lanes->lane[i].halted))
			return true;
	return false;
}

void lanes_stop(struct lanes *lanes)
{
	for (size_t i = 0; i < lanes->count; i++)
		atomic_store(&lanes->lane[i].stop, true);
	for (size_t i = 0; i < lanes->count; i++) {
		struct lane *lane = &lanes->lane[i];

		wait_for_rest(lane);
		atomic_store(&lane->pushed, atomic_load(&lane->done));
		atomic_store(&lane->halted, false);
		atomic_store(&lane->stop, false);
	}
}

void lanes_look(struct lanes *lanes)
{
	for (size_t i = 0; i < lanes->count; i++)
		lanes->lane[i].seen = atomic_load(&lanes->lane[i].done);
}

bool lanes_await(struct lanes *lanes)
{
	atomic_store(&lanes->awaited, true);
	for (size_t i = 0; i < lanes->count; i++) {
		const struct lane *lane = &lanes->lane[i];

		if (atomic_load(&lane->halted) ||
		    (atomic_load(&lane->done) != lane->seen &&
		     (left(lane) <= LOW || atomic_load(&lane->rests)))) {
			lanes_awake(lanes, false);
			return false;
		}
	}
	return true;
}

void lanes_awake(struct lanes *lanes, bool rung)
{
	uint64_t times;

	atomic_store(&lanes->awaited, false);
	if (rung)
		(void)fd_read(lanes->bell, &times, sizeof(times));
}
