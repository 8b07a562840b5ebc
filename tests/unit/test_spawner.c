/* SPDX-License-Identifier: Apache-2.0 */
/* launcher/spawner.c. Each test in a process of its own. */
#include <config.h>

#include "tests/unit/spawnrun.h"

static int send_byte(unsigned int byte)
{
	uint8_t command = (uint8_t)byte;

	return send(run.sock, &command, 1, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

/* Nothing but the standard three and its own, in the table's order. */
static int exact_fds(void)
{
	const char *said;
	int spare;

	EXPECT(add_shells(SHOW_FDS) == 0);
	EXPECT(give(&table[1], "more", -1) == 0);
	EXPECT(give(&table[1], "most", -1) == 0);
	/* What the caller of tapfeed left open, low and high. */
	for (int number = 40; number < 300; number += 13) {
		spare = memfd_create("spare", 0);
		EXPECT(spare >= 0 && dup2(spare, number) == number);
		close(spare);
	}
	EXPECT(fork_spawner() == 0);
	EXPECT(spawner_command(run.sock, SPAWNER_START, 1) == 0);
	EXPECT(event(1, 0) == 0);
	said = hear(1);
	EXPECT(strstr(said, " 0 -> /dev/null\n"));
	EXPECT(strstr(said, " 1 -> /dev/null\n"));
	EXPECT(strstr(said, " 2 -> pipe:"));
	EXPECT(strstr(said, " 3 -> /memfd:one (deleted)\n"));
	EXPECT(strstr(said, " 4 -> /memfd:more (deleted)\n"));
	EXPECT(strstr(said, " 5 -> /memfd:most (deleted)\n"));
	EXPECT(count_char(said, '>') == 6);
	/* The same for a later one. */
	EXPECT(spawner_command(run.sock, SPAWNER_START, 0) == 0);
	EXPECT(event(0, 0) == 0);
	said = hear(0);
	EXPECT(strstr(said, " 3 -> /memfd:zero (deleted)\n"));
	EXPECT(count_char(said, '>') == 4);
	return 0;
}

/* Standing where others are to go, none is lost on the way. */
static int crossed_fds(void)
{
	static const int numbers[] = { 5, 4, 3, 8, 7 };
	static const char *const names[] = { "a", "b", "c", "d", "e" };
	const char *said;

	/* The pipes first come to stand above them. */
	for (int number = 3; number < 10; number++)
		EXPECT(open("/dev/null", O_RDONLY | O_CLOEXEC) == number);
	EXPECT(add_shells(SHOW_FDS) == 0);
	for (size_t i = 0; i < COUNT(numbers); i++)
		EXPECT(give(&table[0], names[i], numbers[i]) == 0);
	EXPECT(table[0].fd_count == 6);
	EXPECT(fork_spawner() == 0);
	EXPECT(spawner_command(run.sock, SPAWNER_START, 0) == 0);
	EXPECT(event(0, 0) == 0);
	said = hear(0);
	EXPECT(strstr(said, " 3 -> /memfd:zero (deleted)\n"));
	EXPECT(strstr(said, " 4 -> /memfd:a (deleted)\n"));
	EXPECT(strstr(said, " 5 -> /memfd:b (deleted)\n"));
	EXPECT(strstr(said, " 6 -> /memfd:c (deleted)\n"));
	EXPECT(strstr(said, " 7 -> /memfd:d (deleted)\n"));
	EXPECT(strstr(said, " 8 -> /memfd:e (deleted)\n"));
	EXPECT(count_char(said, '>') == 9);
	return 0;
}

static int environment(void)
{
	const char *said;

	EXPECT(setenv("NOTIFY_SOCKET", "/nowhere", 1) == 0);
	EXPECT(setenv("LISTEN_FDS", "77", 1) == 0);
	EXPECT(setenv("LISTEN_FDNAMES", "wrong", 1) == 0);
	EXPECT(add_shells("test $LISTEN_PID = $$ && "
			  "env | grep -E '^(LISTEN|NOTIFY)' >&2") == 0);
	EXPECT(give(&table[2], "more", -1) == 0);
	EXPECT(fork_spawner() == 0);
	EXPECT(spawner_command(run.sock, SPAWNER_START, 2) == 0);
	EXPECT(event(2, 0) == 0);
	said = hear(2);
	EXPECT(strstr(said, "LISTEN_FDS=2\n"));
	EXPECT(strstr(said, "LISTEN_FDNAMES=two:more\n"));
	EXPECT(!strstr(said, "NOTIFY_SOCKET"));
	return 0;
}

/* Here in the caller none of them stays; the socket does not get inherited. */
static int caller_keeps_nothing(void)
{
	size_t before = open_fds();
	char byte;

	EXPECT(add_shells("exit 0") == 0);
	EXPECT(fork_spawner() == 0);
	EXPECT(open_fds() == before + CHILDREN + 1);
	EXPECT(fcntl(run.sock, F_GETFD) == FD_CLOEXEC);
	for (size_t i = 0; i < CHILDREN; i++)
		EXPECT(table[i].stderr_fd == -1);
	/* And the spawner's are gone with it. */
	EXPECT(end_spawner() < 5000);
	for (size_t i = 0; i < CHILDREN; i++)
		EXPECT(fd_read(run.stderr_fds[i], &byte, 1) == 0);
	return 0;
}

static int events(void)
{
	EXPECT(add_shell(0, "exit 0") == 0);
	EXPECT(add_shell(1, "exit 42") == 0);
	EXPECT(add_shell(2, "kill -SEGV $$") == 0);
	EXPECT(fork_spawner() == 0);
	EXPECT(quiet(100));
	for (uint32_t i = 0; i < CHILDREN; i++) {
		static const int statuses[] = { 0, 42 << 8, SIGSEGV };
		struct spawner_event got;

		EXPECT(spawner_command(run.sock, SPAWNER_START, i) == 0);
		EXPECT(fd_read(run.sock, &got, sizeof(got)) == sizeof(got));
		EXPECT(got.child == i && got.kind == SPAWNER_STARTED);
		EXPECT(got.value > 0 && got.value != run.pid);
		EXPECT(next_event(&got) == 0);
		EXPECT(got.child == i && got.kind == SPAWNER_ENDED);
		/* With or without a core. */
		EXPECT((got.value & ~0x80) == statuses[i]);
	}
	EXPECT(quiet(100));
	return 0;
}

static int started_once(void)
{
	EXPECT(add_shells("echo here >&2; sleep 0.2") == 0);
	EXPECT(fork_spawner() == 0);
	for (int i = 0; i < 5; i++)
		EXPECT(spawner_command(run.sock, SPAWNER_START, 1) == 0);
	EXPECT(event(1, 0) == 0);
	/* Not after its end either. */
	for (int i = 0; i < 5; i++)
		EXPECT(spawner_command(run.sock, SPAWNER_START, 1) == 0);
	EXPECT(quiet(500));
	EXPECT(strcmp(hear(1), "here\n") == 0);
	return 0;
}

static int signals(void)
{
	EXPECT(add_shells("echo up >&2; exec sleep 60") == 0);
	EXPECT(fork_spawner() == 0);
	/* None is running: none is hit. */
	for (size_t i = 0; i < CHILDREN; i++) {
		EXPECT(spawner_command(run.sock, SPAWNER_TERM, i) == 0);
		EXPECT(spawner_command(run.sock, SPAWNER_KILL, i) == 0);
	}
	for (size_t i = 0; i < CHILDREN; i++) {
		char up[3];

		EXPECT(spawner_command(run.sock, SPAWNER_START, i) == 0);
		EXPECT(fd_read(run.stderr_fds[i], up, 3) == 3);
	}
	EXPECT(quiet(100));
	EXPECT(spawner_command(run.sock, SPAWNER_KILL, 1) == 0);
	EXPECT(event(1, SIGKILL) == 0);
	EXPECT(quiet(100)); /* the others live */
	/* It is gone: again does nothing. */
	EXPECT(spawner_command(run.sock, SPAWNER_KILL, 1) == 0);
	EXPECT(spawner_command(run.sock, SPAWNER_KILL, 2) == 0);
	EXPECT(event(2, SIGKILL) == 0);
	EXPECT(spawner_command(run.sock, SPAWNER_KILL, 0) == 0);
	EXPECT(event(0, SIGKILL) == 0);
	return 0;
}

/* The default for every signal, but stop signals wait for signals_init(). */
static int signal_mask(void)
{
	static char cp[] = "cp", from[] = "/proc/self/status",
		    to[] = "/dev/stderr";
	static char *argv[] = { cp, from, to, NULL };
	const char *said, *ignored;

	EXPECT(signal(SIGHUP, SIG_IGN) != SIG_ERR);
	EXPECT(add_shells("exit 0") == 0);
	table[0].path = "/bin/cp"; /* a shell changes them */
	table[0].argv = argv;
	EXPECT(fork_spawner() == 0);
	EXPECT(spawner_command(run.sock, SPAWNER_START, 0) == 0);
	EXPECT(event(0, 0) == 0);
	said = hear(0);
	EXPECT(strstr(said, "SigBlk:\t0000000000004002\n"));
	ignored = strstr(said, "SigIgn:\t");
	EXPECT(ignored);
	/* Signals 32 and 33 are the C library's own: nobody can set them. */
	EXPECT((strtoull(ignored + 8, NULL, 16) & ~0x180000000u) == 0);
	return 0;
}

/* A stop signal that comes too early is there when the child looks for it. */
static int term_waits(void)
{
	static char sleep_name[] = "sleep", minute[] = "60";
	static char *argv[] = { sleep_name, minute, NULL };
	char path[64], text[4096] = "";
	int child = 0;
	FILE *file;

	EXPECT(add_shells("exit 0") == 0);
	table[0].path = "/bin/sleep";
	table[0].argv = argv;
	EXPECT(fork_spawner() == 0);
	EXPECT(spawner_command(run.sock, SPAWNER_START, 0) == 0);
	EXPECT(spawner_command(run.sock, SPAWNER_TERM, 0) == 0);
	EXPECT(quiet(200));
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", run.pid,
		 run.pid);
	file = fopen(path, "re");
	EXPECT(file && fscanf(file, "%d", &child) == 1);
	fclose(file);
	snprintf(path, sizeof(path), "/proc/%d/status", child);
	file = fopen(path, "re");
	EXPECT(file && fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	EXPECT(strstr(text, "ShdPnd:\t0000000000004000\n"));
	EXPECT(spawner_command(run.sock, SPAWNER_KILL, 0) == 0);
	EXPECT(event(0, SIGKILL) == 0);
	return 0;
}

/* All 256 bytes but those that mean something. */
static int bytes_outside_the_table(void)
{
	EXPECT(add_shells("echo here >&2; exec sleep 60") == 0);
	EXPECT(fork_spawner() == 0);
	EXPECT(spawner_command(run.sock, SPAWNER_START, 0) == 0);
	for (unsigned int byte = 0; byte < 256; byte++) {
		bool inside = byte < SPAWNER_ACTIONS * SPAWNER_CHILDREN_MAX &&
			      byte % SPAWNER_CHILDREN_MAX < CHILDREN;

		if (!inside)
			EXPECT(send_byte(byte) == 0);
	}
	EXPECT(quiet(500));
	EXPECT(spawner_command(run.sock, SPAWNER_KILL, 0) == 0);
	EXPECT(event(0, SIGKILL) == 0);
	EXPECT(strcmp(hear(0), "here\n") == 0);
	EXPECT(end_spawner() < 5000);
	EXPECT(hear(1)[0] == '\0' && hear(2)[0] == '\0');
	return 0;
}

/* Of a longer message the first byte counts, and no other. */
static int long_messages(void)
{
	char message[4096];

	memset(message, SPAWNER_START * SPAWNER_CHILDREN_MAX + 2,
	       sizeof(message));
	message[0] = SPAWNER_START * SPAWNER_CHILDREN_MAX + 1;
	EXPECT(add_shells("exit 7") == 0);
	EXPECT(fork_spawner() == 0);
	EXPECT(send(run.sock, message, sizeof(message), 0) == sizeof(message));
	EXPECT(event(1, 7 << 8) == 0);
	EXPECT(quiet(200));
	return 0;
}

static int missing_executable(void)
{
	const char *said;

	EXPECT(add_shells("exit 0") == 0);
	table[1].path = "/nonexistent/tapfeed-capture";
	table[2].path = "/etc/passwd"; /* not executable */
	EXPECT(fork_spawner() == 0);
	EXPECT(spawner_command(run.sock, SPAWNER_START, 1) == 0);
	EXPECT(event(1, TAPFEED_EXIT_LOSS << 8) == 0);
	said = hear(1);
	EXPECT(strncmp(said, "<3>", 3) == 0);
	EXPECT(strstr(said, "/nonexistent/tapfeed-capture"));
	EXPECT(strstr(said, "ENOENT"));
	EXPECT(count_char(said, '\n') == 1);
	EXPECT(spawner_command(run.sock, SPAWNER_START, 2) == 0);
	EXPECT(event(2, TAPFEED_EXIT_PERMISSION << 8) == 0);
	EXPECT(strstr(hear(2), "EACCES"));
	/* It goes on. */
	EXPECT(spawner_command(run.sock, SPAWNER_START, 0) == 0);
	EXPECT(event(0, 0) == 0);
	return 0;
}

/* tapfeed is gone: who stops by himself is waited for, and no longer. */
static int end_of_file(void)
{
	EXPECT(add_shells("echo up >&2; sleep 0.5; exit 0") == 0);
	EXPECT(fork_spawner() == 0);
	for (size_t i = 0; i < 2; i++) {
		char up[3];

		EXPECT(spawner_command(run.sock, SPAWNER_START, i) == 0);
		EXPECT(fd_read(run.stderr_fds[i], up, 3) == 3);
	}
	EXPECT(end_spawner() < 5000);
	EXPECT(silent(0, 0) && silent(1, 0) && silent(2, 0));
	return 0;
}

/* Who does not stop is killed. It takes the whole time he has for it. */
static int end_of_file_kills(void)
{
	uint64_t ms;

	EXPECT(add_shells("echo up >&2; exec sleep 60") == 0);
	EXPECT(fork_spawner() == 0);
	for (size_t i = 0; i < 2; i++) {
		char up[3];

		EXPECT(spawner_command(run.sock, SPAWNER_START, i) == 0);
		EXPECT(fd_read(run.stderr_fds[i], up, 3) == 3);
	}
	ms = end_spawner();
	EXPECT(ms >= TAPFEED_DRAIN_DEADLINE_S * 1000 && ms < 20000);
	EXPECT(silent(0, 5000) && silent(1, 5000));
	return 0;
}

/* Killed itself, it takes its children with it. */
static int killed(void)
{
	char up[3];
	int status;

	EXPECT(add_shells("echo up >&2; exec sleep 60") == 0);
	EXPECT(fork_spawner() == 0);
	EXPECT(spawner_command(run.sock, SPAWNER_START, 0) == 0);
	EXPECT(fd_read(run.stderr_fds[0], up, 3) == 3);
	EXPECT(kill(run.pid, SIGKILL) == 0);
	EXPECT(waitpid(run.pid, &status, 0) == run.pid);
	EXPECT(silent(0, 5000));
	EXPECT(spawner_command(run.sock, SPAWNER_START, 1) == -EPIPE);
	return 0;
}

/* Ctrl-C is for the supervising half, and so is SIGTERM. */
static int not_stopped_by_signals(void)
{
	EXPECT(add_shells("exit 0") == 0);
	EXPECT(fork_spawner() == 0);
	EXPECT(spawner_command(run.sock, SPAWNER_START, 0) == 0);
	EXPECT(event(0, 0) == 0);
	EXPECT(getsid(run.pid) == run.pid);
	for (int i = 0; i < 5; i++) {
		EXPECT(kill(run.pid, SIGINT) == 0);
		EXPECT(kill(run.pid, SIGTERM) == 0);
		usleep(10000);
	}
	EXPECT(spawner_command(run.sock, SPAWNER_START, 1) == 0);
	EXPECT(event(1, 0) == 0);
	EXPECT(end_spawner() < 5000);
	return 0;
}

TEST(exact_fds)
TEST(crossed_fds)
TEST(environment)
TEST(caller_keeps_nothing)
TEST(events)
TEST(started_once)
TEST(signals)
TEST(signal_mask)
TEST(term_waits)
TEST(bytes_outside_the_table)
TEST(long_messages)
TEST(missing_executable)
TEST(end_of_file)
TEST(end_of_file_kills)
TEST(killed)
TEST(not_stopped_by_signals)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact_fds),
		cmocka_unit_test(test_crossed_fds),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_caller_keeps_nothing),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_started_once),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_signal_mask),
		cmocka_unit_test(test_term_waits),
		cmocka_unit_test(test_bytes_outside_the_table),
		cmocka_unit_test(test_long_messages),
		cmocka_unit_test(test_missing_executable),
		cmocka_unit_test(test_end_of_file),
		cmocka_unit_test(test_end_of_file_kills),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_not_stopped_by_signals),
	};

	close_range(3, ~0u, 0); /* such as make's */
	return cmocka_run_group_tests_name("spawner", tests, NULL, NULL);
}
