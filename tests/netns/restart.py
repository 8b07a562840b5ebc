# SPDX-License-Identifier: Apache-2.0
"""A killed injector, or live capture, is started again: the interface stays, a reader
stays attached and sees the stream go on, and the report is exact."""
import json
import os
import random
import signal
import socket
import time

from captures import numbered, pcap
from harness import (SLOW, Feed, Reader, case, check, descendants, equal, exists,
                     frames_equal, main, made, path, run, until)
from restarted import exact, kill, rising
from linkpackets import FOUR, IPV4, amsdu, snap, wifi
from livefeed import Live, Watch, flood, numbers, send, wire


def frames_of(name):
    """Frames that the interface has taken."""
    link = json.loads(run("ip", "-json", "-s", "link", "show", "dev", name))
    return link[0]["stats64"]["rx"]["packets"]


def number_of(data):
    return int.from_bytes(data[14:18], "big")


@case("replay: the injector killed under load, the reader stays attached", limit=60)
def _():
    reader = Reader("tf0")
    # Large frames: fewer of them are under way.
    feed = Feed(made(pcap(numbered(60000, 1000))), "--startup-delay", "300ms", "--pps",
                "20000", "--linger", "200ms", "--queue-size", "64")
    reader.wait(2000)
    index = socket.if_nametoindex("tf0")
    for _ in range(2):
        kill(feed, "injector")
        seen = len(reader.frames)
        reader.wait(seen + 2000)
        equal("the interface", socket.if_nametoindex("tf0"), index)
    feed.wait(30)
    frames = exact(feed, reader)
    equal("received", feed["received"], 60000)
    # A quarter of a second is read ahead of the pace, and some for the batches.
    check(feed["dropped.restart"] < 2 * 10000, feed.report)
    rising([number_of(data) for data in frames])
    equal("lines about it", len(feed.lines("tapfeed-injector was killed by signal 9")), 2)
    equal("lines that it goes on", len(feed.lines("tf0 goes on")), 2)


@case("replay: the injector killed at random moments, unpaced, thirty times", limit=240)
def _():
    random.seed(7)
    data = made(pcap(numbered(3000)))
    for _ in range(30):
        reader = Reader("tf0")
        feed = Feed(data, "--loop", "0", "--queue-size", "512", "--startup-delay", "100ms")
        reader.wait(1)
        time.sleep(random.random() * 0.05)
        kill(feed, "injector")
        feed.wait_line("goes on")
        time.sleep(random.random() * 0.02)
        feed.signal(signal.SIGINT)
        feed.wait(15)
        equal("status", feed.status, 1)
        reader.finish_lossy()
        if not reader.lost:
            equal("injected", feed["injected"], len(reader.frames))
        equal("errors", feed["errors"], 0)


@case("replay: the injector killed amid packets of several frames", limit=120)
def _():
    random.seed(8)
    parts = amsdu(*(snap(IPV4, FOUR) for _ in range(5)))
    data = made(pcap([wifi(2, parts, qos=0x80)] * 1000, link_type=105))
    for args in (["--no-ring"], []) * 6:
        reader = Reader("tf0")
        feed = Feed(data, "--loop", "0", "--queue-size", "64", "--startup-delay", "100ms",
                    *args)
        reader.wait(1)
        time.sleep(random.random() * 0.03)
        kill(feed, "injector")
        feed.wait_line("goes on")
        time.sleep(random.random() * 0.02)
        feed.signal(signal.SIGINT)
        feed.wait(15)
        equal("status", feed.status, 1)
        reader.finish_lossy()
        # Five frames a packet: none is claimed that was not written whole.
        check(feed["injected"] * 5 <= feed["frames_written"], feed.report)
        if not reader.lost:
            equal("frames_written", feed["frames_written"], len(reader.frames))
        equal("errors", feed["errors"], 0)


@case("the injector killed before it got a packet, and when all was written", limit=60)
def _():
    feed = Feed(made(pcap(numbered(10))), "--startup-delay", "1500ms")
    feed.wait_up()
    began = time.monotonic()
    kill(feed, "injector")
    feed.wait(10)
    equal("status", feed.status, 1)
    equal("injected", feed["injected"], 10)
    check(time.monotonic() - began > 1.3, "the start-up delay was forgotten")
    feed = Feed(made(pcap(numbered(200))), "--linger", "1h", "--pps", "200")
    feed.worker("capture")
    until("capture to end", lambda: "tapfeed-capture" not in descendants(
        feed.process.pid).values())
    os.kill(feed.worker("injector"), signal.SIGKILL)
    feed.wait(10)  # nothing is left to be done: no restart
    equal("status", feed.status, 1)
    equal("injected", feed["injected"], 200)
    check(not feed.lines("started again"), feed.log)


@case("five deaths within ten minutes end the feed, after 0, 1, 2 and 4 s", limit=90)
def _():
    feed = Feed(made(pcap(numbered(10))), "--loop", "0", "--pps", "100")
    feed.wait_up()
    for delay in (0, 1, 2, 4):
        began = time.monotonic()
        kill(feed, "injector")
        took = time.monotonic() - began
        check(delay <= took < delay + 2 * SLOW, "%d s: took %.1f s" % (delay, took))
        time.sleep(0.2)
    os.kill(feed.worker("injector"), signal.SIGKILL)
    feed.wait(10)
    equal("status", feed.status, 1)
    check(feed.lines("5 deaths within ten minutes"), feed.log)


