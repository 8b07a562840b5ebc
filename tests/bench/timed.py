# SPDX-License-Identifier: Apache-2.0
"""How exactly packets keep their times: 10,000 a second, by a reader's own clock."""
import json
import os
import re

from captures import MAGIC_NANO, numbered, pcap_header, pcap_record
from contenders import LINGER, READER_DELAY, Tcpreplay, accounted
from harness import TAPFEED, until
from machine import Failed, Process, is_up, received
from results import Figure
from stamps import Stamps, quantile

RATE = 10000
EVERY_NS = 10 ** 9 // RATE
WAYS = {"--pps": ("--pps", str(RATE)), "--replay-timing": ("--replay-timing",)}


def make(folder, packets):
    """A file of packets that were recorded at that rate."""
    path = os.path.join(folder, "timed-%d.pcap" % packets)
    with open(path, "wb") as file:
        file.write(pcap_header(magic=MAGIC_NANO))
        for number, data in enumerate(numbered(packets)):
            at = number * EVERY_NS
            file.write(pcap_record(data, magic=MAGIC_NANO, seconds=at // 10 ** 9,
                                   fraction=at % 10 ** 9))
    return path


def errors(times):
    """How late each came, by the one that came earliest for its time."""
    offsets = [at - number * EVERY_NS for number, at in enumerate(times)]
    earliest = min(offsets)
    return [offset - earliest for offset in offsets]


def judged(stamps, packets, process):
    times = stamps.read().times
    if len(times) != packets:
        raise Failed("the reader has %d packets of %d" % (len(times), packets))
    seconds = (times[-1] - times[0]) / 1e9
    late = errors(times)
    return {"packets": packets, "seconds": seconds,
            "packets_per_second": (packets - 1) / seconds,
            "processor_ns": process.processor_seconds() / packets * 1e9,
            "p50": quantile(late, 0.5), "p99": quantile(late, 0.99)}


def own(path, packets, options):
    feed = Process(TAPFEED, "replay", "--json", "--name", "tf0", "--linger", LINGER,
                   "--startup-delay", READER_DELAY, *options, path)
    until("tf0", lambda: feed.ended() or is_up("tf0"))
    stamps, seen = Stamps("tf0"), [0]

    def look():
        seen[0] = received("tf0") or seen[0]
    text = feed.wait(look, pause=0.05)
    if feed.status:
        raise feed.failed("ends with %d" % feed.status)
    accounted(json.loads(text), packets, seen[0])
    return judged(stamps, packets, feed)


def peer(contender, path, packets):
    interface, _ = contender.tap()
    stamps = Stamps(interface)
    process = Process(contender.program, "--preload-pcap", "--pps=%d" % RATE, "-i",
                      interface, path)
    text = process.wait()
    if process.status or not re.search("^Rated:", text, re.MULTILINE):
        raise process.failed("ends with %d" % process.status)
    return judged(stamps, packets, process)


def timing(bench):
    """Packets at 10,000 a second onto a TAP that somebody reads."""
    packets = bench.amounts["timed_packets"]
    path = make(bench.folder, packets)
    peers = [each for each in bench.peers if isinstance(each, Tcpreplay) and
             each.target == "tap"]
    for number in range(bench.amounts["timed_runs"]):
        for way, options in WAYS.items():
            bench.take("timing", "tapfeed " + way, number,
                       lambda: own(path, packets, options))
        for each in peers:
            bench.take("timing", each.program_name + " --pps", number,
                       lambda: peer(each, path, packets))
    os.unlink(path)
    return [Figure("10,000 packets/s by %s, 99th percentile of the error" % way, "µs",
                   "less", 100000, None,
                   [run["p99"] for run in bench.good("timing", "tapfeed " + way).values()],
                   "") for way in WAYS]
