# SPDX-License-Identifier: Apache-2.0
"""The host neither answers, takes nor forwards what is injected, and readers see
nothing of the host's own.

Each probe has a control: with the shield taken off by the test itself the same frames
are answered, delivered and forwarded, so none can pass for the wrong reason.
"""
from captures import pcap
from harness import (Feed, Reader, case, check, equal, frames_equal, main, made, run,
                     veth, write_file)
import socket
import struct

OWN_MAC = bytes.fromhex("02005e005301")   # the feed's interface
PEER_MAC = bytes.fromhex("02005e005302")  # who the probes come from
HOST, PEER, FAR = (socket.inet_aton(a) for a in
                   ("192.0.2.1", "192.0.2.77", "198.51.100.9"))
HOST6, PEER6 = (socket.inet_pton(socket.AF_INET6, a) for a in
                ("2001:db8::1", "2001:db8::77"))
TCP_PORT, UDP_PORT = 8080, 9999


# ---- frames ------------------------------------------------------------------

def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return struct.pack(">H", ~total & 0xffff)


def ethernet(kind, body, to=OWN_MAC):
    return to + PEER_MAC + struct.pack(">H", kind) + body


def summed(data, at, pseudo=b""):
    """data with its checksum, which covers pseudo too, put in at byte at."""
    return data[:at] + checksum(pseudo + data) + data[at + 2:]


def ipv4(protocol, body, to=HOST):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 7, 0, 64, protocol,
                       0, PEER, to)
    return ethernet(0x800, summed(head, 10) + body)


def transport(protocol, body, at, to=HOST):
    pseudo = PEER + to + struct.pack(">HH", protocol, len(body))
    return ipv4(protocol, summed(body, at, pseudo), to)


def arp_request(to):
    return ethernet(0x806, struct.pack(">HHBBH6s4s6s4s", 1, 0x800, 6, 4, 1, PEER_MAC,
                                       PEER, bytes(6), HOST), to)


def icmpv6(body):
    head = struct.pack(">IHBB16s16s", 6 << 28, len(body), 58, 64, PEER6, HOST6)
    pseudo = PEER6 + HOST6 + struct.pack(">II", len(body), 58)
    return ethernet(0x86dd, head + summed(body, 2, pseudo))


def udp(to, port):
    body = struct.pack(">HHHH", 5555, port, 16, 0) + b"tapfeed!"
    return transport(17, body, 6, to)


PROBES = {
    "arp": arp_request(b"\xff" * 6),
    "arp-unicast": arp_request(OWN_MAC),
    "icmp": ipv4(1, summed(struct.pack(">BBHHH", 8, 0, 0, 1, 1) + b"echo", 2)),
    "tcp": transport(6, struct.pack(">HHIIBBHHH", 5555, TCP_PORT, 1, 0, 0x50, 2, 8192,
                                    0, 0), 16),
    "tcp-closed": transport(6, struct.pack(">HHIIBBHHH", 5556, 1, 1, 0, 0x50, 2, 8192,
                                           0, 0), 16),
    "udp": udp(HOST, UDP_PORT),
    "udp-closed": udp(HOST, 1),
    "forward": udp(FAR, 53),
    "icmpv6": icmpv6(struct.pack(">BBHHH", 128, 0, 0, 1, 1) + b"echo"),
}


# ---- the scene ---------------------------------------------------------------

def scene():
    """A host with addresses on both sides, that forwards."""
    for name in ("all", "default"):
        write_file("/proc/sys/net/ipv4/conf/%s/rp_filter" % name, "0")
        write_file("/proc/sys/net/ipv4/conf/%s/arp_ignore" % name, "0")
    write_file("/proc/sys/net/ipv4/ip_forward", "1")
    veth("near", "192.0.2.1/24", "2001:db8::1/64")
    veth("far", "198.51.100.1/24")
    mac = "02:00:5e:00:53:02"
    run("ip", "neighbour", "add", "192.0.2.77", "lladdr", mac, "dev", "near")
    run("ip", "neighbour", "add", "2001:db8::77", "lladdr", mac, "dev", "near")
    run("ip", "neighbour", "add", "198.51.100.9", "lladdr", mac, "dev", "far")


def classify(data):
    """Which probe this frame of the host's is an answer to, or None."""
    kind = struct.unpack(">H", data[12:14])[0]
    if kind == 0x806 and data[20:22] == b"\0\2" and data[28:32] == HOST:
        return "arp"
    if kind == 0x800 and data[30:34] == FAR:
        return "forward"
    if kind == 0x800 and data[26:30] == HOST:
        return {1: {0: "icmp", 3: "udp-closed"}.get(data[34]),
                6: {TCP_PORT: "tcp", 1: "tcp-closed"}.get(
                    struct.unpack(">H", data[34:36])[0])}.get(data[23])
    if kind == 0x86dd and data[20] == 58 and data[54] == 129:
        return "icmpv6"
    return None