@case("stopped while the injector is being waited for: it ends at once", limit=60)
def _():
    feed = Feed(made(pcap(numbered(10))), "--loop", "0", "--pps", "1000")
    feed.wait_up()
    kill(feed, "injector")
    os.kill(feed.worker("injector"), signal.SIGKILL)
    feed.wait_line("again in 1 s")
    check(exists("tf0"), "the interface stays meanwhile")
    began = time.monotonic()
    feed.signal(signal.SIGTERM)
    feed.wait(10)
    check(time.monotonic() - began < 4, "it waited")
    equal("status", feed.status, 1)
    check(not feed.lines("did not end in time"), feed.log)


@case("the interface deleted while there is no injector: status 1", limit=60)
def _():
    feed = Feed(made(pcap(numbered(10))), "--loop", "0", "--pps", "1000")
    feed.wait_up()
    kill(feed, "injector")
    os.kill(feed.worker("injector"), signal.SIGKILL)
    feed.wait_line("again in 1 s")
    run("ip", "link", "del", "tf0")
    feed.wait(10)
    equal("status", feed.status, 1)
    check(feed.lines("tf0.*(deleted|gone)"), feed.log)


@case("live: the injector killed under load loses what was under way, and no more",
      limit=60)
def _():
    wire("eth1")
    watch = Watch("eth1")
    sender = flood("eth1-peer", 60000, 20000)
    watch.copy.wait(5000)
    kill(watch.feed, "injector")
    seen = len(watch.copy.frames)
    watch.copy.wait(seen + 5000)
    sender.wait(20)
    time.sleep(0.3)
    watch.feed.stop(status=1)
    frames = exact(watch.feed, watch.copy)
    equal("received", watch.feed["received"], 60000)
    equal("kernel_dropped", watch.feed["kernel_dropped"], 0)
    rising(numbers(frames))


@case("live: the start-up delay is over for a successor, though nothing was written",
      limit=60)
def _():
    wire("eth1")
    feed = Live("eth1", "--immediate", "--startup-delay", "4s", name="tf0")
    feed.wait_up()
    time.sleep(4.5)
    kill(feed, "injector")
    feed.wait_line("tf0 goes on")
    back = time.monotonic()
    copy = Reader("tf0")
    send("eth1-peer", numbered(10))
    copy.wait(10)
    check(time.monotonic() - back < 3, "it waited again")
    feed.stop(status=1)
    copy.finish_lossy()


def holds_queue(pid):
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            if os.readlink("/proc/%d/fd/%s" % (pid, fd)) == "/dev/net/tun":
                return True
        except OSError:
            continue
    return False


@case("live: where root started it, a capture that was killed is not started again")
def _():
    wire("eth1")
    watch = Watch("eth1")
    send("eth1-peer", numbered(100))
    watch.copy.wait(100)
    os.kill(watch.feed.worker("capture"), signal.SIGKILL)
    watch.feed.wait(10)
    exact(watch.feed, watch.copy)
    check(watch.feed.lines("tapfeed-capture was killed by signal 9"), watch.feed.log)
    check(not watch.feed.lines("started again"), watch.feed.log)


@case("no process of the feed but the spawner holds the interface")
def _():
    feed = Feed(made(pcap(numbered(10))), "--loop", "0", "--pps", "100")
    feed.wait_up()
    until("the helper to go", lambda: not any(
        name.startswith("tapfeed-priv") for name in descendants(
            feed.process.pid).values()))
    holders = {name for pid, name in {feed.process.pid: "tapfeed", **descendants(
        feed.process.pid)}.items() if holds_queue(pid)}
    equal("holders", holders, {"tapfeed-spawner"})  # the ring has no descriptor of it
    feed.signal(signal.SIGINT)
    feed.wait()


@case("--feed-path: the injector is started again where no capture of its own runs",
      limit=60)
def _():
    for sources, command in (([], "live"), ([made(pcap(numbered(10)))], "replay")):
        feed = Feed(sources, "--feed-path", path("feed"), command=command)
        feed.wait_up()
        os.mkfifo(path("pipe"))
        joined = Feed(path("pipe"), "--join", path("feed"), name=None)
        with open(path("pipe"), "wb", buffering=0) as pipe:
            pipe.write(pcap(numbered(5)))
            until("its packets", lambda: frames_of("tf0") == 5 + 10 * len(sources))
            kill(feed, "injector")
            feed.wait_line("tf0 goes on")
            joined.wait(10)
        os.unlink(path("pipe"))
        if command == "live":
            time.sleep(0.5 * SLOW)
            check(feed.process.poll() is None, feed.log)
            again = Feed(made(pcap(numbered(7)), "again.pcap"), "--join", path("feed"),
                         name=None)
            again.wait(10)
            equal("status", again.status, 0)
            feed.signal(signal.SIGINT)
        feed.wait(10)
        equal("status", feed.status, 1)
        equal("errors", feed["errors"], 0)
        check(not feed.lines("Broken pipe"), feed.log)


@case("live: a successor that is refused its interface: status 1, not 2", limit=60)
def _():
    wire("eth1")
    feed = Live("eth1")
    feed.wait_up()
    run("ip", "link", "set", "eth1", "name", "other1")
    os.kill(feed.worker("capture"), signal.SIGKILL)
    feed.wait(20)
    equal("status", feed.status, 1)


main()
