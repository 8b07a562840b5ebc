# SPDX-License-Identifier: Apache-2.0
"""tests/bench works and believes nobody: a few packets, no figure is looked at."""
import json
import os
import subprocess
import sys
import xml.dom.minidom

from captures import read_pcap
from harness import BUILDDIR, SLOW, SRCDIR, Skip, case, check, equal, main, path, write_file

sys.path.append(os.path.join(SRCDIR, "tests", "bench"))
from contenders import accounted  # noqa: E402
from machine import Failed  # noqa: E402
from results import Figure, verdict  # noqa: E402

BENCH = os.path.join(SRCDIR, "tests", "bench", "bench.py")
TOOLS = os.path.join(BUILDDIR, "tests", "bench")
# Says that it sent everything, and does nothing.
BRAGGART = "#!/bin/sh\necho 'Rated: 1.0 Bps, 1.0 Mbps, 9000000.00 pps'\n"


def bench(*args):
    """A tiny run; its status and bench.json."""
    if not os.path.exists(os.path.join(TOOLS, "raw-loop")):
        raise Skip("tests/bench is not built (make check builds it)")
    done = subprocess.run(
        [sys.executable, BENCH, "--tiny", "--output", path("bench"), *args],
        capture_output=True, text=True, timeout=60 * SLOW)
    check("Traceback" not in done.stderr, done.stderr[-1500:])
    with open(path("bench/bench.json")) as file:
        return done, json.load(file)


def made_capture(*args):
    done = subprocess.run([os.path.join(TOOLS, "make-capture"), *args],
                          capture_output=True, timeout=20 * SLOW, check=True)
    return done.stdout


@case("every kind of run adds up", limit=90)
def _():
    done, results = bench()
    equal("status", done.returncode, 0)
    failed = [run for run in results["runs"] if "failed" in run]
    check(not failed, failed)
    kinds = {run["group"] for run in results["runs"] if "unavailable" not in run}
    check({"replay", "reader", "shield", "live", "timing", "chart"} <= kinds, kinds)
    for run in results["runs"]:
        if run["group"] == "live" and "unavailable" not in run:
            equal("lost", run["lost"], run["kernel_dropped"])
    figures = {figure["name"] for figure in results["figures"]}
    check("replay / raw io_uring loop" in figures, figures)
    xml.dom.minidom.parse(path("bench/bench.svg"))


@case("a peer that sends nothing is a failed run and in no ratio", limit=60)
def _():
    program = write_file(path("braggart"), BRAGGART)
    os.chmod(program, 0o755)
    done, results = bench("--only", "replay", "--peer", program, "--peer", path("none"))
    equal("status, which is about tapfeed", done.returncode, 0)
    runs = [run for run in results["runs"] if "braggart" in run["contender"]]
    equal("its runs", len(runs), 2)
    for run in runs:
        check("lost 5000 of 5000" in run.get("failed", ""), run)
    figures = [figure for figure in results["figures"] if "braggart" in figure["name"]]
    check(figures and not any(figure["values"] for figure in figures), figures)
    check("not found" in done.stdout and path("none") in done.stdout, done.stdout)


REPORT = {"received": 10, "injected": 10, "dropped": {"queue": 0, "stopped": 0},
          "skipped": {"too_short": 0, "unsupported_link_type": {}}, "errors": 0}


@case("a run of tapfeed's that loses a packet does not count")
def _():
    accounted(REPORT, 10, 10)
    for change, packets, kernel in (
            ({}, 11, 11), ({}, 10, 9), ({}, 10, 11), ({}, 10, None),
            ({"injected": 9}, 10, 9), ({"injected": 9, "errors": 1}, 10, 9),
            ({"injected": 9, "dropped": {"queue": 1}}, 10, 9),
            ({"received": 9, "injected": 9}, 10, 9),
            ({"received": 11, "skipped": {"too_short": 1}}, 10, 10)):
        try:
            accounted({**REPORT, **change}, packets, kernel)
        except Failed:
            continue
        raise AssertionError("taken: %s of %d, kernel %s" % (change, packets, kernel))


@case("a figure is reached by its median, in its direction")
def _():
    for better, values, want in (
            ("more", [0.96], "aim reached"), ("more", [0.1, 0.95, 2], "aim reached"),
            ("more", [0.9], "reached"), ("more", [0.84, 2, 0.84], "NOT REACHED"),
            ("more", [], "not measured"), ("less", [0.84], "aim reached"),
            ("less", [0.96], "NOT REACHED")):
        limits = (0.85, 0.95) if better == "more" else (0.95, 0.85)
        figure = Figure("x", "", better, *limits, values, "")
        equal(str(values), verdict(figure), want)


@case("captures are the same each time, with sizes as 7:4:1")
def _():
    data = made_capture("1200", "mix")
    check(data == made_capture("1200", "mix"), "two calls differ")
    sizes = [len(packet.data) for packet in read_pcap(data)]
    equal("sizes", [sizes.count(size) for size in (64, 576, 1500)], [700, 400, 100])
    sizes = {len(packet.data) for packet in read_pcap(made_capture("999", "128"))}
    equal("sizes", sizes, {128})


main()
