#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
tapfeed-privileged, started by root, where any user may open /dev/net/tun: several of
them try without a pause to get a queue of each interface of several that it makes, and
to keep it. Each one is made as asked for, and nobody else's, or nothing is left of it.
"""
import fcntl
import mmap
import os
import random
import signal
import struct
import time
from errno import EBADFD, EIO, EPERM, EUSERS

from privileged_client import (
    FAULTY, IFF_MULTI_QUEUE, IFF_NO_PI, IFF_TAP, STEP_CHECK, TUNSETIFF, TUNSETOWNER, ask,
    case, created, equal, expected_calls, finish, interfaces, link, receive, refused,
    request, shielded, stopped, true)
from setcap_client import OTHER, become, main

TUNSETPERSIST, TUNSETCARRIER, TUNSETGROUP = 0x400454CB, 0x400454E2, 0x400454CE
THIEVES = 4
SECONDS = 5
WISH = struct.pack("16sH22x", b"tf0", IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE)


# ---- the thieves ------------------------------------------------------------------

class Counters:
    """Shared with them; each has its own."""
    NAMES = ("tries", "joined", "wrote", "strange")

    def __init__(self):
        self.page = mmap.mmap(-1, mmap.PAGESIZE)

    def add(self, thief, name):
        at = 8 * (thief * len(self.NAMES) + self.NAMES.index(name))
        value, = struct.unpack_from("Q", self.page, at)
        struct.pack_into("Q", self.page, at, value + 1)

    def sum(self, name):
        return sum(struct.unpack_from("Q", self.page, 8 * (
            thief * len(self.NAMES) + self.NAMES.index(name)))[0]
            for thief in range(THIEVES))


def plunder(fd):
    """All that whoever has a queue may do to keep the interface."""
    for command, value in ((TUNSETOWNER, OTHER), (TUNSETPERSIST, 1),
                           (TUNSETGROUP, OTHER), (TUNSETCARRIER, struct.pack("i", 0))):
        if random.random() < 0.5:
            fcntl.ioctl(fd, command, value)


def steal(counters, thief):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    while True:
        counters.add(thief, "tries")
        try:
            fcntl.ioctl(fd, TUNSETIFF, WISH)
        except OSError as error:
            if error.errno not in (EPERM, EBADFD):
                counters.add(thief, "strange")
            continue
        counters.add(thief, "joined")
        try:
            plunder(fd)
            if random.random() < 0.5:
                time.sleep(random.uniform(0, 0.005))
            os.write(fd, bytes(60))
            counters.add(thief, "wrote")
        except OSError as error:
            if error.errno not in (EBADFD, EIO):
                counters.add(thief, "strange")
        os.close(fd)
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)


def start_thieves(counters):
    pids = []
    for thief in range(THIEVES):
        pid = os.fork()
        if pid == 0:
            try:
                become(OTHER)()
                random.seed(thief)
                steal(counters, thief)
            finally:
                os._exit(1)
        pids.append(pid)
    return pids


# ---- what comes of it -----------------------------------------------------------

def nobody_elses(reply, queues, counters):
    """Made as asked for, and it stays so while they go on trying."""
    def told():
        state = link("tf0")
        info = state["linkinfo"]["info_data"]
        equal((info["multi_queue"], info["numqueues"], info["numdisabled"],
               info["persist"], info["user"] in ("root", 0), info.get("group")),
              (True, queues, 0, False, True, None), "what it is")
        true({"UP", "LOWER_UP", "NOARP"} <= set(state["flags"]) and shielded("tf0"),
             "flags: " + str(state["flags"]))
    told()
    tries, joined = counters.sum("tries"), counters.sum("joined")
    end = time.monotonic() + 10
    while counters.sum("tries") < tries + 100 and time.monotonic() < end:
        time.sleep(0.001)
    equal(counters.sum("joined") - joined, 0, "joined a finished one")
    told()
    reply.close()
    equal(interfaces(), ["lo"], "after the last descriptor is closed")


def one(queues, counters, make):
    """Whether it was made."""
    reply, status, err = make(request(queues=queues))
    names = interfaces()
    true(reply is not None, "no reply: " + err)
    if reply.error:
        refused((reply, status, err, names), EUSERS, STEP_CHECK)
        equal(names, ["lo"], "interfaces")
        return False
    nobody_elses(created((reply, status, err, names), queues), queues, counters)
    return True


def slow(message):
    """One that is held up between its first call and the last for a while."""
    ours, process = stopped(random.randint(*window), message=message)
    time.sleep(random.uniform(0, 0.01))
    process.send_signal(signal.SIGCONT)
    with ours:
        return receive(ours), *finish(process)


def played(make, least):
    counters = Counters()
    thieves = start_thieves(counters)
    made, left = 0, 0
    try:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            if one(random.randint(2, 8), counters, make):
                made += 1
            else:
                left += 1
    finally:
        for pid in thieves:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    print(f"# {made} made, {left} refused; thieves: " + ", ".join(
        f"{counters.sum(name)} {name}" for name in Counters.NAMES), flush=True)
    true(made + left >= 10, "too few")
    true(left >= least and counters.sum("joined") >= least, "they hardly ever got in")
    equal((counters.sum("wrote"), counters.sum("strange")), (0, 0), "wrote, strange")


@case
def nobody_gets_a_queue_of_what_is_made():
    played(lambda message: ask(message)[:3], 0)


@case
def nobody_who_has_one_half_way_keeps_it():
    random.seed(5)
    played(slow, 5)


def find_window():
    """Its calls from the first owner to the look at what was made."""
    global window
    calls = [text for text, _ in expected_calls(request(queues=2), 2)]
    window = (calls.index(f"ioctl {TUNSETOWNER:#x}") + 1,
              [text.startswith("send") for text in calls].index(True) + 1)


if __name__ == "__main__":
    true(os.path.exists(FAULTY), FAULTY)
    main(find_window)
