# SPDX-License-Identifier: Apache-2.0
"""Every link type that tapfeed converts, by packets made for it: they come out byte for
byte, what tshark finds in the file it finds on the interface, TAP and TUN, and what is
skipped is counted by reason and type."""
import collections
import os
import re
import struct

from captures import enhanced, interface, pcap, section
from decoder import available, numbered, seen
from harness import (SRCDIR, Skip, case, check, equal, frames_equal, main, made, note, replay)
from linkpackets import (ARP, ECHO, FOUR, IPV4, MAC, ROWS, SIX, amsdu, ppp, sll, snap, wifi)

ETHERNET, RAW = 1, 101
SOURCE, DESTINATION = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
ERF_INFINIBAND = 21
# What tshark 4.0 reads in another form alone: the link type, and the packet's.
FORMS = {14: (101, bytes), 12: (101, bytes), 205: (104, lambda data: data[1:]),
         206: (107, lambda data: data[1:]), 166: (9, lambda data: b"\xff" + data[1:]),
         247: (197, lambda data: struct.pack(">QBBHHH", 0, ERF_INFINIBAND, 4,
                                             16 + len(data), 0, len(data)) + data)}


def inside(data):
    """The packets that were put into a row's, in order."""
    return [each for _, each in sorted((data.index(each), each)
                                       for each in (FOUR, SIX, ECHO) if each in data)]


def skips(rows, column):
    reasons = collections.Counter(row[column] for row in rows)
    del reasons["ok"]
    return dict(reasons)


def run(link_type, rows, kind):
    """A run whose report is as the rows have it, and the rows that were carried."""
    column = 1 if kind == "tap" else 2
    source = made(pcap([row[0] for row in rows], link_type=link_type))
    feed = replay(source, "--type", kind)
    want = skips(rows, column)
    carried = [row[0] for row in rows if row[column] == "ok"]
    equal("status", feed.status, 0)
    equal("injected", feed["injected"], len(carried))
    equal("frames", feed["frames_written"], len(feed.frames))
    equal("skipped", {key: value for key, value in feed["skipped"].items() if value}, want)
    equal("types", list(feed["skipped_by_type"].values()), [want] if want else [])
    return feed, carried


def by_row(frames, carried):
    """(row, its frames): of an A-MSDU there are as many as packets in it."""
    at = 0
    for data in carried:
        count = max(1, len(inside(data)))
        yield data, frames[at:at + count]
        at += count
    equal("frames", len(frames), at)


def flat(found):
    """Each field's values, of some packets."""
    return [[value for row in found for value in row[column].split(",") if value]
            for column in range(len(found[0]) if found else 0)]


carried_by = {"tap": [], "tun": []}  # (link type, packet, its frames), for tshark


def add(link_type, rows):
    @case("link type %d, %d packets" % (link_type, len(rows)))
    def _():
        tap, carried = run(link_type, rows, "tap")
        for data, frames in by_row(tap.frames, carried):
            for frame in frames:  # some have three bytes of LLC made for them
                check(frame[14:] in data or frame[17:] in data, frame.hex())
            packets = inside(data) + [ARP] * (ARP in data)
            check(all(each in b"".join(frames) for each in packets), data.hex())
            carried_by["tap"].append((link_type, data, frames))
        tun, rest = run(link_type, rows, "tun")
        frames_equal(tun.frames, [each for data in rest for each in inside(data)])
        for data, frames in by_row(tun.frames, rest):
            carried_by["tun"].append((link_type, data, frames))


for each, packets_made in sorted(ROWS.items()):
    add(each, packets_made)


def for_tshark(link_type, data):
    other, form = FORMS.get(link_type, (link_type, bytes))
    return other, form(data)


def as_tshark(kind):
    """Of each type how many packets there are, and how many tshark decodes; of these it
    finds the same on the interface."""
    everything = carried_by[kind]
    packets = [for_tshark(link_type, data) for link_type, data, _ in everything]
    kinds = sorted({link_type for link_type, _ in packets})
    file = section() + b"".join(interface(link_type) for link_type in kinds)
    file += b"".join(enhanced(data, kinds.index(link_type)) for link_type, data in packets)
    want = numbered(made(file, "carried.pcapng"))
    frames = [frame for _, _, own in everything for frame in own]
    got = numbered(seen(frames, ETHERNET if kind == "tap" else RAW, made))
    total, decoded, at = collections.Counter(), collections.Counter(), 0
    for number, (link_type, data, own) in enumerate(everything):
        found = [got[i] for i in range(at, at + len(own)) if i in got]
        at += len(own)
        total[link_type] += 1
        if number in want:
            decoded[link_type] += 1
            equal("%s, type %d, %s" % (kind, link_type, data.hex()), flat(found),
                  flat([want[number]]))
    return total, decoded


@case("what tshark finds in the packets, it finds on the interface", limit=60)
def _():
    if not available():
        raise Skip("there is no tshark")
    for kind in ("tap", "tun"):
        total, decoded = as_tshark(kind)
        equal("types", sorted(total), sorted(ROWS))
        note("of %s: %s" % (kind, ", ".join("%d: %d of %d" % (each, decoded[each],
                                                              total[each])
                                            for each in sorted(total))))
        check(all(decoded[each] > 0 for each in total), "a type of which it decodes none")


# ---- all in one file -------------------------------------------------------------

