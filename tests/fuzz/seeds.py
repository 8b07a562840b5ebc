# SPDX-License-Identifier: Apache-2.0
"""Makes the committed corpora of the fuzz targets anew (make fuzz-seeds): small inputs
that reach far, of our own making. What a fuzzer found is a file of its own beside them,
with a name that says what it is, and is left alone."""
import gzip
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "netns"))

import captures  # noqa: E402
import feedclient as feed  # noqa: E402
import linkpackets  # noqa: E402
import packets  # noqa: E402
import zstd  # noqa: E402

SEED = struct.pack("<I", 0x12345)  # of the pieces in which an input comes
LAN = packets.udp("192.0.2.1", "192.0.2.2", 7)
LAN6 = packets.syn("2001:db8::1", "2001:db8::2", 80)
FRAMES = [packets.ethernet(0x800, LAN), packets.ethernet(0x86dd, LAN6),
          packets.ethernet(0x800, LAN, tags=((0x8100, 7),)), captures.frame(14)]


def number(field, value):
    return feed.varint(field << 3) + feed.varint(value)


def write(target, seeds):
    folder = os.path.join(HERE, "corpus", target)
    os.makedirs(folder, exist_ok=True)
    for name, data in seeds.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)


# ---- policyfile, request -------------------------------------------------------

def policyfile():
    every = ("# all of the grammar\n\n"
             "create user=root name=lc0 # one\n"
             "create\tuser=1000  name=tf*,lc* kind=tap mtu=68-65521 queues=256 mac=yes\n"
             "create group=root kind=tun name=a.b_c-d mtu=1500 mac=no queues=1\n"
             "create any=yes name=* kind=tap,tun host-visible=yes trust=yes\n"
             "capture group=1000 interface=eth0,wlan* promiscuous=yes\n"
             "capture user=_none.x$ interface=lo promiscuous=no\n")
    return {"all": every.encode(), "empty": b"",
            "many": b"create any=yes name=" + b",".join([b"a"] * 64) + b"\n",
            "too-many": b"create any=yes name=a\n" * 65,
            "cut": every.encode()[:-1], "long-line": b"#" * 256 + b"\n",
            "carriage-return": b"create any=yes name=x\r\n",
            "byte-order-mark": b"\xef\xbb\xbf# x\n",
            "nul": b"create any=yes name=x\0\n",
            "twice": b"create any=yes name=x mac=no mac=yes\n",
            "percent": b"create any=yes name=tf%d\n",
            "numbered": b"create any=yes name=tf1*,tf*\n"}


def request():
    def one(name=b"tf0", version=1, op=1, kind=1, mtu=1500, queues=1, flags=0,
            mac=bytes(6), rest=bytes(128)):
        head = struct.pack("=II16sIIII6s2x", version, op, name, kind, mtu, queues,
                           flags, mac)
        return (head + rest + bytes(176))[:176]
    return {"tap": one(), "numbered": one(name=b"tf%d"), "tun": one(kind=2, mtu=68),
            "host-visible": one(flags=1), "vnet": one(flags=16), "flags": one(flags=3),
            "mac": one(mac=b"\2\0\0\0\0\1", mtu=65521), "short": one()[:-1],
            "long": one() + b"\0", "reserved": one(rest=bytes(127) + b"\1"),
            "name": one(name=b"a" * 16), "hidden": one(name=b"a\0b"),
            "multicast": one(mac=b"\1\0\0\0\0\1")}


# ---- the feed --------------------------------------------------------------------

def message(*fields):
    return b"".join(fields)


def columns(frames, flags=None, sequence=0):
    """A PacketBatch."""
    lens = struct.pack("<%dI" % len(frames), *map(len, frames))
    parts = [feed.fixed64(1, sequence), feed.field(2, lens), feed.field(3, lens),
             feed.field(4, struct.pack("<%dQ" % len(frames), *range(len(frames))))]
    if flags:
        parts.append(feed.field(5, struct.pack("<%dI" % len(flags), *flags)))
    return message(*parts, feed.field(8, b"".join(frames)))


