# SPDX-License-Identifier: Apache-2.0
"""What the kernel says: counters of interfaces, memory, whose processor time.

Only ever looks at this script's own namespace and its own processes.
"""
import fcntl
import json
import os
import platform
import re
import select
import socket
import struct
import subprocess
import tempfile
import time

from harness import BUILDDIR, TAPFEED, descendants

TOOLS = os.path.join(BUILDDIR, "tests", "bench")
LIMIT = 180  # seconds that one process may take


class Failed(Exception):
    """A run that is worth nothing, and why."""


def tool(name):
    return os.path.join(TOOLS, name)


def received(interface):
    """The kernel's own count of frames that came in by it; None: there is none."""
    with open("/proc/self/net/dev") as file:
        for line in file:
            name, _, numbers = line.partition(":")
            if name.strip() == interface:
                return int(numbers.split()[1])
    return None


def is_up(interface):
    """Whether it is there and up: before, a packet socket hears an error at once."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        try:
            answer = fcntl.ioctl(sock, 0x8913, struct.pack("16s24x", interface.encode()))
        except OSError:  # SIOCGIFFLAGS of one that is not there
            return False
    return struct.unpack("16xH", answer[:18])[0] & 1


class Unavailable(Failed):
    """What cannot be measured here, which is nobody's fault."""


class Process:
    """A process and, at its end, what it and those it waited for have used."""

    def __init__(self, *command, stdin=subprocess.DEVNULL, cpu=None, limit=LIMIT):
        self.command = command
        self.log = tempfile.TemporaryFile()
        pin = (lambda: os.sched_setaffinity(0, {cpu})) if cpu is not None else None
        self.popen = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE,
                                      stderr=self.log, preexec_fn=pin)
        self.pid, self.stdin = self.popen.pid, self.popen.stdin
        self.status, self.usage, self.text = None, None, b""
        self.deadline = time.monotonic() + limit

    def left(self):
        return max(0, self.deadline - time.monotonic())

    def line(self):
        """The next line of its standard output."""
        while b"\n" not in self.text:
            if not select.select([self.popen.stdout], [], [], self.left())[0]:
                raise self.failed("says nothing")
            more = os.read(self.popen.stdout.fileno(), 65536)
            if not more:
                raise self.failed("ended too early")
            self.text += more
        line, _, self.text = self.text.partition(b"\n")
        return line.decode()

    def ended(self):
        if self.status is None:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                self.usage, self.popen.returncode = usage, self.status
        return self.status is not None

    def wait(self, meanwhile=None, pause=0.02):
        """Until its end, with meanwhile() called every so often; its output."""
        while not self.ended():
            if meanwhile:
                meanwhile()
            if self.left() == 0:
                raise self.failed("does not end")
            time.sleep(pause)
        output = self.text + self.popen.stdout.read()
        self.popen.stdout.close()
        return output.decode("utf-8", "backslashreplace")

    def complaint(self):
        self.log.seek(0)
        return self.log.read().decode("utf-8", "backslashreplace")

    def failed(self, why):
        lines = self.complaint().strip().splitlines()[-3:]
        return Failed("%s %s: %s" % (os.path.basename(self.command[0]), why,
                                     "; ".join(lines) or "no message"))

    def processor_seconds(self):
        return self.usage.ru_utime + self.usage.ru_stime


class Reader:
    """packet-reader on an interface that is there."""

    def __init__(self, interface):
        self.process = Process(tool("packet-reader"), interface, stdin=subprocess.PIPE)
        self.process.line()

    def finish(self, packets):
        """What it got, after so many packets were written."""
        self.process.stdin.close()
        got = json.loads(self.process.wait())
        if got["packets"] + got["dropped"] != packets:
            raise Failed("the reader saw %d and missed %d of %d packets" %
                         (got["packets"], got["dropped"], packets))
        return {"reader_packets": got["packets"],
                "reader_missed": got["dropped"] / packets,
                "reader_processor_seconds": self.process.processor_seconds()}


class Memory:
    """The most that a process and all below it had in memory, by sampling."""

    def __init__(self, pid):
        self.pid = pid
        self.pss = self.rss = self.samples = 0

    def sample(self):
        pss = rss = 0
        for pid in [self.pid, *descendants(self.pid)]:
            try:
                with open("/proc/%d/smaps_rollup" % pid) as file:
                    text = file.read()
            except (FileNotFoundError, ProcessLookupError):
                continue
            except PermissionError:
                raise Unavailable("smaps_rollup of confined processes takes root")
            pss += size_of("Pss", text)
            rss += size_of("Rss", text)
        self.pss, self.rss = max(self.pss, pss), max(self.rss, rss)
        self.samples += 1


def size_of(key, text):
    match = re.search(r"^%s:\s+(\d+) kB" % key, text, re.MULTILINE)
    return int(match.group(1)) * 1024 if match else 0


def describe():
    """The machine, for the results."""
    with open("/proc/cpuinfo") as file:
        model = re.search(r"model name\s*:\s*(.*)", file.read())
    version = subprocess.run([TAPFEED, "--version"], capture_output=True, text=True,
                             timeout=20)
    return {"kernel": platform.release(), "processors": os.cpu_count(),
            "model": model.group(1) if model else platform.machine(),
            "tapfeed": version.stdout.splitlines()[0],
            "load": round(os.getloadavg()[0], 2),
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
