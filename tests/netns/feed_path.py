#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The injector with several captures, hostile ones among them, and with itself
killed: started without tapfeed, its captures are this test's own."""
import os
import random
import signal
import socket
import struct
import threading
import time

import feedclient
import harness
from feedclient import Capture, Closed, Injector, packet, packets, whose
from harness import Reader, case, check, equal, frames_equal, main, run, until

PEERS_MAX = 8


def size_of(number):
    return 60 + number * 37 % 1400


def feed_all(capture, mark, n, size=60, step=100):
    """A whole life of a capture."""
    capture.hello()
    for first in range(0, n, step):
        capture.batch(packets(mark, first, min(step, n - first), size))
    return capture.end()


def in_threads(*calls):
    """Runs each function and its arguments in a thread; raises what one raised."""
    errors = []

    def work(function, arguments):
        try:
            function(*arguments)
        except Exception as error:
            errors.append(error)
    threads = [threading.Thread(target=work, args=(call[0], call[1:]), daemon=True)
               for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60 * harness.SLOW)
        check(not thread.is_alive(), "a thread hangs")
    if errors:
        raise errors[0]


def seen_by(reader, mark):
    return [data for data in reader.frames if whose(data)[0] == mark]


def attached():
    reader = Reader("tf0")
    check(reader.bound.wait(10 * harness.SLOW), "the reader is not there")
    return reader


@case("several captures at once: every byte, each one's order", 60)
def _():
    injector = Injector("--linger=200ms", listen=True)
    reader, n = attached(), 2000
    captures = [Capture(injector.own)]
    captures += [Capture(injector.join()) for _ in range(PEERS_MAX - 1)]
    equal("status line", injector.status_line, "tf0 is up (tap, mtu 1500)")
    in_threads(*[(feed_all, capture, mark, n, size_of)
                 for mark, capture in enumerate(captures)])
    for capture in captures:
        equal("welcome", capture.welcome, {1: 1, 2: 1500, 3: 1, 4: "tf0", 5: 0})
        equal("report", capture.report["injected"], n)
    equal("status", injector.wait(), 0)
    reader.finish()
    for mark in range(PEERS_MAX):
        frames_equal(seen_by(reader, mark), packets(mark, 0, n, size_of))
    page = injector.counters()
    equal("injected", page["injected"], PEERS_MAX * n)
    equal("joined", page["joined_received"], (PEERS_MAX - 1) * n)
    equal("joined, done", page["joined_done"], (PEERS_MAX - 1) * n)
    equal("connected", page["peers"], 0)


def trickle(sock):
    for byte in feedclient.hello():
        sock.send(bytes([byte]))
        time.sleep(1)


def flood(sock):
    """Batches as fast as it goes, and not one message read."""
    sock.send(feedclient.hello())
    time.sleep(0.3)
    for number in range(300):
        sock.sendall(feedclient.batch(number * 200, [packet(9, 0)] * 200))
    sock.sendall(b"\xff" * 1000)


HOSTILE = {
    "says nothing": lambda sock: None,
    "one byte a second": trickle,
    "stops in a frame": lambda sock: sock.send(feedclient.hello() + b"\0\0\1\0abc"),
    "garbage": lambda sock: sock.send(os.urandom(5000)),
    "too long": lambda sock: sock.send(b"\xff\xff\xff\xff"),
    "floods and reads nothing": flood,
    "a batch before Welcome": lambda sock: sock.send(
        feedclient.hello() + feedclient.batch(5, [packet(9, 0)])),
}


