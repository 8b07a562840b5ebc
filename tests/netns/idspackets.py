# SPDX-License-Identifier: Apache-2.0
"""What an IDS has to put together before it can say anything: sessions, fragments, tags,
tunnels, and what must not be taken for the real one."""
import random
import struct

from packets import GRE, ICMPV6, TCP, UDP, ethernet, ip, ping, udp

IPV4, IPV6, ARP, MPLS, PPPOE = 0x800, 0x86dd, 0x806, 0x8847, 0x8864
VLAN, QINQ = 0x8100, 0x88a8
FIN, SYN, PSH, ACK = 1, 2, 8, 16
NEEDLE = b"a needle in the haystack"
PAGE = b"<html><body>" + 40 * b"hay " + NEEDLE + 40 * b" hay" + b"</body></html>"
FOUR, SIX = ("192.0.2.10", "192.0.2.20"), ("2001:db8::10", "2001:db8::20")


def framed(packets, *tags):
    """Each packet as a frame, behind tags (type, number)."""
    return [ethernet(tags[0][0] if tags else kind(data), behind(tags, data))
            for data in packets]


def behind(tags, data):
    kinds = [tag[0] for tag in tags[1:]] + [kind(data)]
    return b"".join(struct.pack(">HH", tag[1], after)
                    for tag, after in zip(tags, kinds)) + data


def kind(data):
    return IPV6 if data[0] >> 4 == 6 else IPV4


# ---- sessions ----------------------------------------------------------------

class Session:
    """A TCP session's packets, one after the other."""

    def __init__(self, ends, port, to_port=80):
        self.ends, self.ports = ends, (port, to_port)
        self.next = [1000, 5000]
        self.packets = []
        self.open()

    def open(self):
        self.send(0, SYN)
        self.send(1, SYN | ACK)
        self.send(0, ACK)

    def send(self, side, flags, body=b""):
        self.packets.append(self.segment(side, flags, body, self.next[side]))
        self.next[side] += len(body) + bool(flags & (SYN | FIN))

    def segment(self, side, flags, body, at):
        ack = self.next[1 - side] if flags & ACK else 0
        ports = self.ports if side == 0 else self.ports[::-1]
        ends = self.ends if side == 0 else self.ends[::-1]
        head = struct.pack(">HHIIBBHHH", *ports, at, ack, 0x50, flags, 65000, 0, 0)
        return ip(*ends, TCP, head + body, 16)

    def close(self):
        for side in (0, 1):
            self.send(side, FIN | ACK)
        self.send(0, ACK)
        return self.packets


def page(length=len(PAGE)):
    return (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" %
            length + PAGE)


def request(name):
    return b"GET /%s HTTP/1.1\r\nHost: www.example.net\r\nUser-Agent: curl/0\r\n\r\n" % name


def browsing(ends, port, name, size=100):
    """A request, and the page in segments of size bytes: no rule finds the needle in one."""
    session = Session(ends, port)
    session.send(0, PSH | ACK, request(name))
    session.send(1, ACK)
    for at in range(0, len(page()), size):
        session.send(1, ACK, page()[at:at + size])
        session.send(0, ACK)
    return session.close()


def disordered(ends, port):
    """The segments of the page backwards, one of them twice."""
    session = Session(ends, port)
    session.send(0, PSH | ACK, request(b"disordered"))
    at = session.next[1]
    pieces = [(at + i, page()[i:i + 90]) for i in range(0, len(page()), 90)]
    session.packets += [session.segment(1, ACK, data, where)
                        for where, data in [pieces[1]] + pieces[::-1]]
    session.next[1] += len(page())
    session.send(0, ACK)
    return session.close()


def insertion(ends, port):
    """Segments that the server never took, for their sums are wrong: with them a request for
    another page. An IDS that believed them would see that one."""
    session = Session(ends, port)
    at = session.next[0]
    wrong = bytearray(session.segment(0, PSH | ACK, request(b"a-decoy"), at))
    wrong[36] ^= 0x55  # TCP's sum
    session.packets.append(bytes(wrong))
    session.send(0, PSH | ACK, request(b"genuine"))
    session.send(1, PSH | ACK, page())
    session.send(0, ACK)
    return session.close()


# ---- fragments ---------------------------------------------------------------

def fragments(data, size, order=lambda pieces: pieces):
    """An IPv4 or IPv6 packet in pieces of size bytes; order: how they are sent."""
    cut = fragment4 if data[0] >> 4 == 4 else fragment6
    head = 20 if data[0] >> 4 == 4 else 40
    body = data[head:]
    return [cut(data[:head], at, body[at:at + size], at + size < len(body))
            for at in order(range(0, len(body), size))]


