# SPDX-License-Identifier: Apache-2.0
"""Packets at their times: --replay-timing, --speed, --max-gap, --bitrate, --burst,
--loop-gap, measured by the kernel's own receive times of a packet socket.

A busy machine is late, so what is held is what lateness cannot change: that none is
early, that it does not add up, and that the report knows of it."""
from captures import (MAGIC_NANO, block, frame, interface, numbered, pcap, pcap_header,
                      pcap_record, section)
from harness import (Feed, SLOW, case, check, equal, frames_equal, main, made,
                     note)
from livefeed import PEER, Live, numbers, send, wire
from packets import super_frame
from stamps import Stamps, quantile
import os
import signal
import socket
import struct
import time

MS, S = 10 ** 6, 10 ** 9
BEGAN = 1700000000 * S  # when the captures of this test were recorded
STALL = r"came \d+ ms after its time"


def recorded(times, frames=None):
    """A capture of numbered frames at these times, in nanoseconds."""
    frames = frames or numbered(len(times))
    return pcap_header(magic=MAGIC_NANO) + b"".join(
        pcap_record(data, magic=MAGIC_NANO, seconds=(BEGAN + at) // S,
                    fraction=(BEGAN + at) % S) for at, data in zip(times, frames))


def paced(source, *args, tries=3, status=0):
    """A whole run, with when each frame came; again where the machine stood still."""
    feed = Feed(source, "--startup-delay", "300ms", "--linger", "0", *args)
    stamps = Stamps()
    feed.wait(30)
    equal("status", feed.status, status)
    feed.stamps = stamps.read()
    feed.since = feed.stamps.since
    if tries > 1 and (feed.lines(STALL) or feed["timing_error_ns"] is None or
                      feed["timing_error_ns"]["max"] > 10 * MS):
        return paced(source, *args, tries=tries - 1)
    return feed


def at_their_times(feed, want):
    """Frames came at want (nanoseconds behind the first one), or later by no more than
    the report says of the worst."""
    late = feed["timing_error_ns"]["max"]
    equal("frames", len(feed.since), len(want))
    for number, (got, due) in enumerate(zip(feed.since, want)):
        # The first one's own lateness makes the others look early.
        check(due - late - MS // 10 <= got <= due + late + MS // 10,
              "frame %d came after %.3f ms, not %.3f (too late by %.3f at most)" %
              (number, got / MS, due / MS, late / MS))


def lasts(feed, want):
    """Within 1 %, or what the report says of the worst."""
    late = feed["timing_error_ns"]["max"]
    check(abs(feed.since[-1] - want) <= max(want / 100, late + MS),
          "%.6f s, not %.6f" % (feed.since[-1] / S, want / S))


# ---- how exact -------------------------------------------------------------------

def agrees(feed, want):
    """The report's figures are those that the reader has."""
    told = feed["timing_error_ns"]
    equal("count", told["count"], len(want))
    lucky = min(got - due for got, due in zip(feed.since, want))
    late = [got - due - lucky for got, due in zip(feed.since, want)]
    note("reader: p50 %.1f us, p99 %.1f us, max %.1f us; report: p50 %.1f, p99 %.1f, "
         "max %.1f" % (quantile(late, 0.5) / 1000, quantile(late, 0.99) / 1000,
                       max(late) / 1000, told["p50"] / 1000, told["p99"] / 1000,
                       told["max"] / 1000))
    # What is written was seen some microseconds before; a histogram rounds up.
    for key, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
        seen = quantile(late, share)
        check(seen <= told[key] * 1.01 + 1000, "%s: %d seen, %d told" %
              (key, seen, told[key]))
    seen = quantile(late, 0.5)
    check(told["p50"] <= seen * 1.07 + 500000 * SLOW, "p50: %d seen, %d told" %
          (seen, told["p50"]))


