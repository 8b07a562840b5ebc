# SPDX-License-Identifier: Apache-2.0
"""The interface that is captured goes down, up, away, or gets another name."""
import signal
import socket
import subprocess
import time

from captures import numbered
from harness import (SAMPLE, Feed, case, check, equal, exists, frames_equal, main, run,
                     until)
from livefeed import PEER, Watch, send, wire

FRAMES = numbered(300)


def link(*words):
    run("ip", "link", *words)


def up(name, peer):
    """Sets it up, and waits for the carrier: the kernel takes up to a second to let
    frames out of a veth whose other end has come up."""
    link("set", name, "up")
    for end in (name, peer):
        until("the carrier of " + end,
              lambda: " state UP " in run("ip", "link", "show", "dev", end))


def told(watch, pattern):
    """The one line that says so."""
    watch.feed.wait_line(pattern)


@case("down and up again: a line each, and it goes on")
def _():
    wire("eth1")
    watch = Watch("eth1")
    send("eth1" + PEER, FRAMES[:100])
    watch.copy.wait(100)
    link("set", "eth1", "down")
    told(watch, "eth1.*down")
    time.sleep(0.5)
    up("eth1", "eth1" + PEER)
    told(watch, "eth1.*up")
    send("eth1" + PEER, FRAMES[100:200])
    watch.copy.wait(200)
    watch.end()
    frames_equal(watch.frames, FRAMES[:200])
    equal("lines that say down", len(watch.feed.lines("eth1.*down")), 1)


@case("down for a while: it sleeps")
def _():
    wire("eth1")
    watch = Watch("eth1")
    capture = watch.feed.worker("capture")
    link("set", "eth1", "down")
    time.sleep(0.2)
    before = ticks(capture)
    time.sleep(1)
    used = ticks(capture) - before
    watch.end()
    check(used <= 10, "%d ticks in a second" % used)


def ticks(pid):
    with open("/proc/%d/stat" % pid) as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


@case("down, then stopped: status 0")
def _():
    wire("eth1")
    watch = Watch("eth1")
    send("eth1" + PEER, FRAMES[:10])
    watch.copy.wait(10)
    link("set", "eth1", "down")
    time.sleep(0.1)
    watch.end(signal.SIGTERM)
    frames_equal(watch.frames, FRAMES[:10])


@case("removed: what it saw is there, an error, status 1")
def _():
    wire("eth1")
    watch = Watch("eth1", args=("--linger", "100ms"))
    send("eth1" + PEER, FRAMES[:100])
    link("del", "eth1")
    watch.feed.wait(10)
    watch.copy.finish()
    equal("status", watch.feed.status, 1)
    frames_equal(watch.frames, FRAMES[:100])
    equal("lines", len(watch.feed.lines("eth1.*removed")), 1)


@case("removed while it is down")
def _():
    wire("eth1")
    watch = Watch("eth1", args=("--linger", "100ms"))
    link("set", "eth1", "down")
    time.sleep(0.2)
    link("del", "eth1")
    watch.feed.wait(10)
    equal("status", watch.feed.status, 1)
    check(watch.feed.lines("eth1.*removed"), watch.feed.log)


@case("removed while the feed waits for its start: said at once, status 1 then", limit=40)
def _():
    wire("eth1")
    feed = Feed("eth1", "--wait-for-reader", command="live")
    feed.wait_line("tf0 waits for")
    time.sleep(0.3)  # capture has opened it
    link("del", "eth1")
    feed.wait_line("eth1 was removed: nothing will come from it")
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as reader:
        reader.bind(("tf0", 3))
        feed.wait(15)
    equal("status", feed.status, 1)
    equal("received", feed["received"], 0)


@case("one of two removed: the other goes on; status 1 at the end")
def _():
    wire("eth1", "eth2")
    watch = Watch("eth1", "eth2")
    send("eth1" + PEER, FRAMES[:100])
    watch.copy.wait(100)
    link("del", "eth1")
    told(watch, "eth1.*removed")
    send("eth2" + PEER, FRAMES[100:200])
    watch.copy.wait(200)
    watch.feed.stop(status=1)
    watch.copy.finish()
    frames_equal(watch.frames, FRAMES[:200])


@case("renamed, up or down: it goes on")
def _():
    wire("eth1")
    watch = Watch("eth1")
    send("eth1" + PEER, FRAMES[:100])
    watch.copy.wait(100)
    link("set", "eth1", "down")
    link("set", "eth1", "name", "other1")
    until("the name", lambda: exists("other1"))
    time.sleep(0.2)
    up("other1", "eth1" + PEER)
    send("eth1" + PEER, FRAMES[100:200])
    watch.copy.wait(200)
    watch.feed.stop()
    watch.copy.finish()
    frames_equal(watch.frames, FRAMES[:200])
    equal("received", watch.feed["received"], 200)


@case("one of two removed, up or down: it sleeps")
def _():
    for down in (False, True):
        wire("eth1", "eth2")
        watch = Watch("eth1", "eth2")
        capture = watch.feed.worker("capture")
        if down:
            link("set", "eth2", "down")
            time.sleep(0.2)
        link("del", "eth2")
        told(watch, "eth2.*removed")
        time.sleep(0.2)
        before = ticks(capture)
        time.sleep(1)
        used = ticks(capture) - before
        watch.feed.stop(status=1)
        check(used <= 10, "%d ticks in a second" % used)
        link("del", "eth1")


@case("a feed starts while other interfaces come and go", limit=60)
def _():
    for number in range(30):
        run("ip", "link", "add", "d%d" % number, "type", "veth")
    churn = [subprocess.Popen(["sh", "-c", "while :; do ip link add %s type veth peer name "
                               "%s1; ip link del %s; done" % (3 * (name,))],
                              stderr=subprocess.DEVNULL) for name in ("x", "y")]
    try:
        for _ in range(25):
            feed = Feed(SAMPLE, "--linger", "0")
            feed.wait()
            equal("status", feed.status, 0)
    finally:
        for process in churn:
            process.kill()
            process.wait()


main()
