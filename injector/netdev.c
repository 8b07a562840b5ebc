/* SPDX-License-Identifier: Apache-2.0 */
/* The helper's client. The reply is checked as if it came from an enemy. */
#include <config.h>

#include "injector/netdev.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/kcmp.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/clock.h"
#include "common/escape.h"
#include "common/fd.h"
#include "common/fdpass.h"
#include "common/ifname.h"
#include "common/log.h"
#include "common/tunfd.h"

#define REPLY_DEADLINE_NS (5 * NS_PER_S)
#define TUN_PATH	  "/dev/net/tun"

static int send_request(int sock, const struct netdev_request *request)
{
	struct privileged_request message = {
		.version = PRIVILEGED_VERSION,
		.op = PRIVILEGED_CREATE,
		.kind = tapfeed_vnet(request->kind, false),
		.mtu = request->mtu,
		.queues = request->queues,
		.flags = (request->kind & TAPFEED_VNET ? PRIVILEGED_VNET : 0) |
			 (request->host_visible ? PRIVILEGED_HOST_VISIBLE : 0),
	};

	memcpy(message.name, request->name,
	       strnlen(request->name, sizeof(message.name)));
	memcpy(message.mac, request->mac, sizeof(message.mac));
	return fdpass_send(sock, &message, sizeof(message), NULL, 0);
}

/* One whole reply and its descriptors, or a negative errno and none. */
static int receive_reply(int sock, struct privileged_reply *reply, int *fds,
			 size_t *ret_n)
{
	uint64_t deadline_ns = clock_now_ns() + REPLY_DEADLINE_NS;
	struct pollfd pollfd = { .fd = sock, .events = POLLIN };
	ssize_t len;
	size_t n;

	do {
		int r = fd_poll(&pollfd, 1, deadline_ns);

		if (r < 0)
			return r;
		if (r == 0 && clock_now_ns() >= deadline_ns)
			return -ETIMEDOUT;
		len = fdpass_recv(sock, reply, sizeof(*reply), fds,
				  PRIVILEGED_QUEUES_MAX, &n, MSG_DONTWAIT);
	} while (len == -EAGAIN);
	if (len < 0)
		return (int)len;
	if (len != sizeof(*reply)) {
		while (n > 0)
			close(fds[--n]);
		return len == 0 ? -ECONNRESET : -EPROTO;
	}
	*ret_n = n;
	return 0;
}

/* A TUN has no address; a TAP has the one that was asked for, or any. */
static bool mac_fits(const struct netdev_request *request, const uint8_t *got)
{
	if (request->kind & TAPFEED_TUN)
		return bytes_zero(got, 6);
	if ((got[0] & 1) || bytes_zero(got, 6))
		return false;
	return bytes_zero(request->mac, 6) || memcmp(request->mac, got, 6) == 0;
}

/* Whether a reply is one of the two there are: refused, or just as asked. */
static bool reply_fits(const struct privileged_reply *reply, size_t fds,
		       const struct netdev_request *request)
{
	if (reply->version != PRIVILEGED_VERSION ||
	    !bytes_zero(reply->reserved, sizeof(reply->reserved)) ||
	    fds != reply->queues)
		return false;
	if (reply->error != 0)
		return reply->error > 0 && fds == 0 &&
		       reply->step > PRIVILEGED_STEP_NONE &&
		       reply->step < PRIVILEGED_STEP_COUNT;
	return reply->step == PRIVILEGED_STEP_NONE && fds == request->queues &&
	       ifname_matches(request->name, reply->name) &&
	       reply->ifindex > 0 && reply->ifindex <= INT32_MAX &&
	       reply->mtu == request->mtu && mac_fits(request, reply->mac);
}

/* 0 and its name, or a negative errno: -EPROTO where it is no such queue. */
static int check_queue(int fd, enum tapfeed_kind kind, size_t queues,
		       const char *pattern,
		       char ret_name[static TAPFEED_IFNAME_SIZE])
{
	int mode = fcntl(fd, F_GETFL);

	if (mode < 0)
		return -errno;
	if ((mode & O_ACCMODE) != O_WRONLY || !(mode & O_NONBLOCK))
		return -EPROTO;
	return tunfd_check(fd, pattern, kind, queues, ret_name);
}

/* Whether two descriptors are of one queue; where the kernel does not tell,
 * they count as two. */
static bool same_queue(int a, int b)
{
	pid_t self = getpid();

	return syscall(SYS_kcmp, self, self, KCMP_FILE, a, b) == 0;
}

