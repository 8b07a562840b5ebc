# SPDX-License-Identifier: Apache-2.0
"""--feed-path and --join: captures of several tapfeeds on one interface."""
import os
import signal
import stat
import time

from captures import numbered, pcap
from harness import (Feed, Reader, case, check, descendants, equal, exists, frames_equal,
                     main, made, path, service_uid, until)
from livefeed import Live, flood, wire


def number_of(data):
    return int.from_bytes(data[14:18], "big")


class Joined(Feed):
    """One run of `tapfeed replay --join`: no interface of its own."""

    def __init__(self, source, *args, **how):
        super().__init__(source, "--join", path("feed"), *args, name=None, **how)


def numbered_from(first, count, length=60):
    return numbered(first + count, length)[first:]


@case("the socket: mode 0660, there as long as the feed, stale ones replaced")
def _():
    os.umask(0)
    folder = path("sockets")
    os.mkdir(folder, 0o750)
    os.chown(folder, service_uid(), -1)
    name = os.path.join(folder, "feed")
    for _ in range(2):
        feed = Feed(made(pcap(numbered(10))), "--feed-path", name, "--linger", "300ms")
        feed.wait_up()
        found = os.stat(name)
        check(stat.S_ISSOCK(found.st_mode), "no socket")
        equal("mode", stat.S_IMODE(found.st_mode), 0o660)
        equal("owner", found.st_uid, service_uid())
        feed.wait()
        equal("status", feed.status, 0)
        check(not os.path.exists(name), "the socket is still there")
    feed = Feed(made(pcap(numbered(10))), "--feed-path", name, "--loop", "0")
    feed.wait_up()
    os.kill(feed.process.pid, signal.SIGKILL)
    feed.process.wait()
    until("the interface to go", lambda: not exists("tf0"))
    check(os.path.exists(name), "nothing stale to be tried")
    # In root's own folder the user that root's feed becomes cannot remove it.
    for place in name, path("feed"), path("feed"):
        feed = Feed(made(pcap(numbered(10))), "--feed-path", place, "--linger", "0")
        feed.wait()
        equal("status", feed.status, 0)
    equal("left in root's folder", os.path.exists(path("feed")),
          service_uid() != os.geteuid())


@case("a path that is in use, or holds something else: status 2")
def _():
    first = Feed(made(pcap(numbered(10))), "--feed-path", path("feed"), "--loop", "0")
    first.wait_up()
    second = Feed(made(pcap(numbered(10))), "--feed-path", path("feed"), name="tf1")
    second.wait(report=False)
    equal("status", second.status, 2)
    check(second.lines("another tapfeed listens"), second.log)
    first.signal(signal.SIGINT)
    first.wait()
    made(b"x", "feed")
    third = Feed(made(pcap(numbered(10))), "--feed-path", path("feed"))
    third.wait(report=False)
    equal("status", third.status, 2)
    equal("the file", open(path("feed")).read(), "x")
    os.unlink(path("feed"))


@case("two captures join: every packet of each, in its order, and every sum holds",
      limit=60)
def _():
    reader = Reader("tf0")
    feed = Feed(made(pcap(numbered(2000)), "own.pcap"), "--feed-path", path("feed"),
                "--startup-delay", "1500ms", "--linger", "500ms", "--pps", "20000")
    feed.wait_up()
    joined = [Joined(made(pcap(numbered_from(first, 3000)), "%d.pcap" % first))
              for first in (100000, 200000)]
    for one in joined:
        one.wait_line("feeding the tapfeed behind")
    for one in [*joined, feed]:
        one.wait(30)
        equal("status", one.status, 0)
    frames = reader.finish().frames
    for first, count in ((0, 2000), (100000, 3000), (200000, 3000)):
        own = [data for data in frames if first <= number_of(data) < first + 100000]
        frames_equal(own, numbered_from(first, count))
    for one in joined:
        equal("received by it", one["received"], 3000)
        equal("injected for it", one["injected"], 3000)
    equal("received in all", feed["received"], 8000)
    equal("injected in all", feed["injected"], 8000)


@case("a feed without a capture of its own lasts until it is stopped", limit=60)
def _():
    reader = Reader("lc0")
    feed = Live([], "--feed-path", path("feed"), "--when-full", "wait")
    feed.wait_up()
    for first in (0, 1000):
        one = Joined(made(pcap(numbered_from(first, 500))))
        one.wait(20)
        equal("status", one.status, 0)
        equal("injected for it", one["injected"], 500)
        time.sleep(0.3)
    feed.stop()
    equal("injected", feed["injected"], 1000)
    frames_equal(reader.finish().frames, numbered(500) + numbered_from(1000, 500))


