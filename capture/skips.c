/* SPDX-License-Identifier: Apache-2.0 */
/* Counting what is skipped. Link types are hostile: any number. */
#include <config.h>

#include "capture/skips.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "capture/linktype.h"
#include "common/log.h"

static enum counters_skip reason_of(enum convert_verdict verdict)
{
	static const enum counters_skip reasons[] = {
		[CONVERT_TOO_SHORT] = COUNTERS_TOO_SHORT,
		[CONVERT_TOO_LONG] = COUNTERS_TOO_LONG,
		[CONVERT_NOT_IP] = COUNTERS_NOT_IP,
		[CONVERT_LINK_TYPE] = COUNTERS_LINK_TYPE,
		[CONVERT_NOT_ETHERNET] = COUNTERS_NOT_ETHERNET,
		[CONVERT_ENCRYPTED] = COUNTERS_ENCRYPTED,
		[CONVERT_NOT_DATA] = COUNTERS_NOT_DATA,
		[CONVERT_FRAGMENT] = COUNTERS_FRAGMENT,
		[CONVERT_DAMAGED] = COUNTERS_DAMAGED,
	};

	assert(verdict != CONVERT_OK);
	return reasons[verdict];
}

/*
 * The row of a link type. By name: some types have two numbers, and the report
 * has one line for each name. The last row takes what comes when the others are
 * in use.
 */
static struct counters_link_type *row_of(struct counters_capture *counters,
					 uint32_t link_type)
{
	struct counters_link_type *row = counters->link_types;
	char name[sizeof(row->name)];

	/* Mostly it is a number that came before. */
	for (size_t i = 0; i + 1 < COUNTERS_LINK_TYPES; i++)
		if (row[i].name[0] && row[i].link_type == link_type)
			return &row[i];
	memset(name, 0, sizeof(name));
	linktype_name(link_type, name, sizeof(name));
	for (size_t i = 0; i + 1 < COUNTERS_LINK_TYPES; i++, row++) {
		if (row->name[0] && strcmp(row->name, name) != 0)
			continue;
		if (!row->name[0]) {
			row->link_type = link_type;
			memcpy(row->name, name, sizeof(name));
		}
		return row;
	}
	snprintf(row->name, sizeof(row->name), "other");
	return row;
}

static void say(const struct counters_link_type *row, enum counters_skip reason,
		const char *source)
{
	if (reason == COUNTERS_LINK_TYPE)
		log_warning("%s: packets of link type %s cannot be injected "
			    "and are skipped",
			    source, row->name);
	else if (reason == COUNTERS_ENCRYPTED)
		log_warning("%s: encrypted frames of link type %s are skipped; "
			    "decrypt the capture first, for instance with "
			    "airdecap-ng",
			    source, row->name);
}

void skips_count(struct counters_capture *counters, uint32_t link_type,
		 enum convert_verdict verdict, const char *source)
{
	enum counters_skip reason = reason_of(verdict);
	struct counters_link_type *row = row_of(counters, link_type);

	if (row->skipped[reason] == 0)
		say(row, reason, source);
	counter_add(&row->skipped[reason], 1);
}

void skips_by_option(struct counters_capture *counters, uint32_t link_type,
		     enum counters_skip reason)
{
	counter_add(&row_of(counters, link_type)->skipped[reason], 1);
}
