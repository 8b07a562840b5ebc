# SPDX-License-Identifier: Apache-2.0
"""SIGINT and SIGTERM at any moment: a report whose sum holds, nothing left."""
from captures import numbered, pcap
from harness import (SLOW, Feed, Reader, case, check, equal, frames_equal, main, made,
                     run, until)
import os
import signal
import time

MANY = 50000
BOTH = (signal.SIGINT, signal.SIGTERM)


def source():
    return made(pcap(numbered(MANY)))


def midstream(*args, frames=100):
    """A run of which frames were seen, and its reader."""
    reader = Reader("tf0")
    feed = Feed(source(), "--startup-delay", "300ms", "--linger", "0", *args)
    reader.wait(frames)
    return feed, reader


def ended_well(feed, reader, status=0, within=8):
    began = time.monotonic()
    feed.wait(within)
    took = time.monotonic() - began
    equal("status", feed.status, status)
    frames_equal(reader.finish().frames, numbered(feed["injected"]))
    return took


def add(number):
    name = signal.Signals(number).name

    @case("%s in mid-stream: what is queued is written, all is counted" % name)
    def _():
        feed, reader = midstream("--pps", "1000")
        feed.signal(number)
        took = ended_well(feed, reader)
        check(100 <= feed["injected"] < MANY, feed.report)
        check(took < 3 * SLOW, "took %.1f s" % took)

    @case("%s in mid-stream, unpaced, for ever" % name)
    def _():
        feed, reader = midstream("--loop", "0")
        feed.signal(number)
        feed.wait(8)
        equal("status", feed.status, 0)
        check(feed["injected"] >= 100, feed.report)
        reader.finish_lossy()

    @case("%s to the whole process group, as from a terminal" % name)
    def _():
        feed, reader = midstream("--pps", "1000")
        os.killpg(feed.process.pid, number)
        ended_well(feed, reader)

    @case("%s during the start-up delay" % name)
    def _():
        feed = Feed(source(), "--startup-delay", "1h")
        feed.wait_up()
        feed.signal(number)
        feed.wait(5)
        equal("status", feed.status, 0)
        equal("injected", feed["injected"], 0)

    @case("%s during --linger" % name)
    def _():
        reader = Reader("tf0")
        feed = Feed(made(pcap(numbered(10))), "--startup-delay", "300ms", "--linger",
                    "1h")
        reader.wait(10)
        time.sleep(0.2)
        feed.signal(number)
        feed.wait(5)
        equal("status", feed.status, 0)
        equal("injected", feed["injected"], 10)
        frames_equal(reader.finish().frames, numbered(10))

    @case("a second %s ends it at once with %d" % (name, 128 + number))
    def _():
        feed, reader = midstream("--pps", "1000")
        run("ip", "link", "set", "tf0", "down")  # so the first cannot end it
        time.sleep(0.2)
        feed.signal(number)
        time.sleep(0.5)
        equal("ended after the first", feed.process.poll(), None)
        began = time.monotonic()
        feed.signal(number)
        feed.wait(5, report=False)
        equal("status", feed.status, 128 + number)
        check(time.monotonic() - began < 2, "took %.1f s" % (time.monotonic() - began))
        if feed.output():
            feed.read_report()
        until("the interface to go", lambda: reader.gone())

    @case("one %s ends it within the drain's deadline, interface down" % name, limit=40)
    def _():
        feed, reader = midstream("--pps", "1000")
        run("ip", "link", "set", "tf0", "down")
        time.sleep(0.2)
        feed.signal(number)
        took = ended_well(feed, reader, status=1, within=12)
        check(took < 8 * SLOW, "took %.1f s" % took)
        check(feed["dropped.stopped"] > 0, feed.report)


for stop in BOTH:
    add(stop)


@case("a signal at any moment of the start", limit=120)
def _():
    name = source()
    for step in range(24):
        feed = Feed(name, "--pps", "1000")
        time.sleep(step * 0.004)
        feed.signal(BOTH[step % 2])
        feed.wait(8, report=False)
        check(feed.status in (0, -BOTH[step % 2]), "status %d" % feed.status)
        if feed.status == 0:
            feed.read_report()


@case("SIGPIPE, SIGHUP: a closed standard error does not end it")
def _():
    feed = Feed(made(pcap(numbered(500))), "--pps", "1000", launch=[
        "sh", "-c", 'exec "$@" 2>&-', "sh"])
    feed.wait()
    equal("status", feed.status, 0)
    equal("injected", feed["injected"], 500)


@case("standard streams closed")
def _():
    feed = Feed(made(pcap(numbered(50))), launch=[
        "sh", "-c", 'exec "$@" <&- 2>&-', "sh"])
    feed.wait()
    equal("status", feed.status, 0)
    equal("injected", feed["injected"], 50)


@case("stop signals blocked or ignored by the parent: it starts all the same")
def _():
    feed = Feed(made(pcap(numbered(50))), launch=[
        "sh", "-c", 'trap "" INT TERM CHLD PIPE; exec "$@"', "sh"])
    feed.wait()
    equal("status", feed.status, 0)
    equal("injected", feed["injected"], 50)


main()
