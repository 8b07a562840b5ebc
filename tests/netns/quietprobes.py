# SPDX-License-Identifier: Apache-2.0
"""What may reach a host from an interface, as a table: a packet, and how it shows that
the host took it. For tests/netns/quiet_matrix.py."""
import collections
import socket
import struct

from harness import run
from packets import ICMP, ICMPV6, TCP, UDP, ip, ping, summed, syn, udp

# The feed's interface, and who the probes come from.
OWN_MAC = bytes.fromhex("02005e005301")
PEER_MAC = bytes.fromhex("02005e005302")
BROADCAST = b"\xff" * 6
TAP, TUN = "tap", "tun"

HOST, PEER, OTHER_ROUTER = "192.0.2.1", "192.0.2.77", "192.0.2.78"
HOST6, PEER6 = "2001:db8::1", "2001:db8::77"
LINK6, ROUTER6, OTHER_ROUTER6 = "fe80::1", "fe80::77", "fe80::78"
FAR, FAR6 = "198.51.100.9", "2001:db8:1::9"          # behind another interface
ROUTED, ROUTED6 = "203.0.113.5", "2001:db8:3::5"     # behind PEER, behind ROUTER6
GROUP, GROUP6 = "239.1.2.3", "ff02::1234"            # joined on the interface
NODES = "ff02::1:ff00:1"                             # HOST6 is one of them
TCP_PORT, UDP_PORT, CLOSED_PORT = 8080, 9999, 7

# name; frames or packets by kind of interface; how it shows: one of answer (a
# predicate of EtherType and payload of what the host sends), delivered (the bytes that
# a socket gets), state (a function: whether the host believes it); scenes in which
# even an interface without a shield shows nothing, and why.
Probe = collections.namedtuple("Probe", "name frames how shows silent")


def ethernet(packet, to=OWN_MAC, kind=None):
    """A packet as a frame; by IPv4 or IPv6 multicast to their addresses."""
    kind = kind or (0x86dd if packet[0] >> 4 == 6 else 0x800)
    return to + PEER_MAC + struct.pack(">H", kind) + packet


def probe(name, packet, how, shows, to=OWN_MAC, silent=()):
    return Probe(name, {TAP: ethernet(packet, to), TUN: packet}, how, shows, silent)


