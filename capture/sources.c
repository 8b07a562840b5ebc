/* SPDX-License-Identifier: Apache-2.0 */
/* The sources of one capture. What they hold is hostile. */
#include <config.h>

#include "capture/sources.h"

#include <errno.h>
#include <string.h>

#include "capture/source_file.h"
#include "capture/source_live.h"
#include "common/clock.h"
#include "common/escape.h"
#include "common/listen.h"
#include "common/log.h"

/* Interfaces are put in order within so much time. */
#define MERGE_WINDOW_NS (10 * NS_PER_MS)

/* On stop, rings are read for so long. */
#define STOP_NS NS_PER_S

/* again: some of them may be gone since a former capture had them. */
static int open_live(struct sources *sources, const struct options *options,
		     bool again)
{
	const size_t n = options->source_count;
	size_t opened = 0;
	char error[512];

	for (size_t i = 0; i < n; i++) {
		int r = source_live_open(options->sources[i], options, n > 1,
					 &sources->list[opened], error,
					 sizeof(error));

		if (r == 0) {
			memmove(sources->names[opened++], sources->names[i],
				sizeof(sources->names[i]));
		} else if (again && opened + n - 1 - i > 0) {
			log_warning("%s; it is left out", error);
		} else {
			log_error("%s", error);
			return r;
		}
	}
	sources->count = opened;
	return 0;
}

static int take_files(struct sources *sources)
{
	for (size_t i = 0; i < sources->count; i++) {
		int fd = listen_take("source");
		int r;

		if (fd < 0) {
			log_error("no descriptor named \"source\" was handed "
				  "over for %s; start me through tapfeed",
				  sources->names[i]);
			return TAPFEED_EXIT_USAGE;
		}
		r = source_file_new(fd, &sources->list[i]);
		if (r < 0) {
			log_error("preparing to read %s: %s", sources->names[i],
				  log_errno(-r));
			return TAPFEED_EXIT_LOSS;
		}
	}
	return 0;
}

int sources_open(struct sources *sources, const struct options *options,
		 bool again)
{
	int r;

	sources->live = options->live;
	sources->count = options->source_count;
	for (size_t i = 0; i < sources->count; i++)
		escape_text(sources->names[i], sizeof(sources->names[i]),
			    options->sources[i], strlen(options->sources[i]));
	if (sources->count == 0) {
		log_error("no source was named; start me through tapfeed");
		return TAPFEED_EXIT_USAGE;
	}
	r = sources->live ? open_live(sources, options, again)
			  : take_files(sources);
	if (r != 0)
		return r;
	r = merge_new(sources->list, sources->count,
		      sources->live ? MERGE_WINDOW_NS : 0, &sources->merge);
	if (r < 0)
		log_error("merging the sources: %s", log_errno(-r));
	return r < 0 ? TAPFEED_EXIT_LOSS : 0;
}

int sources_set_filter(struct sources *sources, const char *expression)
{
	char error[256], shown[200];

	for (size_t i = 0; i < sources->count; i++) {
		int r = source_live_filter(sources->list[i], expression, error,
					   sizeof(error));

		if (r == 0)
			continue;
		if (r == -EINVAL && expression) {
			escape_text(shown, sizeof(shown), expression,
				    strlen(expression));
			log_error("--filter \"%s\": %s; see pcap-filter(7)",
				  shown, error);
			return TAPFEED_EXIT_USAGE;
		}
		log_error("setting the filter of %s: %s", sources->names[i],
			  r == -EINVAL ? error : log_errno(-r));
		return TAPFEED_EXIT_LOSS;
	}
	return 0;
}

void sources_done(struct sources *sources)
{
	merge_free(sources->merge);
	for (size_t i = 0; i < sources->count; i++)
		source_free(sources->list[i]);
}

int sources_probe(struct sources *sources, size_t *ret_source)
{
	if (sources->live)
		return 0;
	for (size_t i = 0; i < sources->count; i++) {
		struct source *source = sources->list[i];
		struct packet packet;
		int r;

		if (!source_file_is_regular(source))
			continue;
		*ret_source = i;
		r = source_next(source, &packet);
		if (r != -ENOTSUP && r != -ENODATA)
			r = source_rewind(source);
		if (r < 0)
			return r;
	}
	return 0;
}

void sources_start(struct sources *sources)
{
	for (size_t i = 0; i < sources->count && sources->live; i++)
		source_live_start(sources->list[i]);
}

void sources_stop(struct sources *sources, uint64_t now_ns)
{
	if (sources->stopping_ns > 0)
		return;
	sources->stopping_ns = sources->live ? now_ns + STOP_NS : now_ns;
	for (size_t i = 0; i < sources->count && sources->live; i++)
		source_live_stop(sources->list[i], sources->stopping_ns);
}

int sources_next(struct sources *sources, struct packet *ret_packet,
		 size_t *ret_source)
{
	int r;

	if (sources->stopping_ns > 0 && !sources->live)
		return SOURCE_END;
	r = merge_next(sources->merge, ret_packet, ret_source);
	if (r == SOURCE_PACKET)
		sources->read[*ret_source]++;
	return r;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

size_t sources_wait(const struct sources *sources, int *fds,
		    uint64_t *ret_deadline_ns)
{
	size_t n = merge_wait_fds(sources->merge, fds);
	uint64_t deadline = n > 0 ? merge_due_ns(sources->merge) : 0;

	for (size_t i = 0; i < sources->count && sources->live; i++)
		deadline = earlier(deadline,
				   source_live_next_ns(sources->list[i]));
	*ret_deadline_ns = deadline;
	return n;
}

int sources_rewind(struct sources *sources)
{
	for (size_t i = 0; i < sources->count; i++) {
		int r = source_rewind(sources->list[i]);

		if (r < 0)
			return r;
		sources->read[i] = 0;
	}
	merge_reset(sources->merge);
	return 0;
}

uint64_t sources_bytes(const struct sources *sources)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < sources->count; i++)
		sum += source_bytes(sources->list[i]);
	return sum;
}

uint64_t sources_dropped(struct sources *sources)
{
	uint64_t before = sources->dropped;

	sources->dropped = 0;
	for (size_t i = 0; i < sources->count && sources->live; i++)
		sources->dropped += source_live_dropped(sources->list[i]);
	return sources->dropped - before;
}
