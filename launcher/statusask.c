/* SPDX-License-Identifier: Apache-2.0 */
/* Asking feeds. Input is hostile: directories, sockets, replies. */
#include <config.h>

#include "launcher/statusask.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/signals.h"

#define DEADLINE_NS (CONTROL_DEADLINE_S * NS_PER_S)
#define PAUSE_NS    (STATUSASK_PAUSE_MS * NS_PER_MS)

/* Whether what listens is to be believed. 0 or a negative errno. */
static int check_owner(const struct statusask_feed *feed)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	uid_t own = geteuid();

	if (getsockopt(feed->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	if (cred.uid == own || cred.uid == 0 ||
	    (own == 0 && cred.uid == feed->dir->owner))
		return 0;
	return -EPERM;
}

/* A socket that nobody listens on, which may have changed meanwhile. */
static void remove_stale(const struct runtime_dir *dir, const char *socket)
{
	if (runtime_lock(dir->fd) < 0)
		return;
	(void)runtime_clear(dir->fd, socket);
	runtime_unlock(dir->fd);
}

/* A feed that has no name yet, or died before it had one. */
static void look_for_stale(const struct runtime_dir *dir, const char *socket)
{
	int fd = runtime_connect(dir->fd, socket);

	if (fd == -ECONNREFUSED)
		remove_stale(dir, socket);
	fd_close(&fd);
}

/* Connects to a feed that is there; returns whether it is one. */
static bool connect_feed(struct statusask_feed *feed)
{
	char socket[RUNTIME_SOCKET_SIZE];

	runtime_socket(socket, feed->name);
	feed->fd = runtime_connect(feed->dir->fd, socket);
	if (feed->fd == -ECONNREFUSED)
		remove_stale(feed->dir, socket);
	if (feed->fd == -ECONNREFUSED || feed->fd == -ENOENT ||
	    feed->fd == -ENOTSOCK)
		return false;
	if (feed->fd >= 0)
		feed->error = check_owner(feed);
	else /* its queue of clients is full: as silent as one that hangs */
		feed->error = feed->fd == -EAGAIN ? -ETIMEDOUT : feed->fd;
	if (feed->error == 0)
		feed->error =
			frame_reader_init(&feed->reader, CONTROL_REPLY_MAX);
	if (feed->error < 0)
		fd_close(&feed->fd);
	return true;
}

static void find_in(struct statusask *ask, const struct runtime_dir *dir)
{
	int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (!entries) {
		fd_close(&fd);
		return;
	}
	while (ask->count < STATUSASK_FEEDS_MAX && (entry = readdir(entries))) {
		struct statusask_feed *feed = &ask->feeds[ask->count];

		*feed = (struct statusask_feed){ .dir = dir, .fd = -1 };
		if (runtime_name(entry->d_name, feed->name) == 0 &&
		    connect_feed(feed))
			ask->count++;
		else if (runtime_is_temporary(entry->d_name))
			look_for_stale(dir, entry->d_name);
	}
	closedir(entries);
}

static int compare(const void *a, const void *b)
{
	const struct statusask_feed *one = a, *other = b;
	int r = strverscmp(one->name, other->name);

	return r ? r : strcmp(one->dir->path, other->dir->path);
}

static void on_refused(void *data, const char *path, int error)
{
	struct statusask *ask = data;

	if (error == -EACCES)
		ask->closed = true;
	if (ask->refused)
		ask->refused(path, error);
}

int statusask_find(struct statusask *ask,
		   void (*refused)(const char *path, int error))
{
	ask->count = 0;
	ask->closed = false;
	ask->refused = refused;
	ask->dir_count = runtime_open_all(ask->dirs, on_refused, ask);
	/* Memory that is not touched is not taken. */
	ask->feeds = malloc(STATUSASK_FEEDS_MAX * sizeof(*ask->feeds));
	if (!ask->feeds)
		return -ENOMEM;
	for (size_t i = 0; i < ask->dir_count; i++)
		find_in(ask, &ask->dirs[i]);
	qsort(ask->feeds, ask->count, sizeof(*ask->feeds), compare);
	return 0;
}

static void send_request(struct statusask_feed *feed, enum control_request what,
			 uint64_t now_ns)
{
	uint8_t frame[64];
	int len = control_pack_request(what, frame, sizeof(frame));

	feed->asked = true;
	feed->due_ns = now_ns + DEADLINE_NS;
	if (len < 0 ||
	    send(feed->fd, frame, (size_t)len, MSG_NOSIGNAL) != len) {
		feed->error = -EPIPE;
		fd_close(&feed->fd);
	}
}

/* Takes a whole reply. 1, 0 where it is not whole, or a negative errno. */
static int take_reply(struct statusask_feed *feed, enum control_request what)
{
	struct control_status status = { 0 };
	const uint8_t *body;
	size_t len;
	ssize_t n = frame_reader_fill(&feed->reader, feed->fd);
	int r;

	if (n <= 0)
		return n == -EAGAIN ? 0 : -EPIPE;
	r = frame_reader_next(&feed->reader, &body, &len);
	if (r <= 0)
		return r;
	r = what == CONTROL_REQUEST_START
		    ? control_unpack_started(body, len, &feed->started)
		    : control_unpack_reply(body, len, &status);
	if (r == 0 && frame_reader_partial(&feed->reader))
		r = -EPROTO;
	if (r < 0)
		return r;
	feed->before = feed->status;
	feed->status = status;
	feed->replies++;
	return 1;
}

static void on_readable(struct statusask_feed *feed, enum control_request what,
			unsigned int questions, uint64_t now_ns)
{
	int r = take_reply(feed, what);

	if (r < 0)
		feed->error = r;
	if (r < 0 || (r > 0 && feed->replies == questions))
		fd_close(&feed->fd);
	if (r <= 0)
		return;
	feed->asked = false;
	feed->due_ns = now_ns + PAUSE_NS;
}

static void on_time(struct statusask_feed *feed, enum control_request what,
		    uint64_t now_ns)
{
	if (now_ns < feed->due_ns)
		return;
	if (!feed->asked) {
		send_request(feed, what, now_ns);
		return;
	}
	feed->error = -ETIMEDOUT;
	fd_close(&feed->fd);
}

/* One turn of the loop; whether a feed is still to be heard. */
static bool turn(struct statusask *ask, unsigned int questions)
{
	struct pollfd fds[STATUSASK_FEEDS_MAX];
	uint64_t due = CLOCK_NEVER, now;
	bool left = false;

	for (size_t i = 0; i < ask->count; i++) {
		const struct statusask_feed *feed = &ask->feeds[i];

		fds[i] = (struct pollfd){ feed->asked ? feed->fd : -1, POLLIN,
					  0 };
		if (feed->fd >= 0 && feed->due_ns < due)
			due = feed->due_ns;
		left = left || feed->fd >= 0;
	}
	if (!left || signals_stop_count() > 0 ||
	    fd_poll(fds, ask->count, due) < 0)
		return false;
	now = clock_now_ns();
	for (size_t i = 0; i < ask->count; i++) {
		struct statusask_feed *feed = &ask->feeds[i];

		if (fds[i].revents)
			on_readable(feed, ask->what, questions, now);
		if (feed->fd >= 0)
			on_time(feed, ask->what, now);
	}
	return true;
}

static void drop_feed(struct statusask_feed *feed)
{
	fd_close(&feed->fd);
	frame_reader_done(&feed->reader);
}

/* Keeps what keep() says, in its order. */
static void sift(struct statusask *ask,
		 bool (*keep)(struct statusask_feed *feed, const char *name),
		 const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < ask->count; i++) {
		if (!keep(&ask->feeds[i], name))
			drop_feed(&ask->feeds[i]);
		else if (i != kept++)
			ask->feeds[kept - 1] = ask->feeds[i];
	}
	ask->count = kept;
}

