# SPDX-License-Identifier: Apache-2.0
"""What Suricata says of real captures, those in the folder TAPFEED_CORPUS names, it says of
the interface: all of a link type at once, Ethernet and what tapfeed makes Ethernet of."""
import os

import captures
import ids
from harness import CORPUS, case, check, main, made, skip_all

ETHERNET = 1
# Link types that Suricata reads from a file as well. Of PPP it knows less than of
# Ethernet: no MPLS.
READ = {0: "BSD loopback", 1: "Ethernet", 12: "raw IP", 14: "raw IP", 101: "raw IP",
        104: "Cisco HDLC", 113: "Linux cooked", 228: "IPv4", 229: "IPv6"}
SIZE_MAX = 4 << 20  # of a file: a second of Suricata's time, not a minute


def corpus():
    """The packets of each link type."""
    if not CORPUS:
        skip_all("TAPFEED_CORPUS is not set")
    ids.needed()
    found = {}
    for name in sorted(os.listdir(CORPUS)):
        source = os.path.join(CORPUS, name)
        if name.endswith((".pcap", ".pcapng", ".cap")) and os.path.getsize(source) < SIZE_MAX:
            for packet in captures.read(source):
                if packet.link_type in READ:
                    found.setdefault(packet.link_type, []).append(packet)
    return found or skip_all("no such capture in %s" % CORPUS)


def add(link_type, packets):
    @case("%s (%d), %d packets" % (READ[link_type], link_type, len(packets)), limit=60)
    def _():
        data = captures.pcap_header(link_type=link_type)
        for packet in packets:
            data += captures.pcap_record(packet.data, length=packet.length)
        # Sums are not checked: many were captured on the host that sent them, before the
        # card put them in, and Suricata would look no further.
        file, _, _ = ids.compare(made(data), "--pps", "20000", link=link_type == ETHERNET,
                                 more=["-k", "none"])
        check(file.events, "Suricata says nothing of them")
        print("#", ids.kinds(file))


for each in sorted(corpus().items()):
    add(*each)
main()
