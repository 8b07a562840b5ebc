/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes a child's standard error: the first four bytes seed the pieces in
 * which the rest comes. Whatever it writes, only whole lines of printable ASCII
 * with its name come out, none longer than a log line.
 */
#include <config.h>

#include "tests/fuzz/fuzz.h"

#ifdef TAPFEED_SANITIZE
#include <sanitizer/common_interface_defs.h>
#endif

#include "common/fd.h"
#include "launcher/childlog.h"

#define OUTPUT_MAX (256u * 1024)

static void check_output(const char *text, size_t len)
{
	static const char name[] = "child: ";
	const char *end = text + len;

	assert(fuzz_plain(text, len));
	assert(len == 0 || end[-1] == '\n');
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));

		assert(newline - text < LOG_LINE_MAX);
		assert(strncmp(text, name, strlen(name)) == 0);
		text = newline + 1;
	}
}

/* What is written to standard error goes to a file meanwhile; what the
 * sanitizers say does not. */
static int swap_stderr(int file)
{
	int saved = dup(STDERR_FILENO);

	assert(saved >= 0);
#ifdef TAPFEED_SANITIZE
	__sanitizer_set_report_fd((void *)(intptr_t)saved);
#endif
	assert(dup2(file, STDERR_FILENO) >= 0);
	return saved;
}

static void restore_stderr(int saved)
{
	assert(dup2(saved, STDERR_FILENO) >= 0);
#ifdef TAPFEED_SANITIZE
	__sanitizer_set_report_fd((void *)STDERR_FILENO);
#endif
	close(saved);
}

static bool readable(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	return poll(&pollfd, 1, 0) > 0;
}

static void feed_log(struct childlog *log, int end, uint32_t seed,
		     const uint8_t *data, size_t size)
{
	while (size > 0) {
		size_t piece = 1 + fuzz_choose(&seed, 1 + seed % 3000);
		ssize_t n = write(end, data, piece < size ? piece : size);

		assert(n > 0);
		data += n;
		size -= (size_t)n;
		while (readable(log->fd)) {
			/* A new second: not all is to be left out. */
			log->limit.window_start_ns = 0;
			childlog_read(log, NULL);
		}
	}
	close(end);
	for (int i = 0; log->fd >= 0; i++) {
		assert(i < 100);
		childlog_read(log, NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[OUTPUT_MAX];
	static int file = -1;
	struct childlog log;
	uint32_t seed;
	int ends[2], saved, r;
	ssize_t n;

	if (size < sizeof(seed) || size > OUTPUT_MAX / 8)
		return 0;
	seed = fuzz_take(&data, &size);
	if (file < 0)
		file = memfd_create("log", MFD_CLOEXEC);
	assert(file >= 0 && ftruncate(file, 0) == 0 &&
	       lseek(file, 0, SEEK_SET) == 0);
	r = pipe2(ends, O_NONBLOCK | O_CLOEXEC);
	assert(r == 0);
	log_init(LOG_LEVEL_DEBUG, NULL, false);
	childlog_init(&log, "child", ends[0]);
	saved = swap_stderr(file);
	feed_log(&log, ends[1], seed, data, size);
	restore_stderr(saved);
	n = pread(file, text, sizeof(text), 0);
	assert(n >= 0 && n < (ssize_t)sizeof(text));
	check_output(text, (size_t)n);
	return 0;
}
