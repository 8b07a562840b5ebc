# SPDX-License-Identifier: Apache-2.0
"""--stats: report lines while it runs; --duration: an end by the clock."""
import json
import signal
import subprocess
import time

from captures import numbered, pcap
from checks import check_sum, parse_report
from harness import SLOW, Feed, TAPFEED, case, check, equal, made, main


def lines_of(*args, seconds):
    """Runs a paced replay for so long, then Ctrl-C; its lines on standard output."""
    process = subprocess.Popen(
        [TAPFEED, "replay", "--name", "tf0", "--loop", "0", "--pps", "2000", *args,
         made(pcap(numbered(100)))], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=15 * SLOW)
    equal("status", process.returncode, 0)
    return text.splitlines()


@case("--stats: a line every T, growing, the last one the report")
def _():
    lines = lines_of("--stats", "100ms", "--json", seconds=1.5 * SLOW)
    reports = [json.loads(line) for line in lines]
    check(8 <= len(reports) <= 16 * SLOW, "%d lines" % len(reports))
    injected = [report["injected"] for report in reports]
    check(injected == sorted(injected) and injected[-1] > 1000, injected)
    equal("keys", {tuple(report) for report in reports}, {tuple(reports[0])})
    check_sum(reports[-1])
    # What is under way is in none of the others yet.
    for report in reports:
        check(report["injected"] <= report["received"], report)


@case("--stats without --json: the same line as the report's")
def _():
    lines = lines_of("--stats", "200ms", seconds=1 * SLOW)
    check(len(lines) >= 3, lines)
    for line in lines:
        check(line.startswith("received="), line)
    check_sum(parse_report(lines[-1], False))


@case("--stats with standard output full or closed does no harm to the feed")
def _():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [TAPFEED, "replay", "--name", "tf0", "--stats", "10ms", "--pps", "500",
             "--linger", "0", made(pcap(numbered(100)))], stdout=full,
            stderr=subprocess.PIPE, text=True, timeout=20 * SLOW)
    equal("status", done.returncode, 1)
    equal("lines about it", done.stderr.count("standard output"), 1)


@case("--duration ends a replay that would go on for ever: status 0")
def _():
    began = time.monotonic()
    feed = Feed(made(pcap(numbered(100))), "--loop", "0", "--pps", "1000", "--duration",
                "700ms", "--queue-size", "16", "--linger", "0")
    feed.wait(30)
    equal("status", feed.status, 0)
    check(time.monotonic() - began >= 0.7, "too early")
    check(feed["injected"] >= 500 / SLOW, feed.report)
    equal("received", feed["received"], feed["injected"])


main()
