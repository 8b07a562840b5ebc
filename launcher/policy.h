/* SPDX-License-Identifier: Apache-2.0 */
/* What tapfeed's supervising half may do once its children are started. */
#ifndef TAPFEED_LAUNCHER_POLICY_H
#define TAPFEED_LAUNCHER_POLICY_H

#include "common/sandbox.h"

/* Classes of its descriptors. */
enum policy_launcher_fd {
	POLICY_LAUNCHER_NETLINK,
	POLICY_LAUNCHER_CONTROL, /* of injector and capture */
	POLICY_LAUNCHER_LISTEN,	 /* tapfeed status */
	POLICY_LAUNCHER_DIRS,	 /* where its sockets lie */
	POLICY_LAUNCHER_FDS,
};

/* fds: POLICY_LAUNCHER_FDS of them; dirs: the last class again, ended by -1.
 * They stay the caller's. */
struct sandbox_policy policy_launcher(const struct sandbox_fds *fds,
				      const int *dirs);

#endif
