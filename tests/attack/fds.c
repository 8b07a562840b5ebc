/* SPDX-License-Identifier: Apache-2.0 */
/* Acts with the descriptors that a process has. */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "tests/attack/attack.h"

#define ACT(name) static long name(const struct attack_fds *fds)

/* ---- any descriptor
 * ---------------------------------------------------------- */

#define FD_CALL(name, fd, call, ...)                                           \
	static long name(const struct attack_fds *fds)                         \
	{                                                                      \
		(void)fds;                                                     \
		return attack_result(syscall(SYS_##call, fd, ##__VA_ARGS__));  \
	}

FD_CALL(act_dup, 2, dup)
FD_CALL(act_dup3, 2, dup3, 9, 0)
FD_CALL(act_fcntl_dup, 2, fcntl, F_DUPFD, 3)
FD_CALL(act_fcntl_owner, fds->socket, fcntl, F_SETOWN, 1)
FD_CALL(act_fcntl_async, fds->socket, fcntl, F_SETFL, O_ASYNC)
FD_CALL(act_fcntl_lease, 2, fcntl, F_GETLEASE, 0)
FD_CALL(act_fcntl_seals, 2, fcntl, F_GETSIG, 0)
FD_CALL(act_fchmod, fds->socket, fchmod, 0777)
FD_CALL(act_fchown, fds->socket, fchown, -1, -1)
FD_CALL(act_ftruncate, 2, ftruncate, 0)
FD_CALL(act_fchdir, 2, fchdir)
FD_CALL(act_sendfile, 2, sendfile, 2, NULL, 0)
FD_CALL(act_splice, -1, splice, NULL, -1, NULL, 1, 0)
FD_CALL(act_copy_file_range, -1, copy_file_range, NULL, -1, NULL, 1, 0)
FD_CALL(act_writev, 2, writev, NULL, 0)
FD_CALL(act_readv, 0, readv, NULL, 0)
FD_CALL(act_pwrite, 2, pwrite64, "", 0, 0)
FD_CALL(act_ioctl_tiocsti, 2, ioctl, TIOCSTI, "x")
FD_CALL(act_ioctl_fionread, fds->socket, ioctl, FIONREAD, &(int){ 0 })
FD_CALL(act_ioctl_interface, fds->socket, ioctl, SIOCGIFCONF,
	&(struct ifconf){ 0 })

ACT(act_ioctl_interface_down)
{
	struct ifreq ifr = { .ifr_name = "lo" };

	return attack_result(
		syscall(SYS_ioctl, fds->socket, SIOCSIFFLAGS, &ifr));
}

/* ---- Unix sockets
 * ------------------------------------------------------------- */

long attack_send_fds(int sock, int fd, size_t n)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(253 * sizeof(int))];
	} control = { 0 };
	char byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_LEN(n * sizeof(int)),
	};

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(n * sizeof(int));
	for (size_t i = 0; i < n; i++)
		memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &fd,
		       sizeof(int));
	return attack_result(syscall(SYS_sendmsg, sock, &header,
				     MSG_DONTWAIT | MSG_NOSIGNAL));
}

/* To each socket there is: the first answer that is not an error. */
ACT(act_send_fd)
{
	long r = -EBADF;

	(void)fds;
	for (int sock = 3; r < 0 && sock < 64; sock++)
		if (fcntl(sock, F_GETFD) >= 0 || sock == 3)
			r = attack_send_fds(sock, 2, 1);
	return r;
}

ACT(act_send_many_fds)
{
	return attack_send_fds(fds->socket, 2, 253);
}

FD_CALL(act_sendmmsg, fds->socket, sendmmsg, NULL, 0, 0)
FD_CALL(act_recvmmsg, fds->socket, recvmmsg, NULL, 0, MSG_DONTWAIT, NULL)
FD_CALL(act_listen, fds->socket, listen, 1)
FD_CALL(act_accept, fds->socket, accept, NULL, NULL)
FD_CALL(act_setsockopt, fds->socket, setsockopt, SOL_SOCKET, SO_PASSCRED,
	&(int){ 1 }, sizeof(int))

ACT(act_connect)
{
	struct sockaddr_un address = { AF_UNIX, "/nowhere/sock" };

	return attack_result(
		syscall(SYS_connect, fds->socket, &address, sizeof(address)));
}

ACT(act_bind)
{
	struct sockaddr_un address = { AF_UNIX, "/nowhere/sock" };

	return attack_result(
		syscall(SYS_bind, fds->socket, &address, sizeof(address)));
}

ACT(act_sendto_address)
{
	struct sockaddr_un address = { AF_UNIX, "/nowhere/sock" };

	return attack_result(syscall(SYS_sendto, fds->socket, "x", 1,
				     MSG_DONTWAIT | MSG_NOSIGNAL, &address,
				     sizeof(address)));
}

/* ---- the interface's queue
 * ------------------------------------------------------ */

