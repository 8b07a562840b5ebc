/* SPDX-License-Identifier: Apache-2.0 */
/* What the helper may do from the peer's first byte on. */
#ifndef TAPFEED_PRIVILEGED_POLICY_H
#define TAPFEED_PRIVILEGED_POLICY_H

#include "common/sandbox.h"

/* Classes of its descriptors. */
enum policy_privileged_fd {
	POLICY_PRIVILEGED_PEER,
	POLICY_PRIVILEGED_TUN,
	POLICY_PRIVILEGED_NETLINK,
	POLICY_PRIVILEGED_AUDIT,
	POLICY_PRIVILEGED_FDS,
};

/* fds: of each class; they stay the caller's, and must until it is sealed. */
struct sandbox_policy policy_privileged(
	const struct sandbox_fds fds[static POLICY_PRIVILEGED_FDS]);

#endif
