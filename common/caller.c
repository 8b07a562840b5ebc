/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller is hostile: he chose environment, limits, descriptors and the
 * socket. Believed are the kernel, and a policy file that only root can write.
 */
#include <config.h>

#include "common/caller.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/filecap.h"
#include "common/log.h"

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
	bool own = filecap_is_own(cap);
	struct policyfile_subject subject;
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);
	int r;

	if (sock >= 0 && getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return -errno;
	*caller = (struct caller){
		.uid = getuid(),
		.pid = peer.pid,
		.capable = filecap_has(cap),
		.holds = filecap_has(cap) && own && is_unnamed(sock),
	};
	if (!caller->capable && filecap_lost())
		log_warning("this program's file has the capability it needs, "
			    "but %s",
			    filecap_lost());
	if (!caller->capable)
		caller->error = -EPERM;
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
