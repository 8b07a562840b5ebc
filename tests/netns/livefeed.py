# SPDX-License-Identifier: Apache-2.0
"""What the tests of `tapfeed live` share: feeds, silent wires, senders, hosts."""
import os
import signal
import socket
import subprocess

from captures import frame
from harness import (BUILDDIR, Feed, Reader, SLOW, Skip, check, equal, exists,
                     frames_equal, run, until, write_file)

SENDER = os.path.join(BUILDDIR, "tests", "netns", "packet-sender")
PEER = "-peer"


def wire(*names):
    """Veth pairs NAME, NAME-peer, up, on which nobody says a word unasked."""
    for name in names:
        run("ip", "link", "add", "name", name, "type", "veth", "peer", "name",
            name + PEER)
        for end in (name, name + PEER):
            silence(end)
            run("ip", "link", "set", end, "up")


def silence(name):
    knob = "/proc/sys/net/ipv6/conf/%s/disable_ipv6" % name
    if os.path.exists(knob):
        write_file(knob, "1")


class Live(Feed):
    """One run of `tapfeed live`; sources: an interface, or a list of them."""

    def __init__(self, sources, *args, name="lc0", **how):
        super().__init__(sources, *args, name=name, command="live", **how)

    def stop(self, number=signal.SIGINT, status=0):
        """Ends it as a user does."""
        self.signal(number)
        self.wait(10)
        equal("status", self.status, status)
        return self


class Watch:
    """A live feed that is up, with readers on its sources and its interface."""

    def __init__(self, *sources, args=(), name="lc0", **how):
        self.sources = [Reader(source) for source in sources]
        for reader in self.sources:
            check(reader.bound.wait(5 * SLOW), "no reader on " + reader.name)
        self.copy = Reader(name)
        self.feed = Live(list(sources), *args, name=name, **how)
        self.feed.wait_up()
        check(self.copy.bound.wait(5 * SLOW), "no reader on " + name)
        self.seen = None  # frames of the first source before the feed was stopped

    @property
    def frames(self):
        return self.copy.frames

    def end(self, number=signal.SIGINT, status=0):
        """Stops it; what the readers saw is whole then."""
        self.seen = len(self.sources[0].both)
        self.feed.stop(number, status)
        return self.finish()

    def finish(self):
        self.copy.finish()
        for reader in self.sources:
            reader.finish()
        equal("frames of the host's own", len(self.copy.outgoing), 0)
        return self

    def is_copy(self):
        """What the first source saw, in both directions, is what was injected, each
        direction in order: two that cross on two processors are seen in another order
        by each socket. A host's last words (FIN, ARP) may come after the feed was
        stopped."""
        whole = self.sources[0].both
        cut = self.seen is not None and self.seen <= len(self.frames)
        for sender in {data[6:12] for data in whole + self.frames}:
            copied = [data for data in self.frames if data[6:12] == sender]
            there = [data for data in whole if data[6:12] == sender]
            frames_equal(copied, there[:len(copied)] if cut else there)
        equal("received", self.feed["received"], len(self.frames))
        equal("kernel_dropped", self.feed["kernel_dropped"], 0)


def send(name, frames):
    """Sends frames out of interface name, one by one."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind((name, 0))
        for data in frames:
            sock.send(data)


def flood(name, count, per_second, size="60"):
    """Starts packet-sender: numbered frames at a rate."""
    if not os.path.exists(SENDER):
        raise Skip("packet-sender is not built (make check builds it)")
    return subprocess.Popen([SENDER, name, str(count), str(per_second), str(size)],
                            stdout=subprocess.PIPE, text=True)


def numbers(frames):
    """The numbers of packet-sender's and captures.numbered()'s frames."""
    return [int.from_bytes(data[14:18], "big") for data in frames]


def tagged(tags, length=80):
    return frame(length, tags=bytes.fromhex(tags))


class Host:
    """Another network namespace, which holds one end of a wire."""

    def __init__(self, end, address):
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "1000"])
        own = os.readlink("/proc/self/ns/net")
        until("another namespace", lambda: os.readlink(
            "/proc/%d/ns/net" % self.holder.pid) != own)
        run("ip", "link", "set", end, "netns", str(self.holder.pid))
        self.run("sysctl", "-qw", "net.ipv6.conf.%s.disable_ipv6=1" % end)
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "address", "add", address, "dev", end)
        self.run("ip", "link", "set", end, "up")

    def enter(self, command):
        return ["nsenter", "-t", str(self.holder.pid), "-n", *command]

    def run(self, *command):
        return run(*self.enter(command))

    def start(self, *command):
        return subprocess.Popen(self.enter(command), stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)


def connected(name="eth1"):
    """A wire to a Host: 10.77.0.1 on this side, 10.77.0.2 on that."""
    wire(name)
    host = Host(name + PEER, "10.77.0.2/24")
    run("ip", "address", "add", "10.77.0.1/24", "dev", name)
    return host


def promiscuity(name):
    words = run("ip", "-d", "link", "show", "dev", name).split()
    return int(words[words.index("promiscuity") + 1])


def refused(sources, *args, status=2, **how):
    """A run that must not begin; returns it."""
    feed = Live(sources, *args, **how)
    feed.wait(10)
    equal("status", feed.status, status)
    if feed.name and feed.name not in sources:
        check(not exists(feed.name), "made the interface all the same")
    return feed
