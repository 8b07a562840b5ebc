# SPDX-License-Identifier: Apache-2.0
"""TUN interfaces and raw IP: what is injected is, byte for byte, what was captured,
less the link header and tags that a TUN cannot carry, or with the header that a TAP
needs; what cannot be carried is counted."""
from captures import enhanced, frame, interface, pcap, pcap_header, pcap_record, section
from harness import (Feed, SAMPLE, case, check, equal, exists, frames_equal, main, made,
                     replay)
from packets import ethernet, ip, ping, syn, udp
import captures

ETHERNET, RAW, IPV4, IPV6 = 1, 101, 228, 229
MADE = bytes.fromhex("020000000002020000000001")
FOUR = [ping("192.0.2.2", "192.0.2.1"), udp("192.0.2.2", "192.0.2.1", 53),
        syn("192.0.2.2", "192.0.2.1", 80), udp("192.0.2.2", "192.0.2.1", 9, bytes(9000)),
        ip("192.0.2.2", "192.0.2.1", 253, bytes(65000)), b"\x45"]
SIX = [ping("2001:db8::2", "2001:db8::1"), udp("2001:db8::2", "2001:db8::1", 53),
       ip("2001:db8::2", "2001:db8::1", 253, bytes(65000)), b"\x60"]
BOTH = [data for pair in zip(FOUR, SIX) for data in pair]


def to_tun(packets, link_type, *args):
    return replay(made(pcap(packets, link_type=link_type)), "--type", "tun", *args)


def holds(feed, frames, status=0, **skipped):
    """The frames a reader saw and the packets that were skipped, by reason."""
    equal("status", feed.status, status)
    frames_equal(feed.frames, frames)
    equal("of the host's own", feed.reader.outgoing, [])
    equal("injected", feed["injected"], len(frames))
    equal("frames_written", feed["frames_written"], len(frames))
    equal("bytes_injected", feed["bytes_injected"], sum(map(len, frames)))
    for reason in ("too_short", "too_long", "not_ip"):
        equal(reason, feed["skipped." + reason], skipped.get(reason, 0))
    equal("other link types", feed["skipped.unsupported_link_type"], {})
    equal("received", feed["received"], len(frames) + sum(skipped.values()))
    return feed


def with_header(data):
    return MADE + (b"\x86\xdd" if data[0] >> 4 == 6 else b"\x08\0") + data


# ---- raw IP ------------------------------------------------------------------

@case("raw IP goes to a TUN byte for byte, of each link type there is for it")
def _():
    for link_type, packets in ((RAW, BOTH), (12, BOTH), (14, BOTH), (IPV4, FOUR),
                               (IPV6, SIX)):
        holds(to_tun(packets, link_type), packets)


@case("raw IP that is none is counted, on a TUN and on a TAP")
def _():
    bad = [b"\x55" + bytes(30), bytes(40), b"\xf6" + bytes(19)]
    for kind, convert in (("tun", bytes), ("tap", with_header)):
        def run(packets, link_type):
            return replay(made(pcap(packets, link_type=link_type)), "--type", kind)
        holds(run([FOUR[0], *bad, b"", SIX[0]], RAW),
              [convert(FOUR[0]), convert(SIX[0])], not_ip=3, too_short=1)
        holds(run([SIX[0], FOUR[0]], IPV4), [convert(FOUR[0])], not_ip=1)
        holds(run([SIX[0], FOUR[0]], IPV6), [convert(SIX[0])], not_ip=1)


@case("raw IP gets its header on a TAP")
def _():
    for link_type, packets in ((RAW, BOTH), (IPV4, FOUR), (IPV6, SIX)):
        holds(replay(made(pcap(packets, link_type=link_type))),
              [with_header(data) for data in packets])


@case("the longest packets: a TAP's need room for the header")
def _():
    packets = [b"\x45" + bytes(size - 1) for size in (262130, 262131, 262144)]
    holds(to_tun(packets, RAW), packets)
    holds(replay(made(pcap(packets, link_type=RAW))), [with_header(packets[0])],
          too_long=2)


# ---- Ethernet ----------------------------------------------------------------

