# SPDX-License-Identifier: Apache-2.0
"""What the tests of tapfeed-privileged alone share: its wire format, how to start it
and ask it, and a runner for cases that prints TAP. Scripts run in a
network namespace of their own.

    from privileged_client import case, main, ...
"""
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from errno import ENOBUFS

BUILD = os.environ.get("TAPFEED_BUILDDIR", os.getcwd())
HELPER = os.path.join(BUILD, "privileged/tapfeed-privileged")
FAULTY = os.path.join(BUILD, "tests/netns/privileged-fault")

# proto/privileged.h
REQUEST = "=II16sIIII6s2s80s16s32s"
REPLY = "=IiIIII16s6s18s"
(STEP_NONE, STEP_REQUEST, STEP_CAPABILITY, STEP_POLICY, STEP_SEVERAL, STEP_OPEN,
 STEP_NETLINK, STEP_ATTACH, STEP_OWNER, STEP_QUEUES, STEP_CHECK, STEP_LINK, STEP_SHIELD,
 STEP_UP) = range(14)
QUEUES_MAX = 8
HOST_VISIBLE, VNET = 1, 0x10

# linux/if_tun.h
TUNSETIFF, TUNGETIFF = 0x400454CA, 0x800454D2
TUNSETOWNER, TUNSETQUEUE = 0x400454CC, 0x400454D9
IFF_TUN, IFF_TAP, IFF_NO_PI, IFF_MULTI_QUEUE = 1, 2, 0x1000, 0x0100
IFF_VNET_HDR, IFF_PERSIST = 0x4000, 0x0800

SILENCE_S = 10
cases = []


class Skip(Exception):
    pass


def case(function):
    cases.append((function.__name__.replace("_", " "), function))
    return function


def rows(table):
    """One case a row; the row's first element names it."""
    def decorate(function):
        for row in table:
            name = function.__name__.replace("_", " ") + ": " + row[0]
            cases.append((name, lambda row=row: function(*row[1:])))
        return function
    return decorate


def equal(got, wanted, what="value"):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


def true(value, what):
    if not value:
        raise AssertionError(what)


def request(name=b"tf0", version=1, op=1, kind=1, mtu=1500, queues=1, flags=0,
            mac=bytes(6), mac_reserved=b"", addresses=b"", bridge=b"", reserved=b""):
    return struct.pack(REQUEST, version, op, name, kind, mtu, queues, flags, mac,
                       mac_reserved, addresses, bridge, reserved)


class Reply:
    def __init__(self, raw, fds):
        (self.version, self.error, self.step, self.ifindex, self.mtu, self.queues,
         name, self.mac, self.reserved) = struct.unpack(REPLY, raw)
        equal(self.version, 1, "version")
        equal(self.reserved, bytes(18), "reserved")
        self.name = name.rstrip(b"\0").decode()
        equal(name, self.name.encode().ljust(16, b"\0"), "padding")
        self.fds = fds

    def close(self):
        for fd in self.fds:
            os.close(fd)
        self.fds = []


def pair():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(SILENCE_S + 5)
    return ours, theirs


def start(fd3, command=(HELPER,), env=None, setup=None, stderr=None):
    """Starts the helper with fd3 (None: closed) as its descriptor 3."""
    def in_child():
        if fd3 is None:
            os.close(3)
        else:
            os.dup2(fd3, 3)
        if setup:
            setup()
    return subprocess.Popen(list(command), preexec_fn=in_child, close_fds=False,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=stderr or subprocess.PIPE,
                            env={**os.environ, **(env or {})})


def finish(process):
    out, err = process.communicate(timeout=SILENCE_S + 10)
    return process.returncode, err.decode() if err else ""


def receive(ours):
    """The reply, or None where there is none."""
    for _ in range(2):
        try:
            raw, fds, flags, _ = socket.recv_fds(ours, 4096, 16)
        except ConnectionResetError:  # it left something unread: once, then the data
            continue
        equal(flags & socket.MSG_CTRUNC, 0, "MSG_CTRUNC")
        return Reply(raw, list(fds)) if raw else None
    return None


