/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the MTU. The injector asks for the interface before anybody has read
 * a packet, and nobody may change it later: so files are read once before, by a
 * capture that is confined as ever and has nothing but the files and a counters
 * page, of which one number is read when it has ended. It is hostile by then.
 */
#include <config.h>

#include "launcher/automtu.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/counters.h"
#include "common/fd.h"
#include "common/log.h"
#include "launcher/paths.h"
#include "proto/counters.h"

/* Whatever anybody says. Readers expect no less than what is usual. */
static uint32_t bounded(uint64_t mtu)
{
	if (mtu < TAPFEED_MTU_DEFAULT)
		return TAPFEED_MTU_DEFAULT;
	return mtu > TAPFEED_MTU_MAX ? TAPFEED_MTU_MAX : (uint32_t)mtu;
}

static int failed(const char *what, int error)
{
	log_error("--mtu auto: %s: %s; give the MTU as a number", what,
		  log_errno(error));
	return TAPFEED_EXIT_LOSS;
}

/* ---- interfaces ---------------------------------------------------------- */

static int of_interfaces(struct run *run)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t largest = 0;

	if (fd < 0)
		return failed("a socket to ask interfaces by", errno);
	for (size_t i = 0; i < run->options.source_count; i++) {
		struct ifreq request = { 0 };

		/* Its length was checked with the interface. */
		strncpy(request.ifr_name, run->options.sources[i],
			IFNAMSIZ - 1);
		/* One that is gone by now is told by who opens it. */
		if (ioctl(fd, SIOCGIFMTU, &request) == 0 &&
		    request.ifr_mtu > 0 && (uint64_t)request.ifr_mtu > largest)
			largest = (uint64_t)request.ifr_mtu;
	}
	close(fd);
	options_set_mtu(&run->options, bounded(largest));
	return -1;
}

/* ---- files --------------------------------------------------------------- */

struct scan {
	struct spawner_child child;
	struct options options;
	const struct counters_capture *counters;
	off_t offsets[TAPFEED_SOURCES_MAX]; /* the files', which it shares */
};

static void hand_over(struct spawner_child *child, int fd, const char *name)
{
	child->fds[child->fd_count++] = (struct spawner_fd){ fd, name, false };
}

/* 0 or a negative errno; the descriptors that are its own stay in scan. */
static int prepare(struct run *run, struct scan *scan)
{
	struct spawner_child *child = &scan->child;
	const void *page = NULL;
	int r;

	child->store_fd = -1;
	child->program_fd = -1;
	child->user = run->capture_user;
	child->stderr_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (child->stderr_fd < 0)
		return -errno;
	r = counters_create();
	if (r < 0)
		return r;
	hand_over(child, r, "counters");
	r = counters_map_readonly(r, &page);
	scan->counters = page;
	for (size_t i = 0; i < run->options.source_count; i++) {
		hand_over(child, run->source_fds[i], "source");
		scan->offsets[i] = lseek(run->source_fds[i], 0, SEEK_CUR);
	}
	scan->options = run->options;
	scan->options.scan = run->options.kind;
	child->argv = options_argv(&scan->options, OPTIONS_CAPTURE,
				   "tapfeed-capture");
	child->path = paths_find("capture", "tapfeed-capture");
	return r == 0 && (!child->argv || !child->path) ? -ENOMEM : r;
}

/* Its status, as waitpid(2) gives it, or a negative errno. */
static int run_child(const struct spawner_child *child)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (pid == 0)
		child_run(child);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status;
}

static int of_files(struct run *run)
{
	static struct scan scan;
	int r = prepare(run, &scan);

	if (r == 0) {
		log_info("reading %s for the MTU", run->options.source_count > 1
							   ? "the files"
							   : "the file");
		r = run_child(&scan.child);
	}
	for (size_t i = 0; i < run->options.source_count; i++)
		if (r >= 0 &&
		    lseek(run->source_fds[i], scan.offsets[i], SEEK_SET) < 0)
			r = -errno;
	fd_close(&scan.child.stderr_fd);
	if (scan.child.fd_count > 0)
		fd_close(&scan.child.fds[0].fd);
	if (r < 0)
		return failed("reading the files", -r);
	if (WIFSIGNALED(r)) {
		log_error("--mtu auto: what read the files was killed by "
			  "signal %d; give the MTU as a number",
			  WTERMSIG(r));
		return TAPFEED_EXIT_LOSS;
	}
	/* Where it failed, the feed's own capture will, and say why. */
	log_debug("what read the files ended with status %d", WEXITSTATUS(r));
	options_set_mtu(&run->options,
			bounded(counter_get(&scan.counters->mtu_needed)));
	return -1;
}

int automtu_find(struct run *run)
{
	if (run->options.mtu > 0 || run->options.join)
		return -1;
	return run->live ? of_interfaces(run) : of_files(run);
}
