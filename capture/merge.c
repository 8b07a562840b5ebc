/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging sources by time. The times are hostile: they come from files, and
 * from a clock that may be set while packets are held.
 *
 * Each source's first packet (its head) stays in the source's own memory until
 * it has been handed out. At most 64 heads are looked at one by one: a heap
 * would not be faster where most runs have two.
 */
#include <config.h>

#include "capture/merge.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"

#define NONE SIZE_MAX

enum head_state {
	HEAD_UNKNOWN = 0, /* the source has to be asked */
	HEAD_MISSING,	  /* it was asked, and had nothing */
	HEAD_HELD,
	HEAD_ENDED, /* there will not be another one */
};

struct head {
	enum head_state state;
	struct packet packet;
	/* CLOCK_MONOTONIC. While held: when it is due, fixed when it came, so
	 * that a step of the other clock cannot move it. */
	uint64_t due_ns;
	/* While missing: when the source was last asked, and in which turn. */
	uint64_t asked_ns;
	uint64_t asked_turn;
};

struct merge {
	size_t n;
	uint64_t window_ns;
	/* Of this merge_next(): its number, and the time at its start. */
	uint64_t turn;
	uint64_t now_ns;
	uint64_t real_ns; /* CLOCK_REALTIME */
	struct source *sources[TAPFEED_SOURCES_MAX];
	struct head heads[TAPFEED_SOURCES_MAX];
};

int merge_new(struct source **sources, size_t n, uint64_t window_ns,
	      struct merge **ret_merge)
{
	struct merge *merge = calloc(1, sizeof(*merge));

	if (!merge)
		return -ENOMEM;
	merge->n = n;
	merge->window_ns = window_ns;
	memcpy(merge->sources, sources, n * sizeof(sources[0]));
	merge_reset(merge);
	*ret_merge = merge;
	return 0;
}

void merge_free(struct merge *merge)
{
	free(merge);
}

void merge_reset(struct merge *merge)
{
	memset(merge->heads, 0, sizeof(merge->heads));
}

