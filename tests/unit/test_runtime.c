/* SPDX-License-Identifier: Apache-2.0 */
/* launcher/runtime.c: whose directories and sockets are used, and given away.
 */
#include <config.h>

#include "tests/unit/unit.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/fd.h"
#include "common/log.h"
#include "launcher/statusd.h"

static char parent[] = "/tmp/tapfeed-test.XXXXXX";
static char folder[sizeof(parent) + 16];
static struct statusd statusd;
static int dir_fd;

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
	if (mkdir(folder, 0700) < 0)
		return -1;
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
	if (rmdir(folder) < 0)
		(void)unlink(folder);
	return rmdir(parent);
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0
								   : st.st_mode;
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

static void test_directories(void **state)
{
	static struct runtime_dir dir;
	static char list[3 * sizeof(folder)];

	(void)state;
	assert_int_equal(runtime_open(&dir, NULL), 0);
	runtime_close(&dir);
	chmod(folder, 0720);
	assert_int_equal(runtime_open(&dir, NULL), -EPERM);
	assert_int_equal(dir.fd, -1);
	chmod(folder, 0702);
	assert_int_equal(runtime_open(&dir, NULL), -EPERM);
	chmod(folder, 0755);
	assert_int_equal(runtime_open(&dir, NULL), 0);
	runtime_close(&dir);
	if (geteuid() == 0 && chown(folder, 65534, 0) == 0) {
		assert_int_equal(runtime_open(&dir, NULL), -EACCES);
		assert_int_equal(chown(folder, 0, 0), 0);
	}
	/* The first of systemd's; a parent is not made. */
	snprintf(list, sizeof(list), "%s:/nowhere", folder);
	setenv("RUNTIME_DIRECTORY", list, 1);
	setenv("XDG_RUNTIME_DIR", "/nowhere", 1);
	assert_int_equal(runtime_open(&dir, NULL), 0);
	assert_string_equal(dir.path, folder);
	runtime_close(&dir);
	unsetenv("RUNTIME_DIRECTORY");
	assert_int_equal(runtime_open(&dir, NULL), -ENOENT);
	assert_string_equal(dir.path, "/nowhere/tapfeed");
	/* No directory, though a link leads to one. */
	setenv("XDG_RUNTIME_DIR", parent, 1);
	assert_int_equal(rmdir(folder), 0);
	snprintf(list, sizeof(list), "%s/real", parent);
	assert_int_equal(mkdir(list, 0700), 0);
	assert_int_equal(symlink("real", folder), 0);
	assert_true(runtime_open(&dir, NULL) < 0);
	assert_int_equal(rmdir(list), 0);
	assert_int_equal(unlink(folder), 0);
	assert_int_equal(symlink("/nowhere", folder), 0);
	assert_true(runtime_open(&dir, NULL) < 0);
	/* None of it matters. */
	statusd_init(&statusd, NULL);
	statusd_listen(&statusd, "lc0");
	assert_int_equal(statusd.listen_fd, -1);
}

/* With a /run of its own. */
static int pass_over(void)
{
	static struct runtime_dir dir;

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/run", "tmpfs", 0, "mode=0755") < 0)
		return 0; /* not here */
	EXPECT(runtime_open(&dir, NULL) == 0);
	EXPECT(strcmp(dir.path, "/run/tapfeed") == 0);
	return 0;
}

/* $XDG_RUNTIME_DIR of another user, which sudo -E hands on, is left to him. */
static void test_session_of_another(void **state)
{
	(void)state;
	if (geteuid() != 0 || chown(parent, 65534, 0) < 0)
		skip();
	run_in_child(pass_over);
}

