# SPDX-License-Identifier: Apache-2.0
"""What the namespace tests share: each script runs in a network and a mount
namespace of its own, and prints TAP.

    from harness import case, main, ...

    @case("what must hold")
    def _():
        feed = replay("file.pcap")
        equal("status", feed.status, 0)

    main()

Environment: TAPFEED_BUILDDIR, TAPFEED_SRCDIR; optional: TAPFEED_CORPUS,
TAPFEED_TEST_SLOW (factor of every time limit, for busy machines) [1].
"""
import ctypes
import errno
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import captures
from checks import check, check_sum, equal, frames_equal, parse_report

HERE = os.path.dirname(os.path.abspath(__file__))
SRCDIR = os.environ.get("TAPFEED_SRCDIR", os.path.dirname(os.path.dirname(HERE)))
BUILDDIR = os.environ.get("TAPFEED_BUILDDIR", os.path.join(SRCDIR, "build"))
TAPFEED = os.path.join(BUILDDIR, "launcher", "tapfeed")
SAMPLE = os.path.join(SRCDIR, "tests", "data", "sample.pcap")
CORPUS = os.environ.get("TAPFEED_CORPUS")

libc = ctypes.CDLL(None, use_errno=True)


class Skip(Exception):
    """A case that cannot run here, and why."""


# ---- namespaces --------------------------------------------------------------

def enter_namespaces(script):
    """Runs script again inside new namespaces; returns only there."""
    if os.environ.get("TAPFEED_TEST_INSIDE") == "yes":
        # Orphans become children of this process: nothing is left unseen.
        libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
        run("ip", "link", "set", "lo", "up")
        return
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        skip_all("/dev/net/tun: %s" % error.strerror)
    unshare = ["unshare", "-n", "-m"] + ([] if os.geteuid() == 0 else ["-U", "-r"])
    probe = subprocess.run(unshare + ["true"], capture_output=True, text=True)
    if probe.returncode:
        skip_all(probe.stderr.strip() or "unshare failed")
    os.environ["TAPFEED_TEST_INSIDE"] = "yes"
    os.execvp(unshare[0], unshare + [sys.executable, script] + sys.argv[1:])


def skip_all(why):
    print("1..0 # SKIP", why)
    sys.exit(0)


