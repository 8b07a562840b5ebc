# SPDX-License-Identifier: Apache-2.0
"""Packets of every link type that tapfeed converts, made by the specifications: what
each is for a TAP and for a TUN, "ok" or why it is skipped."""
import struct

from packets import ip, ping, syn, udp

# Ports that nobody has: a payload of another protocol would be malformed.
FOUR = udp("192.0.2.2", "192.0.2.1", 40000, b"four")
SIX = syn("2001:db8::2", "2001:db8::1", 40001)
ECHO = ping("192.0.2.2", "192.0.2.1")
ARP = bytes.fromhex("0001080006040001 02000000000c c0000202 000000000000 c0000201")
MAC = bytes.fromhex("02000000000c")
LABELS = struct.pack(">II", 16 << 12 | 64, 17 << 12 | 1 << 8 | 64)
SESSION = struct.pack(">BBHH", 0x11, 0, 7, 2 + len(FOUR))
IPV4, IPV6, ARP_TYPE, MPLS, VLAN, QINQ, PPPOE = (0x800, 0x86dd, 0x806, 0x8847, 0x8100,
                                                 0x88a8, 0x8864)
OK, NO = "ok", "not_ip"


def be16(*values):
    return struct.pack(">%dH" % len(values), *values)


# What may follow a header with an EtherType: (EtherType, bytes, for a TUN).
FOLLOWS = ((IPV4, FOUR, OK), (IPV6, SIX, OK), (IPV4, ECHO, OK), (ARP_TYPE, ARP, NO),
           (VLAN, be16(7, IPV4) + FOUR, OK), (QINQ, be16(1, VLAN, 2, IPV6) + SIX, OK),
           (VLAN, be16(7, ARP_TYPE) + ARP, NO), (MPLS, LABELS + FOUR, OK),
           (VLAN, be16(7, MPLS) + LABELS + SIX, OK),
           (PPPOE, SESSION + be16(0x21) + FOUR, OK),
           (VLAN, be16(7, PPPOE) + SESSION + be16(0x21) + FOUR, OK))


def typed(head, tail=b""):
    """A row for each that may follow; head: a function of the EtherType."""
    return [(head(kind) + body + tail, OK, tun) for kind, body, tun in FOLLOWS]


def every(head, rows):
    return [(head + data, tap, tun) for data, tap, tun in rows]


# ---- what systems make up ------------------------------------------------------

def null(order, families):
    rows = [(struct.pack(order + "I", 2) + data, OK, OK) for data in (FOUR, ECHO)]
    rows += [(struct.pack(order + "I", family) + SIX, OK, OK) for family in families]
    return rows + [(struct.pack(order + "I", 99) + FOUR, "not_ethernet", NO),
                   (b"\0\0\0", "too_short", "too_short")]


def raw(*packets):
    return [(data, OK, OK) for data in packets] + [(b"\x50" + bytes(19), NO, NO)]


def sll(kind, arphrd=1, length=6):
    return be16(0, arphrd, length) + MAC + b"\0\0" + be16(kind)


def sll2(kind, arphrd=1, length=6):
    return be16(kind, 0) + struct.pack(">IHBB", 3, arphrd, 0, length) + MAC + b"\0\0"


def cooked(head):
    return typed(head) + [
        (head(IPV4, 512, 0) + FOUR, OK, OK),  # PPP: no address
        (head(7, 512, 0) + be16(0xff03, 0x21) + FOUR, OK, OK),
        (head(7, 512, 0) + be16(0x57) + SIX, OK, OK),
        (head(0, 770, 0) + frelay()[0][0], OK, OK),
        (head(25, 801, 0) + wifi_rows()[0][0], OK, OK),
        (head(25, 803, 0) + radiotap(0x10) + wifi_rows()[0][0] + b"FCS.", OK, OK),
        (head(4) + bytes.fromhex("424203") + bytes(35), OK, NO),
        (head(16, 824, 0) + FOUR, "not_ethernet", NO),  # netlink
        (head(IPV4)[:9], "too_short", "too_short")]


def nflog(family, *attributes, order="<"):
    data = struct.pack(">BBH", family, 0, 5)
    for kind, value in attributes:
        data += struct.pack(order + "HH", 4 + len(value), kind) + value
        data += bytes(-len(value) % 4)
    return data


def nflog_rows():
    address = (8, be16(6, 0) + MAC + b"\0\0")
    header = (16, bytes.fromhex("02000000000a02000000000b0800"))
    rows = [(nflog(2, (1, be16(IPV4) + b"\1\0"), (10, b"prefix\0"), address, (9, FOUR),
                   order=order), OK, OK) for order in "<>"]
    return rows + [(nflog(10, (9, SIX)), OK, OK),
                   (nflog(2, header, address, (9, FOUR)), OK, OK),
                   (nflog(7, (1, be16(ARP_TYPE) + b"\0\0"), (9, ARP)), OK, NO),
                   (nflog(2, (10, b"prefix\0")), "not_data", "not_data"),
                   (nflog(2, (9, FOUR))[:-1][:5] + b"\xff" + FOUR, "damaged", "damaged")]


