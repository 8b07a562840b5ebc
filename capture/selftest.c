/* SPDX-License-Identifier: Apache-2.0 */
/* Input: none but what this program itself says. Files are made here. */
#include <config.h>

#include "capture/selftest.h"

#include <endian.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "common/counters.h"
#include "common/fd.h"
#include "common/fdpass.h"
#include "common/frame.h"
#include "common/selftest.h"
#include "proto/feed.pb-c.h"
#include "proto/limits.h"
#include "proto/worker.h"

#define FILE_MAX     (8u << 20)
#define PACKET_BYTES 100u

/* Link types, as files have them. */
#define ETHERNET 1u
#define RAW_IP	 101u

/* A capture file in the making. */
struct file {
	uint8_t *at;
	size_t len;
};

/* The other ends of a capture's descriptors. */
struct ends {
	int feed, control, notify;
};

static void put(struct file *file, const void *data, size_t len)
{
	if (!file->at)
		file->at = calloc(1, FILE_MAX);
	if (!file->at || len > FILE_MAX - file->len)
		abort();
	memcpy(file->at + file->len, data, len);
	file->len += len;
}

static void put_words(struct file *file, const uint32_t *words, size_t n)
{
	put(file, words, n * sizeof(*words));
}

static void put_packet(struct file *file, size_t len)
{
	static uint8_t packet[TAPFEED_FRAME_MAX_BYTES];

	packet[12] = 0x08; /* IPv4, as far as anybody asks */
	packet[0] = packet[14] = 0x45;
	put(file, packet, len);
}

/* ---- files ----------------------------------------------------------------
 */

static struct file pcap(size_t packets, size_t len)
{
	const uint32_t head[] = { 0xa1b2c3d4, 4u << 16 | 2, 0,
				  0,	      262144,	    ETHERNET };
	struct file file = { 0 };

	put_words(&file, head, 6);
	for (size_t i = 0; i < packets; i++) {
		const uint32_t record[] = { (uint32_t)i / 1000,
					    (uint32_t)i % 1000, (uint32_t)len,
					    (uint32_t)len };

		put_words(&file, record, 4);
		put_packet(&file, len);
	}
	return file;
}

/* Two interfaces of different link types, a packet of each; between them a
 * block that nobody knows, of skip bytes. */
static struct file pcapng(uint32_t skip)
{
	const uint32_t head[] = { 0x0a0d0d0a, 28,	  0x1a2b3c4d, 1,
				  0xffffffff, 0xffffffff, 28 };
	const uint32_t unknown[] = { 0x0bad, skip + 12 };
	struct file file = { 0 };

	put_words(&file, head, 7);
	for (uint32_t i = 0; i < 2; i++) {
		const uint32_t link = i == 0 ? ETHERNET : RAW_IP;
		const uint32_t interface[] = { 1, 20, link, 0, 20 };

		put_words(&file, interface, 5);
	}
	for (uint32_t i = 0; i < 2; i++) {
		const uint32_t size = PACKET_BYTES + 32;
		const uint32_t packet[] = { 6, size,	     i,		  0,
					    i, PACKET_BYTES, PACKET_BYTES };

		put_words(&file, packet, 7);
		put_packet(&file, PACKET_BYTES);
		put_words(&file, &size, 1);
		put_words(&file, unknown, 2);
		file.len += skip;
		put_words(&file, &unknown[1], 1);
	}
	return file;
}

static struct file gzipped(struct file plain)
{
	z_stream stream = { .next_in = plain.at,
			    .avail_in = (uInt)plain.len,
			    .avail_out = FILE_MAX };
	struct file file = { calloc(1, FILE_MAX), 0 };

	stream.next_out = file.at;
	if (deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK ||
	    deflate(&stream, Z_FINISH) != Z_STREAM_END)
		abort();
	file.len = stream.total_out;
	deflateEnd(&stream);
	free(plain.at);
	return file;
}

static struct file zstd(struct file plain)
{
	struct file file = { calloc(1, FILE_MAX), 0 };
	ZSTD_CCtx *context = ZSTD_createCCtx();

	/* As large a window as is read. */
	ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 27);
	ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
	file.len =
		ZSTD_compress2(context, file.at, FILE_MAX, plain.at, plain.len);
	if (ZSTD_isError(file.len))
		abort();
	ZSTD_freeCCtx(context);
	free(plain.at);
	return file;
}

static int on_disk(struct file file)
{
	int fd = selftest_file(file.at, file.len);

	free(file.at);
	return fd;
}

