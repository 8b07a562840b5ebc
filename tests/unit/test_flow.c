/* SPDX-License-Identifier: Apache-2.0 */
/* injector/flow.c: one queue for a flow, whatever it is wrapped in, both ways;
 * frames cut anywhere. */
#include <config.h>

#include "tests/unit/unit.h"

#include "injector/flow.h"
#include "proto/privileged.h"

#define FRAME_MAX 512

struct frame {
	uint8_t data[FRAME_MAX];
	uint32_t len;
};

/* What one end is called: addresses are made from it. */
struct end {
	uint32_t address;
	uint16_t port;
};

/* What stands before IP in a frame, from the Ethernet type on. */
static const struct wrap {
	const char *name;
	size_t len;
	uint8_t bytes4[40], bytes6[40];
} wraps[] = {
	{ "plain", 2, { 0x08, 0x00 }, { 0x86, 0xdd } },
	{ "VLAN",
	  6,
	  { 0x81, 0x00, 0x20, 5, 0x08, 0x00 },
	  { 0x81, 0x00, 0x20, 5, 0x86, 0xdd } },
	{ "QinQ",
	  10,
	  { 0x88, 0xa8, 0, 9, 0x81, 0x00, 0, 5, 0x08, 0x00 },
	  { 0x88, 0xa8, 0, 9, 0x81, 0x00, 0, 5, 0x86, 0xdd } },
	{ "old QinQ, three tags",
	  14,
	  { 0x91, 0x00, 0, 9, 0x91, 0, 0, 1, 0x81, 0x00, 0, 5, 0x08, 0x00 },
	  { 0x91, 0x00, 0, 9, 0x91, 0, 0, 1, 0x81, 0x00, 0, 5, 0x86, 0xdd } },
	{ "PPPoE",
	  10,
	  { 0x88, 0x64, 0x11, 0, 0, 7, 0, 99, 0x00, 0x21 },
	  { 0x88, 0x64, 0x11, 0, 0, 7, 0, 99, 0x00, 0x57 } },
	{ "PPPoE in a VLAN",
	  14,
	  { 0x81, 0, 0, 5, 0x88, 0x64, 0x11, 0, 0, 7, 0, 99, 0x00, 0x21 },
	  { 0x81, 0, 0, 5, 0x88, 0x64, 0x11, 0, 0, 7, 0, 99, 0x00, 0x57 } },
	{ "MPLS, two labels",
	  10,
	  { 0x88, 0x47, 0, 1, 0x00, 64, 0, 2, 0x01, 64 },
	  { 0x88, 0x47, 0, 1, 0x00, 64, 0, 2, 0x01, 64 } },
	{ "MPLS multicast",
	  6,
	  { 0x88, 0x48, 0, 1, 0x01, 64 },
	  { 0x88, 0x48, 0, 1, 0x01, 64 } },
};

/* IPv6 extension headers before the transport header: their next-header
 * numbers in order, 0 behind the last one. */
#define HOP_BY_HOP 255 /* it is 0 */
static const uint8_t chains[][10] = {
	{ 0 },
	{ HOP_BY_HOP },
	{ 43 },
	{ 60 },
	{ 51 },
	{ 135 },
	{ HOP_BY_HOP, 60, 43, 51, 60, 135 },
	{ 60, 60, 60, 60, 60, 60, 60, 60 },
};

static uint32_t seed = 1;

static uint32_t any(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8 ^ seed << 20;
}

static struct end any_end(void)
{
	return (struct end){ any(), (uint16_t)any() };
}

static void put(struct frame *frame, const void *bytes, size_t len)
{
	assert_true(frame->len + len <= FRAME_MAX);
	memcpy(frame->data + frame->len, bytes, len);
	frame->len += (uint32_t)len;
}

static void put_u8(struct frame *frame, unsigned int value)
{
	put(frame, &(uint8_t){ (uint8_t)value }, 1);
}

static void put_u16(struct frame *frame, unsigned int value)
{
	put_u8(frame, value >> 8);
	put_u8(frame, value);
}

static void put_u32(struct frame *frame, uint32_t value)
{
	put_u16(frame, value >> 16);
	put_u16(frame, value);
}

