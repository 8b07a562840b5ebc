# SPDX-License-Identifier: Apache-2.0
"""A setcap install (make install-setcap): whole feeds of a normal user, without sudo,
and a live capture that dies, which gets its capability from its file again."""
import os
import shutil
import signal
import socket
import time

import setcap_client
from captures import numbered, pcap
from harness import (SANITIZED, SLOW, Feed, Reader, case, check, descendants, equal, exists, main,
                     made, run, skip_all)
from livefeed import Live, Watch, flood, numbers, refused, send, wire
from restarted import exact, kill, rising
from setcap_client import GROUP, USER, policy

with open("/proc/self/uid_map") as uid_map:
    if os.geteuid() or uid_map.read().split() != ["0", "0", "4294967295"]:
        skip_all("needs root outside of a user namespace, to set it up")
if not shutil.which("setcap"):
    skip_all("setcap is not installed")
setcap_client.prepare()

ALLOWED = ("create group=%d name=lc*,tf*" % GROUP,
           "capture group=%d interface=eth* promiscuous=yes" % GROUP)
AS_USER = {
    "program": os.path.join(setcap_client.tree, "launcher/tapfeed"),
    "launch": ["setpriv", "--reuid", str(USER), "--regid", str(USER), "--groups",
               str(GROUP), "--inh-caps", "-all"],
}


def readable(data):
    """A file that the user may read, too."""
    name = made(data)
    os.chmod(os.path.dirname(name), 0o755)
    os.chmod(name, 0o644)
    return name