/* ---- the injector's end ---------------------------------------------------
 */

static void say(int feed, const Tapfeed__Frame *frame)
{
	uint8_t wire[256];
	size_t len =
		tapfeed__frame__pack(frame, wire + TAPFEED_FEED_HEADER_BYTES);

	frame_header(wire, len);
	(void)!send(feed, wire, TAPFEED_FEED_HEADER_BYTES + len, MSG_NOSIGNAL);
}

static void say_welcome(int feed)
{
	Tapfeed__Welcome welcome = TAPFEED__WELCOME__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;
	static char name[] = "selftest0";

	welcome.version = TAPFEED_FEED_VERSION;
	welcome.mtu = TAPFEED_MTU_DEFAULT;
	welcome.kind = TAPFEED_TAP;
	welcome.interface = name;
	frame.message_case = TAPFEED__FRAME__MESSAGE_WELCOME;
	frame.welcome = &welcome;
	say(feed, &frame);
}

static void say_stop(int feed)
{
	Tapfeed__Stop stop = TAPFEED__STOP__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;

	frame.message_case = TAPFEED__FRAME__MESSAGE_STOP;
	frame.stop = &stop;
	say(feed, &frame);
}

static void say_report(int feed, uint64_t injected)
{
	Tapfeed__Report report = TAPFEED__REPORT__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;

	report.injected = injected;
	frame.message_case = TAPFEED__FRAME__MESSAGE_REPORT;
	frame.report = &report;
	say(feed, &frame);
}

/* The next message, or NULL at the end. */
static Tapfeed__Frame *hear(int feed)
{
	static uint8_t body[TAPFEED_FEED_FRAME_MAX];
	uint32_t len;

	if (recv(feed, &len, sizeof(len), MSG_WAITALL) != sizeof(len))
		return NULL;
	len = be32toh(len);
	if (len > sizeof(body) ||
	    recv(feed, body, len, MSG_WAITALL) != (ssize_t)len)
		return NULL;
	return tapfeed__frame__unpack(NULL, len, body);
}

/* Reads on to a message of that kind. Whether it came. */
static bool hear_until(int feed, Tapfeed__Frame__MessageCase wanted,
		       uint64_t *ret_sequence)
{
	Tapfeed__Frame *frame;

	while ((frame = hear(feed))) {
		Tapfeed__Frame__MessageCase kind = frame->message_case;

		if (kind == TAPFEED__FRAME__MESSAGE_END)
			*ret_sequence = frame->end->sequence;
		tapfeed__frame__free_unpacked(frame, NULL);
		if (kind == wanted)
			return true;
	}
	selftest_missed();
	return false;
}

static void open_gate(int feed)
{
	uint64_t none;

	if (hear_until(feed, TAPFEED__FRAME__MESSAGE_HELLO, &none))
		say_welcome(feed);
}

static void answer_end(int feed)
{
	uint64_t packets = 0;

	if (feed >= 0 &&
	    hear_until(feed, TAPFEED__FRAME__MESSAGE_END, &packets))
		say_report(feed, packets);
}

/* ---- starting it ----------------------------------------------------------
 */

static struct ends start(struct selftest *test)
{
	struct ends ends = {
		.notify = selftest_give_pair(test, SOCK_DGRAM, "notify"),
		.control = selftest_give_pair(test, SOCK_SEQPACKET, "control"),
		.feed = selftest_give_pair(test, SOCK_STREAM, "feed"),
	};

	selftest_give(test, counters_create(), "counters");
	selftest_start(test);
	return ends;
}

static int finish(struct selftest *test, struct ends *ends, int status)
{
	int r = selftest_end(test, status);

	fd_close(&ends->feed);
	fd_close(&ends->control);
	fd_close(&ends->notify);
	return r;
}

static void add_source(struct selftest *test, int fd)
{
	selftest_arg(test, "--source");
	selftest_arg(test, "selftest");
	selftest_give(test, fd, "source");
}

/* One source from its start to its end. */
static int whole(struct selftest *test, int fd, int status)
{
	struct ends ends;

	add_source(test, fd);
	ends = start(test);
	open_gate(ends.feed);
	answer_end(ends.feed);
	return finish(test, &ends, status);
}

