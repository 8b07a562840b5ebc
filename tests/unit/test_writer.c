/* SPDX-License-Identifier: Apache-2.0 */
/* injector/writer*.c: both writers, on sockets that keep frames apart, as a tap
 * does. */
#include <config.h>

#include "tests/unit/unit.h"

#include <liburing.h>
#include <sys/capability.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "common/fd.h"
#include "common/log.h"
#include "common/sandbox.h"
#include "injector/writer.h"

#define QUEUES 3

static struct arena arena;
static struct writer writer;
static int queue[QUEUES], reader[QUEUES];
static bool no_ring; /* this host forbids it */

static int set_up(void **state)
{
	(void)state;
	log_init((enum log_level)0, NULL, false);
	writer = (struct writer){ .lanes = 1 };
	for (int i = 0; i < QUEUES; i++) {
		int ends[2];

		if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends) <
		    0)
			return -1;
		queue[i] = ends[0];
		reader[i] = ends[1];
	}
	return arena_init(&arena);
}

static int tear_down(void **state)
{
	(void)state;
	if (writer.ops)
		writer.ops->done(&writer);
	for (int i = 0; i < QUEUES; i++) {
		close(reader[i]);
		(void)close(queue[i]);
	}
	arena_done(&arena);
	return 0;
}

/* A frame of the arena whose bytes say its number. */
static struct queue_entry frame_of(size_t i, uint16_t to)
{
	uint8_t *data = arena.memory + i * 64;

	memset(data, (int)i, 64);
	return (struct queue_entry){ .data = data,
				     .len = (uint32_t)(14 + i % 50),
				     .queue = to };
}

/* Whether the next datagram of a queue is that frame. */
static void check_got(uint16_t from, size_t i)
{
	const struct queue_entry entry = frame_of(i, from);
	uint8_t got[128];

	assert_int_equal(read(reader[from], got, sizeof(got)), entry.len);
	assert_memory_equal(got, entry.data, entry.len);
}

static void check_empty(void)
{
	char got[8];

	for (int i = 0; i < QUEUES; i++)
		assert_int_equal(read(reader[i], got, sizeof(got)), -1);
}

static void open_writer(const struct writer_ops *ops, size_t n)
{
	if (ops == &writer_ring && no_ring)
		skip();
	assert_int_equal(ops->init(&writer, queue, n, &arena), 0);
	assert_ptr_equal(writer.ops, ops);
	assert_in_range(ops->batch_max, 1, WRITER_BATCH_MAX);
}

static void write_all(struct queue_entry *entries, size_t n, int *results)
{
	struct queue_entry *list[WRITER_BATCH_MAX];

	for (size_t i = 0; i < n; i++)
		list[i] = &entries[i];
	writer.ops->write(&writer, 0, list, n, results);
}

/* The results are in the frames' order, and so are the frames. */
static void check_batch(size_t n)
{
	struct queue_entry entries[WRITER_BATCH_MAX];
	int results[WRITER_BATCH_MAX];

	for (size_t i = 0; i < n; i++)
		entries[i] = frame_of(i, 0);
	write_all(entries, n, results);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(results[i], entries[i].len);
		check_got(0, i);
	}
	check_empty();
}

static void test_plain(void **state)
{
	(void)state;
	open_writer(&writer_plain, 1);
	for (int i = 0; i < 10; i++)
		check_batch(1);
}

/* A socket keeps a few frames only: see max_dgram_qlen. */
static void test_ring(void **state)
{
	(void)state;
	open_writer(&writer_ring, 1);
	for (int round = 0; round < 200; round++)
		check_batch(1 + (size_t)round % 10);
}

static void check_queues(const struct writer_ops *ops)
{
	struct queue_entry entries[QUEUES];
	int results[WRITER_BATCH_MAX];

	open_writer(ops, QUEUES);
	for (uint16_t i = 0; i < QUEUES; i++)
		entries[i] = frame_of(i, (uint16_t)(QUEUES - 1 - i));
	for (size_t i = 0; i < QUEUES; i += ops->batch_max)
		write_all(entries + i, ops->batch_max < QUEUES ? 1 : QUEUES,
			  results);
	for (uint16_t i = 0; i < QUEUES; i++)
		check_got((uint16_t)(QUEUES - 1 - i), i);
	check_empty();
}

static void test_plain_queues(void **state)
{
	(void)state;
	check_queues(&writer_plain);
}

static void test_ring_queues(void **state)
{
	(void)state;
	check_queues(&writer_ring);
}

