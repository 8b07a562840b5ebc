# SPDX-License-Identifier: Apache-2.0
"""gzip and zstd input is the same as the plain file; cut and damaged data says so."""
from captures import enhanced, expected, interface, numbered, pcap, read, section
from harness import (SAMPLE, SANITIZED, Feed, Reader, case, check, descendants, equal,
                     frames_equal, main, made, peak_memory, replay, replays_to, until)
from zstd import SKIPPABLE, zstd
import gzip
import os
import struct
import zlib

PLAIN = pcap(numbered(3000))
FRAMES = numbered(3000)


def zipped(data, level=6):
    return gzip.compress(data, level, mtime=0)


BOTH = (zipped, zstd)


def same(data, frames=tuple(FRAMES), status=0, name="input.pcap.gz"):
    feed = replay(made(data, name))
    equal("status", feed.status, status)
    frames_equal(feed.frames, list(frames))
    return feed


@case("the sample, compressed")
def _():
    with open(SAMPLE, "rb") as file:
        data = file.read()
    for pack in BOTH:
        replays_to(replay(made(pack(data), "sample")), expected(read(SAMPLE)))


@case("the format is told from the bytes, not from the name")
def _():
    same(zipped(PLAIN), name="plain.pcap")
    same(zstd(PLAIN), name="plain.gz")
    same(PLAIN, name="plain.gz")


@case("every kind of level")
def _():
    for level in (0, 1, 9):
        same(zipped(PLAIN, level))
    for level in (-5, 1, 19):
        same(zstd(PLAIN, level))
    same(zstd(PLAIN, check_sum=False))
    same(zstd(PLAIN, window_log=23))


@case("a header with name, comment and extra field")
def _():
    body = zipped(PLAIN)[10:]
    same(b"\x1f\x8b\x08\x1c" + bytes(6) + b"\4\0abcd" + b"name\0" + b"comment\0" + body)


@case("concatenated members, empty ones between")
def _():
    for pack in BOTH:
        same(pack(PLAIN[:1000]) + pack(b"") * 3 + pack(PLAIN[1000:1001]) +
             pack(PLAIN[1001:]))


@case("skippable frames, first as pzstd writes them, between and last")
def _():
    same(SKIPPABLE + zstd(PLAIN[:1000]) + SKIPPABLE * 2 + zstd(PLAIN[1000:]) + SKIPPABLE)


@case("zeros behind the data are padding, anything else is damage")
def _():
    for pack in BOTH:
        same(pack(PLAIN) + bytes(100000))
        damaged(pack(PLAIN) + b"rubbish", 3000, "damaged")


@case("10,000 members of few bytes", limit=60)
def _():
    for pack in BOTH:
        data = b"".join(pack(PLAIN[i:i + 10]) for i in range(0, 100000, 10))
        same(data + pack(PLAIN[100000:]))


@case("pcapng, compressed")
def _():
    for pack in BOTH:
        same(pack(section(">") + interface(order=">") +
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
    # Block by block, each of 100 packets.
    blocks = [zstd(PLAIN[i:i + 7600]) for i in range(0, len(PLAIN), 7600)]
    damaged(b"".join(blocks[:20]) + blocks[20][:-30], 1999, "cut short")


@case("cut in the trailer: everything is injected")
def _():
    for cut in (1, 4, 8):
        damaged(zipped(PLAIN)[:-cut], 3000)
    for cut in (1, 4):
        damaged(zstd(PLAIN)[:-cut], 3000)


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
    damaged(zstd(PLAIN)[:-4] + b"\0\0\0\0", 3000, "damaged")


@case("whole gzip of a cut capture")
def _():
    for pack in BOTH:
        damaged(pack(PLAIN[:-7]), 2999)


@case("a zstd window above 8 MiB: refused, and what reads it is said")
def _():
    feed = replay(made(zstd(PLAIN, window_log=24), "bad.gz"))
    equal("status", feed.status, 2)
    equal("lines that name it", len(feed.lines(r"bad\.gz")), 1)
    check("zstdcat --long=31" in feed.lines(r"bad\.gz")[0], feed.log)
    # In a later frame: what was before it is taken.
    damaged(zstd(PLAIN[:76024]) + zstd(PLAIN[76024:], window_log=27), 1000,
            "zstdcat --long=31")


@case("a pipe: all packets are there with the last byte of their data")
def _():
    for pack in BOTH:
        reader = Reader("tf0")
        out, into = os.pipe()
        feed = Feed("-", "--linger", "100ms", stdin=out)
        os.close(out)
        check(reader.bound.wait(5), "no reader")
        feed.wait_up()
        with open(into, "wb", buffering=0) as pipe:
            pipe.write(pack(PLAIN))
            reader.wait(3000)
        feed.wait()
        equal("status", feed.status, 0)
        frames_equal(reader.finish().frames, FRAMES)


@case("compressed: what is no capture, of nothing, and a header alone")
def _():
    for data in (zipped(b"hello"), zipped(b""), zstd(b"hello"), zstd(b""), SKIPPABLE):
        feed = replay(made(data, "bad.gz"))
        equal("status", feed.status, 2)
        equal("lines that name it", len(feed.lines(r"bad\.gz")), 1)
    for data in (zipped(PLAIN)[:2], zipped(PLAIN)[:10], zipped(PLAIN)[:12],
                 zstd(PLAIN)[:4], zstd(PLAIN)[:7], SKIPPABLE[:9]):
        feed = replay(made(data, "bad.gz"))
        check(feed.status in (1, 2), "status %d" % feed.status)
        equal("lines that name it", len(feed.lines(r"bad\.gz")), 1)


def gzip_bomb(size):
    squeeze = zlib.compressobj(9, wbits=31)
    data = squeeze.compress(pcap(FRAMES[:5]))
    for _ in range(size >> 20):
        data += squeeze.compress(bytes(1 << 20))
    return data + squeeze.flush()


def zstd_bomb(size):
    """With the largest window; each block says 128 KiB by four bytes."""
    block = struct.pack("<I", (128 << 10) << 3 | 1 << 1)[:3] + b"\0"
    return (zstd(pcap(FRAMES[:5])) + bytes.fromhex("28b52ffd 00 68") +
            block * (size >> 17) + b"\1\0\0")


@case("bombs: memory stays bounded", limit=90)
def _():
    size = (16 if SANITIZED else 256) << 20
    for bomb in (gzip_bomb, zstd_bomb):
        feed = Feed(made(bomb(size), "bomb"), "--linger", "1500ms")
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
            check(0 < peak < 48 << 20, "%d bytes resident" % peak)


def peak_of(feed):
    try:
        return peak_memory([feed.process.pid, *descendants(feed.process.pid)])
    except (OSError, AttributeError):
        return 0  # one of them has just ended


main()