int netdev_adopt(const int *fds, size_t n, const char *pattern,
		 enum tapfeed_kind kind, struct netdev *ret)
{
	struct netdev netdev = { .kind = tapfeed_vnet(kind, false),
				 .queues = n };
	int r = check_queue(fds[0], kind, n, pattern, netdev.name);

	/* The name that the first one has is a pattern of itself alone. */
	for (size_t i = 1; r == 0 && i < n; i++) {
		r = check_queue(fds[i], kind, n, netdev.name, netdev.name);
		for (size_t j = 0; r == 0 && j < i; j++)
			r = same_queue(fds[i], fds[j]) ? -EPROTO : 0;
	}
	if (r < 0)
		return r;
	memcpy(netdev.queue_fd, fds, n * sizeof(*fds));
	*ret = netdev;
	return 0;
}

/*
 * Before several queues were root's, somebody may have had one and set the send
 * buffer of all, or offloads: RTM_GETLINK, which the helper looks at, does not
 * tell. The rest that it does not tell (filters, steering, the size and byte
 * order of a header where there is none) is for who reads a queue what the host
 * sends: nobody does.
 */
static int set_anew(int fd, enum tapfeed_kind kind)
{
	int all = INT_MAX, size = TAPFEED_VNET_BYTES, no = 0;

	if (ioctl(fd, TUNSETSNDBUF, &all) < 0 ||
	    ioctl(fd, TUNSETOFFLOAD, 0ul) < 0)
		return -errno;
	if ((kind & TAPFEED_VNET) && (ioctl(fd, TUNSETVNETHDRSZ, &size) < 0 ||
				      ioctl(fd, TUNSETVNETLE, &no) < 0))
		return -errno;
	return 0;
}

int netdev_create(int sock, const struct netdev_request *request,
		  struct netdev *ret, enum privileged_step *ret_step)
{
	struct privileged_reply reply = { 0 };
	int fds[PRIVILEGED_QUEUES_MAX];
	struct netdev netdev;
	size_t n = 0;
	int r;

	*ret_step = PRIVILEGED_STEP_NONE;
	r = send_request(sock, request);
	/* Where it has ended already, the end of file below says so. */
	if (r < 0 && r != -EPIPE && r != -ECONNRESET)
		return r;
	r = receive_reply(sock, &reply, fds, &n);
	if (r < 0)
		return r;
	r = -EPROTO;
	if (!reply_fits(&reply, n, request))
		goto out;
	if (reply.error != 0) {
		*ret_step = (enum privileged_step)reply.step;
		return -reply.error;
	}
	/* Else it would be taken for a pattern. */
	if (!ifname_valid(reply.name) ||
	    netdev_adopt(fds, n, reply.name, request->kind, &netdev) < 0 ||
	    set_anew(fds[0], request->kind) < 0)
		goto out;
	*ret = netdev;
	ret->ifindex = reply.ifindex;
	ret->mtu = reply.mtu;
	memcpy(ret->mac, reply.mac, sizeof(ret->mac));
	return 0;
out:
	while (n > 0)
		close(fds[--n]);
	return r;
}

/*
 * What kind of device has that name, as its driver calls itself: "tun",
 * "dummy". An empty text where nobody knows; the device may be gone by now.
 */
static void device_kind(const char *name, char *kind, size_t size)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq ifr = { 0 };
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	kind[0] = '\0';
	memcpy(ifr.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	if (sock >= 0 && ioctl(sock, SIOCGIFFLAGS, &ifr) == 0 &&
	    (ifr.ifr_flags & IFF_LOOPBACK)) {
		snprintf(kind, size, "loopback");
	} else if (sock >= 0) {
		ifr.ifr_data = (void *)&info;
		if (ioctl(sock, SIOCETHTOOL, &ifr) == 0)
			escape_text(kind, size, info.driver,
				    strnlen(info.driver, sizeof(info.driver)));
	}
	fd_close(&sock);
}

static void explain_taken(char *buf, size_t size, const char *name)
{
	char kind[40];
	const char *by;
	bool removable;

	device_kind(name, kind, sizeof(kind));
	by = kind[0] ? " by a device of kind " : "";
	removable = strcmp(kind, "tun") == 0; /* a leftover, maybe */
	snprintf(buf, size,
		 "cannot create %s: the name is taken%s%s; choose another with "
		 "--name%s%s",
		 name, by, kind,
		 removable ? ", or if nothing uses it (tapfeed status): ip "
			     "link delete "
			   : "",
		 removable ? name : "");
}

