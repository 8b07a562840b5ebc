#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
tapfeed-privileged with a file capability, started by a hostile user: what he may have
by the policy he gets however he starts it, or a clean refusal; and never anything else.
"""
import ctypes
import fcntl
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from errno import EACCES, EINVAL, EPERM

import setcap_client
from privileged_client import (
    STEP_CAPABILITY, STEP_REQUEST, Skip, case, created, equal, finish, interfaces,
    link, receive, refused, request, rows, run, shielded, start, true)
from setcap_client import USER, ask_as, become, main, policy, start_as, status_of

libc = ctypes.CDLL(None, use_errno=True)
SANITIZED = "ASan" in run(setcap_client.HELPER, "--version")


def served(**how):
    """Asks as a user who may; hostile or not, he gets his interface."""
    policy(f"create user={USER} name=tf*")
    answer = ask_as(**how)
    created(answer).close()
    equal(interfaces(), ["lo"], "interfaces")
    return answer[2]


# ---- arguments, environment ---------------------------------------------------


def execute(argv, environment=()):
    """For then=: the bare system call, which takes what Popen does not."""
    arrays = [(ctypes.c_char_p * (len(words) + 1))(*words, None)
              for words in (argv, environment)]

    def call():
        libc.execve(setcap_client.COPY.encode(), *arrays)
        os._exit(99)
    return call


@case
def empty_argv():
    served(then=execute([]))


@rows([("1 MB of arguments", 16 * [65536 * b"x"]), ("an option", [b"--policy=/tmp/x"]),
       ("an empty one", [b""]), ("two dashes", [b"--"]),
       ("escape sequences", [b"\x1b[2J\xff"])])
def takes_no(words):
    policy(f"create user={USER} name=tf*")
    reply, status, err, names = ask_as(then=execute([b"x", *words]))
    equal((reply, status, names), (None, 2, ["lo"]), "reply, status, interfaces")
    equal((err.count("\n"), "tapfeed(1)" in err), (1, True), "lines: " + err)


BAD_ENVIRONMENT = [
    b"LD_PRELOAD=/nowhere/evil.so", b"LD_LIBRARY_PATH=/nowhere", b"LD_AUDIT=/nowhere/a.so",
    b"LD_DEBUG=all", b"LD_DEBUG_OUTPUT=/nowhere/out", b"LD_BIND_NOW=1",
    b"LD_SHOW_AUXV=1", b"GCONV_PATH=/nowhere", b"LOCPATH=/nowhere", b"NLSPATH=/nowhere",
    b"LC_ALL=x/../y", b"MALLOC_PERTURB_=165", b"MALLOC_CHECK_=3", b"MALLOC_TOP_PAD_=1",
    b"MALLOC_ARENA_MAX=0", b"GLIBC_TUNABLES=glibc.malloc.check=3:glibc.rtld.nns=1",
    b"GETCONF_DIR=/nowhere", b"HOSTALIASES=/nowhere", b"RES_OPTIONS=debug",
    b"TMPDIR=/nowhere", b"TZ=:/nowhere", b"TZDIR=/nowhere", b"LISTEN_FDS=5", b"NOTIFY_SOCKET=@x",
    b"TAPFEED_POLICY_FILE=/nowhere", b"no equals sign", b"=", b""]


@case
def environment_is_ignored():
    first = served()
    equal(served(then=execute([b"x"], BAD_ENVIRONMENT)), first, "lines")
    for setting in BAD_ENVIRONMENT:
        equal(served(then=execute([b"x"], [setting])), first, f"lines with {setting}")


@case
def environment_would_count_without_the_capability():
    """The control of the case before: what the loader says of the same settings."""
    copy = shutil.copy(setcap_client.COPY, setcap_client.tree + "/control")
    for setting, sign in ((b"LD_PRELOAD=/nowhere/evil.so", "cannot be preloaded"),
                          (b"LD_DEBUG=libs", "calling init")):
        done = subprocess.run([copy, "-V"], env=dict([setting.split(b"=")]),
                              capture_output=True, text=True, preexec_fn=become())
        true(sign in done.stderr, f"{setting} has no effect: {done.stderr}")


@case
def huge_environment():
    served(then=execute([b"x"], [b"A%d=" % i + 100000 * b"y" for i in range(15)]))


# ---- descriptors, limits, signals -------------------------------------------------


@rows([("none of 0 to 2", (0, 1, 2)), ("no 0", (0,)), ("no 2", (2,))])
def starts_with(fds):
    def close():
        for fd in fds:
            os.close(fd)
    served(then=close)
    ours, process = waiting(then=close)
    for fd in fds:
        # In secure mode libc has been there before us.
        true(os.readlink(f"/proc/{process.pid}/fd/{fd}") in ("/dev/null", "/dev/full"),
             f"fd {fd}")
    ours.close()
    finish(process)


def limited(kind, value):
    return lambda: resource.setrlimit(kind, (value, value))


@rows([(f"{name} {value}", getattr(resource, "RLIMIT_" + name), value)
       for name, value in (("FSIZE", 0), ("CPU", 1), ("CORE", -1), ("NPROC", 0),
                           ("MEMLOCK", 0), ("SIGPENDING", 0), ("MSGQUEUE", 0),
                           ("DATA", 1 << 24), ("STACK", 1 << 17), ("NOFILE", 17))])
def is_served_at_limit(kind, value):
    if SANITIZED and kind in (resource.RLIMIT_DATA, resource.RLIMIT_STACK):
        raise Skip("sanitizers need more")
    served(then=limited(kind, value))


# Too little for the kernel, the dynamic linker, or us.
CLEAN = (1, 127, -signal.SIGKILL, -signal.SIGSEGV)


@rows([(f"{name} {value}", getattr(resource, "RLIMIT_" + name), value)
       for name, value in [("NOFILE", n) for n in range(3, 16)] +
       [("AS", n << 18) for n in range(0, 25)] +
       [("DATA", n << 14) for n in range(0, 14, 2)] +
       [("STACK", n << 12) for n in range(0, 40, 8)]])
def is_served_or_ends_cleanly_at_limit(kind, value):
    policy(f"create user={USER} name=tf*")
    try:
        reply, status, err, names = ask_as(then=limited(kind, value))
    except (OSError, subprocess.SubprocessError):
        return  # it was not even started
    if reply is None:
        true(status in CLEAN, f"status {status}: {err}")
        equal(names, ["lo"], "interfaces")
    elif reply.error:
        equal(names, ["lo"], "interfaces")
    else:
        reply.close()
    equal(interfaces(), ["lo"], "interfaces")


@case
def is_served_while_descriptors_of_its_user_are_under_way():
    """unix(7): they count per user, against the limit of whoever sends one."""
    ready, go = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        become()()
        ours, theirs = socket.socketpair()
        for _ in range(2):
            socket.send_fds(ours, [b"x"], 200 * [0])
        os.write(ready[1], b"x")
        os.read(go[0], 1)
        os._exit(theirs.fileno() < 0)
    os.read(ready[0], 1)
    try:
        served()
    finally:
        os.write(go[1], b"x")
        os.waitpid(child, 0)
        for fd in (*ready, *go):
            os.close(fd)


@rows([("ignored", signal.SIG_IGN), ("pending", signal.SIG_DFL)])
def is_served_with_every_signal_blocked_and(handler):
    def block():
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        for number in range(1, 65):
            if number in signal.valid_signals() and number not in (
                    signal.SIGKILL, signal.SIGSTOP, signal.SIGALRM):
                signal.signal(number, handler)
                os.kill(os.getpid(), number)
    served(then=block)


@case
def is_served_with_timers_running():
    def timers():
        signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
    served(then=timers)


@case
def leaves_no_core():
    policy(f"create user={USER} name=tf*")
    for number in (signal.SIGQUIT, signal.SIGSEGV, signal.SIGABRT, signal.SIGSYS):
        ours, process = waiting(then=limited(resource.RLIMIT_CORE, -1))
        with ours, open(f"/proc/{process.pid}/limits") as limits:
            true("Max core file size        0                    0" in limits.read(),
                 "limit")
            as_user(lambda: os.kill(process.pid, number))
            _, status = os.waitpid(process.pid, 0)
            ends = (number, signal.SIGSYS) if SANITIZED else (number,)
            true(os.WTERMSIG(status) in ends and not os.WCOREDUMP(status),
                 f"signal {number}: status {status:#x}")
            process.returncode = -number
            finish(process)


# ---- another process of the same user ---------------------------------------------


def waiting(uid=USER, **how):
    """start_as(), when it has sealed itself."""
    ours, process = start_as(uid, **how)
    for _ in range(1000):
        if status_of(process.pid)["Seccomp"] == "2":
            return ours, process
        time.sleep(0.005)
    raise AssertionError("it is not sealed")


def as_user(function, uid=USER):
    """Runs function in a child that is a normal user; returns its value, a text."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            become(uid)()
            os.write(writer, repr(function()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader) as file:
        text = file.read()
    os.waitpid(child, 0)
    return text


PTRACE_ATTACH, PTRACE_DETACH, PTRACE_SEIZE = 16, 17, 0x4206
SYS_PIDFD_OPEN, SYS_PIDFD_GETFD, SYS_READV = 434, 438, 310


def peep(pid):
    """What a process of the same user can see of pid."""
    def traced(call):
        if libc.ptrace(call, pid, None, None):
            return False
        if call == PTRACE_ATTACH:
            os.waitpid(pid, 0x40000000)  # __WALL
        libc.ptrace(PTRACE_DETACH, pid, None, None)
        return True

    def readable(name, read=lambda path: open(path, "rb").close()):
        try:
            read(f"/proc/{pid}/{name}")
            return True
        except PermissionError:
            return False

    def descriptor():
        pidfd = libc.syscall(SYS_PIDFD_OPEN, pid, 0)
        return libc.syscall(SYS_PIDFD_GETFD, pidfd, 0, 0) >= 0

    can = {name: readable(name) for name in ("mem", "environ", "maps", "auxv")}
    can["fd"] = readable("fd", os.listdir)
    can["exe"] = readable("exe", os.readlink)
    can["cwd"] = readable("cwd", os.readlink)
    can["pidfd_getfd"] = descriptor()
    can["attach"] = traced(PTRACE_ATTACH)
    can["seize"] = traced(PTRACE_SEIZE)
    return sorted(name for name, value in can.items() if value)


@case
def cannot_be_looked_into_by_its_user():
    policy(f"create user={USER} name=tf*")
    ours, process = waiting()
    try:
        equal(as_user(lambda: peep(process.pid)), "[]", "what he can")
    finally:
        ours.close()
        finish(process)
    # The control: a process of his without a capability.
    process = subprocess.Popen(["sleep", "60"], preexec_fn=become())
    time.sleep(0.2)
    can = as_user(lambda: peep(process.pid))
    process.kill()
    process.wait()
    for name in ("mem", "environ", "fd", "exe", "pidfd_getfd", "attach", "seize"):
        true(name in can, f"the control cannot {name}: {can}")


@case
def gains_nothing_under_strace():
    if not shutil.which("strace"):
        raise Skip("no strace")
    policy(f"create user={USER} name=tf*")
    err = refused(ask_as(command=("strace", "-f", "-qq", "-o", "/dev/null",
                                  setcap_client.COPY)), EPERM, STEP_CAPABILITY)
    true("strace" in err, "lines: " + err)


@case
def nobody_who_traces_its_start_gains():
    """PTRACE_TRACEME, then exec: as a debugger starts it."""
    policy(f"create user={USER} name=tf*")
    ours, process = start_as(then=lambda: libc.ptrace(0, 0, None, None),
                             stderr=subprocess.DEVNULL)
    with ours:
        # Its tracer is root here, whom the kernel lets have it; a user has it not.
        os.waitpid(process.pid, 0)
        libc.ptrace(PTRACE_DETACH, process.pid, None, None)
        ours.send(request())
        reply = receive(ours)
        finish(process)
        true(reply is None or reply.error in (0, EPERM), "reply")
        if reply:
            reply.close()


# ---- stopped and killed -----------------------------------------------------------


def is_whole():
    """Where the interface is up, everything else is done."""
    try:
        state = link("tf0")
        if "UP" in state["flags"]:
            true(shielded("tf0") and "NOARP" in state["flags"] and
                 state.get("ifalias") == f"tapfeed uid={USER}", f"half made: {state}")
    except subprocess.CalledProcessError:
        pass  # it is not there, or went


@case
def killed_at_any_point_leaves_nothing():
    policy(f"create user={USER} name=tf*")
    random.seed(4)
    for _ in range(60):
        ours, process = start_as()
        with ours:
            ours.send(request())
            time.sleep(random.uniform(0, 0.03))
            process.kill()
            process.wait()
            process.stderr.close()
            process.stdout.close()
            reply = receive(ours)  # it may have been done
            if reply:
                created((reply, 0, "", None)).close()
        equal(interfaces(), ["lo"], "interfaces")


@case
def stopped_at_any_point_it_is_whole_and_goes_on():
    policy(f"create user={USER} name=tf*")
    random.seed(5)
    for _ in range(40):
        ours, process = start_as()
        with ours:
            ours.send(request())
            time.sleep(random.uniform(0, 0.03))
            for _ in range(2):
                process.send_signal(signal.SIGSTOP)
                is_whole()
                process.send_signal(signal.SIGCONT)
            created((receive(ours), *finish(process), None)).close()


@case
def stopped_while_it_waits_it_goes_on():
    policy(f"create user={USER} name=tf*")
    ours, process = waiting()
    with ours:
        for _ in range(3):
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.02)
            process.send_signal(signal.SIGCONT)
            time.sleep(0.02)
        ours.send(request())
        created((receive(ours), *finish(process), None)).close()


