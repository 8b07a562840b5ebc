/* SPDX-License-Identifier: Apache-2.0 */
/* The plain writer: write(2), a frame a call. Lengths were checked before. */
#include <config.h>

#include "injector/writer.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/fd.h"

static int plain_init(struct writer *writer, const int *queue_fds, size_t n,
		      const struct arena *arena)
{
	(void)arena;
	assert(n > 0 && n <= WRITER_QUEUES_MAX);
	writer->ops = &writer_plain;
	writer->queues = n;
	memcpy(writer->queue_fd, queue_fds, n * sizeof(*queue_fds));
	return 0;
}

static void plain_write(struct writer *writer, size_t lane,
			struct queue_entry *const *entries, size_t n,
			int *results)
{
	(void)lane;
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		const struct queue_entry *entry = entries[i];

		assert(entry->queue < writer->queues);
		if (r == -EIO || r == -EAGAIN) /* nothing goes past it */
			r = -EAGAIN;
		else
			r = (int)fd_write(writer->queue_fd[entry->queue],
					  entry->data, entry->len);
		results[i] = r;
	}
}

static void plain_done(struct writer *writer)
{
	for (size_t i = 0; i < writer->queues; i++)
		fd_close(&writer->queue_fd[i]);
}

const struct writer_ops writer_plain = {
	.name = "plain",
	/* Each frame is counted before the next: exact also after kill -9. */
	.batch_max = 1,
	.init = plain_init,
	.write = plain_write,
	.done = plain_done,
};
