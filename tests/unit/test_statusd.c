/* SPDX-License-Identifier: Apache-2.0 */
/* launcher/statusd.c, runtime.c: hostile clients, and what is in the way. */
#include <config.h>

#include "tests/unit/unit.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/log.h"
#include "launcher/statusd.h"

#define NOW	 (100 * NS_PER_S)
#define DEADLINE (CONTROL_DEADLINE_S * NS_PER_S)

static char parent[] = "/tmp/tapfeed-test.XXXXXX";
static char folder[sizeof(parent) + 16];
static struct statusd statusd;
static int dir_fd;

static void fill(const void *data, struct control_status *status)
{
	(void)data;
	control_text(status->command, sizeof(status->command), "live");
	status->report.received = 12;
}

/* What a client's request leads to. */
static void serve(uint64_t now_ns)
{
	struct pollfd fds[STATUSD_POLL];

	statusd_poll(&statusd, fds);
	assert_true(poll(fds, STATUSD_POLL, 0) >= 0);
	statusd_serve(&statusd, fds, now_ns, fill, NULL);
}

static struct {
	enum control_start result;
	size_t calls;
} starting;

static enum control_start on_start(void *data, uint32_t *ret_waits)
{
	assert_ptr_equal(data, &starting);
	starting.calls++;
	*ret_waits = CONTROL_WAIT_READERS;
	return starting.result;
}

static void start(void)
{
	statusd_init(&statusd, NULL);
	statusd_listen(&statusd, "lc0");
}

static int set_up(void **state)
{
	(void)state;
	log_init(LOG_LEVEL_ERROR, NULL, false);
	strcpy(parent + sizeof(parent) - 7, "XXXXXX");
	if (!mkdtemp(parent))
		return -1;
	snprintf(folder, sizeof(folder), "%s/tapfeed", parent);
	unsetenv("RUNTIME_DIRECTORY");
	setenv("XDG_RUNTIME_DIR", parent, 1);
	umask(0);
	(void)mkdir(folder, 0700);
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY);
	return dir_fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	statusd_done(&statusd);
	(void)unlinkat(dir_fd, "lc0.sock", 0);
	(void)unlinkat(dir_fd, "lc0.sock", AT_REMOVEDIR);
	(void)unlinkat(dir_fd, "other.sock", 0);
	unsetenv("RUNTIME_DIRECTORY");
	fd_close(&dir_fd);
	(void)remove(folder);
	return rmdir(parent);
}

static int client(void)
{
	int fd = runtime_connect(dir_fd, "lc0.sock");

	assert_true(fd >= 0);
	/* One a turn is accepted: it, or one that only looked before it. */
	serve(NOW);
	serve(NOW);
	return fd;
}

static void ask(int fd)
{
	uint8_t frame[64];
	int len = control_pack_request(CONTROL_REQUEST_STATUS, frame,
				       sizeof(frame));

	assert_true(len > 0);
	assert_int_equal(write(fd, frame, (size_t)len), len);
}

static void expect_reply(int fd)
{
	static uint8_t frame[4 + CONTROL_REPLY_MAX];
	static struct control_status status;
	ssize_t n = read(fd, frame, sizeof(frame));

	assert_true(n > 4);
	assert_int_equal(
		control_unpack_reply(frame + 4, (size_t)n - 4, &status), 0);
	assert_string_equal(status.command, "live");
	assert_int_equal(status.report.received, 12);
	assert_int_equal(status.now_ns, NOW);
	assert_int_equal(status.uptime_ns, NOW - statusd.began_ns);
}

static void expect_started(int fd, enum control_start result, uint32_t waits)
{
	const uint8_t request[] = { 0, 0, 0, 2, 0x12, 0 };
	struct control_started started;
	uint8_t frame[64];
	ssize_t n;

	assert_int_equal(write(fd, request, sizeof(request)), sizeof(request));
	serve(NOW);
	n = read(fd, frame, sizeof(frame));
	assert_true(n > 4);
	assert_int_equal(
		control_unpack_started(frame + 4, (size_t)n - 4, &started), 0);
	assert_int_equal(started.result, result);
	assert_int_equal(started.waits, waits);
}

static bool is_closed(int fd)
{
	uint8_t byte;
	ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);

	return n == 0 || (n < 0 && errno == ECONNRESET);
}

static mode_t mode_of(const char *name)
{
	struct stat st = { 0 };

	(void)fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW);
	return st.st_mode;
}

