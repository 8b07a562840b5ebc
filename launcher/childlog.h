/* SPDX-License-Identifier: Apache-2.0 */
/* A child's standard error: split into lines, escaped, cut, rate-limited,
 * prefixed. */
#ifndef TAPFEED_LAUNCHER_CHILDLOG_H
#define TAPFEED_LAUNCHER_CHILDLOG_H

#include <stddef.h>

#include "common/log.h"

struct childlog {
	const char *name; /* of the process */
	/* Below this a child's lines are shown only with --verbose. */
	enum log_level shown_from;
	int fd; /* non-blocking read end; -1: closed */
	size_t used;
	struct log_limit limit;
	char line[LOG_LINE_MAX];
};

/* fd becomes the log's. */
void childlog_init(struct childlog *log, const char *name, int fd);

/*
 * Reads once and logs the whole lines; closes the fd at its end. before (may be
 * NULL) is called before each line that is shown.
 */
void childlog_read(struct childlog *log, void (*before)(void));

#endif