/* Each frame has its own result, also behind one that cannot be written. */
static void check_failed(const struct writer_ops *ops)
{
	struct queue_entry entries[] = { frame_of(0, 0), frame_of(1, 0),
					 frame_of(2, 0) };
	size_t at_once = ops->batch_max < COUNT(entries) ? 1 : COUNT(entries);
	int results[COUNT(entries) + WRITER_BATCH_MAX];

	open_writer(ops, 1);
	entries[1].len = 4 * TAPFEED_SLOT_BYTES; /* more than a socket takes */
	for (size_t i = 0; i < COUNT(entries); i += at_once)
		write_all(entries + i, at_once, results + i);
	assert_int_equal(results[0], entries[0].len);
	assert_int_equal(results[1], -EMSGSIZE);
	assert_int_equal(results[2], entries[2].len);
	check_got(0, 0);
	check_got(0, 2);
	check_empty();
}

static void test_plain_failed(void **state)
{
	(void)state;
	check_failed(&writer_plain);
}

static void test_ring_failed(void **state)
{
	(void)state;
	check_failed(&writer_ring);
}

/* What has to be tried again is not overtaken, by another queue's neither. */
static void test_plain_stops(void **state)
{
	struct queue_entry entries[] = { frame_of(0, 0), frame_of(1, 1),
					 frame_of(2, 0) };
	struct queue_entry *one = &entries[0];
	int results[COUNT(entries)];

	(void)state;
	open_writer(&writer_plain, 2);
	do { /* until the socket is full */
		writer.ops->write(&writer, 0, &one, 1, results);
	} while (results[0] == (int)one->len);
	assert_int_equal(results[0], -EAGAIN);
	write_all(entries, COUNT(entries), results);
	for (size_t i = 0; i < COUNT(entries); i++)
		assert_int_equal(results[i], -EAGAIN);
	assert_int_equal(read(reader[1], results, sizeof(results)), -1);
}

static void test_plain_gone(void **state)
{
	(void)state;
	open_writer(&writer_plain, 1);
	writer.ops->done(&writer);
	assert_int_equal(fcntl(queue[0], F_GETFD), -1);
	writer.ops = NULL;
}

/* The ring alone has the queues. */
static void test_ring_keeps_no_descriptor(void **state)
{
	int rings[WRITER_LANES_MAX];

	(void)state;
	open_writer(&writer_ring, QUEUES);
	for (int i = 0; i < QUEUES; i++)
		assert_int_equal(fcntl(queue[i], F_GETFD), -1);
	assert_int_equal(writer_ring_fds(&writer, rings), 1);
	assert_int_equal(fcntl(rings[0], F_GETFD), FD_CLOEXEC);
}

static struct io_uring_sqe *new_sqe(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(writer.ring[0]);

	if (!sqe)
		abort();
	return sqe;
}

static int answer(void)
{
	struct io_uring_cqe *cqe;
	int r;

	assert_int_equal(io_uring_submit_and_wait(writer.ring[0], 1), 1);
	assert_int_equal(io_uring_peek_cqe(writer.ring[0], &cqe), 0);
	r = cqe->res;
	io_uring_cqe_seen(writer.ring[0], cqe);
	return r;
}

static void test_ring_is_restricted(void **state)
{
	struct io_uring_sqe *sqe;

	(void)state;
	open_writer(&writer_ring, 1);
	sqe = new_sqe();
	io_uring_prep_nop(sqe);
	assert_int_equal(answer(), -EACCES);
	sqe = new_sqe();
	io_uring_prep_read(sqe, 0, arena.memory, 1, 0);
	sqe->flags |= IOSQE_FIXED_FILE;
	assert_int_equal(answer(), -EACCES);
	sqe = new_sqe();
	io_uring_prep_write_fixed(sqe, reader[1], arena.memory, 1, 0, 0);
	assert_int_equal(answer(), -EACCES);
	/* The scratch slot is not of the buffer. */
	sqe = new_sqe();
	io_uring_prep_write_fixed(sqe, 0, arena.scratch.base, 1, 0, 0);
	sqe->flags |= IOSQE_FIXED_FILE;
	assert_int_equal(answer(), -EFAULT);
	assert_int_equal(io_uring_unregister_buffers(writer.ring[0]), -EACCES);
	assert_int_equal(io_uring_unregister_files(writer.ring[0]), -EACCES);
	check_empty();
}

/* One that fails for good fails each frame, and does not hang. */
static void test_ring_broken(void **state)
{
	struct queue_entry entries[2] = { frame_of(0, 0), frame_of(1, 0) };
	int results[WRITER_BATCH_MAX];

	(void)state;
	open_writer(&writer_ring, 1);
	close(writer.ring[0]->ring_fd);
	for (int i = 0; i < 3; i++) {
		write_all(entries, 2, results);
		assert_int_equal(results[0], -EBADF);
		assert_int_equal(results[1], -EBADF);
	}
	writer.ring[0]->ring_fd = open("/dev/null", O_RDONLY); /* for done */
}

/* As root without its limits, this would prove nothing. */
static int forbid_memory(void)
{
	const struct rlimit none = { 0, 0 };

	if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
		return -1;
	return setrlimit(RLIMIT_MEMLOCK, &none);
}

