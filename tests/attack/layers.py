# SPDX-License-Identifier: Apache-2.0
"""Behind the system-call filter: the same processes with all of the sandbox but the
filter. Users, capabilities, limits and Landlock refuse these by themselves."""
import ctypes

import attacks
from attacks import attempt
from harness import SANITIZED, Skip, case, check, main, run, service_uid
from livefeed import wire
import os

LIVE = ("live", "--name", "lc0", "eth1")
# Landlock's version that has it: files, TCP, signals and sockets outside.
FILES, TCP, SCOPES = 1, 4, 6

WORKERS = {
    "EACCES": """execve execveat open openat openat_shadow openat_own_memory openat_tun
        openat_create openat2 connect_tcp bind_tcp perf_event_open""",
    "EAGAIN": "fork clone clone_files clone3 clone_user_namespace",
    "EPERM": """unshare_net chroot fsopen move_mount pivot_root socket_raw socket_packet
        ptrace kill tgkill tkill process_vm_readv process_vm_writev setuid setresuid
        setgid setgroups capset bpf reboot swapoff sethostname acct ioctl_interface_down
        settimeofday swapon connect_abstract""",
    "ENOMEM": "memory_without_end",
}
# What the ring refuses by itself.
RING = {
    "EACCES": """ring_openat ring_connect ring_socket ring_read ring_write
        ring_write_fixed_to_fd ring_every_operation ring_register_files
        ring_unregister_buffers ring_register_personality""",
    "EFAULT": "ring_write_fixed_from_outside",
}
SIBLING = """sibling_kill sibling_sigqueue sibling_ptrace sibling_read_memory
    sibling_write_memory sibling_take_fd sibling_pidfd_signal""".split()
HELPER = {
    "EACCES": """execve execveat open openat openat_shadow openat_own_memory openat_tun
        openat_create openat2 connect_tcp bind_tcp""",
    "EPERM": """unshare_net chroot fsopen pivot_root ptrace kill tgkill process_vm_writev
        capset bpf reboot sethostname setgroups connect_abstract""",
}
# By Landlock alone, of that version.
NEEDS = {"connect_tcp": TCP, "bind_tcp": TCP, "connect_abstract": SCOPES}
NEEDS.update(dict.fromkeys(WORKERS["EACCES"].split()[:9], FILES))
# Other users than root's: what root may, it may without a capability too.
USERS = "setuid setresuid setgid kill tgkill tkill".split()


def landlock():
    """The kernel's version; 0: it has none."""
    return max(0, ctypes.CDLL(None).syscall(444, None, 0, 1))


def row(who, attacker, act, wanted, command, aim="", **environment):
    @case("%s, without the filter: %s%s: %s" % (who, act.replace("_", " "), aim, wanted))
    def _():
        if landlock() < NEEDS.get(act, 0):
            raise Skip("needs Landlock %d, here is %d" % (NEEDS[act], landlock()))
        if act in USERS and service_uid() == os.geteuid():
            raise Skip("needs users other than the caller's")
        if SANITIZED and act == "memory_without_end":
            raise Skip("sanitizers need the address space")
        if command == LIVE:
            wire("eth1")
        got = attempt(attacker, act, "nofilter", command, **environment)
        check(got == wanted, "without the filter: %s" % got)


def rows(who, attacker, table, command=attacks.REPLAY):
    for wanted, acts in table.items():
        for act in acts.split():
            row(who, attacker, act, wanted, command)


rows("injector", "tapfeed-injector", WORKERS)
rows("capture", "tapfeed-capture", WORKERS)
rows("capture, live", "tapfeed-capture", WORKERS, LIVE)
rows("supervising half", "tapfeed", WORKERS)
rows("helper", "tapfeed-privileged", HELPER)
row("injector", "tapfeed-injector", "tun_read", "EBADF", attacks.REPLAY,
    ring=False)
rows("injector's ring", "tapfeed-injector", RING)
for act in "packet_attach_filter", "packet_detach_filter":
    row("capture, live", "tapfeed-capture", act, "EPERM", LIVE)  # it is locked
for act in SIBLING:
    for attacker, target in (("tapfeed-injector", "tapfeed"),
                             ("tapfeed-injector", "tapfeed-capture"),
                             ("tapfeed-capture", "tapfeed"),
                             ("tapfeed-capture", "tapfeed-injector")):
        row(attacker, attacker, act, "EPERM", attacks.REPLAY, " of " + target,
            TAPFEED_SIBLING=target, TAPFEED_SIBLING_SEALED="yes")

main()
