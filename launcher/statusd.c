/* SPDX-License-Identifier: Apache-2.0 */
/* The listening side of status. Input is hostile: requests, and what lies in
 * the runtime directory. */
#include <config.h>

#include "launcher/statusd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/escape.h"
#include "common/fd.h"
#include "common/ifname.h"
#include "common/log.h"
#include "common/program.h"

#define DEADLINE_NS (CONTROL_DEADLINE_S * NS_PER_S)

static const char *explain(int error)
{
	switch (error) {
	case -EPERM:
		return "it belongs to another user, or others may write to it";
	case -EBUSY:
		return "it is not tapfeed's alone, so it is not given to the "
		       "user as whom the feed runs";
	case -ENOTDIR:
	case -ELOOP:
		return "it is no directory";
	case -ENOENT:
		return "it cannot be made: the directory it would be in is not "
		       "there";
	case -EADDRINUSE:
		return "another tapfeed listens there";
	case -EEXIST:
	case -ESTALE:
		return "something is there that is no socket";
	default:
		return log_errno(-error);
	}
}

static void warn(const struct statusd *statusd, int error)
{
	char shown[300];
	/* A normal user without a runtime directory: nothing he can mend. */
	bool nobody_asked = error == -EACCES && !getenv("RUNTIME_DIRECTORY") &&
			    !getenv("XDG_RUNTIME_DIR");

	escape_text(shown, sizeof(shown), statusd->dir.path,
		    strlen(statusd->dir.path));
	log_line(nobody_asked ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING,
		 "tapfeed status will not show this feed: %s%s%s: %s", shown,
		 *statusd->socket ? "/" : "", statusd->socket, explain(error));
}

/* Memory for the requests, all of it now. 0 or -ENOMEM. */
static int init_readers(struct statusd *statusd)
{
	for (size_t i = 0; i < STATUSD_CLIENTS; i++) {
		int r = frame_reader_init(&statusd->clients[i].reader,
					  CONTROL_REQUEST_MAX);

		if (r < 0)
			return r;
	}
	return 0;
}

/* A listening socket in the directory. 0 or a negative errno. */
static int make_socket(struct statusd *statusd, const struct users_id *owner)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = 0;

	if (fd < 0)
		return -errno;
	runtime_address(statusd->dir.fd, statusd->socket, &address);
	/* The file gets the mode that the socket has, less the umask. */
	if (fchmod(fd, 0600) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		r = -errno;
	if (r == 0)
		r = runtime_give(statusd->dir.fd, statusd->socket, owner,
				 &statusd->file);
	if (r == 0 && listen(fd, STATUSD_CLIENTS) < 0)
		r = -errno;
	if (r < 0)
		fd_close(&fd);
	else
		statusd->listen_fd = fd;
	return r;
}

/* Whoever died left a socket, and cannot be asked about it later: that takes a
 * connection. 0 or a negative errno. */
static int take_place(struct statusd *statusd, const struct users_id *owner)
{
	/* Without it too: a name is not often fought for. */
	int lock = runtime_lock(statusd->dir.fd);
	int r;

	runtime_temporary(statusd->socket, statusd->pid);
	(void)runtime_clear_all(statusd->dir.fd);
	r = make_socket(statusd, owner);
	if (lock == 0)
		runtime_unlock(statusd->dir.fd);
	return r;
}

int statusd_init(struct statusd *statusd, const struct users_id *owner)
{
	struct timespec now;
	int r;

	*statusd = (struct statusd){
		.listen_fd = -1,
		.pid = getpid(),
		.owner = owner ? owner->uid : geteuid(),
		.starter = getuid(),
	};
	for (size_t i = 0; i < STATUSD_CLIENTS; i++)
		statusd->clients[i].fd = -1;
	clock_gettime(CLOCK_REALTIME, &now);
	statusd->since_ns =
		(uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
	statusd->began_ns = clock_now_ns();
	r = runtime_open(&statusd->dir, owner);
	if (r == 0)
		r = init_readers(statusd);
	if (r == 0)
		r = take_place(statusd, owner);
	if (r < 0)
		warn(statusd, r);
	return r;
}

/* Takes the socket's file away, unless it is not ours any more. */
static void remove_file(struct statusd *statusd)
{
	int lock = runtime_lock(statusd->dir.fd);

	runtime_remove(statusd->dir.fd, statusd->socket, &statusd->file);
	statusd->file.inode = 0;
	if (lock == 0)
		runtime_unlock(statusd->dir.fd);
}

/* Why something is there already. */
static int judge_taken(const struct statusd *statusd, const char *socket)
{
	struct stat st;

	return fstatat(statusd->dir.fd, socket, &st, AT_SYMLINK_NOFOLLOW) ==
				       0 &&
			       S_ISSOCK(st.st_mode)
		       ? -EADDRINUSE
		       : -EEXIST;
}

void statusd_listen(struct statusd *statusd, const char *name)
{
	char socket[RUNTIME_SOCKET_SIZE];
	const int dir = statusd->dir.fd;
	int r = 0;

	if (statusd->listen_fd < 0 || statusd->named || !ifname_valid(name))
		return;
	runtime_socket(socket, name);
	if (renameat2(dir, statusd->socket, dir, socket, RENAME_NOREPLACE) < 0)
		r = errno == EEXIST ? judge_taken(statusd, socket) : -errno;
	if (r < 0) { /* nobody would look for it */
		remove_file(statusd);
		fd_close(&statusd->listen_fd);
	}
	strcpy(statusd->socket, socket);
	statusd->named = r == 0;
	if (r < 0)
		warn(statusd, r);
}

int statusd_dir_fd(const struct statusd *statusd)
{
	return statusd->dir.fd;
}

static struct statusd_client *free_client(struct statusd *statusd)
{
	for (size_t i = 0; i < STATUSD_CLIENTS; i++)
		if (statusd->clients[i].fd < 0)
			return &statusd->clients[i];
	return NULL;
}

void statusd_poll(const struct statusd *statusd, struct pollfd *fds)
{
	fds[0] = (struct pollfd){ statusd->listen_fd, POLLIN, 0 };
	for (size_t i = 0; i < STATUSD_CLIENTS; i++)
		fds[1 + i] =
			(struct pollfd){ statusd->clients[i].fd, POLLIN, 0 };
}

uint64_t statusd_next_ns(const struct statusd *statusd)
{
	uint64_t next = CLOCK_NEVER;

	for (size_t i = 0; i < STATUSD_CLIENTS; i++)
		if (statusd->clients[i].fd >= 0 &&
		    statusd->clients[i].deadline_ns < next)
			next = statusd->clients[i].deadline_ns;
	return next;
}

/* SO_PEERCRED: as whom the client connected. */
static bool is_of(int fd, uid_t *ret_uid)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return false;
	*ret_uid = cred.uid;
	return true;
}

