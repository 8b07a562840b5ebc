#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
tapfeed-privileged with a file capability, started by normal users: the policy file
decides who gets what, and every request is in the security log.
"""
import os
import re
import resource
import shutil
import socket
import subprocess
import time
from errno import EACCES, EINVAL, ENOENT, EPERM

import setcap_client
from privileged_client import (
    HOST_VISIBLE, IFF_MULTI_QUEUE, IFF_NO_PI, IFF_TAP, STEP_ATTACH, STEP_CAPABILITY, STEP_POLICY,
    STEP_REQUEST, STEP_SEVERAL, VNET, ask, case, created, equal, finish, interfaces, link, pair, receive,
    refused, request, rows, run, shielded, start, true, tun)
from setcap_client import (
    GROUP, OTHER, USER, ask_as, become, install, main, policy, start_as, status_of)

KIND_TUN = 2
SAMPLE = os.path.join(os.environ.get("TAPFEED_SRCDIR", os.getcwd()),
                      "tests/data/sample.pcap")
CAP_NET_ADMIN = 1 << 12
ALLOWED = f"create user={USER} name=tf* kind=tap,tun mtu=68-65521 mac=yes"


# ---- what the policy decides --------------------------------------------------


@case
def an_allowed_user_gets_an_interface():
    policy(ALLOWED)
    answer = ask_as()
    reply = created(answer)
    state = link("tf0")
    equal(state["ifalias"], f"tapfeed uid={USER}", "alias")
    true(shielded("tf0") and "UP" in state["flags"], "not up and shielded")
    equal(state["linkinfo"]["info_data"]["user"] in ("root", 0), True, "owner")
    reply.close()
    # Whoever made the socket pair, here root: his is the request.
    equal(answer[2], f"<6>uid {USER}, pid {os.getpid()}: create \"tf0\": created tf0\n",
          "line")


@rows([
    ("by number", f"create user={USER} name=tf*", {}),
    ("by primary group", f"create group={GROUP} name=tf*", {"gid": GROUP}),
    ("by a supplementary group", f"create group={GROUP} name=tf*",
     {"groups": [7, GROUP]}),
    ("by the last of many groups", f"create group={GROUP} name=tf*",
     {"groups": [*range(5000, 5900), GROUP]}),
    ("as anybody", "create any=yes name=tf*", {}),
])
def allows(line, who):
    policy("create user=4009 name=*", line)
    created(ask_as(**who)).close()


LIMITED = f"create user={USER} name=tf*,lab0 kind=tap mtu=1000-2000"


@rows([
    ("another user", {"uid": OTHER}, {}),
    ("a user whose number is the group's", {"uid": GROUP, "gid": 100}, {}),
    ("another name", {}, {"name": b"eth0"}),
    ("a name that begins so", {}, {"name": b"lab00"}),
    ("a pattern beyond the name", {}, {"name": b"t%d"}),
    ("a pattern of a plain name", {}, {"name": b"lab%d"}),
    ("another kind", {}, {"kind": KIND_TUN}),
    ("a smaller MTU", {}, {"mtu": 999}),
    ("a larger MTU", {}, {"mtu": 2001}),
    ("an address of his own", {}, {"mac": b"\2\0\0\0\0\1"}),
    ("several queues", {}, {"queues": 2}),
    ("no shield", {}, {"flags": HOST_VISIBLE}),
    ("headers for the kernel", {}, {"flags": VNET}),
])
def refuses(who, what):
    policy(LIMITED, f"create group={GROUP} name=eth0", "capture any=yes interface=*")
    answer = ask_as(request(**what), **who)
    err = refused(answer, EPERM, STEP_POLICY)
    equal(answer[3], ["lo"], "interfaces")
    true("refused: not allowed by the policy file" in err, "line: " + err)


@case
def leaves_the_shield_off_by_a_line_that_says_so_alone():
    visible = request(flags=HOST_VISIBLE)
    policy(f"create user={USER} name=tf* host-visible=yes")
    reply = created(ask_as(visible))
    true(not shielded("tf0") and "NOARP" not in link("tf0")["flags"], "it is quiet")
    reply.close()
    reply = created(ask_as())
    true(shielded("tf0"), "not asked for, and no shield")
    reply.close()
    policy(f"create user={USER} name=tf* mac=yes",
           f"create user={OTHER} name=* host-visible=yes")
    refused(ask_as(visible), EPERM, STEP_POLICY)


@case
def takes_headers_for_the_kernel_by_a_line_that_says_so_alone():
    policy(f"create user={USER} name=tf* trust=yes")
    created(ask_as(request(flags=VNET))).close()
    policy(f"create user={USER} name=tf* host-visible=yes mac=yes")
    refused(ask_as(request(flags=VNET)), EPERM, STEP_POLICY)


@rows([
    ("that all may open", 0o666, 0, 0),
    ("that his group may", 0o660, 0, GROUP),
    ("of his own", 0o600, USER, 0),
])
def several_queues_are_not_for_who_can_stop_it_with_a_node(mode, uid, gid):
    policy(f"create user={USER} name=tf* queues=4")
    os.chmod("/dev/net/tun", mode)
    os.chown("/dev/net/tun", uid, gid)
    try:
        created(ask_as(groups=[GROUP])).close()
        for queues, step in (2, STEP_SEVERAL), (4, STEP_SEVERAL), (5, STEP_POLICY):
            refused(ask_as(request(queues=queues), groups=[GROUP]), EPERM, step)
    finally:
        os.chown("/dev/net/tun", 0, 0)
        os.chmod("/dev/net/tun", 0o666)


@case
def grants_nothing_without_a_policy_file():
    policy()
    err = refused(ask_as(), ENOENT, STEP_POLICY)
    true("not allowed by the policy file" in err, "line: " + err)
    # What is no request is told first.
    refused(ask_as(request(version=9)), EINVAL, STEP_REQUEST)


@rows([
    ("a broken line", {}, (ALLOWED, "creat user=1 name=tf*"), ":2: "),
    ("a line without an end", {}, (ALLOWED, "# \x7f"), ":2: "),
    ("group-writable", {"mode": 0o664}, (ALLOWED,), ":0: "),
    ("writable by all", {"mode": 0o646}, (ALLOWED,), ":0: "),
    ("the user's own", {"uid": USER}, (ALLOWED,), ":0: "),
])
def refuses_a_policy_file(how, lines, where):
    policy(*lines, **how)
    err = refused(ask_as(), EINVAL, STEP_POLICY)
    true(err.startswith("<4>" + setcap_client.POLICY + where), "line: " + err)
    equal(err.count("\n"), 2, "lines: " + err)


@case
def refuses_what_is_no_plain_file():
    for make in (lambda: os.symlink("/etc/hostname", setcap_client.POLICY),
                 lambda: os.mkdir(setcap_client.POLICY)):
        policy()
        make()
        refused(ask_as(), EINVAL, STEP_POLICY)
    policy(ALLOWED, mode=0o600)
    refused(ask_as(), EACCES, STEP_POLICY)


# ---- who is asked ---------------------------------------------------------------


@case
def does_not_ask_who_holds_the_capability():
    policy()
    created(ask(command=(setcap_client.COPY,))).close()
    holder = ("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups",
              "--inh-caps=+net_admin", "--ambient-caps=+net_admin")
    created(ask(command=(*holder, setcap_client.COPY))).close()
    for command in ((), holder):
        created(ask(request(queues=4), command=(*command, setcap_client.COPY)), 4).close()
    equal(interfaces(), ["lo"], "interfaces")
    # The same without the two: asked.
    refused(ask(command=(*holder[:4], setcap_client.COPY)), ENOENT, STEP_POLICY)
    # Nor is it the caller's own where the file puts it into effect.
    copy = shutil.copy(setcap_client.COPY, setcap_client.tree + "/effective")
    run("setcap", "cap_net_admin=ep", copy)
    refused(ask_as(command=(copy,)), ENOENT, STEP_POLICY)


def connection(uid, groups=()):
    """Both ends of a connection to a named socket, whose connector is that user."""
    path = os.path.join(setcap_client.tree, "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.listen(1)
        ours = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(15)
        os.setgroups(groups)
        os.setegid(uid)
        os.seteuid(uid)
        ours.connect(path)
        os.seteuid(0)
        os.setegid(0)
        os.setgroups([])
        theirs, _ = listener.accept()
    os.unlink(path)
    return ours, theirs


def ask_over(ends, setup=None, message=None):
    ours, theirs = ends
    with ours, theirs:
        process = start(theirs.fileno(), command=(setcap_client.COPY,), setup=setup)
        theirs.close()
        ours.send(message or request())
        reply = receive(ours)
        return reply, *finish(process), None


@case
def asks_about_the_peer_of_a_named_socket():
    policy(f"create user={USER} name=tf*", f"create group={GROUP} name=tf*")
    reply = created(ask_over(connection(USER)))
    equal(link("tf0")["ifalias"], f"tapfeed uid={USER}", "alias")
    reply.close()
    created(ask_over(connection(OTHER, [9, GROUP]))).close()
    refused(ask_over(connection(OTHER, [9])), EPERM, STEP_POLICY)
    refused(ask_over(connection(0)), EPERM, STEP_POLICY)


@case
def grants_so_many_queues_to_the_peer_of_a_helper_that_root_starts():
    policy(LIMITED + " queues=4")
    for queues in (1, 2, 4):
        created(ask_over(connection(USER), message=request(queues=queues)), queues).close()
    for queues in (5, 8):
        refused(ask_over(connection(USER), message=request(queues=queues)), EPERM,
                STEP_POLICY)
    # But not over one of his own, as whom root connects: he started it.
    policy("create any=yes name=* queues=8")
    refused(ask_over(connection(0), setup=become(USER), message=request(queues=2)), EPERM,
            STEP_SEVERAL)


@case
def a_socket_of_his_own_brings_nobody_elses_rights():
    # Somebody who may, here root, has connected to a socket of one who may not.
    policy("create user=0 name=tf*")
    err = refused(ask_over(connection(0), setup=become(OTHER)), EPERM, STEP_POLICY)
    true(f"uid {OTHER}, " in err, "line: " + err)


# ---- where the capability does not come ---------------------------------------


@case
def says_why_the_file_capability_has_no_effect():
    policy(ALLOWED)
    nosuid = install(setcap_client.tree + "/nosuid", ["nosuid"])
    copy = os.path.join(nosuid, "privileged/tapfeed-privileged")
    try:
        err = refused(ask_as(command=(copy,)), EPERM, STEP_CAPABILITY)
        true(err.startswith("<4>") and "nosuid" in err, "lines: " + err)
    finally:
        run("umount", nosuid)
    err = refused(ask_as(command=("setpriv", "--no-new-privs", setcap_client.COPY)),
                  EPERM, STEP_CAPABILITY)
    true(err.startswith("<4>") and "no_new_privs" in err, "lines: " + err)
    plain = setcap_client.tree + "/plain"
    run("cp", setcap_client.COPY, plain)
    err = refused(ask_as(command=(plain,)), EPERM, STEP_CAPABILITY)
    true(err.startswith("<6>"), "lines: " + err)
    # The control, and: another name of the same file is the same file.
    other = setcap_client.tree + "/other"
    os.link(setcap_client.COPY, other)
    created(ask_as(command=(other,))).close()
    refused(ask_as(uid=OTHER, command=(other,)), EPERM, STEP_POLICY)


@case
def only_its_group_may_start_it():
    policy("create any=yes name=tf*")
    os.chown(setcap_client.COPY, 0, GROUP)
    os.chmod(setcap_client.COPY, 0o750)
    run("setcap", "cap_net_admin=p", setcap_client.COPY)
    try:
        created(ask_as(groups=[GROUP])).close()
        try:
            ask_as()
            raise AssertionError("it was started")
        except PermissionError:
            pass
    finally:
        os.chmod(setcap_client.COPY, 0o755)
        run("setcap", "cap_net_admin=p", setcap_client.COPY)


# ---- what it holds --------------------------------------------------------------


def held(uid):
    ours, process = start_as(uid)
    with ours:
        for _ in range(500):
            status = status_of(process.pid)
            if status["Seccomp"] == "2":
                break
            time.sleep(0.01)
        fds = os.listdir(f"/proc/{process.pid}/fd")
        owner = os.stat(f"/proc/{process.pid}/environ").st_uid
    finish(process)
    sets = [int(status["Cap" + name], 16) for name in ("Inh", "Prm", "Eff", "Amb")]
    equal((status["Seccomp"], status["NoNewPrivs"], owner), ("2", "1", 0),
          "filter, no_new_privs, owner of its /proc")
    equal(set(status["Uid"].split()), {str(uid)}, "Uid")
    return sets, len(fds)


@case
def holds_one_capability_while_it_waits_and_none_for_nobody():
    policy(ALLOWED)
    equal(held(USER), ([0, CAP_NET_ADMIN, CAP_NET_ADMIN, 0], 13), "sets, descriptors")
    policy()
    equal(held(USER), ([0, 0, 0, 0], 4), "sets and descriptors of who gets nothing")


@case
def nobody_else_joins_the_interface():
    policy(ALLOWED)
    for queues, asked in (1, ask_as), (4, ask):
        reply = created(asked(request(queues=queues), command=(setcap_client.COPY,)),
                        queues)
        join_refused()
        reply.close()


def join_refused():
    for uid in (USER, OTHER):
        for flags in (IFF_TAP | IFF_NO_PI, IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE):
            os.seteuid(uid)
            try:
                tun(b"tf0", flags)
                joined = True
            except OSError as error:
                joined = error.errno not in (EPERM, EINVAL)
            finally:
                os.seteuid(0)
            equal(joined, False, f"uid {uid} with flags {flags:#x}")


# ---- the security log -----------------------------------------------------------


@case
def each_request_is_one_line_in_the_security_log():
    policy(ALLOWED)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind("/dev/log")
        os.chmod("/dev/log", 0o666)
        log.settimeout(5)
        try:
            who = f"uid {USER}, pid {os.getpid()}: create "
            created(ask_as()).close()
            check_line(log, 86, who + '"tf0": created tf0')
            refused(ask_as(request(b"eth0")), EPERM, STEP_POLICY)
            check_line(log, 84, who + '"eth0": refused: not allowed by the policy '
                                      'file')
            refused(ask_as(request(b"a\n<1>b")), EINVAL, STEP_REQUEST)
            check_line(log, 84, who + '"a\\x0a<1>b": refused: bad name')
            no_way_around(log)
            full_log(log)
        finally:
            os.unlink("/dev/log")


def check_line(log, priority, text):
    start_of_line, _, rest = log.recv(4096).decode().partition("]: ")
    true(start_of_line.startswith(f"<{priority}>tapfeed-privileged["), start_of_line)
    equal(rest, text, "line")


def no_way_around(log):
    """No limit on descriptors leaves just the line out."""
    served = 0
    for n in range(5, 19):
        reply = ask_as(then=lambda n=n: resource.setrlimit(resource.RLIMIT_NOFILE,
                                                           (n, n)))[0]
        if reply and not reply.error:
            reply.close()
            served += 1
    true(served > 0, "no limit was enough")
    log.setblocking(False)
    for _ in range(100):
        try:
            served -= log.recv(4096).endswith(b"created tf0")
        except BlockingIOError:
            break
    equal(served, 0, "interfaces that are not in the log")


def full_log(log):
    """Nobody reads it any more: that delays a reply, and no more."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler:
        filler.setblocking(False)
        try:
            while True:
                filler.sendto(b"x", "/dev/log")
        except BlockingIOError:
            pass
    began = time.monotonic()
    created(ask_as()).close()
    true(0.5 < time.monotonic() - began < 4, "time")


