# SPDX-License-Identifier: Apache-2.0
"""The queue, and what chooses packets: --when-full, --queue-size, --count, --loop,
--snaplen, --filter, --pps."""
from captures import (Packet, expected, frame, interface, enhanced, numbered, pcap,
                      read, section, with_header)
from harness import (SAMPLE, SLOW, case, check, equal, frames_equal, main, made, replay,
                     replays_to)
import ctypes
import ctypes.util
import gzip
import struct
import time


def first(count, args, frames, status=0):
    """Replays `count` numbered frames; these must be seen."""
    feed = replay(made(pcap(numbered(count))), *args)
    equal("status", feed.status, status)
    frames_equal(feed.frames, frames)
    equal("injected", feed["injected"], len(frames))
    return feed


# ---- a full queue ------------------------------------------------------------

@case("drop: what does not fit is counted, status 1")
def _():
    feed = replay(made(pcap(numbered(20000))), "--when-full", "drop", "--queue-size",
                  "100", "--pps", "5000")
    equal("status", feed.status, 1)
    equal("received", feed["received"], 20000)
    check(feed["dropped.queue"] > 0, feed.report)
    equal("sum", feed["injected"] + feed["dropped.queue"], 20000)
    equal("seen", len(feed.frames), feed["injected"])
    check(feed.frames == sorted(set(feed.frames)), "order")
    check(set(feed.frames) <= set(numbered(20000)), "content")
    check(feed["queue_peak"] <= 100, feed.report)


@case("drop: with room for all nothing is dropped")
def _():
    feed = first(1000, ["--when-full", "drop", "--queue-size", "1000", "--pps", "10000"],
                 numbered(1000))
    check(feed["queue_peak"] <= 1000, feed.report)


@case("wait: a small queue loses nothing")
def _():
    for size in ("1", "2", "7"):
        feed = first(5000, ["--queue-size", size], numbered(5000))
        check(1 <= feed["queue_peak"] <= int(size), feed.report)


@case("wait: a queue of one and large frames")
def _():
    source = made(pcap([frame(n, n) for n in range(100000, 100040)]))
    replays_to(replay(source, "--queue-size", "1"), expected(read(source)))


@case("wait: a huge queue and large frames stay in the arena")
def _():
    source = made(pcap([frame(200000, n) for n in range(200)]))
    replays_to(replay(source, "--queue-size", "1048576", "--pps", "400"),
               expected(read(source)))


@case("drop: a queue of one")
def _():
    feed = replay(made(pcap(numbered(500))), "--when-full", "drop", "--queue-size", "1",
                  "--pps", "1000")
    equal("sum", feed["injected"] + feed["dropped.queue"], 500)
    check(feed["injected"] >= 1, feed.report)
    equal("seen", len(feed.frames), feed["injected"])


# ---- which packets -----------------------------------------------------------

@case("--count stops after N packets")
def _():
    for count in (1, 10, 99, 100, 1000):
        want = numbered(100)[:count]
        feed = first(100, ["--count", str(count)], want)
        equal("received", feed["received"], len(want))
        first(100, ["-c", str(count)], want)


@case("--loop plays it N times")
def _():
    first(100, ["--loop", "3"], numbered(100) * 3)
    first(1, ["--loop", "1000"], numbered(1) * 1000)


@case("--loop and --count: N packets in all")
def _():
    first(100, ["--loop", "3", "--count", "150"], (numbered(100) * 2)[:150])
    first(10, ["--loop", "0", "--count", "155"], (numbered(10) * 16)[:155])


@case("--loop with a compressed file, pcapng, and skipped packets")
def _():
    data = section() + interface() + interface(10) + b"".join(
        enhanced(data, n % 2) for n, data in enumerate(numbered(20)))
    for name, body in (("in.pcapng", data), ("in.gz", gzip.compress(data))):
        feed = replay(made(body, name), "--loop", "4")
        equal("status", feed.status, 0)
        frames_equal(feed.frames, numbered(20)[::2] * 4)
        equal("skipped", list(feed["skipped.unsupported_link_type"].values()), [40])


@case("--loop of an empty capture ends")
def _():
    first(0, ["--loop", "5"], [])
    first(0, ["--loop", "0"], [])


@case("--loop of a damaged file stops at the damage")
def _():
    feed = replay(made(pcap(numbered(10))[:-1]), "--loop", "3")
    equal("status", feed.status, 1)
    frames_equal(feed.frames, numbered(10)[:9])


@case("--snaplen cuts, and counts as truncated")
def _():
    frames = [frame(n, n) for n in (14, 59, 60, 61, 1514)]
    for option in ("--snaplen", "-s"):
        feed = replay(made(pcap(frames)), option, "60")
        equal("status", feed.status, 0)
        frames_equal(feed.frames, [data[:60] for data in frames])
        equal("truncated", feed["truncated"], 2)


@case("--snaplen below a header makes packets too short, and takes too long ones")
def _():
    feed = replay(made(pcap([frame(60)] * 3)), "--snaplen", "13")
    equal("too_short", feed["skipped.too_short"], 3)
    equal("status", feed.status, 0)
    feed = replay(made(pcap([frame(300000)])), "--snaplen", "100")
    equal("too_long", feed["skipped.too_long"], 0)
    frames_equal(feed.frames, [frame(100)])