def ask(message=None, passed=(), **options):
    """Sends one request; the reply (or None), exit status and standard error."""
    ours, theirs = pair()
    with ours, theirs:
        process = start(theirs.fileno(), **options)
        theirs.close()
        try:
            socket.send_fds(ours, [request() if message is None else message], passed)
        except BrokenPipeError:
            pass  # it has ended already, and left no reply
        reply = receive(ours)
        # What is there the moment the reply is: later is no excuse.
        names = interfaces()
        status, err = finish(process)
    return reply, status, err, names


def refused(answer, error, step):
    reply, status, err, names = answer
    true(reply is not None, f"no reply, status {status}; " + err)
    equal((reply.error, reply.step), (error, step), "error and step")
    equal((reply.ifindex, reply.mtu, reply.queues, reply.name, reply.fds),
          (0, 0, 0, "", []), "the rest of a refusal")
    equal(status, 0, "exit status")
    return err


def created(answer, queues=1):
    reply, status, err, _ = answer
    true(reply is not None, f"no reply, status {status}; " + err)
    equal((reply.error, reply.step), (0, STEP_NONE), "error and step; " + err)
    equal((reply.queues, len(reply.fds)), 2 * (queues,), "queues and descriptors")
    equal(status, 0, "exit status")
    return reply


def interfaces():
    return sorted(name for _, name in socket.if_nameindex())


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True,
                          timeout=20).stdout


def clean_up():
    """After a failure: what it left must not fail the others."""
    for name in interfaces():
        if name != "lo":
            subprocess.run(["ip", "link", "del", name], timeout=20)


# ---- what the system says of an interface ---------------------------------------


def link(name):
    return json.loads(run("ip", "-d", "-j", "link", "show", "dev", name))[0]


def filters(name, side):
    return run("tc", "filter", "show", "dev", name, side)


def shielded(name):
    return all("direct-action" in filters(name, side) and
               "bytecode '1,6 0 0 2'" in filters(name, side) and
               "protocol all" in filters(name, side)
               for side in ("ingress", "egress"))


def tun(name, flags):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name, flags))
    return fd


# ---- failure at each step -----------------------------------------------------------

CALLS = {("netlink", 0): STEP_NETLINK,
         ("netlink", 1): STEP_NETLINK, ("ioctl", TUNGETIFF): STEP_CHECK,
         ("ioctl", TUNSETOWNER): STEP_OWNER, ("getrandom", 0): STEP_LINK}
SPARE = "one for a queue that is not asked for"
# what was made, address and MTU, IPv6, clsact, two filters, alias and up
MESSAGES = [STEP_CHECK, STEP_LINK, STEP_LINK, STEP_SHIELD, STEP_SHIELD, STEP_SHIELD, STEP_UP]


def expected_calls(message=None, queues=1):
    """Each call of a create in order, as (text, step where it fails or None)."""
    reply, _, err, _ = ask(message, command=(FAULTY,))
    created((reply, 0, err, None), queues).close()
    found = []
    messages = {"send": 0, "receive": 0, "acknowledge": 0}
    opened = attached = 0
    for line in err.splitlines():
        if not line.startswith("call "):
            continue
        _, number, call, detail = line.split()
        equal(int(number), len(found) + 1, "numbering")
        if call in messages:
            step = MESSAGES[messages[call]]
            messages[call] += 1
        elif call == "open":
            step = STEP_OPEN if opened < queues else SPARE
            opened += 1
        elif (call, int(detail, 16)) == ("ioctl", TUNSETIFF):
            step = STEP_QUEUES if attached else STEP_ATTACH
            attached += 1
        else:
            step = CALLS.get((call, int(detail, 16)))
            true(step is not None or call == "reply", "unknown call: " + line)
        found.append((f"{call} {detail}", step))
    equal(set(messages.values()), {len(MESSAGES)}, "messages of each kind")
    equal((opened, attached), (QUEUES_MAX, queues), "opened, attached")
    return found


