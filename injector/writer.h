/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How frames reach the interface: one interface, two implementations, chosen
 * before the sandbox and never changed. The ring is what makes tapfeed fast and
 * leaves no descriptor that an ioctl could be aimed at; plain is for kernels
 * and hosts that refuse it.
 */
#ifndef TAPFEED_INJECTOR_WRITER_H
#define TAPFEED_INJECTOR_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include "injector/arena.h"
#include "injector/queue.h"

#define WRITER_BATCH_MAX  64
#define WRITER_QUEUES_MAX 8
#define WRITER_LANES_MAX  WRITER_QUEUES_MAX

struct writer;
struct io_uring;

struct writer_ops {
	const char *name;
	/* Frames that the main thread writes at a time, 1 to
	 * WRITER_BATCH_MAX. */
	size_t batch_max;
	/*
	 * Takes over the interface's n queues, non-blocking, after
	 * writer_prepare(). 0; or a negative errno, and they stay the
	 * caller's.
	 */
	int (*init)(struct writer *writer, const int *queue_fds, size_t n,
		    const struct arena *arena);
	/*
	 * Writes n entries, 1 to WRITER_BATCH_MAX (by the main thread alone no
	 * more than batch_max), and waits for their results, in their order:
	 * the frame's length, or -EIO (interface down: may be tried again),
	 * -EAGAIN (try again), -EBADFD (interface gone), another negative errno
	 * (this frame failed). A frame behind one that has to be tried again
	 * may have been written. Each lane serves one thread at a time.
	 */
	void (*write)(struct writer *writer, size_t lane,
		      struct queue_entry *const *entries, size_t n,
		      int *results);
	void (*done)(struct writer *writer);
};

struct writer {
	const struct writer_ops *ops;
	size_t queues;
	size_t lanes; /* threads that may write at a time, 1 or more */
	/* Of one implementation each. */
	int queue_fd[WRITER_QUEUES_MAX];
	uint64_t patient_ns; /* until then, locked memory may come back */
	struct io_uring *ring[WRITER_LANES_MAX];
	/* A negative errno: there is none, or of no use. */
	int ring_error[WRITER_LANES_MAX];
};

extern const struct writer_ops writer_plain;
extern const struct writer_ops writer_ring;

/* A lane's ring. 0, or a negative errno, which it keeps too. */
int writer_ring_prepare(struct writer *writer, size_t lane);

/* Which writer is wanted. */
enum writer_choice {
	WRITER_AUTO, /* the ring, else plain with a line that says why */
	WRITER_RING, /* the ring, else an error */
	WRITER_PLAIN,
};

/*
 * Makes the rings, one a lane (1 to WRITER_LANES_MAX), disabled, for
 * writer_open(). Before root becomes another user: his rings' memory is
 * nobody's; a user's counts against the limit of locked memory that all his
 * feeds share.
 */
void writer_prepare(struct writer *writer, enum writer_choice choice,
		    size_t lanes);

/*
 * Inits the chosen one. successor: the ring of a killed process may still hold
 * its memory for a moment. 0, and the n queues are the writer's; or a negative
 * errno, said already, and they are the caller's. There may be fewer
 * lanes than were wanted.
 */
int writer_open(struct writer *writer, const int *queue_fds, size_t n,
		const struct arena *arena, enum writer_choice choice,
		bool successor);

/* Writes the rings' descriptors, of all lanes; returns their number, 0 for
 * plain. */
size_t writer_ring_fds(const struct writer *writer, int fds[WRITER_LANES_MAX]);

#endif
