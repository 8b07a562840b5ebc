/* SPDX-License-Identifier: Apache-2.0 */
/* Whose the policy file must be, who is asked about, what is installed. */
#include <config.h>

#include "unit.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/policyfile.h"

#define UID 12345

static const struct policyfile_subject subject = { .uid = UID };

static void test_self(void **state)
{
	struct policyfile_subject self;
	gid_t groups[POLICYFILE_GROUPS_MAX];
	int n = getgroups(POLICYFILE_GROUPS_MAX, groups);

	(void)state;
	assert_true(n >= 0);
	assert_int_equal(policyfile_self(&self), 0);
	assert_int_equal(self.uid, getuid());
	assert_int_equal(self.group_count, n + 1);
	assert_int_equal(self.groups[0], getgid());
	assert_memory_equal(self.groups + 1, groups, (size_t)n * sizeof(gid_t));
}

/* With ids of each sort different, and as many groups as there is room for. */
static int self_as_another(void)
{
	static gid_t groups[POLICYFILE_GROUPS_MAX];
	struct policyfile_subject self;

	for (size_t i = 0; i < POLICYFILE_GROUPS_MAX; i++)
		groups[i] = (gid_t)(5000 + i);
	EXPECT(setgroups(POLICYFILE_GROUPS_MAX, groups) == 0);
	EXPECT(policyfile_self(&self) == -EINVAL);
	EXPECT(setgroups(POLICYFILE_GROUPS_MAX - 1, groups) == 0);
	EXPECT(setresgid(31, 32, 33) == 0 && setresuid(21, 22, 23) == 0);
	EXPECT(policyfile_self(&self) == 0);
	EXPECT(self.uid == 21 && self.groups[0] == 31);
	EXPECT(self.group_count == POLICYFILE_GROUPS_MAX);
	EXPECT(self.groups[1] == 5000);
	EXPECT(self.groups[POLICYFILE_GROUPS_MAX - 1] ==
	       5000 + POLICYFILE_GROUPS_MAX - 2);
	return 0;
}

static void need_root(void)
{
	if (geteuid() != 0) {
		print_message("only root can make files of root\n");
		skip();
	}
}

static void test_self_as_another(void **state)
{
	(void)state;
	need_root();
	run_in_child(self_as_another);
}

static const char good_line[] = "create any=yes name=x\n";

/* A directory of our own with a policy file; removed by forget(). */
static void make_file(char *dir, char *path)
{
	int fd;

	strcpy(dir, "/tmp/test_policyfile.XXXXXX");
	assert_non_null(mkdtemp(dir));
	sprintf(path, "%s/policy.conf", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, good_line, sizeof(good_line) - 1),
			 sizeof(good_line) - 1);
	assert_int_equal(fchmod(fd, 0644), 0);
	close(fd);
}

static void forget(const char *dir, const char *path)
{
	if (unlink(path) < 0)
		assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static int read_path(const char *path, const char **what)
{
	struct policyfile_fault fault = { 9, "" };
	struct policyfile policy = { .count = 77 };
	size_t fds = open_fds();
	int r = policyfile_read(path, &subject, &policy, &fault);

	assert_int_equal(open_fds(), fds);
	assert_int_equal(policy.count, r == 0 ? 1 : 77);
	if (r == -EPERM)
		assert_int_equal(fault.line, 0);
	*what = fault.what;
	return r;
}

static void test_owners_and_modes(void **state)
{
	static const struct {
		uid_t uid, dir_uid;
		gid_t gid;
		mode_t mode, dir_mode;
		const char *what; /* NULL: taken */
	} rows[] = {
		{ 0, 0, 0, 0644, 0755, NULL },
		{ 0, 0, 0, 0600, 0700, NULL },
		{ 0, 0, 50, 0640, 0750, NULL },
		{ 0, 0, 0, 0000, 0111, NULL }, /* root reads what he likes */
		{ 0, 0, 0, 0664, 0755, "no plain file of root's" },
		{ 0, 0, 0, 0646, 0755, "no plain file of root's" },
		{ 0, 0, 50, 0666, 0755, "no plain file of root's" },
		{ 1, 0, 0, 0644, 0755, "no plain file of root's" },
		{ UID, 0, 0, 0444, 0755, "no plain file of root's" },
		{ 0, 0, 0, 0644, 0775, "its directory" },
		{ 0, 0, 0, 0644, 0757, "its directory" },
		{ 0, 0, 0, 0644, 01777, "its directory" },
		{ 0, 1, 0, 0644, 0755, "its directory" },
	};
	const char *what;

	(void)state;
	need_root();
	for (size_t i = 0; i < COUNT(rows); i++) {
		char dir[64], path[128];
		int r;

		make_file(dir, path);
		assert_int_equal(chown(path, rows[i].uid, rows[i].gid), 0);
		assert_int_equal(chmod(path, rows[i].mode), 0);
		assert_int_equal(chown(dir, rows[i].dir_uid, 0), 0);
		assert_int_equal(chmod(dir, rows[i].dir_mode), 0);
		r = read_path(path, &what);
		if (r != (rows[i].what ? -EPERM : 0) ||
		    (rows[i].what && !strstr(what, rows[i].what)))
			fail_msg("row %zu: %d, %s", i, r, what);
		forget(dir, path);
	}
}

static int make_link(const char *path)
{
	return symlink("/etc/hostname", path);
}

static int make_dir(const char *path)
{
	return mkdir(path, 0755);
}

static int make_fifo(const char *path)
{
	return mkfifo(path, 0644);
}

static int make_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	strcpy(address.sun_path, path);
	r = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	close(fd);
	return r;
}

