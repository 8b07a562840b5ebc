/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounting. Lengths and flags were checked before.
 *
 * What a killed injector has counted is all that its successor knows. So each
 * step below is right wherever it is cut off: joined_done goes first, that the
 * feed's own packets are never taken for more than they are, and frames_written
 * goes together with injected.
 */
#include <config.h>

#include "injector/account.h"

#include <errno.h>
#include <stddef.h>

#include "proto/feed.pb-c.h"

/* Far from where the sum of a few of them overflows. */
#define COUNTER_MAX (UINT64_C(1) << 58)

/* Two neighbours, stored by one instruction, which no signal divides. */
typedef uint64_t counter_pair
	__attribute__((vector_size(16), aligned(8), may_alias));

static_assert(offsetof(struct counters_injector, frames_written) ==
		      offsetof(struct counters_injector, injected) +
			      sizeof(uint64_t),
	      "neighbours");

void account_init(struct account *account, struct counters_injector *counters,
		  bool joined)
{
	*account = (struct account){ .counters = counters, .joined = joined };
}

void account_received(struct account *account, uint64_t n, uint64_t frames)
{
	/* Before the first of these frames can be written. */
	if (frames > n && account->counters->several_frames == 0)
		counter_set(&account->counters->several_frames, 1);
	if (account->joined)
		counter_add(&account->counters->joined_received, n);
}

static void add_written(struct counters_injector *counters, uint64_t packets,
			uint64_t frames)
{
	counter_pair *pair = (counter_pair *)(void *)&counters->injected;

	*pair += (counter_pair){ packets, frames };
}

/* n packets, with frames that were written and not counted yet. */
static void count(struct account *account, enum outcome outcome, uint64_t n,
		  uint64_t frames)
{
	struct counters_injector *counters = account->counters;
	uint64_t *const counter[OUTCOME_COUNT] = {
		[OUTCOME_DROPPED_QUEUE] = &counters->dropped_queue,
		[OUTCOME_DROPPED_INTERFACE_DOWN] =
			&counters->dropped_interface_down,
		[OUTCOME_DROPPED_STOPPED] = &counters->dropped_stopped,
		[OUTCOME_DROPPED_RESTART] = &counters->dropped_restart,
		[OUTCOME_ERROR] = &counters->errors,
	};

	account->packets[outcome] += n;
	if (account->joined)
		counter_add(&counters->joined_done, n);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (outcome == OUTCOME_INJECTED) {
		add_written(counters, n, frames);
		return;
	}
	if (frames > 0)
		counter_add(&counters->frames_written, frames);
	counter_add(counter[outcome], n);
}

void account_packet(struct account *account, enum outcome outcome)
{
	count(account, outcome, 1, 0);
}

void account_frame(struct account *account, uint32_t len, uint32_t flags,
		   enum outcome outcome)
{
	uint64_t written = outcome == OUTCOME_INJECTED;

	if (written)
		counter_add(&account->counters->bytes_injected,
			    len - account->headroom);
	if (outcome > account->worst)
		account->worst = outcome;
	if (flags & (uint32_t)TAPFEED__PACKET_FLAG__PACKET_MORE_FRAMES) {
		add_written(account->counters, 0, written);
		return;
	}
	count(account, account->worst, 1, written);
	account->worst = OUTCOME_INJECTED;
}

static uint64_t done_of_all(const struct counters_injector *counters)
{
	return counters->injected + counters->dropped_queue +
	       counters->dropped_interface_down + counters->dropped_stopped +
	       counters->dropped_restart + counters->errors;
}

int account_resume(struct account *account, uint64_t sequence,
		   uint64_t frames_uncounted)
{
	const struct counters_injector *counters = account->counters;
	uint64_t done = done_of_all(counters);
	uint64_t lost, written, frames;

	if (sequence > ACCOUNT_SEQUENCE_MAX ||
	    sequence + counters->joined_done < done)
		return -EPROTO;
	lost = sequence + counters->joined_done - done;
	written = lost < frames_uncounted ? lost : frames_uncounted;
	frames = written;
	if (counters->several_frames > 0) {
		written = 0;
		frames = frames_uncounted;
	}
	account->packets[OUTCOME_INJECTED] += written;
	add_written(account->counters, written, frames);
	if (lost > written)
		count(account, OUTCOME_DROPPED_RESTART, lost - written, 0);
	return 0;
}

int account_restart(struct counters_injector *counters)
{
	const uint64_t all[] = {
		counters->injected,	   counters->frames_written,
		counters->dropped_queue,   counters->dropped_interface_down,
		counters->dropped_stopped, counters->dropped_restart,
		counters->errors,	   counters->joined_received,
	};
	struct account joined;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i] > COUNTER_MAX)
			return -EINVAL;
	if (counters->joined_done > counters->joined_received)
		return -EINVAL;
	account_init(&joined, counters, true);
	count(&joined, OUTCOME_DROPPED_RESTART,
	      counters->joined_received - counters->joined_done, 0);
	return 0;
}