/* Different MAC addresses each time: they are not what a flow is told by. */
static void put_ethernet(struct frame *frame, const struct wrap *wrap, bool six)
{
	for (int i = 0; i < 12; i++)
		put_u8(frame, any() & 0xfe);
	put(frame, six ? wrap->bytes6 : wrap->bytes4, wrap->len);
}

/* Ports, then what differs from packet to packet. */
static void put_transport(struct frame *frame, struct end from, struct end to)
{
	put_u16(frame, from.port);
	put_u16(frame, to.port);
	for (int i = 0; i < 28; i++)
		put_u8(frame, any());
}

static void put_ipv4(struct frame *frame, struct end from, struct end to,
		     unsigned int protocol, unsigned int fragment,
		     unsigned int options)
{
	put_u8(frame, 0x45 + options);
	put_u8(frame, any());
	put_u16(frame, 20 + 4 * options + 32);
	put_u16(frame, any());
	put_u16(frame, fragment);
	put_u8(frame, any());
	put_u8(frame, protocol);
	put_u16(frame, any());
	put_u32(frame, from.address);
	put_u32(frame, to.address);
	for (; options > 0; options--)
		put_u32(frame, any());
	put_transport(frame, from, to);
}

static unsigned int number(uint8_t in_chain)
{
	return in_chain == HOP_BY_HOP ? 0 : in_chain;
}

/* Each of 16 bytes; 51 counts its length otherwise. */
static void put_chain(struct frame *frame, const uint8_t *chain,
		      unsigned int last)
{
	for (; *chain; chain++) {
		put_u8(frame, chain[1] ? number(chain[1]) : last);
		put_u8(frame, *chain == 51 ? 2 : 1);
		for (int i = 0; i < 14; i++)
			put_u8(frame, any());
	}
}

static void put_ipv6(struct frame *frame, struct end from, struct end to,
		     unsigned int protocol, const uint8_t *chain)
{
	const struct end ends[2] = { from, to };
	size_t chain_len = strlen((const char *)chain) * 16;

	put_u32(frame, 0x60000000 | (any() & 0xfffff));
	put_u16(frame, (unsigned int)chain_len + 32);
	put_u8(frame, *chain ? number(*chain) : protocol);
	put_u8(frame, any());
	for (int i = 0; i < 2; i++) {
		put_u32(frame, 0x20010db8);
		put_u32(frame, 0);
		put_u32(frame, ends[i].address * 3);
		put_u32(frame, ends[i].address);
	}
	put_chain(frame, chain, protocol);
	put_transport(frame, from, to);
}

static uint16_t queue_of(const struct frame *frame, bool tun, size_t queues)
{
	uint16_t queue = flow_queue(tun ? TAPFEED_TUN : TAPFEED_TAP,
				    frame->data, frame->len, queues);

	assert_true(queue < queues);
	return queue;
}

static uint16_t tun4(struct end from, struct end to, unsigned int protocol,
		     unsigned int fragment, size_t queues)
{
	struct frame frame = { .len = 0 };

	put_ipv4(&frame, from, to, protocol, fragment, 0);
	return queue_of(&frame, true, queues);
}

static uint16_t tun6(struct end from, struct end to, unsigned int protocol,
		     const uint8_t *chain, size_t queues)
{
	struct frame frame = { .len = 0 };

	put_ipv6(&frame, from, to, protocol, chain);
	return queue_of(&frame, true, queues);
}

/* In each direction, wrapped in anything, with any options. */
static void one_flow4(struct end a, struct end b, unsigned int protocol,
		      size_t queues)
{
	uint16_t queue = tun4(a, b, protocol, 0, queues);

	for (size_t w = 0; w < COUNT(wraps); w++)
		for (unsigned int options = 0; options <= 10; options += 5)
			for (int back = 0; back < 2; back++) {
				struct frame frame = { .len = 0 };

				put_ethernet(&frame, &wraps[w], false);
				/* 0x4000: don't fragment */
				put_ipv4(&frame, back ? b : a, back ? a : b,
					 protocol, back ? 0x4000 : 0, options);
				if (queue_of(&frame, false, queues) != queue)
					fail_msg("%s, %u options, back %d",
						 wraps[w].name, options, back);
			}
}