def every_frame():
    """Frames, and what a TUN is given of each: IP, or the reason why nothing."""
    four, six = FOUR[1], SIX[1]
    tags = ([(0x8100, 7)], [(0x88a8, 7)], [(0x9100, 7)], [(0x88a8, 1), (0x8100, 2)],
            [(0x9100, 1), (0x9100, 2)], 5 * [(0x8100, 3)])
    rows = [(ethernet(0x800, four), four), (ethernet(0x86dd, six), six),
            (ethernet(0x800, four + bytes(17)), four + bytes(17)),  # padding
            (ethernet(0x800, b"\x45"), b"\x45"), (ethernet(0x800, b""), "too_short"),
            (ethernet(0x800, six), "not_ip"), (ethernet(0x86dd, four), "not_ip"),
            (ethernet(0x806, bytes(46)), "not_ip"),  # ARP
            (ethernet(0x88cc, bytes(46)), "not_ip"),  # LLDP
            (ethernet(0x8847, bytes(4) + four), "not_ip"),  # MPLS
            (ethernet(0, four), "not_ip"),
            (ethernet(38, bytes.fromhex("424203") + bytes(35)), "not_ip"),  # STP
            (frame(60), "not_ip"), (frame(13), "too_short"), (b"", "too_short")]
    for each in tags:
        rows += [(ethernet(0x800, four, each), four), (ethernet(0x86dd, six, each), six),
                 (ethernet(0x806, bytes(46), each), "not_ip"),
                 (ethernet(0x800, b"", each), "too_short"),
                 (ethernet(0x800, four, each)[:12 + 4 * len(each)], "too_short")]
    return rows


@case("of Ethernet a TUN gets the IP packet: no header, no tag; the rest is counted")
def _():
    rows = every_frame()
    wanted = [result for _, result in rows]
    holds(to_tun([data for data, _ in rows], ETHERNET),
          [result for result in wanted if isinstance(result, bytes)],
          not_ip=wanted.count("not_ip"), too_short=wanted.count("too_short"))


@case("skips alone are no failure, but with --strict")
def _():
    packets = [ethernet(0x806, bytes(46)), ethernet(0x800, FOUR[1])]
    holds(to_tun(packets, ETHERNET, "--strict"), [FOUR[1]], status=1, not_ip=1)


@case("the bundled capture, as IP")
def _():
    frames, not_ip = [], 0
    for packet in captures.read(SAMPLE):
        data = packet.data[12:]
        while data[:2] in (b"\x81\0", b"\x88\xa8", b"\x91\0"):
            data = data[4:]
        if data[:2] in (b"\x08\0", b"\x86\xdd"):
            frames.append(data[2:])
        else:
            not_ip += 1
    check(len(frames) > 100, "only %d packets of IP in it" % len(frames))
    holds(replay(SAMPLE, "--type", "tun"), frames, not_ip=not_ip)


@case("packets that the capture cut are cut no further")
def _():
    whole = ethernet(0x800, FOUR[3], [(0x8100, 7)])
    data = pcap_header() + pcap_record(whole[:200], length=len(whole))
    feed = holds(replay(made(data), "--type", "tun"), [FOUR[3][:182]])
    equal("truncated", feed["truncated"], 1)
    feed = holds(to_tun([whole], ETHERNET, "--snaplen", "100"), [FOUR[3][:82]])
    equal("truncated", feed["truncated"], 1)


# ---- both in one file --------------------------------------------------------

@case("one file of Ethernet and raw IP, to both kinds")
def _():
    data = section() + interface(ETHERNET) + interface(RAW)
    tap, tun = [], []
    for number in range(20):
        packet = udp("192.0.2.2", "192.0.2.1", number)
        whole = ethernet(0x800, packet)
        data += enhanced(whole, 0) + enhanced(packet, 1)
        tap += [whole, with_header(packet)]
        tun += [packet, packet]
    source = made(data, "mixed.pcapng")
    holds(replay(source), tap)
    holds(replay(source, "--type", "tun"), tun)


@case("a filter sees packets as they were captured, of raw IP too")
def _():
    for link_type in (RAW, 12, 14):
        feed = to_tun(FOUR + SIX, link_type, "--filter", "ip6 and udp")
        holds(feed, [SIX[1]])
        equal("filtered", feed["filtered"], len(FOUR + SIX) - 1)


# ---- the interface -----------------------------------------------------------

@case("the first line names the interface, its kind and its MTU")
def _():
    for args, text in (([], "tap, mtu 1500"), (["--type", "tun"], "tun, mtu 1500"),
                       (["--type", "tun", "--mtu", "1279"], "tun, mtu 1279")):
        feed = replay(made(pcap([ethernet(0x800, FOUR[0])])), *args)
        equal("status", feed.status, 0)
        check(feed.lines(r"tf0 is up \(%s\)" % text), "no such line: %s" % feed.log)


@case("longer packets than the MTU go through")
def _():
    holds(to_tun(FOUR, RAW, "--mtu", "68"), FOUR)


@case("--mac is refused for a TUN, --type for what is neither")
def _():
    source = made(pcap(FOUR, link_type=RAW))
    for args, words in ((["--type", "tun", "--mac", "02:00:00:00:00:01"], ["mac", "tun"]),
                        (["--type", "bridge"], ["tap or tun"])):
        feed = Feed(source, *args).wait()
        equal("status", feed.status, 2)
        check(not exists("tf0"), "the interface is there")
        for word in words:
            check(word in "\n".join(feed.log).lower(), "%s: %s" % (word, feed.log))


main()