static void explain_open(char *buf, size_t size, int error)
{
	struct stat node;

	if (error == -ENOENT)
		snprintf(buf, size,
			 TUN_PATH " is missing: modprobe tun, or make it: "
				  "mkdir -p /dev/net; mknod " TUN_PATH
				  " c 10 200");
	else if (error == -ENODEV || error == -ENXIO)
		snprintf(buf, size,
			 TUN_PATH " has no driver behind it: modprobe tun, or "
				  "use a kernel with CONFIG_TUN");
	else if (error == -EACCES && stat(TUN_PATH, &node) == 0)
		snprintf(buf, size,
			 "cannot open " TUN_PATH " for writing: its mode is "
			 "%04o and its owner uid %u; as root: "
			 "chmod 0666 " TUN_PATH " (as udev does; an interface "
			 "still takes CAP_NET_ADMIN)",
			 (unsigned int)node.st_mode & 07777u,
			 (unsigned int)node.st_uid);
	else
		snprintf(buf, size, "cannot open " TUN_PATH ": %s%s",
			 log_errno(-error),
			 error == -EPERM ? "; a container must be given the "
					   "device"
					 : "");
}

static void explain_capability(char *buf, size_t size, const char *name)
{
	struct statvfs mount;
	/* Helper and injector lie on one mount. */
	bool nosuid = statvfs("/proc/self/exe", &mount) == 0 &&
		      (mount.f_flag & ST_NOSUID);

	snprintf(
		buf, size,
		"cannot create %s: no CAP_NET_ADMIN; run as root (sudo), or in "
		"a namespace of your own (unshare -Urn), or have root give "
		"tapfeed-privileged its file capability (make "
		"install-setcap)%s",
		name,
		nosuid ? "; not where it lies now: that mount is nosuid" : "");
}

/* The helper read the file; its own messages name the line. */
static void explain_policy(char *buf, size_t size, int error, const char *name)
{
	const char *file = TAPFEED_POLICY_FILE;

	if (error == -EPERM)
		snprintf(buf, size,
			 "cannot create %s: the policy does not let uid %u do "
			 "it; as root, add a create line that covers its name, "
			 "--type, --mtu, --mac, --queues, --host-visible and "
			 "--checksums trust to %s: tapfeed-policy.conf(5)",
			 name, (unsigned int)getuid(), file);
	else if (error == -ENOENT)
		snprintf(buf, size,
			 "cannot create %s: there is no policy file, and "
			 "without one nobody but root may; as root, write %s: "
			 "tapfeed-policy.conf(5)",
			 name, file);
	else if (error == -EACCES)
		snprintf(buf, size,
			 "cannot create %s: the policy file %s may not be read "
			 "by uid %u; as root: chmod 0644 %s",
			 name, file, (unsigned int)getuid(), file);
	else
		snprintf(buf, size,
			 "cannot create %s: the policy file %s is refused as a "
			 "whole (%s); the line before says what to mend",
			 name, file, log_errno(-error));
}

static void explain_several(char *buf, size_t size, const char *name)
{
	snprintf(buf, size,
		 "cannot create %s: --queues takes a start by root (sudo), or "
		 "in a namespace of your own (unshare -Urn): uid %u could stop "
		 "tapfeed-privileged half-way and keep the interface; "
		 "--queues 1 does without",
		 name, (unsigned int)getuid());
}

/* Without a step: the helper itself. */
static void explain_helper(char *buf, size_t size, int error, const char *name)
{
	const char *why = log_errno(-error);

	if (error == -ETIMEDOUT)
		why = "it did not answer within 5 s";
	else if (error == -ECONNRESET || error == -EPIPE)
		why = "it ended without an answer; its own message says why";
	else if (error == -EPROTO)
		why = "it answered what it should not; are both programs of "
		      "the same version?";
	snprintf(buf, size, "cannot create %s: tapfeed-privileged failed: %s",
		 name, why);
}