static void one_flow6(struct end a, struct end b, unsigned int protocol,
		      size_t queues)
{
	uint16_t queue = tun6(a, b, protocol, chains[0], queues);

	for (size_t w = 0; w < COUNT(wraps); w++)
		for (size_t c = 0; c < COUNT(chains); c++)
			for (int back = 0; back < 2; back++) {
				struct frame frame = { .len = 0 };

				put_ethernet(&frame, &wraps[w], true);
				put_ipv6(&frame, back ? b : a, back ? a : b,
					 protocol, chains[c]);
				if (queue_of(&frame, false, queues) != queue)
					fail_msg("%s, chain %zu, back %d",
						 wraps[w].name, c, back);
			}
}

static void test_one_flow(void **state)
{
	static const unsigned int protocols[] = { 6, 17, 132 };

	(void)state;
	for (size_t queues = 1; queues <= PRIVILEGED_QUEUES_MAX; queues++)
		for (size_t p = 0; p < COUNT(protocols); p++)
			for (int i = 0; i < 20; i++) {
				struct end a = any_end(), b = any_end();

				one_flow4(a, b, protocols[p], queues);
				one_flow6(a, b, protocols[p], queues);
			}
}

/* How many of eight queues flows of one address pair use. */
static size_t queues_used(unsigned int protocol, bool six,
			  unsigned int fragment)
{
	unsigned int used = 0;

	for (int i = 0; i < 200; i++) {
		struct end a = { 0x0a000001, (uint16_t)any() };
		struct end b = { 0x0a000002, (uint16_t)any() };

		used |= 1u << (six ? tun6(a, b, protocol, chains[0], 8)
				   : tun4(a, b, protocol, fragment, 8));
	}
	return (size_t)__builtin_popcount(used);
}

/* Ports tell flows apart where there are ports, and nowhere else. */
static void test_ports(void **state)
{
	static const unsigned int with[] = { 6, 17, 132 };
	static const unsigned int without[] = {
		1, 2, 4, 41, 47, 50, 51, 58, 253
	};

	(void)state;
	for (size_t i = 0; i < COUNT(with); i++) {
		assert_int_equal(queues_used(with[i], false, 0), 8);
		assert_int_equal(queues_used(with[i], true, 0), 8);
		assert_int_equal(queues_used(with[i], false, 0x2000), 1);
		assert_int_equal(queues_used(with[i], false, 0x0001), 1);
		assert_int_equal(queues_used(with[i], false, 0x3fff), 1);
	}
	for (size_t i = 0; i < COUNT(without); i++)
		assert_int_equal(queues_used(without[i], false, 0), 1);
	for (size_t i = 0; i < COUNT(without); i++)
		if (without[i] != 51) /* another extension header there */
			assert_int_equal(queues_used(without[i], true, 0), 1);
}

/* All fragments of an address pair, of any protocol, in both directions. */
static void test_fragments(void **state)
{
	static const unsigned int fields[] = { 0x2000, 0x20b9, 0x0001,
					       0x1fff, 0x6000, 0xa001 };
	static const uint8_t headers[][10] = {
		{ 44 }, { HOP_BY_HOP, 44 }, { 60, 43, 44 }, { 44, 60 }
	};

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct end a = any_end(), b = any_end();
		uint16_t four = tun4(a, b, 17, 0x2000, 8);
		uint16_t six = tun6(a, b, 17, headers[0], 8);

		for (size_t f = 0; f < COUNT(fields); f++)
			for (unsigned int protocol = 0; protocol < 256;
			     protocol += 17) {
				a.port = (uint16_t)any();
				assert_int_equal(tun4(b, a, protocol, fields[f],
						      8),
						 four);
			}
		for (size_t h = 0; h < COUNT(headers); h++)
			for (int back = 0; back < 2; back++)
				assert_int_equal(
					tun6(back ? b : a, back ? a : b,
					     back ? 6 : 17, headers[h], 8),
					six);
	}
}

/* Each queue gets its share, to what chance leaves: of eight, 3 % of it is one
 * standard deviation. */
