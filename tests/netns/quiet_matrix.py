# SPDX-License-Identifier: Apache-2.0
"""The quiet interface, proven: each probe of quietprobes.py in each scene. With the
shield the host answers, takes, believes and forwards none of them, sends nothing on
the interface, and a reader sees each one once. The control of each cell is the same
with --host-visible, where it has to show.

An administrator has done all he can to have the host take part (but for removing
the filters): ARP and IPv6 switched on, addresses, groups joined, a bridge.
"""
import os
import socket
import struct
import time

from captures import pcap_header, pcap_record
from harness import (Feed, Reader, case, check, equal, frames_equal, main, run, until,
                     veth, write_file)
import quietprobes as q
from quietprobes import ELSEWHERE, TAP, TUN

MAC = "02:00:5e:00:53:01"
RAW, ETHERNET = 101, 1
SETTLE_S = 0.35  # IGMP and MLD are answered within 0.1 s, the rest at once


# ---- the host ----------------------------------------------------------------

def sysctl(value, *names):
    for name in names:
        path = "/proc/sys/net/" + name
        if os.path.exists(path):
            write_file(path, str(value))


class Host:
    """A host that forwards and answers whatever it may; where: the interface with its
    addresses (tf0: the feed's own)."""

    def __init__(self, where, rp_filter, bridge=False):
        self.where, self.rp_filter = where, rp_filter
        self.bridge = bridge
        sysctl(rp_filter, "ipv4/conf/all/rp_filter", "ipv4/conf/default/rp_filter")
        sysctl(0, "ipv4/conf/default/arp_ignore", "ipv4/icmp_ratelimit",
               "ipv6/icmp/ratelimit", "ipv6/conf/default/accept_dad")
        sysctl(1, "ipv4/ip_forward", "ipv6/conf/all/forwarding",
               "ipv4/conf/all/accept_redirects")
        veth("far", "198.51.100.1/24", "2001:db8:1::1/64")
        for address in (q.FAR, q.FAR6):
            run("ip", "neighbour", "add", address, "lladdr", "02:00:5e:00:53:09", "dev",
                "far")
        self.others = ["far"]
        if bridge:
            run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
            # Of its own: it forgets its neighbours when that changes.
            run("ip", "link", "set", "br0", "up", "address", "02:00:5e:00:53:03",
                "addrgenmode", "none")
            veth("port")
            run("ip", "link", "set", "port", "master", "br0")
            self.others.append("port")
        elif where == "near":
            veth("near")
            self.others.append("near")
        if where != "tf0":
            self.address()

    @property
    def entry(self):
        """Where the host's stack meets the packets."""
        return "br0" if self.bridge else "tf0"

    def address(self):
        run("ip", "address", "add", q.HOST + "/24", "dev", self.where)
        run("ip", "address", "add", q.HOST6 + "/64", "dev", self.where, "nodad")
        self.neighbours(self.where, q.PEER, q.PEER6, q.OTHER_ROUTER)
        run("ip", "route", "add", "203.0.113.0/24", "via", q.PEER, "dev", self.where)

    @staticmethod
    def neighbours(device, *addresses):
        for address in addresses:
            run("ip", "neighbour", "replace", address, "lladdr", "02:00:5e:00:53:02",
                "dev", device)

    def administer(self, kind):
        """What can be done to tf0 once it is up."""
        sysctl(0, "ipv6/conf/tf0/accept_dad", "ipv6/conf/tf0/disable_ipv6")
        if kind == TAP:
            run("ip", "link", "set", "tf0", "arp", "on")
        if self.bridge:
            run("ip", "link", "set", "tf0", "master", "br0")
        # Routers believe no other router.
        sysctl(0, "ipv6/conf/%s/forwarding" % self.entry)
        sysctl(1, *("ipv6/conf/%s/%s" % (self.entry, knob) for knob in (
            "accept_ra", "accept_ra_defrtr", "accept_redirects")),
            "ipv4/conf/%s/accept_redirects" % self.entry)
        sysctl(self.rp_filter, "ipv4/conf/%s/rp_filter" % self.entry)
        run("ip", "address", "replace", q.LINK6 + "/64", "dev", self.entry, "nodad")
        if self.where == "tf0":
            self.address()
        elif self.where == "near" and self.rp_filter:
            # The way back has to be by tf0, or the control is not heard.
            run("ip", "route", "add", q.PEER, "dev", "tf0", "src", q.HOST)
            self.neighbours("tf0", q.PEER)
        self.neighbours(self.entry, q.ROUTER6, q.OTHER_ROUTER6)
        run("ip", "route", "replace", "2001:db8:3::/48", "via", q.ROUTER6, "dev",
            self.entry)


def sockets(entry):
    """All who wait for something, group members on the interface."""
    index = socket.if_nametoindex(entry)
    found = []
    for family, any_address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        server = socket.socket(family, socket.SOCK_STREAM)
        receiver = socket.socket(family, socket.SOCK_DGRAM)
        for sock in (server, receiver):
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((any_address, q.TCP_PORT))
        server.listen()
        receiver.bind((any_address, q.UDP_PORT))
        receiver.setblocking(False)
        found += [server, receiver]
    found[1].setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack(
        "=4s4si", q.packed(q.GROUP), bytes(4), index))
    found[3].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                        q.packed(q.GROUP6) + struct.pack("=i", index))
    return found


