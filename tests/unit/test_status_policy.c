/* SPDX-License-Identifier: Apache-2.0 */
/* launcher/status_policy.c: what tapfeed status may do, and what it may not,
 * tried for real in a process each. */
#include <config.h>

#include "tests/unit/unit.h"

#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/landlock.h"
#include "common/sandbox.h"
#include "launcher/status_policy.h"

#if defined(TAPFEED_SANITIZE) || defined(TAPFEED_TRACE_FILTER)
static const bool other_filter = true;
#else
static const bool other_filter = false;
#endif

static char folder[] = "/tmp/tapfeed-test.XXXXXX";
static char outside[sizeof(folder) + 16];
static int dir_fd;

/* What came of a row. */
enum outcome {
	DONE,	/* it was let do it */
	DENIED, /* by Landlock, where the kernel has it; else DONE */
	KILLED, /* by the filter */
};

static int read_proc(void)
{
	return open("/proc/self/status", O_RDONLY | O_CLOEXEC);
}

static int read_folder(void)
{
	return openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int remove_stale(void)
{
	return unlinkat(dir_fd, "stale", 0);
}

static int connect_socket(void)
{
	const struct sockaddr_un address = { AF_UNIX, "/nowhere" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	return connect(fd, (const struct sockaddr *)&address, sizeof(address)) <
				       0 &&
			       errno == ENOENT
		       ? 0
		       : -1;
}

static int read_elsewhere(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static int list_elsewhere(void)
{
	return open("/etc", O_RDONLY | O_DIRECTORY);
}

static int remove_elsewhere(void)
{
	return unlinkat(AT_FDCWD, outside, 0);
}

static int through_proc(void)
{
	return open("/proc/self/root/etc/passwd", O_RDONLY);
}

static int remove_folder(void)
{
	return unlinkat(dir_fd, "stale", AT_REMOVEDIR);
}

static int write_file(void)
{
	return openat(dir_fd, "stale", O_WRONLY);
}

static int create_file(void)
{
	return openat(dir_fd, "new", O_RDONLY | O_CREAT, 0600);
}

static int truncate_file(void)
{
	return openat(dir_fd, "stale", O_RDONLY | O_TRUNC);
}

static int bind_socket(void)
{
	const struct sockaddr_un address = { AF_UNIX, "/nowhere/x" };

	return bind(dir_fd, (const struct sockaddr *)&address, sizeof(address));
}

static int inet_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static int datagram_socket(void)
{
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static int execute(void)
{
	return execl("/bin/true", "true", NULL);
}

static int fork_child(void)
{
	return (int)fork();
}

static int send_signal(void)
{
	return kill(getppid(), 0);
}

static int push_input(void)
{
	return ioctl(0, TIOCSTI, "x");
}

static int rename_file(void)
{
	return renameat(dir_fd, "stale", dir_fd, "lc0.sock");
}

static int change_mode(void)
{
	return fchmodat(dir_fd, "stale", 0777, 0);
}

static int executable_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		       ? -1
		       : 0;
}

static int make_dumpable(void)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static const struct {
	const char *what;
	int (*act)(void);
	enum outcome expected;
} rows[] = {
	{ "read /proc", read_proc, DONE },
	{ "read the folder", read_folder, DONE },
	{ "remove a stale socket", remove_stale, DONE },
	{ "connect", connect_socket, DONE },
	{ "read elsewhere", read_elsewhere, DENIED },
	{ "list elsewhere", list_elsewhere, DENIED },
	{ "remove elsewhere", remove_elsewhere, DENIED },
	{ "read elsewhere, through /proc", through_proc, DENIED },
	{ "remove a folder", remove_folder, KILLED },
	{ "open to write", write_file, KILLED },
	{ "create", create_file, KILLED },
	{ "truncate", truncate_file, KILLED },
	{ "bind", bind_socket, KILLED },
	{ "a socket of the internet", inet_socket, KILLED },
	{ "a datagram socket", datagram_socket, KILLED },
	{ "execute", execute, KILLED },
	{ "fork", fork_child, KILLED },
	{ "signal", send_signal, KILLED },
	{ "push terminal input", push_input, KILLED },
	{ "rename", rename_file, KILLED },
	{ "change a mode", change_mode, KILLED },
	{ "executable memory", executable_memory, KILLED },
	{ "be dumpable", make_dumpable, KILLED },
};

static void make_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	(void)unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)),
			 0);
	close(fd);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(outside, sizeof(outside), "%s.outside", folder);
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY);
	return dir_fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlinkat(dir_fd, "stale", 0);
	(void)unlinkat(dir_fd, "lc0.sock", 0); /* the controls' */
	(void)unlinkat(dir_fd, "new", 0);
	(void)unlink(outside);
	close(dir_fd);
	return rmdir(folder);
}

static int seal(void)
{
	const int dirs[] = { dir_fd, -1 };
	const int read_dirs[] = { dir_fd, open("/proc", O_PATH), -1 };
	const struct sandbox_policy policy = status_policy(dirs, read_dirs);
	int r = sandbox_drop(NULL, 0);

	return r == 0 ? sandbox_seal(&policy) : r;
}

/* Does the row in a process of its own; sealed or not. */
static enum outcome try(int (*act)(void), bool sealed)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		alarm(CHILD_SECONDS);
		if (sealed && seal() < 0)
			_exit(DENIED + 100);
		_exit(act() >= 0 ? DONE : errno == EACCES ? DENIED : 50);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? KILLED : 60;
	return (enum outcome)WEXITSTATUS(status);
}

static void test_rows(void **state)
{
	char stale[sizeof(folder) + 8];

	(void)state;
	snprintf(stale, sizeof(stale), "%s/stale", folder);
	for (size_t i = 0; i < COUNT(rows); i++) {
		enum outcome expected = rows[i].expected, outcome;

		if (expected == DENIED && landlock_abi() == 0)
			expected = DONE;
		make_socket(stale);
		make_socket(outside);
		/* The control: without the sandbox nothing kills it. */
		outcome = try(rows[i].act, false);
		if (outcome == KILLED ||
		    (rows[i].expected == DENIED && outcome != DONE))
			fail_msg("%s, not sealed: %d", rows[i].what, outcome);
		make_socket(stale);
		make_socket(outside);
		outcome = try(rows[i].act, true);
		if (outcome != expected)
			fail_msg("%s: %d, not %d", rows[i].what, outcome,
				 expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rows, set_up, tear_down),
	};

	if (other_filter) {
		puts("1..0 # SKIP the filter of this build lets more in");
		return 0;
	}
	return cmocka_run_group_tests_name("status_policy", tests, NULL, NULL);
}
