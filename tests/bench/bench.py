# SPDX-License-Identifier: Apache-2.0
"""make bench: tapfeed beside the kernel's limit and its peers, in one namespace.

Prints tables, and writes bench.json, bench.txt and bench.svg. It asserts no speed: the
exit status is 1 only where a run of tapfeed's lost packets or failed.
"""
import argparse
import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "netns")]
KINDS = ("replay", "reader", "shield", "live", "memory", "latency", "timing",
         "chart")


def parse():
    parser = argparse.ArgumentParser(
        description="Measures tapfeed beside raw loops and peers, each in turn.")
    parser.add_argument("--runs", type=int, default=5, metavar="N",
                        help="runs of each contender [5]")
    parser.add_argument("--quick", action="store_true",
                        help="less of everything: under a minute, and less true")
    parser.add_argument("--tiny", action="store_true",
                        help="whether it works at all; its numbers mean nothing")
    parser.add_argument("--only", default=",".join(KINDS), metavar="KIND,...",
                        help="of: " + ", ".join(KINDS) + " [all]")
    parser.add_argument("--peer", action="append", default=[], metavar="PROGRAM",
                        help="another tcpreplay, beside the one on PATH")
    parser.add_argument("--also", action="append", default=[], metavar="OPTIONS",
                        help="tapfeed with these options, too, as --also='--queues 2'")
    parser.add_argument("--output", metavar="FOLDER", help="[bench in the build folder]")
    options = parser.parse_args()
    options.only = options.only.split(",")
    unknown = set(options.only) - set(KINDS)
    if unknown or options.runs < 1:
        parser.error("--only: no such kind: " + ", ".join(unknown) if unknown else
                     "--runs: at least 1")
    if options.quick or options.tiny:
        options.runs = min(options.runs, 2 if options.quick else 1)
    return options


options = parse()  # before harness starts this script again inside its namespaces

import chart as drawing  # noqa: E402
from contenders import Tapfeed, peers, writer  # noqa: E402
from figures import MEASUREMENTS, Bench, Full, Quick, Tiny  # noqa: E402
from harness import BUILDDIR, clean_up  # noqa: E402
from machine import describe  # noqa: E402
from results import figure_json, figures_table, runs_table  # noqa: E402

BUSY = 0.5  # load average
TITLES = {"replay": "mixed sizes, into a TAP that nobody reads",
          "reader": "the same, with a packet socket that reads",
          "shield": "raw ring, with and without the filters of the quiet interface",
          "live": "live from a veth, 512 bytes",
          "memory": "replay of files of that size",
          "latency": "lone packets",
          "timing": "10,000 packets/s onto a TAP, how late each came by its reader's clock"}


def say(entry):
    """A line for each run, as it goes."""
    text = "%(group)s %(contender)s" % entry
    if "size" in entry:
        text += " %s" % entry["size"]
    if "failed" in entry:
        text += ": FAILED: " + entry["failed"]
    elif "unavailable" in entry:
        text += ": not available: " + entry["unavailable"]
    else:
        text += ": %(packets_per_second).0f packets/s, %(processor_ns).0f ns" % entry
    print(text, file=sys.stderr, flush=True)


def summary(bench, figures, machine):
    """Everything that is printed at the end."""
    parts = ["%(tapfeed)s (%(writer)s), Linux %(kernel)s, %(processors)d x %(model)s, %(time)s" %
             machine]
    for group, title in TITLES.items():
        runs = [run for run in bench.runs if run["group"] == group]
        if runs:
            parts.append("%s: %s\n%s" % (group, title, runs_table(runs)))
    if figures:
        parts.append(figures_table(figures))
    lines = dict.fromkeys(bench.notes)
    for run in bench.runs:
        for key, text in (("failed", "FAILED"), ("unavailable", "not available")):
            if key in run:
                lines["%s, %s: %s: %s" % (run["group"], run["contender"], text,
                                          run[key])] = None
    if lines:
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def write(folder, bench, figures, machine):
    text = summary(bench, figures, machine)
    with open(os.path.join(folder, "bench.txt"), "w") as file:
        file.write(text)
    with open(os.path.join(folder, "bench.json"), "w") as file:
        json.dump({"machine": machine, "runs_of_each": bench.count,
                   "amounts": bench.amounts, "notes": bench.notes,
                   "figures": [figure_json(figure) for figure in figures],
                   "runs": bench.runs}, file, indent=1)
    curves = drawing.curves(bench.runs)
    if curves:
        drawing.draw(curves, "Linux %(kernel)s, %(processors)d x %(model)s" % machine,
                     os.path.join(folder, "bench.svg"))
    sys.stdout.write("\n" + text + "\nin %s: %s\n" % (
        folder, ", ".join(sorted(name for name in os.listdir(folder)
                                 if name.startswith("bench.")))))


def main():
    folder = options.output or os.path.join(BUILDDIR, "bench")
    os.makedirs(folder, exist_ok=True)
    machine = describe()
    machine["writer"] = writer(folder)
    contenders, missing = peers(["tcpreplay", *options.peer])
    amounts = Tiny if options.tiny else Quick if options.quick else Full
    contenders[:0] = [Tapfeed("tapfeed " + more, more.split()) for more in options.also]
    bench = Bench(amounts, options.runs, contenders, folder, say)
    bench.notes += missing
    if machine["load"] > BUSY:
        bench.notes.append("the machine was busy: load %(load).2f before" % machine)
    figures = []
    runtime = tempfile.TemporaryDirectory(prefix="tapfeed-bench.")
    os.environ["XDG_RUNTIME_DIR"] = runtime.name  # where feeds listen for tapfeed status
    try:
        for kind in options.only:
            figures += MEASUREMENTS[kind](bench)
    finally:
        clean_up()
        for name in os.listdir(folder):
            if name.endswith(".pcap"):
                os.unlink(os.path.join(folder, name))
    write(folder, bench, figures, machine)
    return any("failed" in run and is_own(run) for run in bench.runs)


def is_own(run):
    """Whether tapfeed itself was measured."""
    return run["contender"].startswith("tapfeed") or run["group"] in (
        "live", "memory", "latency")


sys.exit(main())