def run(*command):
    """Runs a set-up command of the test; raises where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    if done.returncode:
        raise AssertionError("%s: %s" % (" ".join(command), done.stderr.strip()))
    return done.stdout


def exists(name):
    try:
        return socket.if_nametoindex(name) > 0
    except OSError:
        return False


def veth(name, *addresses):
    """A veth pair NAME, NAME-peer, both up; addresses go to NAME."""
    run("ip", "link", "add", "name", name, "type", "veth", "peer", "name",
        name + "-peer")
    for end in (name, name + "-peer"):
        write_file("/proc/sys/net/ipv6/conf/%s/accept_dad" % end, "0")
    for address in addresses:
        run("ip", "address", "add", address, "dev", name)
    for end in (name, name + "-peer"):
        run("ip", "link", "set", end, "up")


def write_file(path, data):
    with open(path, "wb" if isinstance(data, bytes) else "w") as file:
        file.write(data)
    return path


# ---- cases -------------------------------------------------------------------

cases = []


def case(name, limit=30):
    """Registers a case that may take limit seconds (more with sanitizers)."""
    def register(function):
        cases.append((name, limit, function))
        return function
    return register


def main():
    """Runs every registered case and prints TAP."""
    global tmp
    sys.stdout.reconfigure(line_buffering=True)
    print("1..%d" % len(cases))
    signal.signal(signal.SIGALRM, on_alarm)
    # A shell ignores these in what it starts in the background, tests of signals too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    failed = 0
    tmp = tempfile.mkdtemp(prefix="tapfeed-test.")
    os.environ["XDG_RUNTIME_DIR"] = tmp  # where feeds listen for tapfeed status
    try:
        for number, (name, limit, function) in enumerate(cases, 1):
            failed += not run_case(number, name, limit, function)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
    sys.exit(1 if failed else 0)


def on_alarm(number, stack):
    raise TimeoutError("the case took too long")


def run_case(number, name, limit, function):
    Feed.started = []
    signal.alarm(int(limit * SLOW))
    try:
        function()
        verdict = "ok %d - %s"
    except Skip as why:
        verdict = "ok %%d - %%s # SKIP %s" % why
    except BaseException as error:  # an alarm may come anywhere
        signal.alarm(0)
        verdict = "not ok %d - %s"
        explain(error)
        if isinstance(error, KeyboardInterrupt):
            raise
    finally:
        signal.alarm(0)
        clean_up()
    print(verdict % (number, name))
    return verdict.startswith("ok")


def explain(error):
    for entry in traceback.extract_tb(error.__traceback__):
        if entry.filename == __file__ or not entry.filename.startswith(HERE):
            continue
        note("%s:%d: %s" % (os.path.basename(entry.filename), entry.lineno,
                            entry.line))
    note("%s: %s" % (type(error).__name__, error))
    for feed in Feed.started:
        note("$ " + " ".join(feed.command))
        for line in feed.log[-12:]:
            note("  " + line)
        note("  status %s, report %s" % (feed.process.poll(), feed.output()))


def note(text):
    for line in str(text)[:2000].splitlines():
        print("#", line)


def clean_up():
    """Ends what a case left: processes, then interfaces."""
    for pid in descendants(os.getpid()):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    for feed in Feed.started:
        feed.process.wait()
    reap_orphans()
    for index, name in socket.if_nameindex():
        if name != "lo" and exists(name):
            subprocess.run(["ip", "link", "del", name], capture_output=True)


# ---- processes ---------------------------------------------------------------

def parents():
    """Every process that is not a zombie: pid -> (parent, short name)."""
    table = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % entry) as file:
                text = file.read()
        except OSError:
            continue
        name = text[text.index("(") + 1:text.rindex(")")]
        state, parent = text[text.rindex(")") + 2:].split()[:2]
        if state not in "ZX":
            table[int(entry)] = (int(parent), name)
    return table


def descendants(pid):
    """pid -> short name, of the children of pid and theirs."""
    table = parents()
    found, border = {}, {pid}
    while border:
        border = {child for child, (parent, _) in table.items()
                  if parent in border and child not in found}
        found.update((child, table[child][1]) for child in border)
    return found


def reap_orphans():
    """Reaps what became a child of this process and is none of its own."""
    own = {feed.process.pid for feed in Feed.started}
    while True:
        try:
            done = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if not done or done.si_pid in own:
            return
        os.waitpid(done.si_pid, 0)


def until(what, condition, seconds=5.0):
    """Waits for condition() to be true; returns its value."""
    end = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited in vain: " + what)
        time.sleep(0.002)


def peak_memory(pids):
    """The sum of VmHWM, in bytes."""
    total = 0
    for pid in pids:
        with open("/proc/%d/status" % pid) as file:
            total += int(re.search(r"VmHWM:\s+(\d+) kB", file.read()).group(1))
    return total * 1024


# ---- tapfeed -----------------------------------------------------------------

NOBODY = 65534


def service_uid():
    """As whom a feed runs that root starts from a build tree."""
    with open("/proc/self/uid_map") as file:
        users = sum(int(line.split()[2]) for line in file)
    return NOBODY if os.geteuid() == 0 and users > NOBODY else os.geteuid()




class Feed:
    """One run of tapfeed, with --json unless json=False; source: one, or a list."""
    started = []

    def __init__(self, source, *args, name="tf0", json=True, launch=(),
                 stdin=subprocess.DEVNULL, program=TAPFEED, command="replay"):
        options = (["--name", name] if name else []) + ["--json"] * json
        sources = [source] if isinstance(source, str) else source
        self.command = [*launch, program, command, *options, *args, *sources]
        self.name, self.json = name, json
        self.log, self.report, self.status = [], None, None
        self.log_times = []
        self.stdout = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            self.command, stdin=stdin, stdout=self.stdout, stderr=subprocess.PIPE,
            start_new_session=True)
        self.began = time.monotonic()
        Feed.started.append(self)
        self.logger = threading.Thread(target=self.read_log, daemon=True)
        self.logger.start()

    def read_log(self):
        for line in self.process.stderr:
            self.log_times.append(time.monotonic())
            self.log.append(line.decode("utf-8", "backslashreplace").rstrip("\n"))

    def output(self):
        self.stdout.seek(0)
        return self.stdout.read().decode()

    def wait_line(self, pattern, seconds=5.0):
        """Waits for a log line that matches; returns the match."""
        def find():
            for line in list(self.log):
                match = re.search(pattern, line)
                if match:
                    return match
            if self.process.poll() is not None and not self.logger.is_alive():
                raise AssertionError("ended before a line like %r" % pattern)
            return None
        return until("log line like %r" % pattern, find, seconds)

    def wait_up(self):
        return self.wait_line(re.escape(self.name) + r" is up\b")

    def lines(self, pattern):
        return [line for line in self.log if re.search(pattern, line)]

    def worker(self, kind):
        """The pid of the injector or capture."""
        def find():
            for pid, name in descendants(self.process.pid).items():
                if name == ("tapfeed-" + kind)[:15]:
                    return pid
            return None
        return until("process " + kind, find)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=20, report=True, gone=True):
        """Waits for the end and checks what holds after every run; gone=False where
        the interface of this name is somebody else's."""
        self.status = self.process.wait(seconds * SLOW)
        self.took = time.monotonic() - self.began
        self.check_nothing_left(gone)
        self.logger.join(5)
        check(not self.lines("Sanitizer:|runtime error:"), "a sanitizer complains")
        check(not self.lines("do not add up"), "the counters do not add up")
        if report:
            self.read_report()
        return self

    def check_nothing_left(self, gone):
        if gone and self.name and self.status >= 0 and "%" not in self.name:
            check(not exists(self.name), "%s is still there" % self.name)
        left = self.orphans()
        if left and self.status >= 0:
            time.sleep(0.02)  # another feed may have been ending at that moment
            left = {pid: name for pid, name in self.orphans().items() if pid in left}
            check(not left, "processes left: %s" % left)

    @staticmethod
    def orphans():
        """Processes of a feed whose tapfeed has ended."""
        reap_orphans()
        known = set()
        for feed in Feed.started:
            known |= {feed.process.pid, *descendants(feed.process.pid)}
        return {pid: name for pid, name in descendants(os.getpid()).items()
                if name.startswith("tapfeed") and pid not in known}

    def read_report(self):
        text = self.output()
        if self.status in (2, 3) and not text:  # refused before it began
            self.report = {"injected": 0, "received": 0}
            return
        check(text.endswith("\n") and text.count("\n") == 1,
              "standard output is not one line: %r" % text)
        self.report = parse_report(text, self.json)
        check_sum(self.report)

    def __getitem__(self, key):
        """feed["dropped.queue"]"""
        value = self.report
        for part in key.split("."):
            value = value[part]
        return value


