/* SPDX-License-Identifier: Apache-2.0 */
/* What capture may do while it works. */
#ifndef TAPFEED_CAPTURE_POLICY_H
#define TAPFEED_CAPTURE_POLICY_H

#include "common/sandbox.h"

/* Classes of capture's descriptors. */
enum policy_capture_fd {
	POLICY_CAPTURE_NOTIFY,
	POLICY_CAPTURE_CONTROL,
	POLICY_CAPTURE_HANDLES, /* libpcap's packet sockets */
	/* Every number there may be but those of handles and sources: a new
	 * feed may get any of them. */
	POLICY_CAPTURE_WRITTEN,
	POLICY_CAPTURE_FDS,
};

/* Descriptors that capture may get beyond those it has: a feed. */
#define POLICY_CAPTURE_FDS_MORE 2u

/* More numbers are not looked at: LISTEN_FDS_MAX and some of our own. */
#define POLICY_CAPTURE_WRITTEN_MAX 128u

/* fds: POLICY_CAPTURE_FDS of them, which stay the caller's. Each source may
 * take memory of its own. */
struct sandbox_policy policy_capture(const struct sandbox_fds *fds,
				     size_t source_count);

#endif
