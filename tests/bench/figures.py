# SPDX-License-Identifier: Apache-2.0
"""The measurements: each gives its runs to the bench and returns Figures."""
import json
import os
import shutil
import signal
import subprocess
import threading
import time

from captures import frame, pcap_header, pcap_record
from harness import BUILDDIR, TAPFEED, clean_up, exists, until
from livefeed import PEER, wire
from contenders import LINGER, Raw, Tapfeed, accounted, capture, settle
from machine import Failed, Memory, Process, Unavailable, received, tool
from results import Figure, counts
from timed import timing

SENDER = os.path.join(BUILDDIR, "tests", "netns", "packet-sender")
SIZES = (64, 128, 256, 512, 1024, 1500)
RING, TAPFEED_NAME, TWO_NAME = "raw ring", "tapfeed", "tapfeed --queues 2"
MIX_BYTES = (7 * 64 + 4 * 576 + 1500) / 12 + 16  # a packet in the file
OFFERED = 0.95     # of the rate that a live run is to be sent
EVERY_S = 0.002  # lone packets

# What a full run and a quick one do.
Full = {"packets": 1000000, "chart_packets": 300000, "chart_runs": 3,
        "live_seconds": 10, "live_runs": 2, "small": 1 << 20, "large": 4 << 30,
        "memory_runs": 1, "lone_packets": 1500, "lone_runs": 3,
        "timed_packets": 50000, "timed_runs": 3}
Quick = {"packets": 200000, "chart_packets": 50000, "chart_runs": 1,
         "live_seconds": 1, "live_runs": 1, "small": 1 << 20, "large": 256 << 20,
         "memory_runs": 1, "lone_packets": 300, "lone_runs": 1, "timed_packets": 10000,
         "timed_runs": 1}
Tiny = {**Quick, "packets": 5000, "chart_packets": 1000, "live_seconds": 0.2,
        "large": 4 << 20, "lone_packets": 50, "timed_packets": 500}


class Bench:
    """One whole run of the benchmark: what it is to do, and what came of it."""

    def __init__(self, amounts, runs, peers, folder, say):
        self.amounts, self.count, self.peers = amounts, runs, peers
        self.folder, self.say = folder, say
        self.runs, self.notes = [], []

    def take(self, group, name, number, measure, **more):
        """One run; what fails is kept as such, and counts nowhere."""
        entry = {"group": group, "contender": name, "run": number, **more}
        try:
            entry.update(measure())
        except Unavailable as error:
            entry["unavailable"] = str(error)
            clean_up()
        except (Failed, AssertionError) as error:
            entry["failed"] = str(error)
            clean_up()
        except (OSError, ValueError, KeyError) as error:
            entry["failed"] = "%s: %s" % (type(error).__name__, error)
            clean_up()
        self.runs.append(entry)
        self.say(entry)
        return entry

    def turns(self, group, contenders, load, runs, reader=False):
        """Every contender once, then every contender again: noise is for all."""
        for number in range(runs):
            for contender in contenders:
                self.take(group, contender.name, number,
                          lambda: contender.measure(load, reader), size=load.size)

    def good(self, group, name):
        """run number -> entry, of the runs that count."""
        return {run["run"]: run for run in self.runs if run["group"] == group and
                run["contender"] == name and counts(run)}

    def ratios(self, group, name, other, key="packets_per_second"):
        """Round by round, for what disturbs a round disturbs both."""
        mine, others = self.good(group, name), self.good(group, other)
        return [mine[number][key] / others[number][key]
                for number in mine if number in others]


def replay(bench):
    """A million packets into a TAP that nobody reads."""
    load = capture(bench.folder, bench.amounts["packets"], "mix")
    two = Tapfeed(TWO_NAME, ["--queues", "2"])
    contenders = [Tapfeed(), Raw("ring"), two, Raw("nonblock"), Raw("write"), *bench.peers]
    bench.turns("replay", contenders, load, bench.count)
    figures = [Figure("replay / raw io_uring loop", "", "more", 0.85, 0.95,
                      bench.ratios("replay", TAPFEED_NAME, RING), "")]
    for peer in bench.peers:
        limits = (2.0, 2.5) if peer.name.endswith(" veth") else (None, None)
        figures.append(Figure("replay / " + peer.name, "", "more", *limits,
                              bench.ratios("replay", TAPFEED_NAME, peer.name), ""))
    figures.append(Figure(
        "processor time a packet / raw loop's", "", "less", 1.6, 1.3,
        bench.ratios("replay", TAPFEED_NAME, RING, "processor_ns"), ""))
    for other in [RING, *(peer.name for peer in bench.peers)]:
        figures.append(Figure("replay --queues 2 / " + other, "", "more", None, None,
                              bench.ratios("replay", TWO_NAME, other), ""))
    figures.append(Figure(
        "processor time of --queues 2 / raw loop's", "", "less", None, None,
        bench.ratios("replay", TWO_NAME, RING, "processor_ns"), ""))
    return figures