# ---- what is no connection, what is no name ---------------------------------------


def no_connection(sock):
    process = start(sock.fileno() if sock else None, command=(setcap_client.COPY,),
                    setup=become())
    status, err = finish(process)
    equal((status, err.count("\n")), (2, 1), "exit status and lines: " + err)
    equal(interfaces(), ["lo"], "interfaces")


@case
def refuses_what_is_no_connection():
    policy(f"create user={USER} name=tf*")
    no_connection(None)
    with tempfile.TemporaryFile() as file:
        no_connection(file)
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        with ours, theirs:
            ours.send(request())
            no_connection(theirs)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as unix:
        no_connection(unix)
        unix.bind("\0tapfeed-test")
        unix.listen(1)
        no_connection(unix)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) as netlink:
        no_connection(netlink)


@rows([(repr(name).replace("#", ""), name) for name in (
    b"", b"a/b", b"..", b".", b"/etc", b"tf\0x", b"tf\x80", b"tf\xff", b"tf0 ", b"tf\n",
    b"$(id)", b"-rf", b"tf;id", b"tf%s", b"%d", b"tf%d%d", b"abcdefghijklmnop")])
def refuses_name(name):
    policy("create any=yes name=*")
    refused(ask_as(request(name)), EINVAL, STEP_REQUEST)


@rows([("lo", b"lo"), ("his own interface", b"tf0")])
def does_not_take(name):
    policy("create any=yes name=*")
    first = created(ask_as(request(b"tf0")))
    reply, _, _, names = ask_as(request(name))
    true(reply.error != 0 and not reply.fds, "he got it")
    equal(names, ["lo", "tf0"], "interfaces")
    first.close()


@case
def refuses_descriptors_with_the_request():
    policy("create any=yes name=*")
    for n in (1, 200):
        refused(ask_as(passed=n * [0]), EINVAL, STEP_REQUEST)


if __name__ == "__main__":
    main()
