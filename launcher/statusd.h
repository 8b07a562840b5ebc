/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket on which a running feed tells its status (proto/control.proto).
 * Driven by the supervising half's loop. Whatever fails here is said once and
 * does not matter to the feed; clients, though of the same user or root, are
 * hostile. All it can be told is to start, by who started the feed, or root.
 */
#ifndef TAPFEED_LAUNCHER_STATUSD_H
#define TAPFEED_LAUNCHER_STATUSD_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/frame.h"
#include "common/users.h"
#include "launcher/control.h"
#include "launcher/runtime.h"

#define STATUSD_CLIENTS 8

/* The listening socket and each client have their place, used or not. */
#define STATUSD_POLL (1 + STATUSD_CLIENTS)

struct statusd_client {
	int fd; /* -1: none */
	uint64_t deadline_ns;
	struct frame_reader reader;
};

/* Who may has sent tapfeed start; *ret_waits: enum control_wait. */
typedef enum control_start (*statusd_start)(void *data, uint32_t *ret_waits);

struct statusd {
	struct runtime_dir dir; /* fd -1: nobody will be told */
	char socket[RUNTIME_SOCKET_SIZE];
	struct runtime_file file; /* which the socket has */
	int listen_fd;		  /* -1: not at all */
	bool named;		  /* it has the name that is looked for */
	pid_t pid;		  /* of this process */
	uid_t owner;		  /* as whom it will run; it may ask */
	uid_t starter;		  /* so may this one */
	struct statusd_client clients[STATUSD_CLIENTS];
	statusd_start start; /* NULL: there is nothing to start */
	void *start_data;
	uint64_t since_ns; /* CLOCK_REALTIME */
	uint64_t began_ns; /* CLOCK_MONOTONIC */
	uint8_t frame[TAPFEED_FEED_HEADER_BYTES + CONTROL_REPLY_MAX];
	struct control_status status;
};

/* Fills what the feed knows; version and times are there, all else is zero. */
typedef void (*statusd_fill)(const void *data, struct control_status *status);

/*
 * Opens (or makes) the runtime directory, takes away what dead feeds left there
 * and listens, under a name that nobody looks for. owner: the user that this
 * process, which is root's, becomes after it; NULL: it stays who it is. The
 * feed's time begins here. 0, or a negative errno: nobody will reach it, which
 * is said where somebody can mend it.
 */
int statusd_init(struct statusd *statusd, const struct users_id *owner);

/* Takes the name NAME.sock, once that is known; does nothing a second time.
 * From here on no file is opened, made or bound. */
void statusd_listen(struct statusd *statusd, const char *name);

/* Where it has to rename and remove its socket; -1: nowhere. */
int statusd_dir_fd(const struct statusd *statusd);

/* Fills fds[STATUSD_POLL]; what is not there has fd -1. */
void statusd_poll(const struct statusd *statusd, struct pollfd *fds);

/* When statusd_serve() is due even with nothing to read. */
uint64_t statusd_next_ns(const struct statusd *statusd);

/* Serves what statusd_poll()'s fds ask for; never waits. */
void statusd_serve(struct statusd *statusd, const struct pollfd *fds,
		   uint64_t now_ns, statusd_fill fill, const void *data);

/* Closes all and removes the socket, where it is still the one it made. */
void statusd_done(struct statusd *statusd);

#endif