@case("hostile captures beside a good one, which notices nothing", 60)
def _():
    injector = Injector("--linger=100ms", listen=True)
    reader, good = attached(), Capture(injector.own).hello()
    bad = [injector.join() for _ in HOSTILE]

    def attack(behaviour, sock):
        try:
            behaviour(sock)
        except OSError:
            pass
    for behaviour, sock in zip(HOSTILE.values(), bad):
        threading.Thread(target=attack, args=(behaviour, sock), daemon=True).start()
    ends = time.monotonic() + 11.5
    slowest = 0
    while time.monotonic() < ends:
        began = time.monotonic()
        good.batch(packets(1, good.sequence, 50))
        until("the good one's packets",
              lambda: injector["injected"] - injector["joined_done"] >= good.sequence)
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(0.05)
    check(slowest < 1.0 * harness.SLOW, "a turn took %.3f s" % slowest)
    for behaviour, sock in zip(HOSTILE, bad):
        check(Capture(sock).is_closed(1), "still there: " + behaviour)
    equal("report", good.end()["injected"], good.sequence)
    equal("status", injector.wait(), 0)
    reader.finish()
    frames_equal(seen_by(reader, 1), packets(1, 0, good.sequence))
    page = injector.counters()
    equal("the sum", injector.accounted(), good.sequence + page["joined_received"])


@case("a thousand connections beside a good capture")
def _():
    injector = Injector("--linger=100ms", listen=True)
    good = Capture(injector.own).hello()

    def knock():
        for _ in range(1000):
            injector.join().close()
    knocking = threading.Thread(target=knock, daemon=True)
    knocking.start()
    while knocking.is_alive():
        good.batch(packets(1, good.sequence, 20))
        time.sleep(0.001)
    equal("report", good.end()["injected"], good.sequence)
    equal("status", injector.wait(), 0)
    check(len(injector.log) < 30, "%d lines" % len(injector.log))


@case("nine captures: the ninth is refused, a place is used again")
def _():
    injector = Injector("--linger=100ms", listen=True)
    captures = [Capture(injector.own)]
    captures += [Capture(injector.join()) for _ in range(PEERS_MAX - 1)]
    until("all are connected", lambda: injector["peers"] == PEERS_MAX)
    ninth = Capture(injector.join())
    check(ninth.is_closed(5), "the ninth is served")
    for capture in captures:
        check(not capture.is_closed(), "one was closed for it")
        capture.hello()
    until("a line", lambda: injector.lines("refused: there are too many"))
    equal("report", captures.pop().end()["injected"], 0)
    feed_all(Capture(injector.join()), 9, 10)
    for capture in captures:
        capture.batch(packets(1, 0, 10))
        equal("report", capture.end()["injected"], 10)
    equal("status", injector.wait(), 0)
    equal("injected", injector["injected"], PEERS_MAX * 10)


@case("another user may not feed")
def _():
    injector = Injector("--linger=100ms", listen=True)
    os.chmod(harness.tmp, 0o755)
    os.chmod(injector.path, 0o777)
    good = Capture(injector.own).hello()
    for _ in range(3):
        child = os.fork()
        if child == 0:
            status = 9
            try:
                try:
                    os.setgroups([])
                    os.setgid(65533)
                    os.setuid(65533)
                except OSError:
                    os._exit(77)
                other = Capture(injector.join())
                try:
                    other.hello()
                except Closed:
                    status = 0
            finally:
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == 77:
            good.end()
            injector.wait()
            raise harness.Skip("no other user in this namespace")
        equal("the other user's status", status, 0)
    equal("lines", len(injector.lines("uid 65533 is refused")), 1)
    good.batch(packets(1, 0, 5))
    good.end()
    equal("status", injector.wait(), 0)


@case("without a capture of its own it runs until it is stopped")
def _():
    injector = Injector("--linger=0", listen=True, own=False)
    for mark in range(3):
        equal("report", feed_all(Capture(injector.join()), mark, 10)["injected"], 10)
        time.sleep(0.1)
    capture = Capture(injector.join()).hello()
    injector.process.send_signal(signal.SIGTERM)
    capture.read()
    check(capture.stopped, "no Stop")
    capture.batch(packets(1, 0, 7))
    capture.end()
    equal("status", injector.wait(), 0)
    equal("injected", injector["injected"], 37)


