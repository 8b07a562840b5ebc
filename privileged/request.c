/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of a request. Input is hostile: any bytes, any length. */
#include <config.h>

#include "privileged/request.h"

#include <string.h>

#include "common/bytes.h"
#include "common/ifname.h"

/* A valid name or pattern, and nothing but NUL behind its end. */
static bool name_valid(const char name[TAPFEED_IFNAME_SIZE])
{
	size_t len = strnlen(name, TAPFEED_IFNAME_SIZE);

	return ifname_pattern_valid(name) &&
	       bytes_zero(name + len, TAPFEED_IFNAME_SIZE - len);
}

const char *request_fault(const struct privileged_request *request, size_t len)
{
	/* All from there on must be zero. */
	const size_t from = offsetof(struct privileged_request, mac_reserved);

	if (len != sizeof(*request))
		return "wrong length";
	if (request->version != PRIVILEGED_VERSION)
		return "unknown version";
	if (request->op != PRIVILEGED_CREATE)
		return "unknown operation";
	if (request->kind != TAPFEED_TAP && request->kind != TAPFEED_TUN)
		return "unknown kind of interface";
	if ((request->flags & ~(uint32_t)PRIVILEGED_FLAGS) ||
	    !bytes_zero((const char *)request + from, sizeof(*request) - from))
		return "a reserved field is set";
	if (!name_valid(request->name))
		return "bad name";
	if (request->mtu < TAPFEED_MTU_MIN || request->mtu > TAPFEED_MTU_MAX)
		return "MTU out of range";
	if (request->queues < 1 || request->queues > PRIVILEGED_QUEUES_MAX)
		return "number of queues out of range";
	if (request->kind == TAPFEED_TUN && !bytes_zero(request->mac, 6))
		return "a TUN has no MAC address";
	if (request->mac[0] & 0x01)
		return "multicast MAC address";
	return NULL;
}
