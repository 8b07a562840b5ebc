# SPDX-License-Identifier: Apache-2.0
"""Runs the acts of tests/attack from inside a process: each once in the sandbox, where
it must not get through, and once without (the control), where it must. Prints TAP."""
import errno
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..",
                                "netns"))
import harness
from harness import BUILDDIR, SAMPLE, SANITIZED, SLOW, case, check, path, run

if harness.TRACED:
    harness.skip_all("a build that traces confines nothing")

KILLED = "SIGSYS"
UNKNOWN = ("ENOSYS", "EAFNOSUPPORT")
REPLAY = ("replay", "--name", "tf0", SAMPLE)
FOLDERS = {"tapfeed": "launcher", "tapfeed-privileged": "privileged",
           "tapfeed-injector": "injector", "tapfeed-capture": "capture"}


def tree(attacker):
    """A build tree whose attacker is the attack build; the rest is real."""
    top = path("tree." + attacker)
    if not os.path.isdir(top):
        for program, folder in FOLDERS.items():
            source = "tests/attack" if program == attacker else folder
            os.makedirs(os.path.join(top, folder))
            shutil.copy(os.path.join(BUILDDIR, source, program),
                        os.path.join(top, folder, program))
        os.chmod(harness.tmp, 0o755)
    return os.path.join(top, "launcher", "tapfeed")


def attempt(attacker, act, guard, command=REPLAY, ring=True, **environment):
    """What came of it: KILLED, 0, the name of an errno, or what was said instead.
    guard: "on", "off", or "nofilter" (all but the system-call filter)."""
    environment = dict(os.environ, TAPFEED_ATTACK=act, TAPFEED_ATTACKER=attacker,
                       TAPFEED_GUARD=guard, **environment)
    without = [] if ring else [os.path.join(BUILDDIR, "tests/netns/without-io-uring")]
    done = subprocess.run([*without, tree(attacker), *command], env=environment, text=True,
                          errors="backslashreplace", stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          timeout=30 * SLOW)
    for name in ("tf0", "lc0"):  # made persistent by the control
        if harness.exists(name):
            run("ip", "link", "del", name)
    if act == "ioctl_interface_down":
        run("ip", "link", "set", "lo", "up")
    match = re.search(r"attack \w+: (-?\d+)", done.stderr)
    if match:
        number = -int(match.group(1))
        return errno.errorcode.get(number, str(number)) if number else 0
    killed = r"security: %s was killed by signal 31 \(SIGSYS\)" % attacker
    # Killed by the act, that is: it has begun.
    if re.search("attack %s begins" % act, done.stderr) and (
            done.returncode == -31 or re.search(killed, done.stderr)):
        return KILLED
    return "status %d: %s" % (done.returncode, done.stderr)


def add(attacker, who, rows, command=REPLAY, aim="", **environment):
    """One case a row: (act, must happen, what the control gives: one of); aim: at whom,
    for the title. ring=False: where there is none."""
    for act, wanted, through in rows:
        title = "%s: %s%s: %s (control: %s)" % (
            who, act.replace("_", " "), aim,
            "killed by SIGSYS" if wanted == KILLED else wanted,
            " or ".join("got through" if t == 0 else t for t in through))

        def body(act=act, wanted=wanted, through=through):
            control = attempt(attacker, act, "off", command, **environment)
            check(control in through, "control: %s" % control)
            result = attempt(attacker, act, "on", command, **environment)
            check(result == wanted, "in the sandbox: %s" % result)
            if control in UNKNOWN:
                # It does not get through anywhere here, but the kernel answers it,
                # where the filter kills.
                harness.note("%s: this kernel does not know it: %s" % (act, control))

        case(title, limit=40)(body)


# ---- the acts --------------------------------------------------------------------