def reader(bench):
    """The same with somebody reading the interface."""
    load = capture(bench.folder, bench.amounts["packets"], "mix")
    bench.turns("reader", [Tapfeed(), Raw("ring")], load, bench.count, reader=True)
    return [Figure("the same with a reader / raw loop with it", "", "more", 0.85, 0.95,
                   bench.ratios("reader", TAPFEED_NAME, RING), "")]


def shield(bench):
    """What the filters cost, or save: by whom the frames are for."""
    load = capture(bench.folder, bench.amounts["packets"], "mix")
    names = {to: ", to " + to for to in ("nobody", "own", "broadcast")}
    options = {to: () if to == "nobody" else ("-d", to) for to in names}
    bench.turns("shield", [
        Raw("ring", *options[to], *bare, name=name + ", no filters" * len(bare))
        for to, name in names.items() for bare in ((), ("-o",))], load, bench.count)
    return [Figure("filters / no filters, frames" + name, "", "more", None, None,
                   bench.ratios("shield", RING + name, RING + name + ", no filters"), "")
            for name in names.values()]


def live(bench):
    """From a veth that a sender on the last processor feeds."""
    figures = []
    limits = {200000: (0, 0), 300000: (None, 0)}
    for rate, (at_least, aim) in limits.items():
        name = "live at %d/s" % rate
        for number in range(bench.amounts["live_runs"]):
            bench.take("live", name, number, lambda: live_run(bench, rate))
        good = list(bench.good("live", name).values())
        # A rate that was not offered shows nothing.
        full = [run["lost"] for run in good
                if run["packets_per_second"] >= OFFERED * rate]
        slow = len(good) - len(full)
        note = "in %d of %d runs the sender was slower" % (slow, len(good)) if slow else ""
        figures.append(Figure("lost by live at %d/s, 512 bytes" % rate, "packets", "less",
                              at_least, aim, full, note))
    return figures


def live_run(bench, rate):
    count = int(rate * bench.amounts["live_seconds"])
    last = (os.cpu_count() or 1) - 1
    if not exists("bl0"):
        wire("bl0")
    feed = Process(TAPFEED, "live", "--json", "--name", "lc0", "bl0")
    until("lc0 is up", lambda: feed.ended() or "lc0 is up" in feed.complaint())
    sender = Process(SENDER, "bl0" + PEER, str(count), str(rate), "512",
                     cpu=last if last else None)
    began = time.monotonic()
    sent = int(sender.wait())
    seconds = time.monotonic() - began
    kernel = settle("lc0", sent)
    os.kill(feed.pid, signal.SIGINT)
    text = feed.wait()
    if feed.status:
        raise feed.failed("ends with %d" % feed.status)
    report = json.loads(text)
    if report["received"] + report["kernel_dropped"] != sent:
        raise Failed("%d sent, lost in silence: %s" % (sent, text.strip()))
    accounted(report, report["received"], kernel)
    return {"packets": sent, "seconds": seconds, "packets_per_second": sent / seconds,
            "processor_ns": feed.processor_seconds() / sent * 1e9,
            "lost": sent - report["injected"],
            "kernel_dropped": report["kernel_dropped"]}


