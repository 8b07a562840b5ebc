/* SPDX-License-Identifier: Apache-2.0 */
/* What the injector may do while it works. */
#ifndef TAPFEED_INJECTOR_POLICY_H
#define TAPFEED_INJECTOR_POLICY_H

#include "common/sandbox.h"

/* Classes of the injector's descriptors. */
enum policy_injector_fd {
	POLICY_INJECTOR_NOTIFY,
	POLICY_INJECTOR_CONTROL,
	POLICY_INJECTOR_LISTEN,
	POLICY_INJECTOR_RING, /* none with the plain writer */
	POLICY_INJECTOR_FDS,
};

/* fds: POLICY_INJECTOR_FDS of them, which stay the caller's; queue_size:
 * packets that a peer's queue holds. */
struct sandbox_policy policy_injector(const struct sandbox_fds *fds,
				      uint32_t queue_size);

#endif