/* A pipe with the head of a file in it, whose writer goes on. */
static int idle_pipe(struct selftest *test)
{
	struct file file = pcap(1, PACKET_BYTES);
	int ends[2];

	if (pipe(ends) < 0 || fd_write(ends[1], file.at, file.len) < 0)
		abort();
	free(file.at);
	add_source(test, ends[0]);
	return ends[1];
}

/* ---- the paths ------------------------------------------------------------
 */

static int drive_pcap(struct selftest *test)
{
	return whole(test, on_disk(pcap(3, PACKET_BYTES)), TAPFEED_EXIT_OK);
}

static int drive_pcapng(struct selftest *test)
{
	return whole(test, on_disk(pcapng(0)), TAPFEED_EXIT_OK);
}

static int drive_large_block(struct selftest *test)
{
	return whole(test, on_disk(pcapng(3u << 20)), TAPFEED_EXIT_OK);
}

static int drive_large_packets(struct selftest *test)
{
	return whole(test, on_disk(pcap(30, 200000)), TAPFEED_EXIT_OK);
}

static int drive_gzip(struct selftest *test)
{
	return whole(test, on_disk(gzipped(pcap(1000, 1000))), TAPFEED_EXIT_OK);
}

static int drive_zstd(struct selftest *test)
{
	return whole(test, on_disk(zstd(pcap(1000, 1000))), TAPFEED_EXIT_OK);
}

static int drive_merge(struct selftest *test)
{
	add_source(test, on_disk(pcapng(0)));
	add_source(test, on_disk(gzipped(pcap(1000, PACKET_BYTES))));
	return whole(test, on_disk(pcap(1000, PACKET_BYTES)), TAPFEED_EXIT_OK);
}

static int drive_loop(struct selftest *test)
{
	selftest_arg(test, "--loop=3");
	selftest_arg(test, "--loop-gap=20ms");
	add_source(test, on_disk(zstd(pcap(3, PACKET_BYTES))));
	add_source(test, on_disk(gzipped(pcap(3, PACKET_BYTES))));
	return whole(test, on_disk(pcap(3, PACKET_BYTES)), TAPFEED_EXIT_OK);
}

static int drive_damaged(struct selftest *test)
{
	struct file file = gzipped(pcap(1000, 1000));

	file.len /= 2;
	return whole(test, on_disk(file), TAPFEED_EXIT_LOSS);
}

static int drive_no_capture(struct selftest *test)
{
	struct ends ends;

	add_source(test, selftest_file("no capture at all", 17));
	ends = start(test);
	open_gate(ends.feed);
	return finish(test, &ends, TAPFEED_EXIT_USAGE);
}

/* The first filter is compiled before, that of a second link type after. */
static int drive_filter(struct selftest *test)
{
	selftest_arg(test, "--filter=ip and (udp port 53 or host 192.0.2.1)");
	return whole(test, on_disk(pcapng(0)), TAPFEED_EXIT_OK);
}

static int drive_pace(struct selftest *test)
{
	selftest_arg(test, "--pps=100");
	return whole(test, on_disk(pcap(40, PACKET_BYTES)), TAPFEED_EXIT_OK);
}

static int drive_duration(struct selftest *test)
{
	int pipe_fd = idle_pipe(test), r;
	struct ends ends;

	selftest_arg(test, "--duration=100ms");
	ends = start(test);
	open_gate(ends.feed);
	answer_end(ends.feed);
	r = finish(test, &ends, TAPFEED_EXIT_OK);
	fd_close(&pipe_fd);
	return r;
}

/* A pipe that says nothing, until what is done ends it. */
static int drive_idle(struct selftest *test,
		      void (*act)(struct selftest *test, struct ends *ends),
		      int status)
{
	int pipe_fd = idle_pipe(test), r;
	struct ends ends = start(test);

	open_gate(ends.feed);
	selftest_sleep(20);
	act(test, &ends);
	answer_end(ends.feed);
	r = finish(test, &ends, status);
	fd_close(&pipe_fd);
	return r;
}

static void act_term(struct selftest *test, struct ends *ends)
{
	(void)ends;
	kill(test->pid, SIGTERM);
}

/* The wait goes on by restart_syscall(2), then. */
static void act_pause(struct selftest *test, struct ends *ends)
{
	kill(test->pid, SIGSTOP);
	selftest_sleep(20);
	kill(test->pid, SIGCONT);
	selftest_sleep(20);
	act_term(test, ends);
}

static void act_stop(struct selftest *test, struct ends *ends)
{
	(void)test;
	say_stop(ends->feed);
}

