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

#include "common/fd.h"
#include "common/log.h"

/* No result of a write. */
#define PENDING INT_MIN

#define ARENA_BUFFER 0 /* its index among the registered buffers */

/* Newer kernels run completions where we wait, not in between. */
#define FLAGS_NEW                                                              \
	(IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER |                \
	 IORING_SETUP_DEFER_TASKRUN)
#define FLAGS_OLD IORING_SETUP_R_DISABLED

static int ring_setup(struct io_uring *ring)
{
	struct io_uring_params params = { .flags = FLAGS_NEW };
	int r = io_uring_queue_init_params(WRITER_BATCH_MAX, ring, &params);

	if (r != -EINVAL)
		return r;
	params = (struct io_uring_params){ .flags = FLAGS_OLD };
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

int writer_ring_prepare(struct writer *writer)
{
	struct io_uring *ring = calloc(1, sizeof(*ring));
	int r = ring ? ring_setup(ring) : -ENOMEM;

	if (r < 0)
		free(ring);
	else
		writer->ring = ring;
	writer->ring_error = r;
	return r;
}

static void ring_done(struct writer *writer)
{
	if (!writer->ring)
		return;
	io_uring_queue_exit(writer->ring);
	free(writer->ring);
	writer->ring = NULL;
}

static int ring_init(struct writer *writer, const int *queue_fds, size_t n,
		     const struct arena *arena)
{
	int r = writer->ring_error;

	assert(n > 0 && n <= WRITER_QUEUES_MAX);
	/* Whoever tries again has had the last one taken down, or none yet. */
	if (!writer->ring && (r == 0 || r == -ENOMEM))
		r = writer_ring_prepare(writer);
	if (r == 0)
		r = ring_register(writer->ring, queue_fds, n, arena);
	if (r < 0) {
		ring_done(writer);
		return r;
	}
	for (size_t i = 0; i < n; i++)
		(void)close(queue_fds[i]);
	writer->ops = &writer_ring;
	writer->queues = n;
	return 0;
}

static size_t ring_submit(struct writer *writer,
			  const struct queue_entry *entries, size_t n)
{
	assert(writer->taken == 0 && n <= WRITER_BATCH_MAX);
	writer->taken = n;
	if (writer->ring_error)
		return n;
	for (size_t i = 0; i < n; i++) {
		const struct queue_entry *entry = &entries[i];
		struct io_uring_sqe *sqe = io_uring_get_sqe(writer->ring);

		assert(sqe && entry->queue < writer->queues);
		io_uring_prep_write_fixed(sqe, entry->queue, entry->data,
					  entry->len, 0, ARENA_BUFFER);
		sqe->flags |= IOSQE_FIXED_FILE;
		sqe->user_data = i;
	}
	return n;
}

/* Puts the results that are there to their places; how many those were. */
static size_t collect(struct writer *writer, int results[WRITER_BATCH_MAX])
{
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;

	io_uring_for_each_cqe(writer->ring, head, cqe)
	{
		if (cqe->user_data < writer->taken)
			results[cqe->user_data] = cqe->res;
		n++;
	}
	io_uring_cq_advance(writer->ring, n);
	return n;
}

/*
 * One call writes them all: a queue does not block, its buffer has no bound
 * that matters. (Full, it would be waited for: io_uring polls what says
 * EAGAIN.) The call may be cut short by SIGSTOP or for want of memory; another
 * one goes on.
 */
static size_t ring_reap(struct writer *writer, int results[WRITER_BATCH_MAX])
{
	const size_t n = writer->taken;
	size_t done = 0;

	for (size_t i = 0; i < n; i++)
		results[i] = PENDING;
	while (done < n && !writer->ring_error) {
		int r = io_uring_submit_and_wait(writer->ring,
						 (unsigned int)(n - done));

		done += collect(writer, results);
		if (r >= 0 || r == -EINTR || r == -EAGAIN || r == -EBUSY)
			continue;
		log_error("the ring: %s", log_errno(-r));
		writer->ring_error = r;
	}
	for (size_t i = 0; done < n && i < n; i++)
		if (results[i] == PENDING)
			results[i] = writer->ring_error;
	writer->taken = 0;
	return n;
}

const struct writer_ops writer_ring = {
	.name = "ring",
	.batch_max = WRITER_BATCH_MAX,
	.init = ring_init,
	.submit = ring_submit,
	.reap = ring_reap,
	.done = ring_done,
};

int writer_ring_fd(const struct writer *writer)
{
	return writer->ring ? writer->ring->ring_fd : -1;
}