/* What each step does, and what may help where it fails. */
static const struct {
	const char *what;
	const char *hint;
} steps[PRIVILEGED_STEP_COUNT] = {
	[PRIVILEGED_STEP_REQUEST] = { "the helper's check of the request",
				      "check --name, --mtu and --mac; an "
				      "interface of --type tun has no MAC "
				      "address" },
	[PRIVILEGED_STEP_CAPABILITY] = { "permission", "run as root" },
	[PRIVILEGED_STEP_POLICY] = { "the policy file", "" }, /* said above */
	[PRIVILEGED_STEP_SEVERAL] = { "several queues", "--queues 1" },
	[PRIVILEGED_STEP_OPEN] = { "opening " TUN_PATH, "modprobe tun" },
	[PRIVILEGED_STEP_NETLINK] = { "opening a netlink socket",
				      "the kernel or a sandbox around tapfeed "
				      "forbids AF_NETLINK" },
	[PRIVILEGED_STEP_ATTACH] = { "making the interface",
				     "its network namespace must be one in "
				     "which you hold CAP_NET_ADMIN" },
	[PRIVILEGED_STEP_OWNER] = { "giving the interface to root",
				    "a user namespace must map uid 0 "
				    "(unshare -Urn does)" },
	[PRIVILEGED_STEP_QUEUES] = { "attaching its queues",
				     "--queues 1 does without" },
	[PRIVILEGED_STEP_CHECK] = { "the check of what was made",
				    "see the kernel's log" },
	[PRIVILEGED_STEP_LINK] = { "setting address, MTU, no ARP and no IPv6 "
				   "autoconfiguration",
				   "check --mtu and --mac" },
	[PRIVILEGED_STEP_SHIELD] = { "setting the filters that keep its frames "
				     "from the host's own stack",
				     "it needs a kernel with sch_ingress and "
				     "cls_bpf (modprobe sch_ingress cls_bpf); "
				     "--host-visible does without them: then "
				     "the host takes part" },
	[PRIVILEGED_STEP_UP] = { "bringing it up", "see the kernel's log" },
};

const char *netdev_explain(enum privileged_step step, int error, char *buf,
			   size_t size, const char *name)
{
	if (step <= PRIVILEGED_STEP_NONE || step >= PRIVILEGED_STEP_COUNT)
		explain_helper(buf, size, error, name);
	else if (step == PRIVILEGED_STEP_CAPABILITY && error == -EPERM)
		explain_capability(buf, size, name);
	else if (step == PRIVILEGED_STEP_POLICY)
		explain_policy(buf, size, error, name);
	else if (step == PRIVILEGED_STEP_SEVERAL)
		explain_several(buf, size, name);
	else if (step == PRIVILEGED_STEP_OPEN)
		explain_open(buf, size, error);
	else if (step == PRIVILEGED_STEP_ATTACH && error == -EBUSY)
		explain_taken(buf, size, name);
	else if (step == PRIVILEGED_STEP_ATTACH && error == -ENOTTY)
		snprintf(buf, size,
			 TUN_PATH " is not the TUN/TAP device: remove it, then "
				  "mknod " TUN_PATH " c 10 200");
	else if (step == PRIVILEGED_STEP_ATTACH && error == -EINVAL)
		snprintf(
			buf, size,
			"cannot create %s: the kernel does not take that name; "
			"choose another with --name",
			name);
	else if (step == PRIVILEGED_STEP_CHECK && error == -EUSERS)
		snprintf(buf, size,
			 "cannot create %s: somebody else attached a queue to "
			 "it or changed it before it was root's, so it was "
			 "deleted again; find out who opens " TUN_PATH
			 ", as root: chmod 0600 " TUN_PATH
			 ", or use --queues 1",
			 name);
	else if (step == PRIVILEGED_STEP_LINK && error == -EADDRNOTAVAIL)
		snprintf(buf, size,
			 "cannot create %s: the kernel does not take that "
			 "address; choose another with --mac",
			 name);
	else
		snprintf(buf, size, "cannot create %s: %s failed: %s; %s", name,
			 steps[step].what, log_errno(-error), steps[step].hint);
	return buf;
}

enum tapfeed_exit netdev_exit_status(enum privileged_step step, int error)
{
	if (step <= PRIVILEGED_STEP_NONE || step >= PRIVILEGED_STEP_COUNT)
		return TAPFEED_EXIT_LOSS;
	if (step == PRIVILEGED_STEP_REQUEST)
		return TAPFEED_EXIT_USAGE;
	if (step == PRIVILEGED_STEP_ATTACH &&
	    (error == -EBUSY || error == -EEXIST || error == -EINVAL))
		return TAPFEED_EXIT_USAGE;
	if (step == PRIVILEGED_STEP_POLICY || error == -EPERM ||
	    error == -EACCES)
		return TAPFEED_EXIT_PERMISSION;
	return TAPFEED_EXIT_LOSS;
}
