# SPDX-License-Identifier: Apache-2.0
"""tapfeed start, --ready-socket, --wait-for-file: who opens the gate, with what, who not."""
import array
import json
import os
import pathlib
import select
import signal
import socket
import stat
import struct
import subprocess
import time

from captures import numbered
from harness import (SLOW, TAPFEED, Feed, Reader, Skip, case, check, equal, frames_equal,
                     main, path, pcap_of, run, service_uid, until)

USER = 12345  # nobody's

# Feeds that run on this machine are not this test's: hidden in its mount namespace.
for directory in ("/run/tapfeed", "/run/user"):
    if os.path.isdir(directory):
        run("mount", "-t", "tmpfs", "-o", "mode=0755", "none", directory)


def as_user(uid):
    """The prefix of a command to run it as that user, without capabilities."""
    launch = ["setpriv", "--reuid", str(uid), "--clear-groups", "--bounding-set", "-all",
              "--inh-caps", "-all"]
    if subprocess.run([*launch, TAPFEED, "-V"], capture_output=True).returncode:
        raise Skip("no other user, or the build directory is closed to others")
    return launch


def runtime():
    """A fresh runtime directory of this case, in the environment of all it starts."""
    parent = path("run%d" % time.monotonic_ns())
    os.mkdir(parent, 0o700)
    os.environ["XDG_RUNTIME_DIR"] = parent
    return parent


def waiting(*args, count=10, **how):
    runtime()
    feed = Feed(pcap_of(numbered(count)), *args, "--linger", "200ms", **how)
    feed.wait_line("tf0 waits for ")
    return feed


def start(*args, launch=()):
    return subprocess.run([*launch, TAPFEED, "start", *args], text=True,
                          capture_output=True, timeout=10 * SLOW)


def told():
    done = subprocess.run([TAPFEED, "status", "--json", "tf0"], text=True,
                          capture_output=True, timeout=10 * SLOW)
    return json.loads(done.stdout)["feeds"][0]


def answers(done, code, text):
    equal("status (%s)" % done.stderr, done.returncode, code)
    check(text in done.stderr, done.stderr)
    equal("standard output", done.stdout, "")


def still_waits(feed, *what):
    time.sleep(0.2)
    status = told()
    equal("state", status["state"], "waiting")
    equal("waits for", status["waits_for"], list(what))
    check(not feed.lines("begins"), feed.log)


@case("tapfeed start: the first packet comes after it", limit=60)
def _():
    feed = waiting("--wait-for-start")
    equal("lines", feed.lines("waits for"), ["tapfeed: tf0 waits for tapfeed start tf0"])
    reader = Reader("tf0")
    reader.bound.wait(5)
    still_waits(feed, "start")
    equal("seen", len(reader.frames), 0)
    answers(start("tf0"), 0, "tf0 is started\n")
    feed.wait()
    equal("status", feed.status, 0)
    equal("lines", len(feed.lines("tf0 begins, it was started$")), 1)
    frames_equal(reader.finish().frames, numbered(10))


@case("started before the reader is there: the gate waits for both", limit=60)
def _():
    feed = waiting("--wait-for-start", "--wait-for-reader=200ms")
    check(feed.lines("unchanged for 0.2 s, and for tapfeed start tf0$"), feed.log)
    answers(start("tf0"), 0, "tf0 is started, and still waits for readers\n")
    answers(start("tf0"), 0, "tf0 was started before\n")
    still_waits(feed, "readers")
    reader = Reader("tf0")
    feed.wait()
    frames_equal(reader.finish().frames, numbered(10))


@case("a reader that goes before the start does not count", limit=60)
def _():
    feed = waiting("--wait-for-start", "--wait-for-reader=100ms")
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind(("tf0", 3))
        until("the reader", lambda: told()["waits_for"] == ["start"])
    until("no reader", lambda: told()["readers"] == 0)
    start("tf0")
    still_waits(feed, "readers")
    feed.signal(signal.SIGINT)
    equal("status", feed.wait().status, 0)


