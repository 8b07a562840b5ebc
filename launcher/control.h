/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proto/control.proto, packed and unpacked with bounds: what crosses the socket
 * of a running feed is hostile in both directions.
 */
#ifndef TAPFEED_LAUNCHER_CONTROL_H
#define TAPFEED_LAUNCHER_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#include "launcher/report.h"
#include "proto/limits.h"

/* Bodies of frames, in bytes. */
#define CONTROL_REQUEST_MAX 1024u
#define CONTROL_REPLY_MAX   (16u * 1024)

/* The longest text, its NUL included; a longer one is cut. */
#define CONTROL_TEXT_SIZE 128u

#define CONTROL_PROCESSES_MAX 8u

/* How long a request, and a reply, may take. */
#define CONTROL_DEADLINE_S 2u

/* The values cross the socket. */
enum control_state {
	CONTROL_UNKNOWN = 0,
	CONTROL_STARTING = 1,
	CONTROL_RUNNING = 2,
	CONTROL_RESTARTING = 3,
	CONTROL_STOPPING = 4,
	CONTROL_WAITING = 5,   /* the gate is not open */
	CONTROL_PAUSED = 6,    /* nobody reads */
	CONTROL_LINGERING = 7, /* all is written, the interface is there */
	CONTROL_STATES,
};

/* What a gate waits for. The values cross the socket. */
enum control_wait {
	CONTROL_WAIT_DELAY = 1 << 0,
	CONTROL_WAIT_READERS = 1 << 1,
	CONTROL_WAIT_START = 1 << 2,
	CONTROL_WAIT_READY = 1 << 3,
	CONTROL_WAIT_FILE = 1 << 4,
	CONTROL_WAIT_ALL = (1 << 5) - 1,
};

/* What came of tapfeed start. The values cross the socket. */
enum control_start {
	CONTROL_START_UNKNOWN = 0,
	CONTROL_START_DONE = 1,
	CONTROL_START_ALREADY = 2,     /* it had been started */
	CONTROL_START_NOT_AWAITED = 3, /* no --wait-for-start */
	CONTROL_START_REFUSED = 4,     /* this user may not */
	CONTROL_STARTS,
};

struct control_started {
	enum control_start result;
	uint32_t waits; /* enum control_wait */
};

enum control_request {
	CONTROL_REQUEST_STATUS,
	CONTROL_REQUEST_START,
};

struct control_process {
	char name[32];
	uint32_t pid;
};

/* What a feed says of itself. Texts are any bytes but NUL. */
struct control_status {
	char version[CONTROL_TEXT_SIZE];
	uint32_t kind; /* enum tapfeed_kind; 0: no interface */
	uint32_t mtu;
	uint32_t ifindex;
	enum counters_writer writer;
	uint32_t queues; /* of the interface */
	bool host_visible;
	uint32_t waits; /* enum control_wait */
	uint32_t readers;
	uint32_t readers_wanted; /* 0: nobody wants to know */
	char command[16];
	char joins[CONTROL_TEXT_SIZE];
	size_t source_count;
	char sources[TAPFEED_SOURCES_MAX][CONTROL_TEXT_SIZE];
	uint64_t since_ns; /* CLOCK_REALTIME */
	uint64_t uptime_ns;
	uint64_t now_ns; /* CLOCK_MONOTONIC */
	enum control_state state;
	uint64_t queue_used;
	uint64_t queue_size;
	uint64_t peers;
	uint64_t restarts;
	struct report report; /* with the interface's name; "": none */
	size_t process_count;
	struct control_process processes[CONTROL_PROCESSES_MAX];
};

/* "running"; static. */
const char *control_state_name(enum control_state state);

/* Copies text, cut where dst is full ("..." says so). */
void control_text(char *dst, size_t size, const char *text);

/*
 * Writes a whole frame, header included. Returns its length, or -EMSGSIZE where
 * size bytes do not hold it.
 */
int control_pack_request(enum control_request what, uint8_t *buf, size_t size);
int control_pack_reply(const struct control_status *status, uint8_t *buf,
		       size_t size);
int control_pack_started(const struct control_started *started, uint8_t *buf,
			 size_t size);

/* 0, or -EPROTO for what is no request. */
int control_unpack_request(const uint8_t *body, size_t len,
			   enum control_request *ret_what);

/* 0 and *status, -EPROTO for what is no status within the bounds. */
int control_unpack_reply(const uint8_t *body, size_t len,
			 struct control_status *status);
int control_unpack_started(const uint8_t *body, size_t len,
			   struct control_started *started);

#endif
