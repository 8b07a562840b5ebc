/* SPDX-License-Identifier: Apache-2.0 */
/* The caller is hostile; the policy file is root's. */
#include <config.h>

#include "capture/permission.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/capability.h>
#include <unistd.h>

#include "common/caller.h"
#include "common/escape.h"
#include "common/log.h"

/* The kernel knows an interface by alternative names too: the policy speaks of
 * its own. */
static const char *real_name(const char *name, char buf[static IF_NAMESIZE])
{
	unsigned int index = if_nametoindex(name);

	return index && if_indextoname(index, buf) ? buf : name;
}

static int ask(const struct policyfile *policy, const struct options *options)
{
	bool promiscuous = !options->no_promiscuous;
	char shown[64], buf[IF_NAMESIZE];

	for (size_t i = 0; i < options->source_count; i++) {
		const char *name = real_name(options->sources[i], buf);

		if (policyfile_may_capture(policy, name, promiscuous))
			continue;
		escape_text(shown, sizeof(shown), name, strlen(name));
		log_error("%s: the policy file does not let uid %u capture "
			  "there%s; root can, by a line in " TAPFEED_POLICY_FILE
			  ": capture user=%u interface=%s%s",
			  shown, (unsigned int)getuid(),
			  promiscuous && policyfile_may_capture(policy, name,
								false)
				  ? " in promiscuous mode "
				    "(--no-promiscuous does without)"
				  : "",
			  (unsigned int)getuid(), shown,
			  promiscuous ? " promiscuous=yes" : "");
		return TAPFEED_EXIT_PERMISSION;
	}
	return 0;
}

/* The file's capability is permitted, and not yet in effect. */
static int raise_capability(cap_value_t cap)
{
	cap_t caps = cap_get_proc();
	int r = 0;

	if (!caps || cap_set_flag(caps, CAP_EFFECTIVE, 1, &cap, CAP_SET) < 0 ||
	    cap_set_proc(caps) < 0)
		r = -errno;
	cap_free(caps);
	return r;
}

int permission_ask(const struct options *options)
{
	static struct caller caller; /* it is large */
	int r = caller_init(&caller, CAP_NET_RAW, -1);

	if (r == 0 && (!caller.capable || caller.holds))
		return 0;
	if (r == 0)
		r = caller.error;
	if (r == -ENOENT)
		log_error("there is no policy file " TAPFEED_POLICY_FILE
			  ": without one nobody but root may capture; see "
			  "tapfeed-policy.conf(5)");
	else if (r < 0)
		log_error("the policy file " TAPFEED_POLICY_FILE
			  " grants nothing (%s): nobody but root may capture",
			  log_errno(-r));
	if (r < 0)
		return TAPFEED_EXIT_PERMISSION;
	r = ask(&caller.policy, options);
	if (r == 0 && raise_capability(CAP_NET_RAW) < 0) {
		log_error("CAP_NET_RAW of the file cannot be put into effect");
		return TAPFEED_EXIT_LOSS;
	}
	return r;
}