def replay(source, *args, name="tf0", seconds=20, reader=None, **how):
    """A whole run with a Reader that is there before the first packet."""
    reader = (reader or Reader)(name)
    feed = Feed(source, "--startup-delay", DELAY, "--linger", "100ms", *args,
                name=name, **how)
    feed.wait(seconds)
    feed.reader = reader.finish()
    feed.frames = reader.frames
    return feed


# ---- reader ------------------------------------------------------------------

SOL_PACKET, PACKET_STATISTICS, PACKET_AUXDATA, PACKET_OUTGOING = 263, 6, 8, 4
VLAN_VALID, VLAN_TPID_VALID = 1 << 4, 1 << 6
CSUM_NOT_READY = 1 << 3
READ_SIZE = 300000


class Reader:
    """Collects every frame of an interface, with VLAN tags put back, in a thread.

    It waits for the interface, and ends when that goes or finish() is called.
    """

    def __init__(self, name):
        self.name = name
        self.frames, self.times = [], []
        self.outgoing, self.both = [], []  # what the host itself sent; all, in order
        self.lost, self.forced = 0, True
        self.bound = threading.Event()
        self.stop = threading.Event()
        self.error = None
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        try:
            sock = self.open()
            if sock:
                with sock:
                    self.read(sock)
        except Exception as error:  # shown by finish()
            self.error = error

    def open(self):
        while not exists(self.name):
            if self.stop.is_set():
                return None
            time.sleep(0.001)
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        try:
            sock.setsockopt(socket.SOL_SOCKET, 33, 128 << 20)  # SO_RCVBUFFORCE
        except PermissionError:
            self.forced = False
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 << 20)
        try:
            sock.bind((self.name, 3))  # ETH_P_ALL
            self.index = socket.if_nametoindex(self.name)
        except OSError:
            if exists(self.name):
                raise
            return None  # gone already: a run that was refused
        sock.settimeout(0.05)
        self.bound.set()
        return sock

    def read(self, sock):
        buffer = bytearray(READ_SIZE)
        while True:
            try:
                size, control, _, address = sock.recvmsg_into([buffer], 64)
            except (socket.timeout, BlockingIOError):
                if self.stop.is_set() or self.gone():
                    break
                continue
            except OSError as error:
                if error.errno == errno.ENETDOWN:  # down, or deleted
                    continue
                raise
            data = put_back_tag(bytes(buffer[:size]), control)
            self.both.append(data)
            self.heard(control)
            if address[2] == PACKET_OUTGOING:
                self.outgoing.append(data)
            else:
                self.times.append(time.monotonic())
                self.frames.append(data)
        stats = sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        self.lost = struct.unpack("II", stats)[1]

    def heard(self, control):
        """What else the kernel says of a frame."""

    def gone(self):
        try:
            return socket.if_nametoindex(self.name) != self.index
        except OSError:
            return True

    def wait(self, count, seconds=5.0):
        """Waits until count frames were seen."""
        until("%d frames (%d so far)" % (count, len(self.frames)),
              lambda: len(self.frames) >= count, seconds)

    def finish(self):
        self.finish_lossy()
        if self.lost and not self.forced:
            raise Skip("a normal user's receive buffer (net.core.rmem_max) is too small")
        equal("frames lost by the test's own reader", self.lost, 0)
        return self

    def finish_lossy(self):
        """For runs faster than this reader."""
        self.stop.set()
        self.thread.join(10)
        if self.error:
            raise self.error
        return self


