# SPDX-License-Identifier: Apache-2.0
"""A capture that speaks proto/feed.proto with bytes made by hand, and an injector
started without tapfeed: descriptors by name, its page, its stored queues.

    injector = Injector(listen=True)
    capture = Capture(injector.own)
    capture.hello(); capture.batch([b"frame", ...]); capture.end()
"""
import array
import fcntl
import mmap
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time

import harness
from harness import check, until

INJECTOR = os.path.join(harness.BUILDDIR, "injector", "tapfeed-injector")
HELPER = os.path.join(harness.BUILDDIR, "privileged", "tapfeed-privileged")

# Puts the descriptors at 3 and on, says so as systemd does, and becomes the program.
WRAPPER = """
import fcntl, os, sys
fds = [fcntl.fcntl(int(n), fcntl.F_DUPFD, 300) for n in sys.argv[1].split(",")]
for i, fd in enumerate(fds):
    os.dup2(fd, 3 + i)
os.closerange(300, 600)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)),
                  LISTEN_FDNAMES=sys.argv[2])
os.execv(sys.argv[3], sys.argv[3:])
"""

COUNTERS = ("injected frames_written bytes_injected dropped_queue "
            "dropped_interface_down dropped_stopped dropped_restart errors "
            "joined_received joined_done peers queue_used queue_peak first_ns "
            "last_ns ifindex mtu kind").split()
REPORT = "injected queue interface_down stopped restart errors".split()
F_ADD_SEALS, SIZE_SEALS = 1033, 7
PAGE_BYTES = 8192  # of counters


def spawn(program, fds, arguments=(), **how):
    """Starts program with fds, a list of (name, descriptor)."""
    numbers = [fd if isinstance(fd, int) else fd.fileno() for _, fd in fds]
    return subprocess.Popen(
        [sys.executable, "-S", "-E", "-c", WRAPPER, ",".join(map(str, numbers)),
         ":".join(name for name, _ in fds), program, *arguments],
        pass_fds=numbers, stdin=subprocess.DEVNULL, **how)


class Injector:
    """An injector, and what its successors need of it."""

    def __init__(self, *options, listen=False, own=True, name="tf0", queues=1):
        self.options, self.name = ["--name=" + name, *options], name
        if queues > 1:
            self.options.append("--queues=%d" % queues)
        self.log, self.process, self.stored = [], None, []
        self.command = [INJECTOR, *self.options]
        self.page_fd = os.memfd_create("page", os.MFD_ALLOW_SEALING)
        os.ftruncate(self.page_fd, PAGE_BYTES)
        fcntl.fcntl(self.page_fd, F_ADD_SEALS, SIZE_SEALS)
        self.page = mmap.mmap(self.page_fd, PAGE_BYTES, prot=mmap.PROT_READ)
        self.listening = self.path = self.own = None
        if listen:
            self.path = harness.path("feed.sock")
            if os.path.exists(self.path):
                os.unlink(self.path)
            self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.listening.bind(self.path)
            self.listening.listen(64)
        asking, answering = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        store, storing = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        fds = [("privileged", asking), ("store", storing)]
        if own:
            self.own, theirs = socket.socketpair()
            fds.append(("feed", theirs))
        helper = spawn(HELPER, [("helper", answering)])
        self.start(fds)
        for sock in (asking, answering, storing) + ((theirs,) if own else ()):
            sock.close()
        store.settimeout(5)
        data, self.stored, _, _ = socket.recv_fds(store, 16, 16)
        check(data == b"\0" and len(self.stored) == queues, "what was stored: %r" % data)
        check(not store.recv(1), "the store stays open")
        store.close()
        helper.wait(10)

    def start(self, fds):
        """Starts it with these and what every injector gets; waits for READY."""
        self.control, control = socket.socketpair(socket.AF_UNIX,
                                                  socket.SOCK_SEQPACKET)
        self.before_start()
        notify, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        fds = fds + [("control", control), ("counters", self.page_fd),
                     ("notify", theirs)]
        if self.listening:
            fds.append(("feed", self.listening))
        self.process = spawn(INJECTOR, fds, self.options, stderr=subprocess.PIPE)
        if self not in harness.Feed.started:
            harness.Feed.started.append(self)
        control.close()
        theirs.close()
        self.logger = threading.Thread(target=self.read_log,
                                       args=(self.process.stderr,), daemon=True)
        self.logger.start()
        notify.settimeout(10 * harness.SLOW)
        said = notify.recv(500)
        check(said.startswith(b"READY=1\n"), "it said %r" % said)
        self.status_line = said.decode().split("STATUS=")[1]
        notify.close()

    def before_start(self):
        """For what has to lie in the control socket at the start."""

    def read_log(self, stream):
        for line in stream:
            self.log.append(line.decode("utf-8", "backslashreplace").rstrip("\n"))

    def output(self):
        return self.counters()

    def counters(self):
        return dict(zip(COUNTERS, struct.unpack_from("=%dQ" % len(COUNTERS),
                                                     self.page)))

    def __getitem__(self, name):
        return self.counters()[name]

    def accounted(self):
        page = self.counters()
        return sum(page[name] for name in COUNTERS
                   if name in ("injected", "errors") or name.startswith("dropped"))

    def join(self):
        """A connection by the listening socket."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.connect(self.path)
        return sock

    def send_feed(self, frames_taken=0, **how):
        """A new feed of the own capture, over control."""
        self.own, theirs = socket.socketpair()
        self.send_control(struct.pack("=IIQ", 1, 0, frames_taken), [theirs], **how)
        theirs.close()
        return self.own

    def send_control(self, message, socks):
        rights = array.array("i", [sock.fileno() for sock in socks])
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if socks else []
        self.control.sendmsg([message], control)

    def frames_taken(self):
        """By the kernel's count."""
        with open("/proc/self/net/dev") as file:
            for line in file:
                if line.strip().startswith(self.name + ":"):
                    return int(line.split(":")[1].split()[1])
        raise AssertionError("%s is gone" % self.name)

    def kill(self):
        self.process.kill()
        self.process.wait(10)
        self.control.close()

    def restart(self):
        """A new one with the stored queues, and a feed already waiting."""
        taken = self.frames_taken()
        self.before_start = lambda: self.send_feed(taken)
        self.start([("interface", fd) for fd in self.stored])
        return self.own

    def wait(self, seconds=20):
        """The exit status; the interface must be gone."""
        for fd in self.stored:
            os.close(fd)
        self.stored = []
        status = self.process.wait(seconds * harness.SLOW)
        self.logger.join(5)
        check(not self.lines("Sanitizer:|runtime error:|Assertion"), "it complains")
        until("%s is gone" % self.name, lambda: not harness.exists(self.name))
        return status

    def lines(self, pattern):
        return [line for line in self.log if harness.re.search(pattern, line)]