def memory(bench):
    """What all processes together hold at most, small file and large one."""
    figures = []
    for size in (bench.amounts["small"], bench.amounts["large"]):
        packets = int(size / MIX_BYTES)
        loops = max(1, 2 * bench.amounts["packets"] // packets)
        text = "%g MB" % (size >> 20) if size < 1 << 30 else "%g GB" % (size >> 30)
        source = memory_source(bench, size) if loops == 1 else "file"
        note = "from a pipe" if source == "pipe" else ""
        if loops > 1:
            note = "%d times over" % loops
        for number in range(bench.amounts["memory_runs"]):
            bench.take("memory", text, number,
                       lambda: memory_run(bench, packets, loops, source))
        pss = [run["pss"] for run in bench.good("memory", text).values()]
        figures.append(Figure("resident memory, file of " + text, "MiB", "less",
                              32 << 20, 16 << 20, pss, note))
    return figures


def memory_source(bench, size):
    """A file where there is room for it, else a pipe."""
    return "file" if shutil.disk_usage(bench.folder).free > 4 * size else "pipe"


def memory_run(bench, packets, loops, source):
    options = [TAPFEED, "replay", "--json", "--name", "tf0", "--linger", LINGER]
    maker = None
    if source == "pipe":
        maker = subprocess.Popen([tool("make-capture"), str(packets), "mix"],
                                 stdout=subprocess.PIPE)
        feed = Process(*options, "-", stdin=maker.stdout)
        maker.stdout.close()
    else:
        load = capture(bench.folder, packets, "mix")
        feed = Process(*options, "--loop", str(loops), load.path)
    seen, held = [0], Memory(feed.pid)

    def look():
        held.sample()
        seen[0] = received("tf0") or seen[0]
    text = feed.wait(look, pause=0.05)
    if maker:
        maker.wait(10)
    elif loops == 1:
        os.unlink(load.path)
    if feed.status:
        raise feed.failed("ends with %d" % feed.status)
    report = json.loads(text)
    accounted(report, packets * loops, seen[0])
    return {"packets": packets * loops, "seconds": report["seconds"],
            "packets_per_second": report["packets_per_second"],
            "processor_ns": feed.processor_seconds() / (packets * loops) * 1e9,
            "pss": held.pss, "rss": held.rss, "samples": held.samples, "source": source}


def latency(bench):
    """A packet every 2 ms through a pipe, on an otherwise idle feed."""
    figures = []
    for name, options, at_least, aim in (
            ("lone packet", (), 25000, 10000),
            ("lone packet, --busy-poll", ("--busy-poll",), None, 4000)):
        for number in range(bench.amounts["lone_runs"]):
            bench.take("latency", name, number, lambda: latency_run(bench, options))
        values = [run["p50"] for run in bench.good("latency", name).values()]
        figures.append(Figure(name + ", hand-off to written, median", "µs", "less",
                              at_least, aim, values, ""))
    return figures


def feed_slowly(pipe, count):
    data = frame(512)
    try:
        pipe.write(pcap_header())
        due = time.monotonic()
        for number in range(count):
            pipe.write(pcap_record(data, fraction=number % 1000000))
            pipe.flush()
            due += EVERY_S
            time.sleep(max(0, due - time.monotonic()))
        pipe.close()
    except BrokenPipeError:
        pass  # what ended tapfeed is said by itself


def latency_run(bench, options):
    count = bench.amounts["lone_packets"]
    feed = Process(TAPFEED, "replay", "--json", "--name", "tf0", "--linger", LINGER,
                   *options, "-", stdin=subprocess.PIPE)
    writer = threading.Thread(target=feed_slowly, args=(feed.stdin, count), daemon=True)
    writer.start()
    seen = [0]

    def look():
        seen[0] = received("tf0") or seen[0]
    text = feed.wait(look, pause=0.05)
    writer.join(5)
    if feed.status == 2:
        raise Unavailable("this tapfeed does not know " + " ".join(options))
    if feed.status:
        raise feed.failed("ends with %d" % feed.status)
    report = json.loads(text)
    accounted(report, count, seen[0])
    if "latency_ns" not in report:
        raise Unavailable("no latency_ns in the report")
    return {"packets": count, "seconds": report["seconds"],
            "packets_per_second": report["packets_per_second"],
            "processor_ns": feed.processor_seconds() / count * 1e9,
            **{key: ns for key, ns in report["latency_ns"].items() if key in ("p50", "p99")}}


def chart(bench):
    """Every contender at every size; its figures are the drawing."""
    contenders = [Tapfeed(), Tapfeed(TWO_NAME, ["--queues", "2"]), Raw("ring"),
                  Raw("nonblock"), Raw("write"), *bench.peers]
    for size in SIZES:
        load = capture(bench.folder, bench.amounts["chart_packets"], size)
        bench.turns("chart", contenders, load, bench.amounts["chart_runs"])
        os.unlink(load.path)
    return []


MEASUREMENTS = {"replay": replay, "reader": reader, "shield": shield, "live": live, "memory": memory,
                "latency": latency, "timing": timing, "chart": chart}