static bool is_wanted(struct statusask_feed *feed, const char *name)
{
	return strcmp(feed->name, name) == 0;
}

static bool is_in(struct statusask_feed *feed, const char *path)
{
	return strcmp(feed->dir->path, path) == 0;
}

bool statusask_choose(struct statusask *ask, const char *name)
{
	size_t own = 0;

	sift(ask, is_wanted, name);
	for (size_t i = 0; i < ask->count; i++)
		own += ask->feeds[i].dir == ask->dirs;
	if (own > 0)
		sift(ask, is_in, ask->dirs[0].path);
	return ask->count == 1;
}

/* A feed that ended while it was asked is no failure. */
static bool is_there(struct statusask_feed *feed, const char *name)
{
	char socket[RUNTIME_SOCKET_SIZE];
	struct stat st;

	(void)name;
	if (feed->replies > 0) /* what it said holds */
		feed->error = 0;
	if (feed->error != -EPIPE)
		return true;
	runtime_socket(socket, feed->name);
	return fstatat(feed->dir->fd, socket, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

void statusask_run(struct statusask *ask, const char *name,
		   unsigned int questions)
{
	if (name)
		sift(ask, is_wanted, name);
	for (size_t i = 0; i < ask->count; i++)
		ask->feeds[i].due_ns = 0;
	while (signals_stop_count() == 0 && turn(ask, questions))
		;
	sift(ask, is_there, NULL);
}

void statusask_done(struct statusask *ask)
{
	for (size_t i = 0; i < ask->count; i++)
		drop_feed(&ask->feeds[i]);
	free(ask->feeds);
	ask->feeds = NULL;
	ask->count = 0;
	for (size_t i = 0; i < ask->dir_count; i++)
		runtime_close(&ask->dirs[i]);
	ask->dir_count = 0;
}

/* Rounded and saturating: a hostile feed's numbers may be any. */
static uint64_t per_second(uint64_t n, uint64_t ns)
{
	unsigned __int128 rate =
		((unsigned __int128)n * NS_PER_S + ns / 2) / ns;

	return rate > UINT64_MAX ? UINT64_MAX : (uint64_t)rate;
}

bool statusask_rate(const struct control_status *before,
		    const struct control_status *after,
		    struct statusask_rate *ret_rate)
{
	const struct report *a = &before->report, *b = &after->report;
	uint64_t bytes_per_s;

	if (after->now_ns <= before->now_ns || b->injected < a->injected ||
	    b->bytes_injected < a->bytes_injected)
		return false;
	bytes_per_s = per_second(b->bytes_injected - a->bytes_injected,
				 after->now_ns - before->now_ns);
	ret_rate->packets_per_s = per_second(b->injected - a->injected,
					     after->now_ns - before->now_ns);
	ret_rate->bits_per_s =
		bytes_per_s > UINT64_MAX / 8 ? UINT64_MAX : bytes_per_s * 8;
	return true;
}