/* Who started the feed may; the user as whom it runs may only ask. */
static void test_start(void **state)
{
	int fd;

	(void)state;
	start();
	fd = client();
	expect_started(fd, CONTROL_START_NOT_AWAITED, 0);
	statusd.start = on_start;
	statusd.start_data = &starting;
	starting.result = CONTROL_START_DONE;
	starting.calls = 0;
	expect_started(fd, CONTROL_START_DONE, CONTROL_WAIT_READERS);
	starting.result = CONTROL_START_ALREADY;
	expect_started(fd, CONTROL_START_ALREADY, CONTROL_WAIT_READERS);
	assert_int_equal(starting.calls, 2);
	statusd.starter = geteuid() + 1;
	if (geteuid() != 0) { /* root always may */
		expect_started(fd, CONTROL_START_REFUSED, 0);
		assert_int_equal(starting.calls, 2);
	}
	ask(fd);
	serve(NOW);
	expect_reply(fd);
	fd_close(&fd);
}

static void test_life(void **state)
{
	size_t fds = open_fds();
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(rmdir(folder), 0);
	start();
	fd_close(&dir_fd);
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY);
	assert_int_equal(fstat(dir_fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(mode_of("lc0.sock"), S_IFSOCK | 0600);
	assert_int_equal(fcntl(statusd.listen_fd, F_GETFD), FD_CLOEXEC);
	fd = client();
	for (int i = 0; i < 3; i++) {
		ask(fd);
		serve(NOW);
		expect_reply(fd);
	}
	/* Another name does not move it. */
	statusd_listen(&statusd, "other");
	assert_int_equal(mode_of("other.sock"), 0);
	statusd_done(&statusd);
	assert_true(is_closed(fd));
	assert_int_equal(mode_of("lc0.sock"), 0);
	fd_close(&fd);
	assert_int_equal(open_fds(), fds);
}

/* Each is closed without a reply, and the next client is served. */
static void test_hostile(void **state)
{
	static const struct {
		const char *what;
		const char *bytes;
		size_t len;
	} rows[] = {
#define ROW(what, bytes) { what, bytes, sizeof(bytes) - 1 }
		ROW("length 0", "\0\0\0\0"),
		ROW("length above the limit", "\0\0\4\1"),
		ROW("length 2^31", "\x80\0\0\0"),
		ROW("length 2^32-1", "\xff\xff\xff\xff"),
		ROW("unknown field", "\0\0\0\2\x10\1"),
		ROW("status and unknown field", "\0\0\0\4\x0a\0\x10\1"),
		ROW("unknown field inside", "\0\0\0\4\x0a\2\x10\1"),
		ROW("wrong wire type", "\0\0\0\2\x08\1"),
		ROW("inner length too long", "\0\0\0\2\x0a\5"),
		ROW("cut varint", "\0\0\0\2\x0a\x80"),
		ROW("overlong varint",
		    "\0\0\0\x0b\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"),
		ROW("field 0", "\0\0\0\2\0\0"),
		ROW("two at once", "\0\0\0\2\x0a\0\0\0\0\2\x0a\0"),
		ROW("one and a half", "\0\0\0\2\x0a\0\0"),
		ROW("HTTP", "GET / HTTP/1.1\r\n\r\n"),
#undef ROW
	};

	(void)state;
	start();
	for (size_t i = 0; i < COUNT(rows); i++) {
		int fd = client();

		assert_int_equal(write(fd, rows[i].bytes, rows[i].len),
				 rows[i].len);
		serve(NOW);
		if (!is_closed(fd))
			fail_msg("still open: %s", rows[i].what);
		fd_close(&fd);
		fd = client();
		ask(fd);
		serve(NOW);
		expect_reply(fd);
		fd_close(&fd);
		serve(NOW);
	}
}

/* The largest request, filled with what swells in decoding. */
static void test_swelling(void **state)
{
	uint8_t frame[4 + CONTROL_REQUEST_MAX] = { 0, 0, 4, 0 };
	int fd;

	(void)state;
	for (size_t i = 4; i < sizeof(frame); i += 2)
		frame[i] = 0x10; /* unknown field 2, value 0 */
	start();
	fd = client();
	assert_int_equal(write(fd, frame, sizeof(frame)), sizeof(frame));
	serve(NOW);
	assert_true(is_closed(fd));
	fd_close(&fd);
}

static void test_slow(void **state)
{
	int fd, idle;

	(void)state;
	start();
	assert_true(statusd_next_ns(&statusd) == CLOCK_NEVER);
	fd = client();
	idle = client();
	ask(idle); /* from then on it is */
	serve(NOW + 1);
	assert_true(statusd_next_ns(&statusd) == NOW + DEADLINE);
	assert_int_equal(write(fd, "\0\0\0", 3), 3);
	serve(NOW + DEADLINE - 1);
	assert_false(is_closed(fd));
	/* A byte more is no new beginning. */
	assert_int_equal(write(fd, "\2", 1), 1);
	serve(NOW + DEADLINE);
	assert_true(is_closed(fd));
	assert_true(statusd_next_ns(&statusd) == NOW + DEADLINE + 1);
	serve(NOW + DEADLINE + 1);
	assert_true(statusd_next_ns(&statusd) == CLOCK_NEVER);
	fd_close(&fd);
	fd_close(&idle);
}

/* A client that asks and never reads: closed, and nothing waits for it. */
static void test_deaf(void **state)
{
	const int size = 1; /* the kernel makes it some KiB */
	int fd, i;

	(void)state;
	start();
	fd = client();
	for (size_t j = 0; j < STATUSD_CLIENTS; j++)
		if (statusd.clients[j].fd >= 0)
			setsockopt(statusd.clients[j].fd, SOL_SOCKET, SO_SNDBUF,
				   &size, sizeof(size));
	for (i = 0; i < 1000 && statusd_next_ns(&statusd) != CLOCK_NEVER; i++) {
		ask(fd);
		serve(NOW);
	}
	assert_in_range(i, 2, 999);
	fd_close(&fd);
}

static void test_nine(void **state)
{
	int fds[STATUSD_CLIENTS], more;

	(void)state;
	start();
	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] = client();
	more = client();
	assert_true(is_closed(more));
	fd_close(&more);
	for (size_t i = 0; i < COUNT(fds); i++)
		ask(fds[i]);
	serve(NOW);
	for (size_t i = 0; i < COUNT(fds); i++)
		expect_reply(fds[i]);
	fd_close(&fds[3]);
	serve(NOW);
	more = client();
	ask(more);
	serve(NOW);
	expect_reply(more);
	fd_close(&more);
	for (size_t i = 0; i < COUNT(fds); i++)
		fd_close(&fds[i]);
}

