# SPDX-License-Identifier: Apache-2.0
"""The captures in the folder TAPFEED_CORPUS names: Ethernet byte for byte, raw IP with a
header; link types that cannot be converted counted by name. For those that are converted
otherwise see linktypes_real.py."""
from captures import CONVERTED, expected, read
from checks import counted
from harness import (CORPUS, case, check, equal, main, replay, replays_to,
                     skip_all)
import os


def corpus():
    if not CORPUS:
        skip_all("TAPFEED_CORPUS is not set")
    names = sorted(name for name in os.listdir(CORPUS)
                   if name.endswith((".pcap", ".pcapng", ".cap")))
    if not names:
        skip_all("no capture in %s" % CORPUS)
    return names


def add(name):
    source = os.path.join(CORPUS, name)
    packets = read(source)
    if any(packet.link_type in CONVERTED for packet in packets):
        return
    want = expected(packets)
    kind = "Ethernet" if not want.other else "other"

    @case("%s (%s, %d packets)" % (name, kind, len(want.frames) + counted(want.other)))
    def _():
        feed = replays_to(replay(source), want)
        equal("link types", len(feed["skipped.unsupported_link_type"]),
              len(want.other))
        check(feed["received"] > 0, "nothing was received")
        if want.other:
            replays_to(replay(source, "--strict"), want, status=1)


files = corpus()
print("# corpus: %d files: %s" % (len(files), " ".join(files)))
for file in files:
    add(file)
main()
