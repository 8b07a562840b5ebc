# SPDX-License-Identifier: Apache-2.0
"""How every process of a feed is confined while packets flow, read out of /proc and
held against the tables of README.md, one for each way to run tapfeed."""
import collections
import os
import re
import shutil
import signal
import stat
import subprocess

import harness
from harness import (BUILDDIR, NOBODY, SAMPLE, SLOW, SRCDIR, TAPFEED, Feed, Skip, case, check,
                     descendants, equal, main, path, run, service_uid, until, veth)

if harness.TRACED:
    harness.skip_all("a build that traces confines nothing")

ROOT, SETCAP, NAMESPACE = "By root", "By a setcap install", "In a user namespace"
BINDIR = os.environ.get("TAPFEED_BINDIR", "/usr/local/bin")
LIBEXECDIR = os.environ.get("TAPFEED_LIBEXECDIR", "/usr/local/libexec/tapfeed")
SERVICE, CAPTURE, CALLER = 4101, 4102, 4001
CALLER_GROUPS = [4001, 4242]
EMPTY = "empty"

# Names of processes by what the kernel shows of them.
NAMES = {"tapfeed": "tapfeed", "tapfeed-spawner": "spawner",
         "tapfeed-injecto": "tapfeed-injector", "tapfeed-capture": "tapfeed-capture",
         "tapfeed-privile": "tapfeed-privileged"}
KINDS = ["null", "pipe", "unix", "netlink", "packet", "tun (write only)", "tun", "ring",
         "eventfd", "memfd",
         "directory", "program", "file"]


# ---- what the README says ----------------------------------------------------

def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def table(mode, command):
    """process -> {column: cell}, of the processes that such a feed has."""
    with open(os.path.join(SRCDIR, "README.md")) as file:
        text = file.read()
    security = re.search(r"^## Security\n(.*?)(?=^## |\Z)", text, re.M | re.S).group(1)
    lines = security.split("**%s**\n\n" % mode)[1].split("\n\n")[0].splitlines()
    columns, rows = cells(lines[0]), {}
    for line in lines[2:]:
        row = dict(zip(columns, cells(line), strict=True))
        name, _, only = row.pop("process").strip("`").partition("` (")
        if only in ("", command + ")"):
            check(name not in rows, "twice: " + line)
            if len(os.sched_getaffinity(0)) == 1:  # no writer thread, as is said below
                row["open descriptors"] = row["open descriptors"].replace(", 2 eventfd", "")
            rows[name] = row
    return rows


# ---- what /proc says ---------------------------------------------------------

def fields(pid, thread=None):
    with open("/proc/%d/task/%s/status" % (pid, thread or pid)) as file:
        return {key: value.strip() for key, value in
                (line.split(":", 1) for line in file)}


def sockets():
    """inode -> family, of this network namespace."""
    found = {}
    for family, column in ("unix", 6), ("netlink", 9), ("packet", 8):
        with open("/proc/net/" + family) as file:
            for line in list(file)[1:]:
                found[line.split()[column]] = family
    return found


def kind_of(pid, fd, families):
    place = "/proc/%d/fd/%s" % (pid, fd)
    target = os.readlink(place)
    with open("/proc/%d/fdinfo/%s" % (pid, fd)) as file:
        flags = int(re.search(r"^flags:\s*(\d+)", file.read(), re.M).group(1), 8)
    inode = re.fullmatch(r"socket:\[(\d+)\]", target)
    if inode:
        return families.get(inode.group(1), "another socket")
    if target.startswith("pipe:"):
        return "pipe"
    if target.startswith("/memfd:tapfeed-counters"):
        return "memfd"
    if target == "/dev/null":
        return "null"
    if target in ("anon_inode:[io_uring]", "anon_inode:[eventfd]"):
        return "ring" if "io_uring" in target else "eventfd"
    if target == "/dev/net/tun":
        write_only = flags & os.O_ACCMODE == os.O_WRONLY
        return "tun (write only)" if write_only else "tun"
    mode = os.stat(place).st_mode
    if stat.S_ISDIR(mode):
        return "directory"
    if stat.S_ISREG(mode) and flags & os.O_PATH:
        return "program"
    return "file" if stat.S_ISREG(mode) else target


def descriptors(pid, name):
    families = sockets()
    counts = collections.Counter()
    for fd in os.listdir("/proc/%d/fd" % pid):
        if name not in ("tapfeed", "spawner") or int(fd) > 2:
            counts[kind_of(pid, fd, families)] += 1
    shown = ["%d %s" % (counts.pop(kind), kind) for kind in KINDS if kind in counts]
    shown += sorted(counts)
    return ", ".join(["caller's 0-2"] * (name in ("tapfeed", "spawner")) + shown)


