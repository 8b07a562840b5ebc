/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and replies. Input is hostile: any bytes. */
#include <config.h>

#include "launcher/control.h"

#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#include "common/frame.h"
#include "common/ifname.h"
#include "proto/control.pb-c.h"

/*
 * What decoding may take. A request of ours takes a hundred bytes, the largest
 * reply of ours some 20 KiB; empty sub-messages swell to many times their size
 * and fail.
 */
#define REQUEST_ARENA_BYTES 1024u
#define REPLY_ARENA_BYTES   (64u * 1024)

#define HEADER TAPFEED_FEED_HEADER_BYTES

/* The counters that have the same name in struct report and in the message. */
#define COUNTERS(X)                                                            \
	X(received)                                                            \
	X(injected)                                                            \
	X(frames_written)                                                      \
	X(bytes_injected)                                                      \
	X(dropped_queue)                                                       \
	X(dropped_interface_down)                                              \
	X(dropped_stopped)                                                     \
	X(dropped_restart)                                                     \
	X(errors)                                                              \
	X(truncated)                                                           \
	X(oversize)                                                            \
	X(segmented)                                                           \
	X(checksums_fixed)                                                     \
	X(checksums_left)                                                      \
	X(filtered)                                                            \
	X(kernel_dropped)                                                      \
	X(queue_peak)                                                          \
	X(duration_ns)

#define LATENCY(X)                                                             \
	X(count)                                                               \
	X(p50_ns)                                                              \
	X(p90_ns)                                                              \
	X(p99_ns)                                                              \
	X(p99_9_ns)                                                            \
	X(max_ns)

/* Memory for one decoding; nothing of it is given back. */
struct arena {
	uint8_t *memory;
	size_t used;
	size_t size;
};

static void *arena_alloc(void *data, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct arena *arena = data;
	size_t left = arena->size - arena->used;
	void *memory = arena->memory + arena->used;

	if (size > left || (size + align - 1) / align * align > left)
		return NULL;
	arena->used += (size + align - 1) / align * align;
	return memory;
}

static void arena_free(void *data, void *memory)
{
	(void)data;
	(void)memory;
}

static ProtobufCAllocator arena_allocator(struct arena *arena)
{
	return (ProtobufCAllocator){
		.alloc = arena_alloc,
		.free = arena_free,
		.allocator_data = arena,
	};
}

const char *control_state_name(enum control_state state)
{
	static const char *const names[] = {
		[CONTROL_UNKNOWN] = "unknown",
		[CONTROL_STARTING] = "starting",
		[CONTROL_RUNNING] = "running",
		[CONTROL_RESTARTING] = "restarting",
		[CONTROL_STOPPING] = "stopping",
		[CONTROL_WAITING] = "waiting",
		[CONTROL_PAUSED] = "paused",
		[CONTROL_LINGERING] = "lingering",
	};

	return names[state];
}

void control_text(char *dst, size_t size, const char *text)
{
	size_t len = strnlen(text, size);

	memset(dst, 0, size);
	if (len < size)
		memcpy(dst, text, len);
	else
		snprintf(dst, size, "%.*s...", (int)(size - 4), text);
}

/* The frame of a message. Its length or -EMSGSIZE. */
static int pack(const ProtobufCMessage *message, size_t body_max, uint8_t *buf,
		size_t size)
{
	size_t len = protobuf_c_message_get_packed_size(message);

	if (len > body_max || size < HEADER + len)
		return -EMSGSIZE;
	frame_header(buf, len);
	(void)protobuf_c_message_pack(message, buf + HEADER);
	return (int)(HEADER + len);
}