def fails_at(number, step, error, message=None, queues=1):
    answer = ask(message, command=(FAULTY,), env={"TAPFEED_FAULT_AT": str(number),
                                         "TAPFEED_FAULT_ERRNO": str(error)})
    true(" hit" in answer[2], "the call was not made")
    if step is SPARE:
        created(answer, queues).close()
    elif step is None:  # the reply itself
        equal(answer[:2], (None, 1), "reply and exit status")
    else:
        refused(answer, error, step)
        equal(answer[3], ["lo"], "interfaces when the reply is there")
    equal(interfaces(), ["lo"], "interfaces afterwards")


def stopped(number, setup=None, message=None, then=(), **environment):
    """The helper, stopped before call number, and the socket to it; it stops again
    before those of then."""
    ours, theirs = pair()
    process = start(theirs.fileno(), command=(FAULTY,),
                    env={"TAPFEED_FAULT_STOP": ",".join(map(str, (number, *then))),
                         **environment}, setup=setup)
    theirs.close()
    ours.send(message or request())
    wait_stopped(process)
    return ours, process


def wait_stopped(process):
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    true(os.WIFSTOPPED(status), "not stopped")


def go_on(process):
    """Lets it go on to where it stops again."""
    process.send_signal(signal.SIGCONT)
    wait_stopped(process)


def killed_at(number, message=None):
    ours, process = stopped(number, message=message)
    with ours:
        if "tf0" in interfaces() and "UP" in link("tf0")["flags"]:
            true(shielded("tf0"), "up without its shield")
            true({"NOARP"} <= set(link("tf0")["flags"]), "up with ARP")
            true("ifalias" in link("tf0"), "up without its alias")
        process.kill()
        finish(process)
        equal(receive(ours), None, "reply")
    equal(interfaces(), ["lo"], "interfaces")


def add_calls(message=None, queues=1):
    """Cases for each call of a create: it fails there, it is killed before it."""
    for number, (call, step) in enumerate(expected_calls(message, queues), 1):
        cases.append((f"fails at call {number}, {call}",
                      lambda n=number, s=step: fails_at(n, s, ENOBUFS, message,
                                                         queues)))
        cases.append((f"killed before call {number}, {call}",
                      lambda n=number: killed_at(n, message)))


# ---- cases ---------------------------------------------------------------------------


def run_cases():
    # A shell ignores these in what it starts in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    print(f"1..{len(cases)}", flush=True)
    failures = 0
    for number, (name, function) in enumerate(cases, 1):
        try:
            function()
            equal(interfaces(), ["lo"], "left behind")
            print(f"ok {number} - {name}", flush=True)
        except Skip as reason:
            print(f"ok {number} - {name} # SKIP {reason}", flush=True)
        except Exception as error:  # a broken case must not hide the others
            failures += 1
            text = f"{type(error).__name__}: {error}".replace("\n", "\n# ")
            print(f"not ok {number} - {name}\n# {text}", flush=True)
            clean_up()
    return 1 if failures else 0


def enter_namespace():
    flags = "-n" if os.geteuid() == 0 else "-Urn"
    if subprocess.run(["unshare", flags, "true"], stderr=subprocess.DEVNULL).returncode:
        print(f"1..0 # SKIP unshare {flags} is not permitted")
        sys.exit(0)
    os.execvp("unshare", ["unshare", flags, sys.executable,
                          os.path.abspath(sys.argv[0]), "--inside"])


def main(prepare):
    """Runs prepare, which may add cases, and all cases, inside a namespace."""
    if sys.argv[1:] != ["--inside"]:
        enter_namespace()
    try:
        os.close(os.open("/dev/net/tun", os.O_WRONLY))
    except OSError as error:
        print(f"1..0 # SKIP cannot open /dev/net/tun: {error.strerror}")
        sys.exit(0)
    # Descriptor 3 is the children's: nothing of ours may lie there.
    while os.open("/dev/null", os.O_RDONLY) < 3:
        pass
    signal.alarm(150)
    try:
        prepare()
    except Exception as error:
        print("Bail out! " + str(error).replace("\n", "; "))
        sys.exit(1)
    sys.exit(run_cases())