def datagrams(receivers):
    got = []
    for receiver in receivers:
        while True:
            try:
                got.append(receiver.recv(100))
            except BlockingIOError:
                break
    return got


# ---- one run -----------------------------------------------------------------

def parted(reader, kind):
    """What the host sent on that interface, as (EtherType, payload)."""
    for data in list(reader.outgoing):
        if kind == TUN and reader.name == "tf0":
            yield 0x86dd if data[0] >> 4 == 6 else 0x800, data
        else:
            yield struct.unpack(">H", data[12:14])[0], data[14:]


def unasked(kind, data):
    """What a host says on interfaces of its own by itself: which groups it is in (not
    in the version that the probes ask in), who its neighbours and routers are."""
    if kind == 0x800:
        return data[9] == 2 and data[24] == 0x22
    return kind == 0x86dd and (data[6] == 0 and data[48] == 143 or
                               data[6] == 58 and data[40] in (133, 135))


class Seen:
    """What the host did with the probes, so far."""

    def __init__(self, rows, kind, readers, receivers):
        self.rows, self.kind, self.readers = rows, kind, readers
        self.receivers, self.datagrams = receivers, []

    def shows(self, row, sent):
        if row.how == "delivered":
            return row.shows in self.datagrams
        if row.how == "state":
            return row.shows()
        return any(row.shows(kind, data) for kind, data in sent)

    def names(self):
        self.datagrams += datagrams(self.receivers)
        sent = [part for reader in self.readers for part in parted(reader, self.kind)]
        return {row.name for row in self.rows if self.shows(row, sent)}

    def from_bridge(self, frame):
        return frame in self.readers[0].outgoing


def promiscuous():
    """A reader that asks for it, as tcpdump does."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3)
    sock.bind(("tf0", 3))
    sock.setsockopt(263, 1, struct.pack("=iHH8x", socket.if_nametoindex("tf0"), 1, 0))
    return sock


INTO = q.ethernet(b"from behind the bridge" + bytes(40), q.BROADCAST, 0x88b5)


def inject(host, kind, rows, options, finish):
    """Sends the rows through a feed; finish() gets a Seen while it is up."""
    readers = [Reader(name) for name in ["tf0", *host.others]]
    source, sink = os.pipe()
    if kind == TAP:
        options = ["--mac", MAC, *options]
    feed = Feed("-", "--type", kind, "--linger", "0", *options, stdin=source)
    os.close(source)
    feed.wait_up()
    host.administer(kind)
    held = [*sockets(host.entry), promiscuous()]
    for reader in readers:
        check(reader.bound.wait(5), "no reader on " + reader.name)
    frames = [row.frames[kind] for row in rows]
    seen = Seen(rows, kind, readers, held[1:4:2])
    equal("before any probe", seen.names(), set())
    with os.fdopen(sink, "wb") as pipe:
        pipe.write(pcap_header(link_type=ETHERNET if kind == TAP else RAW))
        pipe.write(b"".join(map(pcap_record, frames)))
        pipe.flush()
        if host.bridge:
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as port:
                port.bind(("port-peer", 0))
                port.send(INTO)
        readers[0].wait(len(frames))
        finish(seen)
    for sock in held:
        sock.close()
    feed.wait()
    for reader in readers:
        reader.finish()
    equal("status", feed.status, 0)
    equal("injected", feed["injected"], len(frames))
    frames_equal(readers[0].frames, frames)
    return seen


def quiet(host, kind, rows):
    def finish(seen):
        time.sleep(SETTLE_S)
        equal("what the host did", sorted(seen.names()), [])
    seen = inject(host, kind, rows, [], finish)
    equal("datagrams", seen.datagrams, [])
    equal("frames of the host's own on the interface", seen.readers[0].outgoing, [])
    for reader in seen.readers[1:]:
        sent = [part for part in parted(reader, kind) if not unasked(*part)]
        equal("what the host sent by " + reader.name, sent, [])


def control(host, kind, rows, scene):
    want = {row.name for row in rows if scene not in row.silent}

    def finish(seen):
        end = time.monotonic() + 3
        while not want <= seen.names() and time.monotonic() < end:
            time.sleep(0.02)
        equal("shown without the shield, and missing",
              sorted(want - seen.names()), [])
        if host.bridge:
            until("a frame out of the bridge", lambda: seen.from_bridge(INTO))
    inject(host, kind, rows, ["--host-visible"], finish)


# ---- the matrix --------------------------------------------------------------

SCENES = [
    ("addresses on another interface, rp_filter 0", ELSEWHERE, "near", 0),
    ("addresses on another interface, rp_filter 1", ELSEWHERE, "near", 1),
    ("addresses on the interface itself, rp_filter 0", "here", "tf0", 0),
    ("addresses on the interface itself, rp_filter 1", "here", "tf0", 1),
    ("in a bridge that has addresses, rp_filter 1", "bridge", "br0", 1),
]


def add(kind, title, scene, where, rp_filter):
    bridge = scene == "bridge"
    rows = q.probes(kind, q.IPV4, q.IPV6, q.BRIDGED if bridge else [])

    @case("%s, %s: %d probes" % (kind, title, len(rows)))
    def _():
        host = Host(where, rp_filter, bridge)
        quiet(host, kind, rows)
        control(host, kind, rows, scene)


for kind in (TAP, TUN):
    for title, scene, where, rp_filter in SCENES:
        if kind == TAP or scene != "bridge":
            add(kind, title, scene, where, rp_filter)
main()