/* Root's feed runs as somebody else, and needs the directory. */
static void test_owner(void **state)
{
	static const struct users_id nobody = { 65534, 65534 };
	static const struct users_id other = { 12345, 12345 };
	static struct runtime_dir dir;
	struct stat st;

	(void)state;
	if (geteuid() != 0 || chown(folder, 65534, 0) < 0)
		skip();
	/* Its own, wherever it is. */
	assert_int_equal(runtime_open(&dir, &nobody), 0);
	runtime_close(&dir);
	assert_int_equal(chown(folder, 0, 0), 0);
	/* One in a place where others make directories too. */
	assert_int_equal(chmod(parent, 0777), 0);
	assert_int_equal(runtime_open(&dir, &nobody), -EBUSY);
	assert_int_equal(chmod(parent, 0700), 0);
	/* One that is not tapfeed's by its name. */
	setenv("RUNTIME_DIRECTORY", parent, 1);
	assert_int_equal(runtime_open(&dir, &nobody), -EBUSY);
	unsetenv("RUNTIME_DIRECTORY");
	assert_int_equal(stat(parent, &st), 0);
	assert_int_equal(st.st_uid, 0);
	/* The one that is. */
	statusd_init(&statusd, &nobody);
	statusd_listen(&statusd, "lc0");
	assert_true(statusd.named);
	assert_int_equal(fstat(dir_fd, &st), 0);
	assert_int_equal(st.st_uid, 65534);
	assert_int_equal(st.st_gid, 65534);
	assert_int_equal(fstatat(dir_fd, "lc0.sock", &st, AT_SYMLINK_NOFOLLOW),
			 0);
	assert_int_equal(st.st_uid, 65534);
	assert_int_equal(st.st_mode, S_IFSOCK | 0600);
	/* As long as somebody listens there it is not given to another. */
	assert_int_equal(runtime_open(&dir, &other), -EBUSY);
	statusd_done(&statusd);
	assert_int_equal(runtime_open(&dir, &other), 0);
	runtime_close(&dir);
	assert_int_equal(fstat(dir_fd, &st), 0);
	assert_int_equal(st.st_uid, 12345);
	/* One that others may write to, to nobody. */
	assert_int_equal(chmod(folder, 0770), 0);
	assert_int_equal(runtime_open(&dir, &nobody), -EPERM);
}

/* Nothing is given away that was not just made. */
static void test_give(void **state)
{
	static const struct users_id nobody = { 65534, 65534 };
	struct runtime_file file = { 0 };
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(runtime_give(dir_fd, "lc0.sock", NULL, &file),
			 -ESTALE);
	make_stale("lc0.sock");
	assert_int_equal(runtime_give(dir_fd, "lc0.sock", NULL, &file), 0);
	assert_int_equal(linkat(dir_fd, "lc0.sock", dir_fd, "other.sock", 0),
			 0);
	assert_int_equal(runtime_give(dir_fd, "lc0.sock", &nobody, &file),
			 -ESTALE);
	assert_int_equal(unlinkat(dir_fd, "lc0.sock", 0), 0);
	assert_int_equal(symlinkat("other.sock", dir_fd, "lc0.sock"), 0);
	assert_int_equal(runtime_give(dir_fd, "lc0.sock", &nobody, &file),
			 -ESTALE);
	assert_int_equal(unlinkat(dir_fd, "lc0.sock", 0), 0);
	fd = openat(dir_fd, "lc0.sock", O_CREAT | O_WRONLY, 0600);
	assert_int_equal(runtime_give(dir_fd, "lc0.sock", &nobody, &file),
			 -ESTALE);
	fd_close(&fd);
	assert_int_equal(fstatat(dir_fd, "lc0.sock", &st, 0), 0);
	assert_int_equal(st.st_uid, geteuid());
	/* Nor is anything removed. */
	runtime_remove(dir_fd, "lc0.sock", &file);
	assert_true(S_ISREG(mode_of("lc0.sock")));
}

int main(void)
{
#define TEST(function)                                                         \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_directories),
		TEST(test_session_of_another),
		TEST(test_owner),
		TEST(test_give),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
