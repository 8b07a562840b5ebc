/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring writer: up to WRITER_BATCH_MAX frames a system call, straight from
 * the arena. Lengths were checked before.
 *
 * The ring is a capability. It is set up disabled, knows the interface's queues
 * and the arena, and is restricted to WRITE_FIXED on these files and this
 * buffer before it is enabled; then the queues' own descriptors are closed.
 * Whoever takes over this process can write frames, and nothing else by it.
 */
#include <config.h>

#include "injector/writer.h"

#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/fd.h"

/* No result of a write. */
#define PENDING INT_MIN

#define PAUSE_NS (10 * NS_PER_MS)

#define ARENA_BUFFER 0 /* its index among the registered buffers */

/* Two threads take turns with a ring: none is its single issuer. */
static int ring_setup(struct io_uring *ring)
{
	struct io_uring_params params = { .flags = IORING_SETUP_R_DISABLED };

	return io_uring_queue_init_params(WRITER_BATCH_MAX, ring, &params);
}

/* One operation, on registered files alone; and no register call ever again. */
static int ring_restrict(struct io_uring *ring)
{
	struct io_uring_restriction only[] = {
		{ .opcode = IORING_RESTRICTION_SQE_OP,
		  .sqe_op = IORING_OP_WRITE_FIXED },
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED,
		  .sqe_flags = IOSQE_FIXED_FILE },
	};
	const unsigned int fd = (unsigned int)ring->ring_fd;
	int r = io_uring_register(fd, IORING_REGISTER_RESTRICTIONS, only,
				  sizeof(only) / sizeof(only[0]));

	if (r == 0)
		r = io_uring_register(fd, IORING_REGISTER_ENABLE_RINGS, NULL,
				      0);
	return r;
}

static int ring_register(struct io_uring *ring, const int *queue_fds, size_t n,
			 const struct arena *arena)
{
	const struct iovec buffer = {
		.iov_base = arena->memory,
		.iov_len = (size_t)TAPFEED_SLOT_BYTES * TAPFEED_SLOT_COUNT,
	};
	int r = io_uring_register_files(ring, queue_fds, (unsigned int)n);

	if (r == 0)
		r = io_uring_register_buffers(ring, &buffer, 1);
	return r == 0 ? ring_restrict(ring) : r;
}

int writer_ring_prepare(struct writer *writer, size_t lane)
{
	struct io_uring *ring = calloc(1, sizeof(*ring));
	int r = ring ? ring_setup(ring) : -ENOMEM;

	if (r < 0)
		free(ring);
	else
		writer->ring[lane] = ring;
	writer->ring_error[lane] = r;
	return r;
}

static void lane_done(struct writer *writer, size_t lane)
{
	struct io_uring *ring = writer->ring[lane];

	if (!ring)
		return;
	io_uring_queue_exit(ring);
	free(ring);
	writer->ring[lane] = NULL;
}

static void ring_done(struct writer *writer)
{
	for (size_t i = 0; i < WRITER_LANES_MAX; i++)
		lane_done(writer, i);
}

static int lane_init(struct writer *writer, size_t lane, const int *queue_fds,
		     size_t n, const struct arena *arena)
{
	int r = writer->ring_error[lane];

	/* Whoever tries again has had the last one taken down, or none yet. */
	if (!writer->ring[lane] && (r == 0 || r == -ENOMEM))
		r = writer_ring_prepare(writer, lane);
	if (r == 0)
		r = ring_register(writer->ring[lane], queue_fds, n, arena);
	if (r < 0)
		lane_done(writer, lane);
	writer->ring_error[lane] = r;
	return r;
}

/* The memory of a killed process's rings comes back late. */
static int lane_init_patiently(struct writer *writer, size_t lane,
			       const int *queue_fds, size_t n,
			       const struct arena *arena)
{
	int r;

	while ((r = lane_init(writer, lane, queue_fds, n, arena)) == -ENOMEM &&
	       clock_now_ns() < writer->patient_ns)
		(void)fd_poll(NULL, 0, clock_now_ns() + PAUSE_NS);
	return r;
}

static int ring_init(struct writer *writer, const int *queue_fds, size_t n,
		     const struct arena *arena)
{
	size_t lanes = 0;
	int r = 0;

	assert(n > 0 && n <= WRITER_QUEUES_MAX);
	while (lanes < writer->lanes && r == 0) {
		r = lane_init_patiently(writer, lanes, queue_fds, n, arena);
		lanes += r == 0;
	}
	if (lanes == 0)
		return r;
	for (size_t i = lanes; i < writer->lanes; i++)
		lane_done(writer, i);
	for (size_t i = 0; i < n; i++)
		(void)close(queue_fds[i]);
	writer->ops = &writer_ring;
	writer->queues = n;
	writer->lanes = lanes;
	return 0;
}

static void prepare(struct writer *writer, size_t lane,
		    struct queue_entry *const *entries, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct queue_entry *entry = entries[i];
		struct io_uring_sqe *sqe = io_uring_get_sqe(writer->ring[lane]);

		assert(sqe && entry->queue < writer->queues);
		io_uring_prep_write_fixed(sqe, entry->queue, entry->data,
					  entry->len, 0, ARENA_BUFFER);
		sqe->flags |= IOSQE_FIXED_FILE;
		sqe->user_data = i;
	}
}

/* Puts the results that are there to their places; how many those were. */
static size_t collect(struct io_uring *ring, int *results, size_t count)
{
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;

	io_uring_for_each_cqe(ring, head, cqe)
	{
		if (cqe->user_data < count)
			results[cqe->user_data] = cqe->res;
		n++;
	}
	io_uring_cq_advance(ring, n);
	return n;
}

/*
 * One call writes them all: a queue does not block, its buffer has no bound
 * that matters. (Full, it would be waited for: io_uring polls what says
 * EAGAIN.) The call may be cut short by SIGSTOP or for want of memory; another
 * one goes on.
 */
static void ring_write(struct writer *writer, size_t lane,
		       struct queue_entry *const *entries, size_t n,
		       int *results)
{
	struct io_uring *ring = writer->ring[lane];
	int *error = &writer->ring_error[lane];
	size_t done = 0;

	assert(n <= WRITER_BATCH_MAX);
	for (size_t i = 0; i < n; i++)
		results[i] = PENDING;
	if (*error == 0)
		prepare(writer, lane, entries, n);
	while (done < n && *error == 0) {
		int r = io_uring_submit_and_wait(ring,
						 (unsigned int)(n - done));

		done += collect(ring, results, n);
		if (r >= 0 || r == -EINTR || r == -EAGAIN || r == -EBUSY)
			continue;
		*error = r; /* the main thread says so, frame by frame */
	}
	for (size_t i = 0; done < n && i < n; i++)
		if (results[i] == PENDING)
			results[i] = *error;
}

const struct writer_ops writer_ring = {
	.name = "ring",
	.batch_max = WRITER_BATCH_MAX,
	.init = ring_init,
	.write = ring_write,
	.done = ring_done,
};

size_t writer_ring_fds(const struct writer *writer, int fds[WRITER_LANES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < WRITER_LANES_MAX; i++)
		if (writer->ring[i])
			fds[n++] = writer->ring[i]->ring_fd;
	return n;
}
