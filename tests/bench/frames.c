/* SPDX-License-Identifier: Apache-2.0 */
/* Frames for benchmarks. Its input is the person who measures. */
#include <config.h>

#include "tests/bench/frames.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

#include "common/parse.h"

#define ETHERNET_LEN 14u
#define HEADERS_LEN                                                            \
	(ETHERNET_LEN + (uint32_t)sizeof(struct iphdr) +                       \
	 (uint32_t)sizeof(struct udphdr))
#define FRAME_MIN 60
#define FRAME_MAX 9000
#define PAGE_SIZE 4096u

static const uint16_t mix[] = {
	64, 576, 64, 576, 64, 64, 1500, 64, 576, 64, 576, 64,
};
#define MIX (sizeof(mix) / sizeof(mix[0]))

static uint16_t ip_checksum(const struct iphdr *ip)
{
	const uint8_t *bytes = (const uint8_t *)ip;
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(*ip); i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* One frame of len bytes, of flow number. */
static void frame_fill(uint8_t *frame, uint32_t len, uint32_t number)
{
	static const uint8_t ethernet[ETHERNET_LEN] = {
		2, 0, 0, 0, 0xbe, 2, 2, 0, 0, 0, 0xbe, 1, 8, 0,
	};
	struct udphdr udp = {
		.source = htons((uint16_t)(1024 + number)),
		.dest = htons(9),
		.len = htons((uint16_t)(len - HEADERS_LEN + sizeof(udp))),
	};
	struct iphdr ip = {
		.version = 4,
		.ihl = sizeof(ip) / 4,
		.tot_len = htons((uint16_t)(len - ETHERNET_LEN)),
		.id = htons((uint16_t)number),
		.ttl = 64,
		.protocol = IPPROTO_UDP,
		.saddr = htonl(0xc6120000 + number), /* RFC 2544 */
		.daddr = htonl(0xc6130000 + number % 61),
	};

	ip.check = ip_checksum(&ip);
	memcpy(frame, ethernet, ETHERNET_LEN);
	memcpy(frame + ETHERNET_LEN, &ip, sizeof(ip));
	memcpy(frame + ETHERNET_LEN + sizeof(ip), &udp, sizeof(udp));
	for (uint32_t at = HEADERS_LEN; at < len; at++)
		frame[at] = (uint8_t)(at * 13 + number);
}

int frames_init(struct frames *frames, const char *size)
{
	uint64_t fixed = 0;

	if (strcmp(size, "mix") != 0 &&
	    parse_number(size, FRAME_MIN, FRAME_MAX, &fixed) < 0)
		return -EINVAL;
	frames->bytes = 0;
	for (uint32_t i = 0; i < FRAMES; i++) {
		frames->offset[i] = frames->bytes;
		frames->len[i] = fixed ? (uint32_t)fixed : mix[i % MIX];
		frames->bytes += frames->len[i];
	}
	frames->data = aligned_alloc(PAGE_SIZE, (frames->bytes + PAGE_SIZE -
						 1) & ~(PAGE_SIZE - 1));
	if (!frames->data)
		return -ENOMEM;
	for (uint32_t i = 0; i < FRAMES; i++)
		frame_fill(frames->data + frames->offset[i], frames->len[i], i);
	return 0;
}

void frames_done(struct frames *frames)
{
	free(frames->data);
}
