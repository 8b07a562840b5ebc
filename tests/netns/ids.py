# SPDX-License-Identifier: Apache-2.0
"""Suricata reading a capture file itself, and reading the interface that tapfeed feeds from
this file: what it says of both, made comparable.

All it needs is written into the test's own folder: no file of /etc, no network.
"""
import base64
import collections
import json
import os
import re
import shutil
import signal
import subprocess
import time

import harness
from harness import SLOW, Feed, check, equal, note, path, skip_all

# A file brings the times of its packets, an interface none but that of the moment: so nothing
# may hang on time. No flow times out before the end (63 years; fragments: a day, the most that
# it takes), and by then all of them are told, in both runs. What is inspected in chunks
# of random size has a fixed one, so that two runs are alike. Sums are checked in both; as a rule
# a file's are only when its first thousand packets are mostly right. More threads than processors
# it only starts by its detect-thread-ratio.
LONG = 2000000000
CONFIG = """%%YAML 1.1
---
default-log-dir: %(folder)s
classification-file: %(folder)s/empty
reference-config-file: %(folder)s/empty
threshold-file: %(folder)s/empty
stats: {enabled: yes, interval: 1, decoder-events: yes}
logging:
  default-log-level: notice
  outputs: [{console: {enabled: yes}}]
outputs:
  - eve-log:
      enabled: yes
      filetype: regular
      filename: eve.json
      types:
        - alert: {payload: yes, packet: yes, http-body: yes, tagged-packets: no}
        - anomaly: {enabled: yes, types: {decode: yes, stream: yes, applayer: yes}}
        - http: {extended: yes, dump-all-headers: both}
        - dns: {version: 2}
        - tls: {extended: yes}
        - files: {force-magic: no, force-hash: [sha256]}
%(logs)s
        - flow
  - eve-log:
      enabled: yes
      filetype: regular
      filename: stats.json
      types: [{stats: {totals: yes, threads: yes}}]
app-layer:
  protocols:
%(protocols)s
    http:
      enabled: yes
      libhtp: {default-config: {randomize-inspection-sizes: no}}
pcap-file: {checksum-checks: "yes"}
af-packet:
  - interface: default
    threads: %(threads)d
    cluster-id: 99
    cluster-type: %(cluster)s
    defrag: no
    tpacket-v3: yes
    block-size: 1048576
    ring-size: 16384
flow:
  memcap: 64mb
  hash-size: 8192
  prealloc: 1000
flow-timeouts:
%(timeouts)s
stream:
  memcap: 64mb
  midstream: yes
  checksum-validation: yes
  reassembly:
    memcap: 64mb
    depth: 0
    randomize-chunk-size: no
defrag:
  memcap: 32mb
  hash-size: 8192
  trackers: 8192
  max-frags: 32768
  timeout: 86400
threading: {detect-thread-ratio: 8}
unix-command: {enabled: no}
"""
# Those that have to be switched on, or are; http is above.
PROTOCOLS = ("bittorrent-dht", "dcerpc", "dhcp", "dns", "ftp", "http2", "ike", "imap", "krb5",
             "mqtt", "nfs", "ntp", "pgsql", "quic", "rdp", "rfb", "sip", "smb", "smtp",
             "snmp", "ssh", "telnet", "tftp", "tls")
LOGS = ("bittorrent-dht", "dcerpc", "dhcp", "ftp", "http2", "ike", "krb5", "mqtt", "nfs",
        "pgsql", "quic", "rdp", "rfb", "sip", "smb", "smtp", "snmp", "ssh", "tftp")

# One that fires for each IP packet, whose alert has all its bytes: so nothing can be
# other than in the file and still compare equal. The others stand for what an IDS is for.
EACH_PACKET = 1
RULES = """\
alert ip any any -> any any (msg:"each IP packet"; ttl:>0; sid:1;)
alert tcp any any -> any any (msg:"SYN"; flags:S; sid:2;)
alert icmp any any -> any any (msg:"echo"; itype:8; sid:3;)
alert icmp any any -> any any (msg:"echo, IPv6"; itype:128; sid:4;)
alert dns any any -> any any (msg:"name"; dns.query; content:"example"; sid:5;)
alert http any any -> any any (msg:"page"; http.uri; content:"/"; sid:6;)
alert http any any -> any any (msg:"agent"; http.user_agent; content:"curl"; sid:7;)
alert http any any -> any any (msg:"body"; file.data; content:"<html"; nocase; sid:8;)
alert tls any any -> any any (msg:"server name"; tls.sni; content:"example"; sid:9;)
alert tcp any any -> any any (msg:"reply"; flow:established,to_client; content:"HTTP/1."; \
sid:10;)
alert tcp any any -> any any (msg:"needle in a stream"; flow:established; \
content:"needle in the hay"; sid:11;)
alert udp any any -> any any (msg:"needle in a datagram"; content:"needle in the hay"; sid:12;)
alert ip any any -> any any (msg:"fragment"; fragbits:M; sid:13;)
alert pkthdr any any -> any any (msg:"cut"; decode-event:ipv4.trunc_pkt; sid:14;)
alert tcp any any -> any any (msg:"wrong sum"; tcpv4-csum:invalid; sid:15;)
"""