/* Files need no clock. */
static void look_at_clocks(struct merge *merge)
{
	struct timespec ts;

	if (merge->window_ns == 0)
		return;
	merge->now_ns = clock_now_ns();
	clock_gettime(CLOCK_REALTIME, &ts);
	merge->real_ns = (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/*
 * A window after its own time, which may be past. A time that cannot be true
 * (the clock was set back since, or is another one) is not waited for.
 */
static uint64_t due_of(const struct merge *merge, uint64_t time_ns)
{
	uint64_t age = merge->real_ns > time_ns ? merge->real_ns - time_ns : 0;
	uint64_t due = merge->now_ns + merge->window_ns;

	if (merge->window_ns == 0)
		return CLOCK_NEVER;
	if (time_ns > merge->real_ns + merge->window_ns)
		return merge->now_ns;
	return age < due ? due - age : 0;
}

/* Asks source i for its next head. 0, or its error. */
static int ask(struct merge *merge, size_t i)
{
	struct head *head = &merge->heads[i];
	int r = source_next(merge->sources[i], &head->packet);

	switch (r) {
	case SOURCE_PACKET:
		head->state = HEAD_HELD;
		head->due_ns = due_of(merge, head->packet.time_ns);
		return 0;
	case SOURCE_WAIT:
		head->state = HEAD_MISSING;
		head->asked_ns = merge->now_ns;
		head->asked_turn = merge->turn;
		return 0;
	default:
		head->state = HEAD_ENDED;
		return r < 0 ? r : 0;
	}
}

/* When the first of the held heads is due. */
static uint64_t first_due(const struct merge *merge)
{
	uint64_t due = CLOCK_NEVER;

	for (size_t i = 0; i < merge->n; i++) {
		const struct head *head = &merge->heads[i];

		if (head->state == HEAD_HELD && head->due_ns < due)
			due = head->due_ns;
	}
	return due;
}

/*
 * Its time is still to come although it was held for long enough: nothing older
 * is a reason to hold it any longer, or its source would stand still until the
 * clock has caught up.
 */
static bool overdue(const struct merge *merge, const struct head *head)
{
	return merge->window_ns > 0 && head->due_ns <= merge->now_ns &&
	       head->packet.time_ns > merge->real_ns + merge->window_ns;
}

/* The head to go out next, overdue ones first; NONE where none is held. */
static size_t first_head(const struct merge *merge, bool *ret_overdue)
{
	size_t first = NONE;
	uint64_t time_ns = 0;

	*ret_overdue = false;
	for (size_t i = 0; i < merge->n; i++) {
		const struct head *head = &merge->heads[i];
		bool late;

		if (head->state != HEAD_HELD)
			continue;
		late = overdue(merge, head);
		if (*ret_overdue && !late)
			continue;
		if (first != NONE && late == *ret_overdue &&
		    head->packet.time_ns >= time_ns)
			continue;
		first = i;
		time_ns = head->packet.time_ns;
		*ret_overdue = late;
	}
	return first;
}

/* Whether to ask a source for its head, where due_ns is the first to be due. */
static bool to_be_asked(const struct merge *merge, const struct head *head,
			uint64_t due_ns)
{
	if (head->state != HEAD_MISSING || head->asked_turn == merge->turn)
		return head->state == HEAD_UNKNOWN;
	/*
	 * What came to it since it was asked is later than a head that was due
	 * by then. That spares a system call for each packet where one of two
	 * interfaces is silent.
	 */
	return due_ns == CLOCK_NEVER || head->asked_ns < due_ns;
}

/*
 * Asks the sources whose heads are needed; those first whose head was handed
 * out, since it tells whether others are. 0; or the error of *ret_source.
 */
static int ask_all(struct merge *merge, size_t *ret_source)
{
	for (int round = 0; round < 2; round++) {
		uint64_t due = round == 0 ? 0 : first_due(merge);

		for (size_t i = 0; i < merge->n; i++) {
			int r;

			if (!to_be_asked(merge, &merge->heads[i], due))
				continue;
			*ret_source = i;
			r = ask(merge, i);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* Whether a source without a head keeps the others' back; *ret_all_ended:
 * whether there is none that could have one. */
static bool held_back(const struct merge *merge, bool *ret_all_ended)
{
	uint64_t due = first_due(merge);
	bool held = false;

	*ret_all_ended = true;
	for (size_t i = 0; i < merge->n; i++) {
		const struct head *head = &merge->heads[i];

		if (head->state != HEAD_ENDED)
			*ret_all_ended = false;
		if (head->state == HEAD_MISSING && head->asked_ns < due)
			held = true;
	}
	return held;
}

static int hand_out(struct merge *merge, size_t i, struct packet *ret_packet,
		    size_t *ret_source)
{
	*ret_packet = merge->heads[i].packet;
	*ret_source = i;
	merge->heads[i].state = HEAD_UNKNOWN;
	return SOURCE_PACKET;
}

/* Of one source alone: nothing to compare, nothing to hold back. */
static int next_of_one(struct merge *merge, struct packet *ret_packet,
		       size_t *ret_source)
{
	struct head *head = &merge->heads[0];
	int r;

	if (head->state == HEAD_ENDED)
		return SOURCE_END;
	*ret_source = 0;
	r = source_next(merge->sources[0], ret_packet);
	if (r < 0 || r == SOURCE_END)
		head->state = HEAD_ENDED;
	return r;
}

int merge_next(struct merge *merge, struct packet *ret_packet,
	       size_t *ret_source)
{
	bool all_ended, is_overdue;
	size_t first;
	int r;

	if (merge->n == 1)
		return next_of_one(merge, ret_packet, ret_source);
	look_at_clocks(merge);
	merge->turn++;
	r = ask_all(merge, ret_source);
	if (r < 0)
		return r;
	first = first_head(merge, &is_overdue);
	if (held_back(merge, &all_ended) && !is_overdue)
		return SOURCE_WAIT;
	if (all_ended)
		return SOURCE_END;
	return hand_out(merge, first, ret_packet, ret_source);
}

size_t merge_wait_fds(const struct merge *merge, int *fds)
{
	size_t n = 0;

	for (size_t i = 0; i < merge->n; i++) {
		enum head_state state = merge->heads[i].state;

		if (state != HEAD_UNKNOWN && state != HEAD_MISSING)
			continue;
		if (source_ready(merge->sources[i]))
			return 0;
		fds[n++] = source_fd(merge->sources[i]);
	}
	return n;
}

uint64_t merge_due_ns(const struct merge *merge)
{
	return first_due(merge);
}
