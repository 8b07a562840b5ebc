# SPDX-License-Identifier: Apache-2.0
"""--oversize, --truncated and --checksums on files, and --mtu auto: what is written, and
how it is counted."""
from captures import frame, numbered, pcap, pcap_header, pcap_record
from harness import (Feed, SAMPLE, SLOW, Told, case, check, descendants, equal, exists,
                     frames_equal, main, made, path, replay, run, until)
from livefeed import Live, wire
from packets import ICMPV6, checksum, ethernet, folded, ping, super_frame
import gzip
import json
import os
import signal
import struct

SMALL = numbered(3)
SUPER, TCP_AT, SIZE = super_frame(4, 20000)
OTHER = frame(9000)  # not IP: nobody can cut it


def mtu_of(name="tf0"):
    return json.loads(run("ip", "-j", "link", "show", "dev", name))[0]["mtu"]


def counts(feed, **want):
    """The counters beside those that want names are 0; received adds up anyway."""
    for key in ("truncated", "oversize", "segmented", "checksums_fixed",
                "checksums_left"):
        equal(key, feed[key], want.get(key, 0))
    for key in ("oversize", "truncated"):
        equal("skipped." + key, feed["skipped." + key], want.get("skipped_" + key, 0))
    equal("status", feed.status, want.get("status", 0))


# ---- oversize ----------------------------------------------------------------

@case("keep: as it is, by default, and counted")
def _():
    for args in ((), ("--oversize", "keep")):
        feed = replay(made(pcap([SMALL[0], SUPER, OTHER, SMALL[1]])), *args)
        frames_equal(feed.frames, [SMALL[0], SUPER, OTHER, SMALL[1]])
        counts(feed, oversize=2)


