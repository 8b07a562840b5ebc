# SPDX-License-Identifier: Apache-2.0
"""What offloading leaves. Super-frames are cut as the kernel cuts them in software (generic
segmentation, with everything turned off that the device might do): made ones, which a
packet socket hands to the kernel and a file to tapfeed, and those of real connections,
which enter a bridge whole and leave it cut. Byte by byte, for nothing has to differ."""
from captures import pcap
from harness import (Reader, SLOW, Skip, Told, case, check, equal, frames_equal, main, made,
                     replay, run, until)
from livefeed import Host, Live, PEER, wire
from packets import super_frame
import ctypes
import fcntl
import shutil
import socket
import struct
import subprocess
import sys

# linux/ethtool.h: checksums on transmit, TSO, generic segmentation.
SET_TX_CHECKSUMS, SET_TSO, SET_GSO = 0x17, 0x1f, 0x24
FIN, PSH, ACK, CWR = 1, 8, 16, 128
VLAN, QINQ = (0x8100, 5), (0x88a8, 6)


def ethtool(name, command, value):
    data = ctypes.create_string_buffer(struct.pack("II", command, value), 8)
    request = struct.pack("16sP", name.encode(), ctypes.addressof(data))
    with socket.socket() as sock:
        fcntl.ioctl(sock, 0x8946, request)


def in_software(name):
    """Nothing is left to the device."""
    for command in (SET_TSO, SET_GSO, SET_TX_CHECKSUMS):
        ethtool(name, command, 0)


# ---- made super-frames -------------------------------------------------------

def hand_over(name, data, tcp, size, version):
    """By a packet socket that says what is to be done (struct virtio_net_hdr)."""
    kind = 1 if version == 4 else 4
    if data[tcp + 13] & CWR:
        kind |= 0x80
    header = struct.pack("=BBHHHH", 1, kind, tcp + 20, size, tcp, 16)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.setsockopt(263, 15, 1)  # PACKET_VNET_HDR
        sock.bind((name, 0))
        sock.send(header + data)


TIMES = bytes.fromhex("0101080a0000000100000002")
# Hop-by-hop, then destination options, then TCP; and a routing header at its end.
EXTENDED = (b"\0" + bytes.fromhex("3c00010400000000") + bytes.fromhex("0600010400000000"))
ROUTED = b"\x2b" + bytes.fromhex("0602000000000000") + bytes(16)
MADE = [
    (4, 20000), (4, 65000), (4, 1461), (4, 2920), (4, 2921, ACK | FIN | PSH),
    (4, 9000, ACK | CWR | PSH), (4, 9000, ACK, [VLAN]), (4, 9000, ACK, [QINQ, VLAN]),
    (4, 30000, ACK | PSH, (), b"", TIMES), (6, 20000), (6, 65000, ACK | PSH | FIN),
    (6, 30000, ACK, [VLAN], b"", TIMES), (6, 9000, ACK | PSH, (), EXTENDED),
    (6, 9001, ACK | CWR, [QINQ, VLAN], EXTENDED, TIMES), (6, 9000, ACK, (), ROUTED),
]


@case("made super-frames are cut as the kernel cuts them: tags, extensions, flags")
def _():
    wire("eth1")
    in_software("eth1")
    reader = Reader("eth1")
    check(reader.bound.wait(5 * SLOW), "no reader")
    made_frames = [(super_frame(*row), row[0]) for row in MADE]
    for (data, tcp, size), version in made_frames:
        hand_over("eth1", data, tcp, size, version)
    reader.finish()
    check(max(map(len, reader.outgoing)) <= 1522, "the kernel did not cut")
    feed = replay(made(pcap([data for (data, _, _), _ in made_frames])),
                  "--oversize", "segment")
    frames_equal(feed.frames, reader.outgoing)
    equal("received", feed["received"], len(MADE))
    equal("segmented", feed["segmented"], len(MADE))
    equal("injected", feed["injected"], len(MADE))
    equal("frames_written", feed["frames_written"], len(reader.outgoing))