def packed(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.inet_pton(family, address)


def multicast_mac(group):
    low = packed(group)
    if len(low) == 16:
        return b"\x33\x33" + low[12:]
    return b"\x01\x00\x5e" + bytes([low[1] & 0x7f]) + low[2:]


# ---- answers -----------------------------------------------------------------

def answer4(protocol, first, at=20, source=HOST):
    """An IPv4 packet of the host's, with those bytes at its byte at."""
    return lambda kind, data: (
        kind == 0x800 and data[9] == protocol and data[at:at + len(first)] == first and
        (source is None or data[12:16] == packed(source)))


def answer6(protocol, first, at=40, source=HOST6):
    return lambda kind, data: (
        kind == 0x86dd and data[6] == protocol and data[at:at + len(first)] == first and
        (source is None or data[8:24] == packed(source)))


def leaves(address):
    at = slice(24, 40) if ":" in address else slice(16, 20)
    return lambda kind, data: kind in (0x800, 0x86dd) and data[at] == packed(address)


def route_by(address, router):
    return lambda: "via " + router in run("ip", "route", "get", address)


def unreachable(answer, port):
    """ICMP's complaint, whose copy of the packet has this port."""
    at = 20 + 8 + 20 + 2 if answer is answer4 else 40 + 8 + 40 + 2
    type_code = (ICMP, b"\x03\x03") if answer is answer4 else (ICMPV6, b"\x01\x04")
    first, second = answer(*type_code), answer(type_code[0], struct.pack(">H", port), at)
    return lambda kind, data: first(kind, data) and second(kind, data)


def port(number):
    return struct.pack(">H", number)


# ---- packets -----------------------------------------------------------------

def arp(to):
    body = struct.pack(">HHBBH", 1, 0x800, 6, 4, 1) + PEER_MAC + packed(PEER) + bytes(6)
    return ethernet(body + packed(HOST), to, 0x806)


def arp_reply(kind, data):
    return kind == 0x806 and data[6:8] == b"\0\2" and data[14:18] == packed(HOST)


def limited(packet, hops):
    """With another TTL or hop limit."""
    if packet[0] >> 4 == 6:
        return packet[:7] + bytes([hops]) + packet[8:]
    head = packet[:8] + bytes([hops]) + packet[9:10] + b"\0\0" + packet[12:20]
    return summed(head, 10) + packet[20:]


def icmpv6(source, to, body, hops=255):
    return limited(ip(source, to, ICMPV6, body, 2), hops)


def neighbour_solicitation(to, link_address=b""):
    body = struct.pack(">BBHI", 135, 0, 0, 0) + packed(HOST6)
    return icmpv6(PEER6, to, body + link_address)


def router_advertisement():
    prefix = struct.pack(">BBBBIII", 3, 4, 64, 0xc0, 3600, 3600, 0)
    return icmpv6(ROUTER6, "ff02::1", struct.pack(
        ">BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + b"\1\1" + PEER_MAC + prefix +
        packed("2001:db8:77::"))


def redirect():
    # Of what the kernel itself would have sent: else it asks the sockets first.
    inner = ip(HOST, ROUTED, ICMP, bytes(8), 2)
    return ip(PEER, HOST, ICMP, struct.pack(">BBH", 5, 1, 0) + packed(OTHER_ROUTER) +
              inner, 2)


def redirect6():
    inner = ping(HOST6, ROUTED6)
    inner += bytes(-len(inner) % 8)
    option = struct.pack(">BBHI", 4, 1 + len(inner) // 8, 0, 0) + inner
    return icmpv6(ROUTER6, LINK6, struct.pack(">BBHI", 137, 0, 0, 0) +
                  packed(OTHER_ROUTER6) + packed(ROUTED6) + b"\2\1" + PEER_MAC + option)


def igmp_query():
    return limited(ip(PEER, "224.0.0.1", 2, summed(b"\x11\x01\0\0\0\0\0\0", 2)), 1)


def mld_query():
    """Version 1; behind a hop-by-hop header with a router alert, or it is dropped."""
    body = struct.pack(">BBHHH", 130, 0, 0, 10, 0) + bytes(16)
    plain = icmpv6(ROUTER6, "ff02::1", body, 1)
    options = bytes([ICMPV6, 0, 5, 2, 0, 0, 1, 0])
    return (plain[:4] + struct.pack(">HBB", len(body) + 8, 0, 1) + plain[8:40] + options +
            plain[40:])



def router_believed():
    return "proto ra" in run("ip", "-6", "route", "show", "default")


# ---- the table ---------------------------------------------------------------

ELSEWHERE = "elsewhere"   # scenes where the host's addresses are on another interface

IPV4 = [
    Probe("ARP who-has, broadcast", {TAP: arp(BROADCAST)}, "answer", arp_reply, ()),
    Probe("ARP who-has, unicast", {TAP: arp(OWN_MAC)}, "answer", arp_reply, ()),
    probe("ping", ping(PEER, HOST), "answer", answer4(ICMP, b"\0\0")),
    probe("SYN to an open port", syn(PEER, HOST, TCP_PORT), "answer",
          answer4(TCP, port(TCP_PORT))),
    probe("SYN to a closed port", syn(PEER, HOST, CLOSED_PORT, 5556), "answer",
          answer4(TCP, port(CLOSED_PORT))),
    probe("UDP to a bound socket", udp(PEER, HOST, UDP_PORT, b"udp"), "delivered", b"udp"),
    probe("UDP to a closed port", udp(PEER, HOST, CLOSED_PORT), "answer",
          unreachable(answer4, CLOSED_PORT)),
    probe("UDP broadcast", udp(PEER, "255.255.255.255", UDP_PORT, b"broadcast"),
          "delivered", b"broadcast", to=BROADCAST),
    probe("UDP to a joined group", udp(PEER, GROUP, UDP_PORT, b"group"), "delivered",
          b"group", to=multicast_mac(GROUP)),
    probe("IGMP query", igmp_query(), "answer",
          lambda kind, data: kind == 0x800 and data[9] == 2 and
          data[(data[0] & 15) * 4] == 0x16 and data[16:20] == packed(GROUP),
          to=multicast_mac("224.0.0.1")),
    probe("UDP to be forwarded", udp(PEER, FAR, 53), "answer", leaves(FAR)),
    probe("UDP whose TTL ends here", limited(udp(PEER, FAR, 54), 1), "answer",
          answer4(ICMP, b"\x0b\0", source=None)),
    probe("redirect", redirect(), "state", route_by(ROUTED, OTHER_ROUTER)),
]
IPV6 = [
    Probe("neighbour solicitation",
          {TAP: ethernet(neighbour_solicitation(NODES, b"\1\1" + PEER_MAC),
                         multicast_mac(NODES)),
           TUN: neighbour_solicitation(HOST6)},  # without ARP it joins no NODES
          "answer", answer6(ICMPV6, b"\x88", source=None),
          (ELSEWHERE,)),  # only the interface that has the address answers
    probe("ping, IPv6", ping(PEER6, HOST6), "answer", answer6(ICMPV6, b"\x81")),
    probe("SYN to an open port, IPv6", syn(PEER6, HOST6, TCP_PORT), "answer",
          answer6(TCP, port(TCP_PORT))),
    probe("SYN to a closed port, IPv6", syn(PEER6, HOST6, CLOSED_PORT, 5556), "answer",
          answer6(TCP, port(CLOSED_PORT))),
    probe("UDP to a bound socket, IPv6", udp(PEER6, HOST6, UDP_PORT, b"udp6"),
          "delivered", b"udp6"),
    probe("UDP to a closed port, IPv6", udp(PEER6, HOST6, CLOSED_PORT), "answer",
          unreachable(answer6, CLOSED_PORT)),
    probe("UDP to a joined group, IPv6", udp(PEER6, GROUP6, UDP_PORT, b"group6"),
          "delivered", b"group6", to=multicast_mac(GROUP6)),
    probe("MLD query", mld_query(), "answer",
          lambda kind, data: kind == 0x86dd and data[6] == 0 and data[48] == 131 and
          data[56:72] == packed(GROUP6), to=multicast_mac("ff02::1")),
    probe("UDP to be forwarded, IPv6", udp(PEER6, FAR6, 53), "answer", leaves(FAR6)),
    probe("UDP whose hop limit ends here", limited(udp(PEER6, FAR6, 54), 1), "answer",
          answer6(ICMPV6, b"\x03\0", source=None)),
    probe("router advertisement", router_advertisement(), "state", router_believed,
          to=multicast_mac("ff02::1")),
    probe("redirect, IPv6", redirect6(), "state", route_by(ROUTED6, OTHER_ROUTER6)),
]
# What a bridge hands on: no address is needed for that.
FLOODED = b"flooded by the bridge" + bytes(40)
UNKNOWN = b"to nobody it knows" + bytes(40)
BRIDGED = [
    Probe("broadcast to be bridged", {TAP: ethernet(FLOODED, BROADCAST, 0x88b5)},
          "answer", lambda kind, data: (kind, data) == (0x88b5, FLOODED), ()),
    Probe("unicast to be bridged", {TAP: ethernet(UNKNOWN, bytes.fromhex("02005e0053ee"),
                                                  0x88b5)},
          "answer", lambda kind, data: (kind, data) == (0x88b5, UNKNOWN), ()),
]


def probes(kind, *tables):
    """Those of the tables that an interface of this kind can carry."""
    return [row for table in tables for row in table if kind in row.frames]
