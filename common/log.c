/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines. Callers escape what is untrusted. */
#include <config.h>

#include "common/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"

static enum log_level log_max = LOG_LEVEL_INFO;
static const char *log_prefix = "";
static bool log_levels;

void log_init(enum log_level max_level, const char *prefix, bool levels)
{
	log_max = max_level;
	log_prefix = prefix ? prefix : "";
	log_levels = levels;
}

bool log_writes(enum log_level level)
{
	return level <= log_max;
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[LOG_LINE_MAX];
	size_t room = sizeof(line) - 1; /* for the newline */
	size_t used = 0;
	va_list args;
	int n;

	if (level > log_max)
		return;
	if (log_levels)
		n = snprintf(line, room, "<%d>%s", (int)level, log_prefix);
	else
		n = snprintf(line, room, "%s", log_prefix);
	if (n > 0)
		used = (size_t)n < room ? (size_t)n : room - 1;
	va_start(args, format);
	n = vsnprintf(line + used, room - used, format, args);
	va_end(args);
	if (n > 0)
		used += (size_t)n < room - used ? (size_t)n : room - used - 1;
	line[used++] = '\n';
	/* Where standard error is gone or full there is no one left to tell. */
	if (log_levels) /* a pipe that never blocks, or the journal */
		(void)fd_write(STDERR_FILENO, line, used);
	else
		fd_write_soon(STDERR_FILENO, line, used);
}

const char *log_errno(int error)
{
	static char text[128];
	const char *name = strerrorname_np(error);
	const char *description = strerrordesc_np(error);

	if (!name || !description)
		snprintf(text, sizeof(text), "error %d", error);
	else
		snprintf(text, sizeof(text), "%s (%s)", description, name);
	return text;
}