def is_dumpable(pid):
    """A file in /proc/PID is root's where it is not; root's own is tried without
    capabilities."""
    if int(fields(pid)["Uid"].split()[1]) != 0:
        return os.stat("/proc/%d/status" % pid).st_uid != 0
    done = subprocess.run(["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "cat",
                           "/proc/%d/environ" % pid], capture_output=True)
    return done.returncode == 0


def user_of(status, names):
    """"tapfeed", or "tapfeed, really tapfeed-capture"; of the groups the same."""
    uids, gids = ([int(number) for number in status[key].split()]
                  for key in ("Uid", "Gid"))
    check(len(set(uids[1:])) == 1 and len(set(gids[1:])) == 1, (uids, gids))
    names = {**names, **{gid: names[uid] for uid, gid in zip(uids, gids)
                         if uid in names}}
    real, effective = ((names.get(uid, uid), names.get(gid, gid))
                       for uid, gid in zip(uids[:2], gids[:2]))
    check(real[0] == real[1] and effective[0] == effective[1], (uids, gids, names))
    if real == effective:
        return effective[0]
    return "%s, really %s" % (effective[0], real[0])


def rights(status, names, groups, bounding):
    held = [int(status[key], 16) for key in ("CapPrm", "CapEff", "CapInh", "CapAmb")]
    own = sorted(int(group) for group in status["Groups"].split())
    bound = int(status["CapBnd"], 16)
    return {
        "user": user_of(status, names),
        "groups": "caller's" if own == groups else own or "none",
        "P, E, I, A": EMPTY if not any(held) else ["%x" % sets for sets in held],
        "bounding": EMPTY if bound == 0 else "caller's" if bound == bounding
        else "%x" % bound,
        "no_new_privs": {"0": "no", "1": "yes"}[status["NoNewPrivs"]],
        "seccomp": {"0": "none", "2": "filter"}.get(status["Seccomp"], "strict"),
    }


def measure(pid, name, **how):
    own = rights(fields(pid), **how)
    for thread in os.listdir("/proc/%d/task" % pid):
        its = rights(fields(pid, thread), **how)
        own = {column: cell if its[column] == cell
               else "%s, of a thread %s" % (cell, its[column]) for column, cell in own.items()}
    return {
        **own,
        "dumpable": "yes" if is_dumpable(pid) else "no",
        "open descriptors": descriptors(pid, name),
    }


def look(feed, **how):
    """process -> what is measured, of all that belong to the feed."""
    found = {feed.process.pid: "tapfeed", **descendants(feed.process.pid)}
    return {NAMES.get(name, name): measure(pid, NAMES.get(name, name), **how)
            for pid, name in found.items()}


def holds(feed, expected, **how):
    """Waits for the truth to be what the README says, or shows where it is not."""
    def agrees():
        nonlocal found
        try:
            found = look(feed, **how)
        except OSError:  # a process ended meanwhile
            return False
        return found == expected
    found = None
    try:
        until("it", agrees, 5)
    except AssertionError:
        equal("processes", sorted(found), sorted(expected))
        for name, row in expected.items():
            for column, cell in row.items():
                equal("%s of %s" % (column, name), found[name][column], cell)
        raise


# ---- feeds -------------------------------------------------------------------