int control_pack_request(enum control_request what, uint8_t *buf, size_t size)
{
	Tapfeed__Control__StatusRequest status =
		TAPFEED__CONTROL__STATUS_REQUEST__INIT;
	Tapfeed__Control__StartRequest start =
		TAPFEED__CONTROL__START_REQUEST__INIT;
	Tapfeed__Control__Request request = TAPFEED__CONTROL__REQUEST__INIT;

	if (what == CONTROL_REQUEST_START) {
		request.request_case = TAPFEED__CONTROL__REQUEST__REQUEST_START;
		request.start = &start;
	} else {
		request.request_case =
			TAPFEED__CONTROL__REQUEST__REQUEST_STATUS;
		request.status = &status;
	}
	return pack(&request.base, CONTROL_REQUEST_MAX, buf, size);
}

/* A message refers to other messages and texts by pointers: here they are. */
struct reply {
	Tapfeed__Control__Reply reply;
	Tapfeed__Control__Status status;
	Tapfeed__Control__Counters counters;
	Tapfeed__Control__Latency latency;
	Tapfeed__Control__Latency timing;
	char *sources[TAPFEED_SOURCES_MAX];
	Tapfeed__Control__LinkType link_types[COUNTERS_LINK_TYPES];
	Tapfeed__Control__LinkType *link_type_refs[COUNTERS_LINK_TYPES];
	uint64_t skipped[COUNTERS_LINK_TYPES][COUNTERS_SKIPS];
	Tapfeed__Control__Process processes[CONTROL_PROCESSES_MAX];
	Tapfeed__Control__Process *process_refs[CONTROL_PROCESSES_MAX];
};

/* protobuf-c has no const for what it only reads. */
static char *unconst(const char *text)
{
	union {
		const char *in;
		char *out;
	} u = { text };

	return u.out;
}

/* to, or NULL where nothing was counted. */
static Tapfeed__Control__Latency *refer_latency(
	Tapfeed__Control__Latency *to, const struct report_latency *latency)
{
	if (latency->count == 0)
		return NULL;
	tapfeed__control__latency__init(to);
#define COPY(field) to->field = latency->field;
	LATENCY(COPY)
#undef COPY
	return to;
}

static void refer_counters(struct reply *to, const struct report *report)
{
	Tapfeed__Control__Counters *counters = &to->counters;

	tapfeed__control__counters__init(counters);
#define COPY(field) counters->field = report->field;
	COUNTERS(COPY)
#undef COPY
	for (size_t i = 0; i < report->link_type_count; i++) {
		tapfeed__control__link_type__init(&to->link_types[i]);
		to->link_types[i].name = unconst(report->link_types[i].name);
		memcpy(to->skipped[i], report->link_types[i].skipped,
		       sizeof(to->skipped[i]));
		to->link_types[i].n_skipped = COUNTERS_SKIPS;
		to->link_types[i].skipped = to->skipped[i];
		to->link_type_refs[i] = &to->link_types[i];
	}
	counters->n_skipped_link_types = report->link_type_count;
	counters->skipped_link_types = to->link_type_refs;
	counters->latency = refer_latency(&to->latency, &report->latency);
	counters->timing = refer_latency(&to->timing, &report->timing);
}

static void refer_lists(struct reply *to, const struct control_status *status)
{
	for (size_t i = 0; i < status->source_count; i++)
		to->sources[i] = unconst(status->sources[i]);
	to->status.n_sources = status->source_count;
	to->status.sources = to->sources;
	for (size_t i = 0; i < status->process_count; i++) {
		tapfeed__control__process__init(&to->processes[i]);
		to->processes[i].name = unconst(status->processes[i].name);
		to->processes[i].pid = status->processes[i].pid;
		to->process_refs[i] = &to->processes[i];
	}
	to->status.n_processes = status->process_count;
	to->status.processes = to->process_refs;
}