@case("pcapng: interfaces of every type, in turn", limit=60)
def _():
    kinds = sorted(ROWS)
    data = section() + b"".join(interface(kind) for kind in kinds)
    packets = []
    for turn in range(40):
        for number, kind in enumerate(kinds):
            good = [row[0] for row in ROWS[kind] if row[2] == "ok"]
            data += enhanced(good[turn % len(good)], number)
            packets += inside(good[turn % len(good)])
    feed = replay(made(data, "every.pcapng"), "--type", "tun")
    equal("status", feed.status, 0)
    equal("injected", feed["injected"], 40 * len(kinds))
    frames_equal(feed.frames, packets)


@case("skipped_by_type tells the types of one file apart")
def _():
    data = section() + interface(113) + interface(9) + interface(10) + interface(105)
    rows = [(0, sll(0x88cc)), (0, sll(0x88cc)), (0, b""), (1, b"\xc0\x21\1\1"), (2, FOUR),
            (3, bytes.fromhex("d4000000020000000001")), (3, wifi(0x41, FOUR))]
    data += b"".join(enhanced(packet, number) for number, packet in rows)
    feed = replay(made(data, "mixed.pcapng"), "--type", "tun")
    equal("by type", feed["skipped_by_type"], {
        "LINUX_SLL": {"not_ip": 2, "too_short": 1}, "PPP": {"not_ip": 1},
        "FDDI": {"unsupported_link_type": 1}, "IEEE802_11": {"not_data": 1, "encrypted": 1}})
    equal("warnings", len(feed.lines("encrypted frames of link type IEEE802_11 ")), 1)


# ---- addresses -------------------------------------------------------------------

def addresses(link_type, packet, *args):
    feed = replay(made(pcap([packet], link_type=link_type)), *args)
    equal("status", feed.status, 0)
    return feed.frames[0][:6], feed.frames[0][6:12]


@case("--synthetic-mac: where packets bring no addresses, and there alone")
def _():
    given = ("--synthetic-mac", "0a:0b:0c:0d:0e:01,0a:0b:0c:0d:0e:02")
    source, destination = (bytes.fromhex("0a0b0c0d0e0" + digit) for digit in "12")
    for packet, link_type in ((FOUR, RAW), (ppp(b"")[0][0], 9), (sll(IPV4, 512, 0) + FOUR, 113)):
        equal("default", addresses(link_type, packet), (DESTINATION, SOURCE))
        equal("given", addresses(link_type, packet, *given), (destination, source))
    equal("a source of its own", addresses(113, sll(IPV4) + FOUR, *given),
          (destination, MAC))
    for flags, want in ((0, (1, 2)), (1, (3, 2)), (2, (1, 3))):
        equal("802.11", addresses(105, wifi(flags, snap(IPV4, FOUR)), *given),
              tuple(bytes([2, 0, 0, 0, 1, i]) for i in want))
    frame = bytes.fromhex("02000000000a02000000000b0800") + FOUR
    equal("Ethernet", addresses(ETHERNET, frame, *given), (frame[:6], frame[6:12]))


# ---- packets that were cut -------------------------------------------------------

@case("packets cut by the capture or --snaplen go as far as they go", limit=60)
def _():
    data, count = section(), 0
    for number, (link_type, rows) in enumerate(sorted(ROWS.items())):
        data += interface(link_type)
        for whole in (row[0] for row in rows if row[2] == "ok" and FOUR in row[0]):
            keep = whole.index(FOUR) + 24
            data += enhanced(whole[:keep], number, length=len(whole))
            count += 1
    feed = replay(made(data, "cut.pcapng"), "--type", "tun")
    frames_equal(feed.frames, [FOUR[:24]] * count)
    equal("truncated", feed["truncated"], count)
    whole = sll(IPV4) + FOUR
    feed = replay(made(pcap([whole], link_type=113)), "--snaplen", "40")
    frames_equal(feed.frames, [DESTINATION + MAC + b"\x08\0" + FOUR[:24]])


@case("an A-MSDU is one packet and several frames, also in a queue of one")
def _():
    parts = amsdu(*(snap(IPV4, FOUR) for _ in range(60)))
    source = made(pcap([wifi(2, parts, qos=0x80)] * 50, link_type=105))
    for args in ((), ("--queue-size", "1"), ("--count", "50", "--no-ring")):
        feed = replay(source, "--type", "tun", *args)
        equal("status", feed.status, 0)
        equal("injected", feed["injected"], 50)
        equal("frames_written", feed["frames_written"], 3000)
        frames_equal(feed.frames, [FOUR] * 3000)


# ---- the man page ----------------------------------------------------------------

@case("the man page's table has the types that are converted, by number and name")
def _():
    with open(os.path.join(SRCDIR, "man/tapfeed.1")) as file:
        table = re.search(r"^Number\tName\t.*\n((?:.*\n)*?)\.TE", file.read(), re.M)
    names = {}
    for line in table.group(1).splitlines():
        numbers, words, _ = line.split("\t")
        words = words.split(", ")
        for index, number in enumerate(numbers.split(", ")):
            names[int(number)] = words[index] if len(words) > 1 else words[0]
    equal("numbers", sorted(names), sorted(ROWS))
    data = section() + b"".join(interface(kind) for kind in names)
    data += b"".join(enhanced(b"", number) for number in range(len(names)))
    feed = replay(made(data, "empty.pcapng"))
    equal("types", {name: 3 if name == "RAW" else 1 for name in names.values()},
          {name: row.get("too_short") for name, row in feed["skipped_by_type"].items()})


main()
