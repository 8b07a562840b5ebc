/* SPDX-License-Identifier: Apache-2.0 */
/* launcher/readers.c: which packet sockets are readers, and answers that are
 * cut, contradict themselves or are not for this question. */
#include <config.h>

#include "tests/unit/unit.h"

#include <libmnl/libmnl.h>
#include <limits.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <stdalign.h>
#include <sys/socket.h>

#include "launcher/readers.h"

#define IFINDEX	 7
#define SEQUENCE 1000

static alignas(struct nlmsghdr) uint8_t buf[8192];
static size_t used;
static struct nlmsghdr *last;

struct one {
	uint32_t ifindex;
	uint16_t protocol;
	uint32_t flags; /* PDI_ */
	uint32_t inode;
	uint32_t rmem;
	bool ring;
	uint32_t fanout;
	uint32_t cookie;
};

static int set_up(void **state)
{
	(void)state;
	memset(buf, 0, sizeof(buf));
	used = 0;
	return 0;
}

static void put_header(uint16_t type, uint32_t sequence)
{
	last = mnl_nlmsg_put_header(buf + used);
	last->nlmsg_type = type;
	last->nlmsg_seq = sequence;
}

static void put_end(void)
{
	used += NLMSG_ALIGN(last->nlmsg_len);
	assert_true(used <= sizeof(buf));
}

static void put_socket(const struct one *one)
{
	const struct packet_diag_info info = { .pdi_index = one->ifindex,
					       .pdi_flags = one->flags };
	const uint32_t memory[9] = { one->rmem, 1, 2, 3, 4, 5, 6, 7, 8 };
	const struct packet_diag_ring ring = { .pdr_block_nr = 1 };
	struct packet_diag_msg *message;

	put_header(SOCK_DIAG_BY_FAMILY, SEQUENCE);
	message = mnl_nlmsg_put_extra_header(last, sizeof(*message));
	message->pdiag_family = AF_PACKET;
	message->pdiag_type = SOCK_RAW;
	message->pdiag_num = one->protocol;
	message->pdiag_ino = one->inode;
	message->pdiag_cookie[1] = one->cookie;
	mnl_attr_put(last, PACKET_DIAG_INFO, sizeof(info), &info);
	if (one->ring)
		mnl_attr_put(last, PACKET_DIAG_RX_RING, sizeof(ring), &ring);
	if (one->fanout)
		mnl_attr_put_u32(last, PACKET_DIAG_FANOUT, one->fanout);
	mnl_attr_put(last, PACKET_DIAG_MEMINFO, sizeof(memory), memory);
	put_end();
}

static void put_done(void)
{
	put_header(NLMSG_DONE, SEQUENCE);
	mnl_nlmsg_put_extra_header(last, sizeof(int));
	put_end();
}

/* The answer so far; the buffer is empty again. */
static int parse(struct readers_set *set)
{
	int r = readers_parse(set, IFINDEX, SEQUENCE, buf, used);

	set_up(NULL);
	return r;
}

static uint64_t mark_of(const struct one *sockets, size_t n)
{
	struct readers_set set = { 0 };

	for (size_t i = 0; i < n; i++)
		put_socket(&sockets[i]);
	put_done();
	assert_int_equal(parse(&set), 1);
	return set.mark;
}

