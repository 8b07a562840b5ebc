# SPDX-License-Identifier: Apache-2.0
"""The two writers: the ring, and write(2) where io_uring is forbidden. Byte for byte the
same, and told which it is."""
import json
import os
import subprocess

from captures import numbered, pcap
from harness import (BUILDDIR, TAPFEED, Feed, Reader, case, check, equal, frames_equal,
                     main, made, run)
from restarted import exact, kill, rising

FORBIDDEN = [os.path.join(BUILDDIR, "tests/netns/without-io-uring")]
SLOWER = "packets are written one by one: no ring"
FRAMES = numbered(5000, 100)


def writer():
    """What tapfeed status says of the feed."""
    done = subprocess.run([TAPFEED, "status", "tf0", "--json"], stdout=subprocess.PIPE,
                          text=True, timeout=10)
    return json.loads(done.stdout)["feeds"][0]["writer"]


def whole(launch, *args):
    """A replay of all frames; returns which writer it was."""
    reader = Reader("tf0")
    feed = Feed(made(pcap(FRAMES)), "--startup-delay", "300ms", "--linger", "2s",
                *args, launch=launch)
    reader.wait(len(FRAMES))
    which = writer()
    feed.wait()
    frames_equal(reader.finish().frames, FRAMES)
    equal("injected", feed["injected"], len(FRAMES))
    equal("said", bool(feed.lines(SLOWER)), bool(launch))
    return which


@case("the ring is what writes, without a word")
def _():
    equal("writer", whole([]), "ring")


@case("io_uring forbidden: the plain writer, said so, nothing lost")
def _():
    equal("writer", whole(FORBIDDEN), "plain")


@case("--no-ring: the plain writer, without a word; not with --require-ring")
def _():
    equal("writer", whole([], "--no-ring"), "plain")
    feed = Feed(made(pcap(FRAMES)), "--no-ring", "--require-ring")
    feed.wait(report=False)
    equal("status", feed.status, 2)


@case("io_uring forbidden: the line says what to do")
def _():
    feed = Feed(made(pcap(FRAMES[:1])), launch=FORBIDDEN)
    feed.wait()
    check(feed.lines("the host forbids io_uring .sysctl kernel.io_uring_disabled"), feed.log)


@case("--require-ring: taken with a ring, refused without, and no interface stays")
def _():
    feed = Feed(made(pcap(FRAMES)), "--require-ring")
    feed.wait()
    equal("injected", feed["injected"], len(FRAMES))
    feed = Feed(made(pcap(FRAMES)), "--require-ring", launch=FORBIDDEN)
    feed.wait(report=False)
    equal("status", feed.status, 1)
    check(feed.lines("--require-ring: no ring: the host forbids io_uring"), feed.log)


@case("io_uring forbidden: a killed injector goes on with the plain writer", limit=60)
def _():
    reader = Reader("tf0")
    feed = Feed(made(pcap(numbered(40000, 500))), "--startup-delay", "300ms", "--pps",
                "20000", "--linger", "200ms", launch=FORBIDDEN)
    reader.wait(2000)
    kill(feed, "injector")
    reader.wait(len(reader.frames) + 2000)
    equal("writer", writer(), "plain")
    feed.wait(30)
    frames = exact(feed, reader)
    rising([int.from_bytes(data[14:18], "big") for data in frames])


@case("both writers: down and up again under load, in order, nothing lost", limit=60)
def _():
    for launch in [], FORBIDDEN:
        reader = Reader("tf0")
        feed = Feed(made(pcap(numbered(20000, 200))), "--startup-delay", "300ms", "--pps",
                    "20000", "--linger", "200ms", launch=launch)
        reader.wait(1000)
        for _ in range(3):
            run("ip", "link", "set", "tf0", "down")
            run("ip", "link", "set", "tf0", "up")
        feed.wait(30)
        equal("injected", feed["injected"], 20000)
        # A frame that comes while the interface comes up may be seen by no reader.
        rising([int.from_bytes(data[14:18], "big") for data in reader.finish().frames])


main()