FD_CALL(act_tun_persist, fds->tun, ioctl, TUNSETPERSIST, 1)
FD_CALL(act_tun_owner, fds->tun, ioctl, TUNSETOWNER, 1000)
FD_CALL(act_tun_group, fds->tun, ioctl, TUNSETGROUP, 1000)
FD_CALL(act_tun_carrier, fds->tun, ioctl, TUNSETCARRIER, &(int){ 0 })
FD_CALL(act_tun_offload, fds->tun, ioctl, TUNSETOFFLOAD, 0)
FD_CALL(act_tun_header, fds->tun, ioctl, TUNSETVNETHDRSZ, &(int){ 12 })
FD_CALL(act_tun_sndbuf, fds->tun, ioctl, TUNSETSNDBUF, &(int){ 4096 })

/* The kernel refuses a second name, and not for want of permission. */
ACT(act_tun_attach)
{
	struct ifreq ifr = { .ifr_name = "tfattack",
			     .ifr_flags = IFF_TAP | IFF_NO_PI };

	return attack_result(syscall(SYS_ioctl, fds->tun, TUNSETIFF, &ifr));
}

ACT(act_tun_address)
{
	struct ifreq ifr = { 0 };

	ifr.ifr_hwaddr.sa_family = 1; /* ARPHRD_ETHER */
	ifr.ifr_hwaddr.sa_data[0] = 2;
	return attack_result(syscall(SYS_ioctl, fds->tun, SIOCSIFHWADDR, &ifr));
}

ACT(act_tun_filter)
{
	struct sock_filter code = BPF_STMT(BPF_RET | BPF_K, 0xffff);
	struct sock_fprog program = { 1, &code };

	return attack_result(
		syscall(SYS_ioctl, fds->tun, TUNATTACHFILTER, &program));
}

/*
 * What the host sends: the descriptor is open for writing alone. The control is
 * one that is open for both.
 */
ACT(act_tun_read)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	char data[64];
	int fd = fds->tun;

	if (!attack_guarded()) {
		fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
		if (ioctl(fd, TUNSETIFF, &ifr) < 0)
			return -errno;
	}
	return attack_result(syscall(SYS_read, fd, data, sizeof(data)));
}

/* ---- libpcap's packet socket
 * ------------------------------------------------------ */

static const uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
				   0,	 0,    0,    0,	   1,	 0x88, 0xb5 };

static struct sockaddr_ll link_address(int ifindex)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = htons(ETH_P_ALL),
				       .sll_ifindex = ifindex,
				       .sll_halen = 6 };

	memset(address.sll_addr, 0xff, 6);
	return address;
}

FD_CALL(act_packet_write, fds->packet, write, frame, sizeof(frame))
FD_CALL(act_packet_send, fds->packet, sendto, frame, sizeof(frame),
	MSG_DONTWAIT, NULL, 0)
FD_CALL(act_packet_receive, fds->packet, recvfrom, NULL, 0, MSG_DONTWAIT, NULL,
	NULL)

ACT(act_packet_sendto)
{
	struct sockaddr_ll address = link_address(1);

	return attack_result(syscall(SYS_sendto, fds->packet, frame,
				     sizeof(frame), MSG_DONTWAIT, &address,
				     sizeof(address)));
}

ACT(act_packet_sendmsg)
{
	struct iovec iov = { (void *)(uintptr_t)frame, sizeof(frame) };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };

	return attack_result(
		syscall(SYS_sendmsg, fds->packet, &header, MSG_DONTWAIT));
}

ACT(act_packet_bind)
{
	struct sockaddr_ll address = link_address(1);

	return attack_result(
		syscall(SYS_bind, fds->packet, &address, sizeof(address)));
}

static long set_option(const struct attack_fds *fds, int level, int option,
		       const void *value, size_t size)
{
	return attack_result(syscall(SYS_setsockopt, fds->packet, level, option,
				     value, size));
}

ACT(act_packet_attach_filter)
{
	struct sock_filter code = BPF_STMT(BPF_RET | BPF_K, 0xffff);
	struct sock_fprog program = { 1, &code };

	return set_option(fds, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			  sizeof(program));
}

ACT(act_packet_detach_filter)
{
	return set_option(fds, SOL_SOCKET, SO_DETACH_FILTER, &(int){ 0 },
			  sizeof(int));
}

ACT(act_packet_membership)
{
	struct packet_mreq request = { .mr_ifindex = 1,
				       .mr_type = PACKET_MR_PROMISC };

	return set_option(fds, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request,
			  sizeof(request));
}

/* The kernel refuses: a handle that libpcap has set up has one ring alone. */
ACT(act_packet_tx_ring)
{
	struct tpacket_req3 request = { 4096, 4, 2048, 8, 0, 0, 0 };

	return set_option(fds, SOL_PACKET, PACKET_TX_RING, &request,
			  sizeof(request));
}

