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
    IFF_MULTI_QUEUE, IFF_NO_PI, IFF_TAP, IFF_TUN, IFF_VNET_HDR, QUEUES_MAX, STEP_CHECK,
    STEP_QUEUES, TUNGETIFF, TUNSETIFF, TUNSETOWNER, TUNSETQUEUE, Skip, add_calls, ask, case,
    cases, created, equal, expected_calls, finish, go_on, interfaces, link, main, receive,
    refused, request, rows, shielded, stopped, true, tun)

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


# ---- who is in it before it is root's -----------------------------------------------


def need_other_users():
    with open("/proc/self/uid_map") as users:
        if users.read().split() != ["0", "0", "4294967295"]:
            raise Skip("there is no other user in this namespace")


def control(fd, command, value):
    """An ioctl that takes a number, or a pointer to one."""
    if isinstance(value, int):
        fcntl.ioctl(fd, command, value)
    else:
        fcntl.ioctl(fd, command, struct.pack("i", *value))


# What he does while there is no owner, and before the interface is looked at: by then
# it is root's, but he has his queue still. (..,): a pointer to it.
PERSIST, LINK, GROUP = (0x400454CB, 1), (0x400454CD, 512), (0x400454CE, 100)
SNDBUF, CARRIER, OFFLOAD = (0x400454D4, (2048,)), (0x400454E2, (0,)), (0x400454D0, 1)
HEADER, OWNER, ENDIAN = (0x400454D8, (12,)), (TUNSETOWNER, NOBODY), (0x400454DC, (1,))
NOT_OWNER = (TUNSETOWNER, 0)


def attach_step():
    return [number for number, (text, _) in enumerate(expected_calls(FOUR, 4), 1)
            if text.startswith("send")][0]


def intruded(first, then, leaves, flags=0):
    """A create in which somebody has a queue before the interface is root's; first and
    then: what he does with it before and after that. The answer, and his queue."""
    ours, process = stopped(number_of(f"ioctl {TUNSETOWNER:#x}"), message=FOUR,
                            then=[attach_step()])
    theirs = join(flags=IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE | flags)
    for command in first:
        control(theirs, *command)
    go_on(process)
    for command in then:
        control(theirs, *command)
    if leaves:
        os.close(theirs)
    process.send_signal(signal.SIGCONT)
    with ours:
        reply = receive(ours)
    return (reply, *finish(process), interfaces()), None if leaves else theirs


@rows([
    ("owner", [], [OWNER], True),
    ("owner, before", [OWNER], [OWNER], True),
    ("persistent, and gone", [PERSIST], [], True),
    ("persistent, and gone, later", [], [PERSIST], True),
    ("persistent, and his", [PERSIST], [PERSIST, OWNER], True),
    ("a group's", [GROUP], [], True),
    ("a group's, later", [], [GROUP, NOT_OWNER], True),
    ("of another link type", [LINK], [], True),
    ("without a carrier", [], [CARRIER], True),
    ("with a queue in use", [], [], False),
    ("with a queue, owner", [], [OWNER], False),
    ("with a queue, persistent", [PERSIST], [OWNER], False),
])
def refuses_where_somebody_left_it(first, then, leaves):
    if {OWNER, GROUP} & {*first, *then}:
        need_other_users()
    answer, theirs = intruded(first, then, leaves)
    refused(answer, errno.EUSERS, STEP_CHECK)
    equal(answer[3], ["lo"], "interfaces")
    if theirs:  # his queue is still open, and of no interface any more
        try:
            os.write(theirs, bytes(60))
            raise AssertionError("he can write")
        except OSError as error:
            equal(error.errno, errno.EBADFD, "write")
        os.close(theirs)


@case
def refuses_where_somebody_has_a_queue_that_is_switched_off():
    ours, process = stopped(number_of(f"ioctl {TUNSETOWNER:#x}"), message=FOUR)
    theirs = join()
    fcntl.ioctl(theirs, TUNSETQUEUE, struct.pack("16sH22x", b"", IFF_DETACH_QUEUE))
    process.send_signal(signal.SIGCONT)
    with ours:
        reply = receive(ours)
    refused((reply, *finish(process), None), errno.EUSERS, STEP_CHECK)
    equal(interfaces(), ["lo"], "interfaces")
    os.close(theirs)


