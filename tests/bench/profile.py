# SPDX-License-Identifier: Apache-2.0
"""make profile: where the nanoseconds of a packet go, by perf(1).

Takes turns: the raw ring loop, then tapfeed replay of the mixed capture, some rounds;
prints for each part the least of all rounds, in processor time a packet.
"""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "netns")]
import harness
from harness import BUILDDIR, TAPFEED

PACKETS, LOOPS, PER_SECOND = 1000000, 3, 5000
# By what stands in the stack, the first that fits; else by who it is.
PARTS = (("io_uring_enter", "__do_sys_io_uring_enter"), ("read", "ksys_read"),
         ("copy", "memmove"), ("copy", "memcpy"))


def part(comm, stack):
    if comm == "tapfeed-injecto":
        return "injector: " + next((name for name, word in PARTS if word in stack), "rest")
    return {"tapfeed-capture": "capture", "raw-loop": "raw ring"}.get(comm, "others")


def profile(folder, packets, *command):
    """Nanoseconds a packet, by part."""
    data = os.path.join(folder, "perf.data")
    subprocess.run(["perf", "record", "-q", "-g", "-F", str(PER_SECOND), "-o", data,
                    *command], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    text = subprocess.run(["perf", "script", "-i", data, "-F", "comm,ip,sym"], check=True,
                          text=True, capture_output=True).stdout
    samples = {}
    for block in text.split("\n\n"):
        comm, _, stack = block.strip().partition("\n")
        if comm:
            name = part(comm.strip(), stack)
            samples[name] = samples.get(name, 0) + 1
    return {name: n * 1e9 / PER_SECOND / packets for name, n in samples.items()}


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    harness.enter_namespaces(os.path.abspath(__file__))
    tool = os.path.join(BUILDDIR, "tests", "bench")
    least = {}
    with tempfile.TemporaryDirectory() as folder:
        capture = os.path.join(folder, "mixed.pcap")
        with open(capture, "wb") as file:
            subprocess.run([os.path.join(tool, "make-capture"), str(PACKETS), "mix"],
                           stdout=file, check=True)
        total = PACKETS * LOOPS
        for _ in range(rounds):
            for command in ([os.path.join(tool, "raw-loop"), "ring", str(total), "mix"],
                            [TAPFEED, "replay", "--linger", "0", "--loop", str(LOOPS),
                             capture]):
                for name, ns in profile(folder, total, *command).items():
                    least[name] = min(ns, least.get(name, ns))
    for name in sorted(least):
        print("%6.0f ns  %s" % (least[name], name))


main()
