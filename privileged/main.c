/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tapfeed-privileged: the one process that may create an interface. It serves
 * one request on one connection, its descriptor 3, and is gone before the first
 * packet flows. Starter and peer are hostile: it reads no environment, opens
 * all it needs before it reads the peer's first byte, and allocates nothing by
 * what the peer sends. Whatever fails, the interface is deleted: it is never up
 * without a shield that was asked for, and nothing is left behind.
 */
#include <config.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/audit.h"
#include "common/caller.h"
#include "common/escape.h"
#include "common/fd.h"
#include "common/fdpass.h"
#include "common/log.h"
#include "common/program.h"
#include "common/sandbox.h"
#include "common/sock.h"
#include "privileged/link.h"
#include "privileged/policy.h"
#include "privileged/request.h"
#include "privileged/tun.h"
#include "proto/privileged.h"

#define PEER_FD		   3
#define REQUEST_DEADLINE_S 10
/* Then SIGALRM ends it, whatever it hangs in: a full pipe, the kernel. */
#define LIFE_S (REQUEST_DEADLINE_S + 2)

static struct helper {
	struct caller caller;
	int audit_fd;
	struct tun tun;
	int tun_error;
	struct link link;
	int link_error;
	struct privileged_request request;
	struct privileged_reply reply;
} the_helper = { .audit_fd = -1, .link.fd = -1 }; /* for the signals */

/* The interface goes, where there is one: to close it alone would leave it to
 * whoever has attached a queue. */
static void undo(struct helper *helper)
{
	char name[TAPFEED_IFNAME_SIZE];

	if (helper->tun.count > 0 && tun_name(&helper->tun, NULL, name) == 0)
		(void)link_delete(&helper->link, name);
	tun_keep(&helper->tun, 0);
}

/* Not by _exit(3), which sanitizers catch, to look at the stack. */
static void on_end(int number)
{
	undo(&the_helper);
	(void)syscall(SYS_exit_group, 128 + number);
}

/* Whatever the caller left: no write ends the process, the alarm does. */
static void set_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGALRM, on_end);
	signal(SIGTERM, on_end);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	alarm(LIFE_S);
}

/*
 * Opens all that is needed; what fails is told to the peer when it asks. Then
 * the sandbox: the capability is in effect only there, and only for a caller
 * who may have something. 0 or a negative errno.
 */
static int helper_init(struct helper *helper)
{
	struct sandbox_policy policy;
	int peer = PEER_FD;
	uint64_t keep = 0;
	int r;

	/* First: no limit on descriptors leaves it out and the rest in. */
	helper->audit_fd = audit_open();
	r = caller_init(&helper->caller, CAP_NET_ADMIN, PEER_FD);
	if (r == 0 && helper->caller.error == 0) {
		keep = UINT64_C(1) << CAP_NET_ADMIN;
		helper->tun_error = tun_open(&helper->tun);
		helper->link_error = link_init(&helper->link);
	}
	if (r == 0)
		r = sandbox_drop(NULL, keep);
	if (r < 0)
		return r;
	policy = policy_privileged((struct sandbox_fds[POLICY_PRIVILEGED_FDS]){
		[POLICY_PRIVILEGED_PEER] = { &peer, 1 },
		[POLICY_PRIVILEGED_TUN] = { helper->tun.fds,
					    helper->tun.count },
		[POLICY_PRIVILEGED_NETLINK] = { &helper->link.fd, 1 },
		[POLICY_PRIVILEGED_AUDIT] = { &helper->audit_fd, 1 } });
	return sandbox_seal(&policy);
}

/* One message that is there; -EPROTO where it is too long, or has descriptors
 * with it, which the kernel closes. */
