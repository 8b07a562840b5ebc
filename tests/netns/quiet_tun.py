# SPDX-License-Identifier: Apache-2.0
"""A TUN is as quiet as a TAP: the host neither answers, takes nor forwards what is
injected, and readers see nothing of the host's own.

Each probe has a control: with the shield taken off by the test itself the same packets
are answered, delivered and forwarded, so none can pass for the wrong reason.
"""
from captures import pcap
from harness import (Feed, Reader, case, check, equal, frames_equal, main, made, run,
                     veth, write_file)
import packets
import socket

HOST, PEER, FAR, GROUP = "192.0.2.1", "192.0.2.77", "198.51.100.9", "224.0.0.1"
HOST6, PEER6, FAR6 = "2001:db8::1", "2001:db8::77", "2001:db8:1::9"
TCP_PORT, UDP_PORT = 8080, 9999
RAW = 101

PROBES = {
    "icmp": packets.ping(PEER, HOST),
    "icmpv6": packets.ping(PEER6, HOST6),
    "tcp": packets.syn(PEER, HOST, TCP_PORT),
    "tcp-closed": packets.syn(PEER, HOST, 1, own_port=5556),
    "udp": packets.udp(PEER, HOST, UDP_PORT, b"udp"),
    "udp6": packets.udp(PEER6, HOST6, UDP_PORT, b"udp6"),
    "udp-closed": packets.udp(PEER, HOST, 1),
    "multicast": packets.udp(PEER, GROUP, UDP_PORT, b"multicast"),
    "multicast6": packets.udp(PEER6, "ff02::1", UDP_PORT, b"multicast6"),
    "forward": packets.udp(PEER, FAR, 53),
    "forward6": packets.udp(PEER6, FAR6, 53),
}


# ---- the scene ---------------------------------------------------------------

def scene():
    """A host that forwards, to a network beside the one that the packets are from."""
    for name in ("all", "default"):
        write_file("/proc/sys/net/ipv4/conf/%s/rp_filter" % name, "0")
    write_file("/proc/sys/net/ipv4/ip_forward", "1")
    write_file("/proc/sys/net/ipv6/conf/all/forwarding", "1")
    veth("near", HOST + "/24", HOST6 + "/64")
    veth("far", "198.51.100.1/24", "2001:db8:1::1/64")
    mac = "02:00:5e:00:53:02"
    for address, device in ((PEER, "near"), (PEER6, "near"), (FAR, "far"),
                            (FAR6, "far")):
        run("ip", "neighbour", "add", address, "lladdr", mac, "dev", device)


def classify(data):
    """Which probe this IP packet of the host's is an answer to, or None."""
    if data[0] >> 4 == 6:
        if data[24:40] == socket.inet_pton(socket.AF_INET6, FAR6):
            return "forward6"
        return "icmpv6" if (data[6], data[40]) == (packets.ICMPV6, 129) else None
    if socket.inet_ntoa(data[16:20]) == FAR:
        return "forward"
    if socket.inet_ntoa(data[12:16]) != HOST:
        return None
    port = int.from_bytes(data[20:22], "big")
    return {packets.ICMP: {0: "icmp", 3: "udp-closed"}.get(data[20]),
            packets.TCP: {TCP_PORT: "tcp", 1: "tcp-closed"}.get(port)}.get(data[9])


def unshield():
    run("tc", "qdisc", "del", "dev", "tf0", "clsact")
    run("ip", "link", "set", "tf0", "arp", "on")
    write_file("/proc/sys/net/ipv6/conf/tf0/disable_ipv6", "0")


def bound(family, address):
    sock = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind((address, UDP_PORT))
    sock.settimeout(0.3)
    return sock


def received(receiver):
    """What was delivered: each datagram names its probe."""
    found = set()
    try:
        while True:
            found.add(receiver.recv(100).decode())
    except socket.timeout:
        return found


def probe(shielded):
    """Replays the probes; what the host did with them, and the readers."""
    scene()
    source = made(pcap(list(PROBES.values()), link_type=RAW))
    watched = [Reader("tf0"), Reader("near"), Reader("far")]
    with socket.create_server(("0.0.0.0", TCP_PORT)), \
            bound(socket.AF_INET, "0.0.0.0") as four, \
            bound(socket.AF_INET6, "::") as six:
        feed = Feed(source, "--type", "tun", "--startup-delay", "1500ms",
                    "--linger", "900ms")
        feed.wait_up()
        if not shielded:
            unshield()
        watched[0].wait(len(PROBES))
        done = received(four) | received(six)
        feed.wait()
    readers = [reader.finish() for reader in watched]
    equal("status", feed.status, 0)
    equal("injected", feed["injected"], len(PROBES))
    frames_equal(readers[0].frames, list(PROBES.values()))
    done |= {classify(data[14:]) for reader in readers[1:] for data in reader.outgoing
             if data[12:14] in (b"\x08\0", b"\x86\xdd")}
    done |= {classify(data) for data in readers[0].outgoing}
    done.discard(None)
    return done, readers


@case("control: without the shield the host answers, takes and forwards")
def _():
    done, _ = probe(shielded=False)
    equal("what the host did", sorted(done), sorted(PROBES))


@case("the host answers, takes and forwards nothing; readers see every packet")
def _():
    done, readers = probe(shielded=True)
    equal("what the host did", sorted(done), [])
    equal("packets of the host's own on the interface", readers[0].outgoing, [])


# ---- the host's own packets --------------------------------------------------

def own_packets(shielded):
    """What the host itself sends on the interface when it is given addresses."""
    reader = Reader("tf0")
    source = made(pcap([PROBES["udp"]] * 5, link_type=RAW))
    feed = Feed(source, "--type", "tun", "--startup-delay", "2s", "--linger", "0")
    feed.wait_up()
    check(reader.bound.wait(2), "the reader is not there")
    if not shielded:
        unshield()
    run("ip", "address", "add", "203.0.113.1/24", "dev", "tf0")
    run("ip", "-6", "address", "add", "fe80::53/64", "dev", "tf0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(b"hello", ("203.0.113.9", 9))
        except PermissionError:  # the egress filter may say so
            pass
        except OSError as error:
            check(shielded, "the control cannot send: %s" % error)
    feed.wait()
    reader.finish()
    frames_equal(reader.frames, [PROBES["udp"]] * 5)
    return reader.outgoing


@case("control: without the shield readers see the host's own packets")
def _():
    versions = {data[0] >> 4 for data in own_packets(shielded=False)}
    check({4, 6} <= versions, "seen only %s" % versions)


@case("readers see none of the host's own packets, whatever it sends")
def _():
    equal("seen", own_packets(shielded=True), [])


# ---- the interface itself ----------------------------------------------------

@case("no address, no ARP, no autoconfiguration, no header; both filters are there")
def _():
    feed = Feed(made(pcap([PROBES["udp"]], link_type=RAW)), "--type", "tun",
                "--startup-delay", "1s")
    feed.wait_up()
    equal("addresses", run("ip", "-o", "address", "show", "dev", "tf0"), "")
    link = run("ip", "-d", "link", "show", "dev", "tf0")
    for text in ("NOARP", "UP", "addrgenmode none", "link/none", "tun type tun pi off",
                 "alias tapfeed uid="):
        check(text in link, "%s is not in %s" % (text, link))
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
    Feed(made(pcap([PROBES["udp"]], link_type=RAW)), "--type", "tun", "--linger",
         "0").wait()
    equal("state", state(), before)


main()