def batch():
    big = 2**32 - 1
    short = feed.fixed64(1, 0) + feed.field(2, struct.pack("<2I", big, 61)) + \
        feed.field(3, bytes(8)) + feed.field(4, bytes(16)) + feed.field(8, bytes(60))
    past = feed.fixed64(1, 0) + feed.field(2, struct.pack("<3I", 60, 60, 60)) + \
        feed.field(3, bytes(12)) + feed.field(4, bytes(24)) + feed.field(8, b"E" * 60)
    room = feed.fixed64(1, 0) + feed.field(2, struct.pack("<4I", *map(len, FRAMES))) + \
        feed.field(3, bytes(16)) + feed.field(4, bytes(32)) + \
        feed.field(5, struct.pack("<4I", 2, 3, 2, 2)) + \
        feed.field(8, b"".join(bytes([255] * 10) + data for data in FRAMES))
    return {"tap": b"\0" + columns(FRAMES), "tun": b"\1" + columns([LAN, LAN6]),
            "more": b"\0" + columns(FRAMES, [1, 1, 0, 0]),
            "more-last": b"\0" + columns(FRAMES, [0, 0, 0, 1]),
            "flags": b"\0" + columns(FRAMES, [0, 2, 0, 0]),
            "sequence": b"\2" + columns(FRAMES, sequence=7),
            "past-end": b"\1" + past, "overflow": b"\0" + short, "runt": b"\0" + columns([bytes(13)]),
            "tagged-runt": b"\0" + columns([captures.frame(19, ethertype=0x8100)]),
            "room": b"\4" + room, "none": b"\0" + columns([]), "not-ip": b"\1" + columns([bytes(20)])}


def flow():
    body = struct.pack(">HH", 5555, 7) + bytes(20)
    late = LAN[:6] + b"\x20\xb9" + LAN[8:]
    many = packets.ip("2001:db8::1", "2001:db8::2", 0, bytes([43, 0]) + bytes(6) +
                      bytes([51, 0]) + bytes(6) + bytes([6, 1]) + bytes(6) + body)
    split = packets.ip("2001:db8::1", "2001:db8::2", 44, bytes([17, 0, 0, 9]) + bytes(4) + body)
    label = struct.pack(">II", 0x1040, 0x1140)
    rows = {"frame-%d" % i: b"\3" + data for i, data in enumerate(FRAMES)}
    taps = {"pppoe": packets.ethernet(0x8864, b"\x11\0\0\7\0\x22\0\x21" + LAN),
            "mpls": packets.ethernet(0x8847, label + LAN6),
            "tags": packets.ethernet(0x800, LAN, tags=((0x88a8, 1),) * 9),
            "sctp": packets.ethernet(0x800, packets.ip("192.0.2.1", "192.0.2.2", 132, body)),
            "options": packets.ethernet(0x800, b"\x4f" + LAN[1:20] + bytes(40) + body),
            "arp": packets.ethernet(0x806, bytes(28))}
    tuns = {"ipv4": LAN, "ipv6": LAN6, "fragment": late, "fragment6": split,
            "extensions": many, "cut": LAN[:21], "cut6": LAN6[:41], "no-ip": bytes(40)}
    rows.update((name, b"\7" + data) for name, data in taps.items())
    rows.update((name, b"\x87" + data) for name, data in tuns.items())
    return rows