# ---- all of it --------------------------------------------------------------------


@case
def a_normal_user_replays_without_sudo():
    policy(f"create group={GROUP} name=tf*")
    source = os.path.join(setcap_client.tree, "sample.pcap")
    shutil.copy(SAMPLE, source)
    os.makedirs(setcap_client.tree + "/run", exist_ok=True)
    os.chown(setcap_client.tree + "/run", USER, USER)

    def replay(groups):
        return subprocess.run(
            [setcap_client.tree + "/launcher/tapfeed", "replay", source, "--name", "tf0",
             "--linger", "100ms"], capture_output=True, text=True, timeout=30,
            preexec_fn=become(groups=groups),
            env={**os.environ, "XDG_RUNTIME_DIR": setcap_client.tree + "/run"})

    done = replay([GROUP])
    equal(done.returncode, 0, "exit status; " + done.stderr)
    true(re.search(r"received=([1-9]\d*) injected=\1 ", done.stdout), done.stdout)
    true("tf0 is up" in done.stderr, done.stderr)
    done = replay([])
    equal(done.returncode, 3, "exit status; " + done.stderr)
    true("tapfeed-policy.conf(5)" in done.stderr and f"uid {USER}" in done.stderr,
         done.stderr)


if __name__ == "__main__":
    main()
