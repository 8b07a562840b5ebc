# SPDX-License-Identifier: Apache-2.0
"""tapfeed live: what the source sees is what leaves, byte for byte."""
import os
import signal
import struct
import subprocess
import time
import urllib.request

from captures import frame, numbered
from harness import (SLOW, Skip, case, check, equal, frames_equal, main, made, run,
                     until)
from livefeed import (PEER, Live, Watch, connected, flood, numbers, promiscuity,
                      refused, send, tagged, wire)

TAGS = ("", "81000064", "88a80065", "88a8006581000064", "8100006481000065")


# ---- real traffic ------------------------------------------------------------

@case("ping: both directions")
def _():
    connected()
    watch = Watch("eth1")
    run("ping", "-c", "5", "-i", "0.02", "-s", "1000", "10.77.0.2")
    watch.copy.wait(10)
    watch.end().is_copy()
    check(len(watch.sources[0].outgoing) >= 5, "outgoing")
    check(len(watch.sources[0].frames) >= 5, "incoming")


@case("HTTP: two megabytes")
def _():
    host = connected()
    body = os.urandom(2 << 20)
    host.start("python3", "-m", "http.server", "--bind", "10.77.0.2", "--directory",
               os.path.dirname(made(body, "body")), "80")
    # Not by a connection, whose last frames may come late.
    until("a server", lambda: "10.77.0.2:80 " in host.run("ss", "-ltn"), 10)
    watch = Watch("eth1", args=("--oversize", "keep"))
    with urllib.request.urlopen("http://10.77.0.2/body", timeout=10) as answer:
        equal("the body", answer.read() == body, True)
    watch.end().is_copy()
    check(sum(map(len, watch.frames)) > len(body), "the body went by")


@case("iperf3: the sum at full speed", limit=60)
def _():
    host = connected()
    try:
        server = host.start("iperf3", "-s", "-1")
        watch = Watch("eth1")
        until("a server", lambda: subprocess.run(
            ["iperf3", "-c", "10.77.0.2", "-t", "2"], capture_output=True,
            timeout=20).returncode == 0, 20)
        server.wait(10)
    except FileNotFoundError:
        raise Skip("iperf3 is not installed")
    watch.feed.signal(signal.SIGINT)
    watch.feed.wait(10)
    watch.copy.finish_lossy()
    check(watch.feed["received"] > 1000, watch.feed.report)


# ---- frames ------------------------------------------------------------------

@case("raw frames of every size, incoming and outgoing")
def _():
    wire("eth1")
    watch = Watch("eth1")
    for size in (14, 15, 60, 61, 64, 590, 1513, 1514):
        send("eth1" + PEER, [frame(size, seed=size)])
        send("eth1", [frame(size, seed=size + 1)])
    watch.copy.wait(16)
    watch.end().is_copy()
    equal("frames", len(watch.frames), 16)


@case("VLAN tags: 802.1Q, 802.1ad, two of them, put back once")
def _():
    wire("eth1")
    watch = Watch("eth1")
    want = [tagged(tags) for tags in TAGS]
    send("eth1" + PEER, want)
    send("eth1", want)
    watch.copy.wait(2 * len(want))
    watch.end().is_copy()
    frames_equal(watch.frames, want + want)


def ip_frame(protocol, port):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 60, 1, 0, 64, protocol, 0,
                       bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2)))
    return (frame(14, ethertype=0x800) + head + struct.pack(">HH", 40000, port) +
            bytes(36))


FILTERS = (
    ("vlan", [tagged(tags) for tags in TAGS if tags]),
    ("vlan 100", [tagged(tags) for tags in TAGS if tags.startswith("81000064")]),
    ("tcp port 80", [ip_frame(6, 80)]),
    ("not arp and not vlan", [tagged(""), ip_frame(6, 80), ip_frame(6, 443),
                              ip_frame(17, 80)]),
)


@case("filters, set in the kernel", limit=60)
def _():
    wire("eth1")
    every = [tagged(tags) for tags in TAGS] + [
        ip_frame(6, 80), ip_frame(6, 443), ip_frame(17, 80),
        frame(60, ethertype=0x806)]
    for expression, want in FILTERS:
        watch = Watch("eth1", args=("--filter", expression))
        send("eth1" + PEER, every)
        send("eth1", every)
        watch.end()
        frames_equal(watch.frames, want + want)
        equal("received, " + expression, watch.feed["received"], 2 * len(want))


