# SPDX-License-Identifier: Apache-2.0
"""How long a lone packet takes on an idle system: not run by make check, for what it
shows depends on the machine. Feeds a pipe with a packet every 2 ms.

    TAPFEED_BUILDDIR=build python3 tests/netns/lone.py [PACKETS [OPTION...]]
"""
import os
import sys
import time

from captures import frame, pcap_header, pcap_record
from harness import Feed, case, equal, main, note

PACKETS = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
PERIOD_S = 0.002


def lone(*args, pinned=False):
    out, into = os.pipe()
    feed = Feed("-", "--linger", "0", *args, *sys.argv[2:], stdin=out)
    os.close(out)
    os.write(into, pcap_header())
    feed.wait_up()
    time.sleep(0.2)
    if pinned:  # the injector has a processor of its own
        os.sched_setaffinity(feed.worker("injector"), {1})
        os.sched_setaffinity(feed.worker("capture"), {0})
        os.sched_setaffinity(0, {0})
    record = pcap_record(frame(100))
    for _ in range(PACKETS):
        os.write(into, record)
        time.sleep(PERIOD_S)
    os.close(into)
    os.sched_setaffinity(0, range(os.cpu_count()))
    feed.wait()
    latency = feed["latency_ns"]
    equal("count", latency["count"], PACKETS)
    note(" ".join("%s %.1f us" % (name, latency[name] / 1000)
                  for name in ("p50", "p90", "p99", "p99_9", "max")))


@case("a packet every 2 ms through a pipe", 600)
def _():
    lone()


@case("the same with --busy-poll", 600)
def _():
    lone("--busy-poll")


@case("with --busy-poll, and a processor for the injector alone", 600)
def _():
    lone("--busy-poll", pinned=True)


main()
