# SPDX-License-Identifier: Apache-2.0
"""The quiet interface itself: its settings, what the host sends on it, what stands on
it, what is left of it, and a kernel that cannot make it. What is injected and whom it
reaches is quiet_matrix.py's. Controls are made by --host-visible."""
import os
import socket
import subprocess

from captures import pcap
from harness import (BUILDDIR, Feed, Reader, Skip, case, check, equal, exists, frames_equal,
                     main, made, run)
import packets
from packets import ethernet
from privileged_client import FAULTY, STEP_SHIELD, expected_calls, request

KINDS = ("tap", "tun")
PACKET = packets.udp("192.0.2.77", "192.0.2.1", 9999)
# To everybody: for what stands on the interface, too.
FRAME = b"\xff" * 6 + ethernet(0x800, PACKET)[6:]
TAGGED = FRAME[:12] + b"\x81\0\0\7" + FRAME[12:]
HELPER = os.path.join(BUILDDIR, "privileged", "tapfeed-privileged")


def feed_of(kind, *options, count=1, frame=FRAME):
    """A feed of one kind of interface, up, whose packets come a little later."""
    data = pcap([frame] * count) if kind == "tap" else pcap([PACKET] * count, link_type=101)
    feed = Feed(made(data), "--type", kind, "--linger", "100ms", "--startup-delay",
                "700ms", *options)
    feed.wait_up()
    return feed


def both(name, limit=30):
    """A case for each kind of interface."""
    def register(function):
        for kind in KINDS:
            case("%s: %s" % (kind, name), limit)(lambda kind=kind: function(kind))
        return function
    return register


# ---- the host's own frames ---------------------------------------------------

def own_frames(kind, *options):
    """What a reader sees of the host's when somebody gives it addresses, and sends."""
    reader = Reader("tf0")
    feed = feed_of(kind, *options, count=5)
    check(reader.bound.wait(2), "the reader is not there")
    run("ip", "address", "add", "203.0.113.1/24", "dev", "tf0")
    run("ip", "-6", "address", "add", "fe80::53/64", "dev", "tf0", "nodad")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        try:
            sender.sendto(b"hello", ("203.0.113.255" if kind == "tap" else
                                     "203.0.113.9", 9))
        except OSError:  # the egress filter may say so
            check(not options, "the control cannot send")
    feed.wait()
    reader.finish()
    frames_equal(reader.frames, [FRAME if kind == "tap" else PACKET] * 5)
    return reader.outgoing


@both("readers see none of the host's own frames, whatever it sends")
def _(kind):
    equal("seen", own_frames(kind), [])
    # The control: IPv4 and IPv6.
    seen = own_frames(kind, "--host-visible")
    versions = {data[14 if kind == "tap" else 0] >> 4 for data in seen}
    check({4, 6} <= versions, "without the shield only %s" % seen)


# ---- what stands on it -------------------------------------------------------

def above(device, frame, *options):
    """How many frames a VLAN or MAC VLAN device on it is handed."""
    feed = feed_of("tap", *options, count=3, frame=frame)
    run("ip", "link", "add", "link", "tf0", "name", "on0", *device)
    run("ip", "link", "set", "on0", "up")
    readers = Reader("on0"), Reader("tf0")
    feed.wait()
    for reader in readers:
        reader.finish()
    frames_equal(readers[1].frames, [frame] * 3)
    return len(readers[0].frames)


def can_be_made(device):
    """Whether the kernel has such devices; not each has VLANs."""
    probe = ("ip", "link", "add", "link", "lo", "name", "on0", *device)
    return "Unknown device type" not in subprocess.run(probe, capture_output=True,
                                                       text=True).stderr


@case("a MAC VLAN device on it gets nothing, nor a VLAN device")
def _():
    for device, frame in ((("type", "macvlan", "mode", "bridge"), FRAME),
                          (("type", "vlan", "id", "7"), TAGGED)):
        if device[1] == "vlan" and not can_be_made(device):
            continue
        if exists("on0"):
            run("ip", "link", "del", "on0")
        equal(device[1], above(device, frame), 0)
        equal(device[1] + ", the control", above(device, frame, "--host-visible"), 3)


# ---- the interface itself ----------------------------------------------------