/* What is no plain file, and none of it may hang. */
static void test_kinds_of_file(void **state)
{
	static int (*const make[])(const char *path) = { make_link, make_dir,
							 make_fifo,
							 make_socket };

	(void)state;
	need_root();
	for (size_t i = 0; i < COUNT(make); i++) {
		char dir[64], path[128];
		const char *what;

		make_file(dir, path);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(make[i](path), 0);
		alarm(CHILD_SECONDS);
		assert_int_equal(read_path(path, &what), -EPERM);
		alarm(0);
		assert_non_null(strstr(what, "no plain file"));
		forget(dir, path);
	}
}

/* Of a sparse file of 1 GiB, NUL bytes, hardly anything is read. */
static void test_huge_file(void **state)
{
	char dir[64], path[128];
	const char *what;

	(void)state;
	need_root();
	make_file(dir, path);
	assert_int_equal(truncate(path, 1L << 30), 0);
	assert_int_equal(read_path(path, &what), -EINVAL);
	assert_string_equal(what, "a byte that is no ASCII text, space or tab");
	forget(dir, path);
}

static void test_missing(void **state)
{
	char dir[64], path[128], deep[160];
	const char *what;

	(void)state;
	make_file(dir, path);
	snprintf(deep, sizeof(deep), "%s/policy.conf", path);
	assert_int_equal(read_path(deep, &what), -ENOTDIR);
	forget(dir, path);
	assert_int_equal(read_path(path, &what), -ENOENT);
	need_root();
	make_file(dir, path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(read_path(path, &what), -ENOENT);
	assert_int_equal(rmdir(dir), 0);
}

static int parse_text(const char *text, struct policyfile *policy)
{
	int fd = memfd_create("policy", MFD_CLOEXEC);
	struct policyfile_fault fault;
	int r;

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	r = policyfile_parse(fd, &subject, policy, &fault);
	close(fd);
	return r;
}

/* What make install puts there, and the lines that it proposes. */
static void test_installed(void **state)
{
	const char *builddir = getenv("TAPFEED_BUILDDIR");
	struct policyfile policy;
	char path[4096], text[8192];
	char *line = text;
	size_t proposed = 0;
	ssize_t len;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/examples/policy.conf",
		 builddir ? builddir : ".");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	len = read(fd, text, sizeof(text));
	close(fd);
	assert_true(len > 0 && (size_t)len < sizeof(text));
	text[len] = '\0';
	assert_int_equal(parse_text(text, &policy), 0);
	assert_int_equal(policy.count, 0);
	assert_null(strstr(text, "\ncapture"));
	while ((line = strchr(line, '\n'))) {
		line++;
		if (strncmp(line, "#c", 2) != 0)
			continue;
		proposed++;
		line[0] = ' ';
	}
	assert_int_equal(proposed, 1);
	assert_int_equal(parse_text(text, &policy), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_self),
		cmocka_unit_test(test_self_as_another),
		cmocka_unit_test(test_owners_and_modes),
		cmocka_unit_test(test_kinds_of_file),
		cmocka_unit_test(test_huge_file),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_installed),
	};

	return cmocka_run_group_tests_name("policyfile_owner", tests, NULL,
					   NULL);
}
