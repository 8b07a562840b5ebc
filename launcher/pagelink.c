/* SPDX-License-Identifier: Apache-2.0 */
/* Input is hostile, and may change while it is read. */
#include <config.h>

#include "launcher/pagelink.h"

#include <string.h>

#include "common/ifname.h"

bool pagelink_read(const struct counters_injector *page, const char *pattern,
		   char ret_name[static TAPFEED_IFNAME_SIZE],
		   unsigned int *ret_ifindex)
{
	uint64_t ifindex = __atomic_load_n(&page->ifindex, __ATOMIC_ACQUIRE);
	char name[TAPFEED_IFNAME_SIZE];

	memcpy(name, page->interface, sizeof(name));
	if (ifindex == 0 || ifindex > INT32_MAX ||
	    strnlen(name, sizeof(name)) == sizeof(name) ||
	    !ifname_matches(pattern, name))
		return false;
	memcpy(ret_name, name, sizeof(name));
	*ret_ifindex = (unsigned int)ifindex;
	return true;
}