# ---- serial lines --------------------------------------------------------------

def ppp(head):
    rows = [(be16(0x21) + FOUR, OK, OK), (be16(0x57) + SIX, OK, OK),
            (b"\x21" + ECHO, OK, OK), (be16(0x281) + LABELS + FOUR, OK, OK),
            (bytes.fromhex("c021 01010004"), "not_ethernet", NO),  # LCP
            (bytes.fromhex("8021 01010004"), "not_ethernet", NO)]  # IPCP
    return every(head, rows) + [(head + b"\0", "too_short", "too_short")]


def pppoe():
    def session(data):
        return struct.pack(">BBHH", 0x11, 0, 7, len(data)) + data
    return [(session(be16(0x21) + FOUR), OK, OK), (session(be16(0x57) + SIX), OK, OK),
            (session(bytes.fromhex("c021 01010004")), OK, NO),
            (bytes.fromhex("110900000004 01010000"), OK, NO)]  # PADI


def hdlc():
    return [(be16(0x0f00, kind) + body, OK, tun) for kind, body, tun in FOLLOWS] + [
        (be16(0x8f00, 0x8035) + bytes(14), "not_ethernet", NO),  # SLARP
        (be16(0x8f00, 0xfefe) + b"\x03\x83" + bytes(30), OK, NO)]  # IS-IS


def frelay():
    rfc2427 = [(b"\x03\xcc" + FOUR, OK, OK), (b"\x03\x8e" + SIX, OK, OK),
               (b"\x03\xcf" + be16(0x21) + FOUR, OK, OK),  # PPP
               (b"\x03\xcf" + be16(0xc021) + bytes(4), "not_ethernet", NO),
               (b"\x03\0\x80\0\0\0" + be16(IPV4) + FOUR, OK, OK),
               (b"\x03\0\x80\0\0\0" + be16(ARP_TYPE) + ARP, OK, NO),
               (b"\x03\0\x80\0\x80\xc2" + be16(7) +
                bytes.fromhex("02000000000a02000000000b0800") + FOUR, OK, OK)]
    cisco = [(be16(IPV4) + FOUR, OK, OK), (be16(IPV6) + SIX, OK, OK)]
    return every(b"\x18\x41", rfc2427 + cisco) + every(b"\x18\x40\x02\x03", rfc2427) + [
        (bytes.fromhex("0001 03 08 00 75 01 01 00"), "not_ethernet", NO),  # LMI
        (b"\x18", "too_short", "too_short")]


# ---- 802.11 --------------------------------------------------------------------

ONE, TWO, THREE, FOURTH = (bytes([2, 0, 0, 0, 1, i]) for i in (1, 2, 3, 4))


def snap(kind, body):
    return bytes.fromhex("aaaa03000000") + be16(kind) + body


def wifi(flags, body, qos=None, fourth=b"", sequence=16, control=0x08):
    control |= 0x80 if qos is not None else 0
    head = struct.pack("<BBH", control, flags, 0) + ONE + TWO + THREE
    head += struct.pack("<H", sequence) + fourth
    return head + (struct.pack("<H", qos) if qos is not None else b"") + body


def amsdu(*parts):
    data = b""
    for part in parts:
        data += bytes(-len(data) % 4) + THREE + FOURTH + be16(len(part)) + part
    return data


def wifi_rows():
    rows = [(wifi(flags, snap(kind, body)), OK, tun) for kind, body, tun in FOLLOWS
            for flags in (0, 1, 2)]
    rows += [(wifi(3, snap(IPV4, FOUR), fourth=FOURTH), OK, OK),
             (wifi(1, snap(IPV6, SIX), qos=5), OK, OK),
             (wifi(3, snap(IPV6, SIX), qos=5, fourth=FOURTH), OK, OK),
             (wifi(0x81, bytes(4) + snap(IPV4, FOUR), qos=0), OK, OK),  # +HTC
             (wifi(2, amsdu(snap(IPV4, FOUR)), qos=0x80), OK, OK),
             (wifi(2, amsdu(snap(IPV4, FOUR), snap(IPV6, SIX), snap(IPV4, ECHO)),
                   qos=0x80), OK, OK),
             (wifi(1, bytes.fromhex("424203") + bytes(35)), OK, NO)]
    same = [(wifi(0x41, bytes(8) + snap(IPV4, FOUR)), "encrypted"),
            (wifi(5, snap(IPV4, FOUR)), "fragment"),
            (wifi(1, FOUR, sequence=17), "fragment"),
            (wifi(1, b"", control=0x48), "not_data"),  # null function
            (wifi(0, bytes(12), control=0x80), "not_data"),  # beacon
            (bytes.fromhex("d4000000") + ONE, "not_data"),  # acknowledgement
            (wifi(1, b""), "too_short")]
    return rows + [(data, why, why) for data, why in same]


