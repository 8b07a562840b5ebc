/* SPDX-License-Identifier: Apache-2.0 */
/* Input: none but what this program itself says. */
#include <config.h>

#include "launcher/selftest_status.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/selftest.h"
#include "launcher/control.h"
#include "launcher/start.h"
#include "launcher/status.h"

static char folder[64];

void selftest_status_begin(void)
{
	strcpy(folder, "/tmp/tapfeed-selftest-XXXXXX");
	if (!mkdtemp(folder))
		folder[0] = '\0';
	/* Those of this machine's feeds are left alone. */
	setenv("XDG_RUNTIME_DIR", *folder ? folder : "/nonexistent", 1);
	unsetenv("RUNTIME_DIRECTORY");
}

const char *selftest_status_folder(void)
{
	return *folder ? folder : NULL;
}

/* Removes a directory with all files in it. How many there were. */
static size_t remove_folder(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	size_t n = 0;

	while (dir && (entry = readdir(dir)))
		if (entry->d_type != DT_DIR &&
		    unlinkat(dirfd(dir), entry->d_name, 0) == 0)
			n++;
	if (dir)
		closedir(dir);
	(void)rmdir(path);
	return n;
}

bool selftest_status_end(void)
{
	char path[sizeof(folder) + 16];
	size_t left;

	if (!*folder)
		return true;
	snprintf(path, sizeof(path), "%s/tapfeed", folder);
	left = remove_folder(path);
	/* Whom root becomes cannot remove what is in root's own directory. */
	(void)remove_folder(folder);
	if (left > 0)
		printf("tapfeed: %zu sockets of tapfeed status were left\n",
		       left);
	return left == 0;
}

static struct sockaddr_un address_of(const char *interface)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path),
		 "%s/tapfeed/%s.sock", folder, interface);
	return address;
}

bool selftest_status_ask(const char *interface)
{
	const struct sockaddr_un address = address_of(interface);
	uint8_t buf[CONTROL_REQUEST_MAX];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int len =
		control_pack_request(CONTROL_REQUEST_STATUS, buf, sizeof(buf));
	struct pollfd answer = { .fd = fd, .events = POLLIN };
	bool good = connect(fd, (const struct sockaddr *)&address,
			    sizeof(address)) == 0 &&
		    len > 0 && fd_write(fd, buf, (size_t)len) == len &&
		    poll(&answer, 1, 2000) == 1 &&
		    fd_read(fd, buf, sizeof(buf)) > 0;

	fd_close(&fd);
	return good;
}

/* ---- tapfeed status ---------------------------------------------------------
 */

static int work(int argc, char **argv)
{
	return (strcmp(argv[1], "start") == 0 ? run_start
					      : run_status)(argc - 1, argv + 1);
}

/* A feed for it to ask. */
static int listen_as(const char *interface)
{
	const struct sockaddr_un address = address_of(interface);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(address.sun_path, 0600) < 0 || listen(fd, 8) < 0)
		fd_close(&fd);
	return fd;
}

static int answer_status(uint8_t *buf, size_t size)
{
	static struct control_status status;

	strcpy(status.version, PACKAGE_VERSION);
	strcpy(status.command, "replay");
	strcpy(status.report.interface, "selftest0");
	status.kind = TAPFEED_TAP;
	status.mtu = TAPFEED_MTU_DEFAULT;
	status.state = CONTROL_RUNNING;
	status.process_count = 1;
	strcpy(status.processes[0].name, "tapfeed");
	status.processes[0].pid = (uint32_t)getpid();
	return control_pack_reply(&status, buf, size);
}

static int answer_start(uint8_t *buf, size_t size)
{
	const struct control_started started = { CONTROL_START_DONE, 0 };

	return control_pack_started(&started, buf, size);
}

static void answer(int listen_fd, int (*pack)(uint8_t *buf, size_t size))
{
	static uint8_t buf[CONTROL_REPLY_MAX];
	struct pollfd asked = { .fd = listen_fd, .events = POLLIN };
	int fd =
		poll(&asked, 1, 5000) == 1 ? accept(listen_fd, NULL, NULL) : -1;
	int len = pack(buf, sizeof(buf));

	if (fd < 0 || len < 0 || fd_read(fd, buf + len, 1) <= 0 ||
	    fd_write(fd, buf, (size_t)len) != len)
		selftest_missed();
	fd_close(&fd);
}

static int drive_nothing(struct selftest *test)
{
	selftest_arg(test, "status");
	selftest_start(test);
	return selftest_end(test, TAPFEED_EXIT_OK);
}

static int drive_with(struct selftest *test,
		      int (*pack)(uint8_t *buf, size_t size))
{
	const struct sockaddr_un address = address_of("selftest0");
	int fd, r;

	if (!*folder)
		return selftest_skip(test, "no temporary directory");
	test->stdout_fd = selftest_file("", 0);
	fd = listen_as("selftest0");
	selftest_start(test);
	answer(fd, pack);
	r = selftest_end(test, TAPFEED_EXIT_OK);
	fd_close(&fd);
	(void)unlink(address.sun_path);
	return r;
}

static int drive_answer(struct selftest *test)
{
	selftest_arg(test, "status");
	return drive_with(test, answer_status);
}

static int drive_json(struct selftest *test)
{
	selftest_arg(test, "status");
	selftest_arg(test, "--json");
	return drive_with(test, answer_status);
}

static int drive_start(struct selftest *test)
{
	selftest_arg(test, "start");
	selftest_arg(test, "selftest0");
	return drive_with(test, answer_start);
}

/* What a feed left that died is removed. */
static int drive_left(struct selftest *test)
{
	int fd;

	if (!*folder)
		return selftest_skip(test, "no temporary directory");
	fd = listen_as("selftest1");
	fd_close(&fd);
	return drive_nothing(test);
}

static const struct selftest_path paths[] = {
	{ "a feed that answers", drive_answer },
	{ "JSON", drive_json },
	{ "no feed", drive_nothing },
	{ "what a dead feed left", drive_left },
	{ "tapfeed start", drive_start },
};

bool selftest_status(void)
{
	const struct selftest_program program = {
		.name = "tapfeed status",
		.table = "launcher/status_policy.c and common/policy.c",
		.paths = paths,
		.path_count = sizeof(paths) / sizeof(paths[0]),
		.work = work,
	};

	return selftest_run(&program) == TAPFEED_EXIT_OK;
}
