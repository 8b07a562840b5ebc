/* SPDX-License-Identifier: Apache-2.0 */
/* Which writer it is. Before the sandbox: nothing hostile was read so far. */
#include <config.h>

#include "injector/writer.h"

#include <errno.h>

#include "common/clock.h"
#include "common/log.h"

/* The kernel gives back what a killed process's ring held so late. */
#define RELEASE_NS (200 * NS_PER_MS)

/* What to do about it, by what the kernel said. */
static const char *ring_advice(int error)
{
	switch (error) {
	case EPERM:
	case EACCES:
		return "the host forbids io_uring (sysctl "
		       "kernel.io_uring_disabled, or a container's filter)";
	case ENOMEM:
		return "the user's limit of locked memory is reached: raise "
		       "it (ulimit -l, LimitMEMLOCK=)";
	case ENOSYS:
	case EINVAL:
		return "this kernel lacks what it takes (Linux 5.10 or newer "
		       "with io_uring)";
	default:
		return "it could not be set up";
	}
}

/* The first lane that there is not has the reason. */
static void say_fewer(const struct writer *writer, size_t wanted)
{
	int error = -writer->ring_error[writer->lanes];

	log_info("%zu of %zu threads write: no ring for another, %s (%s)",
		 writer->lanes, wanted, ring_advice(error), log_errno(error));
}

void writer_prepare(struct writer *writer, enum writer_choice choice,
		    size_t lanes)
{
	*writer = (struct writer){ .lanes = lanes };
	if (choice == WRITER_PLAIN)
		return;
	for (size_t i = 0; i < lanes; i++)
		(void)writer_ring_prepare(writer,
					  i); /* writer_open() says so */
}

int writer_open(struct writer *writer, const int *queue_fds, size_t n,
		const struct arena *arena, enum writer_choice choice,
		bool successor)
{
	const size_t lanes = writer->lanes;
	int r = 0;

	if (choice != WRITER_PLAIN) {
		writer->patient_ns =
			clock_now_ns() + (successor ? RELEASE_NS : 0);
		r = writer_ring.init(writer, queue_fds, n, arena);
		if (r == 0 && writer->lanes < lanes)
			say_fewer(writer, lanes);
		if (r == 0)
			return 0;
	}
	if (choice == WRITER_RING) {
		log_error("--require-ring: no ring: %s (%s)", ring_advice(-r),
			  log_errno(-r));
		return r;
	}
	if (choice == WRITER_AUTO)
		log_info("packets are written one by one: no ring, %s (%s)",
			 ring_advice(-r), log_errno(-r));
	r = writer_plain.init(writer, queue_fds, n, arena);
	if (r < 0)
		log_error("the writer: %s", log_errno(-r));
	return r;
}