# ---- the filter --------------------------------------------------------------

def matching(expression):
    """The sample's frames that libpcap itself lets through."""
    libpcap = ctypes.CDLL(ctypes.util.find_library("pcap"))
    libpcap.pcap_open_dead.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(libpcap.pcap_open_dead(1, 262144))
    program = ctypes.create_string_buffer(16)  # struct bpf_program
    equal("pcap_compile", libpcap.pcap_compile(handle, program, expression.encode(), 1,
                                               0xffffffff), 0)
    packets = [packet for packet in read(SAMPLE) if libpcap.pcap_offline_filter(
        program, struct.pack("qqII", 0, 0, len(packet.data), packet.length),
        packet.data)]
    return expected(packets)


@case("--filter takes what matches, counts the rest", limit=60)
def _():
    for expression in ("udp port 53", "icmp or icmp6", "ip6", "vlan 7", "tcp port 443",
                       "host 192.0.2.2 and not tcp", "ether src 02:00:00:00:00:01",
                       "greater 1000", "not ether[0] & 1 != 0"):
        feed = replay(SAMPLE, "--filter", expression)
        want = matching(expression)
        check(want.frames, "nothing matches %r" % expression)
        replays_to(feed, want)
        equal("received", feed["received"], len(want.frames))
        equal("filtered", feed["filtered"], len(read(SAMPLE)) - len(want.frames))


@case("--filter that takes nothing, and -f")
def _():
    feed = replay(SAMPLE, "-f", "udp port 54321")
    equal("status", feed.status, 0)
    equal("received", feed["received"], 0)
    equal("filtered", feed["filtered"], len(read(SAMPLE)))


@case("--filter, --count: N packets that match")
def _():
    feed = replay(SAMPLE, "-f", "udp", "-c", "5")
    frames_equal(feed.frames, matching("udp").frames[:5])


@case("--filter sees the whole packet, --snaplen cuts afterwards")
def _():
    feed = replay(SAMPLE, "-f", "tcp port 443", "-s", "20")
    frames_equal(feed.frames, [data[:20] for data in matching("tcp port 443").frames])


@case("--filter is compiled for each link type of a pcapng file")
def _():
    ip = bytes.fromhex("4500001c00010000401100000a0000010a000002") + \
        bytes.fromhex("0035003500080000")
    ether = bytes(12) + b"\x08\0" + ip
    data = section() + interface(1) + interface(101) + b"".join(
        enhanced(body, number) for number, body in
        ((0, ether), (1, ip), (0, frame(60)), (1, b"\x60" + bytes(39))))
    feed = replay(made(data, "in.pcapng"), "-f", "udp port 53")
    frames_equal(feed.frames, [ether, with_header(Packet(101, ip, len(ip)))])
    equal("filtered", feed["filtered"], 2)


def bad_filter(expression):
    feed = replay(SAMPLE, "--filter", expression)
    equal("status of %r" % expression, feed.status, 2)
    equal("injected", feed["injected"], 0)
    equal("lines that name the filter", len(feed.lines("filter")), 1)


@case("a bad filter is refused with libpcap's reason", limit=60)
def _():
    for expression in ("udp portt 53", "(((", "host example.invalid", "ip6 and arp[",
                       "\x1b[31m", "port 99999"):
        bad_filter(expression)


@case("an empty filter takes everything")
def _():
    replays_to(replay(SAMPLE, "--filter", ""), expected(read(SAMPLE)))


# ---- pacing ------------------------------------------------------------------

@case("--pps holds its rate")
def _():
    for rate, count in ((200, 200), (2000, 2000), (20000, 10000)):
        feed = replay(made(pcap(numbered(count))), "--pps", str(rate))
        equal("status", feed.status, 0)
        equal("injected", feed["injected"], count)
        want = count / rate
        check(0.8 * want <= feed["seconds"] <= 1.4 * want * SLOW + 0.1,
              "%d at %d/s took %.3f s, not %.3f" % (count, rate, feed["seconds"], want))


@case("--pps: no burst at the start, none after a pause of the source")
def _():
    feed = replay(made(pcap(numbered(100))), "--pps", "100")
    times = feed.reader.times
    gaps = sorted(b - a for a, b in zip(times, times[1:]))
    check(0.7 <= times[-1] - times[0] <= 1.5 * SLOW, times[-1] - times[0])
    check(gaps[len(gaps) // 2] > 0.005, "half the gaps are below %f" %
          gaps[len(gaps) // 2])


@case("--pps 1")
def _():
    began = time.monotonic()
    feed = replay(made(pcap(numbered(3))), "--pps", "1")
    equal("injected", feed["injected"], 3)
    check(1.8 <= time.monotonic() - began <= 6 * SLOW, "time")


@case("packets_per_second is injected by seconds")
def _():
    feed = replay(made(pcap(numbered(1000))), "--pps", "1000")
    rate = feed["injected"] / feed["seconds"]
    check(abs(feed["packets_per_second"] - rate) <= rate * 0.02 + 1, feed.report)


main()