def peer():
    hello = feed.hello()
    three = feed.batch(0, FRAMES[:3])
    flow = hello + three + feed.batch(3, FRAMES) + feed.end(7)
    rows = {"feed": flow, "hello-twice": hello + hello, "no-hello": three,
            "no-end": hello + three, "after-end": flow + three,
            "version": feed.hello(version=2), "resumed": feed.hello(sequence=9) +
            feed.batch(9, FRAMES), "sequence": hello + feed.batch(1, FRAMES),
            "zero": hello + bytes(4), "huge": hello + b"\xff" * 4,
            "limit": hello + struct.pack(">I", 384 * 1024 + 1),
            "empty-messages": hello + feed.frame(2, b"\x12\0" * 200),
            "stop": hello + feed.frame(5, b"")}
    seeds = {name: b"\0" + SEED + data for name, data in rows.items()}
    for how in 1, 2, 4, 8, 16, 25, 31:
        seeds["feed-%d" % how] = bytes([how]) + SEED + flow
    return seeds


def frame():
    one = struct.pack(">I", 3) + b"abc"
    return {"three": SEED + one * 3, "cut": SEED + one + one[:-1],
            "header-cut": SEED + one + b"\0\0", "zero": SEED + one + bytes(4),
            "limit": SEED + struct.pack(">I", 600) + bytes(600) + one,
            "over": SEED + one + struct.pack(">I", 601) + bytes(601),
            "huge": SEED + b"\xff" * 8, "half": SEED + struct.pack(">I", 1 << 31) + one}


# ---- control, worker, notices, childlog -----------------------------------------

def control():
    counters = message(*(number(n, n * 1000) for n in (*range(1, 9), *range(13, 19))),
                       feed.field(12, feed.field(1, b"WIFI") +
                                  feed.field(2, b"\1\2\3\4\5\6\7\10\11")))

    def status(*more, version=b"0.1.0", interface=b"tf0", state=2):
        return feed.field(1, message(
            feed.field(1, version), feed.field(2, interface), number(3, 1),
            number(4, 1500), number(5, 7), feed.field(6, b"replay"),
            feed.field(7, b"a.pcap"), feed.fixed64(9, 1), feed.fixed64(10, 2),
            feed.fixed64(11, 3), number(12, state), number(13, 1), number(14, 4096),
            number(15, 1), number(16, 0), feed.field(17, counters),
            feed.field(18, feed.field(1, b"injector") + number(2, 99)), *more))
    return {"request": feed.field(1, b""), "request-unknown": feed.field(1, b"\x08\1"),
            "request-start": feed.field(2, b""),
            "request-both": feed.field(1, b"") + feed.field(2, b""),
            "request-other": feed.field(3, b""), "started": feed.field(2, number(1, 1) + number(2, 6)),
            "waiting": status(number(21, 15), number(22, 0), number(23, 2)),
            "status": status(),
            "joins": status(feed.field(8, b"/run/feed.sock")),
            "long": status(version=b"v" * 200), "state": status(state=9),
            "name": status(interface=b"$(id)"),
            "sources": status(*[feed.field(7, b"s" * 90)] * 70),
            "processes": status(*[feed.field(18, feed.field(1, b"p" * 40) +
                                             number(2, 1))] * 9),
            "link-types": status(feed.field(17, counters + feed.field(
                12, feed.field(1, b"X" * 40) + feed.field(2, b"\1" * 40)) * 40)),
            "swelling": feed.field(1, b"\x92\1\0" * 300)}


def worker():
    def one(version=1, reserved=0, frames=5, how=1):
        return bytes([how, 16]) + struct.pack("=IIQ", version, reserved, frames)
    def gate(version=1, flags=1, frames=7, reserved=0, how=0):
        return bytes([how, 24]) + struct.pack("=IIQQ", version, flags, frames, reserved)
    return {"gate": gate(), "gates": gate(flags=2) + gate(flags=1, frames=0) + one(),
            "gate-flags": gate(flags=4), "gate-reserved": gate(reserved=1),
            "gate-fd": gate(how=1), "gate-version": gate(version=2),
            "feed": one(), "two": one() + one(frames=9), "no-fd": one(how=0),
            "two-fds": one(how=2), "three-fds": one(how=3), "dgram": one(how=1 | 4),
            "file": one(how=1 | 8), "unconnected": one(how=1 | 12),
            "version": one(version=2), "reserved": one(reserved=1),
            "short": bytes([1, 15]) + bytes(15), "long": bytes([1, 17]) + bytes(17),
            "empty": bytes([0, 0]) + one(), "empty-fd": bytes([1, 0]) + one()}