@case("one that joins ends the linger; a broken one changes no status")
def _():
    injector = Injector("--linger=600ms", listen=True)
    feed_all(Capture(injector.own), 1, 10)
    late = Capture(injector.join()).hello()
    time.sleep(1)
    late.batch(packets(2, 0, 10))
    late.send(b"\xff" * 8)
    check(late.is_closed(5), "not closed")
    began = time.monotonic()
    equal("status", injector.wait(), 0)
    check(time.monotonic() - began > 0.3, "it did not linger again")
    equal("injected", injector["injected"], 20)


@case("a pace is shared: one busy capture does not take it all")
def _():
    injector = Injector("--pps=2000", "--linger=0", listen=True)
    captures = [Capture(injector.own), Capture(injector.join())]
    for mark, capture in enumerate(captures):
        capture.hello()
    reader = attached()
    for mark, capture in enumerate(captures):
        capture.batch(packets(mark, 0, 3000 if mark == 0 else 500))
    in_threads(*[(capture.end,) for capture in captures])
    equal("status", injector.wait(), 0)
    reader.finish()
    both = [whose(data)[0] for data in reader.frames[:1000]]
    check(420 <= both.count(1) <= 500, "its share of 1000: %d" % both.count(1))


@case("drop: a busy interface drops nothing, a pace does, nobody waits")
def _():
    for options, drops in ((), False), (("--pps=100",), True):
        injector = Injector("--when-full=drop", "--queue-size=50", "--linger=0",
                            *options)
        capture = Capture(injector.own).hello()
        began = time.monotonic()
        for first in range(0, 40000, 500):
            capture.batch([packet(1, first)] * 500)
        check(time.monotonic() - began < 5 * harness.SLOW, "it had to wait")
        report = capture.end()
        equal("status", injector.wait(), 0)
        equal("the sum", sum(report.values()), 40000)
        equal("drops", report["queue"] > 0, drops)


@case("control: what is not understood is left out, its end means stop")
def _():
    injector = Injector("--linger=0")
    capture = Capture(injector.own).hello()
    ends = [socket.socketpair() for _ in range(3)]
    good = struct.pack("=IIQ", 1, 0, 0)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(harness.path("other.sock"))
    listening.listen()
    rows = [(b"", []), (b"", [ends[0][0]]), (b"x", []), (good, []),
            (good[:-1], [ends[0][0]]), (good + b"\0", [ends[0][0]]),
            (good, [ends[0][0], ends[1][0]]), (good, [listening]),
            (struct.pack("=IIQ", 2, 0, 0), [ends[0][0]]),
            (struct.pack("=IIQ", 1, 1, 0), [ends[0][0]]),
            (good, [socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)])]
    for message, socks in rows:
        injector.send_control(message, socks)
    until("a line each", lambda: len(injector.lines("left out")) == len(rows))
    fds = os.listdir("/proc/%d/fd" % injector.process.pid)
    capture.batch(packets(1, 0, 5))
    until("it goes on", lambda: injector["injected"] == 5)
    check(len(fds) < 12, "descriptors are kept: %s" % fds)
    injector.control.close()
    capture.read()
    check(capture.stopped, "no Stop")
    equal("report", capture.end()["injected"], 5)
    equal("status", injector.wait(), 0)


@case("a capture that was started again goes on behind the old one")
def _():
    injector = Injector("--linger=2s", "--pps=2000")
    reader, capture = attached(), Capture(injector.own).hello()
    capture.batch(packets(1, 0, 500))
    until("some are written", lambda: injector["injected"] > 50)
    old = capture.sock
    capture = Capture(injector.send_feed(), 600)  # 100 were never sent
    capture.send(feedclient.hello(600))
    check(not capture.is_closed(0.1) and not capture.welcome, "it is served too early")
    old.close()
    while not capture.welcome:
        capture.read()
    capture.batch(packets(1, 600, 100))
    report = capture.end()
    equal("lost", report["restart"], 100)
    equal("injected", report["injected"], 100)
    equal("status", injector.wait(), 1)  # the old one broke off
    equal("the sum", injector.accounted(), 700)
    reader.finish()
    frames_equal(reader.frames, packets(1, 0, 500) + packets(1, 600, 100))