@case("what cannot be started, wrong usage", limit=60)
def _():
    runtime()
    answers(start(), 2, "one NAME")
    answers(start("a", "b"), 2, "one NAME")
    answers(start("--now", "tf0"), 2, "unknown option --now")
    answers(start("tf0"), 2, "no feed tf0 runs")
    feed = waiting("--wait-for-reader")
    answers(start("tf0"), 2, "was not started with --wait-for-start")
    answers(start("tf1"), 2, "no feed tf1 runs; there are: tf0")
    still_waits(feed, "readers")
    feed.signal(signal.SIGINT)
    feed.wait()
    feed = Feed(pcap_of(numbered(1)), "--join", "/nowhere", "--wait-for-start",
                name=None).wait()
    equal("status", feed.status, 2)


@case("a feed that tapfeed start could not find does not wait for it", limit=60)
def _():
    launch = as_user(USER)
    env = {key: value for key, value in os.environ.items() if key != "XDG_RUNTIME_DIR"}
    done = subprocess.run([*launch, TAPFEED, "replay", "--wait-for-start", "/proc/self/exe"],
                          text=True, capture_output=True, timeout=10 * SLOW, env=env)
    answers(done, 3, "--wait-for-start: tapfeed start would not find this feed: /run/")
    check("XDG_RUNTIME_DIR" in done.stderr, done.stderr)


@case("nor one whose name another feed has, in another network namespace", limit=60)
def _():
    first = waiting("--wait-for-start", launch=["unshare", "-n"])
    second = Feed(pcap_of(numbered(1)), "--wait-for-start").wait()
    equal("status", second.status, 1)
    check(second.lines("another tapfeed listens there"), second.log)
    check(second.lines("tapfeed start would not find tf0"), second.log)
    equal("received", second["received"], 0)
    still_waits(first, "start")
    first.signal(signal.SIGINT)
    first.wait()


@case("Ctrl-C while it waits for the start ends it at once", limit=30)
def _():
    feed = waiting("--wait-for-start")
    began = time.monotonic()
    feed.signal(signal.SIGINT)
    feed.wait()
    equal("status", feed.status, 0)
    check(time.monotonic() - began < 1 * SLOW, "it took its time")


@case("another user may not start it, even where the files' modes would let him",
      limit=60)
def _():
    launch = as_user(USER)
    feed = waiting("--wait-for-start")
    parent = os.environ["XDG_RUNTIME_DIR"]
    os.environ["RUNTIME_DIRECTORY"] = os.path.join(parent, "tapfeed")
    try:
        answers(start("tf0", launch=launch), 3, "tf0")
        file = os.path.join(parent, "tapfeed", "tf0.sock")
        for name, mode in ((parent, 0o711), (file, 0o666)):
            os.chmod(name, mode)
        os.chmod(os.path.dirname(parent), 0o711)
        os.chmod(os.path.dirname(file), 0o755)
        # Past the client, which would not believe that directory.
        reply = ask(file, b"\x12\x00", USER)
        equal("reply", reply, b"")
    finally:
        del os.environ["RUNTIME_DIRECTORY"]
    still_waits(feed, "start")
    answers(start("tf0"), 0, "tf0 is started")
    feed.wait()


@case("nor may a process of the user as whom root's feed runs", limit=60)
def _():
    owner = service_uid()
    if owner == os.geteuid():
        raise Skip("only where root started it")
    feed = waiting("--wait-for-start")
    parent = os.environ["XDG_RUNTIME_DIR"]
    for name in (parent, os.path.dirname(parent)):
        os.chmod(name, 0o711)
    file = os.path.join(parent, "tapfeed", "tf0.sock")
    check(len(ask(file, b"\x0a\x00", owner)) > 100, "it may ask for the status")
    equal("reply", ask(file, b"\x12\x00", owner), b"\x12\x04\x08\x04\x10\x00")
    still_waits(feed, "start")
    equal("reply to root", ask(file, b"\x12\x00", 0), b"\x12\x04\x08\x01\x10\x00")
    feed.wait()
    equal("injected", feed["injected"], 10)


