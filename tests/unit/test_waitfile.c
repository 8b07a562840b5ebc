/* SPDX-License-Identifier: Apache-2.0 */
/* launcher/waitfile.c: which events are the file's coming. */
#include <config.h>

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "launcher/waitfile.h"

static char folder[] = "/tmp/tapfeed-XXXXXX";
static char path[64], other[64];
static int fd;

static void make(const char *name)
{
	int file = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(file >= 0);
	close(file);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(strrchr(folder, '-') + 1, "XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/go", folder);
	snprintf(other, sizeof(other), "%s/gone", folder);
	fd = -1;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fd_close(&fd);
	(void)unlink(path);
	(void)unlink(other);
	(void)rmdir(folder);
	return 0;
}

static void test_comes(void **state)
{
	(void)state;
	assert_int_equal(waitfile_open(path, &fd), 0);
	assert_int_equal(waitfile_take(fd, path), 0);
	make(other);
	assert_int_equal(waitfile_take(fd, path), 0);
	make(path);
	assert_int_equal(waitfile_take(fd, path), 1);
}

static void test_moved(void **state)
{
	(void)state;
	make(other);
	assert_int_equal(waitfile_open(path, &fd), 0);
	assert_int_equal(rename(other, path), 0);
	assert_int_equal(waitfile_take(fd, path), 1);
}

/* Nobody may miss it between a look and the watch. */
static void test_is_there(void **state)
{
	(void)state;
	make(path);
	assert_int_equal(waitfile_open(path, &fd), 1);
	assert_int_equal(fd, -1);
	(void)unlink(path);
	assert_int_equal(symlink("/nonexistent", path), 0);
	assert_int_equal(waitfile_open(path, &fd), 1);
}

static void test_touched(void **state)
{
	(void)state;
	assert_int_equal(waitfile_open(path, &fd), 0);
	make(path);
	assert_int_equal(waitfile_take(fd, path), 1);
	while (waitfile_take(fd, path) == 1)
		continue;
	make(path); /* once more */
	assert_int_equal(waitfile_take(fd, path), 1);
}

static void test_removed(void **state)
{
	(void)state;
	assert_int_equal(waitfile_open(path, &fd), 0);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(waitfile_take(fd, path), -ESTALE);
	assert_int_equal(mkdir(folder, 0700), 0);
}

/* A file in another directory of that name would not be told of. */
static void test_renamed(void **state)
{
	char old[sizeof(folder) + 8];

	(void)state;
	assert_int_equal(waitfile_open(path, &fd), 0);
	snprintf(old, sizeof(old), "%s.old", folder);
	assert_int_equal(rename(folder, old), 0);
	assert_int_equal(waitfile_take(fd, path), -ESTALE);
	assert_int_equal(rename(old, folder), 0);
}

static void test_refused(void **state)
{
	static const struct {
		const char *path;
		int error;
	} rows[] = {
		{ "/nonexistent/x", -ENOENT }, { "/dev/null/x", -ENOTDIR },
		{ "/tmp/", -ENAMETOOLONG },    { "", -ENAMETOOLONG },
		{ "/", -ENAMETOOLONG },
	};
	char name[300];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(waitfile_open(rows[i].path, &fd),
				 rows[i].error);
		assert_int_equal(fd, -1);
	}
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(waitfile_open(name, &fd), -ENAMETOOLONG);
}

static void test_events(void **state)
{
	static const struct {
		uint32_t mask, len;
		const char *name;
		size_t cut; /* bytes that are missing */
		int found;
	} rows[] = {
		{ IN_CREATE, 16, "go", 0, 1 },
		{ IN_MOVED_TO, 16, "go", 0, 1 },
		{ IN_CLOSE_WRITE, 16, "go", 0, 1 },
		{ IN_CREATE, 3, "go", 0, 1 },
		{ IN_CREATE, 2, "go", 0, 0 }, /* no end of the name */
		{ IN_CREATE, 0, "", 0, 0 },
		{ IN_CREATE, 16, "", 0, 0 },
		{ IN_CREATE, 16, "g", 0, 0 },
		{ IN_CREATE, 16, "gone", 0, 0 },
		{ IN_CREATE, 16, "Go", 0, 0 },
		{ IN_DELETE, 16, "go", 0, 0 },
		{ IN_MOVED_FROM, 16, "go", 0, 0 },
		{ IN_IGNORED, 0, "", 0, -ESTALE },
		{ IN_UNMOUNT, 0, "", 0, -ESTALE },
		{ IN_MOVE_SELF, 0, "", 0, -ESTALE },
		{ IN_Q_OVERFLOW, 0, "", 0, -EOVERFLOW },
		{ IN_CREATE, 16, "go", 1, -EPROTO },
		{ IN_CREATE, 16, "go", 17, -EPROTO },
		{ IN_CREATE, UINT32_MAX, "go", 0, -EPROTO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct inotify_event head = { .mask = rows[i].mask,
						    .len = rows[i].len };
		char bytes[sizeof(head) + 16] = { 0 };
		size_t len =
			sizeof(head) + (rows[i].len < 16 ? rows[i].len : 16);

		memcpy(bytes, &head, sizeof(head));
		strcpy(bytes + sizeof(head), rows[i].name);
		assert_int_equal(waitfile_parse("/run/go", bytes,
						len - rows[i].cut),
				 rows[i].found);
	}
}

/* A directory that is gone says more than events that were lost. */
static void test_gone_and_more(void **state)
{
	struct inotify_event events[2] = { { .mask = IN_IGNORED },
					   { .mask = IN_Q_OVERFLOW } };

	(void)state;
	assert_int_equal(waitfile_parse("go", events, sizeof(events)), -ESTALE);
	events[0].mask = IN_Q_OVERFLOW;
	events[1].mask = IN_IGNORED;
	assert_int_equal(waitfile_parse("go", events, sizeof(events)), -ESTALE);
}

/* Many at once, the one among them. */
static void test_among_many(void **state)
{
	char name[80];
	int r = 0;

	(void)state;
	assert_int_equal(waitfile_open(path, &fd), 0);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "%s/%d", folder, i);
		make(name);
		(void)unlink(name);
		if (i == 150)
			make(path);
	}
	for (int i = 0; i < 100 && r == 0; i++)
		r = waitfile_take(fd, path);
	assert_int_equal(r, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_comes),	  TEST(test_moved),
		TEST(test_is_there),	  TEST(test_touched),
		TEST(test_removed),	  TEST(test_renamed),
		TEST(test_refused),	  TEST(test_events),
		TEST(test_gone_and_more), TEST(test_among_many),
	};

	return cmocka_run_group_tests_name("waitfile", tests, NULL, NULL);
}
