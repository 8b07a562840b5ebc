/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tapfeed-privileged: the one process that may create an interface. It serves
 * one request on one connection, its descriptor 3, and is gone before the first
 * packet flows. Starter and peer are hostile: it reads no environment, opens
 * all it needs before it reads the peer's first byte, and allocates nothing by
 * what the peer sends. Whatever fails, closing the descriptor destroys the
 * interface: it is never up without its shield, and no crash leaves anything.
 */
#include <config.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/capability.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/escape.h"
#include "common/fd.h"
#include "common/fdpass.h"
#include "common/log.h"
#include "common/program.h"
#include "common/sandbox.h"
#include "common/sock.h"
#include "privileged/link.h"
#include "privileged/request.h"
#include "privileged/tun.h"
#include "proto/privileged.h"

#define PEER_FD		   3
#define REQUEST_DEADLINE_S 10u
/* Then SIGALRM ends it, whatever it hangs in: a full pipe, the socket. */
#define LIFE_S (REQUEST_DEADLINE_S + 2u)

struct helper {
	struct ucred peer;
	bool caller_holds; /* CAP_NET_ADMIN, and did not get it from our file */
	int tun_fd;
	struct link link;
	int open_error; /* of these two, with its step */
	uint32_t open_step;
	struct privileged_request request;
	struct privileged_reply reply;
};

/* Whatever the caller left: no write ends the process, the alarm does. */
static void set_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGALRM, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	alarm(LIFE_S);
}

/* Opens all that is needed; what fails is told to the peer when it asks. */
static int helper_init(struct helper *helper)
{
	socklen_t len = sizeof(helper->peer);

	if (getsockopt(PEER_FD, SOL_SOCKET, SO_PEERCRED, &helper->peer, &len))
		return -errno;
	helper->caller_holds =
		!getauxval(AT_SECURE) && sandbox_holds(CAP_NET_ADMIN);
	if (!helper->caller_holds)
		return sandbox_drop_privileges(0);
	helper->open_step = PRIVILEGED_STEP_OPEN;
	helper->open_error = tun_open(&helper->tun_fd);
	if (helper->open_error == 0) {
		helper->open_step = PRIVILEGED_STEP_NETLINK;
		helper->open_error = link_init(&helper->link);
	}
	return sandbox_drop_privileges(UINT64_C(1) << CAP_NET_ADMIN);
}

/*
 * Whether the peer may have what it asks for: 0 or -EPERM. So far: what its
 * caller could do without us. The policy file will be asked here.
 */
static int policy_check(const struct helper *helper)
{
	return helper->caller_holds ? 0 : -EPERM;
}

/*
 * Waits for the one request. Its length, or a negative errno: -EPROTO where it
 * was longer than a request, brought descriptors or another request with it;
 * -ECONNRESET where the peer is gone.
 */
static ssize_t receive_request(struct privileged_request *request)
{
	uint64_t deadline_ns = clock_now_ns() + REQUEST_DEADLINE_S * NS_PER_S;
	struct pollfd pollfd = { .fd = PEER_FD, .events = POLLIN };
	size_t fds;
	char next;
	ssize_t n;
	int r;

	do {
		r = fd_poll(&pollfd, 1, deadline_ns);
	} while (r == 0 && clock_now_ns() < deadline_ns);
	if (r <= 0)
		return r < 0 ? r : -ETIMEDOUT;
	n = fdpass_recv(PEER_FD, request, sizeof(*request), NULL, 0, &fds,
			MSG_DONTWAIT);
	if (n == 0 && (pollfd.revents & POLLHUP))
		return -ECONNRESET;
	/* There is no second request: nobody can send one from here on. */
	if (shutdown(PEER_FD, SHUT_RD) < 0)
		return -errno;
	if (n > 0 && recv(PEER_FD, &next, sizeof(next), MSG_DONTWAIT) > 0)
		return -EPROTO;
	return n;
}