static void spread(const char *what, size_t queues,
		   uint16_t (*choose)(uint32_t flow, size_t queues))
{
	enum {
		FLOWS = 10000
	};
	uint32_t counts[PRIVILEGED_QUEUES_MAX] = { 0 };

	for (uint32_t flow = 0; flow < FLOWS; flow++)
		counts[choose(flow, queues)]++;
	for (size_t i = 0; i < queues; i++) {
		double part = (double)counts[i] * (double)queues / FLOWS;

		if (part < 0.9 || part > 1.1)
			fail_msg("%s: queue %zu of %zu has %.3f of its share",
				 what, i, queues, part);
	}
}

static uint16_t random_flow(uint32_t flow, size_t queues)
{
	struct end a = any_end(), b = any_end();

	return flow & 1 ? tun4(a, b, 6, 0, queues)
			: tun6(a, b, 17, chains[0], queues);
}

/* One server and its clients, one after the other. */
static uint16_t counted_clients(uint32_t flow, size_t queues)
{
	return tun4((struct end){ 0x0a000000 + flow, 40000 },
		    (struct end){ 0xc0000201, 443 }, 6, 0, queues);
}

/* One client that counts its ports. */
static uint16_t counted_ports(uint32_t flow, size_t queues)
{
	return tun4((struct end){ 0x0a000001, (uint16_t)(flow + 1024) },
		    (struct end){ 0x0a000002, 80 }, 6, 0, queues);
}

/* Address pairs alone, as of fragments. */
static uint16_t counted_pairs(uint32_t flow, size_t queues)
{
	return tun4((struct end){ 0x0a000000 + flow / 100, 0 },
		    (struct end){ 0x0a010000 + flow % 100, 0 }, 17, 0x2000,
		    queues);
}

static uint16_t counted_macs(uint32_t flow, size_t queues)
{
	struct frame frame = { .len = 0 };

	put(&frame, "\x02\0\0\0\0\x01\x02\0", 8);
	put_u32(&frame, flow);
	put(&frame, "\x08\x06", 2); /* ARP */
	return queue_of(&frame, false, queues);
}

static void test_spread(void **state)
{
	static const size_t queues[] = { 2, 3, 4, 5, 8 };

	(void)state;
	for (size_t i = 0; i < COUNT(queues); i++) {
		spread("random flows", queues[i], random_flow);
		spread("clients", queues[i], counted_clients);
		spread("ports", queues[i], counted_ports);
		spread("address pairs", queues[i], counted_pairs);
		spread("MAC addresses", queues[i], counted_macs);
	}
}

