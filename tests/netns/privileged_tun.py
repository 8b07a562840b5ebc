#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
tapfeed-privileged, alone: a TUN is made, shielded and given back as a TAP is, but that
it has no MAC address. Needs iproute2.
"""
import fcntl
import os
import socket
import struct
import time
from errno import EBADF, EBUSY, EINVAL, EPROTO

import packets
from privileged_client import (
    FAULTY, IFF_MULTI_QUEUE, IFF_NO_PI, IFF_TAP, IFF_TUN, STEP_ATTACH, STEP_CHECK,
    STEP_REQUEST, TUNGETIFF, Skip, add_calls, ask, case, created, equal, expected_calls,
    filters, interfaces, link, main, refused, request, rows, run, shielded, true, tun)

KIND_TUN = 2
HOST, PEER, FAR, GROUP = "192.0.2.1", "192.0.2.77", "198.51.100.9", "224.0.0.1"
HOST6, PEER6 = "2001:db8::1", "2001:db8::77"
OPEN_PORT = 9999


def tun_request(name=b"tf0", **fields):
    return request(name, kind=KIND_TUN, **fields)


def refused_write(fd, data):
    try:
        os.write(fd, data)
    except OSError as error:
        return error.errno
    raise AssertionError(f"{len(data)} bytes were taken")


# ---- what it creates ----------------------------------------------------------


@case
def creates_a_quiet_tun():
    reply = created(ask(tun_request(mtu=9000)))
    state = link("tf0")
    equal((reply.name, reply.mtu, reply.mac), ("tf0", 9000, bytes(6)), "reply")
    equal(reply.ifindex, state["ifindex"], "ifindex")
    equal((state["mtu"], state["link_type"]), (9000, "none"), "link")
    equal(state.get("address"), None, "address")
    true({"UP", "NOARP"} <= set(state["flags"]), "flags: " + str(state["flags"]))
    equal(state["ifalias"], f"tapfeed uid={os.getuid()}", "alias")
    if os.path.exists("/proc/sys/net/ipv6"):
        equal(state["inet6_addr_gen_mode"], "none", "addr_gen_mode")
    info = state["linkinfo"]["info_data"]
    equal((info["type"], info["pi"], info["vnet_hdr"], info["persist"]),
          ("tun", False, False, False), "tun flags")
    equal(info["user"] in ("root", 0), True, "owner")
    true(shielded("tf0"), "no filters: " + filters("tf0", "ingress"))
    equal(run("ip", "addr", "show", "dev", "tf0").count("inet"), 0, "addresses")
    reply.close()
    equal(interfaces(), ["lo"], "after the last descriptor is closed")


@case
def descriptor_can_only_write_ip():
    reply = created(ask(tun_request()))
    fd = reply.fds[0]
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    equal(flags & os.O_ACCMODE, os.O_WRONLY, "access mode")
    true(flags & os.O_NONBLOCK, "O_NONBLOCK")
    name, got = struct.unpack("16sH22x", fcntl.ioctl(fd, TUNGETIFF, bytes(40)))
    equal((name.rstrip(b"\0"), got), (b"tf0", IFF_TUN | IFF_NO_PI), "TUNGETIFF")
    try:
        os.read(fd, 100)
        raise AssertionError("it can be read")
    except OSError as error:
        equal(error.errno, EBADF, "read")
    # What the injector's check of a batch must keep from it, and what it may let by.
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as reader:
        reader.bind(("tf0", 3))
        reader.settimeout(5)
        for data in (b"", b"\x55" + bytes(59), b"\x05", bytes(60), b"\xf4"):
            equal(refused_write(fd, data), EINVAL, f"write of {data!r}")
        for data in (b"\x45", b"\x60", b"\x45" + bytes(18), b"\x6f" + bytes(1399),
                     b"\x45" + bytes(262143)):
            equal(os.write(fd, data), len(data), "write")
            equal(reader.recv(300000) == data, True, "what a reader sees of it")
    reply.close()


@case
def kernel_numbers_the_name():
    first, second = (created(ask(tun_request(b"tf%d"))) for _ in range(2))
    equal((first.name, second.name), ("tf0", "tf1"), "names")
    equal(link("tf1")["ifindex"], second.ifindex, "ifindex")
    first.close()
    second.close()


@rows([(str(mtu), mtu) for mtu in (68, 1279, 1280, 65521)])
def accepts_mtu(mtu):
    reply = created(ask(tun_request(mtu=mtu)))
    equal((reply.mtu, link("tf0")["mtu"]), (mtu, mtu), "mtu")
    true(shielded("tf0"), "no filters")
    equal(run("ip", "addr", "show", "dev", "tf0").count("inet"), 0, "addresses")
    reply.close()


@case
def logs_who_what_and_verdict():
    reply, _, err, _ = ask(tun_request())
    reply.close()
    equal(err, f"<6>uid {os.getuid()}, pid {os.getpid()}: create \"tf0\": "
               "created tf0\n", "line")
    err = refused(ask(tun_request(mac=b"\2\0\0\0\0\1")), EINVAL, STEP_REQUEST)
    equal(err, f"<6>uid {os.getuid()}, pid {os.getpid()}: create \"tf0\": refused: "
               "a TUN has no MAC address\n", "line")


# ---- the shield ---------------------------------------------------------------


def put(path, text):
    with open(path, "w") as file:
        file.write(text)


def host():
    """Forwards from tf0 to a second interface, both with addresses."""
    for name in ("all", "default", "tf0"):
        put(f"/proc/sys/net/ipv4/conf/{name}/rp_filter", "0")
    put("/proc/sys/net/ipv4/ip_forward", "1")
    run("ip", "link", "add", "far", "type", "veth", "peer", "name", "far-peer")
    for end in ("far", "far-peer"):
        put(f"/proc/sys/net/ipv6/conf/{end}/disable_ipv6", "1")
        run("ip", "link", "set", end, "up")
    run("ip", "addr", "add", "198.51.100.1/24", "dev", "far")
    run("ip", "neighbour", "add", FAR, "lladdr", "02:00:5e:00:53:02", "dev", "far")
    run("ip", "addr", "add", HOST + "/24", "dev", "tf0")
    run("ip", "addr", "add", HOST6 + "/64", "dev", "tf0", "nodad")


PROBES = {
    "icmp": packets.ping(PEER, HOST),
    "icmpv6": packets.ping(PEER6, HOST6),
    "udp": packets.udp(PEER, HOST, OPEN_PORT),
    "udp-closed": packets.udp(PEER, HOST, 1),
    "udp-all-hosts": packets.udp(PEER, GROUP, OPEN_PORT, b"to everyone"),
    "tcp": packets.syn(PEER, HOST, OPEN_PORT),
    "tcp-closed": packets.syn(PEER, HOST, 1, own_port=5556),
    "forward": packets.udp(PEER, FAR, 53),
}


def answered(data):
    """Which probe this IP packet of the host's answers, or None."""
    if data[0] >> 4 == 6:
        return "icmpv6" if data[6] == packets.ICMPV6 and data[40] == 129 else None
    if socket.inet_ntoa(data[16:20]) == FAR:
        return "forward"
    if socket.inet_ntoa(data[12:16]) != HOST:
        return None
    return {(1, 0): "icmp", (1, 3): "udp-closed", (6, OPEN_PORT >> 8): "tcp",
            (6, 0): "tcp-closed"}.get((data[9], data[20]))


