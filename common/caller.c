/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller is hostile: he chose environment, limits, descriptors and the
 * socket. Believed are the kernel, and a policy file that only root can write.
 */
#include <config.h>

#include "common/caller.h"

#include <errno.h>
#include <sys/auxv.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/log.h"

int caller_capability(int cap, bool *ret_capable, bool *ret_own)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3], *set;
	uint32_t bit = CAP_TO_MASK(cap);

	if (capget(&header, sets) < 0)
		return -errno;
	set = &sets[CAP_TO_INDEX(cap)];
	*ret_capable = set->permitted & bit;
	*ret_own = (set->inheritable & bit) ||
		   (!getauxval(AT_SECURE) && (set->effective & bit));
	return 0;
}

/* What took away the capability that our file has; NULL: it has none. */
static const char *what_took_it(void)
{
	struct statvfs mount;

	if (getxattr("/proc/self/exe", "security.capability", NULL, 0) <= 0)
		return NULL;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return "no_new_privs is set (a container's or service's "
		       "setting), which takes it away";
	if (statvfs("/proc/self/exe", &mount) == 0 &&
	    (mount.f_flag & ST_NOSUID))
		return "it lies on a file system that is mounted nosuid, "
		       "which takes it away";
	return "it did not come into effect: under strace, in a user namespace "
	       "or with a bounding set that lacks it it does not";
}

/* A socket pair's end, or no socket: nobody but who started us is there. */
static bool is_unnamed(int sock)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);

	return sock < 0 ||
	       (getsockname(sock, (struct sockaddr *)&address, &len) == 0 &&
		len == sizeof(sa_family_t));
}

static int peer_subject(int sock, const struct ucred *peer,
			struct policyfile_subject *subject)
{
	socklen_t len = sizeof(subject->groups) - sizeof(gid_t);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERGROUPS, subject->groups + 1,
		       &len))
		return -errno;
	subject->uid = peer->uid;
	subject->groups[0] = peer->gid;
	subject->group_count = 1 + len / sizeof(gid_t);
	return 0;
}

static int read_policy(const struct policyfile_subject *subject,
		       struct policyfile *policy)
{
	struct policyfile_fault fault = { 0 };
	int r = policyfile_read(TAPFEED_POLICY_FILE, subject, policy, &fault);

	if (r == 0 || r == -ENOENT)
		return r;
	log_warning(TAPFEED_POLICY_FILE ":%u: %s; the whole file grants "
					"nothing until that is mended",
		    fault.line, fault.what ? fault.what : log_errno(-r));
	return r == -EPERM ? -EINVAL : r; /* EPERM: no capability */
}

int caller_init(struct caller *caller, int cap, int sock)
{
	struct policyfile_subject subject;
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);
	const char *lost = NULL;
	bool own;
	int r;

	*caller = (struct caller){ .uid = getuid() };
	r = caller_capability(cap, &caller->capable, &own);
	if (r < 0)
		return r;
	if (sock >= 0 && getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return -errno;
	caller->pid = peer.pid;
	caller->lent = caller->capable && !own;
	caller->holds = caller->capable && own && is_unnamed(sock);
	if (!caller->capable) {
		caller->error = -EPERM;
		lost = what_took_it();
	}
	if (lost)
		log_warning("this program's file has the capability it needs, "
			    "but %s",
			    lost);
	if (!caller->capable || caller->holds)
		return 0;
	/* Who has it by our file is asked himself: a socket with a name, bound
	 * by him, would bring him the credentials of all who connect. */
	if (own)
		caller->uid = peer.uid;
	r = own ? peer_subject(sock, &peer, &subject)
		: policyfile_self(&subject);
	caller->error = r < 0 ? r : read_policy(&subject, &caller->policy);
	return 0;
}
