# SPDX-License-Identifier: Apache-2.0
"""Who is measured. Each returns what one run did, or raises Failed.

A run counts only when every packet is accounted for: by the contender's own report
and by the kernel's count of the interface.
"""
import collections
import json
import os
import re
import shutil
import subprocess
import time

from checks import check_sum, counted
from harness import SLOW, TAPFEED, exists, run, until
from livefeed import PEER, wire
from machine import Failed, Process, Reader, is_up, received, tool

# What is written: so many packets of that size ("mix" or bytes), and the capture file.
Load = collections.namedtuple("Load", "packets size path")
LINGER = "%dms" % (200 * SLOW)  # for the last look at the kernel's count
READER_DELAY = "%dms" % (500 * SLOW)


def result(packets, seconds, processor_seconds, **more):
    return {"packets": packets, "seconds": seconds,
            "packets_per_second": packets / seconds,
            "processor_ns": processor_seconds / packets * 1e9, **more}


def accounted(report, packets, kernel):
    """Every packet written, none twice, as tapfeed and the kernel see it."""
    try:
        check_sum(report)
    except AssertionError as error:
        raise Failed(str(error))
    lost = counted(report["dropped"]) + report["errors"] + counted(report["skipped"])
    if report["injected"] != packets or lost:
        raise Failed("%d packets, but: %s" % (packets, json.dumps(report)))
    if kernel != packets:
        raise Failed("%d packets, but the kernel counts %s" % (packets, kernel))


class Tapfeed:
    """tapfeed replay, as built: with its filters and all its confinement."""

    def __init__(self, name="tapfeed", options=()):
        self.name, self.options = name, options

    def measure(self, load, reader=False):
        delay = ["--startup-delay", READER_DELAY] if reader else []
        process = Process(TAPFEED, "replay", "--json", "--name", "tf0", "--linger",
                          LINGER, *delay, *self.options, load.path)
        hearer = self.reader(process) if reader else None
        kernel = collections.deque([0], maxlen=1)
        text = process.wait(lambda: kernel.append(received("tf0") or kernel[0]))
        if process.status:
            raise process.failed("ends with %d" % process.status)
        report = json.loads(text)
        accounted(report, load.packets, kernel[0])
        more = hearer.finish(load.packets) if reader else {}
        return result(report["injected"], report["seconds"],
                      process.processor_seconds(), **more)

    @staticmethod
    def reader(process):
        """There before the first packet: the gate opens READER_DELAY after."""
        until("tf0", lambda: process.ended() or is_up("tf0"))
        return Reader("tf0")


class Raw:
    """The kernel's limit: a loop over frames in memory."""

    def __init__(self, mode, *options, name=""):
        self.mode, self.options, self.name = mode, options, "raw " + mode + name

    def measure(self, load, reader=False):
        process = Process(tool("raw-loop"), "-n", "raw0", "-w", *self.options,
                          self.mode, str(load.packets), str(load.size),
                          stdin=subprocess.PIPE)
        process.line()
        hearer = Reader("raw0") if reader else None
        process.stdin.write(b"\n")
        process.stdin.flush()
        report = json.loads(process.line())
        kernel = received("raw0")
        more = hearer.finish(load.packets) if reader else {}
        process.stdin.close()
        process.wait()
        until("raw0 gone", lambda: not exists("raw0"))
        if report["errors"] or kernel != load.packets:
            raise Failed("%(errors)d errors, " % report + "the kernel counts %s" % kernel)
        return result(load.packets, report["seconds"], report["processor_seconds"],
                      **more)


class Tcpreplay:
    """tcpreplay, everything in memory first, onto a veth or into a TAP."""

    def __init__(self, program, target, name=None):
        self.program, self.target = program, target
        self.program_name = name or os.path.basename(program)
        self.name = "%s %s" % (self.program_name, target)

    def measure(self, load, reader=False):
        interface, counter = getattr(self, self.target)()
        before = received(counter)
        process = Process(self.program, "--preload-pcap", "--topspeed", "-i", interface,
                          load.path)
        text = process.wait()
        rated = re.search(r"^Rated:.*?([\d.]+) pps", text, re.MULTILINE)
        if process.status or not rated:
            raise process.failed("ends with %d" % process.status)
        rate = float(rated.group(1))
        lost = load.packets - (received(counter) - before)
        if lost > 0:
            raise Failed("lost %d of %d packets" % (lost, load.packets))
        return result(load.packets, load.packets / rate, process.processor_seconds())

    @staticmethod
    def veth():
        if not exists("bv0"):
            wire("bv0")
        return "bv0", "bv0" + PEER

    @staticmethod
    def tap():
        """It writes to a TAP itself where the name begins so."""
        if not exists("tap0"):
            run("ip", "tuntap", "add", "tap0", "mode", "tap")
            run("ip", "link", "set", "tap0", "up", "arp", "off", "addrgenmode", "none")
        return "tap0", "tap0"


def peers(programs):
    """Contenders out of what is installed, and what to say about what is not."""
    found, missing = [], []
    names = collections.Counter(os.path.basename(program) for program in programs)
    for program in programs:
        path = shutil.which(program)
        if not path:
            missing.append("%s: not found, so not measured" % program)
            continue
        alone = names[os.path.basename(program)] == 1
        name = os.path.basename(program) if alone else program
        found += [Tcpreplay(path, target, name) for target in ("veth", "tap")]
    return found, missing


def capture(folder, packets, size):
    """A Load, its capture file made where it is not there yet."""
    path = os.path.join(folder, "%s-%d.pcap" % (size, packets))
    if not os.path.exists(path):
        with open(path, "wb") as file:
            subprocess.run([tool("make-capture"), str(packets), str(size)],
                           stdout=file, check=True, timeout=300)
    return Load(packets, size, path)


def writer(folder):
    """How this tapfeed writes here: "ring", or why not."""
    load = capture(folder, 1, 64)
    process = Process(TAPFEED, "replay", "--require-ring", "--linger", "0", load.path)
    process.wait()
    return "ring" if process.status == 0 else str(process.failed("without a ring"))


def settle(interface, count, seconds=3.0):
    """Waits until the kernel has counted so many, or no more come; what it counts."""
    end, seen, moved = time.monotonic() + seconds, 0, time.monotonic()
    while seen < count and time.monotonic() < end:
        now = received(interface) or 0
        if now != seen:
            seen, moved = now, time.monotonic()
        elif time.monotonic() - moved > 1:
            break
        time.sleep(0.02)
    return seen
