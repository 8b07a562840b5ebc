# SPDX-License-Identifier: Apache-2.0
"""What an operator meets: odd sources, names in filters, a terminal nobody reads."""
from captures import block, expected, numbered, pcap, read, section
from harness import (SAMPLE, SLOW, Feed, Reader, case, check, descendants, equal,
                     frames_equal, main, made, path, until)
import os
import signal
import subprocess
import time


def sparse(first):
    """pcapng of some GiB without a packet, but for what first holds: a sparse file."""
    name = made(first, "sparse.pcapng")
    with open(name, "r+b") as file:
        file.seek(0, os.SEEK_END)
        size = 0xfffffff0
        head = block(0xbad, b"")[:4] + size.to_bytes(4, "little")
        for _ in range(8):
            begin = file.tell()
            file.write(head)
            file.seek(begin + size - 4)
            file.write(size.to_bytes(4, "little"))
    return name


@case("a file without packets for a long time: Hello in time, a signal ends it")
def _():
    feed = Feed(sparse(section()), "--linger", "0")
    feed.wait_up()
    time.sleep(0.5)
    check(feed.process.poll() is None, "it ended: %s" % feed.log)
    feed.signal(signal.SIGTERM)
    began = time.monotonic()
    feed.wait(5)
    check(time.monotonic() - began < 3, "took long to end")
    equal("status", feed.status, 0)
    check(not feed.lines("Hello|killed"), feed.log)


@case("names of hosts and networks in a filter are refused, not looked up")
def _():
    for words in ("host localhost", "net loopback", "ether host nobody", "src host a.b"):
        done = subprocess.run([Feed(SAMPLE).wait().command[0], "replay", "--filter",
                               words, SAMPLE], capture_output=True, text=True, timeout=20)
        equal("status of %r" % words, done.returncode, 2)
        check("unknown" in done.stderr, done.stderr)
    feed = Feed(SAMPLE, "--filter", "host 192.0.2.1 or ip6 net 2001:db8::/32").wait()
    equal("status", feed.status, 0)
    check(feed["received"] > 100 and feed["filtered"] > 0, feed.report)


@case("nobody but capture keeps the pipe that packets come by")
def _():
    out, into = os.pipe()
    feed = Feed("-", stdin=out)
    os.close(out)
    feed.wait_up()
    capture = feed.worker("capture")
    pipe = os.fstat(into).st_ino
    for pid in (feed.process.pid, *descendants(feed.process.pid)):
        held = []
        for number in os.listdir("/proc/%d/fd" % pid):
            held.append(os.readlink("/proc/%d/fd/%s" % (pid, number)))
        has = "pipe:[%d]" % pipe in held
        equal("process %d holds the pipe (capture is %d)" % (pid, capture), has,
              pid == capture)
    os.close(into)
    feed.wait()
    equal("status", feed.status, 2)  # it was empty


@case("--linger is for readers: without a packet there is none")
def _():
    for source in (made(b"no capture file", "none.pcap"), made(pcap([]), "empty.pcap")):
        feed = Feed(source, "--linger", "1h").wait(5)
        check(feed.took < 3 * SLOW, "took %.1f s" % feed.took)


@case("standard error that nobody reads does not keep it from ending")
def _():
    out, into = os.pipe()
    os.set_blocking(into, False)
    try:
        while True:
            os.write(into, b"x" * 4096)
    except BlockingIOError:
        pass
    os.set_blocking(into, True)
    command = Feed(SAMPLE).wait().command
    with open(path("report"), "w+") as report:
        process = subprocess.Popen(
            [command[0], "replay", "--name", "tf1", "--pps", "100", SAMPLE],
            stdin=subprocess.DEVNULL, stdout=report, stderr=into)
        try:
            until("tf1", lambda: os.path.exists("/proc/%d/fd" % process.pid) and
                  subprocess.run(["ip", "link", "show", "tf1"],
                                 capture_output=True).returncode == 0)
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            equal("status", process.wait(6), 0)
        finally:
            process.kill()
            process.wait()
            os.close(into)
            os.close(out)
        report.seek(0)
        check(report.read().startswith("received="), "no report")


@case("standard input that stands at an offset begins there, and loops there")
def _():
    with open(SAMPLE, "rb") as file:
        data = file.read()
    name = made(b"7 bytes" + data, "offset.bin")
    for arguments, times in (((), 1), (("--loop", "3"), 3)):
        reader = Reader("tf0")
        fd = os.open(name, os.O_RDONLY)
        os.lseek(fd, 7, os.SEEK_SET)
        feed = Feed("-", "--startup-delay", "300ms", *arguments, stdin=fd)
        os.close(fd)
        feed.wait()
        equal("status", feed.status, 0)
        frames_equal(reader.finish().frames, expected(read(SAMPLE)).frames * times)


@case("--loop 0 ends where nothing passes the filter")
def _():
    feed = Feed(made(pcap(numbered(10))), "--loop", "0", "--filter", "tcp port 1").wait(5)
    equal("status", feed.status, 0)
    equal("received", feed["received"], 0)


@case("--loop 0 ends where everything is skipped, which no pace holds up")
def _():
    for args in ((), ("--loop-gap", "10s"), ("--pps", "1")):
        feed = Feed(made(pcap([b""] * 3)), "--loop", "0", *args).wait(5)
        equal("status", feed.status, 0)
        equal("skipped", feed["skipped.too_short"], 3)
    feed = Feed(made(pcap([b"", *numbered(1)])), "--loop", "0", "--count", "8").wait(5)
    equal("injected", feed["injected"], 4)


@case("--pps starts at its pace, without a burst")
def _():
    feed = Feed(made(pcap(numbered(200))), "--pps", "2000").wait()
    check(feed["seconds"] >= 0.098, "200 packets at 2000/s took %s s" % feed["seconds"])


@case("a lost terminal (SIGHUP) ends it like SIGTERM")
def _():
    feed = Feed(made(pcap(numbered(2000))), "--pps", "500")
    feed.wait_up()
    time.sleep(0.3)
    feed.signal(signal.SIGHUP)
    feed.wait(5)
    equal("status", feed.status, 0)
    check(feed["received"] > 0, feed.report)


@case("a refused source is one line of its own, and nobody else complains")
def _():
    for number in range(8):
        feed = Feed(made(b"%d no capture file" % number, "none.pcap")).wait(5)
        equal("status", feed.status, 2)
        equal("lines but \"is up\": %s" % feed.log, len(feed.lines("none.pcap")),
              len([line for line in feed.log
                   if "is up" not in line and "not installed" not in line]))
        equal("lines", len(feed.lines("none.pcap")), 1)


@case("other compressions are named, with what reads them")
def _():
    for magic, tool in ((b"\xfd7zXZ\x00", "xzcat"), (b"BZh9", "bzcat"),
                        (b"\x04\x22\x4d\x18", "lz4cat")):
        feed = Feed(made(magic + bytes(100), "packed")).wait(5)
        equal("status", feed.status, 2)
        check(feed.lines(tool), feed.log)


@case("SIGTERM of capture alone: it ends its feed in order")
def _():
    reader = Reader("tf0")
    out, into = os.pipe()
    feed = Feed("-", "--linger", "0", stdin=out)
    os.close(out)
    feed.wait_up()
    os.write(into, pcap(numbered(3)))
    reader.wait(3)
    os.kill(feed.worker("capture"), signal.SIGTERM)
    feed.wait(5)
    os.close(into)
    equal("status", feed.status, 0)
    equal("injected", feed["injected"], 3)
    reader.finish()


main()
