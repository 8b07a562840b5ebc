# SPDX-License-Identifier: Apache-2.0
"""The other options of replay, the report, and what goes to which stream."""
from captures import expected, numbered, pcap, read
from harness import (SAMPLE, SLOW, TAPFEED, Feed, Reader, case, check, equal,
                     frames_equal, main, made, parse_report, replay, replays_to, run,
                     veth)
import json
import os
import pty
import re
import socket
import subprocess
import time

KEYS = {
    "interface", "received", "injected", "frames_written", "bytes_injected", "dropped",
    "skipped", "skipped_by_type", "errors", "truncated", "oversize", "segmented",
    "checksums_fixed", "checksums_left", "filtered", "kernel_dropped", "queue_peak",
    "seconds", "packets_per_second", "latency_ns", "timing_error_ns",
}


def ten():
    return made(pcap(numbered(10)))


def link(name="tf0"):
    return json.loads(run("ip", "-j", "-d", "link", "show", "dev", name))[0]


# ---- the interface -----------------------------------------------------------

@case("the default name is numbered by the kernel: tf0, then tf1")
def _():
    feeds = []
    for name in ("tf0", "tf1"):
        feed = Feed(ten(), "--startup-delay", "1500ms", "--linger", "0", name=None)
        feed.wait_line(r"%s is up \(tap, mtu 1500\)" % name)
        feeds.append(feed)
    for feed, name in zip(feeds, ("tf0", "tf1")):
        feed.process.wait(10)
        feed.wait()
        equal("interface", feed["interface"], name)


@case("--name with %d, and names of all valid kinds")
def _():
    for given, made_of in (("ids%d", "ids0"), ("a", "a"), ("abcdefghijklmno", None),
                           ("lc-0.1_x", None), ("Z9", None)):
        name = made_of or given
        feed = Feed(ten(), "--name", given, "--startup-delay", "100ms", "--linger", "0",
                    name=None)
        feed.wait_line(r"^\S*:? ?%s is up" % re.escape(name))
        feed.wait()
        equal("status", feed.status, 0)
        equal("interface", feed["interface"], name)


@case("the first line names the interface, kind and MTU")
def _():
    feed = replay(ten())
    check(re.search(r"\btf0 is up \(tap, mtu 1500\)", feed.log[0]), feed.log[0])


@case("--mtu is set, and does not limit frames")
def _():
    for mtu in (68, 1280, 9000, 65521):
        feed = Feed(ten(), "--mtu", str(mtu), "--startup-delay", "300ms", "--linger",
                    "0")
        feed.wait_line(r"tf0 is up \(tap, mtu %d\)" % mtu)
        equal("mtu", link()["mtu"], mtu)
        feed.wait()
        equal("status", feed.status, 0)
    replays_to(replay(SAMPLE, "--mtu", "68"), expected(read(SAMPLE)))


@case("--mac is set; without it one is made up, locally administered, each time")
def _():
    seen = set()
    for args in ([], [], ["--mac", "02:AB:cd:00:00:09"]):
        feed = Feed(ten(), *args, "--startup-delay", "300ms", "--linger", "0")
        feed.wait_up()
        seen.add(link()["address"])
        feed.wait()
        equal("status", feed.status, 0)
    equal("addresses", len(seen), 3)
    check("02:ab:cd:00:00:09" in seen, seen)
    check(all(int(mac[:2], 16) & 3 == 2 for mac in seen), seen)


def taken(kind):
    feed = Feed(ten()).wait(report=False, gone=False)
    equal("status", feed.status, 2)
    lines = feed.lines("tf0")
    equal("lines that name it", len(lines), 1)
    check(kind in lines[0], "no %r in: %s" % (kind, lines[0]))


@case("a name that is taken is refused, and the message says by what")
def _():
    veth("tf0")
    taken("veth")
    run("ip", "link", "del", "tf0")
    run("ip", "link", "add", "name", "tf0", "type", "bridge")
    taken("bridge")
    run("ip", "link", "del", "tf0")


@case("a leftover persistent TAP of that name is not adopted")
def _():
    run("ip", "tuntap", "add", "tf0", "mode", "tap")
    before = link()["ifindex"]
    taken("tun")  # as the kernel calls both kinds
    equal("index", link()["ifindex"], before)