@case("10,000 packets/s, for two seconds, as recorded and by each pace", limit=90)
def _():
    want = [number * S // 10000 for number in range(20000)]
    source = made(recorded(want))
    for args in (["--replay-timing"], ["--pps", "10000"], ["--bitrate", "4800k"]):
        feed = paced(source, *args)
        frames_equal(feed.stamps.frames, numbered(20000))
        at_their_times(feed, want)
        lasts(feed, want[-1])
        agrees(feed, want)


@case("--bitrate: frames of any size, within 1 % over two seconds")
def _():
    frames = [frame(60 + number * 7919 % 1440, number) for number in range(2000)]
    bits = [8 * len(data) for data in frames]
    rate = sum(bits) // 2
    want = [sum(bits[:number]) * S // rate for number in range(len(bits))]
    feed = paced(made(recorded([0] * len(bits), frames)), "--bitrate", str(rate))
    frames_equal(feed.stamps.frames, frames)
    at_their_times(feed, want)
    lasts(feed, want[-1])


@case("unpaced: no timing error is told")
def _():
    feed = Feed(made(recorded([0] * 100)), "--linger", "0").wait()
    equal("timing_error_ns", feed["timing_error_ns"], None)


# ---- recorded times --------------------------------------------------------------

GAPS = [0, 0, 5 * MS, 5 * MS, 300 * MS, 301 * MS, 900 * MS, 900 * MS + 1, 950 * MS]


@case("gaps are kept, at each --speed")
def _():
    for args, factor in ((["--replay-timing"], 1), (["--speed", "1"], 1),
                         (["--speed", "0.5"], 2), (["--speed", "10"], 0.1),
                         (["--speed", "1000"], 0.001)):
        feed = paced(made(recorded(GAPS)), *args)
        frames_equal(feed.stamps.frames, numbered(len(GAPS)))
        at_their_times(feed, [at * factor for at in GAPS])


@case("--max-gap cuts them, as they are seen")
def _():
    day = 86400 * S
    times = [0, 50 * MS, day, day + 20 * MS, 400 * day]
    for args, want in ((["--max-gap", "100ms"], [0, 50, 150, 170, 270]),
                       (["--max-gap", "100ms", "--speed", "0.5"],
                        [0, 100, 200, 240, 340]),
                       (["--max-gap", "10ms", "--replay-timing"],
                        [0, 10, 20, 30, 40])):
        at_their_times(paced(made(recorded(times)), *args), [at * MS for at in want])


@case("times that go back: a wrong order is passed over, a clock set back counts anew")
def _():
    hour = 3600 * S
    times = [hour, hour + 100 * MS, hour + 90 * MS, hour + 200 * MS, 0, 100 * MS,
             99 * MS, 150 * MS]
    want = [0, 100, 100, 200, 200, 300, 300, 350]
    feed = paced(made(recorded(times)), "--replay-timing")
    frames_equal(feed.stamps.frames, numbered(len(times)))
    at_their_times(feed, [at * MS for at in want])


@case("a file that waits for its times loses nothing in a full queue that drops")
def _():
    times = [number * MS // 4 for number in range(2000)]
    for args in ([], ["--queue-size", "100"], ["--loop", "2"]):
        feed = Feed(made(recorded(times)), "--replay-timing", "--when-full", "drop",
                    "--linger", "0", *args).wait()
        equal("status", feed.status, 0)
        equal("injected", feed["injected"], feed["received"])


@case("any times: no packet is lost, none waits longer than --max-gap")
def _():
    times = [0, 2 ** 64 - 1, 1, 2 ** 63, 2 ** 63 - 1, 2 ** 64 - 1, 0, 2 ** 62, 5] * 5
    # In units of 1 ns, and of 2^-63 s.
    for resolution in (9, 0x80 + 63):
        blocks = [block(6, struct.pack("<IIIII", 0, at >> 32, at & 0xffffffff,
                                       len(data), len(data)) + data)
                  for at, data in zip(times, numbered(len(times)))]
        source = made(section() + interface(resolution=resolution) + b"".join(blocks))
        feed = paced(source, "--max-gap", "20ms")
        frames_equal(feed.stamps.frames, numbered(len(times)))
        check(feed.since[-1] <= len(times) * 20 * MS +
              feed["timing_error_ns"]["max"] + 100 * MS * SLOW, feed.since[-1])


@case("several files are one course of time")
def _():
    times = list(range(0, 600 * MS, 30 * MS))
    frames = numbered(len(times))
    sources = [made(recorded(times[part::3], frames[part::3]), "%d.pcap" % part)
               for part in range(3)]
    feed = paced(sources, "--replay-timing")
    frames_equal(feed.stamps.frames, frames)
    at_their_times(feed, times)


# ---- loops -----------------------------------------------------------------------

@case("--loop: time goes on, with --loop-gap between two passes, at each speed")
def _():
    times = [0, 100 * MS, 150 * MS]
    for args, gap, factor in (
            (["--replay-timing"], 0, 1),
            (["--replay-timing", "--loop-gap", "200ms"], 200 * MS, 1),
            (["--speed", "2", "--loop-gap", "200ms"], 200 * MS, 0.5)):
        feed = paced(made(recorded(times)), "--loop", "3", *args)
        frames_equal(feed.stamps.frames, numbered(3) * 3)
        at_their_times(feed, [number * (150 * MS * factor + gap) + at * factor
                              for number in range(3) for at in times])


@case("--loop-gap with another pace, and with none")
def _():
    for args, step in ((["--pps", "100"], 10), (["--bitrate", "48k"], 10), ([], 0)):
        feed = paced(made(recorded([0] * 5)), "--loop", "3", "--loop-gap", "200ms",
                     *args, tries=3 if args else 1)
        since = feed.since
        equal("frames", len(since), 15)
        for number in range(1, 15):
            gap = since[number] - since[number - 1]
            want = step * MS if number % 5 else 200 * MS
            check(want - 11 * MS <= gap <= want + 60 * MS * SLOW,
                  "gap %d: %.3f ms, not %.3f" % (number, gap / MS, want / MS))


# ---- not in time -----------------------------------------------------------------

def stopped(feed, kind):
    """Lets a process of the feed stand still for a second."""
    pid = feed.worker(kind)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(1)
    os.kill(pid, signal.SIGCONT)


@case("after a stall packets keep their distance, and no burst makes up for it")
def _():
    times = [number * MS for number in range(2000)]
    for kind in ("injector", "capture"):
        for args in (["--replay-timing"], ["--pps", "1000"]):
            feed = Feed(made(recorded(times)), "--startup-delay", "300ms", "--linger",
                        "0", *args)
            stamps = Stamps()
            time.sleep(0.8)
            stopped(feed, kind)
            feed.wait(30)
            equal("status", feed.status, 0)
            since = stamps.read().since
            equal("frames", len(since), 2000)
            # A quarter of a second was read ahead.
            lost = 0.95 if kind == "injector" else 0.65
            check(since[-1] / S > 1.999 + lost, "%s %s: %.3f s" % (kind, args,
                                                                   since[-1] / S))
            most = max(sum(1 for at in since[i:i + 400] if at < since[i] + 20 * MS)
                       for i in range(len(since)))
            # Lateness below a stall's may be made up for.
            check(most <= 20 + 105 * SLOW, "%d within 20 ms" % most)
            check(feed["timing_error_ns"]["max"] > (0.9 * S if kind == "injector" else
                                                    0), feed.report)
            if args == ["--replay-timing"]:
                check(feed.lines(STALL), feed.log)


@case("Ctrl-C in a long gap ends it at once; a line says what it waits for")
def _():
    feed = Feed(made(recorded([0, MS, 7200 * S])), "--replay-timing", "--linger", "0")
    feed.wait_line("next packet comes in 7[12]\\d\\d s.*--max-gap")
    time.sleep(0.3)
    began = time.monotonic()
    feed.signal(signal.SIGINT)
    feed.wait()
    check(time.monotonic() - began < 2 * SLOW, "too slow")
    equal("status", feed.status, 0)
    equal("injected", feed["injected"], 2)
    equal("received", feed["received"], 2)


@case("--duration ends it in a gap, too")
def _():
    feed = Feed(made(recorded([0, MS, 7200 * S])), "--replay-timing", "--linger", "0",
                "--duration", "500ms").wait()
    equal("status", feed.status, 0)
    equal("injected", feed["injected"], 2)
    check(feed.took < 4 * SLOW, feed.took)


@case("a quarter of a second is read ahead, no more: Ctrl-C writes that at once")
def _():
    times = [number * 10 * MS for number in range(1000)]
    for args in (["--replay-timing"], ["--pps", "100"], ["--bitrate", "48k"]):
        feed = Feed(made(recorded(times)), *args, "--linger", "0")
        feed.wait_up()
        time.sleep(1)
        feed.signal(signal.SIGINT)
        feed.wait()
        equal("status", feed.status, 0)
        ran = feed.took * 100
        check(50 <= feed["injected"] <= ran + 30, "%d in %d ms" %
              (feed["injected"], feed.took * 1000))


@case("nor more where packets are cut into many frames")
def _():
    data = super_frame(4, 60000)[0]
    for args in (["--pps", "400"], ["--bitrate", "4800k"]):
        feed = Feed(made(pcap([data] * 300)), "--oversize", "segment", *args, "--linger",
                    "0")
        feed.wait_up()
        time.sleep(1)
        feed.signal(signal.SIGINT)
        feed.wait()
        equal("status", feed.status, 0)
        # A packet more, which is 42 frames.
        check(feed["frames_written"] <= (feed.took + 0.25) * 400 + 90,
              "%d in %d ms" % (feed["frames_written"], feed.took * 1000))


@case("what is skipped takes no time of a pace")
def _():
    frames = numbered(2000)
    source = made(pcap_header() + b"".join(
        pcap_record(data, length=len(data) + (10 if number % 4 else 0))
        for number, data in enumerate(frames)))
    for args in (["--pps", "500"], ["--bitrate", "240k"]):
        feed = paced(source, "--truncated", "drop", *args)
        frames_equal(feed.stamps.frames, frames[::4])
        lasts(feed, 499 * S // 500)


@case("a killed injector costs what was read ahead; the times go on", limit=60)
def _():
    times = [number * 10 * MS for number in range(200)]
    feed = Feed(made(recorded(times)), "--replay-timing", "--startup-delay", "300ms",
                "--linger", "0")
    stamps = Stamps()
    time.sleep(0.8)
    os.kill(feed.worker("injector"), signal.SIGKILL)
    feed.wait(30)
    since = stamps.read().since
    lost = feed["dropped.restart"]
    check(lost <= 30 + 50 * (SLOW - 1), "%d lost" % lost)
    equal("frames", len(since), 200 - lost)
    # What is lost takes its time with it.
    want = 1.99 - 0.01 * lost
    check(want - 0.02 <= since[-1] / S <= want + 0.5 * SLOW, since[-1] / S)
    # And as much as before is read ahead.
    check(feed["timing_error_ns"]["p90"] < 20 * MS * SLOW, feed.report)


# ---- live ------------------------------------------------------------------------

@case("live: the rate is limited, too, and nothing is lost by --when-full wait")
def _():
    frames = numbered(1000)
    for args in (["--pps", "1000"], ["--bitrate", "480k"]):
        wire("eth1")
        feed = Live("eth1", *args, "--when-full", "wait", name="tf0")
        feed.wait_up()
        stamps = Stamps()
        send("eth1" + PEER, frames)
        time.sleep(1.5 * SLOW)
        feed.stop()
        equal("injected", feed["injected"], 1000)
        since = stamps.read().since
        equal("numbers", numbers(stamps.frames), list(range(1000)))
        late = feed["timing_error_ns"]["max"]
        for number, at in enumerate(since):
            check(at >= number * MS - late - MS // 10, "frame %d is early" % number)
        check(since[-1] <= 999 * MS + late + 300 * MS * SLOW, since[-1])
        os.system("ip link del eth1")


@case("live: --burst lets so much through at once after a pause")
def _():
    for args in (["--pps", "1000", "--burst", "200"],
                 ["--bitrate", "480k", "--burst", "12k"]):
        wire("eth1")
        feed = Live("eth1", *args, "--when-full", "wait", "--immediate", name="tf0")
        feed.wait_up()
        stamps = Stamps()
        send("eth1" + PEER, numbered(1))
        time.sleep(0.5)
        send("eth1" + PEER, numbered(400))
        time.sleep(0.7 * SLOW)
        feed.stop()
        times = stamps.read().times[1:]
        equal("frames", len(times), 400)
        at_once = sum(1 for at in times if at < times[0] + 20 * MS)
        check(200 <= at_once <= 230 + 100 * (SLOW - 1), "%d at once" % at_once)
        os.system("ip link del eth1")


main()
