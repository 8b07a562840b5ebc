/* SPDX-License-Identifier: Apache-2.0 */
/* Any kind of source by its row of functions. Input: none of its own. */
#include <config.h>

#include "capture/source.h"

#include <errno.h>

int source_next(struct source *source, struct packet *ret_packet)
{
	return source->ops->next(source, ret_packet);
}

int source_fd(const struct source *source)
{
	return source->fd;
}

bool source_ready(const struct source *source)
{
	return source->ops->ready(source);
}

void source_explain(const struct source *source, int error, char *buf,
		    size_t size)
{
	source->ops->explain(source, error, buf, size);
}

int source_rewind(struct source *source)
{
	return source->ops->rewind ? source->ops->rewind(source) : -ESPIPE;
}

uint64_t source_bytes(const struct source *source)
{
	return source->ops->bytes ? source->ops->bytes(source) : 0;
}

void source_free(struct source *source)
{
	if (source)
		source->ops->free(source);
}
