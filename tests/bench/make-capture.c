/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a capture file to standard output, the same at each call:
 *
 *     make-capture PACKETS mix|SIZE > FILE
 *
 * As fast as the file or pipe takes it: a file of 4 GB takes some seconds.
 * Packets are a microsecond apart. Its input is the person who measures.
 */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/parse.h"
#include "tests/bench/frames.h"

#define FIRST_S 1700000000u
#define USECS	1000000u

/* Numbers in the order of this host: readers tell by the magic. */
struct pcap_file {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snaplen, link_type;
};

struct pcap_packet {
	uint32_t seconds, microseconds, captured, length;
};

/* Records of all frames, to be written again and again with new times. */
struct block {
	uint8_t *data;
	size_t end[FRAMES]; /* of each record */
};

static int write_all(const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int block_init(struct block *block, const struct frames *frames)
{
	struct pcap_packet head = { 0 };
	size_t at = 0;

	block->data = malloc(frames->bytes + FRAMES * sizeof(head));
	if (!block->data)
		return -ENOMEM;
	for (size_t i = 0; i < FRAMES; i++) {
		head.captured = head.length = frames->len[i];
		memcpy(block->data + at, &head, sizeof(head));
		at += sizeof(head);
		memcpy(block->data + at, frames->data + frames->offset[i],
		       frames->len[i]);
		at += frames->len[i];
		block->end[i] = at;
	}
	return 0;
}

/* Writes the first n records, the first one with this number. */
static int block_write(const struct block *block, uint64_t number, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t time[] = {
			(uint32_t)(FIRST_S + (number + i) / USECS),
			(uint32_t)((number + i) % USECS),
		};

		memcpy(block->data + (i ? block->end[i - 1] : 0), time,
		       sizeof(time));
	}
	return write_all(block->data, block->end[n - 1]);
}

static int capture_write(const struct frames *frames, uint64_t packets)
{
	static const struct pcap_file head = {
		.magic = 0xa1b2c3d4,
		.major = 2,
		.minor = 4,
		.snaplen = 262144,
		.link_type = 1,
	};
	struct block block;
	int r = block_init(&block, frames);

	if (r < 0)
		return r;
	r = write_all((const uint8_t *)&head, sizeof(head));
	for (uint64_t done = 0; r == 0 && done < packets; done += FRAMES)
		r = block_write(&block, done,
				packets - done < FRAMES ? packets - done
							: FRAMES);
	free(block.data);
	return r;
}

int main(int argc, char **argv)
{
	struct frames frames;
	uint64_t packets;
	int r;

	if (argc != 3 || parse_number(argv[1], 1, UINT32_MAX, &packets) < 0 ||
	    frames_init(&frames, argv[2]) < 0) {
		fprintf(stderr, "usage: make-capture PACKETS mix|SIZE > FILE "
				"(SIZE: 60 to 9000)\n");
		return 2;
	}
	r = capture_write(&frames, packets);
	if (r < 0)
		fprintf(stderr, "make-capture: standard output: %s\n",
			strerror(-r));
	frames_done(&frames);
	return r < 0;
}