/*
 * Creates what the request, which was checked, asks for, and fills the reply;
 * on failure reply->step says where. The order is the point: nothing is up
 * before its shield is acknowledged. 0 or a negative errno.
 */
static int privileged_create(struct helper *helper)
{
	const struct privileged_request *request = &helper->request;
	enum tapfeed_kind kind = (enum tapfeed_kind)request->kind;
	struct privileged_reply *reply = &helper->reply;
	int r;

	reply->step = PRIVILEGED_STEP_CAPABILITY;
	r = policy_check(helper);
	if (r < 0)
		return r;
	reply->step = helper->open_step;
	if (helper->open_error < 0)
		return helper->open_error;
	reply->step = PRIVILEGED_STEP_ATTACH;
	r = tun_create(helper->tun_fd, request->name, kind, reply->name);
	if (r < 0)
		return r;
	reply->step = PRIVILEGED_STEP_OWNER;
	r = tun_set_owner(helper->tun_fd);
	if (r < 0)
		return r;
	reply->step = PRIVILEGED_STEP_LINK;
	memcpy(reply->mac, request->mac, sizeof(reply->mac));
	r = link_find(&helper->link, reply->name);
	if (r == 0)
		r = link_set(&helper->link, request->mtu,
			     kind == TAPFEED_TAP ? reply->mac : NULL);
	if (r < 0)
		return r;
	reply->step = PRIVILEGED_STEP_SHIELD;
	r = link_shield(&helper->link);
	if (r < 0)
		return r;
	reply->step = PRIVILEGED_STEP_UP;
	r = link_up(&helper->link, helper->peer.uid);
	if (r < 0)
		return r;
	reply->ifindex = (uint32_t)helper->link.ifindex;
	reply->step = PRIVILEGED_STEP_NONE;
	reply->mtu = request->mtu;
	reply->queues = 1;
	return 0;
}

/* The one line about a request: who, what, verdict (fault; NULL: none). */
static void log_verdict(const struct helper *helper, const char *fault)
{
	const char *asked = helper->request.name;
	char name[4 * TAPFEED_IFNAME_SIZE + 1];

	escape_text(name, sizeof(name), asked,
		    strnlen(asked, TAPFEED_IFNAME_SIZE));
	log_info("uid %u, pid %d: create \"%s\": %s%s",
		 (unsigned int)helper->peer.uid, (int)helper->peer.pid, name,
		 fault ? "refused: " : "created ",
		 fault ? fault : helper->reply.name);
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
	if (!fault)
		r = privileged_create(helper);
	if (r < 0) {
		/* Nothing is left when the peer hears of it. */
		fd_close(&helper->tun_fd);
		*reply = (struct privileged_reply){ .step = reply->step,
						    .error = -r };
	}
	reply->version = PRIVILEGED_VERSION;
	log_verdict(helper, fault || r == 0 ? fault : log_errno(-r));
	return fdpass_send(PEER_FD, reply, sizeof(*reply), &helper->tun_fd,
			   reply->queues);
}

/* For a person who starts it by hand. Returns the exit status. */
static int read_argument(const char *word)
{
	if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0 ||
	    strcmp(word, "-V") == 0 || strcmp(word, "--version") == 0) {
		puts(PROGRAM_VERSION "\ntapfeed-privileged creates interfaces "
				     "for tapfeed(1), which starts it");
		return TAPFEED_EXIT_OK;
	}
	log_error("no arguments are taken but -h and -V: use tapfeed(1)");
	return TAPFEED_EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct helper helper = { .tun_fd = -1 };
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
		r = helper_init(&helper);
	if (r == 0)
		r = serve(&helper);
	link_done(&helper.link);
	fd_close(&helper.tun_fd);
	if (r < 0)
		log_info("not served to its end: %s", log_errno(-r));
	return r < 0 ? TAPFEED_EXIT_LOSS : TAPFEED_EXIT_OK;
}
