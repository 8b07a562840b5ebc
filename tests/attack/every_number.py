# SPDX-License-Identifier: Apache-2.0
"""Every number that a system call may have, tried from inside each process: those that
get through with arguments that no rule names are these, and no others."""
import os
import re
import subprocess

from attacks import REPLAY, tree
from harness import SANITIZED, SLOW, Skip, case, check, equal, main, run
from livefeed import wire

# The end itself (exit, exit_group, rt_sigreturn) is not tried; sched_getaffinity gets
# ENOSYS from the table.
COMMON = """read close poll ppoll clock_gettime gettimeofday time clock_nanosleep nanosleep
    restart_syscall rt_sigprocmask rt_sigtimedwait rt_sigpending brk munmap futex getrandom
    getpid gettid rseq sched_yield sched_getaffinity""".split()
OWN = {
    "tapfeed-capture": ["lseek"],
    "tapfeed-injector": ["write", "getpeername"],
    "tapfeed": "write recvfrom wait4 geteuid fstat lseek rt_sigaction".split(),
}
HELPER = """close getrandom getpid poll ppoll clock_nanosleep nanosleep restart_syscall
    brk munmap""".split()


def reached(attacker, command):
    environment = dict(os.environ, TAPFEED_ATTACK="every_number",
                       TAPFEED_ATTACKER=attacker)
    done = subprocess.run([tree(attacker), *command], env=environment, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, timeout=20 * SLOW)
    match = re.search(r"attack every_number:( .*|)$", done.stderr, re.M)
    check(match, done.stderr)
    return sorted(match.group(1).split())


def row(who, attacker, wanted, command=REPLAY):
    @case("%s: every number there is: %d get through" % (who, len(wanted)))
    def _():
        if SANITIZED:
            raise Skip("sanitizers need more")
        if os.uname().machine != "x86_64":
            raise Skip("the numbers of another architecture")
        if "live" in command:
            wire("eth1")
        equal("system calls", reached(attacker, command), sorted(wanted))


for attacker, own in OWN.items():
    row(attacker, attacker, COMMON + own)
row("tapfeed-capture, live", "tapfeed-capture", COMMON + OWN["tapfeed-capture"],
    ("live", "--name", "lc0", "eth1"))
row("tapfeed-privileged", "tapfeed-privileged", HELPER)

main()