def feeds(mode, *, rename=None, program=TAPFEED, launch=(), names, groups=None,
          uid=0, gid=0):
    """Both commands, with packets on their way and after the death of the injector."""
    how = {"names": names, "groups": groups,
           "bounding": int(fields(os.getpid())["CapBnd"], 16)}
    veth("v0")
    shutil.copy(SAMPLE, path("sample.pcap"))
    os.chmod(path("sample.pcap"), 0o644)
    os.chmod(harness.tmp, 0o755)
    os.environ["XDG_RUNTIME_DIR"] = path(mode)
    os.makedirs(path(mode), exist_ok=True)
    os.chown(path(mode), uid, gid)
    for command, source in ("replay", path("sample.pcap")), ("live", "v0"):
        expected = table(mode, command)
        for row in expected.values():
            row["user"] = (rename or str)(row["user"])
        pace = ["--loop", "0", "--pps", "1000"] * (command == "replay")
        feed = Feed(source, *pace, command=command, program=program, launch=launch)
        feed.wait_up()
        ping = subprocess.Popen(["ping", "-q", "-i", "0.01", "-I", "v0-peer", "10.9.9.9"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) \
            if shutil.which("ping") else None
        holds(feed, expected, **how)
        os.kill(feed.worker("injector"), signal.SIGKILL)
        feed.wait_line("tapfeed-injector was killed .* started again")
        holds(feed, expected, **how)
        if ping:
            ping.kill()
            ping.wait()
        feed.signal(signal.SIGINT)
        feed.wait()
        check(not feed.lines("SIGSYS|security:"), feed.log)


def is_machine_root():
    return os.geteuid() == 0 and service_uid() == NOBODY


@case("the test itself: what is dumpable is seen to be")
def _():
    launch = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"]
    if is_machine_root():
        launch += ["--reuid", str(CALLER), "--clear-groups"]
    sleeper = subprocess.Popen([*launch, "sleep", "60"])
    until("sleep", lambda: open("/proc/%d/comm" % sleeper.pid).read() == "sleep\n")
    check(is_dumpable(sleeper.pid), "dumpable, and not seen")
    sleeper.kill()
    sleeper.wait()


@case("run by root from a build tree: as nobody, else as the README says", limit=60)
def _():
    if not is_machine_root():
        raise Skip("needs root of the whole machine")
    feeds(ROOT, names={NOBODY: "nobody"},
          rename=lambda user: re.sub("tapfeed(-capture)?", "nobody", user.split(",")[0]))


def refuses_without_users(program):
    """Installed, it does without nobody: the users have to be made."""
    with open("/etc/passwd") as passwd:
        if re.search("^tapfeed", passwd.read(), re.M):
            return
    feed = Feed(SAMPLE, program=program)
    feed.wait(10)
    equal("status", feed.status, 3)
    check(feed.lines("user tapfeed, .* is missing: useradd --system "), feed.log)


@case("run by root, installed: as the README says", limit=60)
def _():
    if not is_machine_root():
        raise Skip("needs root of the whole machine")
    import setcap_client
    for name, folder, programs in (
            ("bin", BINDIR, ["launcher/tapfeed"]),
            ("libexec", LIBEXECDIR, ["privileged/tapfeed-privileged",
                                     "injector/tapfeed-injector",
                                     "capture/tapfeed-capture"])):
        setcap_client.private_directory(folder)
        for program in programs:
            shutil.copy(os.path.join(BUILDDIR, program), folder)
    program = os.path.join(BINDIR, "tapfeed")
    refuses_without_users(program)
    for name, form in ("passwd", "%s:x:%d:%d::/:/bin/false\n"), ("group", "%s:x:%d:\n"):
        shutil.copy("/etc/" + name, path(name))
        with open(path(name), "a") as file:
            for user, uid in ("tapfeed", SERVICE), ("tapfeed-capture", CAPTURE):
                file.write(form % ((user, uid, uid)[:form.count("%")]))
        run("mount", "--bind", path(name), "/etc/" + name)
    feeds(ROOT, names={SERVICE: "tapfeed", CAPTURE: "tapfeed-capture"}, program=program)


@case("run by a normal user, with file capabilities: as the README says", limit=60)
def _():
    if not is_machine_root():
        raise Skip("needs root of the whole machine, to set the capabilities")
    import setcap_client
    setcap_client.prepare()
    setcap_client.policy("create user=%d name=tf*" % CALLER,
                         "capture user=%d interface=v0 promiscuous=yes" % CALLER)
    feeds(SETCAP, names={CALLER: "caller"}, groups=CALLER_GROUPS, uid=CALLER, gid=CALLER,
          program=os.path.join(setcap_client.tree, "launcher", "tapfeed"),
          launch=["setpriv", "--reuid", str(CALLER), "--regid", str(CALLER), "--groups",
                  ",".join(map(str, CALLER_GROUPS)), "--inh-caps", "-all"])


@case("run in a user namespace: as the README says", limit=100)
def _():
    if not is_machine_root():
        feeds(NAMESPACE, names={0: "caller"}, groups=sorted(os.getgroups()))
        return
    # The case before has made a device that a normal user may open.
    environment = {key: value for key, value in os.environ.items()
                   if key not in ("TAPFEED_TEST_INSIDE", "XDG_RUNTIME_DIR")}
    done = subprocess.run(["setpriv", "--reuid", str(CALLER), "--regid", str(CALLER),
                           "--clear-groups", "python3", os.path.abspath(__file__)],
                          env=environment, capture_output=True, text=True,
                          timeout=90 * SLOW)
    if "ok 5" not in done.stdout:
        raise Skip("as a normal user it does not start here: %s" % (
            done.stderr or done.stdout).strip().split("\n")[-1])
    check("\nok 5" in done.stdout and "SKIP this" not in done.stdout, done.stdout)


main()