static void test_who_counts(void **state)
{
	static const struct {
		struct one one;
		uint32_t count, rings;
		uint64_t queued;
	} rows[] = {
		{ { IFINDEX, ETH_P_ALL, PDI_RUNNING, 5, 0, false, 0 },
		  1,
		  0,
		  0 },
		{ { IFINDEX, ETH_P_ALL, PDI_RUNNING, 5, 700, false, 0 },
		  1,
		  0,
		  700 },
		{ { IFINDEX, ETH_P_ALL, PDI_RUNNING, 5, 700, true, 1 },
		  1,
		  1,
		  0 },
		{ { IFINDEX, ETH_P_ALL, 0xff, 5, 0, false, 0 }, 1, 0, 0 },
		/* No longer, or not yet. */
		{ { IFINDEX, ETH_P_ALL, 0, 5, 700, true, 0 }, 0, 0, 0 },
		{ { IFINDEX, ETH_P_ALL, PDI_AUXDATA, 5, 700, false, 0 },
		  0,
		  0,
		  0 },
		/* All interfaces, another one. */
		{ { 0, ETH_P_ALL, PDI_RUNNING, 5, 700, false, 0 }, 0, 0, 0 },
		{ { IFINDEX + 1, ETH_P_ALL, PDI_RUNNING, 5, 700, true, 0 },
		  0,
		  0,
		  0 },
		/* One protocol: it may still have something to read. */
		{ { IFINDEX, 0x88cc, PDI_RUNNING, 5, 700, false, 0 },
		  0,
		  0,
		  700 },
		{ { IFINDEX, 0, PDI_RUNNING, 5, 0, true, 0 }, 0, 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct readers_set set = { 0 };

		put_socket(&rows[i].one);
		assert_int_equal(parse(&set), 0);
		put_done();
		assert_int_equal(parse(&set), 1);
		assert_int_equal(set.count, rows[i].count);
		assert_int_equal(set.rings, rows[i].rings);
		assert_int_equal(set.queued_bytes, rows[i].queued);
		assert_int_equal(set.mark != 0, rows[i].count > 0);
	}
}

static void test_marks(void **state)
{
	const struct one a = {
		IFINDEX, ETH_P_ALL, PDI_RUNNING, 5, 0, false, 0
	};
	struct one b = a, c = a, d = a, e = a;
	const uint64_t of_a = mark_of(&a, 1);

	(void)state;
	b.inode = 6;
	c.ring = true;
	d.fanout = 1;
	e.cookie = 1;
	assert_int_equal(mark_of(&a, 1), of_a);
	assert_int_not_equal(mark_of(&b, 1), of_a);
	assert_int_not_equal(mark_of(&c, 1), of_a);
	assert_int_not_equal(mark_of(&d, 1), of_a);
	assert_int_not_equal(mark_of(&e, 1), of_a);
	/* In any order; and what waits does not make it another set. */
	assert_int_equal(mark_of((struct one[]){ a, b }, 2),
			 mark_of((struct one[]){ b, a }, 2));
	b = a;
	b.rmem = 1000;
	assert_int_equal(mark_of(&b, 1), of_a);
}

static void test_many_in_one(void **state)
{
	struct readers_set set = { 0 };
	struct one one = { IFINDEX, ETH_P_ALL, PDI_RUNNING, 0, 10, false, 0 };

	(void)state;
	for (one.inode = 1; one.inode <= 20; one.inode++)
		put_socket(&one);
	assert_int_equal(parse(&set), 0);
	for (; one.inode <= 30; one.inode++)
		put_socket(&one);
	put_done();
	put_socket(&one); /* behind the end */
	assert_int_equal(parse(&set), 1);
	assert_int_equal(set.count, 30);
	assert_int_equal(set.queued_bytes, 300);
}

static void put_error(uint32_t sequence, int error)
{
	struct nlmsgerr *payload;

	put_header(NLMSG_ERROR, sequence);
	payload = mnl_nlmsg_put_extra_header(last, sizeof(*payload));
	payload->error = error;
	put_end();
}

static void test_errors(void **state)
{
	static const struct {
		int said, want;
	} rows[] = {
		{ -ENOENT, -ENOENT }, { -EBUSY, -EBUSY }, { -4095, -4095 },
		{ 0, -EPROTO },	      { 5, -EPROTO },	  { -4096, -EPROTO },
		{ INT_MIN, -EPROTO },
	};
	struct readers_set set = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put_error(SEQUENCE, rows[i].said);
		assert_int_equal(parse(&set), rows[i].want);
	}
	put_header(NLMSG_ERROR, SEQUENCE); /* no room for a number */
	put_end();
	assert_int_equal(parse(&set), -EPROTO);
	put_error(SEQUENCE - 1, -ENOENT); /* of another question */
	put_done();
	assert_int_equal(parse(&set), 1);
}

/* Every cut and every wrong length of a good answer: read within its bounds,
 * never more than it says. */
