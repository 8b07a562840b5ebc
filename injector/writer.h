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

struct writer;
struct io_uring;

struct writer_ops {
	const char *name;
	/* Frames in one submit() at most, 1 to WRITER_BATCH_MAX. */
	size_t batch_max;
	/*
	 * Takes over the interface's n queues, non-blocking, after
	 * writer_prepare(). 0; or a negative errno, and they stay the
	 * caller's.
	 */
	int (*init)(struct writer *writer, const int *queue_fds, size_t n,
		    const struct arena *arena);
	/*
	 * Starts writing at most n entries, which must stay until reaped.
	 * Returns how many it took: fewer where the interface takes no more for
	 * now.
	 */
	size_t (*submit)(struct writer *writer,
			 const struct queue_entry *entries, size_t n);
	/*
	 * Waits for the results of all entries taken by the last submit(), in
	 * their order: the frame's length, or -EIO (interface down: may be
	 * tried again), -EAGAIN (try again), -EBADFD (interface gone), another
	 * negative errno (this frame failed). A frame behind one that has to be
	 * tried again may have been written. Returns their number.
	 */
	size_t (*reap)(struct writer *writer, int results[WRITER_BATCH_MAX]);
	void (*done)(struct writer *writer);
};

struct writer {
	const struct writer_ops *ops;
	size_t queues;
	size_t taken; /* by submit(), not reaped */
	/* Of one implementation each. */
	int queue_fd[WRITER_QUEUES_MAX];
	int result;
	struct io_uring *ring;
	int ring_error; /* a negative errno: there is none, or of no use */
};

extern const struct writer_ops writer_plain;
extern const struct writer_ops writer_ring;

/* 0, or a negative errno, which it keeps too. */
int writer_ring_prepare(struct writer *writer);

/* Which writer is wanted. */
enum writer_choice {
	WRITER_AUTO, /* the ring, else plain with a line that says why */
	WRITER_RING, /* the ring, else an error */
	WRITER_PLAIN,
};

/*
 * Makes the ring, disabled, for writer_open(). Before root becomes another
 * user: its ring's memory is nobody's; a user's counts against the limit of
 * locked memory that all his feeds share.
 */
void writer_prepare(struct writer *writer, enum writer_choice choice);

/*
 * Inits the chosen one. successor: the ring of a killed process may still hold
 * its memory for a moment. 0, and the n queues are the writer's; or a negative
 * errno, said already, and they are the caller's.
 */
int writer_open(struct writer *writer, const int *queue_fds, size_t n,
		const struct arena *arena, enum writer_choice choice,
		bool successor);

/* The ring's descriptor; -1 for plain. */
int writer_ring_fd(const struct writer *writer);

#endif