@case("a bad filter: status 2 and libpcap's words")
def _():
    wire("eth1")
    for expression in ("tcp port", "host name.invalid", "ip and"):
        feed = refused("eth1", "--filter", expression)
        check(feed.lines("--filter.*%s.*pcap-filter" % expression), feed.log)


@case("--snaplen cuts, and counts what it cut")
def _():
    wire("eth1")
    watch = Watch("eth1", args=("--snaplen", "100"))
    sent = [frame(size) for size in (60, 100, 101, 1000, 1514)]
    send("eth1" + PEER, sent)
    watch.copy.wait(len(sent))
    watch.end()
    frames_equal(watch.frames, [data[:100] for data in sent])
    equal("truncated", watch.feed["truncated"], 3)


# ---- how much, how long ------------------------------------------------------

@case("--count")
def _():
    wire("eth1")
    watch = Watch("eth1", args=("--count", "10", "--linger", "100ms"))
    send("eth1" + PEER, numbered(30))
    watch.feed.wait()
    watch.finish()
    equal("status", watch.feed.status, 0)
    equal("received", watch.feed["received"], 10)
    frames_equal(watch.frames, numbered(10))


@case("--duration: all that came until then")
def _():
    wire("eth1")
    watch = Watch("eth1", args=("--duration", "1s", "--linger", "0"))
    began = time.monotonic()
    sender = flood("eth1" + PEER, 4000, 2000)
    watch.feed.wait()
    took = time.monotonic() - began
    sender.wait()
    watch.finish()
    equal("status", watch.feed.status, 0)
    check(0.5 < took < 2 * SLOW, "took %.1f s" % took)
    equal("numbers", numbers(watch.frames), list(range(len(watch.frames))))
    check(1000 < len(watch.frames) < 4000 * SLOW, len(watch.frames))


@case("--immediate: each packet at once")
def _():
    wire("eth1")
    watch = Watch("eth1", args=("--immediate",))
    lags = []
    for number, data in enumerate(numbered(31), 1):
        began = time.monotonic()
        send("eth1" + PEER, [data])
        watch.copy.wait(number)
        lags.append(watch.copy.times[-1] - began)
        time.sleep(0.013)
    watch.end().is_copy()
    # In blocks it would be 5 ms on average.
    check(sorted(lags)[15] < 0.003 * SLOW, "median %.4f s" % sorted(lags)[15])


@case("start-up delay: what came before it was over is not counted")
def _():
    wire("eth1")
    feed = Live("eth1", "--startup-delay", "1s")
    until("the interface", lambda: "lc0" in run("ip", "-o", "link"))
    send("eth1" + PEER, numbered(200)[:100])
    feed.wait_up()
    time.sleep(1.2)
    send("eth1" + PEER, numbered(200)[100:])
    time.sleep(0.2)
    feed.stop()
    equal("received", feed["received"], 100)
    equal("kernel_dropped", feed["kernel_dropped"], 0)


@case("up: what is sent from the line on is taken", limit=60)
def _():
    wire("eth1")
    for _ in range(5):
        feed = Live("eth1")
        feed.wait_up()
        send("eth1" + PEER, numbered(50))
        feed.stop(signal.SIGTERM)
        equal("received", feed["received"], 50)


@case("SIGTERM under load: the ring is read empty", limit=60)
def _():
    wire("eth1")
    watch = Watch("eth1")
    sender = flood("eth1" + PEER, 100000, 10000)
    watch.copy.wait(3000)
    seen = len(watch.sources[0].frames)
    watch.feed.stop(signal.SIGTERM)
    sender.kill()
    sender.wait()
    watch.finish()
    check(len(watch.frames) >= seen, "%d of %d" % (len(watch.frames), seen))
    equal("numbers", numbers(watch.frames), list(range(len(watch.frames))))
    check(watch.feed.took < 15 * SLOW, "took %.1f s" % watch.feed.took)