# ---- live --------------------------------------------------------------------

class Bridge:
    """One host - eth1, a bridge, eth2 - the other host."""

    def __init__(self):
        wire("eth1", "eth2")
        try:
            run("ip", "link", "add", "name", "br0", "type", "bridge")
        except AssertionError as error:
            raise Skip("this kernel has no bridge: %s" % error) from error
        for end in ("eth1", "eth2"):
            run("ip", "link", "set", end, "master", "br0")
        run("ip", "link", "set", "br0", "up")
        self.hosts = [self.host("eth1", 1), self.host("eth2", 2)]
        in_software("eth2")

    @staticmethod
    def host(end, number):
        host = Host(end + PEER, "10.77.0.%d/24" % number)
        host.run("sysctl", "-qw", "net.ipv6.conf.%s.disable_ipv6=0" % (end + PEER))
        host.run("ip", "address", "add", "2001:db8::%d/64" % number, "dev", end + PEER,
                 "nodad")
        return host

    def talk(self, address, count=400000, kind="STREAM"):
        """From the first host to the second one."""
        family = "AF_INET6" if ":" in address else "AF_INET"
        head = "import socket; s = socket.socket(socket.%s, socket.SOCK_%s)\n" % (family,
                                                                              kind)
        if kind == "DGRAM":
            self.python(0, head + "for i in range(40):\n    s.sendto(bytes(range(100)), "
                                  "(%r, 9))" % address).wait(10 * SLOW)
            return
        server = self.python(1, head + "s.bind((%r, 99)); s.listen()\nc, _ = s.accept()\n"
                                       "while c.recv(1 << 20):\n    pass" % address)
        until("a server", lambda: ":99 " in self.hosts[1].run("ss", "-ltn"), 10)
        client = self.python(0, head + "s.connect((%r, 99))\n"
                                       "s.sendall(bytes(i * 7 %% 251 for i in range(%d)))"
                             % (address, count))
        equal("client", client.wait(10 * SLOW), 0)
        equal("server", server.wait(10 * SLOW), 0)

    def python(self, host, text):
        return subprocess.Popen(self.hosts[host].enter([sys.executable, "-c", text]))


class Tap:
    """tapfeed on the one side of the bridge, readers on the interface and on both sides."""

    def __init__(self, *args, reader=Reader):
        self.before, self.after, self.copy = reader("eth1"), Reader("eth2"), reader("lc0")
        self.feed = Live("eth1", *args)
        self.feed.wait_up()
        for reader in (self.before, self.after, self.copy):
            check(reader.bound.wait(5 * SLOW), "no reader")

    def end(self):
        until("the last frame on the other side",
              lambda: len(self.after.outgoing) >= 5)
        self.feed.stop()
        for reader in (self.before, self.after, self.copy):
            reader.finish()
        return self


ADDRESSES = ("10.77.0.2", "2001:db8::2")


def with_data(frames):
    """Of the first host, which sends: IP that carries more than an answer does."""
    return [data for data in frames if data[12:14] in (b"\x08\0", b"\x86\xdd")
            and len(data) > 200]


@case("live connections are cut and finished as the kernel does it", limit=90)
def _():
    bridge = Bridge()
    for address in ADDRESSES:
        bridge.hosts[0].run("ping", "-c", "1", "-W", "5", address)
        tap = Tap("--checksums", "fix")
        bridge.talk(address)
        tap.end()
        there, cut, kernel = map(with_data, (tap.before.frames, tap.copy.frames,
                                             tap.after.outgoing))
        check(max(map(len, there)) > 10000, "no super-frame went by")
        check(max(map(len, kernel)) <= 1514, "the kernel did not cut")
        # What two processors sent has no order between it.
        frames_equal(sorted(cut), sorted(kernel))
        check(tap.feed["segmented"] > 0, "segmented")
        equal("oversize", tap.feed["oversize"], 0)
        equal("frames_written", tap.feed["frames_written"], len(tap.copy.frames))


