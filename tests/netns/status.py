# SPDX-License-Identifier: Apache-2.0
"""tapfeed status: what it shows of feeds that run, and what it does of those that
died, hang or may not be asked."""
import json
import os
import re
import signal
import stat
import subprocess
import time

from harness import (SAMPLE, SLOW, TAPFEED, Feed, Skip, case, check, equal, exists,
                     main, path, run, service_uid, until, veth)
import checks
import harness

USER = 12345  # nobody's


def as_user(uid):
    """The prefix of a command to run it as that user, without capabilities."""
    launch = ["setpriv", "--reuid", str(uid), "--clear-groups", "--bounding-set", "-all",
              "--inh-caps", "-all"]
    if subprocess.run([*launch, TAPFEED, "-V"], capture_output=True).returncode:
        raise Skip("no other user, or the build directory is closed to others")
    return launch

# Feeds that run on this machine are not this test's: hidden in its mount namespace.
for directory in ("/run/tapfeed", "/run/user"):
    if os.path.isdir(directory):
        run("mount", "-t", "tmpfs", "-o", "mode=0755", "none", directory)


def runtime():
    """A fresh runtime directory of this case, in the environment of all it starts."""
    parent = path("run%d" % time.monotonic_ns())
    os.mkdir(parent, 0o700)
    os.environ["XDG_RUNTIME_DIR"] = parent
    os.environ.pop("RUNTIME_DIRECTORY", None)
    return os.path.join(parent, "tapfeed")


def endless(name, *args):
    """A feed that goes on until it is stopped."""
    feed = Feed(SAMPLE, "--loop", "0", "--pps", "1000", *args, name=name)
    feed.wait_up()
    return feed


def status(*args, launch=(), seconds=10):
    return subprocess.run([*launch, TAPFEED, "status", *args], text=True,
                          capture_output=True, timeout=seconds * SLOW)


def asked(*args):
    """The feeds by name, as --json tells them."""
    done = status("--json", *args)
    equal("status: %s" % done.stderr, done.returncode, 0)
    equal("lines", done.stdout.count("\n"), 1)
    feeds = json.loads(done.stdout, object_pairs_hook=checks.unique)["feeds"]
    return {feed["name"]: feed for feed in feeds}


def stop(*feeds):
    for feed in feeds:
        feed.signal(signal.SIGINT)
    for feed in feeds:
        feed.wait()


@case("no feed: said so, status 0")
def _():
    runtime()
    done = status()
    equal("status", done.returncode, 0)
    equal("standard output", done.stdout, "")
    check("no feed runs" in done.stderr, done.stderr)
    equal("feeds", asked(), {})
    equal("of a name", status("lc0").returncode, 2)


@case("a feed: what --json tells of it and its processes")
def _():
    directory = runtime()
    feed = endless("lc0", "--startup-delay", "0", "--mtu", "1400")
    feed.worker("capture")
    until("packets", lambda: asked()["lc0"]["injected"] > 0)
    told = asked("lc0")["lc0"]
    for key, value in {"interface": "lc0", "kind": "tap", "mtu": 1400, "queues": 1,
                       "host_visible": False,
                       "writer": "ring",
                       "command": "replay", "sources": [SAMPLE], "state": "running",
                       "queue_size": 4096, "restarts": 0, "joins": None,
                       "peers": 1}.items():
        equal(key, told[key], value)
    check(told["rate"]["packets_per_second"] > 0, told["rate"])
    check(told["rate"]["bits_per_second"] > 0, told["rate"])
    check(0 <= told["uptime_seconds"] < 60 * SLOW, told["uptime_seconds"])
    check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["since"]), told["since"])
    processes = {process["name"]: process for process in told["processes"]}
    equal("processes", sorted(processes),
          ["spawner", "tapfeed", "tapfeed-capture", "tapfeed-injector"])
    equal("pid", processes["tapfeed"]["pid"], feed.process.pid)
    for kind in ("injector", "capture"):
        equal("pid of " + kind, processes["tapfeed-" + kind]["pid"], feed.worker(kind))
    for name, process in processes.items():
        told = {key: process[key] for key in ("uid", "real_uid", "capabilities",
                                              "no_new_privs", "seccomp")}
        equal(name, told, {"uid": service_uid(), "real_uid": service_uid(),
                           "capabilities": [], "no_new_privs": True,
                           "seccomp": "none" if name == "spawner" else "filter"})
        equal("capability sets of " + name, process["capability_sets"], dict.fromkeys(
            ("inheritable", "permitted", "effective", "bounding", "ambient"), []))
    mode = stat.S_IMODE(os.lstat(directory).st_mode)
    equal("mode of the directory", oct(mode), oct(0o700))
    mode = stat.S_IMODE(os.lstat(directory + "/lc0.sock").st_mode)
    equal("mode of the socket", oct(mode), oct(0o600))
    stop(feed)
    equal("left behind", os.listdir(directory), [])