# ---- the feed's bytes --------------------------------------------------------

def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, data):
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def frame(number, message):
    body = field(number, message)
    return struct.pack(">I", len(body)) + body


def fixed64(number, value):
    return varint(number << 3 | 1) + struct.pack("<Q", value)


def hello(sequence=0, version=1, source=b"test"):
    return frame(1, varint(1 << 3) + varint(version) + field(2, source) +
                 varint(3 << 3) + varint(sequence))


def batch(sequence, frames):
    lens = struct.pack("<%dI" % len(frames), *map(len, frames))
    return frame(2, fixed64(1, sequence) + field(2, lens) + field(3, lens) +
                 field(4, bytes(8 * len(frames))) + field(8, b"".join(frames)))


def end(sequence):
    return frame(3, fixed64(1, sequence))


def read_message(data):
    """The number of the message and its fields."""
    kind, size, at = data[0] >> 3, data[1], 2
    check(size == len(data) - 2 and size < 128, "a message of %r" % data)
    fields = {}
    while at < len(data):
        number, wire = data[at] >> 3, data[at] & 7
        at += 1
        if wire == 1:
            fields[number] = struct.unpack_from("<Q", data, at)[0]
            at += 8
            continue
        if wire == 2:  # a short text
            fields[number] = data[at + 1:at + 1 + data[at]].decode()
            at += 1 + data[at]
            continue
        check(wire == 0, "wire type %d" % wire)
        value = shift = 0
        while True:
            value |= (data[at] & 127) << shift
            shift += 7
            at += 1
            if data[at - 1] < 128:
                break
        fields[number] = value
    return kind, fields


WELCOME, STOP, REPORT_MESSAGE = 4, 5, 6


class Closed(Exception):
    """The injector has closed the feed."""


class Capture:
    """One capture at its end of a feed."""

    def __init__(self, sock, sequence=0, seconds=20):
        self.sock, self.sequence = sock, sequence
        self.report = self.welcome = None
        self.stopped = False
        sock.settimeout(seconds * harness.SLOW)

    def send(self, data):
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            raise Closed from None

    def read(self):
        """The next message; its kind."""
        data = b""
        while len(data) < 4 or len(data) < 4 + struct.unpack(">I", data[:4])[0]:
            want = 4 if len(data) < 4 else 4 + struct.unpack(">I", data[:4])[0]
            try:
                more = self.sock.recv(want - len(data))
            except ConnectionResetError:
                more = b""
            if not more:
                raise Closed
            data += more
        kind, fields = read_message(data[4:])
        if kind == WELCOME:
            self.welcome = fields
        elif kind == STOP:
            self.stopped = True
        else:
            self.report = {name: fields[1 + i] for i, name in enumerate(REPORT)}
        return kind

    def hello(self, **how):
        """Hello, and the wait for Welcome."""
        self.send(hello(self.sequence, **how))
        while not self.welcome:
            self.read()
        return self

    def batch(self, frames):
        """Hands these on: from now on they are the injector's, or lost."""
        data = batch(self.sequence, frames)
        self.sequence += len(frames)
        self.send(data)

    def end(self):
        """End, and the wait for the Report and the close."""
        self.send(end(self.sequence))
        while not self.report:
            self.read()
        check(not self.sock.recv(1), "it goes on after its Report")
        self.sock.close()
        return self.report

    def is_closed(self, seconds=0.0):
        """Whether the injector has closed it; reads what it said."""
        limit = time.monotonic() + seconds * harness.SLOW
        while True:
            left = max(0, limit - time.monotonic())
            if not select.select([self.sock], [], [], left)[0]:
                return False
            try:
                self.read()
            except Closed:
                return True


def packet(mark, number, size=60):
    """A frame that says whose it is and which: EtherType of experiments."""
    head = struct.pack(">6s6sHBI", b"\2\0\0\0\0\1", b"\2\0\0\0\0\2", 0x88b5, mark,
                       number)
    return head + bytes((number * 7 + i) & 255 for i in range(size - len(head)))


def packets(mark, first, n, size=60):
    return [packet(mark, number, size(number) if callable(size) else size)
            for number in range(first, first + n)]


def whose(data):
    """(mark, number) of a frame made by packet()."""
    return struct.unpack_from(">BI", data, 14)