def notices():
    name = b"tf0".ljust(16, b"\0")
    said = {"ready": (1, b"READY=1\nSTATUS=x"), "ready-later": (5, b"READY=1"),
            "deleted": (1, b"ERRNO=77\0STOPPING=1"), "capturing": (8, b"STATUS=capturing"),
            "lost": (0, b"X_FEED=lost\nX_FEED=new\nX_FEED=done"),
            "joined": (2, b"X_INTERFACE=lo\0STATUS=capturing\0X_FEED=stopped"),
            "joined-up": (10, b"STATUS=capturing\0X_INTERFACE=ost"),
            "joined-lost": (2, b"X_FEED=lost"), "long": (2, b"X_INTERFACE=" + b"a" * 600),
            "not-his": (0, b"READY=1\nERRNO=77"), "empty": (1, b"\0\0READY=1")}
    rows = {key: bytes([how]) + name + text for key, (how, text) in said.items()}
    rows["bad-name"] = b"\1" + b"a/b".ljust(16, b"\0") + b"READY=1"
    rows["no-nul"] = b"\1" + b"a" * 16 + b"READY=1"
    return rows


def readers():
    def message(kind, body, sequence=1, more=0):
        return struct.pack("=IHHII", 16 + len(body) + more, kind, 2, sequence, 0) + body

    def attribute(kind, body, more=0):
        return struct.pack("=HH", 4 + len(body) + more, kind) + body + bytes(-len(body) % 4)

    def one(ifindex=7, flags=1, protocol=3, *attributes, **how):
        return message(20, struct.pack("=BBHIII", 17, 3, protocol, 99, 5, 0)
                       + attribute(0, struct.pack("=6I", ifindex, 2, 4, 0, 0, flags))
                       + b"".join(attributes), **how)

    def datagrams(*several):
        return b"".join(struct.pack(">H", len(each)) + each for each in several)
    ring, fanout = attribute(2, bytes(28)), attribute(4, struct.pack("=I", 1))
    memory, done = attribute(6, struct.pack("=9I", 700, *range(8))), message(3, bytes(4))
    return {"one": datagrams(one(7, 1, 3, memory) + done),
            "two": datagrams(one(7, 1, 3, ring, fanout, memory), one(7, 1, 3, memory) + done),
            "others": datagrams(one(0) + one(8) + one(7, 0) + one(7, 1, 0x88cc) + done),
            "late": datagrams(one(sequence=9) + message(2, bytes(20), sequence=9) + done),
            "refused": datagrams(message(2, struct.pack("=i", -2) + bytes(16))),
            "no-error": datagrams(message(2, bytes(20))), "short-error": datagrams(message(2, b"")),
            "short": datagrams(message(20, bytes(8))), "long": datagrams(one(more=99)),
            "negative": datagrams(one(more=0xf0000000)),
            "attribute-long": datagrams(one(7, 1, 3, attribute(6, bytes(8), more=60))),
            "attribute-none": datagrams(one(7, 1, 3, struct.pack("=HH", 0, 6)) + done),
            "attribute-short": datagrams(one(7, 1, 3, attribute(6, b""), attribute(0, b"ab"))),
            "odd-length": datagrams(one()[:-1]), "odd-end": datagrams(one(more=-1)[:-1]),
            "nothing": datagrams(b"", b"\0" * 16)}


def childlog():
    return {"lines": SEED + b"<6>hello\n<3>worse\nno level\n<7>detail\n\n<9>x\n",
            "escapes": SEED + b"<4>\x1b]0;title\x07 \x9b31m \\x1b \xff\r\0end\n",
            "long": SEED + b"<6>" + b"\xff" * 1500 + b"\n" + b"y" * 1100,
            "many": SEED + b"<6>a\n" * 300, "no-end": SEED + b"<6>unfinished",
            "percent": SEED + b"<6>%s%n%d\n"}


