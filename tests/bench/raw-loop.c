/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's limit: frames from memory into a TAP of its own, by one process
 * that does nothing else.
 *
 *     raw-loop [-n NAME] [-d DESTINATION] [-o] [-w] MODE PACKETS mix|SIZE
 *
 * MODE: write (blocking), nonblock (write, O_NONBLOCK) or ring (io_uring, 64
 * writes a call, registered file and buffer, O_NONBLOCK). The interface is made
 * by the helper's own functions, with the same filters; -o: as --host-visible,
 * without them. -d: own or broadcast, where the frames go to; else to nobody.
 * Prints one line of JSON when it is up, one when all is written. -w: begins at
 * a line of standard input, and keeps the interface until its end. Its input is
 * the person who measures.
 */
#include <config.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/parse.h"
#include "privileged/link.h"
#include "privileged/tun.h"
#include "tests/bench/frames.h"

#define CALL_MAX 64u
#define MTU	 9000u

static const uint8_t own[6] = { 2, 0, 0, 0, 0xbe, 3 };
static const uint8_t broadcast[6] = { 255, 255, 255, 255, 255, 255 };

struct loop {
	const char *name;
	const uint8_t *destination; /* NULL: nobody's */
	bool open;
	bool wait;
	uint64_t packets;
	struct frames frames;
	int fd;
	struct io_uring ring;
	uint64_t errors;
};

struct mode {
	const char *name;
	bool nonblock;
	int (*prepare)(struct loop *loop); /* or NULL */
	int (*run)(struct loop *loop);
};

static int run_write(struct loop *loop)
{
	const struct frames *frames = &loop->frames;
	uint32_t i = 0;

	for (uint64_t done = 0; done < loop->packets; done++) {
		ssize_t n = write(loop->fd, frames->data + frames->offset[i],
				  frames->len[i]);

		loop->errors += n != (ssize_t)frames->len[i];
		i = i + 1 == FRAMES ? 0 : i + 1;
	}
	return 0;
}

static int prepare_ring(struct loop *loop)
{
	struct io_uring_params params = {
		.flags =
			IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
	};
	struct iovec memory = { loop->frames.data, loop->frames.bytes };
	int r = io_uring_queue_init_params(CALL_MAX, &loop->ring, &params);

	if (r == 0)
		r = io_uring_register_files(&loop->ring, &loop->fd, 1);
	if (r == 0)
		r = io_uring_register_buffers(&loop->ring, &memory, 1);
	return r;
}

/* Puts frames first to first + n - 1 into the ring. */
static void ring_fill(struct loop *loop, uint32_t first, uint32_t n)
{
	const struct frames *frames = &loop->frames;

	for (uint32_t i = first; i < first + n; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);

		assert(sqe); /* each call empties the ring */
		io_uring_prep_write_fixed(sqe, 0,
					  frames->data + frames->offset[i],
					  frames->len[i], 0, 0);
		sqe->flags |= IOSQE_FIXED_FILE;
		sqe->user_data = frames->len[i];
	}
}

static void ring_reap(struct loop *loop)
{
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;

	io_uring_for_each_cqe(&loop->ring, head, cqe)
	{
		loop->errors += cqe->res != (int)cqe->user_data;
		n++;
	}
	io_uring_cq_advance(&loop->ring, n);
}

static int run_ring(struct loop *loop)
{
	uint64_t done = 0;

	while (done < loop->packets) {
		uint64_t left = loop->packets - done;
		uint32_t n = left < CALL_MAX ? (uint32_t)left : CALL_MAX;
		int r;

		/* FRAMES is a multiple of CALL_MAX: this does not pass its end.
		 */
		ring_fill(loop, (uint32_t)(done % FRAMES), n);
		r = io_uring_submit_and_wait(&loop->ring, n);
		if (r != (int)n)
			return r < 0 ? r : -EIO;
		ring_reap(loop);
		done += n;
	}
	return 0;
}

static const struct mode modes[] = {
	{ "write", false, NULL, run_write },
	{ "nonblock", true, NULL, run_write },
	{ "ring", true, prepare_ring, run_ring },
};
#define MODES (sizeof(modes) / sizeof(modes[0]))

