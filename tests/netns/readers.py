# SPDX-License-Identifier: Apache-2.0
"""--wait-for-reader, --readers, --no-reader and --linger auto: what readers come to see
that come late, go and come back."""
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

from captures import numbered
from harness import (BUILDDIR, SLOW, TAPFEED, Feed, Reader, Skip, case, check, equal,
                     exists, frames_equal, main, note, path, pcap_of, run, service_uid,
                     until, veth)
from restarted import kill

ALL, IPV4, LLDP = 0x0003, 0x0800, 0x88cc


def waiting(frames, *args, settle="300ms", **how):
    """A feed that waits for its reader."""
    feed = Feed(pcap_of(frames), "--wait-for-reader=" + settle, "--linger", "200ms", *args,
                **how)
    feed.wait_line("tf0 waits for ")
    return feed


def packet_socket(name="tf0", protocol=ALL):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                         0 if name else socket.htons(protocol))
    if name:
        sock.bind((name, protocol))
    return sock


def told(name="tf0"):
    done = subprocess.run([TAPFEED, "status", "--json", name], text=True,
                          capture_output=True, timeout=10 * SLOW)
    feeds = json.loads(done.stdout)["feeds"]
    return [feed for feed in feeds if feed["sources"] == told.sources][0]


def watched(feed):
    told.sources = [feed.command[-1]]
    return feed


def stop(feed):
    feed.signal(signal.SIGINT)
    return feed.wait()


@case("a reader that comes late sees every packet from the first on, ten times", limit=120)
def _():
    frames = numbered(1000)
    for turn in range(10):
        feed = waiting(frames)
        time.sleep(0.02 * turn)
        reader = Reader("tf0")
        feed.wait()
        equal("status", feed.status, 0)
        frames_equal(reader.finish().frames, frames)


@case("the same with tcpdump, which reads by a ring, and --linger auto", limit=60)
def _():
    if not shutil.which("tcpdump"):
        raise Skip("no tcpdump")
    if os.geteuid() == 0 and service_uid() == 0:
        raise Skip("root of a user namespace: tcpdump cannot become another user there")
    frames = numbered(1000)
    for _ in range(2):
        feed = waiting(frames, "--linger", "auto", settle="1s")
        with open(path("seen.pcap"), "wb") as out:
            tcpdump = subprocess.Popen(["tcpdump", "-i", "tf0", "-U", "-w", "-"],
                                       stdout=out, stderr=subprocess.DEVNULL)
            feed.wait()
            tcpdump.wait(10)
        equal("status", feed.status, 0)
        with open(path("seen.pcap"), "rb") as seen:
            data = seen.read()
        equal("bytes seen", data[24:].count(b"\x88\xb5") >= 1000, True)
        equal("size", len(data), 24 + sum(16 + len(frame) for frame in frames))
        equal("lines about rings", len(feed.lines("with a ring cannot be seen")), 1)


@case("while it waits: said, shown by tapfeed status, nothing goes out", limit=60)
def _():
    feed = watched(waiting(numbered(10), settle="1s"))
    equal("line", feed.lines("waits for"),
          ["tapfeed: tf0 waits for 1 packet socket on it, unchanged for 1 s"])
    status = told()
    equal("state", status["state"], "waiting")
    equal("waits for", status["waits_for"], ["readers"])
    equal("readers", (status["readers"], status["readers_wanted"]), (0, 1))
    text = subprocess.run([TAPFEED, "status", "tf0"], capture_output=True, text=True,
                          timeout=10 * SLOW).stdout
    check("  waits     for readers\n" in text, text)
    check("  readers   0 (1 wanted)\n" in text, text)
    time.sleep(0.5)
    equal("packets", told()["received"], 0)
    with packet_socket():
        until("the reader", lambda: told()["readers"] == 1)
        began = time.monotonic()
        feed.wait_line("tf0 begins: 1 reader$")
        check(time.monotonic() - began > 0.3, "it did not wait")
        feed.wait()
    equal("status", feed.status, 0)
    equal("injected", feed["injected"], 10)


@case("sockets of all interfaces, of another one, of one protocol are no readers", limit=60)
def _():
    veth("other0")
    feed = watched(waiting(numbered(10), settle="100ms"))
    with packet_socket(None), packet_socket("other0"), packet_socket("tf0", LLDP), \
            packet_socket("tf0", IPV4), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0):
        time.sleep(0.6)
        equal("readers", told()["readers"], 0)
        with packet_socket():
            feed.wait()
    equal("injected", feed["injected"], 10)