# What a run itself brings: when, by which interface, the how many-th of a file.
OWN = {"timestamp", "flow_id", "in_iface", "pcap_cnt", "pcap_filename"}
FLOW_OWN = {"start", "end", "age"}
# With their link's headers: an interface brings others than the file did.
LINK_OWN = {"bytes_toserver", "bytes_toclient"}
# Counted of a packet's content; the rest is memory, time, threads, or the link.
STATS = re.compile(r"^(decoder\.(event|ipv4|ipv6|tcp|udp|icmp|sctp|gre|teredo|esp)|"
                   r"defrag\.ipv[46]\.|detect\.alert$|app_layer\.(flow|tx)|"
                   r"flow\.(total|tcp|udp|icmpv[46]|tcp_reuse)$|tcp\.(syn|synack|rst|sessions|"
                   r"invalid_checksum|reassembly_gap|overlap|overlap_diff_data|"
                   r"midstream_pickups|ack_unseen_data)$)")
# Events that decoders of link headers make.
LINK_STATS = re.compile(r"^decoder\.event\.(ethernet|vlan|ppp|chdlc|sll|ltnull|ipraw)\.")

LONG_STRING = re.compile(r'("[^"]{200})[^"]*')

Said = collections.namedtuple("Said", "events stats threads alerts")


def needed():
    """Skips the test where Suricata is not there, or too old."""
    if not shutil.which("suricata"):
        skip_all("there is no suricata")
    done = subprocess.run(["suricata", "-V"], capture_output=True, text=True, timeout=20)
    found = re.search(r"version (\d+)\.", done.stdout)
    if not found or int(found.group(1)) < 7:
        skip_all("suricata 7 or newer is needed, not: " + done.stdout.strip())


# ---- its two ways to read ------------------------------------------------------

def command(folder, threads=1, *more):
    """Suricata with its files in a new folder."""
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    timeouts = "".join("  %s: {new: %d, established: %d, closed: %d, bypassed: %d}\n" %
                       (kind, LONG, LONG, LONG, LONG)
                       for kind in ("default", "tcp", "udp", "icmp"))
    config = CONFIG % {
        "folder": folder, "timeouts": timeouts, "threads": threads,
        "cluster": "cluster_qm" if threads > 1 else "cluster_flow",
        "logs": "\n".join("        - " + name for name in LOGS),
        "protocols": "\n".join("    %s: {enabled: yes}" % name for name in PROTOCOLS)}
    for name, text in (("config", config), ("rules", RULES), ("empty", "")):
        harness.write_file(os.path.join(folder, name), text)
    return ["suricata", "-c", os.path.join(folder, "config"), "-S",
            os.path.join(folder, "rules"), "-l", folder, "--init-errors-fatal", *more]


def of_file(source, *more):
    """What it says of the file."""
    folder = path("ids-file")
    done = subprocess.run(command(folder, 1, "--runmode", "single", "-r", source, *more),
                          capture_output=True, text=True, timeout=30 * SLOW)
    check(done.returncode == 0, "suricata -r: " + done.stdout + done.stderr)
    return said(folder)