def privileges(pid):
    with open("/proc/%d/status" % pid) as file:
        fields = dict(line.rstrip("\n").split(":", 1) for line in file)
    caps = {int(fields[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")}
    return caps, int(fields["NoNewPrivs"]), int(fields["Uid"].split()[1])


# ---- whole feeds -----------------------------------------------------------------

@case("replay, by a member of the group")
def _():
    policy(*ALLOWED)
    reader = Reader("tf0")
    feed = Feed(readable(pcap(numbered(500))), "--startup-delay", "300ms", "--linger",
                "200ms", **AS_USER).wait()
    equal("status: %s" % feed.log, feed.status, 0)
    equal("frames", len(reader.finish().frames), 500)
    equal("injected", feed["injected"], 500)


@case("several queues, which the policy allows: root gets them, and nobody else")
def _():
    policy(ALLOWED[0] + " queues=4")
    file = readable(pcap(numbered(500)))
    for queues in (2, 4):
        feed = Feed(file, "--queues=%d" % queues, **AS_USER).wait()
        equal("status: %s" % feed.log, feed.status, 3)
        check(feed.lines("tf0: --queues takes a start by root.*uid %d could stop" % USER),
              feed.log)
    feed = Feed(file, "--queues=4", "--linger", "0", program=AS_USER["program"]).wait()
    equal("status: %s" % feed.log, feed.status, 0)
    equal("injected", feed["injected"], 500)


@case("live, by a member of the group; nobody keeps a capability")
def _():
    policy(*ALLOWED)
    wire("eth1")
    watch = Watch("eth1", **AS_USER)
    send("eth1-peer", numbered(100))
    watch.copy.wait(100)
    time.sleep(0.2)
    processes = descendants(watch.feed.process.pid)
    processes[watch.feed.process.pid] = "tapfeed"
    equal("processes", sorted(processes.values()),
          ["tapfeed", "tapfeed-capture", "tapfeed-injecto", "tapfeed-spawner"])
    for pid, name in processes.items():
        # The spawner may have to start a file with a capability again.
        equal(name, privileges(pid), ({0}, int(name != "tapfeed-spawner"), USER))
    watch.end().is_copy()


@case("what the policy does not allow: status 3, the file named")
def _():
    wire("eth1", "other1")
    file = readable(pcap(numbered(5)))
    for lines, start, words in (
            (ALLOWED, lambda: Feed(file, name="br7", **AS_USER), "br7.*policy"),
            (ALLOWED, lambda: Feed(file, "--queues=2", **AS_USER), "tf0.*policy.*--queues"),
            (ALLOWED, lambda: Live("other1", **AS_USER),
             "other1: the policy file does not let uid %d" % USER),
            (ALLOWED[:1], lambda: Live("eth1", **AS_USER), "eth1: the policy file"),
            (ALLOWED[1:], lambda: Live("eth1", **AS_USER), "lc0.*policy"),
            ((), lambda: Live("eth1", **AS_USER), "no policy file"),
            (("capture",), lambda: Live("eth1", **AS_USER), "policy.conf:1: ")):
        policy(*lines)
        feed = start()
        feed.wait(10)
        equal("status: %s" % feed.log, feed.status, 3)
        check(feed.lines(words), feed.log)
        check(not exists(feed.name), feed.name + " was made")


@case("who is not in the group: status 3, and what to do")
def _():
    policy(*ALLOWED)
    programs = [os.path.join(setcap_client.tree, name) for name in
                ("privileged/tapfeed-privileged", "capture/tapfeed-capture")]
    try:
        for name in programs:
            os.chmod(name, 0o750)
        feed = Feed(readable(pcap(numbered(5))), **AS_USER)
        feed.wait(10)
        equal("status", feed.status, 3)
        check(feed.lines("cannot be started.*members of its group"), feed.log)
    finally:
        for name in programs:
            os.chmod(name, 0o755)


@case("promiscuous mode is a permission of its own")
def _():
    wire("eth1")
    policy(ALLOWED[0], "capture group=%d interface=eth1" % GROUP)
    feed = Live("eth1", **AS_USER)
    feed.wait(10)
    equal("status", feed.status, 3)
    check(feed.lines("--no-promiscuous does without"), feed.log)
    watch = Watch("eth1", args=("-p",), **AS_USER)
    send("eth1-peer", numbered(10))
    watch.copy.wait(10)
    watch.end().is_copy()


@case("an alternative name does not get round the policy")
def _():
    policy(*ALLOWED)
    wire("other1")
    run("ip", "link", "property", "add", "dev", "other1", "altname", "eth77")
    feed = Live("eth77", **AS_USER)
    feed.wait(10)
    equal("status: %s" % feed.log, feed.status, 3)
    check(feed.lines("other1: the policy file does not"), feed.log)


@case("a process killed by SIGSYS or SIGSEGV: a line in the security log")
def _():
    policy(*ALLOWED)
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.bind("/dev/log")
    os.chmod("/dev/log", 0o666)
    log.settimeout(5)
    try:
        # A sanitizer handles the second one.
        for number in (signal.SIGSYS, signal.SIGSEGV)[:1 if SANITIZED else 2]:
            feed = Feed(readable(pcap(numbered(10))), "--loop", "0", "--pps", "100",
                        **AS_USER)
            feed.wait_up()
            helper = log.recv(4096).decode()
            check(helper.endswith('create "tf0": created tf0'), helper)
            os.kill(feed.worker("capture"), number)
            feed.wait(10)
            equal("status", feed.status, 1)
            words = "security: tapfeed-capture was killed by signal %d" % number
            line = log.recv(4096).decode()
            check(line.startswith("<84>tapfeed["), line)
            check(words in line and feed.lines(words), line)
    finally:
        log.close()
        os.unlink("/dev/log")


@case("an interface that is none, though the policy allows all: refused")
def _():
    policy("create any=yes name=*", "capture any=yes interface=* promiscuous=yes")
    for name in ("any", "usbmon0", "nflog", "nflog:1", "eth9"):
        refused(name, status=2, **AS_USER)


@case("the injector killed: started again, the reader stays attached", limit=60)
def _():
    policy(*ALLOWED)
    reader = Reader("tf0")
    feed = Feed(readable(pcap(numbered(30000, 1000))), "--startup-delay", "300ms",
                "--pps", "20000", "--linger", "200ms", **AS_USER)
    reader.wait(2000)
    kill(feed, "injector")
    feed.wait(20)
    exact(feed, reader)
    equal("received", feed["received"], 30000)


# ---- a live capture that dies ------------------------------------------------------

@case("live: capture killed under load is started again", limit=60)
def _():
    policy(*ALLOWED)
    wire("eth1")
    watch = Watch("eth1", **AS_USER)
    sender = flood("eth1-peer", 60000, 20000)
    watch.copy.wait(5000)
    kill(watch.feed, "capture")
    seen = len(watch.copy.frames)
    watch.copy.wait(seen + 5000)
    sender.wait(20)
    time.sleep(0.3)
    watch.feed.stop(status=1)
    frames = exact(watch.feed, watch.copy)
    rising(numbers(frames))
    check(watch.feed.lines("tapfeed-capture was killed.*started again"), watch.feed.log)


@case("live: both killed, one after the other and together", limit=60)
def _():
    policy(*ALLOWED)
    wire("eth1")
    watch = Watch("eth1", **AS_USER)
    sender = flood("eth1-peer", 100000, 10000)
    watch.copy.wait(2000)
    for kinds in (("injector",), ("capture", "injector")):
        pids = [watch.feed.worker(kind) for kind in kinds]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        time.sleep(4 if len(kinds) > 1 else 1)
        seen = len(watch.copy.frames)
        watch.copy.wait(seen + 1000, 10)
    sender.kill()
    time.sleep(0.2)
    watch.feed.stop(status=1)
    rising(numbers(exact(watch.feed, watch.copy)))


@case("live: capture killed when one of two interfaces is gone: on with the other",
      limit=60)
def _():
    policy(*ALLOWED)
    wire("eth1", "eth2")
    watch = Watch("eth1", "eth2", **AS_USER)
    run("ip", "link", "del", "eth2")
    watch.feed.wait_line("eth2.*removed")
    kill(watch.feed, "capture")
    watch.feed.wait_line("eth2.*left out")
    time.sleep(0.3)
    send("eth1-peer", numbered(100))
    watch.copy.wait(100)
    watch.feed.stop(status=1)
    equal("injected", watch.feed["injected"], 100)


@case("live: a capture that had no packet yet is started again", limit=60)
def _():
    policy(*ALLOWED)
    wire("eth1")
    feed = Live("eth1", **AS_USER)
    feed.wait_up()
    for delay in (0, 1, 2):
        kill(feed, "capture")
        time.sleep(0.5 * SLOW)
        check(feed.process.poll() is None, feed.log)
    reader = Reader("lc0")
    check(reader.bound.wait(5 * SLOW), "no reader")
    send("eth1-peer", numbered(10))
    reader.wait(10)
    feed.stop(status=1)
    exact(feed, reader)


@case("live: --count holds across a restart, when it is reached already, too", limit=60)
def _():
    policy(*ALLOWED)
    wire("eth1")
    for sent in (40, 100):
        feed = Live("eth1", "--count", "100", **AS_USER)
        feed.wait_up()
        injector = feed.worker("injector")
        os.kill(injector, signal.SIGSTOP)
        send("eth1-peer", numbered(sent))
        time.sleep(0.3 * SLOW)
        kill(feed, "capture")
        os.kill(injector, signal.SIGCONT)
        time.sleep(0.7 * SLOW)
        send("eth1-peer", numbered(200))
        feed.wait(10)
        equal("status", feed.status, 1)
        equal("received", feed["received"], 100)


@case("live: --duration goes on from its first beginning", limit=60)
def _():
    policy(*ALLOWED)
    wire("eth1")
    feed = Live("eth1", "--duration", "4s", "--linger", "0", **AS_USER)
    feed.wait_up()
    began = time.monotonic()
    time.sleep(2.5)
    kill(feed, "capture")
    feed.wait(20)
    check(time.monotonic() - began < 4 + 1.5 * SLOW, "it began anew")


main()