@case("--readers 3: not before there are three, unchanged for the whole time", limit=60)
def _():
    feed = watched(waiting(numbered(10), "--readers", "3", settle="700ms"))
    first, second = packet_socket(), packet_socket()
    time.sleep(0.9)
    equal("readers of two", (told()["readers"], told()["state"]), (2, "waiting"))
    third = packet_socket()
    time.sleep(0.45)
    fourth = packet_socket()  # the time begins anew
    third.close()
    begun = time.monotonic()
    feed.wait_line("tf0 begins: 3 readers$")
    check(time.monotonic() - begun > 0.6, "it did not begin anew")
    feed.wait()
    for sock in (first, second, fourth):
        sock.close()
    equal("injected", feed["injected"], 10)


@case("with --startup-delay both have to be over", limit=60)
def _():
    feed = Feed(pcap_of(numbered(10)), "--wait-for-reader=0", "--startup-delay", "800ms",
                "--linger", "100ms")
    feed.wait_up()
    up = time.monotonic()
    reader = Reader("tf0")
    watched(feed)
    equal("waits for", told()["waits_for"][0], "startup_delay")
    feed.wait()
    frames_equal(reader.finish().frames, numbered(10))
    check(0.7 < reader.times[0] - up < 2 * SLOW, reader.times[0] - up)


@case("Ctrl-C while it waits ends it at once", limit=30)
def _():
    for number in (signal.SIGINT, signal.SIGTERM):
        feed = waiting(numbered(10))
        began = time.monotonic()
        feed.signal(number)
        feed.wait()
        equal("status", feed.status, 0)
        equal("received", feed["received"], 0)
        check(time.monotonic() - began < 1 * SLOW, "it took its time")


@case("live: up at once, what passes before the reader is there is not counted", limit=60)
def _():
    veth("src0")
    feed = Feed("src0-peer", "--wait-for-reader=200ms", "--linger", "100ms", "--immediate",
                command="live")
    feed.wait_up()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
        sender.bind(("src0", 0))
        early, later = numbered(20)[:10], numbered(20)[10:]
        for data in early:
            sender.send(data)
        reader = Reader("tf0")
        feed.wait_line("tf0 begins")
        time.sleep(0.2)
        for data in later:
            sender.send(data)
        reader.wait(10)
    stop(feed)
    frames_equal([data for data in reader.finish().frames if data in early + later], later)


@case("the injector killed while it waits: the successor waits on", limit=60)
def _():
    feed = watched(waiting(numbered(100)))
    kill(feed, "injector")
    feed.wait_line("tf0 goes on")
    time.sleep(0.3)
    equal("state", told()["state"], "waiting")
    reader = Reader("tf0")
    feed.wait()
    frames_equal(reader.finish().frames, numbered(100))


# ---- readers go --------------------------------------------------------------

def some(count):
    """Reads so many frames, and goes at once; unlike Reader, in the midst of more."""
    with packet_socket() as sock:
        sock.settimeout(10)
        return [sock.recv(2000) for _ in range(count)]


def under_way(*args):
    """A feed of 5000 packets, a thousand a second, and what its reader saw of them
    before it went."""
    feed = watched(waiting(numbered(5000), "--pps", "1000", *args, settle="200ms"))
    seen = some(300)
    frames_equal(seen, numbered(300))
    return feed, seen


@case("--no-reader continue, the default: said, and packets go on", limit=60)
def _():
    feed, _ = under_way()
    feed.wait_line("nobody reads tf0 any more: packets go on")
    before = told()["injected"]
    until("packets", lambda: told()["injected"] > before + 100)
    equal("state", told()["state"], "running")
    reader = Reader("tf0")
    feed.wait_line("tf0 is read again .1 reader.")
    feed.wait()
    reader.finish()
    equal("status", feed.status, 0)
    equal("injected", feed["injected"], 5000)


@case("--no-reader continue, given alone: said, too", limit=60)
def _():
    feed = watched(Feed(pcap_of(numbered(1000)), "--no-reader", "continue", "--pps",
                        "500", "--linger", "0"))
    feed.wait_line("tf0 is up")
    some(100)
    feed.wait_line("nobody reads tf0 any more: packets go on .--no-reader continue.")
    feed.wait()
    equal("injected", feed["injected"], 1000)


