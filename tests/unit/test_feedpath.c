/* SPDX-License-Identifier: Apache-2.0 */
/* launcher/feedpath.c: a socket at a path, and what may stand in its place. */
#include <config.h>

#include "tests/unit/unit.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/fd.h"
#include "launcher/feedpath.h"

static char folder[] = "/tmp/tapfeed-test.XXXXXX";
static char path[sizeof(folder) + 8];

static int set_up(void **state)
{
	(void)state;
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/feed", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void test_listen(void **state)
{
	struct stat st;
	int fd, client;

	(void)state;
	umask(077);
	fd = feedpath_listen(path);
	assert_true(fd >= 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	client = feedpath_connect(path);
	assert_true(client >= 0);
	assert_int_equal(fcntl(client, F_GETFD), FD_CLOEXEC);
	/* A second one is not let in beside it. */
	assert_int_equal(feedpath_listen(path), -EADDRINUSE);
	fd_close(&client);
	fd_close(&fd);
	/* Nobody listens any more: it is replaced. */
	assert_int_equal(feedpath_connect(path), -ECONNREFUSED);
	fd = feedpath_listen(path);
	assert_true(fd >= 0);
	fd_close(&fd);
	feedpath_remove(path);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(feedpath_connect(path), -ENOENT);
}

/* Whatever is no socket stays as it is. */
static void test_in_its_place(void **state)
{
	char other[sizeof(path) + 8];
	struct stat st;
	int fd;

	(void)state;
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	fd_close(&fd);
	assert_int_equal(feedpath_listen(path), -EEXIST);
	assert_int_equal(feedpath_connect(path), -ECONNREFUSED);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	unlink(path);
	/* A link to a socket is none. */
	snprintf(other, sizeof(other), "%s.other", path);
	fd = feedpath_listen(other);
	assert_true(fd >= 0);
	fd_close(&fd);
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(feedpath_listen(path), -EEXIST);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(feedpath_listen(path), -EEXIST);
	assert_int_equal(rmdir(path), 0);
	unlink(other);
}

static void test_bad_paths(void **state)
{
	char long_path[200];

	(void)state;
	memset(long_path, 'x', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(feedpath_listen(long_path), -ENAMETOOLONG);
	assert_int_equal(feedpath_connect(long_path), -ENAMETOOLONG);
	assert_int_equal(feedpath_listen(""), -ENAMETOOLONG);
	assert_int_equal(feedpath_listen("/nonexistent/feed"), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_listen),
		TEST(test_in_its_place),
		TEST(test_bad_paths),
	};

	return cmocka_run_group_tests_name("feedpath", tests, NULL, NULL);
}