/* The interface, or what is fed in its place. */
static void refer_interface(Tapfeed__Control__Status *to,
			    const struct control_status *status)
{
	to->kind = status->kind;
	if (*status->joins)
		to->joins = unconst(status->joins);
	if (!*status->report.interface)
		return;
	to->interface = unconst(status->report.interface);
	to->has_mtu = true;
	to->mtu = status->mtu;
	to->has_writer = true;
	to->writer = status->writer;
	to->has_ifindex = true;
	to->ifindex = status->ifindex;
	to->has_queues = true;
	to->queues = status->queues;
	to->has_host_visible = true;
	to->host_visible = status->host_visible;
	to->has_waits = true;
	to->waits = status->waits;
	to->has_readers = status->readers_wanted > 0;
	to->readers = status->readers;
	to->has_readers_wanted = status->readers_wanted > 0;
	to->readers_wanted = status->readers_wanted;
}

int control_pack_reply(const struct control_status *status, uint8_t *buf,
		       size_t size)
{
	struct reply reply;
	Tapfeed__Control__Status *to = &reply.status;

	tapfeed__control__reply__init(&reply.reply);
	tapfeed__control__status__init(to);
	reply.reply.reply_case = TAPFEED__CONTROL__REPLY__REPLY_STATUS;
	reply.reply.status = to;
	to->version = unconst(status->version);
	to->command = unconst(status->command);
	to->since_ns = status->since_ns;
	to->uptime_ns = status->uptime_ns;
	to->now_ns = status->now_ns;
	to->state = status->state;
	to->queue_used = status->queue_used;
	to->queue_size = status->queue_size;
	to->peers = status->peers;
	to->restarts = status->restarts;
	to->counters = &reply.counters;
	refer_interface(to, status);
	refer_lists(&reply, status);
	refer_counters(&reply, &status->report);
	return pack(&reply.reply.base, CONTROL_REPLY_MAX, buf, size);
}

int control_pack_started(const struct control_started *started, uint8_t *buf,
			 size_t size)
{
	Tapfeed__Control__Started to = TAPFEED__CONTROL__STARTED__INIT;
	Tapfeed__Control__Reply reply = TAPFEED__CONTROL__REPLY__INIT;

	to.result = started->result;
	to.waits = started->waits;
	reply.reply_case = TAPFEED__CONTROL__REPLY__REPLY_STARTED;
	reply.started = &to;
	return pack(&reply.base, CONTROL_REPLY_MAX, buf, size);
}

int control_unpack_request(const uint8_t *body, size_t len,
			   enum control_request *ret_what)
{
	alignas(max_align_t) uint8_t memory[REQUEST_ARENA_BYTES];
	struct arena arena = { .memory = memory, .size = sizeof(memory) };
	ProtobufCAllocator allocator = arena_allocator(&arena);
	const Tapfeed__Control__Request *request =
		tapfeed__control__request__unpack(&allocator, len, body);

	if (!request || request->base.n_unknown_fields > 0)
		return -EPROTO;
	if (request->request_case ==
		    TAPFEED__CONTROL__REQUEST__REQUEST_STATUS &&
	    request->status->base.n_unknown_fields == 0)
		*ret_what = CONTROL_REQUEST_STATUS;
	else if (request->request_case ==
			 TAPFEED__CONTROL__REQUEST__REQUEST_START &&
		 request->start->base.n_unknown_fields == 0)
		*ret_what = CONTROL_REQUEST_START;
	else
		return -EPROTO;
	return 0;
}

static void read_latency(struct report_latency *to,
			 const Tapfeed__Control__Latency *latency)
{
	if (!latency)
		return;
#define COPY(field) to->field = latency->field;
	LATENCY(COPY)
#undef COPY
}

static void read_counters(struct report *report,
			  const Tapfeed__Control__Counters *counters)
{
#define COPY(field) report->field = counters->field;
	COUNTERS(COPY)
#undef COPY
	for (size_t i = 0; i < counters->n_skipped_link_types; i++) {
		const Tapfeed__Control__LinkType *row =
			counters->skipped_link_types[i];
		uint64_t skipped[COUNTERS_SKIPS] = { 0 };

		for (size_t j = 0; j < row->n_skipped && j < COUNTERS_SKIPS;
		     j++)
			skipped[j] = row->skipped[j];
		report_add_link_type(report, row->name, skipped);
	}
	read_latency(&report->latency, counters->latency);
	read_latency(&report->timing, counters->timing);
}