static void act_close_control(struct selftest *test, struct ends *ends)
{
	(void)test;
	fd_close(&ends->control);
}

/* The injector dies, and has a successor. */
static void act_new_feed(struct selftest *test, struct ends *ends)
{
	const struct worker_feed message = { .version = WORKER_VERSION };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		abort();
	fd_close(&ends->feed);
	selftest_sleep(20);
	(void)fdpass_send(ends->control, &message, sizeof(message), &pair[1],
			  1);
	fd_close(&pair[1]);
	ends->feed = pair[0];
	open_gate(ends->feed);
	act_term(test, ends);
}

/* It dies, and there is none. */
static void act_no_feed(struct selftest *test, struct ends *ends)
{
	(void)test;
	fd_close(&ends->feed);
	selftest_sleep(20);
	fd_close(&ends->control);
}

static int drive_term(struct selftest *test)
{
	return drive_idle(test, act_term, TAPFEED_EXIT_OK);
}

static int drive_pause(struct selftest *test)
{
	return drive_idle(test, act_pause, TAPFEED_EXIT_OK);
}

static int drive_stop(struct selftest *test)
{
	return drive_idle(test, act_stop, TAPFEED_EXIT_OK);
}

static int drive_close_control(struct selftest *test)
{
	return drive_idle(test, act_close_control, TAPFEED_EXIT_OK);
}

static int drive_new_feed(struct selftest *test)
{
	return drive_idle(test, act_new_feed, TAPFEED_EXIT_OK);
}

static int drive_no_feed(struct selftest *test)
{
	return drive_idle(test, act_no_feed, TAPFEED_EXIT_LOSS);
}

/* The injector does not read until the socket is full. */
static int drive_full_feed(struct selftest *test)
{
	struct ends ends;

	add_source(test, on_disk(pcap(30, 200000)));
	ends = start(test);
	open_gate(ends.feed);
	selftest_sleep(100);
	answer_end(ends.feed);
	return finish(test, &ends, TAPFEED_EXIT_OK);
}

static int drive_verbose(struct selftest *test)
{
	selftest_arg(test, "--verbose");
	return drive_no_feed(test);
}

/* Skipped for want of a capability, or of a loopback interface that is up. */
static int drive_live(struct selftest *test)
{
	struct ends ends;
	int r;

	selftest_arg(test, "--live");
	selftest_arg(test, "--source=lo");
	ends = start(test);
	open_gate(ends.feed);
	/* What the kernel counted is asked for once a second. */
	if (!selftest_ended(test))
		selftest_sleep(1200);
	act_term(test, &ends);
	answer_end(ends.feed);
	r = finish(test, &ends, TAPFEED_EXIT_OK);
	if (r == SELFTEST_FAILED && WIFEXITED(test->status) &&
	    WEXITSTATUS(test->status) == TAPFEED_EXIT_PERMISSION)
		return selftest_skip(test, "no permission to capture");
	if (r == SELFTEST_FAILED && selftest_said(test, "lo is down"))
		return selftest_skip(test, "lo is down");
	return r;
}

static const struct selftest_path paths[] = {
	{ "a pcap file", drive_pcap },
	{ "a pcapng file", drive_pcapng },
	{ "a gzip file", drive_gzip },
	{ "a zstd file of a large window", drive_zstd },
	{ "large blocks", drive_large_block },
	{ "large packets", drive_large_packets },
	{ "files in time order", drive_merge },
	{ "files again and again", drive_loop },
	{ "a damaged file", drive_damaged },
	{ "no capture file", drive_no_capture },
	{ "the filter of a second link type", drive_filter },
	{ "waiting for the pace", drive_pace },
	{ "a time that is up", drive_duration },
	{ "a stop signal on an idle source", drive_term },
	{ "a wait that is stopped and goes on", drive_pause },
	{ "an injector that wants no more", drive_stop },
	{ "the end of tapfeed", drive_close_control },
	{ "a new feed", drive_new_feed },
	{ "a feed that is gone", drive_no_feed },
	{ "a feed that nobody reads", drive_full_feed },
	{ "debug lines", drive_verbose },
	{ "an interface", drive_live },
};

int selftest_capture(int (*work)(int argc, char **argv))
{
	const struct selftest_program program = {
		.name = "tapfeed-capture",
		.table = "capture/policy.c and common/policy.c",
		.paths = paths,
		.path_count = sizeof(paths) / sizeof(paths[0]),
		.work = work,
	};

	return selftest_run(&program);
}