@case("segment: in order among the others, in packets; what cannot be cut is kept")
def _():
    feed = replay(made(pcap([SMALL[0], SUPER, OTHER, SMALL[1]])), "--oversize", "segment",
                  "--strict")
    parts = feed.frames[1:-2]
    frames_equal([feed.frames[0], *feed.frames[-2:]], [SMALL[0], OTHER, SMALL[1]])
    equal("frames", len(parts), -(-20000 // SIZE))
    equal("the data", b"".join(part[TCP_AT + 20:] for part in parts), SUPER[TCP_AT + 20:])
    equal("injected", feed["injected"], 4)
    equal("frames_written", feed["frames_written"], len(feed.frames))
    equal("bytes_injected", feed["bytes_injected"], sum(map(len, feed.frames)))
    counts(feed, segmented=1, oversize=1)


@case("segment: by the interface's MTU, on a TUN too")
def _():
    for kind, head in (("tap", 14), ("tun", 0)):
        for mtu in (68, 576, 9000):
            feed = replay(made(pcap([SUPER])), "--oversize", "segment", "--mtu", str(mtu),
                          "--type", kind)
            equal("the longest", max(map(len, feed.frames)), mtu + head)
            equal("frames", len(feed.frames), -(-20000 // (mtu - 40)))
            counts(feed, segmented=1)


@case("segment: a queue that is smaller than a packet's frames loses nothing, or counts")
def _():
    feed = replay(made(pcap([SUPER, SMALL[0]])), "--oversize", "segment", "--queue-size",
                  "3")
    equal("frames", len(feed.frames), 15)
    counts(feed, segmented=1)
    feed = replay(made(pcap([SUPER, SMALL[0]])), "--oversize", "segment", "--queue-size",
                  "3", "--when-full", "drop")
    equal("dropped", feed["dropped.queue"], 1)
    frames_equal(feed.frames, SMALL[:1])
    counts(feed, segmented=1, status=1)


@case("drop: skipped, which --strict does not let pass")
def _():
    for strict, status in (((), 0), (("--strict",), 1)):
        feed = replay(made(pcap([SMALL[0], SUPER, OTHER, SMALL[1]])), "--oversize",
                      "drop", *strict)
        frames_equal(feed.frames, SMALL[:2])
        counts(feed, skipped_oversize=2, status=status)


@case("the longest frame that is not oversize: VLAN tags and padding do not count")
def _():
    tagged = super_frame(4, 1460, tags=[(0x88a8, 5), (0x8100, 6)])[0]
    fits = [super_frame(4, 1460)[0], tagged, frame(1514), super_frame(6, 1440)[0],
            super_frame(4, 1460)[0] + bytes(4)]
    feed = replay(made(pcap(fits)), "--oversize", "drop")
    frames_equal(feed.frames, fits)
    counts(feed)
    feed = replay(made(pcap([super_frame(4, 1461)[0], frame(1515)])), "--oversize",
                  "drop")
    counts(feed, skipped_oversize=2)


@case("a pace is that of the frames that are written, not of the packets they come from")
def _():
    mixed = made(pcap_header() + b"".join(
        pcap_record(data, length=60 if number % 4 == 0 else 100)
        for number, data in enumerate(numbered(2000))))
    for pace in (("--pps", "1000"), ("--bitrate", "480k")):
        feed = replay(mixed, *pace, "--truncated", "drop")
        equal("injected", feed["injected"], 500)
        check(0.49 < feed["seconds"] < 0.8 * SLOW, "%s s" % feed["seconds"])
    # What was read ahead of the stop is what a quarter of a second takes.
    feed = replay(made(pcap([SUPER] * 2000)), "--pps", "1000", "--oversize", "segment",
                  "--duration", "1s")
    check(0.9 < feed["seconds"] < 1.6 * SLOW, "%s s" % feed["seconds"])
    equal("frames_written", feed["frames_written"], feed["segmented"] * -(-20000 // SIZE))


# ---- truncated, checksums ----------------------------------------------------

def cut(data, captured, original=None):
    return pcap_record(data[:captured], length=len(data) if original is None else original)


@case("truncated: kept, padded or dropped")
def _():
    file = made(pcap_header() + cut(OTHER, 100) + pcap_record(SMALL[0])
                + cut(SMALL[1], 60, 4000000000))
    feed = replay(file)
    frames_equal(feed.frames, [OTHER[:100], *SMALL[:2]])
    counts(feed, truncated=2)
    feed = replay(file, "--truncated", "pad")
    frames_equal(feed.frames, [OTHER[:100] + bytes(8900), SMALL[0],
                               SMALL[1] + bytes((256 << 10) - 60)])
    counts(feed, truncated=2, oversize=2)
    feed = replay(file, "--truncated", "drop")
    frames_equal(feed.frames, SMALL[:1])
    counts(feed, skipped_truncated=2)


@case("truncated by --snaplen, too; padded and cut into segments with right checksums")
def _():
    feed = replay(made(pcap([SUPER, SMALL[0]])), "--snaplen", "200", "--truncated", "pad",
                  "--oversize", "segment")
    data = b"".join(part[TCP_AT + 20:] for part in feed.frames[:-1])
    equal("the data", data, SUPER[TCP_AT + 20:200] + bytes(len(SUPER) - 200))
    check(all(right(part) for part in feed.frames[:-1]), "a checksum is wrong")
    frames_equal(feed.frames[-1:], SMALL[:1])
    counts(feed, truncated=1, segmented=1)


def right(data):
    """Whether IPv4's and TCP's checksums are."""
    pseudo = data[26:34] + struct.pack(">HH", 6, len(data) - TCP_AT)
    return checksum(data[14:34]) == checksum(pseudo + data[TCP_AT:]) == b"\0\0"


@case("checksums: unfinished ones are fixed, wrong ones and those of cut packets are not")
def _():
    good = super_frame(4, 1000)[0]
    wrong = good[:TCP_AT + 16] + b"\x12\x34" + good[TCP_AT + 18:]
    file = made(pcap_header() + pcap_record(good) + pcap_record(wrong) + cut(good, 900))
    feed = replay(file)
    frames_equal(feed.frames, [good, wrong, good[:900]])
    counts(feed, truncated=1)
    feed = replay(file, "--checksums", "fix")
    equal("length", len(feed.frames[0]), len(good))
    check(right(feed.frames[0]) and not right(good), "it is not fixed")
    frames_equal(feed.frames[1:], [wrong, good[:900]])
    counts(feed, checksums_fixed=1, checksums_left=1, truncated=1)
    feed = replay(file, "--checksums", "fix", "--truncated", "pad")
    check(right(feed.frames[2]), "the padded one is not fixed")
    counts(feed, checksums_fixed=2, truncated=1)


@case("checksums: trust tells readers which are unfinished, and changes no byte")
def _():
    four, six = super_frame(4, 1000)[0], super_frame(6, 900, tags=[(0x8100, 5)])[0]
    wrong = four[:TCP_AT + 16] + b"\x12\x34" + four[TCP_AT + 18:]
    packets = [four, wrong, OTHER, SUPER, six, *SMALL]
    want = [True, False, False, True, True, False, False, False]
    file = made(pcap_header() + b"".join(map(pcap_record, packets)) + cut(four, 900))
    for args in ((), ("--no-ring",), ("--queues", "2")):
        feed = replay(file, "--checksums", "trust", *args, reader=Told)
        frames_equal(feed.frames, [*packets, four[:900]])
        equal("unfinished", feed.reader.unfinished, [*want, False])
        equal("bytes_injected", feed["bytes_injected"], sum(map(len, feed.frames)))
        counts(feed, checksums_fixed=3, checksums_left=1, truncated=1, oversize=2)
    feed = replay(made(pcap([four[14:], six[18:]], link_type=101)), "--checksums", "trust",
                  "--type", "tun", reader=Told)
    frames_equal(feed.frames, [four[14:], six[18:]])
    equal("unfinished, on a TUN", feed.reader.unfinished, [True, True])
    feed = replay(file, "--checksums", "trust", "--oversize", "segment", reader=Told)
    equal("of segments", sum(feed.reader.unfinished), 2)
    echo = ping("2001:db8::2", "2001:db8::1")
    pseudo = folded(echo[8:40] + struct.pack(">II", len(echo) - 40, ICMPV6))
    feed = replay(made(pcap([ethernet(0x86dd, echo[:42] + pseudo + echo[44:])])),
                  "--checksums", "trust", reader=Told)
    equal("of ICMPv6", feed.reader.unfinished, [True])
    counts(feed, checksums_fixed=1)


@case("checksums: trust goes on after the injector was killed")
def _():
    data = super_frame(4, 1000)[0]
    reader = Told("tf0")
    feed = Feed(made(pcap([data] * 2000)), "--checksums", "trust", "--pps", "2000")
    feed.wait_up()
    until("some frames", lambda: len(reader.unfinished) > 100)
    os.kill(feed.worker("injector"), signal.SIGKILL)
    feed.wait()
    reader.finish()
    # A quarter of a second was read ahead, and is lost.
    check(len(reader.frames) > 1000, "%d frames" % len(reader.frames))
    equal("frames", set(reader.frames), {data})
    equal("unfinished", set(reader.unfinished), {True})
    equal("injected", feed["injected"], len(reader.frames))
    equal("the rest", feed["injected"] + feed["dropped.restart"], 2000)


# ---- the MTU -----------------------------------------------------------------

def found(source, *args, **how):
    """The interface's MTU, and the run, which injects everything whatever that is."""
    feed = Feed(source, "--mtu", "auto", "--startup-delay", "300ms", "--linger", "0",
                *args, **how)
    feed.wait_up()
    mtu = mtu_of()
    feed.wait()
    equal("status", feed.status, 0)
    return mtu, feed


@case("--mtu auto: what the longest packet needs, of any file that can be read twice")
def _():
    jumbo, tagged = super_frame(6, 8000)[0], super_frame(4, 9000, tags=[(0x8100, 5)])[0]
    equal("the sample", found(SAMPLE)[0], 1500)
    equal("not IP", found(made(pcap([*SMALL, OTHER])))[0], 8986)
    mtu, feed = found(made(pcap([*SMALL, jumbo, tagged, *SMALL])))
    equal("tagged", mtu, 9040)
    equal("injected", feed["injected"], 8)
    counts(feed)
    both = [made(pcap([jumbo]), "a.pcap"), made(gzip.compress(pcap([SUPER])), "b.pcap.gz")]
    mtu, feed = found(both)
    equal("of two", mtu, 20040)
    equal("injected", feed["injected"], 2)
    equal("too large", found(made(pcap([frame(200000)])))[0], 65521)


@case("--mtu auto: only of what will be injected, and as it will be")
def _():
    file = made(pcap([SMALL[0], super_frame(4, 5000)[0], OTHER]))
    for args, mtu in ((("-f", "ip"), 5040), (("-c", "1"), 1500), (("-s", "3014"), 3000),
                      (("-s", "3014", "--truncated", "pad"), 8986),
                      (("-s", "3014", "--truncated", "drop"), 1500),
                      (("--type", "tun"), 5040)):
        equal(" ".join(args), found(file, *args)[0], mtu)


@case("--mtu auto: standard input that is a file; never a pipe")
def _():
    with open(made(pcap([OTHER])), "rb") as stdin:
        mtu, feed = found("-", stdin=stdin)
    equal("standard input", mtu, 8986)
    equal("injected", feed["injected"], 1)
    with open(made(b"read" + pcap([OTHER])), "rb", buffering=0) as stdin:
        stdin.seek(4)  # it was begun by somebody else
        mtu, feed = found("-", stdin=stdin)
    equal("from where it stood", mtu, 8986)
    equal("injected from there", feed["injected"], 1)
    os.mkfifo(path("fifo"))
    with open(path("fifo"), "r+b", buffering=0):
        feed = Feed(path("fifo"), "--mtu", "auto").wait(report=False)
    equal("status", feed.status, 2)
    feed.wait_line("cannot be read twice: --mtu auto needs regular files")


@case("--mtu auto: what is wrong with a file is said once, by the feed")
def _():
    feed = Feed(made(b"x" * 1000), "--mtu", "auto").wait()
    equal("status", feed.status, 2)
    equal("lines", len(feed.lines("input.pcap: ")), 1)
    feed = Feed(SAMPLE, "--mtu", "auto", "-f", "no such").wait()
    equal("status", feed.status, 2)
    equal("lines", len(feed.lines("no such")), 1)
    whole = pcap([OTHER, SUPER])
    feed = Feed(made(whole[:-1]), "--mtu", "auto", "--startup-delay", "200ms")
    feed.wait_line(r"mtu 8986\)")
    feed.wait()
    equal("status", feed.status, 1)
    cut_short = made(pcap(SMALL[:1])[:-1], "cut.pcap")
    for files in ([cut_short, made(pcap([OTHER]))], [made(pcap([OTHER])), cut_short]):
        feed = Feed(files, "--mtu", "auto").wait()
        feed.wait_line(r"mtu 8986\)")
        equal("injected", feed["injected"], 1)


@case("--mtu auto: who reads the files is confined, and does not outlive tapfeed")
def _():
    # Gigabytes, in members of which none is large: it is never read to the end.
    whole = pcap([OTHER] * 2000)
    start = len(pcap([]))
    big = made(gzip.compress(whole, 1) + gzip.compress(whole[start:], 1) * 500)
    for number in (signal.SIGINT, signal.SIGKILL):
        feed = Feed(big, "--mtu", "auto")
        child = feed.worker("capture")
        until("it is confined or gone", lambda: status(child, "Seccomp") in ("2", None))
        check(not exists("tf0"), "the interface is there already")
        os.kill(child, signal.SIGSTOP)
        until("it is stopped", lambda: status(child, "State")[0] in "Tt")
        for key, want in (("Seccomp", "2"), ("NoNewPrivs", "1"),
                          ("CapPrm", "0" * 16), ("CapEff", "0" * 16)):
            equal(key, status(child, key), want)
        feed.signal(number)
        feed.process.wait(10)
        until("it is gone", lambda: child not in descendants(os.getpid()))


def status(pid, key):
    try:
        with open("/proc/%d/status" % pid) as file:
            for line in file:
                if line.startswith(key + ":"):
                    return line.split()[1]
    except OSError:
        pass
    return None


@case("--mtu auto: the largest MTU of live interfaces")
def _():
    wire("eth1", "eth2")
    for name, mtu in (("eth1", 4000), ("eth2", 1400)):
        run("ip", "link", "set", name, "mtu", str(mtu))
    for sources, want in ((["eth1", "eth2"], 4000), (["eth2"], 1500), (["lo"], 65521)):
        feed = Live(sources, "--mtu", "auto")
        feed.wait_up()
        equal(" ".join(sources), mtu_of("lc0"), want)
        feed.stop()


main()
