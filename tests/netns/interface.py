# SPDX-License-Identifier: Apache-2.0
"""The interface goes down, comes up again, or is deleted under the feed."""
from captures import numbered, pcap
from harness import (Feed, Reader, case, check, equal, frames_equal, main, made, run,
                     until)
import os
import signal
import subprocess
import time

COUNT = 6000


def midstream(*args, count=COUNT):
    reader = Reader("tf0")
    feed = Feed(made(pcap(numbered(count))), "--startup-delay", "300ms", "--linger",
                "200ms", "--pps", "4000", *args)
    reader.wait(200)
    return feed, reader


def down(seconds=0.5):
    run("ip", "link", "set", "tf0", "down")
    time.sleep(seconds)


def up():
    run("ip", "link", "set", "tf0", "up")


def seen_in_order(reader, injected, changes=1):
    """Readers may miss a few frames at each change: the kernel takes frames before it
    has put the packet sockets of an interface that comes up back in place."""
    seen, every = reader.finish().frames, numbered(COUNT)
    check(set(seen) <= set(every) and seen == sorted(set(seen)), "order or content")
    check(injected - 20 * changes <= len(seen) <= injected,
          "%d seen, %d injected" % (len(seen), injected))


def one_line_each(feed, changes=1):
    equal("lines that say down", len(feed.lines(r"tf0 is down")), changes)
    equal("lines that say up again", len(feed.lines(r"tf0 is up again")), changes)


@case("wait: down and up again, nothing is lost")
def _():
    feed, reader = midstream()
    down()
    seen = len(reader.frames)
    time.sleep(0.3)
    equal("frames seen while down", len(reader.frames), seen)
    up()
    feed.wait()
    equal("status", feed.status, 0)
    equal("injected", feed["injected"], COUNT)
    seen_in_order(reader, COUNT)
    one_line_each(feed)


@case("wait: down before the first packet")
def _():
    reader = Reader("tf0")
    feed = Feed(made(pcap(numbered(100))), "--startup-delay", "500ms")
    feed.wait_up()
    down(1)
    equal("frames", reader.frames, [])
    up()
    feed.wait()
    equal("status", feed.status, 0)
    equal("injected", feed["injected"], 100)
    seen = reader.finish().frames
    frames_equal(seen, numbered(100)[100 - len(seen):])
    check(len(seen) >= 80, "only %d seen" % len(seen))


@case("wait: down and up many times, one line a change", limit=60)
def _():
    feed, reader = midstream("--queue-size", "64")
    for _ in range(5):
        down(0.15)
        up()
        time.sleep(0.15)
    feed.wait()
    equal("status", feed.status, 0)
    equal("injected", feed["injected"], COUNT)
    seen_in_order(reader, COUNT, changes=5)
    equal("down and up", len(feed.lines("tf0 is down")), len(
        feed.lines("tf0 is up again")))


@case("drop: what comes while it is down is counted")
def _():
    feed, reader = midstream("--when-full", "drop", "--queue-size", "100000")
    down()
    up()
    feed.wait()
    equal("status", feed.status, 1)
    lost = feed["dropped.interface_down"]
    check(0 < lost < COUNT, feed.report)
    equal("injected", feed["injected"], COUNT - lost)
    seen_in_order(reader, feed["injected"])
    one_line_each(feed)


@case("deleted in mid-stream: status 1, one line, the rest are errors")
def _():
    feed, reader = midstream()
    run("ip", "link", "del", "tf0")
    feed.wait(8)
    equal("status", feed.status, 1)
    check(feed["errors"] > 0, feed.report)
    equal("dropped", sum(feed["dropped"].values()), 0)
    frames_equal(reader.finish().frames, numbered(feed["injected"]))
    equal("lines that say so", len(feed.lines("tf0 .*deleted")), 1)
    # A write may find it down on its way out, which is said too.
    check(len(feed.lines("tf0")) <= 3, feed.log)


@case("deleted in mid-stream, with drop")
def _():
    feed, reader = midstream("--when-full", "drop", "--queue-size", "100000")
    run("ip", "link", "del", "tf0")
    feed.wait(8)
    equal("status", feed.status, 1)
    frames_equal(reader.finish().frames, numbered(feed["injected"]))


@case("deleted while it is down")
def _():
    feed, reader = midstream()
    down()
    run("ip", "link", "del", "tf0")
    feed.wait(8)
    equal("status", feed.status, 1)
    frames_equal(reader.finish().frames, numbered(feed["injected"]))


@case("deleted during the start-up delay and during --linger")
def _():
    for options in (("--startup-delay", "1h"), ("--linger", "1h")):
        feed = Feed(made(pcap(numbered(10))), *options)
        feed.wait_up()
        time.sleep(0.5)
        run("ip", "link", "del", "tf0")
        feed.wait(8)
        equal("status", feed.status, 1)


@case("moved to another network namespace: status 1, said, all counted", limit=40)
def _():
    feed, _ = midstream()
    other = subprocess.Popen(["unshare", "-n", "sleep", "60"])
    try:
        until("its namespace", lambda: os.readlink("/proc/%d/ns/net" % other.pid) !=
              os.readlink("/proc/self/ns/net"))
        run("ip", "link", "set", "tf0", "netns", str(other.pid))
        feed.wait(12)
    finally:
        other.kill()
        other.wait()
    equal("status", feed.status, 1)
    equal("lines", len(feed.lines("tf0 was deleted, or moved to another network namesp")), 1)


@case("deleted and made again by somebody else: not adopted, not touched")
def _():
    feed, _ = midstream()
    run("ip", "link", "del", "tf0")
    run("ip", "tuntap", "add", "tf0", "mode", "tap")
    run("ip", "link", "set", "tf0", "up")
    other = Reader("tf0")
    feed.wait(8, gone=False)
    equal("status", feed.status, 1)
    equal("frames on the other", other.finish().frames, [])
    until("the other to stay", lambda: "tf0" in run("ip", "-o", "link"))


@case("down at the end, then SIGTERM: counted as stopped", limit=40)
def _():
    feed, reader = midstream()
    down()
    feed.signal(signal.SIGTERM)
    feed.wait(12)
    equal("status", feed.status, 1)
    check(feed["dropped.stopped"] > 0, feed.report)
    frames_equal(reader.finish().frames, numbered(feed["injected"]))


@case("given another name beside its own in mid-stream: it goes on")
def _():
    feed, _ = midstream(count=4000)
    run("ip", "link", "property", "add", "dev", "tf0", "altname", "watched0")
    feed.wait()
    equal("status", feed.status, 0)
    equal("injected", feed["injected"], 4000)


@case("put into a bridge and taken out of it: it goes on")
def _():
    feed, _ = midstream(count=4000)
    run("ip", "link", "add", "name", "bridge0", "type", "bridge")
    run("ip", "link", "set", "tf0", "master", "bridge0")
    run("ip", "link", "set", "tf0", "nomaster")
    feed.wait()
    equal("status", feed.status, 0)
    equal("injected", feed["injected"], 4000)


main()