/* What is no IP goes by its two MAC addresses, both ways; a TUN has none. */
static void test_no_ip(void **state)
{
	static const struct {
		const char *name;
		size_t len;
		uint8_t bytes[64]; /* from the Ethernet type on */
	} rows[] = {
		{ "ARP", 30, { 0x08, 0x06, 0, 1, 8, 0 } },
		{ "802.3", 30, { 0, 28, 0x42, 0x42, 3 } },
		{ "no type is IPv4", 40, { 0x08, 0x00, 0x65 } },
		{ "no type is IPv6", 64, { 0x86, 0xdd, 0x45 } },
		{ "IPv4, cut", 21, { 0x08, 0x00, 0x45 } },
		{ "IPv6, cut", 41, { 0x86, 0xdd, 0x60 } },
		{ "PPPoE discovery", 40, { 0x88, 0x63, 0x11, 9 } },
		{ "PPPoE, LCP",
		  40,
		  { 0x88, 0x64, 0x11, 0, 0, 7, 0, 9, 0xc0, 0x21 } },
		{ "PPPoE, cut", 9, { 0x88, 0x64, 0x11, 0, 0, 7, 0, 9, 0 } },
		{ "MPLS, cut", 5, { 0x88, 0x47, 0, 1, 0x01 } },
		{ "MPLS, a pseudowire", 50, { 0x88, 0x47, 0, 1, 0x01, 64, 0 } },
		{ "MPLS, nothing below", 6, { 0x88, 0x47, 0, 1, 0x01, 64 } },
		{ "a tag, cut", 5, { 0x81, 0x00, 0, 1, 8 } },
		{ "nothing behind", 2, { 0x08, 0x00 } },
		{ "tags without end", 64, { 0x81, 0, 0, 1, 0x81, 0, 0,	 1,
					    0x81, 0, 0, 1, 0x81, 0, 0,	 1,
					    0x81, 0, 0, 1, 0x81, 0, 0,	 1,
					    0x81, 0, 0, 1, 0x81, 0, 0,	 1,
					    0x81, 0, 0, 1, 0x08, 0, 0x45 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		unsigned int used = 0;

		for (int n = 0; n < 200; n++) {
			struct frame to = { .len = 0 }, back = { .len = 0 };
			uint8_t macs[2][6];

			for (int j = 0; j < 12; j++)
				macs[j / 6][j % 6] = (uint8_t)any();
			put(&to, macs[0], 6);
			put(&to, macs[1], 6);
			put(&to, rows[i].bytes, rows[i].len);
			put(&back, macs[1], 6);
			put(&back, macs[0], 6);
			put(&back, rows[i].bytes, rows[i].len);
			used |= 1u << queue_of(&to, false, 8);
			if (queue_of(&to, false, 8) !=
			    queue_of(&back, false, 8))
				fail_msg("%s: two ways", rows[i].name);
		}
		if (used != 0xff)
			fail_msg("%s: queues %#x", rows[i].name, used);
	}
	for (unsigned int version = 0; version < 16; version++) {
		struct frame frame = { .len = 0 };

		put_u8(&frame, version << 4);
		put_u32(&frame, any());
		assert_int_equal(queue_of(&frame, true, 8), 0);
	}
}

/* Headers that contradict themselves: the addresses are still there. */
static void test_contradictions(void **state)
{
	struct end a = any_end(), b = any_end();
	unsigned int used = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct frame frame = { .len = 0 };

		a.port = (uint16_t)any();
		put_ipv4(&frame, a, b, 6, 0, 0);
		frame.data[0] = (uint8_t)(0x40 + i % 5); /* header length */
		used |= 1u << queue_of(&frame, true, 8);
		frame.data[0] = 0x4f; /* beyond its end */
		frame.len = 56;
		used |= 1u << queue_of(&frame, true, 8);
		frame.data[0] = 0x45;
		frame.data[3] = 20; /* what follows is padding */
		used |= 1u << queue_of(&frame, true, 8);
		frame.data[3] = 23; /* not all ports */
		used |= 1u << queue_of(&frame, true, 8);
		frame.data[3] = 52;
		frame.len = 23; /* not all there */
		used |= 1u << queue_of(&frame, true, 8);
	}
	assert_int_equal(__builtin_popcount(used), 1);
	/* A length that the header does not fit in says nothing. */
	for (uint8_t len = 0; len < 20; len++) {
		struct frame frame = { .len = 0 };

		put_ipv4(&frame, a, b, 6, 0, 0);
		frame.data[3] = len;
		assert_int_equal(queue_of(&frame, true, 8),
				 tun4(a, b, 6, 0, 8));
	}
}

/* Every length of every kind of frame: not a byte behind it is read. */
static void test_cut(void **state)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *end = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(end, MAP_FAILED);
	end += page;
	assert_int_equal(mprotect(end, page, PROT_NONE), 0);
	for (size_t w = 0; w < COUNT(wraps); w++)
		for (size_t c = 0; c <= COUNT(chains); c++) {
			struct frame frame = { .len = 0 };
			bool four = c == COUNT(chains);

			put_ethernet(&frame, &wraps[w], !four);
			if (four)
				put_ipv4(&frame, any_end(), any_end(), 6, 0, 3);
			else
				put_ipv6(&frame, any_end(), any_end(), 6,
					 chains[c]);
			for (uint32_t len = 0; len <= frame.len; len++) {
				uint8_t *at =
					memcpy(end - len, frame.data, len);

				assert_true(flow_queue(TAPFEED_TAP, at, len,
						       8) < 8);
				/* From there on, too. */
				memcpy(at, frame.data + frame.len - len, len);
				assert_true(flow_queue(TAPFEED_TUN, at, len,
						       8) < 8);
			}
		}
	munmap(end - page, 2 * page);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_flow),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_no_ip),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests_name("flow", tests, NULL, NULL);
}
