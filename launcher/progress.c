/* SPDX-License-Identifier: Apache-2.0 */
/* The progress line. The counters pages are hostile: they are shown as numbers.
 */
#include <config.h>

#include "launcher/progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/ifname.h"

/* To the line's start, and nothing behind it. */
#define CLEAR "\r\033[K"

#define INTERVAL_NS (PROGRESS_INTERVAL_MS * NS_PER_MS)

static struct {
	bool wanted;
	bool shown;
	uint64_t source_bytes;
	uint64_t next_ns;
	uint64_t started_ns; /* of the first packet; 0: not yet */
	uint64_t last_ns;
	uint64_t last_injected;
} progress = { .next_ns = CLOCK_NEVER };

void progress_init(int wanted, uint64_t source_bytes)
{
	const char *terminal = getenv("TERM");

	progress.wanted = wanted && isatty(STDERR_FILENO) && terminal &&
			  strcmp(terminal, "dumb") != 0;
	progress.source_bytes = source_bytes;
	progress.next_ns = progress.wanted ? 0 : CLOCK_NEVER;
}

uint64_t progress_next_ns(void)
{
	return progress.next_ns;
}

/* "1.04 M/s", "970 k/s", "12/s": three digits are enough at a glance. */
static void format_rate(char *buf, size_t size, double per_s)
{
	if (per_s >= 1e6)
		snprintf(buf, size, "%.2f M/s", per_s / 1e6);
	else if (per_s >= 1e4)
		snprintf(buf, size, "%.0f k/s", per_s / 1e3);
	else
		snprintf(buf, size, "%.0f/s", per_s);
}

/* ", 45 % of the file, 3 s left", as far as it is known. */
static void format_position(char *buf, size_t size, uint64_t bytes,
			    double share, uint64_t now_ns)
{
	uint64_t total = progress.source_bytes;
	double done, left_s;

	buf[0] = '\0';
	if (total == 0 || bytes == 0)
		return;
	/* What was read and not yet written is not done. */
	done = (double)bytes / (double)total * share;
	if (!(done > 0) || done > 1)
		return;
	left_s = (double)(now_ns - progress.started_ns) / 1e9 * (1 - done) /
		 done;
	snprintf(buf, size, ", %.0f %% of the file, %.0f s left", 100.0 * done,
		 left_s);
}

/* The bytes of a line that fit: one that wraps could not be taken off again. */
static size_t cut_to_width(size_t len)
{
	struct winsize window;
	size_t fits;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) < 0 || window.ws_col == 0)
		return len;
	fits = sizeof(CLEAR) - 1 + window.ws_col - 1u;
	return len < fits ? len : fits;
}

void progress_draw(const struct counters_capture *capture,
		   const struct counters_injector *injector,
		   uint32_t queue_size, uint64_t now_ns)
{
	uint64_t injected = counter_get(&injector->injected);
	uint64_t received =
		counter_get(&capture->received) - counters_skipped(capture);
	uint64_t queued = counter_get(&injector->queue_used);
	char name[TAPFEED_IFNAME_SIZE];
	char rate[32], position[64], line[256];
	int n;

	if (now_ns < progress.next_ns)
		return;
	progress.next_ns = now_ns + INTERVAL_NS;
	memcpy(name, injector->interface, sizeof(name));
	name[sizeof(name) - 1] = '\0';
	if (injected == 0 || !ifname_valid(name))
		return;
	if (progress.started_ns == 0) {
		progress.started_ns = counter_get(&injector->first_ns);
		progress.last_ns = progress.started_ns;
		if (progress.started_ns == 0 || progress.started_ns >= now_ns) {
			progress.started_ns = 0;
			return;
		}
	}
	format_rate(rate, sizeof(rate),
		    (double)(injected - progress.last_injected) * 1e9 /
			    (double)(now_ns - progress.last_ns));
	format_position(position, sizeof(position),
			counter_get(&capture->source_bytes),
			(double)injected / (double)received, now_ns);
	n = snprintf(line, sizeof(line),
		     CLEAR "%s: %llu packets, %s, queue %.0f %%%s", name,
		     (unsigned long long)injected, rate,
		     100.0 * (double)queued / (double)queue_size, position);
	if (n > 0 && (size_t)n < sizeof(line))
		fd_write_soon(STDERR_FILENO, line, cut_to_width((size_t)n));
	progress.shown = true;
	progress.last_ns = now_ns;
	progress.last_injected = injected;
}

void progress_clear(void)
{
	if (progress.shown)
		fd_write_soon(STDERR_FILENO, CLEAR, sizeof(CLEAR) - 1);
	progress.shown = false;
}