# Where the control is not success: the kernel's answer to a call that reached it, with
# arguments that do no harm.
ANSWERS = {
    "ENOENT": """mkdirat unlinkat renameat symlinkat linkat mknodat fchmodat fchownat
        truncate mount umount move_mount pivot_root swapoff acct mq_open connect bind
        sendto_address setxattr utimensat swapon open_tree fspick""",
    "EBADF": """setns pidfd_getfd pidfd_send_signal process_madvise io_uring_enter
        sendfile splice copy_file_range vmsplice tee landlock_restrict
        process_mrelease""",
    "EINVAL": """remap_file_pages io_uring_register reboot sethostname quotactl
        arch_prctl ftruncate mount_setattr prctl_tracer pkey_alloc""",
    "EFAULT": """open_by_handle statx process_vm_readv process_vm_writev clock_settime
        name_to_handle adjtimex""",
    "ENOTDIR": "getdents fchdir",
    "ESPIPE": "pwrite",
    "ENOTTY": "ioctl_tiocsti",
    "EEXIST": "tun_attach",
    "EAGAIN": "packet_receive tun_read receive_fds",
    "ENETDOWN": "packet_sendto",
    "EBUSY": "packet_tx_ring",
    # The filter is locked; a memfd is born without seals to add; CAP_SYS_RESOURCE.
    "ENOTSUP": "listen accept accept_notify getsockopt_level",
    "ENOEXEC": "fexecve",  # the file is empty
    "ENODEV": "ioctl_name",  # there is no interface of that number
    "ECONNREFUSED": "connect_tcp send_notify_elsewhere",
    "EPERM": "packet_attach_filter packet_detach_filter fcntl_add_seals prctl_mm",
}
ANSWER = {act: answer for answer, acts in ANSWERS.items() for act in acts.split()}

# Kernels differ: these may be built without.
ALSO = {
    "ENOSYS": """init_module finit_module kexec_load iopl ioperm kcmp keyctl add_key
        x32_getpid x32_read modify_ldt shmget msgget semget mq_open acct quotactl swapoff
        swapon userfaultfd mbind set_mempolicy memfd_secret pkey_alloc open_tree
        mount_setattr fspick name_to_handle landlock_restrict process_mrelease io_setup
        membarrier prctl_seccomp bpf perf_event_open io_uring_setup io_uring_register io_uring_enter
        fanotify remap_file_pages process_madvise personality""",
    "EAFNOSUPPORT": "socket_alg socket_vsock socket_inet6 socketpair_tipc",
    "EPERM": """init_module finit_module kexec_load iopl ioperm reboot userfaultfd
        io_uring_setup bpf perf_event_open add_key keyctl swapoff acct syslog swapon
        settimeofday sibling_prlimit prctl_mm mbind""",
    "EOPNOTSUPP": "landlock openat_create fsetxattr socketpair_tipc",
    "ENOKEY": "keyctl",
    "EDQUOT": "add_key",
    "EFAULT": "init_module modify_ldt",
    "EBADF": "finit_module",
    "EADDRNOTAVAIL": "kexec_load",
    "EINVAL": """kexec_load io_uring_enter ioctl_fionread pwrite madvise_merge prctl_mm
        memfd_secret prctl_seccomp""",
    "ENOMEM": "mlock mlockall",  # RLIMIT_MEMLOCK
    "ENOSPC": "pkey_alloc",
    "EIO": "ioctl_tiocsti",
    "ENODEV": "quotactl",
    0: "pwrite process_vm_readv process_vm_writev ftruncate packet_sendto",
}

GENERAL = """execve execveat fork clone clone_files clone3 clone_user_namespace unshare_user
    unshare_net unshare_files setns open openat openat_shadow openat_own_memory
    openat_tun openat_create openat2 mkdirat unlinkat renameat symlinkat linkat mknodat
    fchmodat fchownat truncate readlinkat getdents chdir chroot memfd_create inotify
    open_by_handle statx mount umount fsopen move_mount pivot_root socket_inet
    socket_inet6 socket_raw socket_packet socket_netlink socket_unix socket_alg
    socket_vsock socketpair ptrace ptrace_traceme kill kill_all tgkill tkill pidfd_open
    pidfd_getfd pidfd_send_signal kcmp setpriority sched_setscheduler process_vm_readv
    process_vm_writev prlimit_other setuid setresuid setgid setgroups setfsuid capset
    prctl_dumpable prctl_ambient prctl_name prlimit_up keyctl add_key personality seccomp
    landlock mmap_exec mmap_shared mmap_fixed mprotect_exec mprotect_new_code
    pkey_mprotect shmget remap_file_pages mremap_fixed userfaultfd process_madvise
    io_uring_setup io_uring_register io_uring_enter bpf perf_event_open init_module
    finit_module kexec_load reboot swapoff sethostname syslog acct clock_settime quotactl
    msgget semget mq_open timer_create eventfd epoll signalfd timerfd fanotify pipe iopl
    ioperm modify_ldt arch_prctl x32_getpid x32_read int80_getpid""".split()

DESCRIPTORS = """dup dup3 fcntl_dup fcntl_owner fcntl_async fcntl_lease fcntl_seals fchmod
    fchown ftruncate fchdir sendfile splice copy_file_range writev readv pwrite
    ioctl_tiocsti ioctl_fionread ioctl_interface ioctl_interface_down send_fd sendmmsg
    recvmmsg listen accept setsockopt connect bind sendto_address""".split()