static void test_malformed(void **state)
{
	const struct one one = {
		IFINDEX, ETH_P_ALL, PDI_RUNNING, 5, 9, true, 3
	};
	uint8_t good[sizeof(buf)];
	size_t len;

	(void)state;
	put_socket(&one);
	put_done();
	len = used;
	memcpy(good, buf, len);
	for (size_t cut = 0; cut < len; cut++) {
		struct readers_set set = { 0 };
		uint8_t *copy = malloc(cut ? cut : 1);
		int r;

		assert_non_null(copy);
		memcpy(copy, good, cut);
		r = readers_parse(&set, IFINDEX, SEQUENCE, copy, cut);
		assert_true(r == 0);
		assert_true(set.count <= 1);
		free(copy);
	}
	for (size_t at = 0; at < len; at++)
		for (unsigned int value = 0; value < 256; value += 15) {
			struct readers_set set = { 0 };
			uint8_t *copy = malloc(len);

			assert_non_null(copy);
			memcpy(copy, good, len);
			copy[at] = (uint8_t)value;
			(void)readers_parse(&set, IFINDEX, SEQUENCE, copy, len);
			assert_true(set.count <= 1 && set.rings <= 1);
			free(copy);
		}
}

static void test_other_messages(void **state)
{
	const struct one one = {
		IFINDEX, ETH_P_ALL, PDI_RUNNING, 5, 0, false, 0
	};
	struct readers_set set = { 0 };
	struct packet_diag_msg *message;

	(void)state;
	put_socket(&one); /* of another family */
	message = mnl_nlmsg_get_payload(last);
	message->pdiag_family = AF_INET;
	put_socket(&one); /* of another question */
	last->nlmsg_seq++;
	put_socket(&one); /* of another type */
	last->nlmsg_type = SOCK_DESTROY;
	put_header(SOCK_DIAG_BY_FAMILY, SEQUENCE); /* without a body */
	put_end();
	put_header(NLMSG_NOOP, SEQUENCE);
	put_end();
	assert_int_equal(parse(&set), 0);
	assert_int_equal(set.count, 0);
	assert_int_equal(readers_parse(&set, IFINDEX, SEQUENCE, buf, SIZE_MAX),
			 0);
}

/* Attributes that end too soon: what follows them is not theirs. */
static void test_short_attributes(void **state)
{
	const uint32_t running[] = { 0, 0, 0, PDI_RUNNING };
	const struct one one = {
		IFINDEX, ETH_P_ALL, PDI_RUNNING, 5, 0, false, 0
	};
	const uint64_t mark = mark_of(&one, 1);
	struct readers_set set = { 0 };
	struct packet_diag_msg *message;

	(void)state;
	put_header(SOCK_DIAG_BY_FAMILY, SEQUENCE);
	message = mnl_nlmsg_put_extra_header(last, sizeof(*message));
	message->pdiag_family = AF_PACKET;
	message->pdiag_num = ETH_P_ALL;
	mnl_attr_put_u32(last, PACKET_DIAG_INFO, IFINDEX);
	mnl_attr_put(last, 999, sizeof(running), running);
	put_end();
	assert_int_equal(parse(&set), 0);
	assert_int_equal(set.count, 0);
	put_socket(&one);
	used = 0;
	mnl_attr_put(last, PACKET_DIAG_FANOUT, 2, "\1\1");
	mnl_attr_put(last, PACKET_DIAG_MEMINFO, 2, "\1\1");
	put_end();
	assert_int_equal(parse(&set), 0);
	assert_int_equal(set.count, 1);
	assert_int_equal(set.queued_bytes, 0);
	assert_int_equal(set.mark, mark);
}

/* The kernel itself; whether there are packet sockets here is not known. */
static void test_kernel(void **state)
{
	const size_t fds = open_fds();
	struct readers_set set;
	struct readers readers;
	int r = readers_init(&readers);

	(void)state;
	if (r == -ENOENT || r == -EPROTONOSUPPORT)
		skip();
	assert_int_equal(r, 0);
	assert_true(readers.fd >= 0);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(readers_ask(&readers), 0);
		assert_int_equal(readers_ask(&readers), 0);
		r = readers_take(&readers, IFINDEX, &set);
		while (r == 0)
			r = readers_take(&readers, IFINDEX, &set);
		assert_int_equal(r, 1);
		assert_int_equal(set.count, 0);
		assert_int_equal(readers_take(&readers, IFINDEX, &set), 0);
	}
	readers_done(&readers);
	readers_done(&readers);
	assert_int_equal(open_fds(), fds);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_who_counts),	     TEST(test_marks),
		TEST(test_many_in_one),	     TEST(test_errors),
		TEST(test_malformed),	     TEST(test_other_messages),
		TEST(test_short_attributes), TEST(test_kernel),
	};

	return cmocka_run_group_tests_name("readers", tests, NULL, NULL);
}