def ask(file, body, uid):
    """What a feed replies to that request of that user; b"" where it closes."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setresuid(uid, uid, uid)
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.settimeout(5)
            sock.connect(file)
            sock.send(struct.pack(">I", len(body)) + body)
            os.write(writer, sock.recv(65536)[4:])
        except OSError:
            pass
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        reply = file.read()
    os.waitpid(pid, 0)
    return reply


@case("requests that are none: closed, and the gate stays shut", limit=60)
def _():
    feed = waiting("--wait-for-start")
    file = os.path.join(os.environ["XDG_RUNTIME_DIR"], "tapfeed", "tf0.sock")
    for body in (b"\x12\x02\x08\x01", b"\x1a\x00", b"\x12\x00\x18\x01", b"\x12\x05", b"\x12"):
        equal("reply to %r" % body, ask(file, body, os.geteuid()), b"")
    still_waits(feed, "start")
    feed.signal(signal.SIGINT)
    feed.wait()


# ---- --ready-socket -----------------------------------------------------------

def notify(file, *texts, fds=()):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        for text in texts:
            control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
            sock.sendmsg([text], control if fds else [], 0, file)


@case("--ready-socket: READY=1 and nothing else opens the gate", limit=60)
def _():
    file = path("ready.sock")
    feed = waiting("--ready-socket", file)
    equal("lines", feed.lines("waits for"), ["tapfeed: tf0 waits for READY=1 to " + file])
    equal("mode", oct(stat.S_IMODE(os.lstat(file).st_mode)), oct(0o600))
    notify(file, b"", b"READY=0", b"READY=11", b"XREADY=1", b"STATUS=READY=1", b"\nREADY=1 ",
           b"x" * 60000, b"\0READY=1", bytes(range(256)))
    notify(file, b"WATCHDOG=1", fds=[0, 1, 2])
    reader = Reader("tf0")
    reader.bound.wait(5)
    still_waits(feed, "ready")
    equal("seen", len(reader.frames), 0)
    began = time.monotonic()
    notify(file, b"STATUS=reading\nREADY=1\nMAINPID=1")
    feed.wait_line("tf0 begins, READY=1 has come$")
    check(time.monotonic() - began < 0.5 * SLOW, "it took its time")
    feed.wait()
    frames_equal(reader.finish().frames, numbered(10))


@case("who sends READY=1 by systemd-notify is not refused, nor kept waiting", limit=60)
def _():
    file = path("ready.sock")
    feed = waiting("--ready-socket", file, "--pps", "20", count=20)
    ours, theirs = os.pipe()
    notify(file, b"READY=1")
    feed.wait_line("tf0 begins, READY=1 has come$")
    notify(file, b"STATUS=reading")
    notify(file, b"BARRIER=1", fds=[theirs])  # sd_notify_barrier(3)
    os.close(theirs)
    check(select.select([ours], [], [], 0.5 * SLOW)[0], "the descriptor is not closed")
    equal("read", os.read(ours, 1), b"")
    os.close(ours)
    feed.wait()
    equal("injected", feed["injected"], 20)


@case("descriptors sent to the socket are not kept", limit=60)
def _():
    file = path("ready.sock")
    feed = waiting("--ready-socket", file)
    for _ in range(50):
        notify(file, b"FDSTORE=1", fds=[0, 1, 2])
    still_waits(feed, "ready")
    if os.geteuid() == 0:
        held = len(os.listdir("/proc/%d/fd" % feed.process.pid))
        check(held < 30, "it holds %d descriptors" % held)
    notify(file, b"READY=1")
    feed.wait()
    equal("injected", feed["injected"], 10)


@case("another user may not say so", limit=60)
def _():
    launch = as_user(USER)
    file = path("ready.sock")
    feed = waiting("--ready-socket", file)
    os.chmod(os.path.dirname(file), 0o711)
    script = ("import socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)"
              ".sendto(b'READY=1', %r)" % file)
    done = subprocess.run([*launch, "python3", "-c", script], capture_output=True,
                          text=True, timeout=10)
    check("Permission denied" in done.stderr, done.stderr)
    still_waits(feed, "ready")
    feed.signal(signal.SIGINT)
    feed.wait()


@case("a path that is taken: refused, and a socket that is left is replaced", limit=60)
def _():
    file = path("taken.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(file)
        feed = Feed(pcap_of(numbered(1)), "--ready-socket", file).wait()
        equal("status", feed.status, 2)
        check(feed.lines("--ready-socket .*taken.sock: another"), feed.log)
    feed = waiting("--ready-socket", file)
    notify(file, b"READY=1")
    equal("status", feed.wait().status, 0)
    with open(path("file"), "w"):
        pass
    for taken in (path("file"), path("nowhere/ready.sock")):
        feed = Feed(pcap_of(numbered(1)), "--ready-socket", taken).wait()
        equal("status", feed.status, 2)
    check(os.path.exists(path("file")), "it took the file away")


@case("where the feed may, it takes its socket away", limit=60)
def _():
    folder = path("own")
    os.mkdir(folder, 0o700)
    os.chown(folder, service_uid(), -1)
    os.chmod(os.path.dirname(folder), 0o711)
    file = os.path.join(folder, "ready.sock")
    feed = waiting("--ready-socket", file)
    check(os.path.exists(file), "there is none")
    feed.signal(signal.SIGINT)
    feed.wait()
    equal("left", os.listdir(folder), [])
    Feed(["/nonexistent.pcap"], "--ready-socket", file).wait()
    equal("left after a refusal", os.listdir(folder), [])


# ---- --wait-for-file ----------------------------------------------------------

@case("--wait-for-file: that file and no other opens the gate", limit=60)
def _():
    file = path("go")
    feed = waiting("--wait-for-file", file)
    equal("lines", feed.lines("waits for"), ["tapfeed: tf0 waits for " + file])
    for other in ("g", "gone", "Go", "x" * 255):
        pathlib.Path(path(other)).touch()
    os.mkdir(path("folder"))
    pathlib.Path(path("folder/go")).touch()
    reader = Reader("tf0")
    reader.bound.wait(5)
    still_waits(feed, "file")
    equal("seen", len(reader.frames), 0)
    began = time.monotonic()
    pathlib.Path(file).touch()
    feed.wait_line("tf0 begins, the file is there$")
    check(time.monotonic() - began < 0.5 * SLOW, "it took its time")
    equal("status", feed.wait().status, 0)
    frames_equal(reader.finish().frames, numbered(10))
    check(os.path.exists(file), "it took the file away")


@case("one that is there counts, and one that comes by a rename", limit=60)
def _():
    file = path("there")
    pathlib.Path(file).touch()
    feed = waiting("--wait-for-file", file).wait()
    equal("injected", feed["injected"], 10)
    check(feed.lines("there, which is there$"), feed.log)
    feed = waiting("--wait-for-file", path("new"))
    os.rename(file, path("new"))
    feed.wait()
    equal("injected", feed["injected"], 10)


@case("of a directory that only the one who starts it may enter", limit=60)
def _():
    folder = path("closed")
    os.mkdir(folder, 0o700)
    feed = waiting("--wait-for-file", os.path.join(folder, "go"))
    pathlib.Path(folder, "go").touch()
    equal("status", feed.wait().status, 0)
    equal("injected", feed["injected"], 10)


@case("a directory that is not there: refused; one that goes: said", limit=60)
def _():
    feed = Feed(pcap_of(numbered(1)), "--wait-for-file", path("nowhere/go")).wait()
    equal("status", feed.status, 2)
    check(feed.lines("--wait-for-file .*nowhere/go: its directory has to be there$"), feed.log)
    os.mkdir(path("goes"))
    feed = waiting("--wait-for-file", path("goes/go"))
    os.rmdir(path("goes"))
    feed.wait_line("goes/go will not come: its directory is gone")
    still_waits(feed, "file")
    feed.signal(signal.SIGINT)
    equal("status", feed.wait().status, 0)


main()