# ---- captures --------------------------------------------------------------------

def capfile():
    rows = {"pcap": captures.pcap(FRAMES), "big-endian": captures.pcap(FRAMES, order=">"),
            "nano": captures.pcap(FRAMES, magic=captures.MAGIC_NANO),
            "modified": captures.pcap(FRAMES, magic=captures.MAGIC_MODIFIED),
            "pcapng": captures.pcapng(FRAMES), "pcapng-big": captures.pcapng(FRAMES, ">"),
            "two-sections": captures.pcapng(FRAMES[:1]) + captures.pcapng(FRAMES[1:], ">"),
            "simple": captures.section() + captures.interface(snaplen=40) +
            captures.simple(FRAMES[0]),
            "resolution": captures.section() + captures.interface(resolution=0x80 + 10) +
            captures.enhanced(FRAMES[0]),
            "two-links": captures.section() + captures.interface() +
            captures.interface(link_type=101) + captures.enhanced(LAN, number=1),
            "cut": captures.pcap(FRAMES)[:-3], "cut-ng": captures.pcapng(FRAMES)[:-3],
            "huge": captures.pcap_header() +
            captures.pcap_record(b"", captured=2**31, length=2**32 - 1),
            "no-interface": captures.section() + captures.enhanced(FRAMES[0])}
    with open(os.path.join(HERE, "..", "data", "sample.pcap"), "rb") as sample:
        rows["sample"] = sample.read(3000)
    return {name: SEED + data for name, data in rows.items()}


def convert():
    rows = {"ipv4": LAN, "ipv6": LAN6, "none": b"", "neither": b"\x50" + bytes(30),
            "runt": bytes(13), "tagged-runt": captures.frame(19, ethertype=0x8100)}
    rows.update(("frame-%d" % i, data) for i, data in enumerate(FRAMES))
    # Of each link type the shortest, the longest and one that is skipped.
    for kind, made in linkpackets.ROWS.items():
        good = sorted((row[0] for row in made if row[2] == "ok"), key=len)
        bad = [row[0] for row in made if row[1] != "ok"]
        chosen = {"short": good[0], "long": good[-1], **({"bad": bad[-1]} if bad else {})}
        rows.update(("type-%d-%s" % (kind, name), data) for name, data in chosen.items())
    return {name: struct.pack("<I", len(data)) + data for name, data in rows.items()}


def decompress():
    data = captures.pcap(FRAMES * 3)
    packed = gzip.compress(data, mtime=0)
    bomb = gzip.compress(bytes(300000), mtime=0)
    squeezed = zstd.zstd(data)
    rows = {"plain": data, "gzip": packed, "gzip-two": packed + packed,
            "gzip-cut": packed[:-9], "gzip-trailing": packed + b"tail",
            "gzip-damaged": packed[:40] + b"\xff" + packed[41:], "bomb": bomb,
            "zstd": squeezed, "zstd-stream": zstd.zstd(data, window_log=10),
            "zstd-two": squeezed + zstd.SKIPPABLE + squeezed,
            "zstd-skippable": zstd.SKIPPABLE + squeezed, "zstd-cut": squeezed[:-5],
            "zstd-window": zstd.zstd(data, window_log=27),
            "zstd-damaged": squeezed[:50] + b"\xff" + squeezed[51:]}
    return {name: SEED + data for name, data in rows.items()}


