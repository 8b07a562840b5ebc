/* SPDX-License-Identifier: Apache-2.0 */
/* Input: none but what this program itself says. */
#include <config.h>

#include "common/selftest.h"

#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/escape.h"
#include "common/fd.h"
#include "proto/limits.h"

#define FIRST_FD    3
#define PATIENCE_NS (10 * NS_PER_S)

/* Exit status of a process that lacked a call. */
#define MISSING 99

/* Where a driven process leaves the call that was refused: the handler needs
 * none for it. */
struct note {
	volatile sig_atomic_t refused;
	volatile int call;
	volatile unsigned int arch;
};

static struct note *note;
static bool armed;
static bool missed; /* on the path that is being driven */

bool selftest_armed(void)
{
	return armed;
}

static void on_refused(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	note->call = info->si_syscall;
	note->arch = info->si_arch;
	note->refused = 1;
	_exit(MISSING);
}

/* ---- what a path does -----------------------------------------------------
 */

void selftest_give(struct selftest *test, int fd, const char *name)
{
	if (fd < 0 || test->fd_count == SELFTEST_FDS_MAX)
		abort();
	test->names[test->fd_count] = name;
	test->fds[test->fd_count++] = fd;
}

int selftest_give_pair(struct selftest *test, int type, const char *name)
{
	const struct timeval patience = { .tv_sec = PATIENCE_NS / NS_PER_S };
	int ends[2];

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) < 0)
		abort();
	/* Nobody waits for ever for a process that has died. */
	(void)setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience,
			 sizeof(patience));
	(void)setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &patience,
			 sizeof(patience));
	selftest_give(test, ends[1], name);
	return ends[0];
}

int selftest_file(const void *data, size_t len)
{
	int fd = memfd_create("tapfeed-selftest", MFD_CLOEXEC);

	if (fd < 0 || fd_write(fd, data, len) != (ssize_t)len ||
	    lseek(fd, 0, SEEK_SET) < 0)
		abort();
	return fd;
}

void selftest_arg(struct selftest *test, const char *argument)
{
	char *copy = strdup(argument);

	if (!copy || test->argc == SELFTEST_ARGS_MAX)
		abort();
	test->argv[test->argc++] = copy;
}

/* Puts the descriptors where LISTEN_FDS has them, by way of higher numbers. */
static void hand_over(const struct selftest *test)
{
	int high[SELFTEST_FDS_MAX];
	char names[256] = "", count[16], pid[16];
	size_t used = 0;

	for (size_t i = 0; i < test->fd_count; i++) {
		high[i] = fcntl(test->fds[i], F_DUPFD, 100);
		used += (size_t)snprintf(names + used, sizeof(names) - used,
					 "%s%s", i ? ":" : "", test->names[i]);
	}
	for (size_t i = 0; i < test->fd_count; i++)
		(void)dup2(high[i], FIRST_FD + (int)i);
	snprintf(count, sizeof(count), "%zu", test->fd_count);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_FDNAMES", names, 1);
	setenv("LISTEN_FDS", count, 1);
	setenv("LISTEN_PID", pid, 1);
}

static void use_as(int fd, int standard)
{
	int null = fd < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : fd;

	(void)dup2(null, standard);
}

static _Noreturn void become_driven(struct selftest *test)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO };

	action.sa_sigaction = on_refused;
	sigaction(SIGSYS, &action, NULL);
	armed = true;
	use_as(-1, STDIN_FILENO);
	use_as(test->stdout_fd, STDOUT_FILENO);
	use_as(test->stderr_fd < 0 ? test->said_fd : test->stderr_fd,
	       STDERR_FILENO);
	if (test->fd_count > 0)
		hand_over(test);
	exit(test->work(test->argc, test->argv));
}

void selftest_start(struct selftest *test)
{
	test->said_fd = selftest_file("", 0);
	fflush(stdout);
	test->pid = fork();
	if (test->pid < 0)
		abort();
	if (test->pid == 0)
		become_driven(test);
	while (test->fd_count > 0)
		fd_close(&test->fds[--test->fd_count]);
}