@case("BIG TCP: jumbograms of IPv6, too", limit=90)
def _():
    bridge = Bridge()
    host = bridge.hosts[0]
    try:
        host.run("ip", "link", "set", "dev", "eth1" + PEER, "gso_max_size", "200000")
    except AssertionError as error:
        raise Skip("not on this kernel: %s" % error) from error
    host.run("sysctl", "-qw", "net.ipv4.tcp_wmem=4096 4000000 8000000")
    bridge.hosts[1].run("sysctl", "-qw", "net.ipv4.tcp_rmem=4096 4000000 8000000")
    tap = Tap("--checksums", "fix")
    for _ in range(3):
        bridge.talk(ADDRESSES[1], 2000000)
        if max(map(len, tap.before.frames)) > 70000:
            break
    tap.end()
    there, cut, kernel = map(with_data, (tap.before.frames, tap.copy.frames,
                                         tap.after.outgoing))
    check(max(map(len, there)) > 70000, "no jumbogram went by")
    frames_equal(sorted(cut), sorted(kernel))
    equal("oversize", tap.feed["oversize"], 0)


@case("trust tells of a frame what the kernel told of it", limit=90)
def _():
    bridge = Bridge()
    tap = Tap("--checksums", "trust", "--oversize", "keep", reader=Told)
    for address in ADDRESSES:
        bridge.talk(address, 100000)
        bridge.talk(address, kind="DGRAM")
    tap.end()

    def told(reader):
        return {data: mark for data, mark in zip(reader.both, reader.unfinished)
                if data[12:14] in (b"\x08\0", b"\x86\xdd")}
    before, copy = told(tap.before), told(tap.copy)
    check(sum(copy.values()) > 50, "nothing unfinished went by")
    check(not all(copy.values()), "nothing finished went by")
    # Last words may come after the feed was stopped.
    equal("of another mind", [data.hex() for data in copy if copy[data] != before.get(data)],
          [])


def judged(frames):
    """Frames whose checksum tshark finds wrong, and those it finds right."""
    counts = []
    checks = [word for name in ("tcp.check_checksum", "udp.check_checksum",
                                "ip.check_checksum") for word in ("-o", name + ":TRUE")]
    file = made(pcap(frames), "judged.pcap")
    for status in (0, 1):
        text = " || ".join("%s.checksum.status == %d" % (name, status)
                           for name in ("tcp", "udp", "ip", "icmpv6"))
        done = subprocess.run(["tshark", "-r", file, *checks, "-Y", text],
                              capture_output=True, text=True, timeout=60)
        equal("tshark", done.returncode, 0)
        counts.append(len(done.stdout.splitlines()))
    return counts


@case("unfinished checksums are fixed: tshark finds none that is wrong", limit=90)
def _():
    if not shutil.which("tshark"):
        raise Skip("tshark is not installed")
    bridge = Bridge()
    for options in ((), ("--checksums", "fix"), ("--checksums", "fix", "--oversize", "keep")):
        tap = Tap(*(options or ("--oversize", "keep")))
        for address in ADDRESSES:
            bridge.talk(address, 100000)
            bridge.talk(address, kind="DGRAM")
        tap.end()
        bad, good = judged(tap.copy.frames)
        check(good > 50, "tshark judged %d frames" % good)
        if options:
            equal("bad checksums, " + " ".join(options), bad, 0)
            check(tap.feed["checksums_fixed"] > 50, "checksums_fixed")
            equal("checksums_left", tap.feed["checksums_left"], 0)
        else:
            check(bad > 50, "nothing unfinished went by: %d" % bad)
            equal("checksums_fixed", tap.feed["checksums_fixed"], 0)


main()
