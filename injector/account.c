/* SPDX-License-Identifier: Apache-2.0 */
/* Accounting. Lengths and flags were checked before. */
#include <config.h>

#include "injector/account.h"

#include "proto/feed.pb-c.h"

void account_init(struct account *account, struct counters_injector *counters)
{
	*account = (struct account){ .counters = counters };
}

void account_packet(struct account *account, enum outcome outcome)
{
	struct counters_injector *counters = account->counters;
	uint64_t *const counter[] = {
		[OUTCOME_INJECTED] = &counters->injected,
		[OUTCOME_DROPPED_QUEUE] = &counters->dropped_queue,
		[OUTCOME_DROPPED_INTERFACE_DOWN] =
			&counters->dropped_interface_down,
		[OUTCOME_DROPPED_STOPPED] = &counters->dropped_stopped,
		[OUTCOME_ERROR] = &counters->errors,
	};

	counter_add(counter[outcome], 1);
	if (outcome == OUTCOME_INJECTED)
		account->injected++;
	else if (outcome == OUTCOME_ERROR)
		account->errors++;
	else
		account->dropped++;
}

void account_frame(struct account *account, uint32_t len, uint32_t flags,
		   enum outcome outcome)
{
	if (outcome == OUTCOME_INJECTED) {
		counter_add(&account->counters->frames_written, 1);
		counter_add(&account->counters->bytes_injected, len);
	}
	if (outcome > account->worst)
		account->worst = outcome;
	if (flags & (uint32_t)TAPFEED__PACKET_FLAG__PACKET_MORE_FRAMES)
		return;
	account_packet(account, account->worst);
	account->worst = OUTCOME_INJECTED;
}
