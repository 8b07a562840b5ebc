# SPDX-License-Identifier: Apache-2.0
"""Every Ethernet frame appears to a reader byte for byte and in order."""
from captures import (CONVERTED, MAGIC_MICRO, MAGIC_MODIFIED, MAGIC_NANO, RAW, enhanced,
                      expected, frame, interface, numbered, pcap, pcapng, read,
                      section, simple)
from harness import (SAMPLE, SRCDIR, case, check, equal, main, made, replay,
                     replays_to)
import glob
import os

VLAN, SERVICE, MPLS, OLD_QINQ = (bytes.fromhex(x) for x in
                                 ("8100e007", "88a80064", "88470001", "91000001"))


def same(data, name="input.pcap", status=0):
    """Replays data and checks it against this file's own reader."""
    source = made(data, name)
    return replays_to(replay(source), expected(read(source)), status)


@case("the bundled sample")
def _():
    packets = read(SAMPLE)
    check(200 <= len(packets) <= 500, "%d packets in it" % len(packets))
    feed = replays_to(replay(SAMPLE), expected(packets))
    equal("injected", feed["injected"], len(packets))


@case("every capture in tests/data", limit=60)
def _():
    for source in sorted(glob.glob(os.path.join(SRCDIR, "tests/data/*.pcap*"))):
        replays_to(replay(source), expected(read(source)))


@case("lengths from 14 bytes to 256 KiB, whatever the MTU")
def _():
    lengths = [*range(14, 81), 508, 1024, *range(1510, 1524), 4096, 9000, 9014,
               16384, 65534, 65535, 65536, 131072, 262143, 262144]
    feed = same(pcap([frame(n, n) for n in lengths]))
    equal("errors", feed["errors"], 0)
    equal("largest", max(map(len, feed.frames)), 262144)


@case("fifty frames of 256 KiB")
def _():
    same(pcap([frame(262144, n) for n in range(50)]))


@case("VLAN, QinQ, MPLS and untagged types keep their tags")
def _():
    stacks = [VLAN, SERVICE, SERVICE + VLAN, VLAN + VLAN, SERVICE + SERVICE + VLAN,
              MPLS, VLAN + MPLS, OLD_QINQ, bytes.fromhex("81000000"),
              bytes.fromhex("8100ffff"), bytes.fromhex("88a8ffff")]
    same(pcap([frame(length, tags=tags) for tags in stacks
               for length in (28, 60, 64, 1518, 1522, 9000, 262144)]))


@case("tagged frames of 20 bytes and more are seen")
def _():
    same(pcap([frame(length, tags=tags) for tags in (VLAN, SERVICE, SERVICE + VLAN)
               for length in range(20, 40)]))


@case("tagged frames of 14 to 19 bytes are too short")
def _():
    short = [frame(length, tags=tags) for tags in (VLAN, SERVICE)
             for length in range(14, 20)]
    feed = same(pcap([frame(60, 1), *short, frame(60, 2)]))
    equal("too_short", feed["skipped.too_short"], 12)


@case("other types of 14 to 19 bytes are seen")
def _():
    same(pcap([frame(length, tags=tags) for tags in (b"", MPLS, OLD_QINQ)
               for length in range(14, 20)]))


@case("802.3 length fields, and types of all kinds")
def _():
    same(pcap([frame(60, ethertype=kind) for kind in
               (0, 1, 46, 1500, 1535, 1536, 0x0800, 0x0806, 0x86dd, 0x8863, 0x8864,
                0x888e, 0x88cc, 0x88f7, 0x9100, 0xffff)]))


@case("destinations of all kinds: broadcast, multicast, zero, its own")
def _():
    same(pcap([bytes.fromhex(mac) + frame(60)[6:] for mac in
               ("ffffffffffff", "01005e000001", "333300000001", "0180c2000000",
                "0180c200000e", "000000000000", "020000000001", "feffffffffff")]))


@case("frames of 0 to 13 bytes are too short")
def _():
    feed = same(pcap([frame(60), *(frame(n) for n in range(14)), frame(61)]))
    equal("too_short", feed["skipped.too_short"], 14)
    equal("injected", feed["injected"], 2)


