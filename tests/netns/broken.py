# SPDX-License-Identifier: Apache-2.0
"""Broken input: the right status, one line that names the file and the fault, and
everything before the fault injected, seen and counted."""
from captures import (block, enhanced, frame, interface, numbered, pcap,
                      pcap_header, pcap_record, pcapng, section, simple)
from harness import (SANITIZED, Feed, Reader, case, check, equal, frames_equal, main,
                     made, path, replay)
import os
import random
import signal
import struct
import subprocess

TEN = numbered(10)
OK, LOSS, USAGE, PERMISSION = 0, 1, 2, 3


def noise(size):
    """Bytes that look like no record: every length in them is far too large."""
    return bytes(0x80 | byte for byte in random.Random(1).randbytes(size))


def block_of(length, trailer=None, kind=6, body=bytes(16)):
    trailer = length if trailer is None else trailer
    return struct.pack("<II", kind, length & 0xffffffff) + body + \
        struct.pack("<I", trailer & 0xffffffff)


NG = section() + interface()
NG_TEN = pcapng(TEN)

# What, the bytes, frames that must be seen, status, a word of the message.
ROWS = [
    ("empty file", b"", [], USAGE, "empty"),
    ("one byte", b"\xd4", [], USAGE, "capture"),
    ("text", b"hello, this is no capture file\n" * 9, [], USAGE, "capture"),
    ("zeros", bytes(4096), [], USAGE, "capture"),
    ("unknown magic", b"\xa1\xb2\xc3\xd5" + pcap(TEN)[4:], [], USAGE, "capture"),
    ("pcap: header of 23 bytes", pcap([])[:23], [], (LOSS, USAGE), ""),
    ("pcap: version 9.9", pcap(TEN, version=(9, 9)), [], USAGE, "version"),
    ("pcap: record header of 15 bytes", pcap(TEN) + pcap(TEN)[24:39], TEN, LOSS,
     "packet 11"),
    ("pcap: cut in the data", pcap(TEN)[:-1], TEN[:9], LOSS, "packet 10"),
    ("pcap: cut after a record header", pcap(TEN)[:-60], TEN[:9], LOSS, "packet 10"),
    ("pcap: captured length 2^32-1", pcap(TEN) + pcap_record(b"", captured=2**32 - 1) +
     bytes(100), TEN, LOSS, "4294967295"),
    ("pcap: captured length 2^31", pcap(TEN) + pcap_record(b"", captured=2**31) +
     bytes(100), TEN, LOSS, "2147483648"),
    ("pcap: captured length above the file", pcap(TEN) +
     pcap_record(frame(60), captured=61), TEN, LOSS, "packet 11"),
    ("pcap: garbage in the middle", pcap(TEN) + noise(1000) + pcap(TEN)[24:], TEN, LOSS,
     "packet 11"),
    ("pcap: too long and cut", pcap(TEN, snaplen=2**20) + pcap_record(frame(500000))[:-9],
     TEN, LOSS, ""),
    ("pcapng: byte-order magic wrong", NG_TEN[:8] + b"\1\2\3\4" + NG_TEN[12:], [], USAGE,
     "capture"),
    ("pcapng: byte-order magic of a later section wrong",
     NG_TEN + section()[:8] + b"\1\2\3\4" + section()[12:], TEN, LOSS, "magic"),
    ("pcapng: block length 0", NG_TEN + block_of(0), TEN, LOSS, "length 0"),
    ("pcapng: block length 11", NG_TEN + block_of(11), TEN, LOSS, "length 11"),
    ("pcapng: block length 2^32-1", NG_TEN + block_of(-1), TEN, LOSS, ""),
    ("pcapng: block length not a multiple of 4", NG_TEN + block_of(30, kind=99), TEN, LOSS,
     "multiple"),
    ("pcapng: trailing length differs", NG_TEN + enhanced(TEN[0])[:-4] + b"\x7f\0\0\0",
     TEN, LOSS, "end"),
    ("pcapng: trailing length -1", NG_TEN + block_of(28, -1, kind=99), TEN, LOSS, "end"),
    ("pcapng: unknown block of 16 MiB, cut", NG_TEN + block(77, bytes(1 << 24))[:-5], TEN,
     LOSS, "cut"),
    ("pcapng: packet before its interface", section() + enhanced(TEN[0]), [], LOSS,
     "interface"),
    ("pcapng: packet of a missing interface", NG_TEN + enhanced(TEN[0], 7), TEN, LOSS,
     "interface 7"),
    ("pcapng: captured length above its block", NG_TEN + enhanced(TEN[0], captured=999),
     TEN, LOSS, "999"),
    ("pcapng: cut in a block", NG_TEN[:-30], TEN[:9], LOSS, "cut"),
    ("pcapng: cut in a block header", NG_TEN + enhanced(TEN[0])[:7], TEN, LOSS, "cut"),
    ("pcapng: garbage in the middle", NG_TEN + noise(400), TEN, LOSS, ""),
    ("pcapng: options longer than their block", NG + b"".join(map(enhanced, TEN)) +
     block(1, struct.pack("<HHIHH", 1, 0, 0, 9, 60000)), TEN, LOSS, "option"),
    ("pcapng: version 2", section()[:12] + b"\2\0" + section()[14:] + interface(), [],
     USAGE, "version"),
    ("pcapng: 100,000 interfaces", section() + interface() * 100000 +
     enhanced(TEN[0]), [], LOSS, "interfaces"),
]

