# SPDX-License-Identifier: Apache-2.0
"""The latency histogram adds up and is in order, and --busy-poll is an ordinary run.
How long it takes is the machine's business: no limit here is tighter than seconds."""
from captures import frame, numbered, pcap, pcap_header, pcap_record
from harness import (SLOW, TAPFEED, Feed, case, check, equal, made, main, path, replay,
                     until)
from livefeed import PEER, Watch, numbers, send, wire
import json
import os
import signal
import subprocess
import time

KEYS = ["count", "p50", "p90", "p99", "p99_9", "max"]
# Nothing here waits on purpose, and a machine stalls for less.
LONGEST_NS = 10 * 10 ** 9


def plausible(latency, count, longest=LONGEST_NS, histogram=True):
    equal("keys", list(latency), KEYS + ["histogram"] * histogram)
    equal("count", latency["count"], count)
    if histogram:
        limits, numbers = zip(*latency["histogram"])
        equal("in all", sum(numbers), count)
        check(list(limits) == sorted(set(limits)) and
              limits[-1] // 2 < latency["max"] <= limits[-1], latency)
    values = [latency[key] for key in KEYS[1:]]
    equal("in order", values, sorted(values))
    check(100 < values[0] and values[-1] < longest * SLOW, latency)


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@case("replay: as many as were injected, p50 <= p90 <= p99 <= p99.9 <= max")
def _():
    for args in ((), ("--busy-poll",)):
        feed = replay(made(pcap(numbered(20000))), *args)
        equal("status", feed.status, 0)
        equal("injected", feed["injected"], 20000)
        plausible(feed["latency_ns"], 20000)


@case("the report's line has it in microseconds")
def _():
    feed = replay(made(pcap(numbered(1000))), json=False)
    p50, p99, most = (feed["latency_%s_us" % key] for key in ("p50", "p99", "max"))
    check(0.1 < p50 <= p99 <= most < LONGEST_NS * SLOW / 1000, feed.report)


@case("nothing injected: null")
def _():
    equal("latency_ns", replay(made(pcap([])))["latency_ns"], None)


@case("a pipe: the packet's own time is of another day and does not matter")
def _():
    for args in ((), ("--busy-poll",)):
        out, into = os.pipe()
        feed = Feed("-", "--linger", "0", *args, stdin=out)
        os.close(out)
        os.write(into, pcap_header())
        feed.wait_up()
        for number in range(50):
            os.write(into, pcap_record(frame(60), seconds=number))
            time.sleep(0.001)
        os.close(into)
        feed.wait()
        equal("status", feed.status, 0)
        plausible(feed["latency_ns"], 50)


@case("what waits for its pace counts from when capture handed it over")
def _():
    feed = replay(made(pcap(numbered(100))), "--pps", "100")
    plausible(feed["latency_ns"], 100)
    # A quarter of a second is handed over at once.
    check(feed["latency_ns"]["max"] > 100 * 10 ** 6, feed["latency_ns"])


def lived(*args, pause=0, count=200):
    wire("eth1")
    watch = Watch("eth1", args=args)
    for data in numbered(count):
        send("eth1" + PEER, [data])
        time.sleep(pause)
    until("packets", lambda: len(watch.frames) == count)
    watch.end()
    equal("packets", numbers(watch.frames), list(range(count)))
    equal("injected", watch.feed["injected"], count)
    return watch.feed["latency_ns"]


@case("live: from the packet's capture, so with what it waits in a block")
def _():
    latency = lived(pause=0.023, count=20)
    plausible(latency, 20)
    # A block is handed over when it is 10 ms old, not when a packet comes.
    check(latency["p50"] > 10 ** 6, latency)


@case("live --immediate --busy-poll")
def _():
    plausible(lived("--immediate", "--busy-poll"), 200)


@case("--busy-poll: SIGINT ends it at once, and the sum holds")
def _():
    for command in ("file", "pipe", "idle"):
        out, into = os.pipe()
        os.write(into, pcap_header())
        if command == "file":
            feed = Feed(made(pcap(numbered(1000))), "--busy-poll", "--loop", "0",
                        "--linger", "0")
        else:
            feed = Feed("-", "--busy-poll", "--linger", "0", stdin=out)
        os.close(out)
        feed.wait_up()
        if command == "pipe":
            for _ in range(100):
                os.write(into, pcap_record(frame(60)))
        time.sleep(0.5)
        began = time.monotonic()
        feed.signal(signal.SIGINT)
        feed.wait()  # checks the sum
        check(time.monotonic() - began < 6 * SLOW, "%s: too slow" % command)
        equal("status of " + command, feed.status, 0)
        if feed["injected"]:
            plausible(feed["latency_ns"], feed["injected"])
        equal("anything injected", feed["injected"] > 0, command != "idle")
        os.close(into)


@case("--busy-poll spins while packets may come, and not before the gate or after")
def _():
    out, into = os.pipe()
    feed = Feed("-", "--busy-poll", "--startup-delay", "2s", "--linger", "2s", stdin=out)
    os.close(out)
    feed.wait_up()
    injector = feed.worker("injector")
    check(cpu_seconds(injector) < 0.5 * SLOW, "it spins before the gate")
    time.sleep(3)
    spun = cpu_seconds(injector)
    time.sleep(2)
    spun = cpu_seconds(injector) - spun
    check(spun > 0.1, "it sleeps: %.2f s in 2 s" % spun)
    os.write(into, pcap_header() + pcap_record(frame(60)))
    os.close(into)
    time.sleep(0.5)
    before = cpu_seconds(injector)
    time.sleep(1)
    check(cpu_seconds(injector) - before < 0.5, "it spins while it lingers")
    feed.wait()
    equal("status", feed.status, 0)


@case("--busy-poll: who joins is let in while the own capture has nothing to send")
def _():
    out, into = os.pipe()
    feed = Feed("-", "--busy-poll", "--linger", "0", "--feed-path", path("feed"),
                stdin=out)
    os.close(out)
    feed.wait_up()
    guest = Feed(made(pcap(numbered(100))), "--join", path("feed"), "--busy-poll",
                 name=None)
    guest.wait(gone=False)
    equal("status", guest.status, 0)
    equal("a guest knows nothing of it", guest["latency_ns"], None)
    os.write(into, pcap_header())
    os.close(into)
    feed.wait()
    equal("status", feed.status, 0)
    plausible(feed["latency_ns"], 100)


@case("tapfeed status shows it")
def _():
    name = "tf%d" % os.getpid()  # root's feeds of other namespaces are found, too
    feed = Feed(made(pcap(numbered(100))), "--loop", "0", "--pps", "2000", name=name)
    feed.wait_up()

    def asked(*args):
        return subprocess.run([TAPFEED, "status", *args, name], capture_output=True,
                              text=True, timeout=20 * SLOW).stdout
    until("packets", lambda: json.loads(asked("--json"))["feeds"][0]["injected"] > 100)
    told = json.loads(asked("--json"))["feeds"][0]
    plausible(told["latency_ns"], told["latency_ns"]["count"], histogram=False)
    check("  latency   p50 " in asked(), asked())
    feed.signal(signal.SIGINT)
    feed.wait()


main()
