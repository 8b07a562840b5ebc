#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
tapfeed-privileged, alone: what it creates, and that nothing is left behind where a
step fails or it is killed before it. Needs iproute2.
"""
import fcntl
import os
import signal
import socket
import struct
import subprocess
import time
from errno import EAFNOSUPPORT, EBADF, EBUSY, EINVAL, EPROTO

from privileged_client import (
    FAULTY, HOST_VISIBLE, IFF_MULTI_QUEUE, IFF_NO_PI, IFF_TAP, STEP_ATTACH, STEP_CHECK,
    STEP_REQUEST, VNET,
    TUNGETIFF, TUNSETIFF, Skip, add_calls, ask, case, created, equal, expected_calls,
    filters, finish, interfaces, link, main, pair, receive, refused, request, rows, run,
    shielded, start, stopped, true, tun)


# ---- what it creates ----------------------------------------------------------


@case
def creates_one_with_headers_where_that_is_asked_for():
    reply = created(ask(request(b"tf0", flags=0x10)))
    equal(link("tf0")["linkinfo"]["info_data"]["vnet_hdr"], True, "vnet_hdr")
    true(shielded("tf0"), "no filters: " + filters("tf0", "ingress"))
    equal(os.write(reply.fds[0], bytes(10) + bytes(60)), 70, "write")
    reply.close()
    equal(interfaces(), ["lo"], "after the last descriptor is closed")


@case
def creates_a_quiet_interface():
    mac = bytes.fromhex("02a1b2c3d4e5")
    reply = created(ask(request(b"tf0", mtu=9000, mac=mac)))
    state = link("tf0")
    equal((reply.name, reply.mtu, reply.mac), ("tf0", 9000, mac), "reply")
    equal(reply.ifindex, state["ifindex"], "ifindex")
    equal((state["mtu"], state["address"]), (9000, "02:a1:b2:c3:d4:e5"), "link")
    true({"UP", "NOARP"} <= set(state["flags"]), "flags: " + str(state["flags"]))
    equal(state["ifalias"], f"tapfeed uid={os.getuid()}", "alias")
    equal(state.get("inet6_addr_gen_mode", "none"), "none", "addr_gen_mode")
    info = state["linkinfo"]["info_data"]
    equal((info["type"], info["pi"], info["vnet_hdr"], info["persist"]),
          ("tap", False, False, False), "tun flags")
    equal(info["user"] in ("root", 0), True, "owner")
    true(shielded("tf0"), "no filters: " + filters("tf0", "ingress"))
    equal(run("ip", "addr", "show", "dev", "tf0").count("inet"), 0, "addresses")
    reply.close()
    equal(interfaces(), ["lo"], "after the last descriptor is closed")


@case
def leaves_the_shield_off_where_that_is_asked_for():
    answer = ask(request(b"tf0", flags=HOST_VISIBLE))
    reply = created(answer)
    state = link("tf0")
    true("UP" in state["flags"] and "NOARP" not in state["flags"], str(state["flags"]))
    equal(state.get("inet6_addr_gen_mode", "none"), "none", "addr_gen_mode")
    equal(run("tc", "qdisc", "show", "dev", "tf0", "clsact"), "", "qdisc")
    equal(filters("tf0", "ingress") + filters("tf0", "egress"), "", "filters")
    true('create "tf0" host-visible: created tf0' in answer[2], "line: " + answer[2])
    reply.close()
    answer = ask(request(b"tf0", flags=HOST_VISIBLE | VNET))
    reply = created(answer)
    true('create "tf0" host-visible: created tf0' in answer[2], "line: " + answer[2])
    reply.close()
    equal(interfaces(), ["lo"], "after the last descriptor is closed")


@case
def descriptor_can_only_write():
    reply = created(ask())
    fd = reply.fds[0]
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    equal(flags & os.O_ACCMODE, os.O_WRONLY, "access mode")
    true(flags & os.O_NONBLOCK, "O_NONBLOCK")
    name, got = struct.unpack("16sH22x", fcntl.ioctl(fd, TUNGETIFF, bytes(40)))
    equal((name.rstrip(b"\0"), got), (b"tf0", IFF_TAP | IFF_NO_PI), "TUNGETIFF")
    try:
        os.read(fd, 100)
        raise AssertionError("it can be read")
    except OSError as error:
        equal(error.errno, EBADF, "read")
    equal(os.write(fd, bytes(60)), 60, "write")
    reply.close()


@case
def random_addresses_are_local_unicast():
    seen = set()
    for _ in range(5):
        reply = created(ask())
        equal(reply.mac[0] & 3, 2, "local, unicast")
        equal(link("tf0")["address"], reply.mac.hex(":"), "link")
        seen.add(reply.mac)
        reply.close()
    equal(len(seen), 5, "different addresses")


@case
def kernel_numbers_the_name():
    first, second = created(ask(request(b"tf%d"))), created(ask(request(b"tf%d")))
    equal((first.name, second.name), ("tf0", "tf1"), "names")
    equal(link("tf1")["ifindex"], second.ifindex, "ifindex")
    first.close()
    second.close()


@rows([(str(mtu), mtu) for mtu in (68, 1279, 1280, 65521)])
def accepts_mtu(mtu):
    reply = created(ask(request(mtu=mtu)))
    equal((reply.mtu, link("tf0")["mtu"]), (mtu, mtu), "mtu")
    true(shielded("tf0"), "no filters")
    reply.close()


@case
def logs_who_what_and_verdict():
    reply, _, err, _ = ask()
    reply.close()
    equal(err, f"<6>uid {os.getuid()}, pid {os.getpid()}: create \"tf0\": "
               "created tf0\n", "line")
    err = refused(ask(request(b"a\x1b[31m\xff\n")), EINVAL, STEP_REQUEST)
    equal(err, f"<6>uid {os.getuid()}, pid {os.getpid()}: create "
               "\"a\\x1b[31m\\xff\\x0a\": refused: bad name\n", "line")


# ---- the shield ---------------------------------------------------------------


def counter(group, name):
    with open("/proc/self/net/snmp") as snmp:
        lines = [line.split() for line in snmp if line.startswith(group + ":")]
    return int(lines[1][lines[0].index(name)])


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def ping_frame(mac):
    """An echo request from 192.0.2.2 to 192.0.2.1."""
    icmp = struct.pack(">BBHHH", 8, 0, 0, 1, 1) + bytes(32)
    icmp = icmp[:2] + struct.pack(">H", checksum(icmp)) + icmp[4:]
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(icmp), 1, 0, 64, 1, 0,
                     bytes([192, 0, 2, 2]), bytes([192, 0, 2, 1]))
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    return mac + b"\x02\0\0\0\0\x99" + b"\x08\0" + ip + icmp


def probe(reply):
    """Four pings in, four datagrams out: what host and reader saw of them."""
    frame = ping_frame(reply.mac)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as reader, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        reader.bind((reply.name, 3))
        reader.setblocking(False)
        before = counter("Ip", "InReceives"), counter("Icmp", "InEchos")
        for _ in range(4):
            os.write(reply.fds[0], frame)
            try:
                sender.sendto(b"from the host", ("192.0.2.7", 9))
            except OSError:
                pass  # ENOBUFS: the filter dropped it
        time.sleep(0.1)
        frames = []
        try:
            while True:
                frames.append(reader.recv(2048))
        except BlockingIOError:
            pass
    after = counter("Ip", "InReceives"), counter("Icmp", "InEchos")
    return {"received": after[0] - before[0], "echoed": after[1] - before[1],
            "seen": frames.count(frame),
            "host": sum(b"from the host" in f for f in frames)}


@case
def shield_keeps_host_and_readers_apart():
    reply = created(ask())
    run("ip", "addr", "add", "192.0.2.1/24", "dev", "tf0")
    equal(probe(reply), {"received": 0, "echoed": 0, "seen": 4, "host": 0}, "shield")
    # The control: without it the host takes part.
    run("tc", "qdisc", "del", "dev", "tf0", "clsact")
    equal(probe(reply), {"received": 4, "echoed": 4, "seen": 4, "host": 4}, "control")
    reply.close()


# ---- names that are taken -----------------------------------------------------


def taken(name):
    before = link(name)
    began = time.monotonic()
    err = refused(ask(request(name.encode())), EBUSY, STEP_ATTACH)
    true(0.2 <= time.monotonic() - began < 2, "tried again for 200 ms")
    true("EBUSY" in err, "line: " + err)
    equal(link(name), before, "the device that has the name")


@case
def refuses_the_name_of_a_foreign_device():
    for kind in ("dummy", "bridge", "veth"):
        try:
            run("ip", "link", "add", "tf9", "type", kind)
        except subprocess.CalledProcessError:
            continue  # not in this kernel
        taken("tf9")
        run("ip", "link", "del", "tf9")
        return
    raise Skip("this kernel can make no other device")


@rows([
    ("persistent tap", ("tuntap", "add", "tf9", "mode", "tap")),
    ("persistent tap of our kind", ("tuntap", "add", "tf9", "mode", "tap", "user", "0")),
    ("persistent multi-queue tap", ("tuntap", "add", "tf9", "mode", "tap",
                                    "multi_queue")),
    ("persistent tun", ("tuntap", "add", "tf9", "mode", "tun")),
])
def refuses_the_name_of_a(command):
    run("ip", *command)
    taken("tf9")
    run("ip", "link", "del", "tf9")


@case
def refuses_the_name_of_a_tap_in_use():
    for flags in (IFF_TAP | IFF_NO_PI, IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE):
        fd = tun(b"tf9", flags)
        taken("tf9")
        os.close(fd)


@case
def refuses_the_name_of_the_loopback():
    taken("lo")


@case
def waits_for_a_name_that_is_let_go():
    fd = tun(b"tf9", IFF_TAP | IFF_NO_PI)
    ours, theirs = pair()
    with ours, theirs:
        process = start(theirs.fileno())
        ours.send(request(b"tf9"))
        time.sleep(0.1)
        os.close(fd)
        reply = receive(ours)
        status, err = finish(process)
    created((reply, status, err, None)).close()


@case
def one_of_several_for_one_name_wins():
    running = []
    for _ in range(6):
        ours, theirs = pair()
        running.append((ours, start(theirs.fileno())))
        theirs.close()
    for ours, _ in running:
        ours.send(request(b"tf9"))
    replies = [receive(ours) for ours, _ in running]
    equal(sorted((reply.error, reply.step) for reply in replies),
          [(0, 0)] + 5 * [(EBUSY, STEP_ATTACH)], "replies")
    for reply in replies:
        reply.close()
    for ours, process in running:
        finish(process)
        ours.close()


# ---- failure at each step -----------------------------------------------------


@case
def goes_on_without_ipv6():
    number = [i for i, (call, _) in enumerate(expected_calls(), 1)
              if call.startswith("acknowledge")][2]
    created(ask(command=(FAULTY,), env={
        "TAPFEED_FAULT_AT": str(number),
        "TAPFEED_FAULT_ERRNO": str(EAFNOSUPPORT)})).close()


@case
def tries_a_busy_name_again():
    number = 1 + [call for call, _ in expected_calls()].index(f"ioctl {TUNSETIFF:#x}")
    created(ask(command=(FAULTY,), env={"TAPFEED_FAULT_AT": str(number),
                                        "TAPFEED_FAULT_ERRNO": str(EBUSY)})).close()


@case
def takes_nothing_for_a_standard_stream():
    def close_all():
        for fd in (0, 1, 2):
            os.close(fd)
    ours, process = stopped(len(expected_calls()), setup=close_all)
    with ours:
        try:
            streams = {os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in (0, 1, 2)}
            equal(streams, {"/dev/null"}, "streams")
        except PermissionError:
            pass  # non-dumpable: in a user namespace nobody may look
        process.send_signal(signal.SIGCONT)
        reply = receive(ours)
        created((reply, *finish(process), None)).close()


@rows([(name, name) for name in ("tf1", "tf", "tf00", "eth0")])
def does_not_go_on_where_the_kernel_says(name):
    refused(ask(command=(FAULTY,), env={"TAPFEED_FAULT_NAME": name}),
            EPROTO, STEP_CHECK)


@case
def holds_one_capability_and_six_descriptors():
    extra = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(extra, True)
    ours, process = stopped(len(expected_calls()))
    with ours, open(f"/proc/{process.pid}/status") as file:
        status = dict(line.split(":", 1) for line in file)
        for field, wanted in (("CapInh", 0), ("CapPrm", 1 << 12), ("CapEff", 1 << 12),
                              ("CapAmb", 0), ("CapBnd", 0)):
            equal(int(status[field], 16), wanted, field)
        equal(int(status["NoNewPrivs"]), 1, "NoNewPrivs")
        limits = open(f"/proc/{process.pid}/limits").read()
        true("Max core file size        0                    0" in limits, limits)
        try:
            equal(len(os.listdir(f"/proc/{process.pid}/fd")), 6, "descriptors")
        except PermissionError:
            pass  # non-dumpable: in a user namespace nobody may look
        # Nobody can send another request by now.
        try:
            ours.send(request(b"tf1"))
            raise AssertionError("a second request was taken")
        except BrokenPipeError:
            pass
        process.send_signal(signal.SIGCONT)
        reply = receive(ours)
        created((reply, *finish(process), None)).close()
    os.close(extra)


@case
def leaves_nothing_for_a_peer_that_goes_before_the_reply():
    for number in range(1, len(expected_calls()) + 1):
        ours, process = stopped(number)
        ours.close()
        process.send_signal(signal.SIGCONT)
        finish(process)
        equal(interfaces(), ["lo"], "interfaces")


if __name__ == "__main__":
    main(add_calls)