ACT(act_packet_fanout)
{
	return set_option(fds, SOL_PACKET, PACKET_FANOUT, &(int){ 7 },
			  sizeof(int));
}

ACT(act_packet_copy)
{
	return set_option(fds, SOL_PACKET, PACKET_QDISC_BYPASS, &(int){ 1 },
			  sizeof(int));
}

/* By a number that the table lets it write to. */
ACT(act_packet_moved)
{
	long r = syscall(SYS_dup2, fds->packet, 9);

	return attack_result(
		r < 0 ? r : syscall(SYS_write, 9, frame, sizeof(frame)));
}

/* ---- the socket on which the kernel is asked who reads
 * --------------------------------------- */

static const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
static const struct nlmsghdr nothing = { .nlmsg_len = sizeof(nothing),
					 .nlmsg_type = NLMSG_NOOP };

FD_CALL(act_diag_sendto, fds->diag, sendto, &nothing, sizeof(nothing),
	MSG_DONTWAIT, &kernel, sizeof(kernel))
FD_CALL(act_diag_membership, fds->diag, setsockopt, SOL_NETLINK,
	NETLINK_ADD_MEMBERSHIP, &(int){ 1 }, sizeof(int))

/* To another process; then it would hear of that one. */
ACT(act_diag_connect)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_pid = 1 };

	return attack_result(
		syscall(SYS_connect, fds->diag, &address, sizeof(address)));
}

ACT(act_diag_sendmsg)
{
	struct iovec iov = { (void *)(uintptr_t)&nothing, sizeof(nothing) };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };

	return attack_result(
		syscall(SYS_sendmsg, fds->diag, &header, MSG_DONTWAIT));
}

/* By the one request of sock_diag(7) that changes something: a listening TCP
 * socket of somebody's is closed. The kernel's answer is the outcome. */
ACT(act_diag_destroy)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 request;
	} message = {
		.header = { sizeof(message), SOCK_DESTROY,
			    NLM_F_REQUEST | NLM_F_ACK, 1, 0 },
		.request = { .sdiag_family = AF_INET,
			     .sdiag_protocol = IPPROTO_TCP,
			     .idiag_states = UINT32_MAX },
	};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char more[4096];
	} answer = { .error = { .error = -ENOMSG } };

	message.request.id.idiag_sport = fds->tcp_port;
	message.request.id.idiag_src[0] = htonl(INADDR_LOOPBACK);
	memset(message.request.id.idiag_cookie, 0xff,
	       sizeof(message.request.id.idiag_cookie));
	if (syscall(SYS_sendto, fds->diag, &message, sizeof(message),
		    MSG_DONTWAIT, NULL, 0) < 0 ||
	    syscall(SYS_recvfrom, fds->diag, &answer, sizeof(answer),
		    MSG_DONTWAIT, NULL, NULL) < 0)
		return -errno;
	return answer.error.error;
}

#define ROW(name)                                                              \
	{                                                                      \
#name, act_##name                                              \
	}

const struct attack attack_fd[] = {
	ROW(dup),
	ROW(dup3),
	ROW(fcntl_dup),
	ROW(fcntl_owner),
	ROW(fcntl_async),
	ROW(fcntl_lease),
	ROW(fcntl_seals),
	ROW(fchmod),
	ROW(fchown),
	ROW(ftruncate),
	ROW(fchdir),
	ROW(sendfile),
	ROW(splice),
	ROW(copy_file_range),
	ROW(writev),
	ROW(readv),
	ROW(pwrite),
	ROW(ioctl_tiocsti),
	ROW(ioctl_fionread),
	ROW(ioctl_interface),
	ROW(ioctl_interface_down),
	ROW(send_fd),
	ROW(send_many_fds),
	ROW(sendmmsg),
	ROW(recvmmsg),
	ROW(listen),
	ROW(accept),
	ROW(setsockopt),
	ROW(connect),
	ROW(bind),
	ROW(sendto_address),
	ROW(tun_persist),
	ROW(tun_owner),
	ROW(tun_group),
	ROW(tun_carrier),
	ROW(tun_offload),
	ROW(tun_header),
	ROW(tun_sndbuf),
	ROW(tun_attach),
	ROW(tun_address),
	ROW(tun_filter),
	ROW(tun_read),
	ROW(packet_write),
	ROW(packet_send),
	ROW(packet_receive),
	ROW(packet_sendto),
	ROW(packet_sendmsg),
	ROW(packet_bind),
	ROW(packet_attach_filter),
	ROW(packet_detach_filter),
	ROW(packet_membership),
	ROW(packet_tx_ring),
	ROW(packet_fanout),
	ROW(packet_copy),
	ROW(packet_moved),
	ROW(diag_sendto),
	ROW(diag_membership),
	ROW(diag_connect),
	ROW(diag_sendmsg),
	ROW(diag_destroy),
};
const size_t attack_fd_count = sizeof(attack_fd) / sizeof(attack_fd[0]);
