/* SPDX-License-Identifier: Apache-2.0 */
/* Sources on the command line. Operands are the caller's; paths are opened with
 * the caller's rights. */
#include <config.h>

#include "launcher/input.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/escape.h"
#include "common/fd.h"
#include "common/ifname.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/parse.h"

/* A source as it may be shown. */
static const char *shown(const char *name)
{
	static char buf[128];

	escape_text(buf, sizeof(buf), name, strlen(name));
	return buf;
}

/* Its value is optional, so it stands behind a "=". */
static const char *hint(const struct run *run, const char *name)
{
	uint64_t ns;

	return run->options.wait_for_reader && parse_duration(name, &ns) == 0
		       ? "; a time for --wait-for-reader is written "
			 "--wait-for-reader=T"
		       : "";
}

static int open_failed(const struct run *run, const char *name, int error)
{
	if (error == ENOENT && strlen(name) < IF_NAMESIZE &&
	    if_nametoindex(name) > 0) {
		log_error(
			"%s is an interface, not a file: did you mean tapfeed "
			"live %s?",
			shown(name), shown(name));
		return TAPFEED_EXIT_USAGE;
	}
	log_error("%s cannot be opened: %s%s", shown(name), log_errno(error),
		  error == ENOENT ? hint(run, name) : "");
	return error == EACCES || error == EPERM ? TAPFEED_EXIT_PERMISSION
						 : TAPFEED_EXIT_USAGE;
}

/* Packets come by the source alone: no process keeps them as its input. */
static int discard_stdin(void)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	return null < 0 ? -1 : dup2(null, STDIN_FILENO);
}

/* The descriptor of a file or of standard input; or -1 and errno. */
static int open_one(const char *path, bool standard)
{
	int fd;

	if (standard) {
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		return fd < 0 || discard_stdin() < 0 ? -1 : fd;
	}
	return open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
}

/* What a file may not be. NULL: it is fit. */
static const char *unfit(const struct run *run, int fd, const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return "is a directory: give a capture file or a pipe";
	if (S_ISBLK(st->st_mode))
		return "is a block device: give a capture file or a pipe";
	if (isatty(fd))
		return "is a terminal: give a capture file or a pipe";
	if (!S_ISREG(st->st_mode) && run->options.loop != 1)
		return "cannot be read twice: --loop needs regular files";
	if (!S_ISREG(st->st_mode) && run->options.mtu == 0)
		return "cannot be read twice: --mtu auto needs regular files";
	return NULL;
}

/* -1 to go on, or the exit status. */
static int refuse(const char *path, const char *why)
{
	if (!why)
		return -1;
	log_error("%s %s", shown(path), why);
	return TAPFEED_EXIT_USAGE;
}

/* Before it is opened: that may wait for ever. -1 or the exit status. */
static int check_fifo(const struct run *run, const char *path)
{
	struct stat st;
	int r;

	if (stat(path, &st) < 0 || !S_ISFIFO(st.st_mode))
		return -1;
	r = refuse(path, unfit(run, -1, &st));
	if (r < 0)
		log_info("%s: waiting for somebody to write to it",
			 shown(path));
	return r;
}

static int open_file(struct run *run, size_t i, bool *regular)
{
	const char *path = run->options.sources[i];
	bool standard = strcmp(path, "-") == 0;
	struct stat st;
	int r = standard ? -1 : check_fifo(run, path);
	int fd;

	if (r >= 0)
		return r;
	fd = open_one(path, standard);
	if (standard)
		run->options.sources[i] = path = "standard input";
	if (fd < 0 || fstat(fd, &st) < 0)
		return open_failed(run, path, errno);
	run->source_fds[i] = fd;
	r = refuse(path, unfit(run, fd, &st));
	if (r >= 0)
		return r;
	*regular = *regular && S_ISREG(st.st_mode);
	run->source_bytes += (uint64_t)st.st_size;
	return -1;
}

static int check_operands(const struct run *run)
{
	size_t standard = 0;

	for (size_t i = 0; i < run->options.source_count; i++)
		standard += strcmp(run->options.sources[i], "-") == 0;
	if (standard <= 1)
		return -1;
	log_error("standard input (-) can be read once only");
	return TAPFEED_EXIT_USAGE;
}

int input_open_files(struct run *run)
{
	const size_t n = run->options.source_count;
	bool regular = true;
	int r = check_operands(run);

	/* Nothing that was inherited is kept, so they lie from 3 on. */
	if (r < 0 && fd_close_from(STDERR_FILENO + 1) < 0)
		return open_failed(run, "/proc/self/fd", errno);
	for (size_t i = 0; r < 0 && i < n; i++)
		r = open_file(run, i, &regular);
	if (!regular || run->options.loop != 1)
		run->source_bytes = 0;
	return r;
}

static void explain_missing(const struct run *run, const char *name)
{
	struct if_nameindex *list = if_nameindex();
	char names[256] = "";
	size_t len = 0;

	for (size_t i = 0; list && list[i].if_index; i++) {
		int n = snprintf(names + len, sizeof(names) - len, " %s",
				 shown(list[i].if_name));

		if (n < 0 || (size_t)n >= sizeof(names) - len) {
			names[len] = '\0';
			break;
		}
		len += (size_t)n;
	}
	if (list)
		if_freenameindex(list);
	log_error("%s: no such interface; there are:%s%s", shown(name), names,
		  hint(run, name));
}

static int check_interface(const struct run *run, size_t i)
{
	const char *name = run->options.sources[i];

	if (strcmp(name, "any") == 0) {
		log_error(
			"\"any\" would capture from the feed's own interface, "
			"too; name the interfaces");
		return TAPFEED_EXIT_USAGE;
	}
	if (!run->options.join && strcmp(name, run->options.name) == 0) {
		log_error("%s is the feed's own interface: it cannot capture "
			  "from "
			  "what it makes",
			  shown(name));
		return TAPFEED_EXIT_USAGE;
	}
	for (size_t j = 0; j < i; j++) {
		if (strcmp(name, run->options.sources[j]) == 0) {
			log_error("%s is named twice", shown(name));
			return TAPFEED_EXIT_USAGE;
		}
	}
	if (strlen(name) < IF_NAMESIZE && if_nametoindex(name) > 0)
		return -1;
	if (access(name, F_OK) == 0)
		log_error(
			"%s is a file, not an interface: did you mean tapfeed "
			"replay %s?",
			shown(name), shown(name));
	else
		explain_missing(run, name);
	return TAPFEED_EXIT_USAGE;
}

int input_check_interfaces(struct run *run)
{
	int r = fd_close_from(STDERR_FILENO + 1) < 0
			? open_failed(run, "/proc/self/fd", errno)
			: -1;

	for (size_t i = 0; r < 0 && i < run->options.source_count; i++)
		r = check_interface(run, i);
	return r;
}