def segment():
    def one(frame, mtu=200, size=0, pad=0, kind=1, apart=0):
        return struct.pack("<HHHBB", mtu, size, pad, kind - 1, apart) + frame
    data = bytes(range(256)) * 2
    tcp = struct.pack(">HHIIBBHHH", 5555, 80, 0xffffff00, 7, 0x80, 0xb9, 8192, 0, 300)
    tcp += b"\1" * 12 + data
    four = packets.ip("192.0.2.1", "192.0.2.2", packets.TCP, tcp)
    six = packets.ip("2001:db8::1", "2001:db8::2", packets.TCP, tcp)
    datagram = packets.udp("192.0.2.1", "192.0.2.2", 7, data)
    chain = bytes.fromhex("3c00010400000000" "2b00010400000000" "0600010000000000")
    extended = six[:4] + struct.pack(">HB", len(six) - 40 + 24, 0) + six[7:40] + chain
    rows = {"tcp": one(packets.ethernet(0x800, four)), "tcp6": one(six, kind=2),
            "apart": one(packets.ethernet(0x86dd, six), apart=1),
            "tags": one(packets.ethernet(0x800, four, ((0x88a8, 1), (0x8100, 2)))),
            "extensions": one(packets.ethernet(0x86dd, extended + six[40:])),
            "size": one(four, size=100, kind=2), "one": one(four, 65, kind=2),
            "udp": one(datagram, size=128, kind=2), "pad": one(four[:90], pad=474, kind=2),
            "no-length": one(four[:2] + b"\0\0" + four[4:], kind=2),
            "cut": one(four[:400], kind=2), "trailer": one(four + bytes(40), kind=2),
            "fragment": one(four[:6] + b"\x20\0" + four[8:], kind=2)}
    jumbo = bytes.fromhex("0600c204") + struct.pack(">I", len(six) - 40 + 8 + 65000)
    rows["jumbo"] = one(six[:4] + bytes(3) + six[7:40] + jumbo + six[40:], 1500, pad=65000,
                        kind=2)
    rows["unfinished"] = one(datagram[:26] + packets.checksum(
        bytes(255 - octet for octet in datagram[12:20] + b"\0\x11" + datagram[24:26]))
        + datagram[28:], 1500, kind=2)
    return rows


# ---- times -----------------------------------------------------------------------

def pace():
    def course(how, times, a=0, b=0, late=0, length=1499):
        """how: 0 recorded times (4: at a speed, 8: --max-gap), 1 packets, 2 bits."""
        return struct.pack("<IIII", how, a, b, 12345) + b"".join(
            struct.pack("<QIH", at % 2 ** 64, late, length) for at in times)

    def behind(how, a, b=0):
        """One that is 3 s late, and what may be made up for."""
        return course(how, [0], a, b) + course(0, [0], late=3 * 10 ** 9)[16:] + \
            course(0, [0] * 200)[16:]
    jumps = [0, 2 ** 64 - 1, 1, 2 ** 63, 2 ** 63 - 1, 2 ** 62, 0, 5]
    even = range(0, 10 ** 8, 10 ** 7)
    stall = 2 * 10 ** 8
    return {"recorded": course(0, even), "late": course(0, even, late=10 ** 6 << 4),
            "stalls": course(0, even, late=10 ** 9), "jumps": course(0, jumps),
            "fast": course(4, jumps, a=3999999999), "slow": course(4, even, a=0),
            "gaps": course(8, [at << 40 for at in range(8)], b=10 ** 6),
            "fast-gaps": course(12, jumps, a=3000000, b=10 ** 9),
            "backwards": course(0, [-at * 7 * 10 ** 7 for at in range(8)]),
            "packets": course(1, even, a=999), "packets-late": course(1, even, 99, 0, 7 << 12),
            "packets-stalls": course(1, even, a=99, late=stall),
            "packets-behind": behind(1, 99), "bits-behind": behind(2, 10 ** 6),
            "burst-behind": behind(5, 99, 4), "packets-burst": course(5, even, a=99, b=4, late=stall),
            "bits": course(2, even, a=10 ** 9), "bits-slow": course(2, even, length=65535),
            "bits-burst": course(6, even, a=10 ** 6, b=10 ** 5, late=stall)}


for make in (batch, capfile, childlog, control, convert, decompress, flow, frame, notices,
             pace, peer, policyfile, readers, request, segment, worker):
    write(make.__name__, make())
