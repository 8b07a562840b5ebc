# SPDX-License-Identifier: Apache-2.0
"""Real captures of each link type that tapfeed converts, in the folder TAPFEED_CORPUS
names: what tshark finds in the file, it finds on the interface, TAP and TUN."""
import os

from captures import CONVERTED, ETHERNET, read
from decoder import available, packets, seen
from harness import CORPUS, case, check, equal, main, made, replay, skip_all

RAW = 101


def corpus():
    """(name, link types) of the captures of which something is converted."""
    if not CORPUS:
        skip_all("TAPFEED_CORPUS is not set")
    if not available():
        skip_all("there is no tshark")
    found = []
    for name in sorted(os.listdir(CORPUS)):
        if name.endswith((".pcap", ".pcapng", ".cap")):
            kinds = {packet.link_type for packet in read(os.path.join(CORPUS, name))}
            if kinds & CONVERTED:
                found.append((name, kinds))
    return found or skip_all("no such capture in %s" % CORPUS)


def first_difference(got, want):
    for number, (one, other) in enumerate(zip(got, want)):
        equal("packet %d" % number, one, other)
    equal("packets", len(got), len(want))


def add(name, kinds):
    source = os.path.join(CORPUS, name)

    @case("%s (%s)" % (name, ", ".join(map(str, sorted(kinds)))), limit=60)
    def _():
        want = packets(source)
        feed = replay(source)
        equal("status", feed.status, 0)
        equal("unsupported", feed["skipped.unsupported_link_type"], {})
        first_difference(packets(seen(feed.frames, ETHERNET, made)), want)
        feed = replay(source, "--type", "tun")
        equal("status", feed.status, 0)
        found = packets(seen(feed.frames, RAW, made))
        first_difference(found, [row for row in want if row[0] or row[8]])
        equal("frames that are no packets", len(feed.frames) - len(found), 0)


for each in corpus():
    add(*each)
main()