static int without_ring(void)
{
	struct queue_entry entry = frame_of(0, 0);
	int results[WRITER_BATCH_MAX];

	EXPECT(forbid_memory() == 0);
	EXPECT(writer_open(&writer, queue, QUEUES, &arena, WRITER_RING, false) <
	       0);
	for (int i = 0; i < QUEUES; i++) /* still ours */
		EXPECT(fcntl(queue[i], F_GETFD) >= 0);
	EXPECT(writer_open(&writer, queue, QUEUES, &arena, WRITER_AUTO,
			   false) == 0);
	EXPECT(writer.ops == &writer_plain && !writer.ring[0]);
	write_all(&entry, 1, results);
	EXPECT(results[0] == (int)entry.len);
	return 0;
}

static void test_without_ring(void **state)
{
	(void)state;
	run_in_child(without_ring);
}

static void test_with_ring(void **state)
{
	(void)state;
	if (no_ring)
		skip();
	writer_prepare(&writer, WRITER_RING, 1);
	assert_int_equal(
		writer_open(&writer, queue, 1, &arena, WRITER_RING, false), 0);
	assert_ptr_equal(writer.ops, &writer_ring);
}

static void test_no_ring(void **state)
{
	(void)state;
	writer_prepare(&writer, WRITER_PLAIN, 1);
	assert_null(writer.ring[0]);
	assert_int_equal(
		writer_open(&writer, queue, 1, &arena, WRITER_PLAIN, false), 0);
	assert_ptr_equal(writer.ops, &writer_plain);
}

/* Root's ring is not on the account of the user that he becomes. */
static int ring_of_root(void)
{
	writer_prepare(&writer, WRITER_RING, 1);
	EXPECT(forbid_memory() == 0);
	EXPECT(writer_open(&writer, queue, QUEUES, &arena, WRITER_RING,
			   false) == 0);
	return 0;
}

static void test_ring_of_root(void **state)
{
	(void)state;
	if (no_ring || !sandbox_holds(CAP_IPC_LOCK))
		skip();
	run_in_child(ring_of_root);
}

/* Each by its own ring, all to the same queues. */
static void test_ring_lanes(void **state)
{
	struct queue_entry entries[QUEUES];
	int rings[WRITER_LANES_MAX];

	(void)state;
	if (no_ring)
		skip();
	writer_prepare(&writer, WRITER_RING, QUEUES);
	assert_int_equal(writer_open(&writer, queue, QUEUES, &arena,
				     WRITER_RING, false),
			 0);
	if (writer.lanes < QUEUES) /* locked memory */
		skip();
	assert_int_equal(writer_ring_fds(&writer, rings), QUEUES);
	for (uint16_t i = 0; i < QUEUES; i++) {
		struct queue_entry *list = &entries[i];
		int result;

		entries[i] = frame_of(i, (uint16_t)(QUEUES - 1 - i));
		writer.ops->write(&writer, i, &list, 1, &result);
		assert_int_equal(result, list->len);
		check_got(list->queue, i);
	}
	check_empty();
}

/* Locked memory for one ring and not for more: one thread writes, then. */
static int few_lanes(void)
{
	const struct rlimit some = { 6 << 20, 6 << 20 };
	/* Of a user who has nothing else: the limit is for all that is his. */
	const uid_t uid = 100000 + (uid_t)getpid();

	if (setresuid(uid, uid, uid) < 0)
		return 0; /* in a user namespace there is none */
	EXPECT(setrlimit(RLIMIT_MEMLOCK, &some) == 0);
	writer_prepare(&writer, WRITER_RING, QUEUES);
	EXPECT(writer_open(&writer, queue, QUEUES, &arena, WRITER_RING,
			   false) == 0);
	EXPECT(writer.lanes == 1);
	EXPECT(writer.ring[0] && !writer.ring[1] && !writer.ring[2]);
	return 0;
}

static void test_few_lanes(void **state)
{
	(void)state;
	if (no_ring || geteuid() != 0)
		skip();
	run_in_child(few_lanes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_plain),
		TEST(test_ring),
		TEST(test_plain_queues),
		TEST(test_ring_queues),
		TEST(test_plain_failed),
		TEST(test_ring_failed),
		TEST(test_plain_stops),
		TEST(test_plain_gone),
		TEST(test_ring_keeps_no_descriptor),
		TEST(test_ring_is_restricted),
		TEST(test_ring_broken),
		TEST(test_without_ring),
		TEST(test_with_ring),
		TEST(test_ring_of_root),
		TEST(test_no_ring),
		TEST(test_ring_lanes),
		TEST(test_few_lanes),
	};
	struct io_uring_params params = { 0 };
	int fd = io_uring_setup(1, &params);

	no_ring = fd < 0;
	if (fd >= 0)
		close(fd);
	return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