def fragment4(head, at, piece, more):
    source, to = (".".join(map(str, head[i:i + 4])) for i in (12, 16))
    data = bytearray(ip(source, to, head[9], piece))
    struct.pack_into(">H", data, 6, more << 13 | at // 8)
    struct.pack_into(">H", data, 10, 0)
    total = sum(struct.unpack(">10H", data[:20]))
    struct.pack_into(">H", data, 10, ~(total + (total >> 16)) & 0xffff)
    return bytes(data)


def fragment6(head, at, piece, more):
    extension = struct.pack(">BBHI", head[6], 0, at | more, 0x7a7a)
    return (head[:4] + struct.pack(">HBB", 8 + len(piece), 44, head[7]) + head[8:] +
            extension + piece)


def shuffled(pieces):
    return random.Random(7).sample(list(pieces), len(pieces))


def datagram(ends, port, length=2400):
    return udp(*ends, port, b"hay " * (length // 8) + NEEDLE + b" hay" * (length // 8))


# ---- all of it ---------------------------------------------------------------

def tunnels():
    inner = udp("198.51.100.1", "198.51.100.2", 4000, NEEDLE)
    gre = ip(*FOUR, GRE, struct.pack(">HH", 0, IPV4) + inner)
    in6 = ip(*SIX, 4, udp("198.51.100.3", "198.51.100.4", 4001, NEEDLE))
    label = struct.pack(">I", 16 << 12 | 1 << 8 | 64)
    session = struct.pack(">BBHHH", 0x11, 0, 7, 2 + len(inner), 0x21)
    return framed([gre, in6]) + [
        ethernet(MPLS, label + udp("198.51.100.5", "198.51.100.6", 4002, NEEDLE)),
        ethernet(VLAN, struct.pack(">HH", 9, PPPOE) + session + inner)]


def odd():
    """Wrong sums, extension headers, no payload, no IP."""
    wrong = bytearray(udp("192.0.2.30", "192.0.2.31", 4003, NEEDLE))
    wrong[26] ^= 0x55  # UDP's sum
    header = bytearray(udp("192.0.2.32", "192.0.2.33", 4004, NEEDLE))
    header[10] ^= 0x55  # IP's sum
    hops = udp("2001:db8::30", "2001:db8::31", 4005, NEEDLE)
    options = struct.pack(">BB4xH", UDP, 0, 0)
    hops = hops[:4] + struct.pack(">HBB", len(hops) - 32, 0, 64) + hops[8:40] + \
        struct.pack(">BBBB4x", 60, 0, 1, 4) + struct.pack(">BBBB4x", UDP, 0, 1, 4) + hops[40:]
    return framed([bytes(wrong), bytes(header), hops, udp(*FOUR, 4006, b""),
                   ip(*FOUR, 253, NEEDLE), ip(*SIX, ICMPV6, b"\x80\0\0\0\0\1\0\1", 2)]) + [
        ethernet(ARP, bytes.fromhex("0001080006040001 02000000000c c0000202"
                                    "000000000000 c0000201")),
        ethernet(0x88b5, NEEDLE), ethernet(IPV4, b"\x45\0")]


def frames():
    """Frames whose order matters only within a flow."""
    return (framed(browsing(FOUR, 20001, b"plain")) +
            framed(browsing(SIX, 20002, b"six")) +
            framed(browsing(FOUR, 20003, b"tagged"), (VLAN, 7)) +
            framed(browsing(SIX, 20004, b"twice-tagged"), (QINQ, 100), (VLAN, 8)) +
            framed(browsing(FOUR, 20005, b"priority"), (VLAN, 5 << 13)) +
            framed(disordered(FOUR, 20006)) + framed(disordered(SIX, 20007), (VLAN, 4094)) +
            framed(insertion(("192.0.2.11", "192.0.2.21"), 20008)) +
            framed(fragments(datagram(("192.0.2.12", "192.0.2.22"), 5001), 800)) +
            framed(fragments(datagram(("192.0.2.13", "192.0.2.23"), 5002), 408, shuffled),
                   (VLAN, 7)) +
            framed(fragments(datagram(("2001:db8::12", "2001:db8::22"), 5003), 800,
                             shuffled)) +
            framed(fragments(datagram(("2001:db8::13", "2001:db8::23"), 5004), 1232),
                   (QINQ, 100), (VLAN, 8)) +
            framed([udp(*FOUR, 5005, b"hay " * 2200 + NEEDLE)]) +  # a jumbo frame
            tunnels() + odd() + framed([ping(*FOUR), ping(*SIX)], (VLAN, 9)))


CUT = framed([udp("192.0.2.14", "192.0.2.24", 5006, NEEDLE)])[0]