def radiotap(flags, padding=b""):
    return struct.pack("<BBHIQBB", 0, 0, 18 + len(padding), 0x27, 99, flags, 2) + padding


def with_fcs(head):
    """Each with four bytes of a check sequence behind it."""
    return [(head + data + (b"" if "too_short" in tap else b"FCS."), tap, tun)
            for data, tap, tun in wifi_rows()]


def radiotap_rows():
    padded = wifi(1, b"\0\0" + snap(IPV4, FOUR), qos=0)
    return every(radiotap(0), wifi_rows()) + with_fcs(radiotap(0x10)) + [
        (radiotap(0x20) + padded, OK, OK),
        (struct.pack("<BBHII4xQBB", 0, 0, 26, 0x80000007, 0, 99, 0x10, 2) +
         wifi(1, snap(IPV4, FOUR)) + b"FCS.", OK, OK),
        (radiotap(0x50) + wifi(1, snap(IPV4, FOUR)), "damaged", "damaged")]


def ppi(fcs, dlt=105):
    common = struct.pack("<HHQH", 2, 20, 0, fcs) + bytes(10)
    return struct.pack("<BBHI", 0, 0, 8 + len(common), dlt) + common


def ppi_rows():
    return every(ppi(0), wifi_rows()) + with_fcs(ppi(1)) + [
        (ppi(0, 1) + bytes.fromhex("02000000000a02000000000b0800") + FOUR, OK, OK),
        (ppi(4) + wifi(1, snap(IPV4, FOUR)), "damaged", "damaged")]


PRISM = struct.pack("<II", 0x44, 144) + b"wlan0".ljust(16, b"\0") + bytes(120)
AVS = struct.pack(">II", 0x80211001, 64) + bytes(56)


# ---- InfiniBand ----------------------------------------------------------------

def infiniband(next_header, body, op=0x64, pair=72, extended=struct.pack(">II", 2843, 73)):
    padding = -len(body) % 4
    head = struct.pack(">BBBB", op, padding << 4, 0xff, 0xff)
    head += struct.pack(">II", pair, 0) + extended
    grh = b""
    if next_header == 3:
        grh = struct.pack(">IHBB", 6 << 28, len(head + body) + padding + 4, 0x1b, 64)
        grh += bytes(32)
    data = grh + head + body + bytes(padding) + b"ICRC"
    return struct.pack(">BBHHH", 0, next_header, 1, (8 + len(data)) // 4, 2) + data + b"VC"


def infiniband_rows():
    rows = [(infiniband(layer, be16(kind, 0) + body), OK, tun)
            for kind, body, tun in FOLLOWS for layer in (2, 3)]
    return rows + [(infiniband(2, bytes(256), pair=1), "not_data", "not_data"),
                   (infiniband(2, be16(IPV4, 0) + FOUR, op=0x07), "not_ethernet", NO)]


ROWS = {
    0: null("<", (10, 23, 24, 28, 30)) + null(">", (24, 28, 30)),
    1: typed(lambda kind: bytes.fromhex("02000000000a02000000000b") + be16(kind)),
    9: ppp(b"\xff\x03") + ppp(b""),
    12: raw(FOUR, SIX), 14: raw(FOUR, SIX), 101: raw(FOUR, SIX),
    50: ppp(b"\xff\x03") + hdlc(),
    51: pppoe(),
    104: hdlc(),
    105: wifi_rows(),
    107: frelay(),
    108: null(">", (24, 28, 30)),
    113: cooked(sll),
    119: every(PRISM, wifi_rows()) + every(AVS, wifi_rows()),
    127: radiotap_rows(),
    163: every(AVS, wifi_rows()),
    166: ppp(b"\0\x03") + ppp(b"\1\x03"),
    192: ppi_rows(),
    204: ppp(b"\0\xff\x03") + ppp(b"\1\xff\x03"),
    205: every(b"\1", hdlc()),
    206: every(b"\0", frelay()),
    228: raw(FOUR) + [(SIX, NO, NO)], 229: raw(SIX) + [(FOUR, NO, NO)],
    239: nflog_rows(),
    242: typed(lambda kind: bytes(40) + be16(kind, 0)),
    247: infiniband_rows(),
    276: cooked(sll2),
}
