/* SPDX-License-Identifier: Apache-2.0 */
/* Acts that need nothing but a process. By system call number: libc's wrappers
 * would choose another one. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attack/attack.h"

#define ACT(name) static long name(const struct attack_fds *fds)
#define UNUSED	  (void)fds

/* One call, whose outcome is the act's. */
#define CALL(name, ...)                                                        \
	static long name(const struct attack_fds *fds)                         \
	{                                                                      \
		(void)fds;                                                     \
		return attack_result(syscall(SYS_##__VA_ARGS__));              \
	}

static char said[] = "echo attack execve: 0 >&2";
static char shell[] = "sh", dash_c[] = "-c";
static char *const shell_argv[] = { shell, dash_c, said, NULL };
static char *const no_env[] = { NULL };

/* ---- programs and processes ------------------------------------------------
 */

CALL(act_execve, execve, "/bin/sh", shell_argv, no_env)

ACT(act_execveat)
{
	UNUSED;
	return attack_result(syscall(SYS_execveat, AT_FDCWD, "/bin/sh",
				     shell_argv, no_env, 0));
}

/* The child is gone at once. */
static long forked(long pid)
{
	if (pid == 0)
		syscall(SYS_exit_group, 0);
	return attack_result(pid);
}

#ifdef SYS_fork
ACT(act_fork)
{
	UNUSED;
	return forked(syscall(SYS_fork));
}
#endif

ACT(act_clone)
{
	UNUSED;
	return forked(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

ACT(act_clone_files)
{
	UNUSED;
	return forked(syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0));
}

ACT(act_clone3)
{
	struct clone_args args = { .exit_signal = SIGCHLD };

	UNUSED;
	return forked(syscall(SYS_clone3, &args, sizeof(args)));
}

ACT(act_clone_user_namespace)
{
	UNUSED;
	return forked(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
}

CALL(act_unshare_user, unshare, CLONE_NEWUSER)
CALL(act_unshare_net, unshare, CLONE_NEWNET)
CALL(act_unshare_files, unshare, CLONE_FILES)
CALL(act_setns, setns, -1, 0)

/* ---- files ------------------------------------------------------------------
 */

#ifdef SYS_open
CALL(act_open, open, "/etc/passwd", O_RDONLY)
#endif
CALL(act_openat, openat, AT_FDCWD, "/etc/passwd", O_RDONLY)
CALL(act_openat_shadow, openat, AT_FDCWD, "/etc/shadow", O_RDONLY)
CALL(act_openat_own_memory, openat, AT_FDCWD, "/proc/self/mem", O_RDWR)
CALL(act_openat_tun, openat, AT_FDCWD, "/dev/net/tun", O_RDWR)
CALL(act_openat_create, openat, AT_FDCWD, "/tmp", O_TMPFILE | O_RDWR, 0600)

ACT(act_openat2)
{
	struct open_how how = { .flags = O_RDONLY };

	UNUSED;
	return attack_result(syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", &how,
				     sizeof(how)));
}

CALL(act_mkdirat, mkdirat, AT_FDCWD, "/nowhere/tapfeed", 0700)
CALL(act_unlinkat, unlinkat, AT_FDCWD, "/nowhere/tapfeed", 0)
CALL(act_renameat, renameat2, AT_FDCWD, "/nowhere/a", AT_FDCWD, "/nowhere/b", 0)
CALL(act_symlinkat, symlinkat, "/etc", AT_FDCWD, "/nowhere/tapfeed")
CALL(act_linkat, linkat, AT_FDCWD, "/nowhere/a", AT_FDCWD, "/nowhere/b", 0)
CALL(act_mknodat, mknodat, AT_FDCWD, "/nowhere/tapfeed", 0, 0)
CALL(act_fchmodat, fchmodat, AT_FDCWD, "/nowhere/tapfeed", 0777)
CALL(act_fchownat, fchownat, AT_FDCWD, "/nowhere/tapfeed", 0, 0, 0)
CALL(act_truncate, truncate, "/nowhere/tapfeed", 0)
CALL(act_readlinkat, readlinkat, AT_FDCWD, "/proc/self/exe", said, 1)
CALL(act_getdents, getdents64, 2, said, 0)
CALL(act_chdir, chdir, "/")
CALL(act_chroot, chroot, "/")
CALL(act_memfd_create, memfd_create, "x", 0)
CALL(act_inotify, inotify_init1, 0)
CALL(act_open_by_handle, open_by_handle_at, AT_FDCWD, NULL, 0)
CALL(act_statx, statx, AT_FDCWD, "/etc/passwd", 0, 0, NULL)

CALL(act_mount, mount, "none", "/nowhere", "tmpfs", 0, NULL)
CALL(act_umount, umount2, "/nowhere", 0)
CALL(act_fsopen, fsopen, "tmpfs", 0)
CALL(act_move_mount, move_mount, AT_FDCWD, "/nowhere", AT_FDCWD, "/nowhere", 0)
CALL(act_pivot_root, pivot_root, "/nowhere", "/nowhere")

/* ---- sockets ----------------------------------------------------------------
 */

CALL(act_socket_inet, socket, AF_INET, SOCK_STREAM, 0)
CALL(act_socket_inet6, socket, AF_INET6, SOCK_STREAM, 0)
CALL(act_socket_raw, socket, AF_INET, SOCK_RAW, 1)
CALL(act_socket_packet, socket, AF_PACKET, SOCK_RAW, 0)
CALL(act_socket_netlink, socket, AF_NETLINK, SOCK_RAW, 0)
CALL(act_socket_unix, socket, AF_UNIX, SOCK_STREAM, 0)
CALL(act_socket_alg, socket, AF_ALG, SOCK_SEQPACKET, 0)
CALL(act_socket_vsock, socket, AF_VSOCK, SOCK_STREAM, 0)

ACT(act_socketpair)
{
	int ends[2];

	UNUSED;
	return attack_result(
		syscall(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, ends));
}

/* ---- other processes --------------------------------------------------------
 */

CALL(act_ptrace, ptrace, PTRACE_SEIZE, getppid(), 0, 0)
CALL(act_ptrace_traceme, ptrace, PTRACE_TRACEME, 0, 0, 0)
CALL(act_kill, kill, getppid(), 0)
CALL(act_kill_all, kill, -1, 0)
CALL(act_tgkill, tgkill, getppid(), getppid(), 0)
CALL(act_tkill, tkill, getppid(), 0)
CALL(act_pidfd_open, pidfd_open, getppid(), 0)
CALL(act_pidfd_getfd, pidfd_getfd, -1, 0, 0)
CALL(act_pidfd_send_signal, pidfd_send_signal, -1, 0, NULL, 0)
CALL(act_kcmp, kcmp, getpid(), getpid(), 0, 0, 0)
CALL(act_setpriority, setpriority, PRIO_PROCESS, 0, 1)
CALL(act_sched_setscheduler, sched_setaffinity, 0, sizeof(said), said)

ACT(act_process_vm_readv)
{
	struct iovec iov = { said, 1 };

	UNUSED;
	return attack_result(
		syscall(SYS_process_vm_readv, getppid(), &iov, 1, &iov, 1, 0));
}

ACT(act_process_vm_writev)
{
	struct iovec iov = { said, 1 };

	UNUSED;
	return attack_result(
		syscall(SYS_process_vm_writev, getppid(), &iov, 1, &iov, 1, 0));
}

ACT(act_prlimit_other)
{
	struct rlimit limit = { 0 };

	UNUSED;
	return attack_result(
		syscall(SYS_prlimit64, getppid(), RLIMIT_CORE, NULL, &limit));
}

/* ---- credentials ------------------------------------------------------------
 */

CALL(act_setuid, setuid, 0)
CALL(act_setresuid, setresuid, 0, 0, 0)
CALL(act_setgid, setgid, 0)
CALL(act_setgroups, setgroups, 0, NULL)
CALL(act_setfsuid, setfsuid, 0)

ACT(act_capset)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {
		{ .effective = 1u << CAP_NET_RAW,
		  .permitted = 1u << CAP_NET_RAW },
	};

	UNUSED;
	return attack_result(syscall(SYS_capset, &header, data));
}

CALL(act_prctl_dumpable, prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)
CALL(act_prctl_ambient, prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0,
     0)
CALL(act_prctl_name, prctl, PR_SET_NAME, "init", 0, 0, 0)

ACT(act_prlimit_up)
{
	struct rlimit limit;

	UNUSED;
	if (syscall(SYS_prlimit64, 0, RLIMIT_NPROC, NULL, &limit) < 0)
		return -errno;
	limit.rlim_cur = limit.rlim_max;
	return attack_result(
		syscall(SYS_prlimit64, 0, RLIMIT_NPROC, &limit, NULL));
}

CALL(act_keyctl, keyctl, 0, -3, 0, 0, 0)
CALL(act_add_key, add_key, "user", "x", "y", 1, -3)
CALL(act_personality, personality, ADDR_NO_RANDOMIZE)
CALL(act_seccomp, seccomp, SECCOMP_GET_ACTION_AVAIL, 0,
     &(uint32_t){ SECCOMP_RET_ALLOW })
CALL(act_landlock, landlock_create_ruleset, NULL, 0, 1)

/* ---- memory -----------------------------------------------------------------
 */

static long mapped(void *at)
{
	return at == MAP_FAILED ? -errno : 0;
}

ACT(act_mmap_exec)
{
	UNUSED;
	return mapped(mmap(NULL, 4096, PROT_READ | PROT_EXEC,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

ACT(act_mmap_shared)
{
	UNUSED;
	return mapped(
		mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

ACT(act_mmap_fixed)
{
	static char at[8192] __attribute__((aligned(4096)));

	UNUSED;
	return mapped(mmap(at, 4096, PROT_READ,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
}

/* The page that holds this very function. */
static long protect_code(int prot)
{
	uintptr_t at = (uintptr_t)&protect_code & ~(uintptr_t)4095;

	return attack_result(syscall(SYS_mprotect, at, 4096, prot));
}

ACT(act_mprotect_exec)
{
	UNUSED;
	return protect_code(PROT_READ | PROT_WRITE | PROT_EXEC);
}

ACT(act_mprotect_new_code)
{
	static char at[8192] __attribute__((aligned(4096)));

	UNUSED;
	return attack_result(
		syscall(SYS_mprotect, at, 4096, PROT_READ | PROT_EXEC));
}

CALL(act_pkey_mprotect, pkey_mprotect, NULL, 0, PROT_EXEC, -1)
CALL(act_shmget, shmget, 0, 4096, 0600)
CALL(act_remap_file_pages, remap_file_pages, NULL, 0, 0, 0, 0)

ACT(act_mremap_fixed)
{
	static char at[16384] __attribute__((aligned(4096)));

	UNUSED;
	return attack_result(syscall(SYS_mremap, at, 4096, 4096,
				     MREMAP_MAYMOVE | MREMAP_FIXED, at + 8192));
}

/* A gibibyte more than the process may have. */
ACT(act_memory_without_end)
{
	UNUSED;
	for (int i = 0; i < 64; i++)
		if (mmap(NULL, 32 << 20, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			return -errno;
	return 0;
}

CALL(act_userfaultfd, userfaultfd, 1)
CALL(act_process_madvise, process_madvise, -1, NULL, 0, 0, 0)

/* ---- the kernel -------------------------------------------------------------
 */

ACT(act_io_uring_setup)
{
	struct io_uring_params params = { 0 };

	UNUSED;
	return attack_result(syscall(SYS_io_uring_setup, 4, &params));
}

CALL(act_io_uring_register, io_uring_register, -1, 0, NULL, 0)
CALL(act_io_uring_enter, io_uring_enter, -1, 0, 0, 0, NULL, 0)

ACT(act_bpf)
{
	union bpf_attr attr = { 0 };

	UNUSED;
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = 4;
	attr.max_entries = 1;
	return attack_result(
		syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

ACT(act_perf_event_open)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
	};

	UNUSED;
	return attack_result(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

CALL(act_init_module, init_module, NULL, 0, "")
CALL(act_finit_module, finit_module, -1, "", 0)
CALL(act_kexec_load, kexec_load, 0, 0, NULL, ~0ul)
CALL(act_reboot, reboot, 0, 0, 0, NULL)
CALL(act_swapoff, swapoff, "/nowhere")
CALL(act_sethostname, sethostname, "x", -1)
CALL(act_syslog, syslog, 10, NULL, 0)
CALL(act_acct, acct, "/nowhere/acct")
CALL(act_clock_settime, clock_settime, -1, NULL)
CALL(act_quotactl, quotactl, -1, NULL, 0, NULL)
CALL(act_msgget, msgget, 0, 0600)
CALL(act_semget, semget, 0, 1, 0600)
CALL(act_mq_open, mq_open, "tapfeed-attack", O_RDONLY, 0, NULL)
CALL(act_timer_create, timer_create, 0, NULL, said)
CALL(act_eventfd, eventfd2, 0, 0)
CALL(act_epoll, epoll_create1, 0)
CALL(act_signalfd, signalfd4, -1, said, 8, 0)
CALL(act_timerfd, timerfd_create, 0, 0)
CALL(act_fanotify, fanotify_init, 0, 0)
CALL(act_pipe, pipe2, (int[2]){ 0 }, 0)
#ifdef SYS_iopl
CALL(act_iopl, iopl, 0)
CALL(act_ioperm, ioperm, 0, 1, 0)
CALL(act_modify_ldt, modify_ldt, 0, NULL, 0)
CALL(act_arch_prctl, arch_prctl, 0x3001, said)
#endif

#ifdef __x86_64__
/* Other ways into the kernel, with numbers that the table allows in its own. */
CALL(act_x32_getpid, getpid | 0x40000000)
CALL(act_x32_read, read | 0x40000000, 0, said, 0)

ACT(act_int80_getpid)
{
	long r;

	UNUSED;
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(20)
			 : "memory", "r8", "r9", "r10", "r11");
	return r < 0 ? r : 0;
}
#endif

#define ROW(name)                                                              \
	{                                                                      \
#name, act_##name                                              \
	}

const struct attack attack_general[] = {
	ROW(execve),
	ROW(execveat),
#ifdef SYS_fork
	ROW(fork),
#endif
	ROW(clone),
	ROW(clone_files),
	ROW(clone3),
	ROW(clone_user_namespace),
	ROW(unshare_user),
	ROW(unshare_net),
	ROW(unshare_files),
	ROW(setns),
#ifdef SYS_open
	ROW(open),
#endif
	ROW(openat),
	ROW(openat_shadow),
	ROW(openat_own_memory),
	ROW(openat_tun),
	ROW(openat_create),
	ROW(openat2),
	ROW(mkdirat),
	ROW(unlinkat),
	ROW(renameat),
	ROW(symlinkat),
	ROW(linkat),
	ROW(mknodat),
	ROW(fchmodat),
	ROW(fchownat),
	ROW(truncate),
	ROW(readlinkat),
	ROW(getdents),
	ROW(chdir),
	ROW(chroot),
	ROW(memfd_create),
	ROW(inotify),
	ROW(open_by_handle),
	ROW(statx),
	ROW(mount),
	ROW(umount),
	ROW(fsopen),
	ROW(move_mount),
	ROW(pivot_root),
	ROW(socket_inet),
	ROW(socket_inet6),
	ROW(socket_raw),
	ROW(socket_packet),
	ROW(socket_netlink),
	ROW(socket_unix),
	ROW(socket_alg),
	ROW(socket_vsock),
	ROW(socketpair),
	ROW(ptrace),
	ROW(ptrace_traceme),
	ROW(kill),
	ROW(kill_all),
	ROW(tgkill),
	ROW(tkill),
	ROW(pidfd_open),
	ROW(pidfd_getfd),
	ROW(pidfd_send_signal),
	ROW(kcmp),
	ROW(setpriority),
	ROW(sched_setscheduler),
	ROW(process_vm_readv),
	ROW(process_vm_writev),
	ROW(prlimit_other),
	ROW(setuid),
	ROW(setresuid),
	ROW(setgid),
	ROW(setgroups),
	ROW(setfsuid),
	ROW(capset),
	ROW(prctl_dumpable),
	ROW(prctl_ambient),
	ROW(prctl_name),
	ROW(prlimit_up),
	ROW(keyctl),
	ROW(add_key),
	ROW(personality),
	ROW(seccomp),
	ROW(landlock),
	ROW(mmap_exec),
	ROW(mmap_shared),
	ROW(mmap_fixed),
	ROW(mprotect_exec),
	ROW(mprotect_new_code),
	ROW(pkey_mprotect),
	ROW(shmget),
	ROW(remap_file_pages),
	ROW(mremap_fixed),
	ROW(memory_without_end),
	ROW(userfaultfd),
	ROW(process_madvise),
	ROW(io_uring_setup),
	ROW(io_uring_register),
	ROW(io_uring_enter),
	ROW(bpf),
	ROW(perf_event_open),
	ROW(init_module),
	ROW(finit_module),
	ROW(kexec_load),
	ROW(reboot),
	ROW(swapoff),
	ROW(sethostname),
	ROW(syslog),
	ROW(acct),
	ROW(clock_settime),
	ROW(quotactl),
	ROW(msgget),
	ROW(semget),
	ROW(mq_open),
	ROW(timer_create),
	ROW(eventfd),
	ROW(epoll),
	ROW(signalfd),
	ROW(timerfd),
	ROW(fanotify),
	ROW(pipe),
#ifdef SYS_iopl
	ROW(iopl),
	ROW(ioperm),
	ROW(modify_ldt),
	ROW(arch_prctl),
#endif
#ifdef __x86_64__
	ROW(x32_getpid),
	ROW(x32_read),
	ROW(int80_getpid),
#endif
};
const size_t attack_general_count =
	sizeof(attack_general) / sizeof(attack_general[0]);