static ssize_t receive(struct privileged_request *request)
{
	struct iovec iov = { request, sizeof(*request) };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n = recvmsg(PEER_FD, &header, MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	return header.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -EPROTO : n;
}

/* Waits for the one request. Its length, or a negative errno: -EPROTO also
 * where there is another behind it; -ECONNRESET where the peer is gone. */
static ssize_t receive_request(struct privileged_request *request)
{
	struct pollfd pollfd = { .fd = PEER_FD, .events = POLLIN };
	struct privileged_request next;
	int r = poll(&pollfd, 1, REQUEST_DEADLINE_S * 1000);
	ssize_t n;

	if (r <= 0)
		return r < 0 ? -errno : -ETIMEDOUT;
	n = receive(request);
	if (n == 0 && (pollfd.revents & POLLHUP))
		return -ECONNRESET;
	/* There is no second request: nobody can send one from here on. */
	if (shutdown(PEER_FD, SHUT_RD) < 0)
		return -errno;
	r = n > 0 ? (int)receive(&next) : 0;
	return r > 0 || r == -EPROTO ? -EPROTO : n;
}

static int run_step(struct helper *helper, enum privileged_step step)
{
	const struct privileged_request *request = &helper->request;
	struct privileged_reply *reply = &helper->reply;
	struct tun *tun = &helper->tun;
	struct link *link = &helper->link;
	enum tapfeed_kind kind = privileged_kind(request);
	bool visible = request->flags & PRIVILEGED_HOST_VISIBLE;
	int r;

	switch (step) {
	case PRIVILEGED_STEP_CAPABILITY:
		return helper->caller.capable ? 0 : -EPERM;
	case PRIVILEGED_STEP_POLICY:
		if (helper->caller.error < 0 || helper->caller.holds)
			return helper->caller.error;
		return policyfile_may_create(&helper->caller.policy, request)
			       ? 0
			       : -EPERM;
	case PRIVILEGED_STEP_SEVERAL:
		/* Who can stop us between two steps can keep what is half made:
		 * he opens the node as we do, by his own rights. */
		return helper->caller.lent && request->queues > 1 ? -EPERM : 0;
	case PRIVILEGED_STEP_OPEN:
		tun_keep(tun, request->queues);
		return tun->count < request->queues ? helper->tun_error : 0;
	case PRIVILEGED_STEP_NETLINK:
		return helper->link_error;
	case PRIVILEGED_STEP_ATTACH:
		return tun_create(tun, request->name, kind);
	case PRIVILEGED_STEP_OWNER:
		return tun_set_owner(tun);
	case PRIVILEGED_STEP_QUEUES:
		return tun_join(tun);
	case PRIVILEGED_STEP_CHECK:
		r = link_check(link, tun->ifr.ifr_name, kind, request->queues);
		return r < 0 ? r : tun_name(tun, request->name, reply->name);
	case PRIVILEGED_STEP_LINK:
		return link_set(link, request->mtu, visible ? 0 : IFF_NOARP,
				kind & TAPFEED_TAP ? reply->mac : NULL);
	case PRIVILEGED_STEP_SHIELD:
		return visible ? 0 : link_shield(link);
	default:
		return link_up(link, helper->caller.uid);
	}
}

/* Creates what the request, which was checked, asks for, and fills the reply;
 * on failure its step says where. Nothing is up before the shield is
 * acknowledged: the steps' order is the point. 0 or a negative errno. */
static int privileged_create(struct helper *helper)
{
	struct privileged_reply *reply = &helper->reply;
	int r = 0;

	memcpy(reply->mac, helper->request.mac, sizeof(reply->mac));
	reply->mtu = helper->request.mtu;
	reply->queues = helper->request.queues;
	while (r == 0 && reply->step < PRIVILEGED_STEP_UP)
		r = run_step(helper, ++reply->step);
	if (r == 0)
		reply->step = PRIVILEGED_STEP_NONE;
	reply->ifindex = (uint32_t)helper->link.ifindex;
	return r;
}

/* The one line about a request: who, what, verdict (fault; NULL: none). */
static void log_verdict(const struct helper *helper, const char *fault)
{
	char name[4 * TAPFEED_IFNAME_SIZE + 1];
	char text[LOG_LINE_MAX / 2];

	escape_text(name, sizeof(name), helper->request.name,
		    strnlen(helper->request.name, TAPFEED_IFNAME_SIZE));
	snprintf(text, sizeof(text), "uid %u, pid %d: create \"%s\"%s: %s%s",
		 (unsigned int)helper->caller.uid, (int)helper->caller.pid,
		 name,
		 helper->request.flags & PRIVILEGED_HOST_VISIBLE
			 ? " host-visible"
			 : "",
		 fault ? "refused: " : "created ",
		 fault ? fault : helper->reply.name);
	audit_send(helper->audit_fd, "tapfeed-privileged", fault, text);
	log_info("%s", text);
}

/* Takes the one request and answers it. 0 also where it was refused. */
static int serve(struct helper *helper)
{
	struct privileged_reply *reply = &helper->reply;
	ssize_t n = receive_request(&helper->request);
	const char *fault = "too long, not alone or with descriptors";
	int r = -EINVAL;

	if (n >= 0)
		fault = request_fault(&helper->request, (size_t)n);
	else if (n != -EPROTO)
		return (int)n;
	reply->step = PRIVILEGED_STEP_REQUEST;
	if (!fault && (r = privileged_create(helper)) < 0)
		fault = reply->step == PRIVILEGED_STEP_POLICY
				? "not allowed by the policy file"
				: log_errno(-r);
	if (fault) {
		undo(helper); /* before the peer hears of it */
		*reply = (struct privileged_reply){ .step = reply->step,
						    .error = -r };
	}
	reply->version = PRIVILEGED_VERSION;
	log_verdict(helper, fault);
	r = fdpass_send(PEER_FD, reply, sizeof(*reply), helper->tun.fds,
			reply->queues);
	if (r < 0)
		undo(helper);
	return r;
}

/* For a person who starts it by hand. Returns the exit status. */
static int read_argument(const char *word)
{
	if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0 ||
	    strcmp(word, "-V") == 0 || strcmp(word, "--version") == 0) {
		puts(PROGRAM_VERSION
		     "\ntapfeed-privileged creates interfaces for tapfeed(1), "
		     "which starts it\npolicy file: " TAPFEED_POLICY_FILE);
		return TAPFEED_EXIT_OK;
	}
	log_error("no arguments are taken but -h and -V: use tapfeed(1)");
	return TAPFEED_EXIT_USAGE;
}

int main(int argc, char **argv)
{
	int r;

	set_signals();
	r = fd_sanitise();
	if (r == 0)
		r = fd_close_from(PEER_FD + 1);
	/* A terminal shows no levels; tapfeed and journald read them. */
	log_init(LOG_LEVEL_INFO, NULL, !isatty(STDERR_FILENO));
	if (argc > 1)
		return read_argument(argv[1]);
	if (r == 0 && !sock_is_connected(PEER_FD, SOCK_SEQPACKET)) {
		log_error("descriptor 3 is not a connected Unix socket of type "
			  "SOCK_SEQPACKET: this program serves tapfeed and is "
			  "not run by hand, use tapfeed(1)");
		return TAPFEED_EXIT_USAGE;
	}
	if (r == 0)
		r = helper_init(&the_helper);
	if (r == 0)
		r = serve(&the_helper);
	if (r < 0)
		log_info("not served to its end: %s", log_errno(-r));
	return r < 0 ? TAPFEED_EXIT_LOSS : TAPFEED_EXIT_OK;
}