def drain(sock):
    found = []
    try:
        while True:
            found.append(sock.recv(4096, socket.MSG_DONTWAIT))
    except BlockingIOError:
        return found


def probe(reply):
    """Writes the probes. What the host did, and what a reader saw of them."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as near, \
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as far, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver, \
            socket.create_server(("0.0.0.0", OPEN_PORT)), \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        near.bind(("tf0", 3))
        far.bind(("far", 3))
        receiver.bind(("0.0.0.0", OPEN_PORT))
        for data in PROBES.values():
            equal(os.write(reply.fds[0], data), len(data), "write")
        try:
            sender.sendto(b"from the host", ("192.0.2.7", 9))
        except OSError:
            pass  # ENOBUFS: the filter dropped it
        time.sleep(0.3)
        seen = drain(near)
        did = {answered(data) for data in seen if data not in PROBES.values()}
        did |= {answered(data[14:]) for data in drain(far) if data[12:14] == b"\x08\0"}
        did |= {"udp" if data == b"tapfeed!" else "udp-all-hosts"
                for data in drain(receiver)}
        did.discard(None)
        if any(b"from the host" in data for data in seen):
            did.add("own")
    return did, [data for data in seen if data in PROBES.values()], len(seen)


@case
def shield_keeps_host_and_readers_apart():
    reply = created(ask(tun_request()))
    try:
        host()
    except FileNotFoundError as error:
        raise Skip(f"no {error.filename}")
    did, probes, seen = probe(reply)
    equal(sorted(did), [], "what the host did")
    equal(probes == list(PROBES.values()), True, "the reader saw every probe")
    equal(seen, len(PROBES), "packets that the reader saw")
    # The control: without it the host takes part in everything.
    run("tc", "qdisc", "del", "dev", "tf0", "clsact")
    did, probes, _ = probe(reply)
    equal(sorted(did), sorted([*PROBES, "own"]), "what the host did, unshielded")
    equal(probes == list(PROBES.values()), True, "the reader saw every probe")
    run("ip", "link", "del", "far")
    put("/proc/sys/net/ipv4/ip_forward", "0")
    reply.close()


@case
def an_address_comes_only_from_whoever_gives_it_one():
    reply = created(ask(tun_request()))
    for _ in range(2):
        run("ip", "link", "set", "tf0", "down")
        run("ip", "link", "set", "tf0", "up")
    equal(run("ip", "addr", "show", "dev", "tf0").count("inet"), 0, "addresses")
    true(shielded("tf0"), "the filters stay")
    reply.close()


# ---- names that are taken, kernels that lie ---------------------------------------


@rows([("tun", "tun"), ("tap", "tap")])
def refuses_the_name_of_a_persistent(mode):
    run("ip", "tuntap", "add", "tf9", "mode", mode)
    before = link("tf9")
    refused(ask(tun_request(b"tf9")), EBUSY, STEP_ATTACH)
    equal(link("tf9"), before, "the device that has the name")
    run("ip", "link", "del", "tf9")


@rows([("tun", IFF_TUN), ("tap", IFF_TAP), ("multi-queue tun",
                                           IFF_TUN | IFF_MULTI_QUEUE)])
def refuses_the_name_in_use_of_a(flags):
    fd = tun(b"tf9", flags | IFF_NO_PI)
    refused(ask(tun_request(b"tf9")), EBUSY, STEP_ATTACH)
    os.close(fd)


@rows([(name, name) for name in ("tf1", "tf", "tf00", "eth0")])
def does_not_go_on_where_the_kernel_says(name):
    refused(ask(tun_request(), command=(FAULTY,), env={"TAPFEED_FAULT_NAME": name}),
            EPROTO, STEP_CHECK)


@case
def asks_for_no_random_address():
    calls = [call for call, _ in expected_calls(tun_request())]
    equal([call for call in calls if call.startswith("getrandom")], [], "calls")


if __name__ == "__main__":
    main(lambda: add_calls(tun_request()))
