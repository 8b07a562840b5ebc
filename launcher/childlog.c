/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines of children. Input is hostile: a taken-over child writes anything.
 */
#include <config.h>

#include "launcher/childlog.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/escape.h"
#include "common/fd.h"

/* Lines a child may write in a second. */
#define BURST 50

void childlog_init(struct childlog *log, const char *name, int fd)
{
	*log = (struct childlog){
		.name = name,
		.shown_from = LOG_LEVEL_INFO,
		.fd = fd,
		.limit = { .burst = BURST, .interval_ns = NS_PER_S },
	};
}

/* Takes "<N>" off a line's start; LOG_LEVEL_WARNING where there is none. */
static enum log_level take_level(const char **line, size_t *len)
{
	const char *text = *line;

	if (*len < 3 || text[0] != '<' || text[2] != '>' || text[1] < '0' ||
	    text[1] > '7')
		return LOG_LEVEL_WARNING;
	*line += 3;
	*len -= 3;
	switch (text[1]) {
	case '4':
		return LOG_LEVEL_WARNING;
	case '5':
	case '6':
		return LOG_LEVEL_INFO;
	case '7':
		return LOG_LEVEL_DEBUG;
	default:
		return LOG_LEVEL_ERROR;
	}
}

static void say_left_out(const struct childlog *log, uint64_t lines)
{
	if (lines > 0)
		log_warning("%s: %llu lines left out", log->name,
			    (unsigned long long)lines);
}

static void show(struct childlog *log, const char *line, size_t len,
		 void (*before)(void))
{
	char text[LOG_LINE_MAX / 2];
	enum log_level level = take_level(&line, &len);
	uint64_t left_out;

	if (level > log->shown_from)
		level = LOG_LEVEL_DEBUG;
	/* What nobody sees takes nothing from the budget. */
	if (len == 0 || !log_writes(level) ||
	    !log_limit_pass(&log->limit, clock_now_ns(), &left_out))
		return;
	escape_again(text, sizeof(text), line, len);
	if (before)
		before();
	say_left_out(log, left_out);
	log_line(level, "%s: %s", log->name, text);
}

void childlog_read(struct childlog *log, void (*before)(void))
{
	ssize_t n = fd_read(log->fd, log->line + log->used,
			    sizeof(log->line) - log->used);
	char *start = log->line;
	char *newline;

	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		show(log, log->line, log->used, before);
		if (before && log->limit.left_out > 0)
			before();
		say_left_out(log, log->limit.left_out);
		log->limit.left_out = 0;
		log->used = 0;
		fd_close(&log->fd);
		return;
	}
	log->used += (size_t)n;
	while ((newline = memchr(start, '\n', log->used))) {
		size_t len = (size_t)(newline - start);

		show(log, start, len, before);
		start = newline + 1;
		log->used -= len + 1;
	}
	if (log->used == sizeof(log->line)) { /* no end in sight: cut it */
		show(log, start, log->used, before);
		log->used = 0;
	}
	memmove(log->line, start, log->used);
}
