# SPDX-License-Identifier: Apache-2.0
"""Capture taken over, from outside: all it can do is to send bytes, and descriptors, to
the injector. Each row beside a good capture, whose packets all arrive; the rows' control
is that capture, which says the same without the fault and is served."""
import array
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..",
                                "netns"))
import harness
from feedclient import (Capture, Closed, Injector, batch, end, field, fixed64, frame,
                        hello, packet, packets, varint)
from harness import Skip, case, check, equal, exists, main, until

FRAME_MAX = 384 * 1024
PACKET_MAX = 256 * 1024
FDS_MAX = 253  # SCM_MAX_FD
IN_FLIGHT = 10000


def message(body):
    return struct.pack(">I", len(body)) + body


def columns(lens, original=None, times=None, flags=b"", payload=b"", sequence=0):
    """A batch whose columns need not agree."""
    def pack(code, values):
        return values if isinstance(values, bytes) else struct.pack(
            "<%d%s" % (len(values), code), *values)
    original = lens if original is None else original
    times = [0] * (len(lens) // (4 if isinstance(lens, bytes) else 1)) \
        if times is None else times
    return frame(2, fixed64(1, sequence) + field(2, pack("I", lens)) +
                 field(3, pack("I", original)) + field(4, pack("Q", times)) +
                 field(5, pack("I", flags)) + field(8, payload))


def good_columns(n=2, **how):
    return columns([60] * n, payload=packet(9, 0) * n, **how)


def nested(depth):
    """Hello in Hello in Hello: unknown to the format, known to a decoder."""
    body = varint(1 << 3) + b"\1"
    for _ in range(depth):
        body = field(1, body)
    return message(body)


def full_of(part):
    return message(part * (FRAME_MAX // len(part)))


# ---- what is closed -----------------------------------------------------------

LIMITS = "a length outside the limits"
DECODED = "cannot be decoded"
LIES = "contradicts itself"

# Before Hello: what is sent, and how the injector calls it.
FIRST = {
    "length 0": (message(b""), LIMITS),
    "length 1, no message": (message(b"\0"), DECODED),
    "length limit + 1": (struct.pack(">I", FRAME_MAX + 1), LIMITS),
    "length 2^31": (struct.pack(">I", 2**31), LIMITS),
    "length 2^32 - 1": (struct.pack(">I", 2**32 - 1), LIMITS),
    "a batch before Hello": (batch(0, [packet(9, 0)]), "where none may come"),
    "End before Hello": (end(0), "where none may come"),
    "version 0": (hello(version=0), "unknown version"),
    "version 2": (hello(version=2), "unknown version"),
    "version 2^32 - 1": (hello(version=2**32 - 1), "unknown version"),
    "version 2^64 - 1": (hello(version=2**64 - 1), "unknown version|" + DECODED),
    "Hello twice in one write": (hello() + hello(), "Hello twice"),
    "Hello of 384 KiB of unknown fields": (
        frame(1, varint(1 << 3) + b"\1" + b"\x78\1" * (FRAME_MAX // 2 - 16)),
        "unknown fields|" + DECODED),
    "messages nested 20 deep": (nested(20), DECODED + "|unknown"),
    "messages nested to the limit": (nested(60000), DECODED + "|unknown|" + LIMITS),
    "384 KiB of empty Hellos, merged": (full_of(b"\x0a\0"), DECODED),
    "384 KiB of empty batches, merged": (full_of(b"\x12\0"), DECODED),
    "384 KiB of unknown varints": (full_of(b"\x78\1"), DECODED + "|unknown"),
    "Welcome, which is the injector's": (
        frame(4, b"\x08\1\x10\1\x18\1"), "not for the injector"),
    "Stop, which is the injector's": (frame(5, b""), "not for the injector"),
    "Report, which is the injector's": (
        frame(6, b"".join(fixed64(i, 0) for i in range(1, 7))), "not for the injector"),
}

# After Hello and Welcome.
THEN = {
    "Hello again": (hello(), "Hello twice"),
    "a batch after End": (end(0) + batch(0, [packet(9, 0)]), "went on after End"),
    "End twice": (end(0) + end(0), "went on after End"),
    "End of another number": (end(1), "contradicts what it sent"),
    "End of 2^64 - 1": (end(2**64 - 1), "contradicts what it sent"),
    "length limit + 1 after a batch": (
        good_columns() + struct.pack(">I", FRAME_MAX + 1), LIMITS),
    "no packet": (columns([]), LIES),
    "a packet of length 0": (columns([60, 0], payload=packet(9, 0)), LIES),
    "a packet of 13 bytes": (columns([13], payload=bytes(13)), LIES),
    "a packet of limit + 1": (
        columns([PACKET_MAX + 1], payload=bytes(PACKET_MAX + 1)), LIES),
    "a packet of 2^31": (columns([2**31], payload=packet(9, 0)), LIES),
    "a packet of 2^32 - 1": (columns([2**32 - 1], payload=packet(9, 0)), LIES),
    "a sum of 2^32, which is 0": (columns([2**31, 2**31]), LIES),
    "a sum that overflows to the payload's": (
        columns([2**31, 2**31, 60], payload=packet(9, 0)), LIES),
    "a sum of 4096 times 2^32 - 1": (columns([2**32 - 1] * 4096), LIES),
    "a payload longer than its packets": (columns([60], payload=bytes(61)), LIES),
    "a payload shorter than its packets": (columns([60], payload=bytes(59)), LIES),
    "lengths that are no whole number": (columns(bytes(5)), DECODED + "|" + LIES),
    "4097 packets": (columns([14] * 4097, payload=bytes(14 * 4097)), LIES),
    "fewer times than packets": (good_columns(times=[0]), LIES),
    "more times than packets": (good_columns(times=[0] * 3), LIES),
    "fewer original lengths": (good_columns(original=[60]), LIES),
    "fewer flags than packets": (good_columns(flags=[0]), LIES),
    "unknown flags": (good_columns(flags=[2, 0]), LIES),
    "every flag": (good_columns(flags=[2**32 - 1] * 2), LIES),
    "a last packet that goes on": (good_columns(flags=[0, 1]), LIES),
    "a batch of a later number": (good_columns(sequence=1), LIES),
    "the same batch again": (good_columns() + good_columns(), LIES),
    "a batch of number 2^64 - 1": (good_columns(sequence=2**64 - 1), LIES),
    "a batch with an unknown field": (
        frame(2, fixed64(1, 0) + b"\x78\1"), LIES + "|" + DECODED),
    "384 KiB of empty batches": (full_of(b"\x12\0"), DECODED),
    "columns repeated to the limit": (
        message(field(2, fixed64(1, 0) + b"\x12\0" * 190000)), DECODED + "|" + LIES),
    "columns repeated, not packed": (
        message(field(2, fixed64(1, 0) + b"\x15\0\0\0\0" * 76000)),
        DECODED + "|" + LIES),
}


def open_fds(pid):
    return sorted(os.listdir("/proc/%d/fd" % pid), key=int)


def resident(pid):
    with open("/proc/%d/status" % pid) as file:
        for line in file:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


class Scene:
    """An injector, a good capture that feeds it, one that is taken over."""

    def __init__(self, *options):
        self.injector = Injector("--linger=100ms", *options, listen=True)
        self.pid = self.injector.process.pid
        self.good = Capture(self.injector.own).hello()
        self.feed_good()
        self.fds = open_fds(self.pid)
        self.bad = Capture(self.injector.join())

    def feed_good(self, n=20):
        """The good one's packets arrive, now."""
        self.good.batch(packets(1, self.good.sequence, n))
        until("the good capture's packets", lambda: self.injector["injected"] -
              self.injector["joined_done"] >= self.good.sequence)

    def closed(self, why, seconds=3):
        check(self.bad.is_closed(seconds), "it is still connected")
        until("the line that says why", lambda: self.injector.lines(why))

    def end(self):
        """Nothing of it is left; the good one is served to its end."""
        self.bad.sock.close()
        until("its descriptors to go", lambda: open_fds(self.pid) == self.fds)
        check(exists(self.injector.name), "the interface is gone")
        self.feed_good()
        equal("injected for the good one", self.good.end()["injected"],
              self.good.sequence)
        joined = self.injector["joined_received"]
        equal("status", self.injector.wait(), 0)
        equal("the sum", self.injector.accounted(), self.good.sequence + joined)


def say(capture, data):
    try:
        capture.send(data)
    except Closed:
        pass


def refusal(name, data, why, greeted):
    @case("injector: from capture: %s%s: closed (control: the good one is served)" % (
        "after Hello: " if greeted else "", name))
    def _():
        scene = Scene()
        if greeted:
            scene.bad.hello()
        say(scene.bad, data)
        scene.closed(why)
        scene.end()


for name, (data, why) in FIRST.items():
    refusal(name, data, why, False)
for name, (data, why) in THEN.items():
    refusal(name, data, why, True)


@case("control: batches at the limits are taken: 14 bytes, 4096 packets, 256 KiB")
def _():
    scene = Scene()
    scene.bad.hello()
    for frames in ([bytes(12) + b"\x88\xb5"], [bytes(12) + b"\x88\xb5"] * 4096,
                   [bytes(12) + b"\x88\xb5" + bytes(PACKET_MAX - 14)]):
        scene.bad.batch(frames)
    equal("injected", scene.bad.end()["injected"], 4098)
    scene.end()


# ---- descriptors ------------------------------------------------------------------

class Token:
    """One end of a pipe, to be sent; the other end tells when nobody has it."""

    def __init__(self):
        self.reader, self.writer = os.pipe()

    def control(self, n=1):
        return [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                 array.array("i", [self.writer] * n))]

    def dropped(self):
        os.close(self.writer)
        poll = select.poll()
        poll.register(self.reader, 0)  # POLLHUP
        until("the descriptors to be dropped", lambda: poll.poll(0))
        os.close(self.reader)


@case("control: a token that somebody keeps is seen")
def _():
    token, (ours, theirs) = Token(), socket.socketpair()
    ours.sendmsg([b"x"], token.control())
    try:
        token.dropped()
    except AssertionError:
        ours.close()
        theirs.close()
        return
    raise AssertionError("a descriptor in flight was not seen")


@case("injector: from capture: 253 descriptors with Hello: none kept")
def _():
    scene, token = Scene(), Token()
    scene.bad.sock.sendmsg([hello()], token.control(FDS_MAX))
    while not scene.bad.welcome:
        scene.bad.read()
    token.dropped()
    equal("descriptors", len(open_fds(scene.pid)), len(scene.fds) + 1)
    equal("injected", scene.bad.end()["injected"], 0)
    scene.end()


@case("injector: from capture: a descriptor with each message, 20,000 times: none kept",
      limit=60)
def _():
    scene, token = Scene(), Token()
    scene.bad.hello()
    for number in range(20000):
        scene.bad.sock.sendmsg([batch(number, [packet(9, 0)])], token.control())
        if number % 1000 == 0:
            check(len(open_fds(scene.pid)) <= len(scene.fds) + 1, "some are kept")
            scene.feed_good(1)
    token.dropped()
    scene.bad.sequence = 20000
    equal("injected", scene.bad.end()["injected"], 20000)
    scene.end()


@case("injector: from capture: 10,000 descriptors in flight at once: none kept", limit=60)
def _():
    scene, token = Scene(), Token()
    scene.bad.hello()
    # One long message, a byte at a time.
    data = batch(0, [bytes(12) + b"\x88\xb5" + bytes(100)])
    sent = 0
    os.kill(scene.pid, signal.SIGSTOP)
    scene.bad.sock.setblocking(False)
    try:
        for byte in data:
            scene.bad.sock.sendmsg([bytes([byte])], token.control(FDS_MAX))
            sent += 1
    except BlockingIOError:
        pass
    except OSError as error:  # ETOOMANYREFS: RLIMIT_NOFILE of who is not root
        os.kill(scene.pid, signal.SIGCONT)
        raise Skip("in flight at once: %d: %s" % (sent * FDS_MAX, error.strerror))
    finally:
        os.kill(scene.pid, signal.SIGCONT)
    scene.bad.sock.setblocking(True)
    check(sent * FDS_MAX >= IN_FLIGHT, "only %d in flight" % (sent * FDS_MAX))
    scene.bad.send(data[sent:])
    scene.bad.sequence = 1
    token.dropped()
    equal("injected", scene.bad.end()["injected"], 1)
    scene.end()


@case("injector: over control: 253 descriptors with a byte: none kept, the feed goes on")
def _():
    scene, token = Scene(), Token()
    for n, text in ((FDS_MAX, b"x"), (2, struct.pack("=IIQ", 1, 0, 0)),
                    (1, struct.pack("=IIQ", 1, 0, 0)), (1, b"")):
        scene.injector.control.sendmsg([text or b"\0"], token.control(n))
    token.dropped()
    equal("descriptors", len(open_fds(scene.pid)), len(scene.fds) + 1)
    scene.end()


@case("helper: 250 descriptors of its user's in flight elsewhere: it serves all the same")
def _():
    ours, theirs = socket.socketpair()
    token = Token()
    ours.sendmsg([b"x"], token.control(250))
    done = subprocess.run([harness.TAPFEED, "replay", "--name", "tf0", "--linger", "0",
                           harness.SAMPLE], capture_output=True, text=True, timeout=20)
    equal("status; " + done.stderr, done.returncode, 0)
    ours.close()
    theirs.close()
    token.dropped()


# ---- slowness -----------------------------------------------------------------------

def slowly(sock, data, stop):
    for byte in data:
        if stop.wait(1):
            return
        try:
            sock.send(bytes([byte]))
        except OSError:
            return


@case("injector: from capture: one byte a second: Hello within 5 s, a message within 10 s",
      limit=60)
def _():
    scene, stop = Scene(), threading.Event()
    other = Capture(scene.injector.join()).hello()
    began = time.monotonic()
    for sock, data in ((scene.bad.sock, hello()),
                       (other.sock, batch(0, [packet(9, 0)]))):
        threading.Thread(target=slowly, args=(sock, data, stop), daemon=True).start()
    while not scene.bad.is_closed(0.1):
        scene.feed_good()
    check(4.5 < time.monotonic() - began < 7 * harness.SLOW, "Hello: at another time")
    while not other.is_closed(0.1):
        scene.feed_good()
    check(9.5 < time.monotonic() - began < 13 * harness.SLOW, "message: at another time")
    stop.set()
    other.sock.close()
    check(scene.injector.lines("did not say Hello in time") and
          scene.injector.lines("unfinished too long"), scene.injector.log)
    scene.end()


@case("injector: from capture: it reads nothing, its buffer is full: closed at its Report")
def _():
    scene = Scene()
    scene.bad.hello()
    scene.bad.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    for _ in range(50):
        scene.bad.batch([packet(9, 0)] * 100)
        scene.feed_good()
    scene.bad.send(end(scene.bad.sequence))
    until("its end", lambda: scene.injector["peers"] == 1)
    equal("all of its packets", scene.injector["joined_done"], 5000)
    scene.end()


@case("injector: from capture: a thousand connections that say nothing: eight served",
      limit=60)
def _():
    scene = Scene()
    socks = []
    for _ in range(1000):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.connect(scene.injector.path)
        socks.append(sock)
        check(len(open_fds(scene.pid)) <= len(scene.fds) + 8, "more are kept")
    scene.feed_good()
    for sock in socks:
        sock.close()
    until("places to be free", lambda: scene.injector["peers"] <= 2)
    check(len(scene.injector.log) < 30, "%d lines" % len(scene.injector.log))
    scene.end()


# ---- memory and time ------------------------------------------------------------------

@case("injector: from capture: messages to the limit without end: memory bounded",
      limit=60)
def _():
    scene = Scene()
    scene.bad.hello()
    before = resident(scene.pid)
    ends = time.monotonic() + 2
    parts = [full_of(part) for part in (b"\x0a\0", b"\x12\0", b"\x78\1", b"\x2a\0")]
    rounds = 0
    while time.monotonic() < ends:
        say(scene.bad, parts[rounds % len(parts)])
        check(scene.bad.is_closed(3), "it is still connected")
        scene.bad.sock.close()
        scene.bad = Capture(scene.injector.join())
        scene.feed_good(1)
        rounds += 1
    check(rounds > 20, "%d rounds" % rounds)
    if not harness.SANITIZED:
        check(resident(scene.pid) - before < 8 << 20,
              "it took %d bytes more" % (resident(scene.pid) - before))
    scene.end()


@case("injector: from capture: packets of one byte a message, 20,000: others in turn")
def _():
    scene = Scene()
    scene.bad.hello()
    stop = threading.Event()

    def flood():
        while not stop.is_set():
            scene.bad.batch([packet(9, 0)])
    thread = threading.Thread(target=flood, daemon=True)
    thread.start()
    slowest = 0
    for _ in range(50):
        began = time.monotonic()
        scene.feed_good()
        slowest = max(slowest, time.monotonic() - began)
    stop.set()
    thread.join(5)
    check(slowest < 0.5 * harness.SLOW, "a turn took %.3f s" % slowest)
    equal("injected", scene.bad.end()["injected"], scene.bad.sequence)
    scene.end()


main()
