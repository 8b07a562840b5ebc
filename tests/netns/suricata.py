# SPDX-License-Identifier: Apache-2.0
"""What Suricata says of a capture file, it says of the interface that tapfeed feeds from it:
the same alerts, flows, requests and contents, of the same bytes."""
import captures
import ids
from harness import SAMPLE, case, check, equal, main, made
from idspackets import CUT, frames

ids.needed()


def generated():
    """frames(), and one that was cut when it was captured."""
    return (captures.pcap_header() + captures.pcap_record(CUT[:60], length=len(CUT)) +
            captures.pcap(frames())[24:])


def combined():
    """That behind the sample."""
    sample = [packet.data for packet in captures.read(SAMPLE)]
    return made(captures.pcap(sample) + generated()[24:])


def alerted(run, *rules):
    missing = [rule for rule in rules if not run.alerts[rule]]
    check(not missing, "no alerts by the rules %s, only %s" % (missing, run.alerts))


@case("the bundled sample, as README.md says it: --wait-for-reader --linger auto", limit=60)
def _():
    file, _, feed = ids.compare(SAMPLE, linger="auto")
    alerted(file, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    equal("packets", feed["injected"], len(captures.read(SAMPLE)))


@case("sessions, tags, fragments, tunnels, wrong sums, what was cut", limit=60)
def _():
    file, _, _ = ids.compare(made(generated()))
    equal("needles in streams", file.alerts[11], 8)
    equal("needles in datagrams", file.alerts[12], 11)
    alerted(file, 13, 14, 15)
    pages = [event["http"]["url"] for event in file.events if event["event_type"] == "http"]
    check("/genuine" in pages and "/a-decoy" not in pages, pages)
    for family in ("ipv4", "ipv6"):
        equal("reassembled, " + family, file.stats["defrag.%s.reassembled" % family], 2)


@case("both by the plain writer", limit=60)
def _():
    ids.compare(combined(), "--no-ring")


@case("both by four queues, to a thread each (cluster_qm)", limit=60)
def _():
    _, live, _ = ids.compare(combined(), "--queues", "4", threads=4)
    equal("threads", len(live.threads), 4)
    check(min(live.threads) > 0, "packets by thread: %s" % live.threads)


main()
