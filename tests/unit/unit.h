/* SPDX-License-Identifier: Apache-2.0 */
/* For unit tests: cmocka with what it needs before it, and small tools. */
#ifndef TAPFEED_TESTS_UNIT_UNIT_H
#define TAPFEED_TESTS_UNIT_UNIT_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* No test may hang: a child that does is killed by SIGALRM. */
#define CHILD_SECONDS 30

/* In a child, where cmocka's asserts must not be used: returns the line. */
#define EXPECT(condition)                                                      \
	do {                                                                   \
		if (!(condition))                                              \
			return __LINE__;                                       \
	} while (0)

/* Runs body in a process of its own; it returns 0 or the line that failed. */
static inline void run_in_child(int (*body)(void))
{
	/* Not a pipe: body may close every descriptor. */
	int *line = mmap(NULL, sizeof(*line), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status, failed;
	pid_t pid;

	assert_ptr_not_equal(line, MAP_FAILED);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(CHILD_SECONDS);
		*line = body();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	failed = *line;
	munmap(line, sizeof(*line));
	if (status != 0)
		fail_msg("the child ended with wait status %#x",
			 (unsigned int)status);
	if (failed != 0)
		fail_msg("in the child, line %d", failed);
}

/* Open descriptors of this process. */
static inline size_t open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	size_t n = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n - 1; /* the directory's own */
}

/* What is written to fd (1 or 2) between begin and end. */
struct redirect {
	int fd;
	int saved;
	int file;
	char text[16384];
};

static inline void redirect_begin(struct redirect *redirect, int fd)
{
	fflush(NULL);
	redirect->fd = fd;
	redirect->saved = dup(fd);
	redirect->file = memfd_create("redirect", 0);
	assert_true(redirect->saved >= 0 && redirect->file >= 0);
	assert_int_equal(dup2(redirect->file, fd), fd);
}

static inline const char *redirect_end(struct redirect *redirect)
{
	ssize_t n;

	fflush(NULL);
	dup2(redirect->saved, redirect->fd);
	n = pread(redirect->file, redirect->text, sizeof(redirect->text) - 1,
		  0);
	close(redirect->saved);
	close(redirect->file);
	assert_true(n >= 0);
	redirect->text[n] = '\0';
	return redirect->text;
}

static inline size_t count_char(const char *text, char c)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == c;
	return n;
}

/* The same numbers in each run (xorshift). */
static inline uint32_t pseudo_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

#endif