@case("its state, from the start-up delay to the linger time", limit=60)
def _():
    runtime()
    feed = Feed(SAMPLE, "--startup-delay", "1s", "--linger", "2s", name="lc0")
    feed.wait_up()
    told = asked()["lc0"]
    equal("state", (told["state"], told["waits_for"]), ("waiting", ["startup_delay"]))
    until("lingering", lambda: asked()["lc0"]["state"] == "lingering")
    told = asked()["lc0"]
    equal("all", told["injected"], told["received"])
    equal("waits for", told["waits_for"], [])
    stop(feed)


@case("its counters have the report's names")
def _():
    runtime()
    feed = endless("lc0")
    told = asked()["lc0"]
    stop(feed)
    missing = set(feed.report) - set(told)
    equal("in the report only", missing, set())
    for key in ("dropped", "skipped"):
        equal("parts of " + key, sorted(told[key]), sorted(feed.report[key]))


@case("text: one block a feed, NAME takes one of two")
def _():
    runtime()
    feeds = endless("lc0"), endless("lc1", "--queue-size", "100")
    done = status()
    equal("status", done.returncode, 0)
    equal("warnings", done.stderr, "")
    blocks = done.stdout.split("\n\n")
    equal("blocks", len(blocks), 2)
    for block, name in zip(blocks, ("lc0", "lc1")):
        check(block.startswith(name + ": running, tap, mtu 1500, writer ring, replay from "), block)
        for word in ("since ", "rate ", "packets/s", "received ", "tapfeed-injector",
                     "no_new_privs", "capabilities", "filter   none\n"):
            check(word in block, "%r is not in %s" % (word, block))
    check("of 100, " in blocks[1], blocks[1])
    check(all(len(line) <= 100 for line in done.stdout.splitlines()
              if " from " not in line), done.stdout)
    one = status("lc1")
    check(one.stdout.startswith("lc1: ") and "lc0" not in one.stdout, one.stdout)
    equal("by --json", sorted(asked()), ["lc0", "lc1"])
    equal("one by --json", sorted(asked("lc1")), ["lc1"])
    none = status("lc2")
    equal("status of a name that is not there", none.returncode, 2)
    check("lc0, lc1" in none.stderr, none.stderr)
    equal("hostile name", status("\x1b[2J").returncode, 2)
    check("\x1b" not in status("\x1b[2J").stderr, "escape sequence")
    stop(*feeds)


@case("what the host takes part in is shown as such")
def _():
    runtime()
    feed = endless("lc0", "--host-visible")
    check(status().stdout.startswith("lc0: running, tap, mtu 1500, host-visible, writer "),
          status().stdout)
    equal("by --json", asked()["lc0"]["host_visible"], True)
    stop(feed)


