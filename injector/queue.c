/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of references. Its entries were checked before. */
#include <config.h>

#include "injector/queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int queue_init(struct queue *queue, size_t size)
{
	*queue = (struct queue){ .size = size };
	queue->entries = calloc(size, sizeof(*queue->entries));
	return queue->entries ? 0 : -ENOMEM;
}

void queue_done(struct queue *queue)
{
	while (queue->used > 0)
		queue_pop(queue);
	free(queue->entries);
	*queue = (struct queue){ 0 };
}

struct queue_entry *queue_at(const struct queue *queue, size_t i)
{
	size_t index = queue->head + i;

	return &queue->entries[index < queue->size ? index
						   : index - queue->size];
}

void queue_push(struct queue *queue, const struct queue_entry *entry)
{
	assert(queue->used < queue->size);
	*queue_at(queue, queue->used) = *entry;
	queue_at(queue, queue->used)->result = QUEUE_UNWRITTEN;
	queue->used++;
}

void queue_pop(struct queue *queue)
{
	static const bool done = true;

	queue_remove(queue, &done, 1);
}

void queue_remove(struct queue *queue, const bool *done, size_t n)
{
	size_t kept = n; /* entries before it are free */

	assert(n <= queue->used);
	for (size_t i = n; i-- > 0;) {
		if (done[i])
			arena_unref(queue_at(queue, i)->slot);
		else
			*queue_at(queue, --kept) = *queue_at(queue, i);
	}
	queue->head += kept;
	if (queue->head >= queue->size)
		queue->head -= queue->size;
	queue->used -= kept;
}