static void read_lists(struct control_status *status,
		       const Tapfeed__Control__Status *from)
{
	for (size_t i = 0; i < from->n_sources && i < TAPFEED_SOURCES_MAX; i++)
		control_text(status->sources[status->source_count++],
			     CONTROL_TEXT_SIZE, from->sources[i]);
	for (size_t i = 0; i < from->n_processes; i++) {
		struct control_process *to =
			&status->processes[status->process_count];

		if (status->process_count == CONTROL_PROCESSES_MAX)
			break;
		control_text(to->name, sizeof(to->name),
			     from->processes[i]->name);
		to->pid = from->processes[i]->pid;
		status->process_count++;
	}
}

static void read_interface(struct control_status *status,
			   const Tapfeed__Control__Status *from)
{
	if (from->joins)
		control_text(status->joins, sizeof(status->joins), from->joins);
	if (from->kind == TAPFEED_TAP || from->kind == TAPFEED_TUN)
		status->kind = from->kind;
	status->mtu = from->mtu;
	status->ifindex = from->ifindex;
	if (from->writer <= COUNTERS_WRITER_RING)
		status->writer = (enum counters_writer)from->writer;
	status->queues = from->queues;
	status->host_visible = from->host_visible;
	status->waits = from->waits & CONTROL_WAIT_ALL;
	status->readers = from->readers_wanted > 0 ? from->readers : 0;
	status->readers_wanted = from->readers_wanted;
	if (from->interface && ifname_valid(from->interface))
		memcpy(status->report.interface, from->interface,
		       strlen(from->interface));
}

int control_unpack_reply(const uint8_t *body, size_t len,
			 struct control_status *status)
{
	alignas(max_align_t) uint8_t memory[REPLY_ARENA_BYTES];
	struct arena arena = { .memory = memory, .size = sizeof(memory) };
	ProtobufCAllocator allocator = arena_allocator(&arena);
	const Tapfeed__Control__Reply *reply =
		tapfeed__control__reply__unpack(&allocator, len, body);
	const Tapfeed__Control__Status *from;

	if (!reply ||
	    reply->reply_case != TAPFEED__CONTROL__REPLY__REPLY_STATUS)
		return -EPROTO;
	from = reply->status;
	*status = (struct control_status){
		.since_ns = from->since_ns,
		.uptime_ns = from->uptime_ns,
		.now_ns = from->now_ns,
		.queue_used = from->queue_used,
		.queue_size = from->queue_size,
		.peers = from->peers,
		.restarts = from->restarts,
	};
	if (from->state < CONTROL_STATES)
		status->state = (enum control_state)from->state;
	control_text(status->version, sizeof(status->version), from->version);
	control_text(status->command, sizeof(status->command), from->command);
	read_interface(status, from);
	read_lists(status, from);
	read_counters(&status->report, from->counters);
	return 0;
}

int control_unpack_started(const uint8_t *body, size_t len,
			   struct control_started *started)
{
	alignas(max_align_t) uint8_t memory[REQUEST_ARENA_BYTES];
	struct arena arena = { .memory = memory, .size = sizeof(memory) };
	ProtobufCAllocator allocator = arena_allocator(&arena);
	const Tapfeed__Control__Reply *reply =
		tapfeed__control__reply__unpack(&allocator, len, body);

	if (!reply ||
	    reply->reply_case != TAPFEED__CONTROL__REPLY__REPLY_STARTED ||
	    reply->started->result >= CONTROL_STARTS)
		return -EPROTO;
	*started = (struct control_started){
		.result = (enum control_start)reply->started->result,
		.waits = reply->started->waits & CONTROL_WAIT_ALL,
	};
	return 0;
}
