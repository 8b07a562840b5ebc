/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads an interface as an IDS does, by a TPACKET_V3 ring, and looks at each
 * packet once:
 *
 *     packet-reader INTERFACE
 *
 * Prints "ready" when it hears the interface. At the end of standard input, or
 * of the interface, it reads what is there and prints what it got and what the
 * kernel dropped for it, as JSON. Only ever reads frames of the benchmark.
 */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCK_BYTES 0x100000u
#define BLOCKS	    64u
#define FRAME_BYTES 0x4000u
#define RETIRE_MS   10
#define SILENCE_MS  100

struct reader {
	int fd;
	uint8_t *ring;
	unsigned int block; /* the next one */
	uint64_t packets;
	uint64_t bytes;
	uint64_t looked; /* what the compiler may not leave out */
};

static int reader_open(struct reader *reader, const char *interface)
{
	const int version = TPACKET_V3;
	const struct tpacket_req3 request = {
		.tp_block_size = BLOCK_BYTES,
		.tp_block_nr = BLOCKS,
		.tp_frame_size = FRAME_BYTES,
		.tp_frame_nr = BLOCKS * (BLOCK_BYTES / FRAME_BYTES),
		.tp_retire_blk_tov = RETIRE_MS,
	};
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(interface),
	};

	if (address.sll_ifindex == 0)
		return -errno;
	reader->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (reader->fd < 0 ||
	    setsockopt(reader->fd, SOL_PACKET, PACKET_VERSION, &version,
		       sizeof(version)) < 0 ||
	    setsockopt(reader->fd, SOL_PACKET, PACKET_RX_RING, &request,
		       sizeof(request)) < 0)
		return -errno;
	reader->ring = mmap(NULL, (size_t)BLOCK_BYTES * BLOCKS,
			    PROT_READ | PROT_WRITE, MAP_SHARED, reader->fd, 0);
	if (reader->ring == MAP_FAILED ||
	    bind(reader->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return 0;
}

/* Reads the next block; false where the kernel has not handed it over. */
static bool reader_next(struct reader *reader)
{
	struct tpacket_block_desc *block =
		(void *)(reader->ring + (size_t)reader->block * BLOCK_BYTES);
	struct tpacket_hdr_v1 *head = &block->hdr.bh1;
	const uint8_t *at = (uint8_t *)block + head->offset_to_first_pkt;

	if (!(__atomic_load_n(&head->block_status, __ATOMIC_ACQUIRE) &
	      TP_STATUS_USER))
		return false;
	for (uint32_t i = 0; i < head->num_pkts; i++) {
		const struct tpacket3_hdr *packet = (const void *)at;

		reader->bytes += packet->tp_len;
		reader->looked += at[packet->tp_mac];
		at += packet->tp_next_offset;
	}
	reader->packets += head->num_pkts;
	__atomic_store_n(&head->block_status, TP_STATUS_KERNEL,
			 __ATOMIC_RELEASE);
	reader->block = (reader->block + 1) % BLOCKS;
	return true;
}

/* Reads until standard input ends, or the interface. */
static void reader_run(struct reader *reader)
{
	struct pollfd fds[] = { { .fd = reader->fd, .events = POLLIN },
				{ .fd = STDIN_FILENO, .events = POLLIN } };

	while (!(fds[0].revents & POLLERR) && !fds[1].revents) {
		while (reader_next(reader))
			continue;
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
	}
	do {
		while (reader_next(reader))
			continue;
		/* What has come so far is handed over by RETIRE_MS. */
		fds[0].revents = 0;
	} while (poll(fds, 1, SILENCE_MS) > 0 && fds[0].revents == POLLIN);
	while (reader_next(reader))
		continue;
}

int main(int argc, char **argv)
{
	struct reader reader = { .fd = -1 };
	struct tpacket_stats_v3 stats = { 0 };
	socklen_t len = sizeof(stats);
	int r;

	if (argc != 2) {
		fprintf(stderr, "usage: packet-reader INTERFACE\n");
		return 2;
	}
	r = reader_open(&reader, argv[1]);
	if (r < 0) {
		fprintf(stderr, "packet-reader: %s: %s\n", argv[1],
			strerror(-r));
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	reader_run(&reader);
	getsockopt(reader.fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len);
	printf("{\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64
	       ",\"dropped\":%u,\"looked\":%" PRIu64 "}\n",
	       reader.packets, reader.bytes, stats.tp_drops, reader.looked);
	return 0;
}
