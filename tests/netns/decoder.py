# SPDX-License-Identifier: Apache-2.0
"""What tshark, which shares nothing with tapfeed, finds in packets."""
import shutil
import struct
import subprocess

import captures

# None depends on what link a packet came by, or on the packets around it.
FIELDS = ("ip.src", "ip.dst", "ip.id", "ip.proto", "ip.len", "ip.frag_offset", "ip.ttl",
          "ip.checksum", "ipv6.src", "ipv6.dst", "ipv6.nxt", "ipv6.plen", "ipv6.flow",
          "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.payload",
          "udp.srcport", "udp.dstport", "udp.length", "udp.payload", "icmp.type",
          "icmp.checksum", "icmpv6.type", "icmpv6.checksum", "arp.opcode",
          "arp.src.proto_ipv4", "arp.dst.proto_ipv4")
OPTIONS = ("ip.defragment:FALSE", "ipv6.defragment:FALSE", "wlan.defragment:FALSE",
           "tcp.desegment_tcp_streams:FALSE", "nameres.network_name:FALSE")


def available():
    return shutil.which("tshark") is not None


def tshark(path, *fields, where=None):
    """One tuple of the fields' values a packet."""
    command = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "separator=|",
               "-E", "occurrence=a"]
    for option in OPTIONS:
        command += ["-o", option]
    for field in fields:
        command += ["-e", field]
    if where:
        command += ["-Y", where]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise AssertionError("tshark: " + done.stderr.strip())
    return [tuple(line.split("|")) for line in done.stdout.splitlines()]


def numbered(path):
    """By its number from 0, of each packet in which tshark finds IP or ARP, what it finds."""
    rows = tshark(path, "frame.number", *FIELDS, where="ip || ipv6 || arp")
    return {int(row[0]) - 1: row[1:] for row in rows}


def packets(path):
    """The same, in order."""
    return list(numbered(path).values())


def seen(frames, link_type, made):
    """A file of frames that a reader saw. One that was cut is written down as long as its
    IP header says that it was: a reader cannot know more."""
    data = captures.pcap_header(link_type=link_type)
    for frame in frames:
        data += captures.pcap_record(frame, length=max(len(frame),
                                                       whole_length(frame, link_type)))
    return made(data, "seen.pcap")


def whole_length(frame, link_type):
    at = 0 if link_type == 101 else 14
    kind = frame[12:14] if at else b""
    if len(frame) < at + 6:
        return 0
    version = frame[at] >> 4
    if version == 4 and kind in (b"", b"\x08\0"):
        return at + struct.unpack(">H", frame[at + 2:at + 4])[0]
    if version == 6 and kind in (b"", b"\x86\xdd"):
        return at + 40 + struct.unpack(">H", frame[at + 4:at + 6])[0]
    return 0