class Told(Reader):
    """A reader that is told of each frame whether its checksum is unfinished."""

    def __init__(self, name):
        self.unfinished = []
        super().__init__(name)

    def heard(self, control):
        for level, kind, value in control:
            if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                status = struct.unpack("I", value[:4])[0]
                self.unfinished.append(bool(status & CSUM_NOT_READY))


def put_back_tag(data, control):
    for level, kind, value in control:
        if (level, kind) != (SOL_PACKET, PACKET_AUXDATA):
            continue
        status, tci, tpid = struct.unpack("I12xHH", value[:20])
        if status & VLAN_VALID:
            tpid = tpid if status & VLAN_TPID_VALID else 0x8100
            return data[:12] + struct.pack(">HH", tpid, tci) + data[12:]
    return data


# ---- checks ------------------------------------------------------------------

def replays_to(feed, want, status=0):
    """Checks a run against captures.expected()."""
    equal("status", feed.status, status)
    frames_equal(feed.frames, want.frames)
    equal("frames of the host's own", len(feed.reader.outgoing), 0)
    equal("injected", feed["injected"], len(want.frames))
    equal("frames_written", feed["frames_written"], len(want.frames))
    equal("bytes_injected", feed["bytes_injected"], sum(map(len, want.frames)))
    equal("too_short", feed["skipped.too_short"], want.too_short)
    equal("too_long", feed["skipped.too_long"], want.too_long)
    equal("not_ip", feed["skipped.not_ip"], want.not_ip)
    equal("other link types", sorted(feed["skipped.unsupported_link_type"].values()),
          sorted(want.other.values()))
    equal("truncated", feed["truncated"], want.truncated)
    return feed


def path(name):
    """A path in the scratch directory."""
    return os.path.join(tmp, name)


def made(data, name="input.pcap"):
    """A file with these bytes in the scratch directory; whoever reads one of that name
    already goes on reading the former."""
    os.replace(write_file(path("new"), data), path(name))
    return path(name)


def pcap_of(frames, name="input.pcap"):
    return made(captures.pcap(frames), name)


def version():
    try:
        done = subprocess.run([TAPFEED, "--version"], capture_output=True, text=True,
                              timeout=20)
    except OSError as error:
        print("Bail out! %s" % error)
        sys.exit(99)
    return done.stdout


enter_namespaces(os.path.abspath(sys.argv[0]))
SANITIZED = "ASan" in version()
# --enable-trace-filter: what would be killed is logged and goes on.
TRACED = "traces" in version()
# How much longer than on an idle machine a wait may take.
SLOW = (4 if SANITIZED else 1) * int(os.environ.get("TAPFEED_TEST_SLOW", "1"))
DELAY = "800ms" if SANITIZED else "250ms"
tmp = None
