/* SPDX-License-Identifier: Apache-2.0 */
/* common/fdpass.c: no descriptor comes in that was not asked for. */
#include <config.h>

#include "tests/unit/unit.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/fd.h"
#include "common/fdpass.h"

static int ends[2];

static int set_up(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

static int tear_down(void **state)
{
	(void)state;
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	return 0;
}

/*
 * Sends n descriptors in messages of their own choosing: fdpass_send() refuses
 * more than FDPASS_MAX by assert, a hostile peer does not.
 */
static void send_many(const void *msg, size_t len, size_t n)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(64 * sizeof(int))];
	} control = { 0 };
	char text[64];
	struct iovec iov = { .iov_base = text, .iov_len = len };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[64];

	assert_true(n <= COUNT(fds) && len <= sizeof(text));
	memcpy(text, msg, len);
	for (size_t i = 0; i < n; i++) {
		fds[i] = open("/dev/null", O_RDONLY);
		assert_true(fds[i] >= 0);
	}
	if (n > 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, n * sizeof(int));
		header.msg_control = &control;
		header.msg_controllen = CMSG_LEN(n * sizeof(int));
	}
	assert_int_equal(sendmsg(ends[1], &header, MSG_NOSIGNAL), len);
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

/* Receives with room for max; where it is refused, nothing may be left. */
static ssize_t receive(size_t size, size_t max, size_t *ret_n)
{
	int fds[FDPASS_MAX];
	char msg[64];
	size_t before = open_fds();
	size_t n = 999;
	ssize_t r = fdpass_recv(ends[0], msg, size, fds, max, &n, MSG_DONTWAIT);

	if (r < 0) {
		assert_int_equal(n, 999);
		assert_int_equal(open_fds(), before);
		return r;
	}
	assert_int_equal(open_fds(), before + n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
		close(fds[i]);
	}
	*ret_n = n;
	return r;
}

static void test_numbers(void **state)
{
	static const size_t rows[] = { 0, 1, 2, 3, FDPASS_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t n;

		send_many("four", 4, rows[i]);
		assert_int_equal(receive(64, rows[i], &n), 4);
		assert_int_equal(n, rows[i]);
		send_many("four", 4, rows[i]);
		assert_int_equal(receive(64, FDPASS_MAX, &n), 4);
		assert_int_equal(n, rows[i]);
	}
}

/*
 * More than there is room for, also one more, which CMSG_SPACE(sizeof(int))
 * would let in without MSG_CTRUNC.
 */
static void test_surplus(void **state)
{
	(void)state;
	for (size_t max = 0; max <= FDPASS_MAX; max++)
		for (size_t n = max + 1; n <= 64; n += n < 20 ? 1 : 11) {
			size_t got;

			send_many("four", 4, n);
			assert_int_equal(receive(64, max, &got), -EPROTO);
		}
}

/* That the trap is one: the kernel does put two where one was meant to be. */
static void test_the_trap_is_there(void **state)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char msg[4];
	struct iovec iov = { .iov_base = msg, .iov_len = sizeof(msg) };
	struct msghdr header = { .msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control) };
	int fds[2];

	(void)state;
	send_many("four", 4, 2);
	assert_int_equal(recvmsg(ends[0], &header, 0), 4);
	assert_int_equal(header.msg_flags & MSG_CTRUNC, 0);
	assert_int_equal(control.header.cmsg_len, CMSG_LEN(2 * sizeof(int)));
	memcpy(fds, CMSG_DATA(&control.header), sizeof(fds));
	close(fds[0]);
	close(fds[1]);
}

static void test_message_cut(void **state)
{
	(void)state;
	for (size_t n = 0; n <= 3; n++) {
		size_t got;

		send_many("12345678", 8, n);
		assert_int_equal(receive(7, FDPASS_MAX, &got), -EPROTO);
		send_many("12345678", 8, n);
		assert_int_equal(receive(8, FDPASS_MAX, &got), 8);
		assert_int_equal(got, n);
	}
}

/* What comes is what was sent: the same files, in order; the bytes too. */
static void test_same_files(void **state)
{
	int sent[3], got[3] = { -1, -1, -1 };
	char msg[8] = "";
	size_t n;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		sent[i] = memfd_create("sent", 0);
	assert_int_equal(fdpass_send(ends[1], "hello", 5, sent, 3), 0);
	assert_int_equal(fdpass_recv(ends[0], msg, sizeof(msg), got, 3, &n, 0),
			 5);
	assert_string_equal(msg, "hello");
	assert_int_equal(n, 3);
	for (size_t i = 0; i < 3; i++) {
		struct stat a, b;

		assert_int_equal(fstat(sent[i], &a), 0); /* still open here */
		assert_int_equal(fstat(got[i], &b), 0);
		assert_int_equal(a.st_ino, b.st_ino);
		assert_int_not_equal(sent[i], got[i]);
		close(sent[i]);
		close(got[i]);
	}
}

static void test_nothing(void **state)
{
	size_t n;

	(void)state;
	assert_int_equal(receive(64, 1, &n), -EAGAIN);
	fd_close(&ends[1]);
	assert_int_equal(receive(64, 1, &n), 0);
	assert_int_equal(n, 0);
}

/* Neither a closed peer nor a full socket is a signal or a success. */
static void test_send_fails(void **state)
{
	const size_t len = (size_t)8 * 1024 * 1024;
	char *big = calloc(1, len);

	(void)state;
	assert_non_null(big);
	assert_int_equal(fdpass_send(ends[1], big, len, NULL, 0), -EMSGSIZE);
	fd_close(&ends[0]);
	assert_int_equal(fdpass_send(ends[1], "x", 1, NULL, 0), -EPIPE);
	tear_down(NULL);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	assert_int_equal(fdpass_send(ends[1], big, len, NULL, 0), -EMSGSIZE);
	free(big);
}

/* No room in the table of descriptors: a part of them is none of them. */
static int receive_at_the_limit(void)
{
	int spare = open("/dev/null", O_RDONLY);
	struct rlimit limit = { (rlim_t)spare + 2, (rlim_t)spare + 2 };
	int fds[FDPASS_MAX];
	char msg[8];
	size_t n = 999;

	EXPECT(spare >= 0);
	EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	EXPECT(fdpass_recv(ends[0], msg, sizeof(msg), fds, 3, &n, 0) ==
	       -EPROTO);
	EXPECT(n == 999);
	/* The one that did fit is closed again. */
	EXPECT(fcntl(spare + 1, F_GETFD) < 0 && errno == EBADF);
	return 0;
}

static void test_at_the_limit(void **state)
{
	(void)state;
	send_many("four", 4, 3);
	run_in_child(receive_at_the_limit);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_numbers),	      TEST(test_surplus),
		TEST(test_the_trap_is_there), TEST(test_message_cut),
		TEST(test_same_files),	      TEST(test_nothing),
		TEST(test_send_fails),	      TEST(test_at_the_limit),
	};

	return cmocka_run_group_tests_name("fdpass", tests, NULL, NULL);
}