# Those that a table has, with arguments that it has not; some more.
ARGUMENTS = """mmap_file mmap_file_shared mmap_file_exec mmap_shared_validate
    mmap_all_prot mprotect_heap_exec mprotect_only_exec mremap_keep madvise_fork
    madvise_dump madvise_merge mlock mlockall mincore msync mbind set_mempolicy
    memfd_secret pkey_alloc fexecve dup2 close_range fcntl_dup_cloexec fcntl_setfd
    fcntl_add_seals fcntl_lock fcntl_direct fallocate fsync pread preadv vmsplice tee
    readahead fadvise fstatfs fsetxattr connect_tcp bind_tcp connect_abstract
    socketpair_datagram socketpair_seqpacket socketpair_tipc sigaltstack setitimer setsid
    setpgid umask uname sysinfo membarrier sched_setattr ioprio prctl_seccomp prctl_mm
    prctl_tracer prctl_securebits prctl_bounding capget getcwd faccessat statfs setxattr
    utimensat name_to_handle swapon settimeofday adjtimex open_tree mount_setattr fspick
    landlock_restrict process_mrelease io_setup sync""".split()

# On the descriptors that a worker has.
SOCKETS = """fcntl_signal ioctl_async ioctl_owner ioctl_name shutdown getsockopt_level
    setsockopt_passcred accept_notify receive_fds send_notify_elsewhere send_notify_fds
    send_feed send_feed_fds""".split()

# By the ring. The descriptors' own acts are for the plain writer: with the ring there is
# no descriptor.
RING = """ring_openat ring_openat_fixed ring_openat2 ring_statx ring_unlinkat ring_mkdirat
    ring_close ring_close_queue ring_splice ring_fallocate ring_socket ring_connect
    ring_connect_fixed ring_send ring_sendmsg ring_recvmsg ring_shutdown ring_read
    ring_read_queue ring_write ring_write_queue ring_writev ring_write_fixed_to_fd
    ring_nop ring_nop_fixed ring_linked ring_async ring_drained ring_files_update
    ring_provide_buffers ring_message ring_command ring_every_operation""".split()
# What the restriction leaves: other files, other memory.
RING_NOWHERE = """ring_write_fixed_to_no_queue ring_write_fixed_from_outside
    ring_write_fixed_from_no_buffer""".split()
RING_CALLS = """ring_register_files ring_unregister_buffers ring_register_probe
    ring_register_personality ring_register_restrictions ring_enter_signals
    ring_enter_wakeup ring_enter_registered ring_enter_other""".split()

SIBLING = """sibling_kill sibling_tgkill sibling_sigqueue sibling_ptrace
    sibling_read_memory sibling_write_memory sibling_take_fd sibling_pidfd_signal
    sibling_prlimit sibling_nice sibling_open_memory""".split()

QUEUE = """tun_persist tun_owner tun_group tun_carrier tun_offload tun_header tun_sndbuf
    tun_attach tun_address tun_filter""".split()

PACKET = """packet_write packet_send packet_receive packet_sendto packet_sendmsg packet_bind
    packet_attach_filter packet_detach_filter packet_membership packet_tx_ring
    packet_fanout packet_copy packet_moved""".split()

DIAG = "diag_sendto diag_membership diag_connect diag_sendmsg".split()

# What a sanitizer's own calls need is let in there alone, or refused alive.
SANITIZERS = """open openat openat_shadow openat_own_memory openat_tun openat_create
    readlinkat mmap_exec mmap_shared mmap_fixed mremap_fixed tgkill personality pipe
    prlimit_other prlimit_up memory_without_end mmap_file mmap_file_shared mmap_file_exec
    mmap_shared_validate mmap_all_prot mremap_keep madvise_fork madvise_dump
    madvise_merge sigaltstack sibling_tgkill sibling_prlimit
    sibling_open_memory""".split()


def rows(acts, answers=None):
    """Rows of acts that have to be deadly; answers: where the control's differ."""
    for act in acts:
        if SANITIZED and act in SANITIZERS:
            continue
        if not os.uname().machine == "x86_64" and act in (
                "open", "fork", "dup2", "iopl", "ioperm", "modify_ldt", "arch_prctl",
                "x32_getpid", "x32_read", "int80_getpid"):
            continue
        through = [(answers or {}).get(act, ANSWER.get(act, 0))]
        through += [answer for answer, some in ALSO.items() if act in some.split()]
        yield act, KILLED, through


def memory():
    """Address space without end: its own limit, and nobody else's."""
    if not SANITIZED:
        yield "memory_without_end", "ENOMEM", [0]