void selftest_sleep(unsigned int ms)
{
	const struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

void selftest_missed(void)
{
	missed = true;
}

int selftest_skip(struct selftest *test, const char *why)
{
	snprintf(test->why_not, sizeof(test->why_not), "%s", why);
	return SELFTEST_SKIP;
}

/* What it wrote, as a text. */
static void read_said(const struct selftest *test, char *text, size_t size)
{
	ssize_t n = pread(test->said_fd, text, size - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
}

bool selftest_ended(const struct selftest *test)
{
	siginfo_t end = { 0 };

	/* ECHILD: it was waited for. */
	return waitid(P_PID, (id_t)test->pid, &end,
		      WEXITED | WNOHANG | WNOWAIT) < 0 ||
	       end.si_pid != 0;
}

bool selftest_said(const struct selftest *test, const char *text)
{
	const uint64_t deadline_ns = clock_now_ns() + PATIENCE_NS;
	char said[4096];

	for (;;) {
		bool ended = selftest_ended(test);

		read_said(test, said, sizeof(said));
		if (strstr(said, text))
			return true;
		if (ended || clock_now_ns() >= deadline_ns)
			return false;
		selftest_sleep(2);
	}
}

/* ---- what came of it ------------------------------------------------------
 */

/* Its status; one that does not end is killed. */
static int wait_for_end(const struct selftest *test)
{
	const uint64_t deadline_ns = clock_now_ns() + PATIENCE_NS;
	int status = 0;

	while (waitpid(test->pid, &status, WNOHANG) == 0) {
		if (clock_now_ns() >= deadline_ns)
			kill(test->pid, SIGKILL);
		selftest_sleep(1);
	}
	return status;
}

/* Its own words, each line behind a sign. */
static void show_said(const struct selftest *test)
{
	char said[4096], shown[4096];
	char *line, *rest = said;

	read_said(test, said, sizeof(said));
	while ((line = strsep(&rest, "\n"))) {
		if (!*line)
			continue;
		escape_again(shown, sizeof(shown), line, strlen(line));
		printf("  | %s\n", shown);
	}
}

int selftest_end(struct selftest *test, int expected)
{
	const int status = wait_for_end(test);

	test->status = status;
	if (note->refused ||
	    (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS))
		return SELFTEST_FAILED;
	if (WIFEXITED(status) && WEXITSTATUS(status) == expected) {
		snprintf(test->why_not, sizeof(test->why_not),
			 "it did not say what it should");
		return missed ? SELFTEST_FAILED : SELFTEST_OK;
	}
	snprintf(test->why_not, sizeof(test->why_not),
		 WIFSIGNALED(status) ? "it was killed by signal %d"
				     : "it ended with status %d, not %d",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		 expected);
	return SELFTEST_FAILED;
}

static void say_refused(const struct selftest_program *program,
			const struct selftest_path *path)
{
	char *name = note->refused
			     ? seccomp_syscall_resolve_num_arch(note->arch,
								note->call)
			     : NULL;

	if (!note->refused)
		printf("%s: %s: a system call is not in its table (%s), and "
		       "not even exit_group is\n",
		       program->name, path->name, program->table);
	else
		printf("%s: %s: system call %s (%d) is not in its table (%s), "
		       "or not with these arguments: please report it, with "
		       "the versions of libc and kernel\n",
		       program->name, path->name, name ? name : "unknown",
		       (int)note->call, program->table);
	free(name);
}

static int drive(const struct selftest_program *program,
		 const struct selftest_path *path)
{
	struct selftest test = {
		.work = program->work,
		.stdout_fd = -1,
		.stderr_fd = -1,
		.said_fd = -1,
	};
	int r;

	*note = (struct note){ 0 };
	missed = false;
	selftest_arg(&test, program->name);
	r = path->drive(&test);
	if (r == SELFTEST_SKIP) {
		printf("%s: %s: skipped: %s\n", program->name, path->name,
		       test.why_not);
	} else if (r != SELFTEST_OK && !*test.why_not) {
		say_refused(program, path);
	} else if (r != SELFTEST_OK) {
		printf("%s: %s: %s\n", program->name, path->name, test.why_not);
		show_said(&test);
	}
	fd_close(&test.said_fd);
	fd_close(&test.stdout_fd);
	fd_close(&test.stderr_fd);
	for (int i = 0; i < test.argc; i++)
		free(test.argv[i]);
	return r;
}

int selftest_run(const struct selftest_program *program)
{
	size_t outcomes[SELFTEST_SKIP + 1] = { 0 };

	note = mmap(NULL, sizeof(*note), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (note == MAP_FAILED)
		abort();
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < program->path_count; i++)
		outcomes[drive(program, &program->paths[i])]++;
	if (outcomes[SELFTEST_FAILED] == 0)
		printf("%s: %zu paths under its filter: ok\n", program->name,
		       outcomes[SELFTEST_OK]);
	else
		printf("%s: %zu of %zu paths under its filter: failed\n",
		       program->name, outcomes[SELFTEST_FAILED],
		       program->path_count);
	return outcomes[SELFTEST_FAILED] ? TAPFEED_EXIT_LOSS : TAPFEED_EXIT_OK;
}