@case("a name that another feed has")
def _():
    other = Feed(ten(), "--startup-delay", "3s", "--linger", "0")
    other.wait_up()
    taken("tun")
    other.wait()
    equal("status of the first", other.status, 0)
    equal("injected by the first", other["injected"], 10)


@case("the name is free again at once, 20 times", limit=60)
def _():
    for _ in range(20):
        feed = Feed(ten(), "--linger", "0").wait()
        equal("status", feed.status, 0)


# ---- time --------------------------------------------------------------------

@case("--startup-delay: a reader that comes meanwhile sees the first packet")
def _():
    feed = Feed(ten(), "--startup-delay", "1s", "--linger", "100ms")
    feed.wait_up()
    up = time.monotonic()
    time.sleep(0.3)
    reader = Reader("tf0")
    feed.wait()
    frames_equal(reader.finish().frames, numbered(10))
    check(0.9 <= reader.times[0] - up <= 2, reader.times[0] - up)


@case("--linger keeps the interface, as long as said; the default is a second")
def _():
    for args, want in ((["--linger", "0"], 0), ([], 1), (["--linger", "2s"], 2)):
        reader = Reader("tf0")
        feed = Feed(ten(), "--startup-delay", "300ms", *args).wait()
        took = time.monotonic() - reader.finish().times[-1]
        check(want - 0.1 <= took <= want + 1.5 * SLOW, "%s: %.2f s" % (args, took))
        check(feed["seconds"] < 0.5, "seconds covers more than the packets")


# ---- the report --------------------------------------------------------------

@case("--json is one object with the keys promised, and no other")
def _():
    feed = replay(SAMPLE)
    equal("keys", set(feed.report), KEYS)
    equal("dropped", feed["dropped"],
          {"queue": 0, "interface_down": 0, "stopped": 0, "restart": 0})
    equal("skipped", feed["skipped"], {"too_short": 0, "too_long": 0, "not_ip": 0,
                                       "unsupported_link_type": {}, "not_ethernet": 0,
                                       "encrypted": 0, "not_data": 0, "fragment": 0,
                                       "damaged": 0, "oversize": 0,
                                       "truncated": 0})
    equal("skipped_by_type", feed["skipped_by_type"], {})
    equal("interface", feed["interface"], "tf0")
    numbers = [feed[key] for key in KEYS - {"interface", "dropped", "skipped", "skipped_by_type",
                                        "latency_ns", "timing_error_ns"}]
    check(all(type(value) in (int, float) and value >= 0 for value in numbers), numbers)
    check(isinstance(feed["received"], int), "received is no whole number")
    equal("timing_error_ns", feed["timing_error_ns"], None)
    equal("truncated, filtered, kernel_dropped",
          [feed[key] for key in ("truncated", "filtered", "kernel_dropped")], [0, 0, 0])


@case("without --json it is the line promised")
def _():
    feed = replay(SAMPLE, json=False)
    check(re.fullmatch(r"received=\d+ injected=\d+ dropped=\d+ skipped=\d+ errors=\d+ "
                       r"seconds=\d+\.\d+ packets_per_second=\d+ latency_p50_us=\d+\.\d "
                       r"latency_p99_us=\d+\.\d latency_max_us=\d+\.\d\n", feed.output()),
          feed.output())
    equal("received", feed["received"], len(read(SAMPLE)))
    feed = replay(SAMPLE, "--pps", "10000", json=False)
    check(re.fullmatch(r".* latency_max_us=\d+\.\d timing_error_p50_us=\d+\.\d "
                       r"timing_error_p99_us=\d+\.\d timing_error_max_us=\d+\.\d\n",
                       feed.output()), feed.output())


@case("an empty capture: zeros, and numbers that are numbers")
def _():
    for as_json in (True, False):
        feed = replay(made(pcap([])), json=as_json)
        equal("status", feed.status, 0)
        equal("received", feed["received"], 0)
        equal("packets_per_second", feed["packets_per_second"], 0)


@case("standard output carries the report alone, standard error no escape sequences")
def _():
    feed = replay(SAMPLE, "-v")
    equal("lines", feed.output().count("\n"), 1)
    check(not any(re.search(r"[\x00-\x08\x0b-\x1f]", line) for line in feed.log),
          feed.log)


