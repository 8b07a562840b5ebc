/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes what `tapfeed status` and a feed say to each other, as the other side
 * takes it. A reply that is taken can be packed again, and says the same then.
 */
#include <config.h>

#include "tests/fuzz/fuzz.h"

#include "common/frame.h"
#include "common/ifname.h"
#include "launcher/control.h"

#define FRAME_MAX (TAPFEED_FEED_HEADER_BYTES + CONTROL_REPLY_MAX)

static void check_text(const char *text, size_t size)
{
	assert(strnlen(text, size) < size);
}

static void check_status(const struct control_status *status)
{
	check_text(status->version, sizeof(status->version));
	check_text(status->command, sizeof(status->command));
	check_text(status->joins, sizeof(status->joins));
	assert(status->source_count <= TAPFEED_SOURCES_MAX);
	for (size_t i = 0; i < status->source_count; i++)
		check_text(status->sources[i], CONTROL_TEXT_SIZE);
	assert(status->process_count <= CONTROL_PROCESSES_MAX);
	for (size_t i = 0; i < status->process_count; i++)
		check_text(status->processes[i].name,
			   sizeof(status->processes[i].name));
	assert(*control_state_name(status->state));
	assert(status->waits <= CONTROL_WAIT_ALL);
	assert(!*status->report.interface ||
	       ifname_valid(status->report.interface));
	assert(status->report.link_type_count <= COUNTERS_LINK_TYPES);
}

static void check_again(const struct control_status *status)
{
	static struct control_status again;
	static uint8_t one[FRAME_MAX], other[FRAME_MAX];
	int len = control_pack_reply(status, one, sizeof(one));
	int r;

	/* Its texts alone may take more than a frame of ours. */
	if (len == -EMSGSIZE)
		return;
	assert(len > (int)TAPFEED_FEED_HEADER_BYTES);
	r = control_unpack_reply(one + TAPFEED_FEED_HEADER_BYTES,
				 (size_t)len - TAPFEED_FEED_HEADER_BYTES,
				 &again);
	assert(r == 0);
	assert(control_pack_reply(&again, other, sizeof(other)) == len);
	assert(memcmp(one, other, (size_t)len) == 0);
}

/* As our own side would have sent it, it says the same. */
static void check_request(enum control_request what)
{
	uint8_t frame[64];
	enum control_request again = what;
	int len = control_pack_request(what, frame, sizeof(frame));
	int r;

	assert(len > (int)TAPFEED_FEED_HEADER_BYTES);
	r = control_unpack_request(frame + TAPFEED_FEED_HEADER_BYTES,
				   (size_t)len - TAPFEED_FEED_HEADER_BYTES,
				   &again);
	assert(r == 0 && again == what);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct control_status status;
	uint8_t *copy = fuzz_copy(data, size);
	struct control_started started = { 0 };
	enum control_request what = CONTROL_REQUEST_STATUS;
	int r = control_unpack_request(copy, size, &what);

	assert(r == 0 || r == -EPROTO);
	if (r == 0)
		check_request(what);
	r = control_unpack_started(copy, size, &started);
	assert(r == 0 || r == -EPROTO);
	assert(started.result < CONTROL_STARTS);
	assert(started.waits <= CONTROL_WAIT_ALL);
	r = control_unpack_reply(copy, size, &status);
	assert(r == 0 || r == -EPROTO);
	free(copy);
	if (r == 0) {
		check_status(&status);
		check_again(&status);
	}
	return 0;
}