# Odd, and yet to be taken.
ODD = [
    ("pcap: header only", pcap([]), []),
    ("pcap: snaplen 0", pcap(TEN, snaplen=0), TEN),
    ("pcap: snaplen 2^31", pcap_header("<")[:16] + b"\0\0\0\x80" + pcap(TEN)[20:], TEN),
    ("pcap: captured length above the snaplen", pcap(TEN, snaplen=20), TEN),
    ("pcap: original below captured length", pcap_header() + b"".join(
        pcap_record(data, length=1) for data in TEN), TEN),
    ("pcap: fractions above a second", pcap_header() + b"".join(
        pcap_record(data, fraction=2**32 - 1) for data in TEN), TEN),
    ("pcap: time goes backwards", pcap_header() + b"".join(
        pcap_record(data, seconds=2**32 - 1 - i) for i, data in enumerate(TEN)), TEN),
    ("pcap: FCS bits beside the link type", pcap_header(link_type=0x54000001) +
     pcap(TEN)[24:], TEN),
    ("pcapng: header only", section(), []),
    ("pcapng: no interface, no packet", section() + section(">"), []),
    ("pcapng: resolution 10^-63", section() + interface(resolution=63) +
     b"".join(map(enhanced, TEN)), TEN),
    ("pcapng: resolution 2^-127", section() + interface(resolution=0x80 + 127) +
     b"".join(map(enhanced, TEN)), TEN),
    ("pcapng: options without end", section() +
     interface(resolution=6, end_of_options=False) + b"".join(map(enhanced, TEN)), TEN),
    ("pcapng: unknown blocks", section() + block(0x0bad, bytes(5000)) + interface() +
     block(0x80000001, b"x") + b"".join(map(enhanced, TEN)) + block(5, bytes(40)), TEN),
    ("pcapng: unknown block of 16 MiB", NG_TEN + block(77, bytes(1 << 24)) +
     simple(TEN[0]), TEN + TEN[:1]),
    ("pcapng: 1,000 sections", pcapng([]) * 1000 + NG_TEN, TEN),
]


def add(name, data, frames, status, word):
    @case(name)
    def _():
        feed = replay(made(data))
        statuses = status if isinstance(status, tuple) else (status,)
        check(feed.status in statuses, "status %d" % feed.status)
        frames_equal(feed.frames, frames)
        equal("injected", feed["injected"], len(frames))
        named = feed.lines(r"input\.pcap")
        equal("lines that name the file", len(named), 1)
        check(word in named[0], "no %r in: %s" % (word, named[0]))


def add_odd(name, data, frames):
    @case(name)
    def _():
        feed = replay(made(data))
        equal("status", feed.status, OK)
        frames_equal(feed.frames, frames)
        equal("lines that name the file", feed.lines(r"input\.pcap"), [])


for row in ROWS:
    add(*row)
for row in ODD:
    add_odd(*row)


@case("a control character in the name is escaped, once")
def _():
    for name, shown in (("in put\x1b[2J.pcap", r"in put\x1b[2J.pcap"),
                        ("\xff\n.pcap", r"\xc3\xbf\x0a.pcap")):
        feed = replay(made(pcap(TEN)[:-1], name))
        equal("status", feed.status, LOSS)
        equal("lines that name it", len([x for x in feed.log if shown in x]), 1)
        check(not any("\x1b" in line for line in feed.log), feed.log)


