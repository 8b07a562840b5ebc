/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes a feed connection. The first byte chooses what happens when the queue
 * is full, who the peer is and what the interface carries; the next four seed
 * the pieces in which the rest comes, and when the gate opens and packets are
 * written. Whatever comes, the sum holds and every slot is given back.
 */
#include <config.h>

#include "tests/fuzz/fuzz.h"

#include "common/clock.h"
#include "common/fd.h"
#include "common/log.h"
#include "injector/deliver.h"
#include "injector/peer.h"

#define QUEUE_SIZE 32

struct run {
	struct arena arena;
	struct counters_injector counters;
	struct peer_context context;
	struct peer peer;
	int far;
	uint32_t seed;
	uint64_t now_ns;
};

static uint32_t choose(struct run *run, uint32_t n)
{
	return fuzz_choose(&run->seed, n);
}

static void run_begin(struct run *run, uint8_t how)
{
	int ends[2];
	int r;

	*run = (struct run){ .now_ns = 1000 * NS_PER_S };
	log_init((enum log_level)0, NULL, false);
	r = arena_init(&run->arena);
	assert(r == 0);
	r = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends);
	assert(r == 0);
	run->far = ends[1];
	run->context = (struct peer_context){
		.arena = &run->arena,
		.when_full = how & 1 ? WHEN_FULL_DROP : WHEN_FULL_WAIT,
		.kind = how & 2 ? TAPFEED_TUN : TAPFEED_TAP,
		.mtu = 1500,
		.discard = how & 4 ? OUTCOME_DROPPED_STOPPED : OUTCOME_INJECTED,
		.held_up = how & 8,
	};
	r = peer_init(&run->peer, QUEUE_SIZE);
	assert(r == 0);
	peer_open(&run->peer, ends[0], how & 16, &run->context, &run->counters,
		  run->now_ns);
	(void)r;
}

/* As the writer does: reads every byte of what it takes. */
static void write_some(struct run *run, size_t n)
{
	struct queue *queue = &run->peer.queue;

	for (; n > 0 && queue->used > 0; n--) {
		const struct queue_entry *entry = queue_at(queue, 0);
		volatile uint8_t sum = 0;

		assert(entry->len > 0 && entry->len <= TAPFEED_FRAME_MAX_BYTES);
		for (size_t i = 0; i < entry->len; i++)
			sum = (uint8_t)(sum + entry->data[i]);
		account_frame(&run->peer.account, entry->len, entry->flags,
			      OUTCOME_INJECTED);
		queue_pop(queue);
	}
}

static void turn(struct run *run)
{
	run->peer.readable = true;
	(void)peer_service(&run->peer, &run->context, run->now_ns);
	if (choose(run, 4) > 0)
		peer_welcome(&run->peer, &run->context);
	write_some(run, choose(run, QUEUE_SIZE));
	peer_enqueue(&run->peer, &run->context);
	peer_finish(&run->peer);
	run->now_ns += choose(run, 50) * NS_PER_MS;
}

static void run_end(struct run *run)
{
	const struct counters_injector *counters = &run->counters;
	const struct arena *arena = &run->arena;

	fd_close(&run->far);
	for (int i = 0; i < 100000 && !peer_idle(&run->peer); i++)
		turn(run);
	assert(peer_idle(&run->peer));
	assert(arena->free == TAPFEED_SLOT_COUNT && arena->needy == 0);
	assert(arena->scratch.refs == 0);
	assert(counters->joined_done == counters->joined_received);
	peer_done(&run->peer);
	arena_done(&run->arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run run;

	if (size < 5)
		return 0;
	run_begin(&run, data[0]);
	memcpy(&run.seed, data + 1, sizeof(run.seed));
	data += 5;
	size -= 5;
	while (size > 0 && run.peer.fd >= 0) {
		size_t piece = 1 + choose(&run, choose(&run, 4) ? 64 : 65536);
		ssize_t n = send(run.far, data, piece < size ? piece : size,
				 MSG_NOSIGNAL);

		if (n > 0) {
			data += n;
			size -= (size_t)n;
		}
		turn(&run);
	}
	run_end(&run);
	return 0;
}
