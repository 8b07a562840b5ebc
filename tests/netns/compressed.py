# SPDX-License-Identifier: Apache-2.0
"""gzip input is the same as the plain file; cut and damaged gzip says so."""
from captures import enhanced, expected, interface, numbered, pcap, read, section
from harness import (SAMPLE, SANITIZED, Feed, case, check, descendants, equal,
                     frames_equal, main, made, peak_memory, replay, replays_to, until)
import gzip
import zlib

PLAIN = pcap(numbered(3000))
FRAMES = numbered(3000)


def zipped(data, level=6):
    return gzip.compress(data, level, mtime=0)


def same(data, frames=tuple(FRAMES), status=0, name="input.pcap.gz"):
    feed = replay(made(data, name))
    equal("status", feed.status, status)
    frames_equal(feed.frames, list(frames))
    return feed


@case("the sample, compressed")
def _():
    with open(SAMPLE, "rb") as file:
        source = made(zipped(file.read()), "sample.pcap.gz")
    replays_to(replay(source), expected(read(source)))


@case("the format is told from the bytes, not from the name")
def _():
    same(zipped(PLAIN), name="plain.pcap")
    same(PLAIN, name="plain.gz")


@case("levels 0, 1 and 9")
def _():
    for level in (0, 1, 9):
        same(zipped(PLAIN, level))


@case("a header with name, comment and extra field")
def _():
    body = zipped(PLAIN)[10:]
    same(b"\x1f\x8b\x08\x1c" + bytes(6) + b"\4\0abcd" + b"name\0" + b"comment\0" + body)


@case("concatenated members, empty ones between")
def _():
    same(zipped(PLAIN[:1000]) + zipped(b"") * 3 + zipped(PLAIN[1000:1001]) +
         zipped(PLAIN[1001:]))


@case("10,000 members of few bytes", limit=60)
def _():
    data = b"".join(zipped(PLAIN[i:i + 10]) for i in range(0, 100000, 10))
    feed = replay(made(data + zipped(PLAIN[100000:]), "many.gz"))
    equal("status", feed.status, 0)
    frames_equal(feed.frames, FRAMES)


@case("pcapng, compressed")
def _():
    same(zipped(section(">") + interface(order=">") +
                b"".join(enhanced(data, order=">") for data in FRAMES)))


def damaged(data, frames_min, word=""):
    feed = replay(made(data, "bad.gz"))
    equal("status", feed.status, 1)
    seen = len(feed.frames)
    check(frames_min <= seen <= len(FRAMES), "%d frames seen" % seen)
    frames_equal(feed.frames, FRAMES[:seen])
    equal("injected", feed["injected"], seen)
    named = feed.lines(r"bad\.gz")
    equal("lines that name the file", len(named), 1)
    check(word in named[0], "no %r in: %s" % (word, named[0]))


@case("cut in the middle: everything before it is injected")
def _():
    data = zipped(PLAIN, 0)
    for part in (0.1, 0.5, 0.99):
        damaged(data[:int(len(data) * part)], int(3000 * part) - 900)


@case("cut in the trailer: everything is injected")
def _():
    for cut in (1, 4, 8):
        damaged(zipped(PLAIN)[:-cut], 3000)


@case("damaged in the middle")
def _():
    data = zipped(PLAIN)
    middle = len(data) // 2
    feed = replay(made(data[:middle] + b"\xff" * 40 + data[middle + 40:], "bad.gz"))
    equal("status", feed.status, 1)
    equal("injected", feed["injected"], len(feed.frames))
    frames_equal(feed.frames[:700], FRAMES[:700])  # deflate notices damage late
    equal("lines that name the file", len(feed.lines(r"bad\.gz")), 1)


@case("wrong checksum, wrong length")
def _():
    data = zipped(PLAIN)
    damaged(data[:-8] + b"\0\0\0\0" + data[-4:], 3000)
    damaged(data[:-4] + b"\0\0\0\0", 3000)


@case("whole gzip of a cut capture")
def _():
    damaged(zipped(PLAIN[:-7]), 2999)


@case("gzip of what is no capture, of nothing, and a header alone")
def _():
    for data in (zipped(b"hello"), zipped(b"")):
        feed = replay(made(data, "bad.gz"))
        equal("status", feed.status, 2)
        equal("lines that name it", len(feed.lines(r"bad\.gz")), 1)
    for data in (zipped(PLAIN)[:2], zipped(PLAIN)[:10], zipped(PLAIN)[:12]):
        feed = replay(made(data, "bad.gz"))
        check(feed.status in (1, 2), "status %d" % feed.status)
        equal("lines that name it", len(feed.lines(r"bad\.gz")), 1)


@case("a bomb: memory stays bounded", limit=90)
def _():
    size = (16 if SANITIZED else 256) << 20
    squeeze = zlib.compressobj(9, wbits=31)
    data = squeeze.compress(pcap(FRAMES[:5]))
    for _ in range(size >> 20):
        data += squeeze.compress(bytes(1 << 20))
    data += squeeze.flush()
    feed = Feed(made(data, "bomb.gz"), "--linger", "1500ms")
    feed.wait_up()
    peak = 0

    def done():
        nonlocal peak
        peak = max(peak, peak_of(feed))
        return feed.process.poll() is not None
    until("the end", done, 60)
    feed.wait()
    equal("status", feed.status, 0)
    equal("too_short", feed["skipped.too_short"], size // 16)
    equal("injected", feed["injected"], 5)
    if not SANITIZED:
        check(0 < peak < 40 << 20, "%d bytes resident" % peak)


def peak_of(feed):
    try:
        return peak_memory([feed.process.pid, *descendants(feed.process.pid)])
    except (OSError, AttributeError):
        return 0  # one of them has just ended


main()