class Pump(threading.Thread):
    """The own capture, which sends without end and goes on over a new feed."""

    def __init__(self, injector, reader):
        super().__init__(daemon=True)
        self.injector, self.reader = injector, reader
        self.capture = Capture(injector.own)
        self.feeds, self.error, self.done = [], None, False
        self.ready = threading.Condition()
        self.start()

    def run(self):
        try:
            while not (self.done and self.capture.welcome):
                self.life()
        except Exception as error:
            self.error = error

    def life(self):
        capture = self.capture
        try:
            capture.hello()
            while not self.done:
                while self.injector["injected"] - len(self.reader.frames) > 50000:
                    time.sleep(0.001)  # the reader must not lose any
                n = random.choice((1, 3, 50, 200))
                capture.batch(packets(1, capture.sequence, n))
        except Closed:
            with self.ready:
                check(self.ready.wait_for(lambda: self.feeds, 20), "no new feed")
                self.capture = Capture(self.feeds.pop(), capture.sequence)

    def go_on(self, sock):
        with self.ready:
            self.feeds = [sock]
            self.ready.notify()

    def finish(self):
        self.done = True
        self.join(20 * harness.SLOW)
        check(not self.is_alive(), "the capture hangs")
        if self.error:
            raise self.error
        return self.capture


def kill_often(injector, pump, times, seed):
    chance = random.Random(seed)
    for _ in range(times):
        time.sleep(chance.random() * 0.08)
        injector.kill()
        pump.go_on(injector.restart())
        before = injector["injected"]
        until("the stream goes on", lambda: injector["injected"] > before, 10)


@case("killed 40 times under load: dropped.restart is exact", 90)
def _():
    injector = Injector("--linger=100ms")
    reader = attached()
    index = socket.if_nametoindex("tf0")
    pump = Pump(injector, reader)
    kill_often(injector, pump, 40, 1)
    equal("index", socket.if_nametoindex("tf0"), index)
    capture = pump.finish()
    capture.end()
    equal("status", injector.wait(), 0)
    reader.finish()
    page = injector.counters()
    equal("the sum", injector.accounted(), capture.sequence)
    check(page["dropped_restart"] > 0, "nothing was lost")
    equal("seen", len(reader.frames), page["injected"])
    equal("frames_written", page["frames_written"], page["injected"])
    numbers = [whose(data)[1] for data in reader.frames]
    check(all(a < b for a, b in zip(numbers, numbers[1:])), "not in order, or twice")
    equal("errors", page["errors"] + page["dropped_queue"], 0)
    harness.note("sent %d, lost %d" % (capture.sequence, page["dropped_restart"]))


@case("killed with joined captures: the sum holds", 60)
def _():
    injector = Injector("--linger=100ms", listen=True)
    reader = attached()
    pump = Pump(injector, reader)

    def joined(mark):
        while not pump.done:
            try:
                capture = Capture(injector.join()).hello()
                while not pump.done:
                    capture.batch(packets(mark, 0, 20))
                capture.end()
            except (Closed, OSError):
                time.sleep(0.01)
    threads = [threading.Thread(target=joined, args=(mark,), daemon=True)
               for mark in (2, 3)]
    for thread in threads:
        thread.start()
    kill_often(injector, pump, 12, 2)
    capture = pump.finish()
    for thread in threads:
        thread.join(20 * harness.SLOW)
    capture.end()
    equal("status", injector.wait(), 0)
    reader.finish_lossy()
    page = injector.counters()
    equal("the sum", injector.accounted(), capture.sequence + page["joined_received"])
    equal("joined, done", page["joined_done"], page["joined_received"])
    check(page["joined_received"] > 0, "nobody joined")


