# SPDX-License-Identifier: Apache-2.0
"""An interface of several queues: each flow goes through one of them, whole, in both
directions, in order; a killed injector gets all of them back; nobody joins them."""
import collections
import errno
import fcntl
import json
import os
import random
import select
import socket
import struct
import subprocess
import threading
import time

import feedclient
import packets
from captures import pcap
from harness import (BUILDDIR, DELAY, SAMPLE, SLOW, SOL_PACKET, TAPFEED, Feed, Skip, case,
                     check, equal, exists, main, made, put_back_tag, run, until)
from restarted import kill, rising

TUNSETIFF, IFF_TUN, IFF_TAP, IFF_MULTI_QUEUE, IFF_NO_PI = 0x400454CA, 1, 2, 0x100, 0x1000
PACKET_AUXDATA, PACKET_FANOUT, FANOUT_QM, PACKET_OUTGOING = 8, 18, 5, 4
RAW = 101


# ---- readers -----------------------------------------------------------------

class Group:
    """One packet socket a queue, as a group that the kernel spreads by queue; frames[i]
    is what socket i saw, in order."""

    def __init__(self, name, count):
        self.name, self.frames = name, [[] for _ in range(count)]
        self.outgoing, self.lost = 0, 0
        self.error, self.stop = None, threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def total(self):
        return sum(map(len, self.frames))

    def work(self):
        try:
            while not exists(self.name):
                if self.stop.is_set():
                    return
                time.sleep(0.001)
            self.read([self.open() for _ in self.frames])
        except Exception as error:  # shown by finish()
            self.error = error

    def open(self):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        try:
            sock.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        except PermissionError:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
        sock.bind((self.name, 3))
        sock.setsockopt(SOL_PACKET, PACKET_FANOUT, 77 | FANOUT_QM << 16)
        sock.setblocking(False)
        return sock

    def read(self, socks):
        while True:
            ready, _, _ = select.select(socks, [], [], 0.05)
            for sock in ready:
                self.read_one(sock, self.frames[socks.index(sock)])
            if not ready and (self.stop.is_set() or not exists(self.name)):
                break
        for sock in socks:
            stats = sock.getsockopt(SOL_PACKET, 6, 8)  # PACKET_STATISTICS
            self.lost += struct.unpack("II", stats)[1]
            sock.close()

    def read_one(self, sock, frames):
        try:
            for _ in range(64):
                data, control, _, address = sock.recvmsg(70000, 64)
                if address[2] == PACKET_OUTGOING:
                    self.outgoing += 1
                else:
                    frames.append(put_back_tag(data, control))
        except BlockingIOError:
            pass
        except OSError as error:
            if error.errno != errno.ENETDOWN:  # it is being deleted
                raise

    def finish(self):
        self.stop.set()
        self.thread.join(20 * SLOW)
        if self.error:
            raise self.error
        if self.lost and os.geteuid():
            raise Skip("a normal user's receive buffer (net.core.rmem_max) is too small")
        equal("lost by the test's own readers", self.lost, 0)
        equal("of the host's own", self.outgoing, 0)
        return self.frames


def queue_info(name):
    link = json.loads(run("ip", "-d", "-json", "link", "show", "dev", name))[0]
    info = link["linkinfo"]["info_data"]
    return info["multi_queue"], info.get("numqueues"), info.get("numdisabled")


# ---- flows -------------------------------------------------------------------

def fragment(data, offset, more):
    """An IPv4 packet as a fragment of a larger one."""
    field = struct.pack(">H", offset >> 3 | more << 13)
    return data[:6] + field + data[8:]


def payload(flow, sequence):
    return b"tapfeed %08d %08d" % (flow, sequence)


