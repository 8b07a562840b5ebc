# SPDX-License-Identifier: Apache-2.0
"""Makes IP packets, without any link header, and the tags and headers around them."""
import socket
import struct

ICMP, TCP, UDP, GRE, ICMPV6 = 1, 6, 17, 47, 58


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return struct.pack(">H", ~total & 0xffff)


def summed(data, at, pseudo=b""):
    """data with its checksum, which covers pseudo too, put in at byte at."""
    return data[:at] + checksum(pseudo + data) + data[at + 2:]


def ip(source, to, protocol, body, at=None):
    """An IPv4 or IPv6 packet, by its addresses; at: where the checksum of body is."""
    version = 6 if ":" in to else 4
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    ends = socket.inet_pton(family, source) + socket.inet_pton(family, to)
    if at is not None:
        pseudo = ends + struct.pack(">II", len(body), protocol)
        body = summed(body, at, b"" if protocol == ICMP else pseudo)
    if version == 6:
        return struct.pack(">IHBB", 6 << 28, len(body), protocol, 64) + ends + body
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 7, 0, 64, protocol, 0)
    return summed(head + ends, 10) + body


def udp(source, to, port, body=b"tapfeed!"):
    head = struct.pack(">HHHH", 5555, port, 8 + len(body), 0)
    return ip(source, to, UDP, head + body, 6)


def syn(source, to, port, own_port=5555):
    return ip(source, to, TCP, struct.pack(">HHIIBBHHH", own_port, port, 1, 0, 0x50, 2,
                                           8192, 0, 0), 16)


def ping(source, to):
    if ":" in to:
        return ip(source, to, ICMPV6, struct.pack(">BBHHH", 128, 0, 0, 1, 1), 2)
    return ip(source, to, ICMP, struct.pack(">BBHHH", 8, 0, 0, 1, 1) + b"echo", 2)


def ethernet(kind, body, tags=()):
    """A frame; tags: each (type, number), the outer one first."""
    head = bytes.fromhex("02000000000a02000000000b")
    for tag in tags:
        head += struct.pack(">HH", *tag)
    return head + struct.pack(">H", kind) + body


def folded(data):
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return struct.pack(">H", total)


def super_frame(version, length, flags=24, tags=(), extensions=b"", options=b""):
    """TCP as a sender's stack leaves it to its network card: the frame, where TCP begins,
    and the largest segment in packets of 1500 bytes. extensions: of IPv6, behind the
    number of the first."""
    source, to = (("192.0.2.2", "192.0.2.1"), ("2001:db8::2", "2001:db8::1"))[version == 6]
    header = struct.pack(">HHIIBBHHH", 5555, 80, 0xfffff000, 7,
                         (20 + len(options)) // 4 << 4, flags, 8192, 0, 0) + options
    body = header + bytes(i * 31 % 255 for i in range(length))
    packet = ip(source, to, TCP, body)
    if version == 4:
        pseudo = packet[12:20] + struct.pack(">HH", TCP, len(body))
    else:
        pseudo = packet[8:40] + struct.pack(">II", len(body), TCP)
    at = len(packet) - len(body)
    packet = packet[:at + 16] + folded(pseudo) + packet[at + 18:]
    if extensions:
        packet = (packet[:4] + struct.pack(">HB", len(body) + len(extensions[1:]),
                                           extensions[0])
                  + packet[7:40] + extensions[1:] + packet[40:])
        at += len(extensions) - 1
    data = ethernet(0x86dd if version == 6 else 0x0800, packet, tags)
    return data, len(data) - len(body), 1500 - at - len(header)