@both("no address, no ARP, no autoconfiguration; both filters; an alias; nothing is left")
def _(kind):
    def state():
        return [run("ip", "-o", "link"), run("tc", "qdisc"), run("ip", "-o", "addr"),
                run("ip", "route"), run("ip", "-6", "route")]
    before = state()
    feed = feed_of(kind)
    equal("addresses", run("ip", "-o", "address", "show", "dev", "tf0"), "")
    link = run("ip", "-d", "link", "show", "dev", "tf0")
    check("NOARP" in link and "addrgenmode none" in link and "UP" in link, link)
    check("alias tapfeed uid=" in link, link)
    for side in ("ingress", "egress"):
        filters = run("tc", "filter", "show", "dev", "tf0", side)
        check("bpf" in filters and "direct-action" in filters,
              "%s: %r" % (side, filters))
    check(not feed.lines("host-visible"), feed.log)
    feed.wait()
    equal("state", state(), before)


@both("--host-visible: no filters, ARP, and nothing said by itself; nothing is left")
def _(kind):
    before = [run("ip", "-o", "link"), run("tc", "qdisc")]
    reader = Reader("tf0")
    feed = feed_of(kind, "--host-visible")
    check(feed.lines(r"tf0 is up \(%s, mtu 1500, host-visible\)" % kind), feed.log)
    equal("addresses", run("ip", "-o", "address", "show", "dev", "tf0"), "")
    link = run("ip", "-d", "link", "show", "dev", "tf0")
    check("addrgenmode none" in link and "UP" in link, link)
    equal("NOARP", "NOARP" in link, kind == "tun")
    check("clsact" not in run("tc", "qdisc", "show", "dev", "tf0"), "it has the shield")
    feed.wait()
    equal("frames of the host's", reader.finish().outgoing, [])
    equal("state", [run("ip", "-o", "link"), run("tc", "qdisc")], before)


@both("--host-visible: a reader sees each of the host's answers, for all that no process "
      "takes them")
def _(kind):
    count = 3000  # the driver keeps 1000 at most for whoever reads the descriptor
    ping = packets.ping("192.0.2.77", "192.0.2.1")
    reader = Reader("tf0")
    data = pcap([b"\2\0\x5eS\1\1" + ethernet(0x800, ping)[6:]] * count) \
        if kind == "tap" else pcap([ping] * count, link_type=101)
    mac = ["--mac", "02:00:5e:53:01:01"] if kind == "tap" else []
    feed = Feed(made(data), "--type", kind, "--host-visible", "--startup-delay", "500ms",
                "--linger", "300ms", *mac)
    feed.wait_up()
    run("ip", "address", "add", "192.0.2.1/24", "dev", "tf0")
    run("ip", "neighbour", "add", "192.0.2.77", "lladdr", "02:00:00:00:00:0b", "dev", "tf0")
    feed.wait()
    reader.finish()
    equal("injected", feed["injected"], count)
    equal("seen", len(reader.frames), count)
    at = 14 if kind == "tap" else 0
    answers = [frame for frame in reader.outgoing if frame[at + 9:at + 10] == b"\1" and
               frame[at:at + 1] == b"\x45"]
    equal("answers", len(answers), count)


# ---- a kernel without clsact -------------------------------------------------

@both("a kernel without clsact or without its filters: refused, and nothing is left")
def _(kind):
    if not os.path.exists(FAULTY):
        raise Skip("tests/netns/privileged-fault is not built (make check builds it)")
    # What the kernel says where the module is missing, to each of the three messages.
    calls = expected_calls(request(kind=1 + KINDS.index(kind)))
    answers = [number for number, (call, step) in enumerate(calls, 1)
               if step == STEP_SHIELD and call.startswith("acknowledge")]
    equal("messages of the shield", len(answers), 3)
    run("mount", "--bind", FAULTY, HELPER)
    try:
        for number in answers:
            os.environ.update(TAPFEED_FAULT_AT=str(number), TAPFEED_FAULT_ERRNO="2")
            feed = Feed(made(pcap([FRAME])), "--type", kind)
            feed.wait(report=False)
            equal("status", feed.status, 1)
            check(feed.lines("cannot create tf0.*ENOENT.*sch_ingress.*--host-visible"),
                  feed.log)
            check(not exists("tf0"), "the interface is still there")
    finally:
        for name in ("TAPFEED_FAULT_AT", "TAPFEED_FAULT_ERRNO"):
            os.environ.pop(name, None)
        run("umount", HELPER)


main()
