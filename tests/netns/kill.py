# SPDX-License-Identifier: Apache-2.0
"""Each process killed or stopped in mid-stream: the others end in order, the interface
goes, and the report still adds up."""
from captures import numbered, pcap
from harness import (SLOW, Feed, Reader, case, check, descendants, equal, exists,
                     frames_equal, main, made, until)
import os
import signal
import time

MANY = 50000
# Written but not yet counted when the injector is killed: one by one, and by a lane.
UNCOUNTED_MAX, LANE_MAX = 1, 2048


def midstream(*args):
    reader = Reader("tf0")
    feed = Feed(made(pcap(numbered(MANY))), "--startup-delay", "300ms", "--linger", "0",
                *(args or ("--pps", "2000", "--no-ring")))
    reader.wait(200)
    return feed, reader


def parent(pid):
    with open("/proc/%d/stat" % pid) as file:
        return int(file.read().rpartition(")")[2].split()[1])


def spawner(feed):
    """tapfeed's own child; the others are the spawner's."""
    found = [pid for pid in descendants(feed.process.pid)
             if parent(pid) == feed.process.pid]
    equal("children of tapfeed", len(found), 1)
    return found[0]


def ended(feed, reader, word, uncounted_max=UNCOUNTED_MAX):
    feed.wait(10)
    equal("status", feed.status, 1)
    seen = reader.finish().frames
    frames_equal(seen, numbered(len(seen)))
    check(feed["injected"] <= len(seen) <= feed["injected"] + uncounted_max,
          "%d seen, report %s" % (len(seen), feed.report))
    check(feed.lines(word), "no line names the %s" % word)


@case("kill -9 of capture: what it had sent is written, status 1")
def _():
    feed, reader = midstream()
    os.kill(feed.worker("capture"), signal.SIGKILL)
    ended(feed, reader, "capture")
    equal("injected", feed["injected"], len(reader.frames))


@case("kill -9 of the spawner: the others end, status 1")
def _():
    feed, reader = midstream()
    os.kill(spawner(feed), signal.SIGKILL)
    ended(feed, reader, "")


@case("the same by the ring: what is not counted is a lane at most")
def _():
    feed, reader = midstream("--pps", "50000")
    os.kill(spawner(feed), signal.SIGKILL)
    ended(feed, reader, "", LANE_MAX)


def nothing_is_left(feed, seconds=5):
    until("the interface to go", lambda: not exists("tf0"), seconds)
    until("the processes to go", lambda: not any(
        name.startswith("tapfeed") for name in descendants(os.getpid()).values()),
        seconds)
    feed.process.wait(5)


@case("kill -9 of tapfeed: nothing outlives it")
def _():
    feed, reader = midstream()
    os.kill(feed.process.pid, signal.SIGKILL)
    nothing_is_left(feed)
    seen = reader.finish().frames
    frames_equal(seen, numbered(len(seen)))


@case("kill -9 of tapfeed during the start-up delay and during --linger")
def _():
    for options in (("--startup-delay", "1h"), ("--linger", "1h")):
        feed = Feed(made(pcap(numbered(10))), *options)
        feed.wait_up()
        time.sleep(0.3)
        os.kill(feed.process.pid, signal.SIGKILL)
        nothing_is_left(feed)


@case("kill -9 of capture or spawner during the start-up delay", limit=60)
def _():
    for kind in ("capture", "spawner"):
        feed = Feed(made(pcap(numbered(10))), "--startup-delay", "1h")
        feed.wait_up()
        time.sleep(0.3)
        os.kill(spawner(feed) if kind == "spawner" else feed.worker(kind),
                signal.SIGKILL)
        feed.wait(8)
        equal("status", feed.status, 1)
        equal("injected", feed["injected"], 0)


@case("kill -9 of capture and spawner at random moments, unpaced", limit=180)
def _():
    for turn in range(12):
        feed = Feed(made(pcap(numbered(2000))), "--loop", "0")
        feed.wait_up()
        time.sleep(0.01 * turn)
        kind = ("capture", "spawner")[turn % 2]
        os.kill(spawner(feed) if kind == "spawner" else feed.worker(kind),
                signal.SIGKILL)
        feed.wait(10)
        equal("status after %s" % kind, feed.status, 1)


def stopped(kind, number):
    feed, reader = midstream()
    pid = feed.worker(kind)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(0.3)
    feed.signal(number)
    began = time.monotonic()
    feed.wait(20)
    took = time.monotonic() - began
    check(took < 15 * SLOW, "took %.1f s" % took)
    seen = reader.finish().frames
    check(feed["injected"] <= len(seen) <= feed["injected"] + UNCOUNTED_MAX,
          "%d seen, report %s" % (len(seen), feed.report))
    frames_equal(seen, numbered(len(seen)))


@case("SIGSTOP of capture, then SIGTERM: it ends in bounded time", limit=60)
def _():
    stopped("capture", signal.SIGTERM)


@case("SIGSTOP of the injector, then SIGTERM: it ends in bounded time", limit=60)
def _():
    stopped("injector", signal.SIGTERM)


@case("SIGSTOP and SIGCONT of capture: nothing is lost")
def _():
    reader = Reader("tf0")
    feed = Feed(made(pcap(numbered(3000))), "--startup-delay", "300ms", "--pps", "3000")
    reader.wait(200)
    pid = feed.worker("capture")
    os.kill(pid, signal.SIGSTOP)
    time.sleep(1)
    os.kill(pid, signal.SIGCONT)
    feed.wait()
    equal("status", feed.status, 0)
    frames_equal(reader.finish().frames, numbered(3000))


@case("SIGTERM to a worker is no accident of the whole: it ends, and adds up", limit=60)
def _():
    for kind in ("injector", "capture"):
        feed, reader = midstream("--pps", "20000")
        os.kill(feed.worker(kind), signal.SIGTERM)
        feed.wait(10)
        check(feed.status in (0, 1), "status %d" % feed.status)
        seen = reader.finish().frames
        frames_equal(seen, numbered(feed["injected"]))


main()
