/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the check of the helper's request. What passes is held against
 * proto/privileged.h a second time, here in other words.
 */
#include <config.h>

#include "tests/fuzz/fuzz.h"

#include "privileged/request.h"

/* A byte that may stand in a name at i. */
static bool name_byte(const char *name, size_t i)
{
	char c = name[i];

	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return true;
	if (i > 0 && ((c >= '0' && c <= '9') || strchr("_-.", c)))
		return true;
	return i > 0 && c == '%' && name[i + 1] == 'd' && name[i + 2] == '\0';
}

static void check_name(const char name[TAPFEED_IFNAME_SIZE])
{
	size_t len = strnlen(name, TAPFEED_IFNAME_SIZE);

	assert(len > 0 && len < TAPFEED_IFNAME_SIZE);
	for (size_t i = 0; i < len; i++)
		assert(name_byte(name, i) || (name[i] == 'd' && i + 1 == len));
	for (size_t i = len; i < TAPFEED_IFNAME_SIZE; i++)
		assert(name[i] == '\0');
}

static void check_taken(const struct privileged_request *request)
{
	struct privileged_request rest = *request;
	const uint8_t *bytes = (const uint8_t *)&rest;

	assert(request->version == 1 && request->op == 1);
	check_name(request->name);
	assert(request->kind == TAPFEED_TAP || request->kind == TAPFEED_TUN);
	assert(request->mtu >= 68 && request->mtu <= 65521);
	assert(request->queues >= 1 &&
	       request->queues <= PRIVILEGED_QUEUES_MAX);
	assert(!(request->mac[0] & 1));
	/* Whatever else there is, is zero. */
	assert((request->flags & ~(uint32_t)PRIVILEGED_FLAGS) == 0);
	rest.flags = 0;
	rest.version = rest.op = rest.kind = rest.mtu = rest.queues = 0;
	memset(rest.name, 0, sizeof(rest.name));
	if (request->kind == TAPFEED_TAP)
		memset(rest.mac, 0, sizeof(rest.mac));
	for (size_t i = 0; i < sizeof(rest); i++)
		assert(bytes[i] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = fuzz_copy(data, size);
	struct privileged_request request;
	const char *fault = request_fault((const void *)copy, size);

	if (fault) {
		assert(*fault && fuzz_plain(fault, strlen(fault)));
	} else {
		assert(size == sizeof(request));
		memcpy(&request, copy, sizeof(request));
		check_taken(&request);
	}
	free(copy);
	return 0;
}