# ---- what is no regular file -------------------------------------------------

def refused(source, status, word, **how):
    feed = Feed(source, **how).wait(8, report=False)
    equal("status", feed.status, status)
    named = [line for line in feed.log if source in line]
    equal("lines that name it", len(named), 1)
    check(word in named[0], "no %r in: %s" % (word, named[0]))


@case("a directory")
def _():
    refused("/tmp", USAGE, "directory")


@case("a missing file")
def _():
    refused(path("missing.pcap"), USAGE, "No such file")


@case("a file that may not be read")
def _():
    source = made(pcap(TEN), "secret.pcap")
    os.chmod(source, 0)
    refused(source, PERMISSION, "ermission", launch=[
        "setpriv", "--bounding-set", "-dac_override,-dac_read_search"])


@case("/dev/zero", limit=20)
def _():
    refused("/dev/zero", USAGE, "")


@case("/dev/null")
def _():
    refused("/dev/null", USAGE, "")


@case("a FIFO that nobody writes to ends on SIGTERM")
def _():
    fifo = path("fifo1")
    os.mkfifo(fifo)
    feed = Feed(fifo)
    try:
        feed.process.wait(0.7)
        raise AssertionError("it ended by itself")
    except subprocess.TimeoutExpired:
        feed.signal(signal.SIGTERM)
    feed.wait(8, report=False)
    check(feed.status in (OK, -signal.SIGTERM), "status %d" % feed.status)


@case("a FIFO whose writer says nothing ends on SIGTERM")
def _():
    fifo = path("fifo2")
    os.mkfifo(fifo)
    writer = os.open(fifo, os.O_RDWR)
    feed = Feed(fifo)
    feed.wait_up()
    feed.signal(signal.SIGTERM)
    feed.wait(8)
    os.close(writer)
    equal("status", feed.status, OK)
    equal("received", feed["received"], 0)


@case("/dev/zero through a pipe, behind a pcap header, ends on SIGTERM", limit=40)
def _():
    writer = subprocess.Popen(["cat", made(pcap([])), "/dev/zero"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    feed = Feed("-", stdin=writer.stdout)
    writer.stdout.close()
    feed.wait_up()
    try:
        feed.process.wait(1)
        raise AssertionError("it ended by itself")
    except subprocess.TimeoutExpired:
        feed.signal(signal.SIGTERM)
    feed.wait(10)
    writer.wait(5)
    equal("status", feed.status, OK)
    check(feed["skipped.too_short"] > 1000, feed.report)


@case("a file that is cut while it is read")
def _():
    source = made(pcap(numbered(20000)))
    reader = Reader("tf0")
    feed = Feed(source, "--pps", "2000", "--queue-size", "16", "--startup-delay",
                "300ms")
    reader.wait(100)
    os.truncate(source, 20000 * 76 - 5)
    feed.signal(signal.SIGTERM)
    feed.wait()
    check(feed.status in (OK, LOSS), "status %d" % feed.status)
    reader.finish()
    frames_equal(reader.frames, numbered(feed["injected"]))


@case("a file that grows while it is read")
def _():
    frames = numbered(4000)
    source = made(pcap(frames[:2000]))
    reader = Reader("tf0")
    feed = Feed(source, "--pps", "2000", "--startup-delay", "300ms")
    reader.wait(100)
    with open(source, "ab") as file:
        file.write(pcap(frames[2000:])[24:])
    feed.wait()
    equal("status", feed.status, OK)
    check(feed["injected"] in (2000, 4000), feed.report)
    frames_equal(reader.finish().frames, frames[:feed["injected"]])


@case("random damage: every outcome adds up", limit=240)
def _():
    base = [pcap(numbered(40)), pcapng(numbered(40)),
            pcapng(numbered(40), ">"), pcap(numbered(40), ">")]
    chance = random.Random(20)
    for turn in range(10 if SANITIZED else 40):
        data = bytearray(base[turn % 4])
        for _ in range(3):
            data[chance.randrange(40, len(data))] = chance.randrange(256)
        feed = Feed(made(bytes(data)), "--linger", "0").wait(8)
        check(feed.status in (OK, LOSS), "status %d" % feed.status)


main()