@case("such a feed survives its injector", limit=60)
def _():
    reader = Reader("lc0")
    feed = Live([], "--feed-path", path("feed"), "--when-full", "wait")
    feed.wait_up()
    os.kill(feed.worker("injector"), signal.SIGKILL)
    feed.wait_line("goes on")
    time.sleep(1.5)  # longer than it would linger
    one = Joined(made(pcap(numbered(500))))
    one.wait(20)
    equal("status", one.status, 0)
    feed.stop(status=1)
    equal("injected", feed["injected"], 500)
    frames_equal(reader.finish().frames, numbered(500))


@case("more captures than there are places: told that they were refused", limit=60)
def _():
    feed = Live([], "--feed-path", path("feed"), name="lc0")
    feed.wait_up()
    os.mkfifo(path("fifo"))
    joined, ends = [], []
    for _ in range(9):
        joined.append(Joined(path("fifo")))
        ends.append(os.open(path("fifo"), os.O_WRONLY))
    refused = until("one that is refused", lambda: next(
        (one for one in joined if one.process.poll() is not None), None))
    refused.wait(report=False)
    equal("status", refused.status, 1)
    check(refused.lines("refused this capture"), refused.log)
    check(feed.lines("too many"), feed.log)
    for end in ends:
        os.close(end)
    feed.stop()


@case("a live capture joins, and is stopped: the feed goes on", limit=60)
def _():
    wire("eth1")
    feed = Feed(made(pcap(numbered(10))), "--feed-path", path("feed"), "--loop", "0",
                "--pps", "20000")
    feed.wait_up()
    live = Live("eth1", "--join", path("feed"), name=None)
    live.wait_line("feeding the tapfeed")
    flood("eth1-peer", 5000, 5000).wait(20)
    time.sleep(0.2)
    live.stop()
    equal("received", live["received"], 5000)
    equal("injected", live["injected"], 5000)
    check(feed.process.poll() is None, "the feed has ended")
    feed.signal(signal.SIGINT)
    feed.wait()


@case("a feed too slow for who joined, and is stopped: it ends, and says so", limit=60)
def _():
    feed = Feed(made(pcap(numbered(10)), "own.pcap"), "--feed-path", path("feed"),
                "--loop", "0", "--pps", "50")
    feed.wait_up()
    one = Joined(made(pcap(numbered(5000))))
    one.wait_line("feeding the tapfeed")
    time.sleep(0.2)
    one.signal(signal.SIGTERM)
    one.wait(20)
    equal("status", one.status, 1)
    check(one.lines("did not say in time"), one.log)
    check(not one.lines("killed"), one.log)
    feed.signal(signal.SIGINT)
    feed.wait()


@case("the feed ends: whoever joined ends with status 1, and its sum holds", limit=60)
def _():
    for number in (signal.SIGINT, signal.SIGKILL):
        feed = Feed(made(pcap(numbered(10)), "own.pcap"), "--feed-path", path("feed"),
                    "--loop", "0", "--pps", "1000")
        feed.wait_up()
        one = Joined(made(pcap(numbered(50000))))
        one.wait_line("feeding the tapfeed")
        time.sleep(0.3)
        if number == signal.SIGKILL:
            os.kill(feed.worker("injector"), number)
            one.wait(10)
            equal("status", one.status, 1)
            check(one.lines("has ended"), one.log)
            feed.signal(signal.SIGINT)
            feed.wait(10)
            continue
        feed.signal(number)
        one.wait(10)
        feed.wait(10)
        equal("status", one.status, 1)
        check(one.lines("has ended: nothing more"), one.log)
        equal("received in all", feed["received"],
              feed["injected"] + feed["dropped.stopped"])


@case("one who joins and is killed breaks nobody else", limit=60)
def _():
    reader = Reader("tf0")
    feed = Feed(made(pcap(numbered(4000)), "own.pcap"), "--feed-path", path("feed"),
                "--startup-delay", "1s", "--linger", "500ms", "--pps", "4000")
    feed.wait_up()
    victim = Joined(made(pcap(numbered_from(100000, 50000)), "victim.pcap"))
    victim.wait_line("feeding the tapfeed")
    reader.wait(500)
    for pid, name in descendants(victim.process.pid).items():
        if name.startswith("tapfeed-capture"):
            os.kill(pid, signal.SIGKILL)
    victim.wait(10)
    equal("status of the victim", victim.status, 1)
    feed.wait(60)
    equal("status", feed.status, 0)
    frames = reader.finish().frames
    frames_equal([data for data in frames if number_of(data) < 100000], numbered(4000))
    equal("received in all", feed["received"], feed["injected"])


main()
