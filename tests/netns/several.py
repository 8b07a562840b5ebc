# SPDX-License-Identifier: Apache-2.0
"""Several files on one command line: merged in time order, byte for byte; one that is
damaged takes nothing from the others."""
from captures import (MAGIC_NANO, block, enhanced, expected, frame, interface, pcap,
                      pcap_header, pcap_record, read, section, simple)
from harness import (SAMPLE, Feed, Reader, case, check, equal, frames_equal, main, made,
                     path, replay)
from zstd import zstd
import gzip
import heapq
import os
import struct

SECOND = 10**9
START = 1_000_000_000 * SECOND
MAX = 64  # TAPFEED_SOURCES_MAX


def files(*paths, **how):
    """Replays them in this order; options by how["options"]."""
    options = how.pop("options", ())
    return replay(paths[-1], *options, *paths[:-1], **how)


def stream(source, times):
    """(time, frame) for each time; the frame tells source and number."""
    return [(time, frame(60 + (i * 37 + source) % 1000, seed=source * 100 + i))
            for i, time in enumerate(times)]


def in_pcap(packets):
    return pcap_header(magic=MAGIC_NANO) + b"".join(
        pcap_record(data, seconds=time // SECOND, fraction=time % SECOND)
        for time, data in packets)


def in_pcapng(packets, order="<"):
    """With nanoseconds (if_tsresol 9)."""
    def record(time, data):
        head = struct.pack(order + "IIIII", 0, time >> 32, time & 0xffffffff, len(data),
                           len(data))
        return block(6, head + data + bytes(-len(data) % 4), order)
    return section(order) + interface(order=order, resolution=9) + b"".join(
        record(time, data) for time, data in packets)


def merged(*streams):
    """By time; equal ones by the place on the command line; each in its own order."""
    return [data for _, data in heapq.merge(*streams, key=lambda packet: packet[0])]


def three(count=1000):
    """Streams whose times interlace, at distances of a nanosecond up."""
    return [stream(source, [START + (i * i * (source + 3)) // 2 + i * 1000 + source
                            for i in range(count)]) for source in range(3)]


def same(feed, frames, status=0):
    equal("status", feed.status, status)
    frames_equal(feed.frames, frames)
    equal("injected", feed["injected"], len(frames))


@case("pcap, pcapng and zstd together, in time order")
def _():
    one, two, three_ = three()
    feed = files(made(in_pcap(one), "a.pcap"), made(in_pcapng(two, ">"), "b.pcapng"),
                 made(zstd(in_pcap(three_)), "c.pcap.zst"),
                 made(gzip.compress(in_pcapng(one)), "d.gz"))
    same(feed, merged(one, two, three_, one))


@case("equal times: in the order of the command line")
def _():
    streams = [stream(source, [START + i // 3 for i in range(300)])
               for source in range(4)]
    paths = [made(in_pcap(packets), "%d.pcap" % i) for i, packets in enumerate(streams)]
    same(files(*paths), merged(*streams))
    same(files(*paths[::-1]), merged(*streams[::-1]))


@case("one after the other in time, given the other way round")
def _():
    early = stream(0, range(START, START + 500))
    late = stream(1, range(START + 10**6, START + 10**6 + 500))
    same(files(made(in_pcap(late), "late"), made(in_pcap(early), "early")),
         merged(early, late))


@case("a file that goes back in time is taken as it comes")
def _():
    back = stream(0, [START + 10, START + 3, START + 30])
    other = stream(1, [START + 11, START + 20, START])
    want = [back[0], back[1], other[0], other[1], other[2], back[2]]
    same(files(made(in_pcap(back), "back"), made(in_pcap(other), "other")),
         [data for _, data in want])


@case("64 files, and not one more")
def _():
    streams = [stream(source, [START + i * 1000 + source * 7 % 64 for i in range(40)])
               for source in range(MAX)]
    paths = [made(in_pcap(packets), "%02d.pcap" % i) for i, packets in enumerate(streams)]
    same(files(*paths), merged(*streams))
    feed = Feed(paths[0], *paths).wait()
    equal("status", feed.status, 2)
    check(feed.lines("64"), feed.log)


@case("files without packets, and one file twice")
def _():
    packets = stream(1, range(START, START + 100))
    empty, full = made(pcap([]), "empty.pcap"), made(in_pcap(packets), "full.pcap")
    same(files(empty, full, empty), merged(packets))
    same(files(full, full), merged(packets, packets))
    same(files(empty, empty), [])


@case("packets of pcapng that have no time")
def _():
    timed = stream(1, [START, START + 1])
    untimed = [frame(60, seed=i) for i in range(5)]
    data = section() + interface() + b"".join(map(simple, untimed))
    feed = files(made(in_pcap(timed), "timed"), made(data, "untimed"))
    equal("status", feed.status, 0)
    equal("frames", sorted(feed.frames), sorted(merged(timed) + untimed))


@case("the sample with itself")
def _():
    want = expected(read(SAMPLE))
    feed = files(SAMPLE, SAMPLE)
    equal("status", feed.status, 0)
    equal("injected", feed["injected"], 2 * len(want.frames))
    frames_equal(feed.frames[::2], want.frames)
    frames_equal(feed.frames[1::2], want.frames)


# What is done to the second of three files, and packets that are left of it.
def cut_in_packet(packets):
    return in_pcap(packets[:301])[:-1]


def bad_length(packets):
    return (in_pcap(packets[:300]) + pcap_record(b"", captured=2**32 - 1) + bytes(100) +
            in_pcap(packets[300:])[24:])


def bad_block(packets):
    return in_pcapng(packets[:300]) + struct.pack("<II", 6, 0) + bytes(100)


def bad_zstd(packets):
    return zstd(in_pcap(packets[:300])) + zstd(in_pcap(packets[300:]))[:-9]


def bad_gzip(packets):
    return gzip.compress(in_pcap(packets[:300])) + b"rubbish"


for damage in (cut_in_packet, bad_length, bad_block, bad_zstd, bad_gzip):
    @case("one of three damaged, the others go on: " + damage.__name__)
    def _(damage=damage):
        one, two, three_ = three()
        feed = files(made(in_pcap(one), "a.pcap"), made(damage(two), "bad.pcap"),
                     made(in_pcap(three_), "c.pcap"))
        kept = [packet for packet in two if packet[1] in set(feed.frames)]
        check(300 <= len(kept) <= 1000, "%d packets of it" % len(kept))
        same(feed, merged(one, two[:len(kept)], three_), status=1)
        equal("lines that name it: %s" % feed.log, len(feed.lines(r"bad\.pcap")), 1)
        check(not feed.lines(r"\b[ac]\.pcap.*(damaged|cut)"), feed.log)


@case("two damaged: each has its line")
def _():
    one, two, three_ = three()
    feed = files(made(cut_in_packet(one), "x.bad"), made(cut_in_packet(two), "y.bad"),
                 made(in_pcap(three_), "c.pcap"))
    same(feed, merged(one[:300], two[:300], three_), status=1)
    equal("lines: %s" % feed.log, (len(feed.lines(r"x\.bad")), len(feed.lines(r"y\.bad"))),
          (1, 1))


@case("what is no capture, or is not there, is refused before any packet")
def _():
    good = made(in_pcap(three()[0]), "good.pcap")
    for bad in (made(b"hello, this is no capture\n", "bad.pcap"), made(b"", "bad.pcap"),
                path("bad.pcap.not.there")):
        for paths in ((good, bad), (bad, good)):
            feed = files(*paths)
            equal("status", feed.status, 2)
            equal("frames", len(feed.frames), 0)
            equal("lines that name it: %s" % feed.log, len(feed.lines("bad.pcap")), 1)


@case("--loop 2: the whole again, in order")
def _():
    one, two, three_ = three(200)
    feed = files(made(in_pcap(one), "a"), made(zstd(in_pcapng(two)), "b"),
                 made(in_pcap(three_), "c"), options=("--loop", "2"))
    same(feed, merged(one, two, three_) * 2)


@case("--count counts over all of them")
def _():
    one, two, three_ = three(200)
    paths = (made(in_pcap(one), "a"), made(in_pcapng(two), "b"),
             made(in_pcap(three_), "c"))
    for count in (1, 2, 299, 599, 600, 601):
        feed = files(*paths, options=("--count", str(count)))
        same(feed, merged(one, two, three_)[:count])
    feed = files(*paths, options=("--count", "700", "--loop", "2"))
    same(feed, (merged(one, two, three_) * 2)[:700])


@case("--filter holds for each of them")
def _():
    one, two, three_ = three(200)
    feed = files(made(in_pcap(one), "a"), made(in_pcapng(two), "b"),
                 made(in_pcap(three_), "c"), options=("--filter", "less 500"))
    same(feed, [data for data in merged(one, two, three_) if len(data) <= 500])


@case("a file and a pipe: what the pipe may still bring is waited for")
def _():
    slow = stream(0, [START + 10, START + 30])
    file = stream(1, [START + 5, START + 20, START + 40])
    data = in_pcap(slow)
    first = in_pcap(slow[:1])
    reader = Reader("tf0")
    out, into = os.pipe()
    feed = Feed("-", "--linger", "100ms", made(in_pcap(file), "file"), stdin=out)
    os.close(out)
    check(reader.bound.wait(5), "no reader")
    feed.wait_up()
    with open(into, "wb", buffering=0) as pipe:
        pipe.write(first)
        reader.wait(2)
        equal("frames so far", len(reader.frames), 2)
        pipe.write(data[len(first):])
        reader.wait(4)
    feed.wait()
    equal("status", feed.status, 0)
    frames_equal(reader.finish().frames, merged(file, slow))


main()
