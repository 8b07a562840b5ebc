/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends numbered Ethernet frames out of an interface, at a rate:
 *
 *     packet-sender INTERFACE PACKETS PER_SECOND SIZE|mix
 *
 * PER_SECOND 0: as fast as it goes. The number (32 bits, big-endian) stands at
 * byte 14 of the frame. For tests; prints how many were sent.
 */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"

#define BATCH	  64u
#define FRAME_MAX 1514u
#define NUMBER_AT 14u

/* Sizes of real traffic, roughly: small ones, full ones, some between. */
static const unsigned int mix[] = {
	60, 66, 1514, 60, 590, 1514, 74, 60, 1514, 128, 60, 256, 1514, 66, 512,
};
#define MIX (sizeof(mix) / sizeof(mix[0]))

struct sender {
	int fd;
	unsigned int size; /* 0: mix */
	uint8_t frames[BATCH][FRAME_MAX];
	struct iovec iov[BATCH];
	struct mmsghdr messages[BATCH];
};

/* 0, or -1 with errno. */
static int sender_open(struct sender *sender, const char *interface)
{
	static const uint8_t head[] = { 2, 0, 0, 0, 0, 2,    2,
					0, 0, 0, 0, 1, 0x88, 0xb5 };
	const int on = 1;
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(interface),
	};

	for (size_t i = 0; i < BATCH; i++) {
		for (size_t at = 0; at < FRAME_MAX; at++)
			sender->frames[i][at] = (uint8_t)(at * 13);
		memcpy(sender->frames[i], head, sizeof(head));
		sender->iov[i].iov_base = sender->frames[i];
		sender->messages[i].msg_hdr.msg_iov = &sender->iov[i];
		sender->messages[i].msg_hdr.msg_iovlen = 1;
	}
	if (address.sll_ifindex == 0)
		return -1;
	sender->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (sender->fd < 0)
		return -1;
	/* Straight to the driver: a queue would drop what is too fast. */
	setsockopt(sender->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on,
		   sizeof(on));
	return bind(sender->fd, (struct sockaddr *)&address, sizeof(address));
}

/* Sends packets first to first + n - 1. 0, or -1 with errno. */
static int sender_send(struct sender *sender, uint64_t first, unsigned int n)
{
	unsigned int done = 0;

	for (unsigned int i = 0; i < n; i++) {
		uint32_t number = htonl((uint32_t)(first + i));

		memcpy(sender->frames[i] + NUMBER_AT, &number, sizeof(number));
		sender->iov[i].iov_len =
			sender->size ? sender->size : mix[(first + i) % MIX];
	}
	while (done < n) {
		int r = sendmmsg(sender->fd, sender->messages + done, n - done,
				 0);

		if (r > 0)
			done += (unsigned int)r;
		else if (errno != ENOBUFS && errno != EAGAIN)
			return -1;
	}
	return 0;
}

/* Sends all of them, each when it is due. Returns how many were sent. */
static uint64_t sender_run(struct sender *sender, uint64_t packets,
			   uint64_t per_second)
{
	uint64_t start = clock_now_ns();
	uint64_t sent = 0;

	while (sent < packets) {
		uint64_t now = clock_now_ns() - start;
		uint64_t due = packets;
		unsigned int n;

		if (per_second)
			due = now / NS_PER_S * per_second +
			      now % NS_PER_S * per_second / NS_PER_S + 1;
		if (due > packets)
			due = packets;
		if (due <= sent) {
			struct timespec nap = { .tv_nsec = 100000 };

			ppoll(NULL, 0, &nap, NULL);
			continue;
		}
		n = due - sent < BATCH ? (unsigned int)(due - sent) : BATCH;
		if (sender_send(sender, sent, n) < 0)
			break;
		sent += n;
	}
	return sent;
}

int main(int argc, char **argv)
{
	static struct sender sender;
	uint64_t packets, sent;

	if (argc != 5) {
		fprintf(stderr, "usage: packet-sender INTERFACE PACKETS "
				"PER_SECOND SIZE|mix\n");
		return 2;
	}
	packets = strtoull(argv[2], NULL, 10);
	if (strcmp(argv[4], "mix") != 0)
		sender.size = (unsigned int)strtoul(argv[4], NULL, 10);
	if (sender.size > FRAME_MAX || (sender.size && sender.size < 18)) {
		fprintf(stderr, "packet-sender: 18 to %u bytes\n", FRAME_MAX);
		return 2;
	}
	if (sender_open(&sender, argv[1]) < 0) {
		perror(argv[1]);
		return 1;
	}
	sent = sender_run(&sender, packets, strtoull(argv[3], NULL, 10));
	printf("%llu\n", (unsigned long long)sent);
	if (sent < packets)
		perror("sendmmsg");
	return sent < packets;
}