@case("a live feed")
def _():
    runtime()
    veth("v0")
    command = [TAPFEED, "live", "--name", "lc0", "v0"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        told = until("the feed", lambda: asked().get("lc0"))
        equal("command", told["command"], "live")
        equal("sources", told["sources"], ["v0"])
    finally:
        process.send_signal(signal.SIGINT)
        equal("status", process.wait(20 * SLOW), 0)


@case("many are asked at once, not one after the other", limit=60)
def _():
    runtime()
    feeds = [Feed(SAMPLE, "--loop", "0", "--pps", "10", name="lc%d" % i)
             for i in range(8)]
    for feed in feeds:
        feed.wait_up()
    began = time.monotonic()
    told = asked()
    took = time.monotonic() - began
    equal("order", list(told), ["lc%d" % i for i in range(8)])
    check(all(one["rate"] for one in told.values()), "a rate is missing")
    # One after the other they take a second each.
    check(took < 5 * SLOW, "it took %.1f s" % took)
    stop(*feeds)


@case("--watch: block after block, rates between them, Ctrl-C ends it with 0")
def _():
    runtime()
    feed = endless("lc0")
    for args, mark in ((), "lc0: running"), (("--json",), '{"feeds":[{'):
        process = subprocess.Popen([TAPFEED, "status", "--watch", *args], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(2.6 * (1 if SLOW == 1 else 2))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
        equal("status", process.returncode, 0)
        equal("standard error", err, "")
        rounds = [line for line in out.splitlines() if line.startswith(mark)]
        check(2 <= len(rounds) <= 6, "%d rounds: %s" % (len(rounds), out))
        check("\x1b" not in out, "escape sequence where there is no terminal")
        if args:
            told = [json.loads(line)["feeds"][0] for line in out.splitlines()]
            check(all(one["rate"]["packets_per_second"] > 0 for one in told),
                  [one["rate"] for one in told])
    stop(feed)


@case("--watch on a terminal clears and redraws")
def _():
    runtime()
    feed = endless("lc0")
    master, slave = os.openpty()
    process = subprocess.Popen([TAPFEED, "status", "--watch"], stdin=slave, stdout=slave,
                               stderr=slave, env=dict(os.environ, TERM="xterm"))
    os.close(slave)
    time.sleep(1.8 * (1 if SLOW == 1 else 2))
    process.send_signal(signal.SIGINT)
    equal("status", process.wait(10), 0)
    out = os.read(master, 65536)
    os.close(master)
    check(out.count(b"\x1b[H\x1b[J" + b"lc0: ") >= 2, out)
    stop(feed)


@case("--watch: whoever reads it may leave")
def _():
    runtime()
    feed = endless("lc0")
    process = subprocess.Popen([TAPFEED, "status", "--watch"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    process.stdout.readline()
    process.stdout.close()
    process.wait(10 * SLOW)
    equal("standard error", process.stderr.read(), "")
    stop(feed)


@case("kill -9 of tapfeed leaves a stale socket, which status takes away")
def _():
    directory = runtime()
    feed, other = endless("lc0"), endless("lc1")
    feed.signal(signal.SIGKILL)
    feed.process.wait(10)
    until("lc0 to go", lambda: not exists("lc0"))
    equal("sockets", sorted(os.listdir(directory)), ["lc0.sock", "lc1.sock"])
    equal("feeds", sorted(asked()), ["lc1"])
    equal("sockets after it", os.listdir(directory), ["lc1.sock"])
    # A feed takes over what another one left.
    other.signal(signal.SIGKILL)
    other.process.wait(10)
    until("lc1 to go", lambda: not exists("lc1"))
    again = endless("lc1")
    equal("feeds after it", sorted(asked()), ["lc1"])
    equal("warnings", again.lines("warning|status will not"), [])
    stop(again)


@case("what is no socket is left alone, and the feed runs without")
def _():
    directory = runtime()
    os.mkdir(directory, 0o700)
    harness.write_file(directory + "/lc0.sock", "mine")
    harness.write_file(directory + "/notes.txt", "mine")
    os.mkdir(directory + "/d.sock")
    os.symlink("/dev/log", directory + "/l.sock")
    feed = endless("lc0")
    check(feed.lines("status will not show this feed: .*lc0.sock: .*no socket"), feed.log)
    equal("feeds", asked(), {})
    stop(feed)
    equal("status of the feed", feed.status, 0)
    equal("files", sorted(os.listdir(directory)),
          ["d.sock", "l.sock", "lc0.sock", "notes.txt"])


@case("a directory that others may write to, or cannot be made: a warning, the feed runs")
def _():
    directory = runtime()
    os.mkdir(directory)
    os.chmod(directory, 0o777)
    feed = endless("lc0")
    check(feed.lines("status will not show this feed: .*others may write"), feed.log)
    stop(feed)
    equal("status", feed.status, 0)
    equal("files", os.listdir(directory), [])
    done = status()
    check("others may write" in done.stderr, done.stderr)
    os.environ["XDG_RUNTIME_DIR"] = path("nowhere")
    feed = endless("lc0")
    check(feed.lines("status will not show this feed: .*not there"), feed.log)
    stop(feed)
    equal("status", feed.status, 0)


@case("$RUNTIME_DIRECTORY comes first, and both are looked into")
def _():
    directory = runtime()
    first = endless("lc0")
    service = path("service%d" % time.monotonic_ns())
    os.environ["RUNTIME_DIRECTORY"] = service + ":/nowhere"
    second = endless("lc1")
    equal("sockets", os.listdir(service), ["lc1.sock"])
    equal("feeds", sorted(asked()), ["lc0", "lc1"])
    os.environ["RUNTIME_DIRECTORY"] = directory
    equal("each once", sorted(asked()), ["lc0"])
    stop(first, second)


@case("a feed that hangs: named in a warning, status 1, the others are shown")
def _():
    runtime()
    feed, other = endless("lc0"), endless("lc1")
    feed.signal(signal.SIGSTOP)
    began = time.monotonic()
    done = status()
    took = time.monotonic() - began
    feed.signal(signal.SIGCONT)
    equal("status", done.returncode, 1)
    check("lc0: it does not answer" in done.stderr, done.stderr)
    check(done.stdout.startswith("lc1: "), done.stdout)
    check(1.5 < took < 4 * SLOW, "it took %.1f s" % took)
    equal("both again", sorted(asked()), ["lc0", "lc1"])
    stop(feed, other)


@case("clients that hang or talk nonsense cost the feed nothing")
def _():
    import socket
    directory = runtime()
    feed = endless("lc0")
    before = asked()["lc0"]
    held = []
    for _ in range(40):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(5)
        try:
            client.connect(directory + "/lc0.sock")
            client.sendall(b"\0\0")
        except (BlockingIOError, BrokenPipeError):  # too many at once
            client.close()
            continue
        held.append(client)
    for client in held:
        try:
            equal("reply", client.recv(100), b"")  # closed: too many, or too slow
        except ConnectionResetError:
            pass
        client.close()
    after = asked()["lc0"]
    check(after["injected"] > before["injected"] + 1000, (before, after))
    stop(feed)
    equal("status of the feed", feed.status, 0)


@case("another user may neither look nor ask: status 3")
def _():
    directory, launch = runtime(), as_user(USER)
    feed = endless("lc0")
    for folder in (harness.tmp, os.path.dirname(directory)):
        os.chmod(folder, 0o755)
    for mode in 0o700, 0o755:
        os.chmod(directory, mode)
        done = status("lc0", launch=launch)
        equal("status: %s" % done.stderr, done.returncode, 3)
        check("may not be looked into" in done.stderr, done.stderr)
        equal("standard output", done.stdout, "")
    # In a directory that he may look into.
    os.chown(directory, USER, USER)
    done = status(launch=launch)
    equal("status: %s" % done.stderr, done.returncode, 3)
    check("lc0: it may not be asked" in done.stderr, done.stderr)
    # Even where the file's mode lets him in.
    os.chmod(directory + "/lc0.sock", 0o666)
    done = status(launch=launch)
    equal("status: %s" % done.stderr, done.returncode, 1)
    equal("standard output", done.stdout, "")
    equal("root", sorted(asked()), ["lc0"])
    stop(feed)


@case("the user as whom root's feed runs may ask, and root asks those of users")
def _():
    directory, launch = runtime(), as_user(harness.NOBODY)
    for folder in (harness.tmp, os.path.dirname(directory)):
        os.chmod(folder, 0o755)
    feed = endless("lc0")
    equal("owner of the directory", os.stat(directory).st_uid, harness.NOBODY)
    equal("owner of the socket", os.lstat(directory + "/lc0.sock").st_uid, harness.NOBODY)
    done = status(launch=launch)
    equal("status: %s" % done.stderr, done.returncode, 0)
    check(done.stdout.startswith("lc0: running"), done.stdout)
    check("unknown" not in done.stdout, done.stdout)
    stop(feed)
    equal("left behind", os.listdir(directory), [])
    # A user's server in a user's directory: root believes it, a user does not.
    os.chown(directory, USER, USER)
    server = subprocess.Popen(
        [*as_user(USER), "python3", "-c", "import socket, sys, time\n"
         "s = socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\ns.listen()\n"
         "print(flush=True)\nwhile True: c, _ = s.accept(); c.recv(9); c.close()",
         directory + "/lc1.sock"], stdout=subprocess.PIPE)
    server.stdout.readline()
    os.chmod(directory, 0o755)
    done = status()
    check("lc1: it closed the connection" in done.stderr, done.stderr)
    os.chown(directory, 0, 0)
    done = status()
    equal("status: %s" % done.stderr, done.returncode, 3)
    check("lc1: it is not believed" in done.stderr, done.stderr)
    server.kill()
    server.wait()
    server.stdout.close()


def make_stale(name):
    import socket
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(name)


@case("what a feed leaves that was killed before it had a name")
def _():
    directory = runtime()
    os.mkdir(directory, 0o700)
    make_stale(directory + "/.4000000.sock")
    equal("feeds", asked(), {})
    equal("after status", os.listdir(directory), [])
    make_stale(directory + "/.4000000.sock")
    make_stale(directory + "/lc7.sock")
    feed = endless("lc0")
    equal("after a start", os.listdir(directory), ["lc0.sock"])
    stop(feed)
    equal("left behind", os.listdir(directory), [])


@case("tapfeed status is confined itself")
def _():
    runtime()
    feed = endless("lc0")
    process = subprocess.Popen([TAPFEED, "status", "--watch"], stdout=subprocess.PIPE)
    process.stdout.readline()
    with open("/proc/%d/status" % process.pid) as file:
        fields = dict(line.split(":", 1) for line in file)
    for key, value in {"CapInh": 0, "CapPrm": 1 << 1, "CapEff": 1 << 1, "CapBnd": 0,
                       "CapAmb": 0, "NoNewPrivs": 1, "Seccomp": 2}.items():
        equal(key, int(fields[key], 16), value)
    process.kill()
    process.wait()
    process.stdout.close()
    stop(feed)


@case("wrong usage")
def _():
    for args in (("a", "b"), ("--nonsense",), ("--mtu", "1"), ("--watch=1",)):
        done = status(*args)
        equal("status of %s" % (args,), done.returncode, 2)
        check("usage" in done.stderr or "--help" in done.stderr, done.stderr)


main()
