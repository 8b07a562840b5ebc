#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
tapfeed-privileged, alone: what it refuses. Requests that are none, connections that
are none, callers without the capability, and hostile ways to start it.
"""
import ctypes
import fcntl
import os
import resource
import shutil
import signal
import socket
import tempfile
import time
from errno import EACCES, EINVAL, EMFILE, ENOENT, EPERM

from privileged_client import (
    HELPER, SILENCE_S, STEP_CAPABILITY,
    STEP_OPEN, STEP_REQUEST, Skip, ask, case, cases, created, equal,
    finish, interfaces, main, pair, receive, refused, request, rows, run, start, true)


# ---- what is no request -------------------------------------------------------

NAMES = [b"", b"abcdefghijklmnop", b"a/b", b".", b"..", b"$(id)", b"-rf", b"a;reboot",
         b"a b", b"a\x01", b"a\xff", b"a:1", b"0a", b"%d", b"a%s", b"a%d%d", b"a%dx",
         b"a\0b", b"a" + 14 * b"\0" + b"b"]

MALFORMED = [
    ("empty message", b""),
    ("one byte", b"\1"),
    ("one byte short", request()[:-1]),
    ("one byte long", request() + b"\0"),
    ("two in one message", 2 * request()),
    ("60,000 bytes", bytes(60000)),
    ("version 0", request(version=0)),
    ("version 2", request(version=2)),
    ("op 0", request(op=0)),
    ("op 2", request(op=2)),
    ("kind 0", request(kind=0)),
    ("kind 3", request(kind=3)),
    ("kind 2^32-1", request(kind=2**32 - 1)),
    ("a flag that there is not", request(flags=2)),
    ("a flag that there is and one more", request(flags=3)),
    ("flags, one that is known and another", request(flags=0x12)),
    ("the last flag", request(flags=2**31)),
    ("kind and a flag", request(kind=0x11)),
    ("mac_reserved", request(mac_reserved=b"\0\1")),
    ("addresses", request(addresses=b"\2")),
    ("last byte of addresses", request(addresses=79 * b"\0" + b"\1")),
    ("bridge", request(bridge=b"br0")),
    ("last byte of bridge", request(bridge=15 * b"\0" + b"\1")),
    ("reserved", request(reserved=b"\1")),
    ("last byte of reserved", request(reserved=31 * b"\0" + b"\1")),
    ("multicast mac", request(mac=b"\1\0\0\0\0\1")),
    ("broadcast mac", request(mac=6 * b"\xff")),
    ("tun with a mac", request(kind=2, mac=b"\2\0\0\0\0\1")),
    ("tun with a multicast mac", request(kind=2, mac=6 * b"\xff")),
    ("queues 0", request(queues=0)),
    ("queues 9", request(queues=9)),
    ("queues 2^32-1", request(queues=2**32 - 1)),
] + [(f"mtu {mtu}", request(mtu=mtu)) for mtu in (0, 67, 65522, 2**32 - 1)
     ] + [(f"name {name!r}".replace("#", ""), request(name)) for name in NAMES]


@rows(MALFORMED)
def refuses(message):
    answer = ask(message)
    refused(answer, EINVAL, STEP_REQUEST)
    equal(answer[3], ["lo"], "interfaces")


@rows([(str(n), n) for n in (1, 2, 253)])
def refuses_descriptors_with_the_request(n):
    refused(ask(passed=n * [0]), EINVAL, STEP_REQUEST)


@case
def refuses_two_requests_at_once():
    ours, theirs = pair()
    with ours, theirs:
        ours.send(request(b"tf1"))
        ours.send(request(b"tf2"))
        process = start(theirs.fileno())
        theirs.close()
        reply = receive(ours)
        names = interfaces()
        status, err = finish(process)
    refused((reply, status, err, names), EINVAL, STEP_REQUEST)
    equal(names, ["lo"], "interfaces")


@case
def ends_when_the_peer_goes():
    ours, theirs = pair()
    process = start(theirs.fileno())
    theirs.close()
    ours.close()
    began = time.monotonic()
    status, err = finish(process)
    equal(status, 1, "exit status")
    true("ECONNRESET" in err and time.monotonic() - began < 2, "line: " + err)


# ---- what is no connection ----------------------------------------------------


def no_connection(fd3):
    process = start(fd3)
    status, err = finish(process)
    equal(status, 2, "exit status; " + err)
    equal(err.count("\n"), 1, "lines: " + err)
    true("descriptor 3" in err and "tapfeed(1)" in err, "line: " + err)


@case
def refuses_a_closed_descriptor():
    no_connection(None)


@case
def refuses_files_and_pipes():
    with open("/dev/null") as null, tempfile.TemporaryFile() as file:
        no_connection(null.fileno())
        no_connection(file.fileno())
    ends = os.pipe()
    no_connection(ends[0])
    for fd in ends:
        os.close(fd)


@rows([("stream", socket.SOCK_STREAM), ("dgram", socket.SOCK_DGRAM)])
def refuses_a_socket_of_type(kind):
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    with ours, theirs:
        ours.send(request())
        no_connection(theirs.fileno())


@case
def refuses_unconnected_and_listening_sockets():
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as unix:
        no_connection(unix.fileno())
        unix.bind("\0tapfeed-test")
        unix.listen(1)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
            client.connect("\0tapfeed-test")
            client.send(request())
            no_connection(unix.fileno())
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as inet:
        no_connection(inet.fileno())


# ---- how it is started --------------------------------------------------------


@rows([("-V", ["-V"], 0), ("--version", ["--version"], 0), ("-h", ["-h"], 0),
       ("--help", ["--help"], 0), ("an operand", ["tf0"], 2),
       ("an option", ["--name=tf0"], 2), ("800 kB", 8 * [100000 * "x"], 2)])
def arguments(words, wanted):
    process = start(None, command=[HELPER, *words])
    out, err = process.communicate(timeout=20)
    equal(process.returncode, wanted, "exit status")
    if wanted == 0:
        true(out.startswith(b"tapfeed ") and not err, "output")
    else:
        equal((out, err.count(b"\n")), (b"", 1), "output")


@case
def starts_with_an_empty_argv():
    libc = ctypes.CDLL(None)
    argv = (ctypes.c_char_p * 1)(None)

    def bare_exec():
        libc.execve(HELPER.encode(), argv, argv)
        os._exit(99)
    created(ask(setup=bare_exec)).close()


@rows([("ignored", signal.SIG_IGN), ("pending", signal.SIG_DFL)])
def starts_with_every_signal_blocked_and(handler):
    def block():
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        for number in range(1, 32):
            if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGALRM):
                signal.signal(number, handler)
                os.kill(os.getpid(), number)
    created(ask(setup=block)).close()


@case
def starts_with_standard_error_closed_or_full():
    reader, writer = os.pipe()
    os.close(reader)
    created(ask(stderr=writer)).close()
    os.close(writer)
    with open("/dev/full", "w") as full:
        created(ask(stderr=full)).close()
    with tempfile.TemporaryFile() as file:
        created(ask(stderr=file, setup=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (0, 0)))).close()


@rows([(str(n), n) for n in range(3, 18)])
def runs_out_of_descriptors_cleanly_at(n):
    reply, status, err, names = ask(
        setup=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n)))
    # Too few for the dynamic linker (127), for the sandbox (1), for a socket.
    if reply is None:
        true(status in (1, 127), f"exit status {status}, {err}")
    elif reply.error:
        equal((reply.error, status), (EMFILE, 0), "error and status")
    else:
        reply.close()
    equal(names if reply is None else ["lo"], ["lo"], "interfaces")
    true(n < 16 or reply.error == 0, f"{n} are enough: {err}")


# ---- privilege ----------------------------------------------------------------


@case
def refuses_a_caller_without_the_capability():
    answer = ask(command=("setpriv", "--bounding-set=-net_admin",
                          "--inh-caps=-net_admin", HELPER))
    refused(answer, EPERM, STEP_CAPABILITY)
    # What is no request is told first: nothing is known of the caller from it.
    refused(ask(request(version=9), command=(
        "setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", HELPER)),
        EINVAL, STEP_REQUEST)


def need_root():
    """Rows that change uid or make device nodes: root of the whole machine."""
    with open("/proc/self/uid_map") as uid_map:
        if uid_map.read().split() != ["0", "0", "4294967295"]:
            raise Skip("needs root outside of a user namespace")


NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
HOLDING = ("--inh-caps=+net_admin", "--ambient-caps=+net_admin")


def public_copy(directory):
    os.chmod(directory, 0o755)
    return shutil.copy(HELPER, directory)


def with_node(mode, copy, owner):
    """Runs copy as owner, with a device node of that mode in a mount namespace."""
    make = "true" if mode is None else f"mknod -m {mode} /dev/net/tun c 10 200"
    return ("unshare", "-m", "sh", "-c",
            f"mount -t tmpfs none /dev/net && {make} && exec \"$@\"", "sh",
            *owner, copy)


@case
def says_what_is_wrong_with_the_node():
    need_root()
    with tempfile.TemporaryDirectory() as directory:
        copy = public_copy(directory)
        holder = (*NOBODY, *HOLDING)
        refused(ask(command=with_node(None, copy, ())), ENOENT, STEP_OPEN)
        refused(ask(command=with_node("0600", copy, holder)), EACCES, STEP_OPEN)
        # The control; and a holder of the capability who is not root is served.
        created(ask(command=with_node("0666", copy, holder))).close()


def deaf():
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def start_waits():
    # The two real waits go on beside all the rest.
    ours, theirs = pair()
    silent = start(theirs.fileno())
    theirs.close()
    silent_since = time.monotonic()

    # Nor may one that can never write its log line live on.
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writer, bytes(4096))
    blocked_ours, theirs = pair()
    blocked = start(theirs.fileno(), stderr=writer, setup=deaf)
    theirs.close()
    os.close(writer)
    blocked_ours.send(request(mtu=0))

    def is_ended_by_its_alarm():
        equal(finish(blocked)[0], 128 + signal.SIGALRM, "exit status")
        true(SILENCE_S < time.monotonic() - silent_since < SILENCE_S + 5, "time")
        equal(receive(blocked_ours), None, "reply")
        os.close(reader)

    def gives_up_on_a_silent_peer():
        status, err = finish(silent)
        took = time.monotonic() - silent_since
        equal(status, 1, "exit status; " + err)
        true("ETIMEDOUT" in err, "line: " + err)
        true(SILENCE_S - 1 < took, f"ended after {took} s")
        equal(receive(ours), None, "reply")

    def ends_by_itself():
        true(silent.poll() is None or
             time.monotonic() - silent_since > SILENCE_S - 1, "ended early")

    cases.append(("a silent peer has not been given up early", ends_by_itself))
    cases.append(("gives up on a silent peer", gives_up_on_a_silent_peer))
    cases.append(("is ended by its alarm where it hangs", is_ended_by_its_alarm))


if __name__ == "__main__":
    main(start_waits)