@case
def refuses_where_all_queues_are_taken():
    ours, process = stopped(number_of(f"ioctl {TUNSETOWNER:#x}"), message=FOUR)
    theirs = [join() for _ in range(255)]
    process.send_signal(signal.SIGCONT)
    with ours:
        reply = receive(ours)
    refused((reply, *finish(process), None), errno.E2BIG, STEP_QUEUES)
    equal(interfaces(), ["lo"], "interfaces")
    for fd in theirs:
        os.close(fd)


@rows([
    ("a header's size and byte order", [HEADER, ENDIAN], 0),
    ("a queue with a header", [], IFF_VNET_HDR),
    ("persistent, and not", [PERSIST, (PERSIST[0], 0)], 0),
    ("offloads and the send buffer, which the injector sets anew", [OFFLOAD, SNDBUF], 0),
])
def what_makes_no_difference(first, flags):
    answer, _ = intruded(first, [], True, flags)
    reply = created(answer, 4)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as reader:
        reader.bind(("tf0", 3))
        reader.settimeout(5)
        for fd in reply.fds:
            equal(queue_info(fd), (b"tf0", IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE),
                  "TUNGETIFF")
            for size in (60, 1514, 65536):
                data = os.urandom(12) + b"\x08\0" + bytes(size - 14)
                equal(os.write(fd, data), size, "write")
                equal(reader.recv(70000) == data, True, "what a reader sees of it")
    reply.close()


def fails_with_somebody_in_it(number, step):
    """He keeps his queue, and the helper's calls fail."""
    ours, process = stopped(number_of(f"ioctl {TUNSETOWNER:#x}"), message=FOUR,
                            TAPFEED_FAULT_AT=str(number),
                            TAPFEED_FAULT_ERRNO=str(errno.ENOBUFS))
    theirs = join()
    control(theirs, *PERSIST)
    process.send_signal(signal.SIGCONT)
    with ours:
        reply = receive(ours)
        names = interfaces()
    refused((reply, *finish(process), names), errno.ENOBUFS, step)
    equal(names, ["lo"], "interfaces")
    os.close(theirs)


def ended_with_somebody_in_it(number, signals):
    """He keeps his queue, and the helper is ended, or its time is over."""
    for ends in signals:
        ours, process = stopped(number_of(f"ioctl {TUNSETOWNER:#x}"), message=FOUR,
                                then=[number])
        theirs = join()
        control(theirs, *PERSIST)
        go_on(process)
        process.send_signal(ends)
        process.send_signal(signal.SIGCONT)
        with ours:
            equal(receive(ours), None, "reply")
        equal(finish(process)[0], 128 + ends, "exit status")
        equal(interfaces(), ["lo"], "interfaces")
        os.close(theirs)


def add_calls_with_somebody_in_it():
    first = number_of(f"ioctl {TUNSETOWNER:#x}")
    for number, (call, step) in enumerate(expected_calls(FOUR, 4), 1):
        if number < first or step is None or step > STEP_CHECK:
            continue
        if call != f"ioctl {TUNGETIFF:#x}":  # behind the check
            cases.append((f"somebody in it, fails at call {number}, {call}",
                          lambda n=number, s=step: fails_with_somebody_in_it(n, s)))
            if number > first:
                cases.append((f"somebody in it, ended before call {number}, {call}",
                              lambda n=number: ended_with_somebody_in_it(
                                  n, (signal.SIGTERM, signal.SIGALRM))))


@case
def a_hand_over_that_fails_leaves_nothing():
    number = len(expected_calls(FOUR, 4))
    ours, process = stopped(number, message=FOUR)
    ours.close()
    process.send_signal(signal.SIGCONT)
    finish(process)
    equal(interfaces(), ["lo"], "interfaces")


@case
def nobody_joins_once_it_is_roots():
    need_other_users()
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
    main(lambda: (add_calls(FOUR, 4), add_calls_with_somebody_in_it()))