def of_interface(source, packets, *args, threads=1, linger="60s", more=()):
    """What it says of the interface, and the feed; packets: how often EACH_PACKET has to
    fire. Either the interface stays until all is looked at, or (linger) goes by itself."""
    feed = Feed(source, "--wait-for-reader", "--readers", str(threads), "--linger", linger, *args)
    feed.wait_line("tf0 waits for")
    folder = path("ids-interface")
    with open(path("ids-log"), "w+") as log:
        ids = subprocess.Popen(command(folder, threads, "--runmode", "workers",
                                       "--af-packet=tf0", *more),
                               stdout=log, stderr=subprocess.STDOUT)
        try:
            feed.wait_line("tf0 begins", 20)
            if linger == "auto":
                feed.wait()
            # Packets that are missing are shown by the comparison.
            wait(lambda: seen(folder) >= packets, 10)
            time.sleep(0.3)  # what is no IP, behind the last that is
            ids.send_signal(signal.SIGINT)
            equal("Suricata's status", ids.wait(20 * SLOW), 0)
        except BaseException:
            log.seek(0)
            note(log.read())
            raise
    if linger != "auto":
        feed.signal(signal.SIGINT)
        feed.wait()
    equal("status", feed.status, 0)
    return said(folder), feed


def seen(folder):
    """How many packets it has looked at."""
    try:
        with open(os.path.join(folder, "eve.json"), "rb") as file:
            return file.read().count(b'"signature_id":%d,' % EACH_PACKET)
    except FileNotFoundError:
        return 0


def wait(condition, seconds):
    end = time.monotonic() + seconds * SLOW
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)


# ---- what it said --------------------------------------------------------------

def lines(folder, name):
    with open(os.path.join(folder, name)) as file:
        return [json.loads(line) for line in file if line.endswith("\n")]


def flat(tree, prefix=""):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from flat(value, prefix + key + ".")
        else:
            yield prefix + key, value


def said(folder):
    told = lines(folder, "stats.json")[-1]["stats"]
    capture = told.get("capture", {})
    # Its own losses would be no fault of tapfeed's.
    equal("packets that Suricata's ring lost", capture.get("kernel_drops", 0), 0)
    threads = told.pop("threads", {})
    events = lines(folder, "eve.json")
    alerts = collections.Counter(event["alert"]["signature_id"] for event in events
                                 if event["event_type"] == "alert")
    stats = {key: value for key, value in flat(told) if STATS.match(key) and value}
    taken = [value["decoder"]["pkts"] for name, value in threads.items()
             if name.startswith("W#")]
    return Said(events, stats, taken, alerts)


def comparable(event, link):
    """An event without what is a run's own; link: with what the link's header brings."""
    event = {key: value for key, value in event.items() if key not in OWN}
    tagged = "vlan" in event
    if "tunnel" in event:
        event["tunnel"].pop("pcap_cnt", None)
    if "flow" in event:
        away = FLOW_OWN | (LINK_OWN if tagged or not link else set())
        event["flow"] = {key: value for key, value in event["flow"].items()
                         if key not in away}
    if "packet" in event:
        data = base64.b64decode(event.pop("packet"))
        kind = event.pop("packet_info")["linktype"]
        if link:
            event["link"] = kind
            event["bytes"] = untagged(data).hex()
    return json.dumps(event, sort_keys=True)


def untagged(data):
    """A frame without its tags. The kernel takes off the outer one for a packet socket; of
    some packets Suricata shows it again, and then always as 0x8100. Their numbers are told
    with each event."""
    while data[12:14] in (b"\x81\0", b"\x88\xa8"):
        data = data[:12] + data[16:]
    return data


def compare(source, *args, link=True, more=(), **how):
    """Reads the file both ways; returns what it says of the file, of the interface, the
    feed."""
    file = of_file(source, *more)
    interface, feed = of_interface(source, file.alerts[EACH_PACKET], *args, more=more, **how)
    same(file, interface, link)
    return file, interface, feed


def same(file, interface, link=True):
    """Fails where Suricata saw something else; link=False: the file's link is not that of
    the interface."""
    before = collections.Counter(comparable(event, link) for event in file.events)
    after = collections.Counter(comparable(event, link) for event in interface.events)
    for what, one, other in (("in the file alone", before, after),
                             ("on the interface alone", after, before)):
        for text, count in list((one - other).items())[:4]:
            note("%s, %d times: %s" % (what, count, LONG_STRING.sub(r"\1...", text)))
    equal("events by kind", kinds(interface), kinds(file))
    equal("alerts by rule", dict(interface.alerts), dict(file.alerts))
    equal("events in one alone", (sum((before - after).values()),
                                  sum((after - before).values())), (0, 0))
    equal("counters", *({key: value for key, value in run.stats.items()
                         if link or not LINK_STATS.match(key)} for run in (interface, file)))


def kinds(run):
    return dict(collections.Counter(event["event_type"] for event in run.events))
