# SPDX-License-Identifier: Apache-2.0
"""Refusals: each says what failed, on what, why and what to do, with the promised
exit status and nothing on standard output."""
from captures import numbered, pcap
from harness import (BUILDDIR, TAPFEED, Skip, case, check, equal, exists, main, made,
                     path, run)
import os
import re
import shutil
import subprocess

USAGE, PERMISSION = 2, 3


def ten():
    return made(pcap(numbered(10)))


def refused(status, words, command, report=False, **how):
    """Runs command; every word (a regular expression) must be in its message."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=20, **how)
    what = " ".join(map(repr, command[-5:]))
    equal("status of %s: %s" % (what, done.stderr), done.returncode, status)
    check(report or not done.stdout, "standard output of %s: %s" % (what, done.stdout))
    check(1 <= done.stderr.count("\n") <= 3, "lines: %r" % done.stderr)
    for word in words:
        check(re.search(word, done.stderr, re.I | re.S),
              "no %r in the message of %s: %s" % (word, what, done.stderr))
    check(not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", done.stderr), repr(done.stderr))
    check(not exists("tf0"), "the interface is there")


def replay_refused(status, words, *args, launch=(), **how):
    refused(status, words, [*launch, TAPFEED, "replay", "--name", "tf0", *args, ten()],
            **how)


# ---- usage -------------------------------------------------------------------

WRONG = [
    ("no command", [], ["replay", "--help"]),
    ("an unknown command", ["replai", "x.pcap"], ["replai", "replay"]),
    ("an option in place of a command", ["--name", "tf0"], ["name"]),
    ("replay without a file", ["replay"], ["file"]),
    ("two files, the first one missing", ["replay", "a.pcap", "b.pcap"], ["a.pcap"]),
    ("two commands", ["replay", "replay", "a.pcap"], ["replay"]),
    ("65 files", ["replay", *["a.pcap"] * 65], ["64", "mergecap"]),
    ("standard input twice", ["replay", "-", "-"], ["standard input"]),
    ("no interface", ["live"], ["interface"]),
    ("an interface twice", ["live", "lo", "lo"], ["twice"]),
    ("--count without an interface", ["live", "--feed-path", "x", "--count", "5"],
     ["--count", "interface"]),
    ("-i of tcpdump", ["live", "-i", "lo"], ["-i", "without it"]),
    ("-i of tcpreplay", ["replay", "-i", "lo", "a"], ["-i", "--name"]),
    ("--multiplier of tcpreplay", ["replay", "--multiplier=2", "a"],
     ["--multiplier=2", "--speed"]),
    ("--mbps of tcpreplay", ["replay", "--mbps", "100", "a"], ["--mbps", "--bitrate", "100M"]),
    ("-x of tcpreplay", ["replay", "-x", "2", "a"], ["-x; here it is --speed;"]),
    ("-p of tcpreplay", ["replay", "-p5", "a"], ["-p; here it is --pps;"]),
    ("-L of tcpreplay", ["replay", "-L", "5", "a"], ["-L; here it is --count;"]),
    ("-l of tcpreplay", ["replay", "-l", "5", "a"], ["-l; here it is --loop;"]),
    ("--limit of tcpreplay", ["replay", "--limit=5", "a"], ["here it is --count;"]),
    ("--maxsleep of tcpreplay", ["replay", "--maxsleep=5", "a"], ["here it is --max-gap,"]),
    ("-t of tcpreplay", ["replay", "-t", "a"], ["-t", "without a pace"]),
    ("an option of replay", ["live", "--speed=2", "lo"],
     ["unknown option --speed=2; it is for tapfeed replay; see tapfeed live --help"]),
    ("an option of live", ["replay", "--immediate", "a"], ["--immediate; it is for tapfeed live"]),
    ("what is captured how, without a source", ["live", "--feed-path", "/x", "--oversize=keep"],
     ["--oversize says nothing without an interface"]),
    ("a word that only begins like one", ["replay", "--mbpsx", "a"],
     ["unknown option --mbpsx; see"]),
    ("--multiplier of live", ["live", "--multiplier=2", "lo"],
     ["unknown option --multiplier=2; see"]),
    ("a time behind --wait-for-reader, as a file", ["replay", "--wait-for-reader", "3s", "a"],
     ["3s cannot be opened", "--wait-for-reader=T"]),
    ("a time behind --wait-for-reader, as an interface",
     ["live", "--wait-for-reader", "500ms", "lo"], ["no such interface", "--wait-for-reader=T"]),
    ("an interface as a file", ["replay", "lo"], ["tapfeed live lo"]),
    ("a file as an interface", ["live", "/etc/passwd"], ["replay /etc/passwd"]),
    ("a MAC address for a TUN", ["replay", "--type", "tun", "--mac",
                                 "02:00:00:00:00:01", "a"], ["--mac", "tun"]),
    ("made addresses for a TUN", ["replay", "--type", "tun", "--synthetic-mac",
                                  "02:00:00:00:00:01,02:00:00:00:00:02", "a"],
     ["--synthetic-mac", "tun"]),
    ("--join with --name", ["replay", "--join", "x", "--name", "tf1", "a"], ["--name"]),
    ("--join with --feed-path", ["replay", "--join", "x", "--feed-path", "y", "a"],
     ["--join and --feed-path exclude"]),
    ("--join where nothing is", ["replay", "--join", "/nonexistent/x", "/dev/null"],
     ["no such socket"]),
    ("--feed-path in no folder", ["replay", "--feed-path", "/nonexistent/x",
                                  "/dev/null"], ["/nonexistent/x"]),
    ("--loop of live", ["live", "--loop", "2", "lo"], ["--loop"]),
    ("--replay-timing of live", ["live", "--replay-timing", "lo"], ["--replay-timing"]),
    ("two paces", ["replay", "--replay-timing", "--pps", "5", "a"],
     ["--replay-timing", "--pps", "exclude"]),
    ("two other paces", ["replay", "--bitrate", "1M", "--pps", "5", "a"],
     ["--bitrate", "--pps", "exclude"]),
    ("two paces by what implies one", ["replay", "--bitrate", "1M", "--max-gap", "5", "a"],
     ["--bitrate", "--max-gap", "exclude"]),
    ("--burst without a rate", ["replay", "--burst", "5", "--speed", "2", "a"],
     ["--burst", "--pps", "--bitrate"]),
    ("--loop-gap without --loop", ["replay", "--loop-gap", "5", "a"],
     ["--loop-gap", "--loop"]),
    ("--join with a pace", ["replay", "--join", "x", "--speed", "2", "a"],
     ["--speed", "--join"]),
    ("--join with a rate", ["live", "--join", "x", "--bitrate", "2M", "lo"],
     ["--bitrate", "--join"]),
    ("-B of replay", ["replay", "-B", "1024", "a"], ["-B"]),
    ("an empty file name", ["replay", ""], ["file"]),
    ("an unknown option", ["replay", "--nmae", "tf0", "a"], ["--nmae"]),
    ("an unknown letter", ["replay", "-x", "a"], ["-x"]),
    ("a letter that is no option", ["replay", "-\x1b", "a"], [r"-\\x1b"]),
    ("an ambiguous option", ["replay", "--lin=1", "--s=1", "a"], ["--s"]),
    ("a flag with a value", ["replay", "--json=yes", "a"], ["--json", "no value"]),
    ("an option without its value", ["replay", "a", "--name"], ["--name", "value"]),
    ("an option of a later version", ["replay", "--bridge", "b", "a"], ["--bridge"]),
]

VALUES = [
    ("--name", ["", "sixteencharacter", "a/b", "..", ".", "$(id)", "-rf", "a;reboot",
                "a b", "tf\x01", "tf\xff", "1tf", "tf%s", "%d", "a%db", "tf%d%d",
                "tf\n0"], "1 to 15"),
    ("--mtu", ["67", "65522", "0", "-1", "1500x", "", "0x5dc", "99999999999999999999",
               "1e3", " 1500"], "68 to 65521"),
    ("--mac", ["01:00:00:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00",
               "02:00:00:00:00", "02:00:00:00:00:00:00", "020000000001",
               "02-00-00-00-00-01", "02:00:00:00:00:0g", ""], "02:00:00:00:00:01"),
    ("--synthetic-mac", ["02:00:00:00:00:01", "02:00:00:00:00:01,x", "",
                         "01:00:00:00:00:01,02:00:00:00:00:02"],
     "02:00:00:00:00:01,02:00:00:00:00:02"),
    ("--queues", ["0", "9", "x", "-1", ""], "1 to 8"),
    ("--snaplen", ["0", "262145", "-1", "x"], "1 to 262144"),
    ("--queue-size", ["0", "-1", "x", "1048577"], "1 to"),
    ("--when-full", ["", "block", "WAIT"], "wait or drop"),
    ("--count", ["0", "-1", "x", "18446744073709551616"], "at least 1"),
    ("--startup-delay", ["", "-1", "1x", "1 s", ".5", "1.", "s", "inf", "nan", "11y"],
     "500ms"),
    ("--linger", ["-1s", "forever", "1e3s"], "500ms"),
    ("--pps", ["0", "-5", "1.5", "x", "1000000001"], "1 to"),
    ("--speed", ["0", "0.0001", "1000001", "1/2", "2x", "-1", "", "1.0000001"],
     "0.001 to 1000000"),
    ("--max-gap", ["0", "-1s", "", "x"], "500ms"),
    ("--bitrate", ["0", "999", "1.5", "2T", "100m", "100Mbit", "-1M", "", "1.0001k"],
     "100M"),
    ("--burst", ["0", "2G", "-1", "x", "0.5"], "1 to 1G"),
    ("--loop-gap", ["-1s", "", "x"], "500ms"),
    ("--loop", ["-1", "x", "1.5"], "for ever"),
    ("--type", ["", "TAP", "veth"], "tap or tun"),
    ("--duration", ["0", "-1s", "", "x"], "500ms"),
    ("--stats", ["0", "9ms", "x"], "at least 10ms"),
    ("--feed-path", ["", "x" * 108], "107"),
    ("--join", ["", "x" * 108], "107"),
]

for name, args, words in WRONG:
    @case("usage: " + name)
    def _(args=args, words=words):
        refused(USAGE, words, [TAPFEED, *args])

for option, values, allowed in VALUES:
    @case("usage: values of %s that are not fit" % option)
    def _(option=option, values=values, allowed=allowed):
        for value in values:
            refused(USAGE, [re.escape(option), allowed],
                    [TAPFEED, "replay", "%s=%s" % (option, value), ten()])
            refused(USAGE, [re.escape(option), allowed],
                    [TAPFEED, "replay", option, value, ten()])


@case("a pipe where a regular file is needed: refused before anybody writes to it")
def _():
    os.mkfifo(path("fifo"))
    for option in (["--loop", "2"], ["--mtu", "auto"]):
        refused(USAGE, ["fifo cannot be read twice", option[0]],
                [TAPFEED, "replay", *option, path("fifo")])


@case("an interface named lo is taken")
def _():
    refused(USAGE, ["lo", "loopback|taken|exists"],
            [TAPFEED, "replay", "--name", "lo", ten()])


@case("arguments of a megabyte, and thousands of them")
def _():
    long = "x" * 100000
    refused(USAGE, ["--name"], [TAPFEED, "replay", "--name", long, ten()])
    refused(USAGE, [""], [TAPFEED, "replay", *["-x"] * 5000])
    refused(USAGE, [""], [TAPFEED, "replay", long])


@case("no argv at all")
def _():
    code = ("import ctypes, os\n"
            "libc = ctypes.CDLL(None)\n"
            "path = os.environ['PROGRAM'].encode()\n"
            "libc.execv(path, (ctypes.c_char_p * 1)(None))\n")
    done = subprocess.run(["python3", "-c", code], env=dict(os.environ, PROGRAM=TAPFEED),
                          capture_output=True, text=True, timeout=20)
    equal("status: %s" % done.stderr, done.returncode, USAGE)


# ---- permission --------------------------------------------------------------

WITHOUT_CAPABILITY = ["setpriv", "--bounding-set", "-net_admin", "--inh-caps",
                      "-net_admin", "sh", "-c", 'exec "$@"', "sh"]


@case("without CAP_NET_ADMIN: status 3, the message names it and a way out")
def _():
    replay_refused(PERMISSION, ["CAP_NET_ADMIN", "sudo|root"],
                   launch=WITHOUT_CAPABILITY)


@case("as nobody: status 3, the message names the capability or the device")
def _():
    if os.stat(TAPFEED).st_mode & 1 == 0 or not readable_by_all(TAPFEED):
        raise Skip("the build directory is closed to others")
    launch = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
              "--bounding-set", "-all", "--inh-caps", "-all"]
    if subprocess.run([*launch, "true"], capture_output=True).returncode:
        raise Skip("no other user in this namespace")
    source = ten()
    os.chmod(os.path.dirname(source), 0o755)
    refused(PERMISSION, ["CAP_NET_ADMIN|/dev/net/tun"],
            [*launch, TAPFEED, "replay", "--name", "tf0", source])


def readable_by_all(name):
    while name != "/":
        name = os.path.dirname(name)
        if os.stat(name).st_mode & 1 == 0:
            return False
    return True


@case("a copy on a nosuid mount: the message says why file capabilities do nothing")
def _():
    mount = path("nosuid")
    os.mkdir(mount)
    run("mount", "-t", "tmpfs", "-o", "nosuid", "tmpfs", mount)
    for folder, name in (("launcher", "tapfeed"), ("injector", "tapfeed-injector"),
                         ("capture", "tapfeed-capture"),
                         ("privileged", "tapfeed-privileged")):
        os.mkdir(os.path.join(mount, folder))
        shutil.copy(os.path.join(BUILDDIR, folder, name), os.path.join(mount, folder))
    try:
        refused(PERMISSION, ["nosuid", "CAP_NET_ADMIN"],
                [*WITHOUT_CAPABILITY, os.path.join(mount, "launcher", "tapfeed"),
                 "replay", "--name", "tf0", ten()])
    finally:
        run("umount", mount)


# ---- /dev/net/tun ------------------------------------------------------------

def with_dev_net(prepare):
    """Runs tapfeed where /dev/net is a directory of its own, filled by prepare."""
    return ["unshare", "-m", "sh", "-ec",
            "mount -t tmpfs tmpfs /dev/net\n" + prepare + '\nexec "$@"', "sh"]


@case("/dev/net/tun missing")
def _():
    replay_refused(1, ["/dev/net/tun", "missing|No such file", "modprobe"],
                   launch=with_dev_net("true"))


@case("/dev/net/tun that may not be opened")
def _():
    if open("/proc/self/uid_map").read().split()[2] == "1":
        raise Skip("no device nodes in a user namespace")
    prepare = ("mknod -m 0600 /dev/net/tun c 10 200\nchown 65534 /dev/net/tun\n"
               "exec setpriv --bounding-set -dac_override,-dac_read_search \"$@\"")
    replay_refused(PERMISSION, ["/dev/net/tun", "ermission|EACCES|mode|0600"],
                   launch=with_dev_net(prepare))


@case("/dev/net/tun without a driver behind it")
def _():
    if open("/proc/self/uid_map").read().split()[2] == "1":
        raise Skip("no device nodes in a user namespace")
    replay_refused(1, ["/dev/net/tun"],
                   launch=with_dev_net("mknod -m 0666 /dev/net/tun c 10 199"))


@case("/dev/net/tun that is something else")
def _():
    replay_refused(1, ["/dev/net/tun"], launch=with_dev_net("echo > /dev/net/tun"))
    replay_refused(1, ["/dev/net/tun"], launch=with_dev_net("mkdir /dev/net/tun"))


# ---- what tapfeed needs ------------------------------------------------------

def copy_without(missing):
    target = path("copy-" + missing)
    for folder, name in (("launcher", "tapfeed"), ("injector", "tapfeed-injector"),
                         ("capture", "tapfeed-capture"),
                         ("privileged", "tapfeed-privileged")):
        os.makedirs(os.path.join(target, folder))
        if name != missing:
            shutil.copy(os.path.join(BUILDDIR, folder, name),
                        os.path.join(target, folder))
    return os.path.join(target, "launcher", "tapfeed")


@case("an executable of its own missing: the message names it")
def _():
    for name in ("tapfeed-injector", "tapfeed-capture", "tapfeed-privileged"):
        refused(1, [name], [copy_without(name), "replay", "--name", "tf0", ten()],
                report=True)


@case("a worker started by hand says that tapfeed starts it")
def _():
    for folder, name in (("injector", "tapfeed-injector"),
                         ("capture", "tapfeed-capture"),
                         ("privileged", "tapfeed-privileged")):
        done = subprocess.run([os.path.join(BUILDDIR, folder, name)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=20)
        check(done.returncode in (1, 2), "%s: status %d" % (name, done.returncode))
        check("tapfeed" in done.stderr and done.stderr.count("\n") <= 3,
              "%s: %r" % (name, done.stderr))


@case("few descriptors, no core, small files: a clean refusal or normal work")
def _():
    for limit in ("-n 4", "-n 8", "-n 16", "-f 0", "-c unlimited", "-s 256",
                  "-u 1"):
        done = subprocess.run(
            ["sh", "-c", 'ulimit %s; exec "$@"' % limit, "sh", TAPFEED, "replay",
             "--name", "tf0", "--linger", "0", ten()], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=20)
        check(done.returncode in (0, 1), "%s: status %d, %s" %
              (limit, done.returncode, done.stderr))
        check(done.returncode == 0 or done.stderr, "%s: no message" % limit)
        check(not exists("tf0"), "%s: the interface is there" % limit)


main()
