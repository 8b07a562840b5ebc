/* SPDX-License-Identifier: Apache-2.0 */
/* Input: none of its own. */
#include <config.h>

#include "launcher/confine.h"

#include <errno.h>
#include <libmnl/libmnl.h>

#include "common/landlock.h"
#include "common/log.h"
#include "common/selftest.h"
#include "common/service.h"
#include "launcher/feedpath.h"
#include "launcher/policy.h"

static int missing(const char *name, int error)
{
	gid_t gid;
	bool group = users_find_group(name, &gid) == 0;

	if (error == -ENOENT)
		log_error("root started this, and the user %s, who is to run "
			  "it, is missing: useradd --system %s%s "
			  "--no-create-home --shell /usr/sbin/nologin %s",
			  name, group ? "--gid " : "--user-group",
			  group ? name : "", name);
	else
		log_error("looking up the user %s: %s", name,
			  log_errno(-error));
	return TAPFEED_EXIT_PERMISSION;
}

int confine_find_users(struct run *run)
{
	int r = service_user(TAPFEED_USER, &run->ids[0], &run->user);

	if (r < 0)
		return missing(TAPFEED_USER, r);
	r = service_user(TAPFEED_CAPTURE_USER, &run->ids[1],
			 &run->capture_user);
	if (r < 0)
		return missing(TAPFEED_CAPTURE_USER, r);
	if (run->user && !service_installed())
		run->feed.remark =
			"not installed: its processes run as " SERVICE_NOBODY
			", not as " TAPFEED_USER " and " TAPFEED_CAPTURE_USER;
	return -1;
}

static int failed(const char *what, int error)
{
	log_error("%s: %s", what, log_errno(-error));
	return TAPFEED_EXIT_LOSS;
}

int confine(const struct run *run)
{
	const struct feed *feed = &run->feed;
	const int netlink[] = {
		linkwatch_fd(&feed->link),
		sourcewatch_fd(&feed->sources),
	};
	const int control[] = {
		feed->processes[FEED_INJECTOR].control_fd,
		feed->processes[FEED_CAPTURE].control_fd,
	};
	int dirs[4] = { -1, -1, -1, -1 };
	size_t dir_count = 0;
	struct sandbox_fds fds[POLICY_LAUNCHER_FDS] = {
		[POLICY_LAUNCHER_NETLINK] = { netlink, 2 },
		[POLICY_LAUNCHER_CONTROL] = { control, 2 },
		[POLICY_LAUNCHER_LISTEN] = { &feed->status.listen_fd, 1 },
	};
	struct sandbox_policy policy;
	int r = sandbox_drop(run->user, 0);

	if (r < 0)
		return failed("giving up privilege", r);
	if (statusd_dir_fd(&feed->status) >= 0)
		dirs[dir_count++] = statusd_dir_fd(&feed->status);
	if (run->options.feed_path && feedpath_dir_fd(&run->feedpath) >= 0)
		dirs[dir_count++] = feedpath_dir_fd(&run->feedpath);
	if (run->ready_fd >= 0 && feedpath_dir_fd(&run->readypath) >= 0)
		dirs[dir_count++] = feedpath_dir_fd(&run->readypath);
	fds[POLICY_LAUNCHER_DIRS] = (struct sandbox_fds){ dirs, dir_count };
	policy = policy_launcher(fds, dirs);
	policy.trap = selftest_armed();
	if (landlock_abi() == 0)
		log_warning("this kernel has no Landlock, or it is switched "
			    "off: the system-call filters stand alone");
	r = sandbox_seal(&policy);
	return r < 0 ? failed("setting up the sandbox (it does not run "
			      "without)",
			      r)
		     : 0;
}
