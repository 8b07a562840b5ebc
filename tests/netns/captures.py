# SPDX-License-Identifier: Apache-2.0
"""Reads and writes capture files, independently of tapfeed's own reader.

Readers are strict: they raise on whatever a well-formed file does not hold.
"""
import collections
import gzip
import struct

ETHERNET = 1
# Raw IP: the EtherTypes that a packet may be of, by its version.
RAW = {12: {4: 0x800, 6: 0x86dd}, 14: {4: 0x800, 6: 0x86dd}, 101: {4: 0x800, 6: 0x86dd},
       228: {4: 0x800}, 229: {6: 0x86dd}}
# Those that are converted otherwise: what comes of them is told elsewhere.
CONVERTED = {0, 9, 50, 51, 104, 105, 107, 108, 113, 119, 127, 163, 166, 192, 204, 205,
             206, 239, 242, 247, 276}
FRAME_MIN = 14
TAGGED_MIN = 20
FRAME_MAX = 262144

Packet = collections.namedtuple("Packet", "link_type data length")
Expected = collections.namedtuple(
    "Expected", "frames too_short too_long not_ip other truncated")

MAGIC_MICRO, MAGIC_NANO, MAGIC_MODIFIED = 0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34


# ---- frames ------------------------------------------------------------------

def frame(length, seed=0, tags=b"", ethertype=0x88b5):
    """An Ethernet frame of exactly length bytes; tags stand before the type."""
    head = bytes.fromhex("020000000002 020000000001") + tags
    head += struct.pack(">H", ethertype)
    body = bytes((seed * 7 + i * 13 + (i >> 8)) & 255 for i in range(251))
    repeats = max(0, length - len(head)) // 251 + 1
    return (head + body * repeats)[:length]


def numbered(count, length=60):
    """count frames that differ in a 32-bit number at byte 14."""
    base = frame(length)
    return [base[:14] + struct.pack(">I", i) + base[18:] for i in range(count)]


# ---- pcap --------------------------------------------------------------------

def pcap_header(order="<", magic=MAGIC_MICRO, snaplen=FRAME_MAX,
                link_type=ETHERNET, version=(2, 4)):
    return struct.pack(order + "IHHiIII", magic, *version, 0, 0, snaplen, link_type)


def pcap_record(data, order="<", magic=MAGIC_MICRO, seconds=1000000000,
                fraction=0, captured=None, length=None):
    captured = len(data) if captured is None else captured
    length = captured if length is None else length
    head = struct.pack(order + "IIII", seconds, fraction, captured, length)
    if magic == MAGIC_MODIFIED:  # interface, protocol, packet type, padding
        head += struct.pack(order + "IHBB", 1, 0x800, 0, 0)
    return head + data


def pcap(frames, order="<", magic=MAGIC_MICRO, **header):
    records = (pcap_record(data, order, magic, fraction=number % 1000000)
               for number, data in enumerate(frames))
    return pcap_header(order, magic, **header) + b"".join(records)


# ---- pcapng ------------------------------------------------------------------

def block(kind, body, order="<"):
    body += bytes(-len(body) % 4)
    total = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + total + body + total


def section(order="<", options=b""):
    return block(0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1) +
                 options, order)


def interface(link_type=ETHERNET, snaplen=0, order="<", resolution=None,
              end_of_options=True):
    options = b""
    if resolution is not None:
        options = struct.pack(order + "HHB3x", 9, 1, resolution)
        if end_of_options:
            options += struct.pack(order + "HH", 0, 0)
    return block(1, struct.pack(order + "HHI", link_type, 0, snaplen) + options,
                 order)


def enhanced(data, number=0, order="<", captured=None, length=None, options=b""):
    captured = len(data) if captured is None else captured
    length = captured if length is None else length
    head = struct.pack(order + "IIIII", number, 0x5a5a5, 0xdeadbeef, captured,
                       length)
    return block(6, head + data + bytes(-len(data) % 4) + options, order)