@case("several feeds wait on control: the last one counts")
def _():
    injector = Injector("--linger=0")
    Capture(injector.own).hello()
    injector.kill()
    old = []

    def send():
        old.append(injector.send_feed())
        old.append(injector.send_feed())
        injector.send_feed()
    injector.before_start = send
    injector.start([("interface", fd) for fd in injector.stored])
    for sock in old:
        check(Capture(sock).is_closed(5), "an old one is served")
    equal("report", feed_all(Capture(injector.own), 1, 10)["injected"], 10)
    equal("status", injector.wait(), 0)


@case("systemd stores the queues, where it listens")
def _():
    path = harness.path("notify.sock")
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(path)
    notify.settimeout(10 * harness.SLOW)
    asking, answering = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours, theirs = socket.socketpair()
    feedclient.spawn(feedclient.HELPER, [("helper", answering)])
    process = feedclient.spawn(
        feedclient.INJECTOR, [("privileged", asking), ("feed", theirs)],
        ["--name=tf0", "--linger=0"], env={**os.environ, "NOTIFY_SOCKET": path})
    theirs.close()
    said, fds, _, _ = socket.recv_fds(notify, 500, 4)
    equal("said first", said, b"FDSTORE=1\nFDNAME=interface")
    equal("descriptors", len(fds), 1)
    check(notify.recv(500).startswith(b"READY=1\n"), "not ready")
    os.close(fds[0])
    equal("report", feed_all(Capture(ours), 1, 5)["injected"], 5)
    equal("status", process.wait(20), 0)


def adopt(injector, *options):
    """Starts one with the stored queue; its status and what it said."""
    process = feedclient.spawn(
        feedclient.INJECTOR, [("interface", injector.stored[0]),
                              ("counters", injector.page_fd),
                              ("control", injector.control)],
        [*injector.options, *options], stderr=feedclient.subprocess.PIPE)
    log = process.communicate(timeout=20)[1].decode()
    return process.returncode, log


@case("what is stored must be what was asked for")
def _():
    injector = Injector()
    injector.kill()
    injector.control = socket.socketpair(type=socket.SOCK_SEQPACKET)[0]
    for option in "--name=tf1", "--type=tun":
        status, log = adopt(injector, option)
        equal("status with " + option, status, 1)
        check("are not the 1 queue of" in log, log)
    page, injector.page_fd = injector.page_fd, os.memfd_create("p", os.MFD_ALLOW_SEALING)
    os.ftruncate(injector.page_fd, feedclient.PAGE_BYTES)
    feedclient.fcntl.fcntl(injector.page_fd, feedclient.F_ADD_SEALS,
                           feedclient.SIZE_SEALS)
    status, log = adopt(injector)
    equal("status with another page", status, 1)
    check("the counters page is not that" in log, log)
    injector.page_fd = page
    equal("control", adopt(injector)[0], 0)  # its end is there: stop


@case("a TUN takes IP and nothing else")
def _():
    injector = Injector("--type=tun", "--linger=0", listen=True)
    equal("status line", injector.status_line, "tf0 is up (tun, mtu 1500)")
    capture = Capture(injector.own).hello()
    equal("welcome", capture.welcome, {1: 1, 2: 1500, 3: 2, 4: "tf0", 5: 0})
    capture.batch([b"\x45" + bytes(40), b"\x60" + bytes(60)])
    other = Capture(injector.join()).hello()
    other.batch([packet(1, 0)])
    check(other.is_closed(5), "Ethernet is taken")
    equal("report", capture.end()["injected"], 2)
    equal("taken by the kernel", injector.frames_taken(), 2)
    equal("status", injector.wait(), 0)


@case("a stored queue whose interface is gone")
def _():
    injector = Injector()
    injector.kill()
    run("ip", "link", "delete", "tf0")
    injector.control = socket.socketpair(type=socket.SOCK_SEQPACKET)[0]
    status, log = adopt(injector)
    equal("status", status, 1)
    check("the interface is gone" in log, log)


main()
