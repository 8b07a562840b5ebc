# SPDX-License-Identifier: Apache-2.0
"""What a taken-over capture or injector can say to the supervising half, through all that
its sandbox leaves it: notifications, log lines, its counters page; and descriptors, with
the filter left out. The feed goes on, and what is shown is harmless. The control is
the same feed without the lie."""
import json
import os
import re
import subprocess

from attacks import tree
from harness import (SAMPLE, SLOW, case, check, check_sum, equal, exists, main, until)

COMMAND = ("replay", "--name", "tf0", "--json", "--linger", "0", SAMPLE)
BOTH = ("tapfeed-injector", "tapfeed-capture")


class Run:
    def __init__(self, liar, act, guard="on"):
        environment = dict(os.environ, TAPFEED_ATTACK=act, TAPFEED_ATTACKER=liar,
                           TAPFEED_GUARD=guard)
        done = subprocess.run([tree(liar), *COMMAND], env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=20 * SLOW)
        self.status, self.log = done.returncode, done.stderr
        self.lines = done.stderr.decode("utf-8", "backslashreplace").splitlines()
        self.report = json.loads(done.stdout)
        # At once; but nobody waits for the interface of whoever lies about it.
        until("tf0 to go", lambda: not exists("tf0"), 2 * SLOW)
        check(not re.search(rb"[\x00-\x09\x0b-\x1f\x7f-\xff]", self.log),
              "raw bytes in the log: %r" % self.log[:2000])
        for line in self.lines:
            check(line.startswith("tapfeed: "), "a line of its own: %r" % line)

    def said(self, pattern):
        return [line for line in self.lines if re.search(pattern, line)]


def told(liar, act, guard="on"):
    """A run with that lie, which was told."""
    run = Run(liar, act, guard)
    check(run.said("attack %s: 0$" % act), "\n".join(run.lines[-20:]))
    return run


def unharmed(run, liar):
    """It is as if nothing had been said."""
    wanted = Run(liar, "lie_nothing")
    equal("status", run.status, 0)
    for key in "received", "injected", "frames_written", "errors":
        equal(key, run.report[key], wanted.report[key])
    check_sum(run.report)
    check(not run.said("security:|killed|do not add up"), run.lines)


def harmless(act, what, liars=BOTH):
    for liar in liars:
        @case("supervising half: %s from %s: passed over" % (what, liar))
        def _(liar=liar):
            unharmed(told(liar, act), liar)


harmless("lie_notify_as_capture", "notifications that capture alone may send",
         BOTH[:1])
harmless("lie_notify_as_injector", "notifications that the injector alone may send",
         BOTH[1:])
harmless("lie_notify_manager", "FDSTORE, FDSTOREREMOVE, MAINPID, WATCHDOG, BARRIER")
harmless("lie_notify_garbage", "notifications of garbage, 60,000 bytes")
harmless("lie_notify_flood", "20,000 notifications")
harmless("lie_log_escapes", "escape sequences, NUL, 8-bit bytes in log lines: escaped")

for liar in BOTH:
    @case("supervising half: forged log lines from %s: named as its own" % liar)
    def _(liar=liar):
        run = told(liar, "lie_log_forged")
        for line in run.said("tapfeed-other|was deleted|level nine"):
            check(line.startswith("tapfeed: %s: " % liar), line)
        equal("forged lines", len(run.said("tapfeed-other was killed")), 1)
        equal("status", run.status, 0)

    @case("supervising half: a log line of 1 MiB from %s: cut, rate-limited" % liar)
    def _(liar=liar):
        run = Run(liar, "lie_log_long")
        check(run.said("AAAA") and run.said(r"\d+ lines left out"), "it was not told")
        check(len(run.log) < 100000, "%d bytes shown" % len(run.log))
        check(max(map(len, run.lines)) < 5000, "a line is too long")
        unharmed(run, liar)

    @case("supervising half: 20,000 log lines from %s: rate-limited, counted" % liar)
    def _(liar=liar):
        run = Run(liar, "lie_log_flood")
        check(len(run.lines) < 1000, "%d lines" % len(run.lines))
        check(run.said(r"%s: \d+ lines left out" % liar), run.lines[-5:])
        unharmed(run, liar)

    @case("supervising half: a counters page of %s, all ones: numbers, no more" % liar)
    def _(liar=liar):
        run = told(liar, "lie_page_absurd")
        check(run.status in (0, 1), "status %d" % run.status)
        check(not run.said("security:|killed by"), run.lines)

    @case("supervising half: 253 descriptors in a notification of %s (no filter): "
          "none kept" % liar)
    def _(liar=liar):
        unharmed(told(liar, "lie_fds_notify", "nofilter"), liar)


@case("supervising half: names of link types with quotes and escapes: valid JSON")
def _():
    run = told("tapfeed-capture", "lie_page_names")
    check(run.status in (0, 1), "status %d" % run.status)


@case("supervising half: lo named as the feed's interface: nothing is done to lo")
def _():
    run = told("tapfeed-injector", "lie_page_interface")
    check(run.status in (0, 1), "status %d" % run.status)
    with open("/sys/class/net/lo/flags") as flags:
        check(int(flags.read(), 16) & 1, "lo is down")


@case("capture: 253 descriptors over the feed from the injector (no filter): none kept")
def _():
    told("tapfeed-injector", "lie_fds_feed", "nofilter")


@case("injector: 253 descriptors over the feed from capture (no filter): none kept")
def _():
    told("tapfeed-capture", "lie_fds_feed", "nofilter")


main()