static bool may_ask(const struct statusd *statusd, int fd)
{
	uid_t uid;

	return is_of(fd, &uid) &&
	       (uid == statusd->owner || uid == statusd->starter || uid == 0);
}

/* Not the owner as such: other processes of the service's user are none of
 * those who started the feed. */
static bool may_start(const struct statusd *statusd, int fd)
{
	uid_t uid;

	return is_of(fd, &uid) && (uid == statusd->starter || uid == 0);
}

/* One a turn; one that is too many finds the connection closed. */
static void take_client(struct statusd *statusd, uint64_t now_ns)
{
	struct statusd_client *client = free_client(statusd);
	int fd = accept4(statusd->listen_fd, NULL, NULL,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		/* A descriptor more than we may have would be asked for again
		   and again. */
		if (errno == EMFILE || errno == ENFILE)
			fd_close(&statusd->listen_fd);
		return;
	}
	if (!client || !may_ask(statusd, fd)) {
		fd_close(&fd);
		return;
	}
	client->fd = fd;
	client->deadline_ns = now_ns + DEADLINE_NS;
	client->reader.start = 0;
	client->reader.end = 0;
}

/* All of it, or the client is one that does not read. 0 or -EPROTO. */
static int send_frame(const struct statusd *statusd, int fd, int len)
{
	if (len < 0 ||
	    send(fd, statusd->frame, (size_t)len, MSG_NOSIGNAL) != len)
		return -EPROTO;
	return 0;
}

static int reply(struct statusd *statusd, int fd, uint64_t now_ns,
		 statusd_fill fill, const void *data)
{
	struct control_status *status = &statusd->status;
	int len;

	memset(status, 0, sizeof(*status));
	control_text(status->version, sizeof(status->version), PROGRAM_VERSION);
	status->since_ns = statusd->since_ns;
	status->now_ns = now_ns;
	status->uptime_ns = now_ns - statusd->began_ns;
	fill(data, status);
	len = control_pack_reply(status, statusd->frame,
				 sizeof(statusd->frame));
	return send_frame(statusd, fd, len);
}

static int start(struct statusd *statusd, int fd)
{
	struct control_started started = { .result =
						   CONTROL_START_NOT_AWAITED };

	if (!may_start(statusd, fd))
		started.result = CONTROL_START_REFUSED;
	else if (statusd->start)
		started.result =
			statusd->start(statusd->start_data, &started.waits);
	return send_frame(statusd, fd,
			  control_pack_started(&started, statusd->frame,
					       sizeof(statusd->frame)));
}

/* 0, or a negative errno where the client is to be closed. */
static int serve_client(struct statusd *statusd, struct statusd_client *client,
			uint64_t now_ns, statusd_fill fill, const void *data)
{
	enum control_request what;
	const uint8_t *body;
	size_t len;
	ssize_t n = frame_reader_fill(&client->reader, client->fd);
	int r;

	if (n <= 0)
		return n == -EAGAIN ? 0 : -EPROTO;
	r = frame_reader_next(&client->reader, &body, &len);
	if (r <= 0)
		return r;
	/* It asks again before it was answered: not one of ours. */
	if (frame_reader_partial(&client->reader))
		return -EPROTO;
	r = control_unpack_request(body, len, &what);
	if (r == 0 && what == CONTROL_REQUEST_START)
		r = start(statusd, client->fd);
	else if (r == 0)
		r = reply(statusd, client->fd, now_ns, fill, data);
	client->deadline_ns = now_ns + DEADLINE_NS;
	return r;
}

void statusd_serve(struct statusd *statusd, const struct pollfd *fds,
		   uint64_t now_ns, statusd_fill fill, const void *data)
{
	for (size_t i = 0; i < STATUSD_CLIENTS; i++) {
		struct statusd_client *client = &statusd->clients[i];
		int r = 0;

		if (client->fd < 0)
			continue;
		if (fds[1 + i].revents)
			r = serve_client(statusd, client, now_ns, fill, data);
		if (r < 0 || now_ns >= client->deadline_ns)
			fd_close(&client->fd);
	}
	/* After the clients, whose places in fds would not be theirs. */
	if (statusd->listen_fd >= 0 && fds[0].revents)
		take_client(statusd, now_ns);
}

void statusd_done(struct statusd *statusd)
{
	if (statusd->dir.fd >= 0 && statusd->file.inode != 0)
		remove_file(statusd);
	fd_close(&statusd->listen_fd);
	for (size_t i = 0; i < STATUSD_CLIENTS; i++) {
		fd_close(&statusd->clients[i].fd);
		frame_reader_done(&statusd->clients[i].reader);
	}
	runtime_close(&statusd->dir);
}
