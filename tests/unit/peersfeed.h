/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of injector/peers.c: captures at the other end of socket pairs
 * or of a listening socket, and a writer that is but a list. The time is what
 * the test says it is.
 */
#ifndef TAPFEED_TESTS_UNIT_PEERSFEED_H
#define TAPFEED_TESTS_UNIT_PEERSFEED_H

#include "tests/unit/peerfeed.h"

#include <sys/un.h>

#include "injector/peers.h"

#define LEN 20

static struct {
	size_t written[256]; /* frames by their first byte */
	uint8_t order[100000];
	size_t count;
	int result; /* of each write; 0: all goes well */
} fake;

static inline void fake_write(struct writer *writer, size_t lane,
			      struct queue_entry *const *entries, size_t n,
			      int *results)
{
	(void)writer;
	assert_int_equal(lane, 0);
	assert_int_equal(n, 1);
	if (fake.result == 0) {
		assert_true(fake.count < sizeof(fake.order));
		fake.order[fake.count++] = entries[0]->data[0];
		fake.written[entries[0]->data[0]]++;
	}
	results[0] = fake.result ? fake.result : LEN;
}

static const struct writer_ops fake_ops = {
	.name = "fake",
	.batch_max = 1,
	.write = fake_write,
};

/* One capture: its end of the feed, and the number of its next packet. */
struct far {
	int fd;
	uint64_t sequence;
	uint8_t mark;	  /* the first byte of its frames */
	uint64_t time_ns; /* of its next packet */
	uint64_t step_ns; /* between two of its packets */
};

static struct arena arena;
static struct writer writer = { .ops = &fake_ops };
static struct counters_injector counters;
static struct deliver deliver;
static struct peers peers;
static struct options options;
static struct far fars[TAPFEED_PEERS_MAX + 4];
static size_t far_count;
static int connecting; /* address of the listening socket */
static struct sockaddr_un address;
static uint64_t now_ns;

static inline void begin(size_t queue_size, enum when_full when_full,
			 uint64_t pps)
{
	memset(&fake, 0, sizeof(fake));
	counters = (struct counters_injector){ 0 };
	options.queue_size = (uint32_t)queue_size;
	options.when_full = when_full;
	options.kind = TAPFEED_TAP;
	options.mtu = 1500;
	deliver = (struct deliver){
		.writer = &writer,
		.counters = &counters,
		.when_full = when_full,
		.interface = "tf0",
	};
	options.pps = pps;
	pace_init(&deliver.pace, &options);
	now_ns = clock_now_ns();
	far_count = 0;
	signal(SIGPIPE, SIG_IGN);
	log_init((enum log_level)0, NULL, false);
	assert_int_equal(arena_init(&arena), 0);
	assert_int_equal(
		peers_init(&peers, &options, &arena, &deliver, &counters), 0);
	peers.gate = PEERS_OPEN;
}

static inline int set_up(void **state)
{
	(void)state;
	begin(QUEUE_SIZE, WHEN_FULL_WAIT, 0);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	while (far_count > 0)
		fd_close(&fars[--far_count].fd);
	peers_done(&peers);
	assert_int_equal(arena.free, TAPFEED_SLOT_COUNT);
	assert_int_equal(arena.needy, 0);
	arena_done(&arena);
	log_init(LOG_LEVEL_INFO, NULL, false);
	return 0;
}

static inline void restart(size_t queue_size, enum when_full when_full,
			   uint64_t pps)
{
	tear_down(NULL);
	begin(queue_size, when_full, pps);
}

/* Abstract: nothing is left in the file system. */
static inline void start_listening(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t size = sizeof(address);

	address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	assert_int_equal(
		bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size),
			 0);
	connecting = (int)size;
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(peers_listen(&peers, fd), 0);
}

/* As the main loop does it: turns until there is nothing more to do at once. */
static inline void turns(void)
{
	struct pollfd fds[PEERS_POLL_MAX];
	bool again = true;

	for (int i = 0; i < 10000 && again; i++) {
		again = peers_turn(&peers, now_ns);
		if (poll(fds, peers_poll(&peers, now_ns, fds), 0) > 0)
			again = true;
		peers_polled(&peers, fds);
	}
	assert_false(again);
}

static inline struct far *new_far(int fd)
{
	struct far *far = &fars[far_count];

	assert_true(far_count < COUNT(fars));
	*far = (struct far){ .fd = fd, .mark = (uint8_t)(1 + far_count) };
	far_count++;
	return far;
}

static inline struct far *own(uint64_t uncounted)
{
	int ends[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	peers_own(&peers, ends[0], uncounted);
	return new_far(ends[1]);
}

static inline struct far *joined(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&address,
				 (socklen_t)connecting),
			 0);
	return new_far(fd);
}

static inline void tell(struct far *far, const struct wire *wire)
{
	assert_int_equal(fd_write(far->fd, wire->at, wire->len), wire->len);
}

static inline void hello(struct far *far, uint64_t sequence)
{
	struct wire wire = { .len = 0 };

	wire_hello_at(&wire, TAPFEED_FEED_VERSION, "test", sequence);
	tell(far, &wire);
	far->sequence = sequence;
	turns();
}

/* n packets, each with the capture's mark, without looking for an answer. */
static inline void batch(struct far *far, size_t n)
{
	Tapfeed__PacketBatch message = TAPFEED__PACKET_BATCH__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;
	static uint8_t payload[1024 * LEN];
	static struct wire wire;
	uint32_t lens[1024];
	uint64_t times[1024];

	wire.len = 0;
	assert_true(n <= COUNT(lens));
	memset(payload, far->mark, n * LEN);
	for (size_t i = 0; i < n; i++) {
		lens[i] = LEN;
		times[i] = far->time_ns;
		far->time_ns += far->step_ns;
	}
	message.sequence = far->sequence;
	message.n_captured_len = message.n_original_len = message.n_time_ns = n;
	message.captured_len = message.original_len = lens;
	message.time_ns = times;
	message.payload.data = payload;
	message.payload.len = n * LEN;
	frame.message_case = TAPFEED__FRAME__MESSAGE_BATCH;
	frame.batch = &message;
	wire_frame(&wire, &frame);
	tell(far, &wire);
	far->sequence += n;
}

static inline void end(struct far *far)
{
	struct wire wire = { .len = 0 };

	wire_end(&wire, far->sequence);
	tell(far, &wire);
}

/* Whether the injector has closed it; what it said before is thrown away. */
static inline bool is_closed(const struct far *far)
{
	uint8_t buf[1024];
	ssize_t n;

	do {
		n = fd_read(far->fd, buf, sizeof(buf));
	} while (n > 0);
	return n == 0 || n == -ECONNRESET;
}

static inline uint64_t sum(void)
{
	return counters.injected + counters.dropped_queue +
	       counters.dropped_interface_down + counters.dropped_stopped +
	       counters.dropped_restart + counters.errors;
}

#endif