/* As tapfeed-privileged does it. 0 or a negative errno. */
static int make_interface(struct loop *loop, bool nonblock)
{
	struct tun tun = { .count = 0 };
	static struct link link; /* stays */
	uint8_t mac[6];
	int r = tun_open(&tun);

	memcpy(mac, own, sizeof(mac));
	tun_keep(&tun, 1);
	loop->fd = tun.fds[0];
	if (r == 0)
		r = link_init(&link);
	if (r == 0)
		r = tun_create(&tun, loop->name, TAPFEED_TAP);
	if (r == 0)
		r = tun_set_owner(&tun);
	if (r == 0)
		r = link_check(&link, tun.ifr.ifr_name, TAPFEED_TAP, 1);
	if (r == 0)
		r = link_set(&link, MTU, loop->open ? 0 : IFF_NOARP, mac);
	if (r == 0 && !loop->open)
		r = link_shield(&link);
	if (r == 0)
		r = link_up(&link, getuid());
	if (r == 0 && !nonblock && fcntl(loop->fd, F_SETFL, O_WRONLY) < 0)
		r = -errno;
	if (r == 0)
		printf("{\"interface\":\"%s\"}\n", tun.ifr.ifr_name);
	return r;
}

static uint64_t processor_ns(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) *
		       NS_PER_S +
	       (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) *
		       NS_PER_US;
}

/* Waits for a line on standard input, or its end. */
static void wait_line(void)
{
	char byte;

	while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
		continue;
}

static int measure(struct loop *loop, const struct mode *mode)
{
	uint64_t processor, began;
	int r = mode->prepare ? mode->prepare(loop) : 0;

	if (r < 0)
		return r;
	if (loop->wait)
		wait_line();
	processor = processor_ns();
	began = clock_now_ns();
	r = mode->run(loop);
	if (r < 0)
		return r;
	printf("{\"packets\":%" PRIu64 ",\"errors\":%" PRIu64
	       ",\"seconds\":%.6f,\"processor_seconds\":%.6f}\n",
	       loop->packets, loop->errors,
	       (double)(clock_now_ns() - began) / 1e9,
	       (double)(processor_ns() - processor) / 1e9);
	if (loop->wait)
		wait_line();
	return 0;
}

/* The mode, or NULL where the command line is wrong. */
static const struct mode *parse(struct loop *loop, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "n:d:ow")) != -1) {
		if (option == 'n')
			loop->name = optarg;
		else if (option == 'd' && strcmp(optarg, "own") == 0)
			loop->destination = own;
		else if (option == 'd' && strcmp(optarg, "broadcast") == 0)
			loop->destination = broadcast;
		else if (option == 'o')
			loop->open = true;
		else if (option == 'w')
			loop->wait = true;
		else
			return NULL;
	}
	if (argc - optind != 3 ||
	    parse_number(argv[optind + 1], 1, UINT32_MAX, &loop->packets) < 0 ||
	    frames_init(&loop->frames, argv[optind + 2]) < 0)
		return NULL;
	for (size_t i = 0; loop->destination && i < FRAMES; i++)
		memcpy(loop->frames.data + loop->frames.offset[i],
		       loop->destination, 6);
	for (size_t i = 0; i < MODES; i++)
		if (strcmp(modes[i].name, argv[optind]) == 0)
			return &modes[i];
	return NULL;
}

int main(int argc, char **argv)
{
	struct loop loop = { .name = "raw0", .fd = -1 };
	const struct mode *mode = parse(&loop, argc, argv);
	int r;

	if (!mode) {
		fprintf(stderr, "usage: raw-loop [-n NAME] "
				"[-d own|broadcast] [-o] [-w] "
				"write|nonblock|ring PACKETS mix|SIZE\n");
		return 2;
	}
	setlinebuf(stdout);
	r = make_interface(&loop, mode->nonblock);
	if (r < 0) {
		fprintf(stderr, "raw-loop: interface %s: %s\n", loop.name,
			strerror(-r));
		return 1;
	}
	r = measure(&loop, mode);
	if (r < 0)
		fprintf(stderr, "raw-loop: %s: %s\n", mode->name, strerror(-r));
	return r < 0;
}
