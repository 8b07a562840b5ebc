# SPDX-License-Identifier: Apache-2.0
"""Pipes: the same as files, each packet as soon as it is whole, in bounded memory."""
from captures import (enhanced, expected, frame, interface, numbered, pcap, pcap_header,
                      pcap_record, read, section)
from harness import (DELAY, SAMPLE, SANITIZED, SLOW, Feed, Reader, case, check,
                     descendants, equal, frames_equal, main, path, peak_memory,
                     replays_to, until)
import os
import subprocess
import time
import zlib


class PipeFeed:
    """A run that reads a pipe this test writes to."""

    def __init__(self, *args, fifo=None):
        self.reader = Reader("tf0")
        if fifo:
            os.mkfifo(fifo)
            self.feed = Feed(fifo, "--linger", "100ms", *args)
            self.pipe = open(fifo, "wb", buffering=0)
        else:
            out, into = os.pipe()
            self.feed = Feed("-", "--linger", "100ms", *args, stdin=out)
            os.close(out)
            self.pipe = open(into, "wb", buffering=0)
        check(self.reader.bound.wait(5), "no reader")
        self.feed.wait_up()

    def write(self, data, pause=None):
        """data at once, or byte by byte with pauses between."""
        if pause is None:
            self.pipe.write(data)
            return
        for i in range(len(data)):
            self.pipe.write(data[i:i + 1])
            time.sleep(pause)

    def finish(self, status=0):
        self.pipe.close()
        self.feed.wait()
        equal("status", self.feed.status, status)
        self.feed.reader = self.reader.finish()
        self.feed.frames = self.reader.frames
        return self.feed


@case("standard input is the same as the file")
def _():
    with open(SAMPLE, "rb") as file:
        data = file.read()
    run = PipeFeed("--startup-delay", DELAY)
    run.write(data)
    replays_to(run.finish(), expected(read(SAMPLE)))


@case("standard input that is a regular file")
def _():
    reader = Reader("tf0")
    with open(SAMPLE, "rb") as file:
        feed = Feed("-", "--startup-delay", DELAY, stdin=file).wait()
    feed.reader = reader.finish()
    feed.frames = reader.frames
    replays_to(feed, expected(read(SAMPLE)))


@case("a FIFO is the same as the file")
def _():
    with open(SAMPLE, "rb") as file:
        data = file.read()
    run = PipeFeed("--startup-delay", DELAY, fifo=path("fifo"))
    run.write(data)
    replays_to(run.finish(), expected(read(SAMPLE)))


@case("a compressed pipe is the same as the file")
def _():
    with open(SAMPLE, "rb") as file:
        squeeze = zlib.compressobj(wbits=31)
        data = squeeze.compress(file.read()) + squeeze.flush()
    run = PipeFeed("--startup-delay", DELAY)
    for i in range(0, len(data), 777):
        run.write(data[i:i + 777])
    replays_to(run.finish(), expected(read(SAMPLE)))


def seen_at_once(pieces, frames, pause=0.001):
    """Each piece holds one whole packet; it must be seen before the next is written.

    The pipe stays open all the while.
    """
    run = PipeFeed()
    slowest = 0
    for number, piece in enumerate(pieces, 1):
        run.write(piece, pause)
        whole = time.monotonic()
        run.reader.wait(number, 1)
        slowest = max(slowest, run.reader.times[-1] - whole)
        equal("frames so far", len(run.reader.frames), number)
    check(slowest < 0.2 * SLOW, "a packet waited for %.3f s" % slowest)
    frames_equal(run.finish().frames, frames)


FRAMES = [frame(length, length) for length in (14, 60, 61, 100, 64, 300)]


@case("byte by byte, pcap: each packet is seen when its last byte is there")
def _():
    pieces = [pcap_record(data) for data in FRAMES]
    pieces[0] = pcap_header() + pieces[0]
    seen_at_once(pieces, FRAMES)


@case("byte by byte, pcapng: each packet is seen when its block is there")
def _():
    pieces = [enhanced(data, order=">") for data in FRAMES]
    pieces[0] = section(">") + interface(order=">") + pieces[0]
    seen_at_once(pieces, FRAMES)