/* A socket file that nobody listens on. */
static void make_stale(const char *name)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	runtime_address(dir_fd, name, &address);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)),
			 0);
	fd_close(&fd);
}

static void test_stale(void **state)
{
	int fd;

	(void)state;
	make_stale("lc0.sock");
	start();
	fd = client();
	ask(fd);
	serve(NOW);
	expect_reply(fd);
	fd_close(&fd);
}

static void test_live(void **state)
{
	static struct statusd second;
	int fd;

	(void)state;
	start();
	statusd_init(&second, NULL);
	statusd_listen(&second, "lc0");
	assert_int_equal(second.listen_fd, -1);
	statusd_done(&second);
	/* The first one is as it was. */
	fd = client();
	ask(fd);
	serve(NOW);
	expect_reply(fd);
	fd_close(&fd);
}

/* What is no socket is neither followed nor removed. */
static void test_foreign(void **state)
{
	int fd;

	(void)state;
	fd = openat(dir_fd, "lc0.sock", O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	fd_close(&fd);
	start();
	assert_int_equal(statusd.listen_fd, -1);
	serve(NOW); /* and nothing happens */
	statusd_done(&statusd);
	assert_int_equal(mode_of("lc0.sock"), S_IFREG | 0600);
	unlinkat(dir_fd, "lc0.sock", 0);

	make_stale("other");
	assert_int_equal(symlinkat("other", dir_fd, "lc0.sock"), 0);
	start();
	assert_int_equal(statusd.listen_fd, -1);
	statusd_done(&statusd);
	assert_true(S_ISLNK(mode_of("lc0.sock")));
	assert_true(S_ISSOCK(mode_of("other")));
	unlinkat(dir_fd, "lc0.sock", 0);
	unlinkat(dir_fd, "other", 0);

	assert_int_equal(mkdirat(dir_fd, "lc0.sock", 0700), 0);
	start();
	assert_int_equal(statusd.listen_fd, -1);
	statusd_done(&statusd);
	assert_true(S_ISDIR(mode_of("lc0.sock")));
}

/* At the end only the file that it made is removed. */
static void test_replaced(void **state)
{
	(void)state;
	start();
	assert_int_equal(unlinkat(dir_fd, "lc0.sock", 0), 0);
	make_stale("other.sock"); /* so that the inode is not used again */
	make_stale("lc0.sock");
	statusd_done(&statusd);
	assert_true(S_ISSOCK(mode_of("lc0.sock")));
}

static const char *temporary(void)
{
	static char name[RUNTIME_SOCKET_SIZE];

	runtime_temporary(name, getpid());
	return name;
}

static void test_names(void **state)
{
	static const char *const bad[] = {
		"",	     ".sock",
		"lc0",	     "a/b.sock",
		"..sock",    "lc 0.sock",
		"-rf.sock",  "1.sock",
		"lc0.sock.", "abcdefghijklmnop.sock"
	};
	char name[TAPFEED_IFNAME_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(runtime_name(bad[i], name), -EINVAL);
	assert_int_equal(runtime_name("lc0.sock", name), 0);
	assert_string_equal(name, "lc0");
	assert_int_equal(runtime_name("abcdefghijklmno.sock", name), 0);
	assert_string_equal(name, "abcdefghijklmno");
	statusd_init(&statusd, NULL);
	assert_true(S_ISSOCK(mode_of(temporary())));
	statusd_listen(&statusd, "../lc0");
	assert_false(statusd.named);
	assert_true(S_ISSOCK(mode_of(temporary())));
	statusd_done(&statusd);
	assert_int_equal(mode_of(temporary()), 0);
}

static void test_temporary(void **state)
{
	static const char *const bad[] = {
		"",	    ".sock",	"..sock",
		".1",	    "1.sock",	".1x.sock",
		".-1.sock", ".1.sock.", ".1234567890123456.sock"
	};
	struct pollfd fds[STATUSD_POLL];
	int fd;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(runtime_is_temporary(bad[i]));
	assert_true(runtime_is_temporary(temporary()));
	/* What one leaves that is killed early goes with the next start, as
	   does what others left; what somebody listens on stays. */
	make_stale(".1.sock");
	make_stale(temporary());
	make_stale("other.sock");
	assert_int_equal(runtime_clear_all(dir_fd), 0);
	assert_int_equal(mode_of("other.sock"), 0);
	make_stale(".1.sock");
	make_stale(temporary());
	make_stale("other.sock");
	statusd_init(&statusd, NULL);
	assert_int_equal(mode_of(".1.sock"), 0);
	assert_int_equal(mode_of("other.sock"), 0);
	assert_int_equal(mode_of(temporary()), S_IFSOCK | 0600);
	assert_int_equal(runtime_clear_all(dir_fd), 1);
	/* It answers under that name already. */
	statusd_poll(&statusd, fds);
	assert_true(fds[0].fd >= 0);
	statusd_listen(&statusd, "lc0");
	assert_int_equal(mode_of(temporary()), 0);
	serve(NOW); /* whoever only looked */
	fd = client();
	ask(fd);
	serve(NOW);
	expect_reply(fd);
	fd_close(&fd);
}

/* A socket that came meanwhile keeps its name. */
static void test_taken(void **state)
{
	(void)state;
	statusd_init(&statusd, NULL);
	make_stale("lc0.sock");
	statusd_listen(&statusd, "lc0");
	assert_int_equal(statusd.listen_fd, -1);
	assert_int_equal(mode_of(temporary()), 0);
	statusd_done(&statusd);
	assert_true(S_ISSOCK(mode_of("lc0.sock")));
}

/* Whether the client of that uid is served; -1: it could not be one. */
static int served_as(uid_t uid)
{
	uint8_t byte = 0;
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		int fd;

		(void)!setresuid(uid, uid, uid);
		fd = runtime_connect(dir_fd, "lc0.sock");
		(void)!write(ends[1], &byte, 1);
		(void)poll(&(struct pollfd){ fd, POLLIN, 0 }, 1, -1);
		_exit(fd >= 0 && read(fd, &byte, 1) == 1 ? 1 : 0);
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	serve(NOW);
	for (size_t i = 0; i < STATUSD_CLIENTS; i++)
		if (statusd.clients[i].fd >= 0)
			assert_int_equal(write(statusd.clients[i].fd, "x", 1),
					 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	serve(NOW);
	close(ends[0]);
	close(ends[1]);
	return WEXITSTATUS(status);
}

/* Even where the file's mode lets everybody in. */
static void test_who_asks(void **state)
{
	static const struct users_id nobody = { 65534, 65534 };

	(void)state;
	if (geteuid() != 0 || chown(folder, 0, 65534) < 0)
		skip();
	statusd_init(&statusd, &nobody);
	statusd_listen(&statusd, "lc0");
	assert_int_equal(fchmodat(dir_fd, "lc0.sock", 0666, 0), 0);
	assert_int_equal(fchmod(dir_fd, 0755), 0);
	assert_int_equal(chmod(parent, 0755), 0);
	assert_int_equal(served_as(0), 1);
	assert_int_equal(served_as(65534), 1);
	assert_int_equal(served_as(12345), 0);
	/* As if user 12345 had started it by a file with his privilege. */
	statusd.starter = 12345;
	assert_int_equal(served_as(12345), 1);
}

int main(void)
{
#define TEST(function)                                                         \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_start),     TEST(test_life),	   TEST(test_hostile),
		TEST(test_swelling),  TEST(test_slow),	   TEST(test_deaf),
		TEST(test_nine),      TEST(test_stale),	   TEST(test_live),
		TEST(test_foreign),   TEST(test_replaced), TEST(test_names),
		TEST(test_temporary), TEST(test_taken),	   TEST(test_who_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