def flow_packet(flow, sequence):
    """Packet number sequence of a flow of one of eight kinds, in either direction."""
    kind, back = flow % 8, random.random() < 0.5
    six = kind in (2, 3)
    base = "2001:db8::%x" if six else "10.1.%d.%d"
    one = base % (flow + 1) if six else base % (flow // 200, flow % 200 + 1)
    two = "2001:db8:1::1" if six else "192.0.2.1"
    ports = (20000 + flow, 443)
    if back:
        one, two, ports = two, one, ports[::-1]
    body = payload(flow, sequence)
    udp = struct.pack(">HHHH", *ports, 8 + len(body), 0) + body
    if kind in (0, 2, 6):
        tcp = struct.pack(">HHIIBBHHH", *ports, sequence, 0, 0x50, 16, 100, 0, 0)
        return packets.ip(one, two, packets.TCP, tcp + body)
    if kind in (1, 3):
        return packets.ip(one, two, packets.UDP, udp)
    if kind == 4:
        return packets.ip(one, two, 132, struct.pack(">HHII", *ports, 1, 0) + body)
    if kind == 5:  # of any protocol: fragments
        offset = random.choice((0, 1480, 2960))
        return fragment(packets.ip(one, two, random.choice((6, 17)), udp), offset,
                        offset < 2960)
    return packets.ip(one, two, 47, body)  # GRE


def ethernet(flow, data):
    tags = ((0x88a8, 9), (0x8100, 7)) if flow % 8 == 6 else ()
    return packets.ethernet(0x86dd if data[0] >> 4 == 6 else 0x800, data, tags)


def interleaved(flows, each, kind):
    """(flow, frame) of them all, in some order."""
    random.seed(flows)
    order = [flow for flow in range(flows) for _ in range(each)]
    random.shuffle(order)
    following = collections.Counter()
    for flow in order:
        data = flow_packet(flow, following[flow])
        following[flow] += 1
        yield flow, ethernet(flow, data) if kind == "tap" else data


def by_flow(frames):
    found = collections.defaultdict(list)
    for data in frames:
        at = data.index(b"tapfeed ") + 8
        found[int(data[at:at + 8])].append(data)
    return found


def sequences(frames):
    return [int(data[data.index(b"tapfeed ") + 17:][:8]) for data in frames]


# ---- cases -------------------------------------------------------------------

def spread(kind, queues, readers, *args, **how):
    """Runs 200 flows of 100 packets; what each socket saw, by flow, and what was sent."""
    sent = list(interleaved(200, 100, kind))
    link_type = 1 if kind == "tap" else RAW
    group = Group("tf0", readers)
    feed = Feed(made(pcap([data for _, data in sent], link_type=link_type)), "--type", kind,
                "--queues", str(queues), "--startup-delay", DELAY, "--linger", "200ms", *args, **how)
    feed.wait_up()
    several = (True, queues, 0) if queues > 1 else (False, None, None)
    equal("queues", queue_info("tf0"), several)
    feed.wait(30)
    equal("status", feed.status, 0)
    equal("injected", feed["injected"], len(sent))
    equal("bytes", feed["bytes_injected"], sum(len(data) for _, data in sent))
    want = collections.defaultdict(list)
    for flow, data in sent:
        want[flow].append(data)
    return [by_flow(frames) for frames in group.finish()], want


def whole_flows(seen, want):
    """Each flow on one socket, and there byte for byte in the order it was sent."""
    for flow, frames in want.items():
        where = [i for i, flows in enumerate(seen) if flow in flows]
        equal("sockets of flow %d" % flow, len(where), 1)
        check(seen[where[0]][flow] == frames, "flow %d is not as it was sent" % flow)
    equal("flows", sum(map(len, seen)), len(want))
    for number, flows in enumerate(seen):
        share = len(flows) / len(want) * len(seen)
        check(0.6 < share < 1.4, "socket %d has %.2f of its share" % (number, share))


for of_kind, count in (("tap", 4), ("tap", 8), ("tun", 2), ("tun", 3)):
    @case("%s, %d queues: each flow goes through one, whole and in order" % (of_kind, count),
          limit=60)
    def _(kind=of_kind, queues=count):
        whole_flows(*spread(kind, queues, queues))


@case("with a small queue that is waited for, and paced", limit=60)
def _():
    whole_flows(*spread("tap", 4, 4, "--queue-size", "7"))
    whole_flows(*spread("tap", 4, 4, "--pps", "40000", "--queue-size", "100"))


@case("the same where io_uring is forbidden", limit=60)
def _():
    without = os.path.join(BUILDDIR, "tests/netns/without-io-uring")
    whole_flows(*spread("tap", 4, 4, launch=[without]))


@case("the control: one queue, and all comes to one reader of the group", limit=60)
def _():
    seen, want = spread("tap", 1, 4)
    equal("flows of each", sorted(map(len, seen)), [0, 0, 0, len(want)])


@case("a killed injector gets all queues back: flows stay where they were", limit=90)
def _():
    sent = [data for _, data in interleaved(100, 500, "tap")]
    group = Group("tf0", 4)
    feed = Feed(made(pcap(sent)), "--queues", "4", "--startup-delay", DELAY, "--pps",
                "20000", "--linger", "200ms", "--queue-size", "64")
    until("packets", lambda: group.total() > 2000)
    index = socket.if_nametoindex("tf0")
    for _ in range(2):
        kill(feed, "injector")
        seen = group.total()
        until("further packets", lambda: group.total() > seen + 2000)
        equal("queues", queue_info("tf0"), (True, 4, 0))
        equal("the interface", socket.if_nametoindex("tf0"), index)
    feed.wait(30)
    seen = [by_flow(frames) for frames in group.finish()]
    equal("status", feed.status, 1)
    equal("injected", feed["injected"], group.total())
    equal("lost", feed["dropped.restart"], feed["received"] - group.total())
    for flow in range(100):
        where = [flows[flow] for flows in seen if flow in flows]
        equal("sockets of flow %d" % flow, len(where), 1)
        rising(sequences(where[0]))


@case("nobody else joins")
def _():
    feed = Feed(SAMPLE, "--queues", "4", "--linger", "1h")
    feed.wait_up()
    with open("/proc/self/uid_map") as users:
        if users.read().split() != ["0", "0", "4294967295"]:
            raise Skip("there is no other user in this namespace")
    for flags in (IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE, IFF_TAP | IFF_NO_PI,
                  IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE):
        for uid in (65534, 1000):
            fd = os.open("/dev/net/tun", os.O_RDWR)
            os.seteuid(uid)
            try:
                fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", b"tf0", flags))
                joined = True
            except OSError as error:
                joined = error.errno not in (errno.EPERM, errno.EINVAL)
            finally:
                os.seteuid(0)
                os.close(fd)
            equal("joined, uid %d, flags %#x" % (uid, flags), joined, False)
    equal("queues", queue_info("tf0"), (True, 4, 0))
    feed.signal(2)
    feed.wait()
    equal("status", feed.status, 0)


@case("tapfeed status tells how many there are")
def _():
    feeds = [Feed(SAMPLE, "--queues", str(queues), "--loop", "0", "--pps", "1000",
                  name="tf%d" % queues) for queues in (1, 3)]
    for feed in feeds:
        feed.wait_up()
    said = subprocess.run([TAPFEED, "status", "--json"], capture_output=True, timeout=20)
    equal("queues", {told["name"]: told["queues"] for told in json.loads(
        said.stdout)["feeds"]}, {"tf1": 1, "tf3": 3})
    said = subprocess.run([TAPFEED, "status"], capture_output=True, timeout=20,
                          text=True).stdout
    check("tf3: running, tap, mtu 1500, 3 queues, " in said, said)
    check("1 queue" not in said, said)
    for feed in feeds:
        feed.signal(2)
        feed.wait()


@case("numbers that are none, and the other feed's interface: status 2")
def _():
    for number in ("0", "9", "x", "1.5", "-1", ""):
        feed = Feed(SAMPLE, "--queues=" + number).wait()
        equal("status of " + number, feed.status, 2)
        check(feed.lines("--queues.*1 to 8"), feed.log)
    feed = Feed(SAMPLE, "--queues=2", "--join", "/nonexistent/x", name=None).wait()
    equal("status with --join", feed.status, 2)
    check(feed.lines("--queues says nothing with --join"), feed.log)


def adopted(injector, fds, queues):
    """Starts one with these stored descriptors; its status and what it said."""
    process = feedclient.spawn(
        feedclient.INJECTOR, [("interface", fd) for fd in fds] +
        [("counters", injector.page_fd), ("control", injector.control)],
        [*injector.options, "--queues=%d" % queues], stderr=subprocess.PIPE)
    log = process.communicate(timeout=20)[1].decode()
    return process.returncode, log


@case("stored queues that are not just those: refused")
def _():
    injector = feedclient.Injector(queues=3)
    injector.kill()
    injector.control = socket.socketpair(type=socket.SOCK_SEQPACKET)[0]
    one, two, three = injector.stored
    injector.options.pop()
    for fds, queues in (((one, two), 3), ((one,), 3), ((one, two, three), 2),
                        ((one, two, three), 1), ((one,), 1), ((one, two), 4),
                        ((one, two, two), 3), ((one, two, os.dup(one)), 3),
                        ((one, two, three) + 6 * (three,), 8)):
        status, log = adopted(injector, fds, queues)
        equal("status with %d for %d" % (len(fds), queues), status, 1)
        check("queue" in log and "of tf0" in log, log)
    equal("as they were", adopted(injector, (three, one, two), 3)[0], 0)


main()