@case("byte by byte, gzip: each packet is seen after its flush")
def _():
    squeeze = zlib.compressobj(wbits=31)
    pieces = []
    for number, data in enumerate(FRAMES):
        plain = (b"" if number else pcap_header()) + pcap_record(data)
        pieces.append(squeeze.compress(plain) + squeeze.flush(zlib.Z_SYNC_FLUSH))
    run = PipeFeed()
    for number, piece in enumerate(pieces, 1):
        run.write(piece, 0.001)
        run.reader.wait(number, 1)
    run.write(squeeze.flush())
    frames_equal(run.finish().frames, FRAMES)


@case("a burst, a pause, a burst")
def _():
    frames = numbered(600)
    run = PipeFeed()
    run.write(pcap(frames[:300]) + pcap_record(frames[300])[:-1])
    run.reader.wait(300, 1)
    time.sleep(0.3)
    equal("frames before the last byte", len(run.reader.frames), 300)
    run.write(frames[300][-1:] + pcap(frames[301:])[24:])
    run.reader.wait(600, 1)
    frames_equal(run.finish().frames, frames)


@case("a pipe that ends in mid-packet")
def _():
    frames = numbered(20)
    run = PipeFeed()
    run.write(pcap(frames)[:-3])
    feed = run.finish(status=1)
    frames_equal(feed.frames, frames[:19])
    equal("lines that say so", len(feed.lines("cut")), 1)


@case("--count ends the run while the pipe stays open")
def _():
    frames = numbered(20)
    run = PipeFeed("--count", "5")
    run.write(pcap(frames))
    run.feed.process.wait(5 * SLOW)
    frames_equal(run.finish().frames, frames[:5])


@case("--loop refuses a pipe, or plays it once")
def _():
    out, into = os.pipe()
    feed = Feed("-", "--loop", "2", stdin=out)
    os.write(into, pcap(numbered(3)))
    os.close(into)
    feed.wait(report=False)
    os.close(out)
    check(feed.status == 2, "status %d: a pipe cannot be rewound" % feed.status)
    check(feed.lines("loop"), "no line says why")


@case("two feeds from two pipes of one writer")
def _():
    frames = numbered(50)
    readers = [Reader(name) for name in ("tf0", "tf1")]
    feeds, pipes = [], []
    for name in ("tf0", "tf1"):
        out, into = os.pipe()
        feeds.append(Feed("-", stdin=out, name=name))
        os.close(out)
        pipes.append(open(into, "wb", buffering=0))
        feeds[-1].wait_up()
    for reader in readers:
        check(reader.bound.wait(2), "no reader")
    for pipe in pipes:
        pipe.write(pcap(frames))
        pipe.close()
    for feed in feeds:
        equal("status", feed.process.wait(10), 0)
        feed.wait()
    for reader in readers:
        frames_equal(reader.finish().frames, frames)


@case("64 MiB through a pipe in bounded memory", limit=120)
def _():
    records = pcap(numbered(1000, 1008))[24:]  # 1,024,000 bytes with headers
    run = PipeFeed("--linger", "0")
    run.write(pcap_header())
    marks = []
    for megabyte in range(1, 65):
        view = memoryview(records)
        while view:
            view = view[os.write(run.pipe.fileno(), view):]
        if megabyte == 1:
            # The helper may still be about to end.
            pids = [run.feed.process.pid] + [
                pid for pid, name in descendants(run.feed.process.pid).items()
                if not name.startswith("tapfeed-privile")]
        if megabyte in (16, 64):
            marks.append(peak_memory(pids))
    run.pipe.close()
    run.feed.wait(60)
    run.reader.stop.set()
    equal("status", run.feed.status, 0)
    equal("injected", run.feed["injected"], 64000)
    print("# resident at most: %s KiB after 16 and 64 MB, %d processes" %
          ([mark >> 10 for mark in marks], len(pids)))
    if not SANITIZED:
        check(marks[1] < 40 << 20, "%d bytes resident" % marks[1])
        check(marks[1] - marks[0] < 1 << 20, "grew by %d" % (marks[1] - marks[0]))


@case("a writer that never ends and SIGPIPE: it is told when tapfeed ends")
def _():
    writer = subprocess.Popen(
        ["sh", "-c", 'cat "$0"; exec yes', _file(pcap(numbered(10)))],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    feed = Feed("-", "--count", "10", "--linger", "0", stdin=writer.stdout)
    writer.stdout.close()
    feed.wait()
    equal("status", feed.status, 0)
    writer.wait(5)
    until("the writer's end", lambda: writer.poll() is not None)


def _file(data):
    name = path("ten.pcap")
    with open(name, "wb") as file:
        file.write(data)
    return name


main()
