/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How frames reach the interface: one interface, two implementations, chosen
 * before the sandbox and never changed. (So far: plain. The ring comes with the
 * speed issue.)
 */
#ifndef TAPFEED_INJECTOR_WRITER_H
#define TAPFEED_INJECTOR_WRITER_H

#include <stddef.h>

#include "injector/arena.h"
#include "injector/queue.h"

#define WRITER_BATCH_MAX 64

struct writer;

struct writer_ops {
	const char *name;
	/* Frames in one submit() at most, 1 to WRITER_BATCH_MAX. */
	size_t batch_max;
	/*
	 * Takes over the queue fds. 0 or a negative errno, with the fds closed
	 * in both cases sooner or later.
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
	int queue_fd;
	int result;
	size_t result_count;
};

extern const struct writer_ops writer_plain;

#endif