@case("--no-reader pause: packets wait, and whoever comes then misses none", limit=60)
def _():
    feed, first = under_way("--no-reader", "pause")
    feed.wait_line("nobody reads tf0 any more: packets wait until somebody does")
    time.sleep(0.3)
    before = told()
    equal("state", before["state"], "paused")
    time.sleep(0.5)
    equal("injected", told()["injected"], before["injected"])
    second = Reader("tf0")
    feed.wait_line("tf0 is read again")
    feed.wait(30)
    equal("status", feed.status, 0)
    equal("injected", feed["injected"], 5000)
    second.finish()
    frames_equal(second.frames, numbered(5000)[before["injected"]:])
    # Asked twenty times a second: a fifth of one is a good deal.
    check(before["injected"] - len(first) < 200 * SLOW, "noticed too late")


@case("--no-reader pause, where a full queue drops: dropped and counted", limit=60)
def _():
    veth("src0")
    over = threading.Event()
    feed = watched(Feed("src0-peer", "--wait-for-reader=200ms", "--no-reader", "pause",
                        "--linger", "100ms", command="live"))
    feed.wait_up()

    def send():
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
            sender.bind(("src0", 0))
            while not over.wait(0.001):
                sender.send(numbered(1)[0])
    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    some(100)
    feed.wait_line("nobody reads tf0 any more: packets are dropped and counted")
    until("drops", lambda: told()["dropped"]["queue"] > 100)
    before = told()
    second = Reader("tf0")
    feed.wait_line("tf0 is read again")
    dropped = until("packets", lambda: second.frames and told()["dropped"]["queue"])
    time.sleep(0.2)
    equal("dropped with a reader", told()["dropped"]["queue"], dropped)
    over.set()
    sender.join()
    stop(feed)
    second.finish()
    equal("status", feed.status, 1)
    equal("dropped", feed["dropped.queue"], dropped)
    equal("seen after", len(second.frames), feed["injected"] - before["injected"])


@case("--no-reader pause: the injector killed meanwhile, the successor pauses too",
      limit=60)
def _():
    feed, _ = under_way("--no-reader", "pause")
    feed.wait_line("packets wait until")
    kill(feed, "injector")
    feed.wait_line("tf0 goes on")
    time.sleep(0.3)
    before = told()["injected"]
    time.sleep(0.4)
    equal("injected", told()["injected"], before)
    began = time.monotonic()
    stop(feed)
    check(time.monotonic() - began < 2 * SLOW, "it drained to nobody")


def stop_before(feed, again):
    """Kills the injector and has tapfeed stand still before it hears that the next one
    is ready; returns whether that came in time."""
    spawner = [process["pid"] for process in told()["processes"]
               if process["name"] == "spawner"][0]
    children = "/proc/%d/task/%d/children" % (spawner, spawner)

    def others():
        with open(children) as file:
            return set(file.read().split())
    before = others()
    os.kill(feed.worker("injector"), signal.SIGKILL)
    until("a successor", lambda: others() - before)
    os.kill(feed.process.pid, signal.SIGSTOP)
    time.sleep(1)
    return len(feed.lines("tf0 goes on")) < again


@case("--no-reader pause: the successor does not write until tapfeed tells it to", limit=60)
def _():
    feed, _ = under_way("--no-reader", "pause")
    feed.wait_line("packets wait until")
    before = told()["frames_written"]
    # The second time it is started again a second later.
    for again in 1, 2, 3:
        in_time = stop_before(feed, again)
        link = json.loads(run("ip", "-s", "-j", "link", "show", "tf0"))[0]
        os.kill(feed.process.pid, signal.SIGCONT)
        equal("written", link["stats64"]["rx"]["packets"], before)
        if in_time:
            break
        until("the next one", lambda: len(feed.lines("tf0 goes on")) == again)
    else:
        note("nothing was seen: tapfeed was faster each time")
    stop(feed)


@case("Ctrl-C while it pauses ends it at once: what waits counts as stopped", limit=30)
def _():
    feed, _ = under_way("--no-reader", "pause")
    feed.wait_line("packets wait until")
    began = time.monotonic()
    stop(feed)
    check(time.monotonic() - began < 2 * SLOW, "it drained to nobody")
    equal("status", feed.status, 1)
    check(feed["dropped.stopped"] > 0, feed.report)


@case("deleted while it pauses: said, and counted as what it was", limit=30)
def _():
    feed, _ = under_way("--no-reader", "pause")
    feed.wait_line("packets wait until")
    run("ip", "link", "del", "tf0")
    feed.wait()
    equal("status", feed.status, 1)
    check(feed["dropped.stopped"] > 0, feed.report)
    equal("errors", feed["errors"], 0)
    equal("lines", len(feed.lines("was deleted.* by somebody else.* lost, and counted")), 1)


