/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines on standard error, one write(2) a line, no allocation, nothing that
 * opens a file: fit for use behind the sandbox.
 */
#ifndef TAPFEED_COMMON_LOG_H
#define TAPFEED_COMMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* syslog's numbers, which journald and tapfeed read as "<N>" at a line's start.
 */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* Longest line, the newline included; a longer one is cut. */
#define LOG_LINE_MAX 1024

/*
 * Lines above max_level are not written. prefix stands before each line
 * ("tapfeed:
 * "; NULL: none). With levels, "<N>" comes first: for journald and tapfeed.
 */
void log_init(enum log_level max_level, const char *prefix, bool levels);

/* Lower-cased one line without newline; untrusted text goes through
 * escape_text. */
void log_line(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Whether lines of that level are written. */
bool log_writes(enum log_level level);

#define log_error(...)	 log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)	 log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/*
 * One site's budget: at most burst lines in each interval. Zero-initialise but
 * for the two. Says in the next line that passes how many were left out.
 */
struct log_limit {
	uint32_t burst;
	uint64_t interval_ns;
	uint64_t window_start_ns;
	uint32_t used;
	uint64_t left_out;
};

/* Whether a line may be written now; *ret_left_out: lines left out before it.
 */
bool log_limit_pass(struct log_limit *limit, uint64_t now_ns,
		    uint64_t *ret_left_out);

/* "Permission denied (EACCES)", for a positive errno. Static; opens no file. */
const char *log_errno(int error);

#endif
