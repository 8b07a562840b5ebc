# SPDX-License-Identifier: Apache-2.0
"""A source that would see the feed's own packets again is refused, or ends the feed."""
import signal

from captures import numbered, pcap
from harness import Feed, case, check, equal, made, main, path, run
from livefeed import Live, wire


def ends_it(feed, source, name):
    feed.wait(10)
    equal("status", feed.status, 1)
    check(feed.lines("%s carries what is written to %s" % (source, name)), feed.log)


@case("the interface put into a bridge that is captured from: the feed ends")
def _():
    run("ip", "link", "add", "name", "br0", "type", "bridge")
    run("ip", "link", "set", "br0", "up")
    feed = Live("br0")
    feed.wait_up()
    run("ip", "link", "set", "lc0", "master", "br0")
    ends_it(feed, "br0", "lc0")


@case("a MAC VLAN device made on it and captured from, too")
def _():
    wire("eth1")
    feed = Live("eth1")
    feed.wait_up()
    run("ip", "link", "add", "link", "lc0", "name", "mv0", "type", "macvlan")
    run("ip", "link", "set", "mv0", "up")
    other = Live("mv0", name="lc1")
    other.wait_up()  # of another feed: no loop
    other.stop()
    feed.stop()


@case("another interface in the same bridge is no loop: its frames do not come back")
def _():
    wire("eth1")
    run("ip", "link", "add", "name", "br0", "type", "bridge")
    run("ip", "link", "set", "br0", "up")
    feed = Live("eth1")
    feed.wait_up()
    run("ip", "link", "set", "lc0", "master", "br0")
    run("ip", "link", "set", "eth1", "master", "br0")
    feed.stop()


def bridged(captured):
    """A feed without a shield that is put into a bridge, where eth1 is, too."""
    wire("eth1")
    run("ip", "link", "add", "name", "br0", "type", "bridge")
    run("ip", "link", "set", "br0", "up")
    run("ip", "link", "set", "eth1", "master", "br0")
    feed = Live(captured, "--host-visible")
    feed.wait_up()
    run("ip", "link", "set", "lc0", "master", "br0")
    ends_it(feed, captured, "lc0")


@case("but it is with --host-visible: the bridge sends them out by it")
def _():
    bridged("eth1")


@case("and they come in by the other end of a veth pair")
def _():
    bridged("eth1-peer")


@case("who joins a feed may not capture from its interface: status 2")
def _():
    feed = Feed(made(pcap(numbered(10))), "--feed-path", path("feed"), "--loop", "0",
                "--pps", "100")
    feed.wait_up()
    joined = Live("tf0", "--join", path("feed"), name=None)
    joined.wait(10, report=False)
    equal("status", joined.status, 2)
    check(joined.lines("tf0.*own"), joined.log)
    feed.signal(signal.SIGINT)
    feed.wait()


@case("nor from a bridge that holds it: status 1")
def _():
    run("ip", "link", "add", "name", "br0", "type", "bridge")
    run("ip", "link", "set", "br0", "up")
    feed = Feed(made(pcap(numbered(10))), "--feed-path", path("feed"), "--loop", "0",
                "--pps", "100")
    feed.wait_up()
    run("ip", "link", "set", "tf0", "master", "br0")
    joined = Live("br0", "--join", path("feed"), name=None)
    ends_it(joined, "br0", "tf0")
    feed.signal(signal.SIGINT)
    feed.wait()


main()