def unshield():
    run("tc", "qdisc", "del", "dev", "tf0", "clsact")
    run("ip", "link", "set", "tf0", "arp", "on")
    write_file("/proc/sys/net/ipv6/conf/tf0/disable_ipv6", "0")


def sockets():
    server = socket.create_server(("0.0.0.0", TCP_PORT))
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("0.0.0.0", UDP_PORT))
    receiver.settimeout(0.3)
    return server, receiver


def probe(shielded):
    """Replays the probes; returns the answers the host gave, and the feed."""
    scene()
    server, receiver = sockets()
    source = made(pcap(list(PROBES.values())))
    watched = [Reader("tf0"), Reader("near"), Reader("far")]
    feed = Feed(source, "--startup-delay", "1500ms", "--linger", "700ms",
                "--mac", "02:00:5e:00:53:01")
    with server, receiver:
        feed.wait_up()
        if not shielded:
            unshield()
        watched[0].wait(len(PROBES))
        try:
            delivered = receiver.recv(100)
        except socket.timeout:
            delivered = b""
        feed.wait()
    readers = [reader.finish() for reader in watched]
    equal("status", feed.status, 0)
    frames_equal(readers[0].frames, list(PROBES.values()))
    answers = {classify(data) for reader in readers for data in reader.outgoing}
    answers.discard(None)
    if delivered:
        answers.add("udp")
    return answers, readers


@case("control: without the shield the host answers, takes and forwards")
def _():
    answers, _ = probe(shielded=False)
    want = {"arp", "icmp", "tcp", "tcp-closed", "udp", "udp-closed", "forward",
            "icmpv6"}
    equal("what the host did", sorted(answers), sorted(want))


@case("the host answers, takes and forwards nothing")
def _():
    answers, readers = probe(shielded=True)
    equal("what the host did", sorted(answers), [])
    equal("frames of the host's own on the interface", readers[0].outgoing, [])


# ---- the host's own frames ---------------------------------------------------

def own_frames(shielded):
    """What the host itself sends on the interface when it is given addresses."""
    reader = Reader("tf0")
    source = made(pcap([PROBES["udp"]] * 5))
    feed = Feed(source, "--startup-delay", "2s", "--linger", "0")
    feed.wait_up()
    check(reader.bound.wait(2), "the reader is not there")
    if not shielded:
        unshield()
    run("ip", "address", "add", "203.0.113.1/24", "dev", "tf0")
    run("ip", "-6", "address", "add", "fe80::53/64", "dev", "tf0")
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    try:
        sender.sendto(b"hello", ("203.0.113.255", 9))
    except PermissionError:  # the egress filter may say so
        pass
    feed.wait()
    reader.finish()
    frames_equal(reader.frames, [PROBES["udp"]] * 5)
    return reader.outgoing


@case("control: without the shield readers see the host's own frames")
def _():
    kinds = {data[12:14] for data in own_frames(shielded=False)}
    check({b"\x08\x00", b"\x86\xdd"} <= kinds, "seen only %s" % kinds)


@case("readers see none of the host's own frames, whatever it sends")
def _():
    equal("seen", own_frames(shielded=True), [])


# ---- the interface itself ----------------------------------------------------

@case("no address, no ARP, no autoconfiguration; both filters are there")
def _():
    feed = Feed(made(pcap([PROBES["udp"]])), "--startup-delay", "1s")
    feed.wait_up()
    equal("addresses", run("ip", "-o", "address", "show", "dev", "tf0"), "")
    link = run("ip", "-d", "link", "show", "dev", "tf0")
    check("NOARP" in link and "addrgenmode none" in link and "UP" in link, link)
    for side in ("ingress", "egress"):
        filters = run("tc", "filter", "show", "dev", "tf0", side)
        check("bpf" in filters and "direct-action" in filters,
              "%s: %r" % (side, filters))
    feed.wait()


@case("nothing is left behind: interface, qdisc, addresses, routes")
def _():
    def state():
        return [run("ip", "-o", "link"), run("tc", "qdisc"), run("ip", "-o", "addr"),
                run("ip", "route"), run("ip", "-6", "route")]
    before = state()
    feed = Feed(made(pcap([PROBES["udp"]])), "--linger", "0")
    feed.wait()
    equal("state", state(), before)


@case("the alias says whose it is")
def _():
    feed = Feed(made(pcap([PROBES["udp"]])), "--startup-delay", "1s")
    feed.wait_up()
    text = run("ip", "-d", "link", "show", "dev", "tf0")
    check("alias tapfeed uid=" in text, text)
    feed.wait()


main()
