# SPDX-License-Identifier: Apache-2.0
"""tapfeed --self-test drives each program's paths under its filter; where a row is
taken out of a table (tests/selftest), it names the call that is missing.
"""
import os
import re
import shutil
import subprocess

import harness
from harness import (BUILDDIR, Feed, SAMPLE, SLOW, TAPFEED, TRACED, case, check,
                     equal, main, path)

WITHOUT = os.path.join(BUILDDIR, "tests", "selftest")
PROGRAMS = ("tapfeed-capture", "tapfeed-injector", "tapfeed", "tapfeed status")

# What each program is known to need, beside what every one does.
COMMON = "read write ppoll close exit_group rt_sigtimedwait"
NEEDS = {
    "capture/tapfeed-capture": "sendto recvmsg getsockopt fcntl lseek rt_sigreturn",
    "injector/tapfeed-injector": "sendto recvmsg accept4 getsockopt getpeername fcntl "
                                 "munmap rt_sigreturn",
    "launcher/tapfeed": "recvfrom sendmsg renameat2 flock wait4",
}

def self_test(program, without=None):
    """Its lines and status."""
    env = dict(os.environ, LC_ALL="C")
    if without:
        env["TAPFEED_WITHOUT"] = without
    done = subprocess.run([program, "--self-test"], env=env, capture_output=True,
                          text=True, timeout=170)
    return done.stdout.splitlines(), done.returncode


@case("every program's paths stay within its table", 60)
def _():
    lines, status = self_test(TAPFEED)
    check(status == 0, "status %d:\n%s" % (status, "\n".join(lines)))
    for name in PROGRAMS:
        found = [line for line in lines if
                 re.fullmatch(r"%s: \d+ paths under its filter: ok" % name, line)]
        equal("lines of " + name, len(found), 1)
    skipped = [line for line in lines if ": skipped: " in line]
    equal("skipped", skipped, [])


def lacks(program, calls):
    unnamed = []
    for call in calls.split():
        lines, status = self_test(os.path.join(WITHOUT, program), call)
        named = [line for line in lines if ": system call %s (" % call in line]
        if status == 0 or not named or "policy.c" not in named[0]:
            unnamed.append(call)
    equal("missing and not named", unnamed, [])


for program, calls in NEEDS.items():
    @case("%s names each call that its table lacks" % os.path.basename(program), 160)
    def _(program=program, calls=calls):
        if program == "launcher/tapfeed":
            lacks(program, calls)
        else:
            lacks(program, COMMON + " " + calls)


@case("a table that lacks nothing has no such line: the test builds differ in that alone",
      60)
def _():
    lines, status = self_test(os.path.join(WITHOUT, "launcher/tapfeed"))
    check(status == 0, "status %d:\n%s" % (status, "\n".join(lines)))


def tree():
    """A build tree whose capture is the test build."""
    top = path("tree")
    for program in ("launcher/tapfeed", "injector/tapfeed-injector",
                    "privileged/tapfeed-privileged",
                    "tests/selftest/capture/tapfeed-capture"):
        to = os.path.join(top, program.replace("tests/selftest/", ""))
        os.makedirs(os.path.dirname(to))
        shutil.copy(os.path.join(BUILDDIR, program), to)
    os.chmod(harness.tmp, 0o755)
    return os.path.join(top, "launcher", "tapfeed")


@case("a call outside the table kills; in a build that traces it is made, and logged")
def _():
    env = dict(os.environ, TAPFEED_WITHOUT="rt_sigtimedwait")
    feed = subprocess.Popen([tree(), "replay", "--linger", "2s", "--json", SAMPLE], env=env,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)
    _, said = feed.communicate(timeout=30 * SLOW)
    killed = "security: tapfeed-capture was killed by signal 31 (SIGSYS)" in said
    equal("killed", killed, not TRACED)
    equal("status", feed.returncode, 0 if TRACED else 1)


def has_filters():
    feed = Feed(SAMPLE, "--linger", "3s")
    feed.wait_up()
    modes = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/status" % pid) as file:
                fields = dict(line.split(":", 1) for line in file)
        except OSError:
            continue
        if fields["Name"].strip() in ("tapfeed-injector"[:15], "tapfeed"):
            modes.setdefault(fields["Name"].strip(), set()).add(fields["Seccomp"].strip())
    feed.wait()
    for name, found in modes.items():
        equal("Seccomp of " + name, found, {"2"})
    check(len(modes) == 2, "not all were found: %s" % modes)


if TRACED:  # .ci/run builds one
    case("a build that traces has its filters all the same")(has_filters)

main()
