/* SPDX-License-Identifier: Apache-2.0 */
/* The plain writer: write(2), a frame a call. Lengths were checked before. */
#include <config.h>

#include "injector/writer.h"

#include <assert.h>
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

static size_t plain_submit(struct writer *writer,
			   const struct queue_entry *entries, size_t n)
{
	assert(writer->taken == 0 && n == 1 && entries->queue < writer->queues);
	writer->result = (int)fd_write(writer->queue_fd[entries->queue],
				       entries->data, entries->len);
	writer->taken = 1;
	return 1;
}

static size_t plain_reap(struct writer *writer, int results[WRITER_BATCH_MAX])
{
	size_t n = writer->taken;

	results[0] = writer->result;
	writer->taken = 0;
	return n;
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
	.submit = plain_submit,
	.reap = plain_reap,
	.done = plain_done,
};