@case("frames above 256 KiB are too long")
def _():
    long = [frame(n) for n in (262145, 262146, 300000, 327680, 400000, 1000000)]
    feed = same(pcap([frame(60), *long, frame(61), frame(262144)], snaplen=2000000))
    equal("too_long", feed["skipped.too_long"], len(long))
    equal("injected", feed["injected"], 3)


@case("skips make --strict fail, and nothing else does")
def _():
    source = made(pcap([frame(60), frame(5)]))
    replays_to(replay(source, "--strict"), expected(read(source)), status=1)
    source = made(pcap([frame(60)]))
    replays_to(replay(source, "--strict"), expected(read(source)))


@case("pcap: micro, nano and modified, either byte order")
def _():
    frames = [frame(n, n) for n in (14, 60, 61, 1514, 9000)]
    for magic in (MAGIC_MICRO, MAGIC_NANO, MAGIC_MODIFIED):
        for order in "<>":
            same(pcap(frames, order, magic))


@case("pcapng: either byte order, simple packets, options")
def _():
    frames = [frame(n, n) for n in (14, 15, 16, 17, 60, 1514, 9000, 262144)]
    for order in "<>":
        comment = (b"\0\1\0\5" if order == ">" else b"\1\0\5\0") + b"hello\0\0\0" + \
            bytes(4)
        same(section(order) + interface(order=order, resolution=9) + b"".join(
            enhanced(data, order=order, options=comment) +
            simple(data, order=order) for data in frames), "input.pcapng")
        same(pcapng(frames, order), "input.pcapng")


@case("pcapng: interfaces of different link type, snaplen and resolution")
def _():
    kinds = [(1, 0, 6), (10, 65535, 9), (8, 96, None), (1, 262144, 0x80 + 20),
             (6, 0, 3), (1, 64, 6)]
    data = section() + b"".join(interface(link_type, snaplen, resolution=resolution)
                                for link_type, snaplen, resolution in kinds)
    for n in range(60):
        data += enhanced(frame(20 + n, n), n % len(kinds))
    feed = same(data, "input.pcapng")
    names = feed["skipped.unsupported_link_type"]
    equal("link types counted by name", len(names), 3)
    check(all(names) and not any(name.isdigit() for name in names), names)
    equal("each", set(names.values()), {10})


@case("pcapng: sections of either byte order, each with its own interfaces")
def _():
    data = b""
    for n in range(6):
        order = "<>"[n % 2]
        data += section(order) + interface([1, 1, 10][n % 3], order=order)
        data += b"".join(enhanced(frame(60, n * 10 + i), order=order)
                         for i in range(10))
    same(data, "input.pcapng")


@case("other link types: nothing is injected, all is counted by name")
def _():
    for link_type in (2, 8, 11, 99, 106, 109, 141, 187, 271, 999):
        source = made(pcap([frame(60)] * 7, link_type=link_type))
        want = expected(read(source))
        feed = replays_to(replay(source), want)
        equal("names", len(feed["skipped.unsupported_link_type"]), 1)
        if link_type in (2, 999):
            replays_to(replay(source, "--strict"), want, status=1)


@case("many link types in one file: each name once, all counted", limit=60)
def _():
    # 11 and 100 share a name.
    for kinds in ([11, 100, 99],
                  [n for n in range(2, 300) if n not in RAW and n not in CONVERTED]):
        data = section() + b"".join(interface(kind) for kind in kinds)
        data += b"".join(enhanced(frame(60), number) for number in range(len(kinds)))
        feed = replay(made(data, "input.pcapng"))
        equal("status", feed.status, 0)
        names = feed["skipped.unsupported_link_type"]
        equal("counted", sum(names.values()), len(kinds))
        equal("injected", feed["injected"], 0)


@case("truncated packets are injected as they are, and counted")
def _():
    data = section() + interface()
    for n in range(10):
        data += enhanced(frame(60, n), length=60 if n % 2 else 1500)
    feed = same(data, "input.pcapng")
    equal("truncated", feed["truncated"], 5)


@case("50,000 packets in order", limit=60)
def _():
    feed = same(pcap(numbered(50000)))
    equal("injected", feed["injected"], 50000)
    check(feed["queue_peak"] <= 4096, "queue peak %d" % feed["queue_peak"])


main()
