#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
tapfeed-privileged, alone: an interface of several queues, and nobody in it but who
asked for it. Needs iproute2.
"""
import errno
import fcntl
import os
import signal
import socket
import struct
import time

from privileged_client import (
    IFF_MULTI_QUEUE, IFF_NO_PI, IFF_TAP, IFF_TUN, QUEUES_MAX, STEP_QUEUES, TUNGETIFF,
    TUNSETIFF, TUNSETOWNER, TUNSETQUEUE, Skip, add_calls, ask, case, created, equal,
    expected_calls, finish, interfaces, link, main, receive, refused, request, rows,
    shielded, stopped, true, tun)

FOUR = request(queues=4)
IFF_DETACH_QUEUE = 0x0400
NOBODY = 65534


def queue_info(fd):
    name, flags = struct.unpack("16sH22x", fcntl.ioctl(fd, TUNGETIFF, bytes(40)))
    return name.rstrip(b"\0"), flags


@rows([(f"{name}, {queues}", kind, flag, queues)
       for name, kind, flag in (("tap", 1, IFF_TAP), ("tun", 2, IFF_TUN))
       for queues in (2, 3, QUEUES_MAX)])
def creates_as_many_as_asked_for(kind, flag, queues):
    reply = created(ask(request(kind=kind, queues=queues)), queues)
    state = link("tf0")
    info = state["linkinfo"]["info_data"]
    equal((info["multi_queue"], info["numqueues"], info["numdisabled"]),
          (True, queues, 0), "queues")
    equal(info["user"] in ("root", 0), True, "owner")
    true(shielded("tf0") and {"UP", "NOARP"} <= set(state["flags"]), "as any other")
    equal(reply.ifindex, state["ifindex"], "ifindex")
    for fd in reply.fds:
        equal(queue_info(fd), (b"tf0", flag | IFF_NO_PI | IFF_MULTI_QUEUE), "TUNGETIFF")
        flags = fcntl.fcntl(fd, fcntl.F_GETFL)
        equal(flags & (os.O_ACCMODE | os.O_NONBLOCK), os.O_WRONLY | os.O_NONBLOCK, "mode")
    reply.close()
    equal(interfaces(), ["lo"], "after the last descriptor is closed")


@case
def one_queue_is_no_multi_queue_interface():
    reply = created(ask())
    equal(queue_info(reply.fds[0]), (b"tf0", IFF_TAP | IFF_NO_PI), "TUNGETIFF")
    equal(link("tf0")["linkinfo"]["info_data"]["multi_queue"], False, "multi_queue")
    reply.close()


@case
def each_descriptor_is_a_queue_of_its_own():
    """A group of readers by queue: each descriptor's frames come to another one."""
    reply = created(ask(FOUR), 4)
    readers = []
    for _ in reply.fds:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sock.bind(("tf0", 3))
        sock.setsockopt(263, 18, 1 | 5 << 16)  # PACKET_FANOUT, by queue
        sock.setblocking(False)
        readers.append(sock)
    for number, fd in enumerate(reply.fds):
        for _ in range(5):
            equal(os.write(fd, bytes(59) + bytes([number])), 60, "write")
    time.sleep(0.1)
    seen = []
    for sock in readers:
        frames = []
        try:
            while True:
                frames.append(sock.recv(100)[59])
        except BlockingIOError:
            pass
        equal((len(frames), len(set(frames))), (5, 1), "frames and queues of a reader")
        seen.append(frames[0])
        sock.close()
    equal(sorted(seen), [0, 1, 2, 3], "each queue")
    reply.close()


def join(name=b"tf0", flags=IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE):
    return tun(name, flags)


def number_of(call, nth=0):
    return [number for number, (text, _) in enumerate(expected_calls(FOUR, 4), 1)
            if text == call][nth]


@rows([
    ("with a queue in use", False),
    ("with one that is switched off, to be used later", True),
])
def refuses_where_somebody_joined_before_it_was_roots(detach):
    ours, process = stopped(number_of(f"ioctl {TUNSETOWNER:#x}"), message=FOUR)
    with ours:
        theirs = join()
        if detach:
            fcntl.ioctl(theirs, TUNSETQUEUE, struct.pack("16sH22x", b"", IFF_DETACH_QUEUE))
        process.send_signal(signal.SIGCONT)
        reply = receive(ours)
        status, err = finish(process)
        refused((reply, status, err, None), errno.EUSERS, STEP_QUEUES)
        # Their queue is still open, and of no interface any more.
        equal(interfaces(), ["lo"], "interfaces")
        os.close(theirs)


@case
def nobody_joins_once_it_is_roots():
    with open("/proc/self/uid_map") as users:
        if users.read().split() != ["0", "0", "4294967295"]:
            raise Skip("there is no other user in this namespace")
    numbers = range(number_of(f"ioctl {TUNSETIFF:#x}", 1), len(expected_calls(FOUR, 4)) + 1)
    for number in (numbers[0], numbers[-1]):
        ours, process = stopped(number, message=FOUR)
        with ours:
            os.seteuid(NOBODY)
            try:
                os.close(join())
                joined = True
            except OSError as error:
                joined = error.errno != errno.EPERM
            finally:
                os.seteuid(0)
            equal(joined, False, f"joined before call {number}")
            process.send_signal(signal.SIGCONT)
            reply = receive(ours)
            created((reply, *finish(process), None), 4).close()


if __name__ == "__main__":
    main(lambda: add_calls(FOUR, 4))