@case("--no-reader exit: the feed ends with status 4", limit=30)
def _():
    feed, seen = under_way("--no-reader", "exit")
    feed.wait()
    equal("status", feed.status, 4)
    equal("lines", len(feed.lines("nobody reads tf0 any more: the feed ends")), 1)
    check(feed["injected"] < len(seen) + 500 * SLOW, feed.report)
    check(feed["dropped.stopped"] > 0, feed.report)


@case("--no-reader exit: a report in any case, where there was no packet too", limit=30)
def _():
    veth("src0")
    feed = watched(Feed("src0-peer", "--no-reader", "exit", "--filter", "udp port 9",
                        "--linger", "0", command="live"))
    feed.wait_line("tf0 is up")
    with packet_socket():
        until("a reader", lambda: told()["readers"] == 1)
    feed.wait()
    equal("status", feed.status, 4)
    equal("received", feed["received"], 0)


@case("--no-reader exit: a reader that goes when all is written is none of it", limit=30)
def _():
    feed = waiting(numbered(10), "--no-reader", "exit", "--linger", "700ms")
    reader = Reader("tf0")
    reader.wait(10)
    time.sleep(0.1)
    reader.finish()
    feed.wait()
    equal("status", feed.status, 0)


@case("--no-reader says nothing before the first reader", limit=30)
def _():
    for policy in ("pause", "exit"):
        feed = Feed(pcap_of(numbered(200)), "--no-reader", policy, "--pps", "1000",
                    "--linger", "0").wait()
        equal("status", feed.status, 0)
        equal("injected", feed["injected"], 200)


# ---- --linger auto ------------------------------------------------------------

def lingered(feed, since):
    feed.wait(30)
    equal("status", feed.status, 0)
    return time.monotonic() - since


@case("--linger auto: nobody reads, nothing to wait for", limit=30)
def _():
    began = time.monotonic()
    feed = Feed(pcap_of(numbered(10)), "--linger", "auto")
    check(lingered(feed, began) < 1.5 * SLOW, "it lingered")


@case("--linger auto: until a slow reader has taken the last packet", limit=30)
def _():
    feed = waiting(numbered(50), "--linger", "auto", settle="0")
    seen = []
    with packet_socket() as sock:
        feed.wait_line("tf0 begins")
        time.sleep(1.5)
        check(exists("tf0"), "the interface did not stay")
        while len(seen) < 50:
            seen.append(sock.recv(2000))
            check(exists("tf0") or len(seen) == 50, "it went before the last packet")
        began = time.monotonic()
        check(lingered(feed, began) < 1.5 * SLOW, "it stayed on")
    frames_equal(seen, numbered(50))


@case("--linger auto: ten seconds for one that does not read at all", limit=60)
def _():
    feed = waiting(numbered(50), "--linger", "auto", settle="0")
    with packet_socket():
        feed.wait_line("tf0 begins")
        took = lingered(feed, time.monotonic())
    check(9 < took < 13 * SLOW, took)


@case("--linger auto: a ring cannot be seen, and gets two seconds", limit=30)
def _():
    program = os.path.join(BUILDDIR, "tests/bench/packet-reader")
    if not os.path.exists(program):
        raise Skip("tests/bench/packet-reader is not built")
    feed = waiting(numbered(500), "--linger", "auto", settle="200ms")
    reader = subprocess.Popen([program, "tf0"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    feed.wait_line("tf0 begins")
    took = lingered(feed, time.monotonic())
    check(1.8 < took < 5 * SLOW, took)
    seen = json.loads(reader.communicate(timeout=10)[0].splitlines()[-1])
    equal("packets", seen["packets"], 500)


# ---- refusals ----------------------------------------------------------------

@case("what they exclude, and values that are none", limit=30)
def _():
    for args, text in ((["--join", "/nowhere", "--wait-for-reader"], "--wait-for-reader says"),
                       (["--join", "/nowhere", "--no-reader", "exit"], "--no-reader says"),
                       (["--wait-for-reader=x"], "--wait-for-reader x: must be"),
                       (["--readers", "2"], "--readers says nothing without"),
                       (["--readers", "0"], "--readers 0: must be 1 to 1024"),
                       (["--no-reader", "stop"], "continue, pause or exit"),
                       (["--linger", "automatic"], "must be auto, or a number")):
        feed = Feed(pcap_of(numbered(1)), *args, name=None).wait()
        equal("status", feed.status, 2)
        check(feed.lines(text), feed.log)


main()
