/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Acts by system calls that a table has, with arguments that it has not; calls
 * that general.c leaves out; and all numbers there are.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/attack/attack.h"

/* Beyond the last number of any architecture. */
#define NUMBERS 1024

#define ACT(name) static long name(const struct attack_fds *fds)
#define UNUSED	  (void)fds

#define CALL(name, ...)                                                        \
	static long name(const struct attack_fds *fds)                         \
	{                                                                      \
		(void)fds;                                                     \
		return attack_result(syscall(SYS_##__VA_ARGS__));              \
	}

static char at[16384] __attribute__((aligned(4096)));

/* ---- memory -----------------------------------------------------------------
 */

static long mapped(size_t len, int prot, int flags, int fd)
{
	return mmap(NULL, len, prot, flags, fd, 0) == MAP_FAILED ? -errno : 0;
}

ACT(act_mmap_file)
{
	return mapped(4096, PROT_READ, MAP_PRIVATE, fds->memory);
}

ACT(act_mmap_file_shared)
{
	return mapped(4096, PROT_READ | PROT_WRITE, MAP_SHARED, fds->memory);
}

/* Its code in a file, and that file run. */
ACT(act_mmap_file_exec)
{
	return mapped(4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fds->memory);
}

ACT(act_mmap_shared_validate)
{
	return mapped(4096, PROT_READ, MAP_SHARED_VALIDATE, fds->memory);
}

ACT(act_mmap_all_prot)
{
	UNUSED;
	return mapped(4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

CALL(act_mprotect_heap_exec, mprotect, at, 4096,
     PROT_READ | PROT_WRITE | PROT_EXEC)
CALL(act_mprotect_only_exec, mprotect, at, 4096, PROT_EXEC)
CALL(act_mremap_keep, mremap, at, 4096, 4096,
     MREMAP_MAYMOVE | 4 /* MREMAP_DONTUNMAP */, 0)
CALL(act_madvise_fork, madvise, at, 4096, MADV_DONTFORK)
CALL(act_madvise_dump, madvise, at, 4096, MADV_DODUMP)
CALL(act_madvise_merge, madvise, at, 4096, MADV_COLD)
CALL(act_mlock, mlock, at, 4096)
CALL(act_mlockall, mlockall, MCL_CURRENT)
CALL(act_mincore, mincore, at, 4096, at)
CALL(act_msync, msync, at, 4096, MS_ASYNC)
CALL(act_mbind, mbind, at, 4096, MPOL_DEFAULT, NULL, 0, 0)
CALL(act_set_mempolicy, set_mempolicy, MPOL_DEFAULT, NULL, 0)
CALL(act_memfd_secret, memfd_secret, 0)
CALL(act_pkey_alloc, pkey_alloc, 0, 0)

ACT(act_fexecve)
{
	static char name[] = "x";
	char *const argv[] = { name, NULL };

	return attack_result(syscall(SYS_execveat, fds->memory, "", argv, argv,
				     AT_EMPTY_PATH));
}

/* ---- descriptors ------------------------------------------------------------
 */

#define FD_CALL(name, fd, call, ...)                                           \
	static long name(const struct attack_fds *fds)                         \
	{                                                                      \
		(void)fds;                                                     \
		return attack_result(syscall(SYS_##call, fd, ##__VA_ARGS__));  \
	}

#ifdef SYS_dup2
FD_CALL(act_dup2, 2, dup2, 9)
#endif
FD_CALL(act_close_range, 200, close_range, 300, 0)
FD_CALL(act_fcntl_dup_cloexec, 2, fcntl, F_DUPFD_CLOEXEC, 3)
FD_CALL(act_fcntl_setfd, 2, fcntl, F_SETFD, 0)
FD_CALL(act_fcntl_signal, fds->notify, fcntl, F_SETSIG, SIGKILL)
FD_CALL(act_fcntl_add_seals, fds->memory, fcntl, F_ADD_SEALS, F_SEAL_SEAL)
FD_CALL(act_fcntl_lock, fds->memory, fcntl, F_SETLK,
	&(struct flock){ .l_type = F_RDLCK })
FD_CALL(act_fcntl_direct, fds->memory, fcntl, F_SETFL, O_APPEND)
FD_CALL(act_ioctl_async, fds->notify, ioctl, FIOASYNC, &(int){ 0 })
FD_CALL(act_ioctl_owner, fds->notify, ioctl, FIOSETOWN, &(int){ 0 })
FD_CALL(act_ioctl_name, fds->notify, ioctl, 0x8910 /* SIOCGIFNAME */, at)
FD_CALL(act_fallocate, fds->memory, fallocate, 0, 0, 4096)
FD_CALL(act_fsync, fds->memory, fsync)
FD_CALL(act_pread, fds->memory, pread64, at, 1, 0)
FD_CALL(act_preadv, fds->memory, preadv, at, 0, 0, 0)
FD_CALL(act_vmsplice, -1, vmsplice, NULL, 1, 0)
FD_CALL(act_tee, -1, tee, -1, 1, 0)
FD_CALL(act_readahead, fds->memory, readahead, 0, 1)
FD_CALL(act_fadvise, fds->memory, fadvise64, 0, 0, 0)
FD_CALL(act_fstatfs, fds->memory, fstatfs, at)
FD_CALL(act_fsetxattr, fds->memory, fsetxattr, "user.x", "y", 1, 0)
FD_CALL(act_shutdown, fds->notify, shutdown, SHUT_RD)
FD_CALL(act_getsockopt_level, fds->notify, getsockopt, SOL_SOCKET + 1, 0, at,
	&(socklen_t){ 4 })
FD_CALL(act_setsockopt_passcred, fds->notify, setsockopt, SOL_SOCKET,
	SO_PASSCRED, &(int){ 1 }, sizeof(int))
FD_CALL(act_accept_notify, fds->notify, accept4, NULL, NULL, 0)

/* To a socket that nobody made its table for: the feed has write(2) alone. */
FD_CALL(act_send_feed, fds->stream, sendto, at, 0, MSG_DONTWAIT, NULL, 0)

ACT(act_receive_fds)
{
	struct iovec iov = { at, 1 };
	char control[CMSG_SPACE(sizeof(int))];
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};

	return attack_result(
		syscall(SYS_recvmsg, fds->notify, &header, MSG_DONTWAIT));
}

ACT(act_send_notify_elsewhere)
{
	struct sockaddr_un address = { AF_UNIX, "\0nobody" };

	return attack_result(syscall(SYS_sendto, fds->notify, "x", 1,
				     MSG_DONTWAIT | MSG_NOSIGNAL, &address, 9));
}

ACT(act_send_notify_fds)
{
	return attack_send_fds(fds->notify, 2, 1);
}

ACT(act_send_feed_fds)
{
	return attack_send_fds(fds->stream, 2, 1);
}

/* Port 9 of the host itself: nobody listens, so the kernel refuses. */
static long with_tcp(const struct attack_fds *fds, long number)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(9) };

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return attack_result(
		syscall(number, fds->tcp, &address, sizeof(address)));
}

ACT(act_connect_tcp)
{
	return with_tcp(fds, SYS_connect);
}

ACT(act_bind_tcp)
{
	return with_tcp(fds, SYS_bind);
}

ACT(act_connect_abstract)
{
	struct sockaddr_un address = { AF_UNIX, ATTACK_LISTENS };

	return attack_result(syscall(SYS_connect, fds->local, &address,
				     offsetof(struct sockaddr_un, sun_path) +
					     sizeof(ATTACK_LISTENS) - 1));
}

CALL(act_socketpair_datagram, socketpair, AF_UNIX, SOCK_DGRAM, 0, at)
CALL(act_socketpair_seqpacket, socketpair, AF_UNIX, SOCK_SEQPACKET, 0, at)
CALL(act_socketpair_tipc, socketpair, AF_TIPC, SOCK_STREAM, 0, at)

/* ---- the rest ---------------------------------------------------------------
 */

CALL(act_rt_sigaction, rt_sigaction, SIGUSR2, NULL, NULL, 8)
CALL(act_sigaltstack, sigaltstack, NULL, NULL)
CALL(act_setitimer, setitimer, ITIMER_REAL, at, NULL)
CALL(act_setsid, setsid)
CALL(act_setpgid, setpgid, 0, 0)
CALL(act_umask, umask, 077)
CALL(act_uname, uname, at)
CALL(act_sysinfo, sysinfo, at)
CALL(act_membarrier, membarrier, 0, 0, 0)
CALL(act_sched_setattr, sched_getattr, 0, at, 56, 0)
CALL(act_ioprio, ioprio_set, 1, 0, 0)
CALL(act_prctl_seccomp, prctl, 21 /* PR_GET_SECCOMP */, 0, 0, 0, 0)
CALL(act_prctl_mm, prctl, 35 /* PR_SET_MM */, 99, 0, 0, 0)
CALL(act_prctl_tracer, prctl, 0x59616d61 /* PR_SET_PTRACER */, 0, 0, 0, 0)
CALL(act_prctl_securebits, prctl, 27 /* PR_GET_SECUREBITS */, 0, 0, 0, 0)
CALL(act_prctl_bounding, prctl, 23 /* PR_CAPBSET_READ */, 0, 0, 0, 0)
CALL(act_capget, capget, at, NULL)
CALL(act_getcwd, getcwd, at, sizeof(at))
CALL(act_faccessat, faccessat, AT_FDCWD, "/etc/shadow", 0)
CALL(act_statfs, statfs, "/", at)
CALL(act_setxattr, setxattr, "/nowhere", "user.x", "y", 1, 0)
CALL(act_utimensat, utimensat, AT_FDCWD, "/nowhere", NULL, 0)
CALL(act_name_to_handle, name_to_handle_at, AT_FDCWD, "/", NULL, NULL, 0)
CALL(act_swapon, swapon, "/nowhere", 0)
CALL(act_settimeofday, settimeofday, NULL, NULL)
CALL(act_adjtimex, adjtimex, NULL)
CALL(act_open_tree, open_tree, AT_FDCWD, "/nowhere", 0)
CALL(act_mount_setattr, mount_setattr, AT_FDCWD, "/nowhere", 0, NULL, 0)
CALL(act_fspick, fspick, AT_FDCWD, "/nowhere", 0)
CALL(act_landlock_restrict, landlock_restrict_self, -1, 0)
CALL(act_process_mrelease, process_mrelease, -1, 0)
CALL(act_io_setup, io_setup, 1, at)
CALL(act_sync, sync)

#define ROW(name)                                                              \
	{                                                                      \
#name, act_##name                                              \
	}

const struct attack attack_argument[] = {
	ROW(mmap_file),
	ROW(mmap_file_shared),
	ROW(mmap_file_exec),
	ROW(mmap_shared_validate),
	ROW(mmap_all_prot),
	ROW(mprotect_heap_exec),
	ROW(mprotect_only_exec),
	ROW(mremap_keep),
	ROW(madvise_fork),
	ROW(madvise_dump),
	ROW(madvise_merge),
	ROW(mlock),
	ROW(mlockall),
	ROW(mincore),
	ROW(msync),
	ROW(mbind),
	ROW(set_mempolicy),
	ROW(memfd_secret),
	ROW(pkey_alloc),
	ROW(fexecve),
#ifdef SYS_dup2
	ROW(dup2),
#endif
	ROW(close_range),
	ROW(fcntl_dup_cloexec),
	ROW(fcntl_setfd),
	ROW(fcntl_signal),
	ROW(fcntl_add_seals),
	ROW(fcntl_lock),
	ROW(fcntl_direct),
	ROW(ioctl_async),
	ROW(ioctl_owner),
	ROW(ioctl_name),
	ROW(fallocate),
	ROW(fsync),
	ROW(pread),
	ROW(preadv),
	ROW(vmsplice),
	ROW(tee),
	ROW(readahead),
	ROW(fadvise),
	ROW(fstatfs),
	ROW(fsetxattr),
	ROW(shutdown),
	ROW(getsockopt_level),
	ROW(setsockopt_passcred),
	ROW(accept_notify),
	ROW(send_feed),
	ROW(receive_fds),
	ROW(send_notify_elsewhere),
	ROW(send_notify_fds),
	ROW(send_feed_fds),
	ROW(connect_tcp),
	ROW(bind_tcp),
	ROW(connect_abstract),
	ROW(socketpair_datagram),
	ROW(socketpair_seqpacket),
	ROW(socketpair_tipc),
	ROW(rt_sigaction),
	ROW(sigaltstack),
	ROW(setitimer),
	ROW(setsid),
	ROW(setpgid),
	ROW(umask),
	ROW(uname),
	ROW(sysinfo),
	ROW(membarrier),
	ROW(sched_setattr),
	ROW(ioprio),
	ROW(prctl_seccomp),
	ROW(prctl_mm),
	ROW(prctl_tracer),
	ROW(prctl_securebits),
	ROW(prctl_bounding),
	ROW(capget),
	ROW(getcwd),
	ROW(faccessat),
	ROW(statfs),
	ROW(setxattr),
	ROW(utimensat),
	ROW(name_to_handle),
	ROW(swapon),
	ROW(settimeofday),
	ROW(adjtimex),
	ROW(open_tree),
	ROW(mount_setattr),
	ROW(fspick),
	ROW(landlock_restrict),
	ROW(process_mrelease),
	ROW(io_setup),
	ROW(sync),
};
const size_t attack_argument_count =
	sizeof(attack_argument) / sizeof(attack_argument[0]);

/* ---- all numbers ------------------------------------------------------------
 */

static sigjmp_buf refused;

/* Not every table has the end of a handler. */
static void on_refused(int number)
{
	(void)number;
	siglongjmp(refused, 1);
}

/*
 * What would end this process, or jump. uretprobe (335) and uprobe (336) are
 * the kernel's own trampolines, which newer kernels hand to no filter: SIGILL
 * for who calls them.
 */
static bool is_the_end(int number)
{
#ifdef __x86_64__
	if (number == 335 || number == 336)
		return true;
#endif
	return number == SYS_exit || number == SYS_exit_group ||
	       number == SYS_rt_sigreturn;
}

static void say_reached(const bool *reached)
{
	char text[2048] = "";

	for (int i = 0; i < NUMBERS; i++) {
		char *name = reached[i] ? seccomp_syscall_resolve_num_arch(
						  SCMP_ARCH_NATIVE, i)
					: NULL;

		if (!reached[i])
			continue;
		strncat(text, " ", sizeof(text) - strlen(text) - 1);
		strncat(text, name ? name : "?",
			sizeof(text) - strlen(text) - 1);
		free(name);
	}
	attack_say("every_number:%s", text);
}

void attack_every_number(const struct sandbox_policy *policy)
{
	static bool reached[NUMBERS];
	struct sandbox_policy trapping = *policy;
	struct sigaction action = { .sa_handler = on_refused,
				    .sa_flags = SA_NODEFER };

	/* Refused as in production, and told instead of killed. */
	trapping.trap = true;
	sigaction(SIGSYS, &action, NULL);
	if (__real_sandbox_seal(&trapping) < 0) {
		attack_say("every_number: not sealed");
		return;
	}
	for (volatile int i = 0; i < NUMBERS; i++) {
		if (is_the_end(i) || sigsetjmp(refused, 0))
			continue;
		syscall(i, -1L, -1L, -1L, -1L, -1L, -1L);
		reached[i] = true;
	}
	say_reached(reached);
}