@case("a capture that cannot keep up: the kernel's drops are counted")
def _():
    wire("eth1")
    feed = Live("eth1", "-B", "1024")
    feed.wait_up()
    capture = feed.worker("capture")
    os.kill(capture, signal.SIGSTOP)
    flood("eth1" + PEER, 20000, 0).wait()
    os.kill(capture, signal.SIGCONT)
    time.sleep(0.5)
    feed.signal(signal.SIGINT)
    feed.wait()
    check(feed["kernel_dropped"] > 0, feed.report)
    equal("received and dropped", feed["received"] + feed["kernel_dropped"], 20000)


@case("100,000 packets a second of 512 bytes for three seconds", limit=60)
def _():
    wire("eth1")
    feed = Live("eth1")
    feed.wait_up()
    sender = flood("eth1" + PEER, 300000, 100000 // min(SLOW, 4), 512)
    equal("sent", sender.communicate(timeout=60)[0].strip(), "300000")
    feed.stop()
    equal("kernel_dropped", feed["kernel_dropped"], 0)
    equal("received", feed["received"], 300000)
    equal("injected", feed["injected"], 300000)


# ---- several -----------------------------------------------------------------

@case("two interfaces: merged in the order of time")
def _():
    wire("eth1", "eth2")
    watch = Watch("eth1", "eth2")
    for number, data in enumerate(numbered(400)):
        send(("eth1", "eth2")[number % 3 == 0] + PEER, [data])
        if number % 40 == 0:
            time.sleep(0.015)
    watch.copy.wait(400)
    watch.end()
    frames_equal(watch.frames, numbered(400))


@case("two interfaces, one of them silent: held back no longer than a moment")
def _():
    wire("eth1", "eth2")
    watch = Watch("eth1", "eth2")
    lags = []
    for number, data in enumerate(numbered(20), 1):
        began = time.monotonic()
        send("eth1" + PEER, [data])
        watch.copy.wait(number)
        lags.append(watch.copy.times[-1] - began)
    watch.end()
    check(sorted(lags)[10] < 0.025 * SLOW, "median %.4f s" % sorted(lags)[10])


@case("promiscuous, and with -p not")
def _():
    wire("eth1")
    for args, want in (((), 1), (("-p",), 0)):
        feed = Live("eth1", *args)
        feed.wait_up()
        equal("promiscuity", promiscuity("eth1"), want)
        feed.stop()
        equal("promiscuity afterwards", promiscuity("eth1"), 0)


# ---- refused -----------------------------------------------------------------

@case("no such interface: status 2, and which there are")
def _():
    wire("eth1")
    for name in ("nope0", "usbmon0", "nflog", "eth1:x"):
        feed = refused(name)
        check(feed.lines("%s.*no such interface.*eth1" % name), feed.log)


@case("any, and the feed's own interface: refused")
def _():
    wire("eth1")
    feed = refused("any")
    check(feed.lines("any.*own interface"), feed.log)
    for sources in ("lc0", ["eth1", "lc0"]):
        feed = refused(sources)
        check(feed.lines("lc0.*own"), feed.log)


@case("an interface that is down at the start: status 2, and what to do")
def _():
    wire("eth1")
    run("ip", "link", "set", "eth1", "down")
    feed = refused("eth1")
    check(feed.lines("eth1 is down: ip link set eth1 up"), feed.log)


@case("without CAP_NET_RAW: status 3")
def _():
    wire("eth1")
    feed = refused("eth1", status=3, launch=[
        "setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw"])
    check(feed.lines("eth1.*CAP_NET_RAW"), feed.log)


def privileges(pid):
    with open("/proc/%d/status" % pid) as file:
        fields = dict(line.split(":", 1) for line in file)
    return {name: int(fields[name], 16) for name in (
        "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs")}


@case("no process that sees a packet holds a capability, also after a restart", limit=60)
def _():
    wire("eth1", "eth2")
    for kind in ("tap", "tun"):
        watch = Watch("eth1", "eth2", args=("--type", kind))
        sender = flood("eth1-peer", 40000, 5000)
        for victim in (None, "injector"):
            if victim:
                os.kill(watch.feed.worker(victim), signal.SIGKILL)
                time.sleep(3)
            for worker in ("capture", "injector"):
                equal("%s, %s" % (kind, worker), privileges(watch.feed.worker(worker)),
                      {"CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapBnd": 0, "CapAmb": 0,
                       "NoNewPrivs": 1})
        sender.kill()
        watch.feed.stop(status=1)


main()
