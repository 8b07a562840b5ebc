/* SPDX-License-Identifier: Apache-2.0 */
/* Between the option table and what is made from it. */
#ifndef TAPFEED_COMMON_OPTIONS_INTERNAL_H
#define TAPFEED_COMMON_OPTIONS_INTERNAL_H

#include "common/options.h"

/* The commands that run a feed. */
#define OPTIONS_FEED (OPTIONS_REPLAY | OPTIONS_LIVE)

/* A list, with a row of its own: see options_argv(). */
#define OPTIONS_SOURCE "source"

struct options_row;
/* Stores text in options; 0, or a negative errno where it is not fit. */
typedef int (*options_store)(const struct options_row *row, const char *text,
			     void *field);

struct options_row {
	const char *name;
	char letter;	      /* 0: none */
	const char *argument; /* NULL: a flag; "[=T]": it may be left out */
	const char *fallback; /* the default, stored first; NULL: zero */
	const char *allowed;  /* for the message: "must be ..." */
	const char *help;     /* NULL: internal, not shown */
	unsigned int scope;
	options_store store;
	size_t offset; /* of the field in struct options */
	uint64_t min;
	uint64_t max;
	const char *live_fallback; /* NULL: live has the same default */
	const char *section;	   /* begins with it; NULL: goes on */
};

/* The default of --wait-for-reader's T, which has no row. */
extern const uint64_t options_settle_ns;

extern const struct options_row options_rows[];
extern const size_t options_row_count; /* OPTIONS_ROWS_MAX at most */

#endif