def simple(data, order="<", length=None):
    length = len(data) if length is None else length
    return block(3, struct.pack(order + "I", length) + data, order)


def pcapng(frames, order="<"):
    return section(order) + interface(order=order) + b"".join(
        enhanced(data, order=order) for data in frames)


# ---- reading -----------------------------------------------------------------

def read(path):
    """Every packet of a pcap or pcapng file, plain or gzip, as a list."""
    with open(path, "rb") as file:
        data = file.read()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        return list(read_pcapng(data))
    return list(read_pcap(data))


def read_pcap(data):
    for order in "<>":
        magic = struct.unpack(order + "I", data[:4])[0]
        if magic in (MAGIC_MICRO, MAGIC_NANO, MAGIC_MODIFIED):
            break
    else:
        raise ValueError("not a pcap file")
    link_type = struct.unpack(order + "I", data[20:24])[0] & 0xffff
    head = 24 if magic == MAGIC_MODIFIED else 16
    at = 24
    while at < len(data):
        captured, length = struct.unpack(order + "8xII", data[at:at + 16])
        at += head
        if at + captured > len(data):
            raise ValueError("cut at byte %d" % at)
        yield Packet(link_type, data[at:at + captured], length)
        at += captured


def read_pcapng(data):
    at, order, interfaces = 0, "<", []
    while at < len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            order = {b"\x4d\x3c\x2b\x1a": "<",
                     b"\x1a\x2b\x3c\x4d": ">"}[data[at + 8:at + 12]]
            interfaces = []
        kind, total = struct.unpack(order + "II", data[at:at + 8])
        if data[at + total - 4:at + total] != data[at + 4:at + 8] or total % 4:
            raise ValueError("block at byte %d is not whole" % at)
        body = data[at + 8:at + total - 4]
        if kind == 1:
            interfaces.append(struct.unpack(order + "HHI", body[:8]))
        elif kind == 6:
            number, captured, length = struct.unpack(order + "I8xII", body[:20])
            yield Packet(interfaces[number][0], body[20:20 + captured], length)
        elif kind == 3:
            link_type, _, snaplen = interfaces[0]
            length = struct.unpack(order + "I", body[:4])[0]
            captured = min(length, snaplen or length)
            yield Packet(link_type, body[4:4 + captured], length)
        elif kind == 2:
            number, captured, length = struct.unpack(order + "H10xII", body[:20])
            yield Packet(interfaces[number][0], body[20:20 + captured], length)
        at += total


def tagged(data):
    """Whether the kernel takes a VLAN tag off this frame."""
    return data[12:14] in (b"\x81\x00", b"\x88\xa8")


def with_header(packet):
    """A packet of raw IP as a TAP is given it; unchanged where it is none."""
    data = packet.data
    ethertype = RAW[packet.link_type].get(data[0] >> 4) if data else None
    if ethertype is None:
        return data
    return bytes.fromhex("020000000002020000000001") + struct.pack(">H", ethertype) + data


def expected(packets):
    """What a replay of packets to a TAP must show to a reader, and what it must count."""
    frames, too_short, too_long, not_ip, truncated = [], 0, 0, 0, 0
    other = collections.Counter()
    for packet in packets:
        size = len(packet.data)
        if packet.link_type in RAW:
            data = with_header(packet)
            if size > FRAME_MAX or len(data) > FRAME_MAX:
                too_long += 1
            elif len(data) == size:
                too_short += size == 0
                not_ip += size > 0
            else:
                frames.append(data)
                truncated += size < packet.length
        elif packet.link_type != ETHERNET:
            other[packet.link_type] += 1
        elif size < (TAGGED_MIN if tagged(packet.data) else FRAME_MIN):
            too_short += 1
        elif size > FRAME_MAX:
            too_long += 1
        else:
            frames.append(packet.data)
            truncated += size < packet.length
    return Expected(frames, too_short, too_long, not_ip, other, truncated)