@case("-q prints only the report; -v says more than without")
def _():
    plain = replay(SAMPLE)
    for option in ("-q", "--quiet"):
        feed = replay(SAMPLE, option)
        equal("log", feed.log, [])
        equal("injected", feed["injected"], plain["injected"])
    for option in ("-v", "--verbose"):
        check(len(replay(SAMPLE, option).log) > len(plain.log), "-v adds nothing")


@case("-q still shows errors")
def _():
    feed = replay(made(pcap(numbered(10))[:-1]), "-q")
    equal("status", feed.status, 1)
    equal("lines", len(feed.log), 1)


@case("on a terminal there is a progress line, and log lines stay whole")
def _():
    master, slave = pty.openpty()
    source = made(pcap(numbered(3000)))
    process = subprocess.Popen(
        [TAPFEED, "replay", "--name", "tf0", "--pps", "1000", source],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave)
    os.close(slave)
    shown = b""
    while True:
        try:
            shown += os.read(master, 65536)
        except OSError:  # EIO: the other side is closed
            break
    os.close(master)
    report = parse_report(process.stdout.read().decode(), False)
    equal("status", process.wait(5), 0)
    equal("injected", report["injected"], 3000)
    check(shown.count(b"\r") > 3, "no progress in %r" % shown[-300:])
    check(b"tf0 is up (tap, mtu 1500)" in shown, shown[:200])


@case("standard output that is full or closed: the status says so, or it goes on")
def _():
    with open("/dev/full", "w") as full:
        done = subprocess.run([TAPFEED, "replay", "--name", "tf0", "--linger", "0",
                               ten()], stdout=full, stderr=subprocess.PIPE, timeout=20)
    check(done.returncode == 1, "status %d" % done.returncode)


# ---- other -------------------------------------------------------------------

@case("--help and --version, of tapfeed and of replay")
def _():
    for args in (["--help"], ["-h"], ["replay", "--help"], ["replay", "-h"],
                 ["live", "--help"], ["status", "-h"]):
        done = subprocess.run([TAPFEED, *args], capture_output=True, text=True,
                              timeout=20)
        equal("status of %s" % args, done.returncode, 0)
        check(args[0] in "--help " + done.stdout and not done.stderr, done)
        check(all(len(line) <= 80 for line in done.stdout.splitlines()),
              "a line is longer than 80 columns")
        for status in "01234" if args[0] in ("replay", "live") else "":
            check(re.search(r"\b%s: " % status, done.stdout), "exit status " + status)
    for args in (["--version"], ["-V"], ["replay", "--version"]):
        done = subprocess.run([TAPFEED, *args], capture_output=True, text=True,
                              timeout=20)
        equal("status of %s" % args, done.returncode, 0)
        check(re.match(r"tapfeed \d+\.\d+", done.stdout), done.stdout)


@case("options after the file, --option=value, and -- before a file with a dash")
def _():
    feed = replay(ten(), "--count=3")
    equal("injected", feed["injected"], 3)
    for words in ([ten(), "--name", "tf0", "-c4"], ["--name=tf0", "-c", "4", "--",
                                                   "-dash.pcap"]):
        here = os.path.dirname(made(pcap(numbered(10)), "-dash.pcap"))
        done = subprocess.run([TAPFEED, "replay", "--linger", "0", *words],
                              capture_output=True, text=True, timeout=20, cwd=here)
        equal("status of %s: %s" % (words, done.stderr), done.returncode, 0)
        equal("injected", parse_report(done.stdout, False)["injected"], 4)


@case("inherited descriptors and a hostile environment change nothing")
def _():
    spare = [socket.socket() for _ in range(20)]
    environment = dict(os.environ, LISTEN_FDS="3", LISTEN_PID="1", NOTIFY_SOCKET="/x",
                       LISTEN_FDNAMES="feed:control:counters", WATCHDOG_USEC="1",
                       LD_BIND_NOW="1", LANG="xx", TZ=":/etc/passwd")
    done = subprocess.run(
        [TAPFEED, "replay", "--name", "tf0", "--linger", "0", ten()], env=environment,
        capture_output=True, text=True, timeout=20,
        pass_fds=[sock.fileno() for sock in spare])
    equal("status: %s" % done.stderr, done.returncode, 0)
    equal("injected", parse_report(done.stdout, False)["injected"], 10)


main()
