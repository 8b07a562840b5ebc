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

static struct feedpath feedpath, second;

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
	fd = feedpath_listen(&feedpath, path, SOCK_STREAM, NULL);
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
	assert_int_equal(feedpath_listen(&second, path, SOCK_STREAM, NULL),
			 -EADDRINUSE);
	feedpath_remove(&second);
	fd_close(&client);
	fd_close(&fd);
	/* Nobody listens any more: it is replaced. */
	assert_int_equal(feedpath_connect(path), -ECONNREFUSED);
	fd_close(&feedpath.dir_fd); /* as if killed */
	fd = feedpath_listen(&feedpath, path, SOCK_STREAM, NULL);
	assert_true(fd >= 0);
	fd_close(&fd);
	feedpath_remove(&feedpath);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(feedpath_connect(path), -ENOENT);
}

/* Only what it made is removed, and by a path that may lead elsewhere then. */
static void test_replaced(void **state)
{
	char other[sizeof(path) + 8];
	struct stat st;
	int fd, again, here;

	(void)state;
	fd = feedpath_listen(&feedpath, path, SOCK_STREAM, NULL);
	assert_true(fd >= 0);
	snprintf(other, sizeof(other), "%s.other", path);
	assert_int_equal(rename(path, other), 0);
	again = feedpath_listen(&second, path, SOCK_STREAM, NULL);
	assert_true(again >= 0);
	feedpath_remove(&feedpath);
	assert_int_equal(lstat(path, &st), 0);
	feedpath_remove(&second);
	assert_int_equal(lstat(path, &st), -1);
	assert_int_equal(unlink(other), 0);
	fd_close(&again);
	fd_close(&fd);
	/* Relative, and the working directory is another one at the end. */
	here = open(".", O_RDONLY | O_DIRECTORY);
	assert_int_equal(chdir(folder), 0);
	fd = feedpath_listen(&feedpath, "feed", SOCK_STREAM, NULL);
	assert_true(fd >= 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(fchdir(here), 0);
	feedpath_remove(&feedpath);
	assert_int_equal(lstat(path, &st), -1);
	fd_close(&here);
	fd_close(&fd);
}

/* Root's feed runs as somebody else. */
static void test_owner(void **state)
{
	static const struct users_id nobody = { 65534, 65533 };
	struct stat st;
	int fd;

	(void)state;
	if (geteuid() != 0)
		skip();
	fd = feedpath_listen(&feedpath, path, SOCK_STREAM, &nobody);
	assert_true(fd >= 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_uid, 65534);
	assert_int_equal(st.st_gid, 65533);
	assert_int_equal(st.st_mode, S_IFSOCK | 0660);
	fd_close(&fd);
	/* It could not remove it from root's folder: the next start does. */
	fd_close(&feedpath.dir_fd);
	fd = feedpath_listen(&feedpath, path, SOCK_STREAM, &nobody);
	assert_true(fd >= 0);
	fd_close(&fd);
	feedpath_remove(&feedpath);
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
	assert_int_equal(feedpath_listen(&feedpath, path, SOCK_STREAM, NULL),
			 -EEXIST);
	assert_int_equal(feedpath_connect(path), -ECONNREFUSED);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(feedpath_dir_fd(&feedpath), -1);
	unlink(path);
	/* A link to a socket is none. */
	snprintf(other, sizeof(other), "%s.other", path);
	fd = feedpath_listen(&second, other, SOCK_STREAM, NULL);
	assert_true(fd >= 0);
	fd_close(&fd);
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(feedpath_listen(&feedpath, path, SOCK_STREAM, NULL),
			 -EEXIST);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(feedpath_listen(&feedpath, path, SOCK_STREAM, NULL),
			 -EEXIST);
	assert_int_equal(rmdir(path), 0);
	feedpath_remove(&second);
	assert_int_equal(lstat(other, &st), -1);
}

static void test_bad_paths(void **state)
{
	char long_path[200];

	(void)state;
	memset(long_path, 'x', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(feedpath_listen(&feedpath, long_path, SOCK_STREAM,
					 NULL),
			 -ENAMETOOLONG);
	assert_int_equal(feedpath_connect(long_path), -ENAMETOOLONG);
	assert_int_equal(feedpath_listen(&feedpath, "", SOCK_STREAM, NULL),
			 -ENAMETOOLONG);
	assert_int_equal(feedpath_listen(&feedpath, "/nonexistent/feed",
					 SOCK_STREAM, NULL),
			 -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_listen),	 TEST(test_replaced),  TEST(test_owner),
		TEST(test_in_its_place), TEST(test_bad_paths),
	};

	return cmocka_run_group_tests_name("feedpath", tests, NULL, NULL);
}
