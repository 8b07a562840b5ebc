#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
make install-setcap: what it sets, and where it refuses before it has changed anything.
Needs root of the whole machine; installs into a directory of its own.
"""
import os
import shutil
import stat
import subprocess

import setcap_client
from privileged_client import case, created, equal, run, true
from setcap_client import USER, ask_as, become, main, policy

SRCDIR = os.environ.get("TAPFEED_SRCDIR", os.getcwd())
GROUP = "nogroup-tapfeed"
GID = 4243
NAMES = ("tapfeed-privileged", "tapfeed-capture")


def install_setcap(directory, group=GROUP, env=None, setup=None, path=None):
    done = subprocess.run(
        ["/bin/sh", os.path.join(SRCDIR, "privileged/install-setcap.sh"), directory, group,
         setcap_client.POLICY], capture_output=True, text=True, timeout=20,
        preexec_fn=setup, env={"PATH": path or os.environ["PATH"], **(env or {})})
    return done.returncode, done.stdout, done.stderr


def installed():
    directory = os.path.join(setcap_client.tree, "libexec")
    shutil.rmtree(directory, ignore_errors=True)
    os.mkdir(directory)
    for folder, name in zip(("privileged", "capture"), NAMES):
        path = shutil.copy(os.path.join(setcap_client.tree, folder, name), directory)
        os.chmod(path, 0o755)
    return directory


def untouched(directory):
    for name in NAMES:
        path = os.path.join(directory, name)
        status = os.stat(path)
        equal((stat.S_IMODE(status.st_mode), status.st_gid), (0o755, 0), name)
        equal(run("getcap", path), "", name)


def refuses(words, **how):
    directory = how.pop("directory", None) or installed()
    status, out, err = install_setcap(directory, **how)
    equal((status, out), (1, ""), "status and output; " + err)
    for word in words:
        true(word in err, f"no {word!r} in: {err}")
    return directory


@case
def sets_owner_mode_and_capability():
    with open("/etc/group", "a") as file:
        file.write(f"{GROUP}:x:{GID}:\n")
    directory = installed()
    status, out, err = install_setcap(directory)
    equal((status, err), (0, ""), "status and messages")
    true(f"usermod -aG {GROUP} USER" in out and setcap_client.POLICY in out, out)
    for name, capability in zip(NAMES, ("cap_net_admin=p", "cap_net_raw=p")):
        path = os.path.join(directory, name)
        status = os.stat(path)
        equal((stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid),
              (0o750, 0, GID), name)
        equal(run("getcap", path).split()[-1], capability, name)
    # A second time is as good, and a member is served.
    equal(install_setcap(directory)[0], 0, "status")
    policy(f"create group={GID} name=tf*")
    helper = os.path.join(directory, NAMES[0])
    created(ask_as(groups=[GID], command=(helper,))).close()
    try:
        ask_as(command=(helper,))
        raise AssertionError("somebody else could start it")
    except PermissionError:
        pass


@case
def refuses_without_the_group():
    untouched(refuses(["groupadd --system missing-group"], group="missing-group"))


@case
def refuses_a_normal_user():
    untouched(refuses(["must be root", "sudo make install-setcap"], setup=become(USER)))


@case
def refuses_with_destdir():
    untouched(refuses(["DESTDIR", "archive"], env={"DESTDIR": "/tmp/x"}))


@case
def refuses_without_setcap():
    tools = os.path.join(setcap_client.tree, "tools")
    os.mkdir(tools)
    for name in ("id", "getent", "findmnt"):
        os.symlink(shutil.which(name), os.path.join(tools, name))
    directory = installed()
    hidden = [path for path in ("/usr/sbin", "/sbin") if not os.path.islink(path)]
    for path in hidden:
        run("mount", "--bind", tools, path)
    try:
        refuses(["setcap is missing", "libcap2-bin"], path=tools, directory=directory)
    finally:
        for path in hidden:
            subprocess.run(["/bin/umount", path], timeout=20)
    untouched(directory)


@case
def refuses_where_it_is_not_installed():
    directory = installed()
    os.unlink(os.path.join(directory, NAMES[1]))
    refuses([NAMES[1], "make install first"], directory=directory)
    equal(run("getcap", os.path.join(directory, NAMES[0])), "", "the other")


@case
def refuses_a_nosuid_mount():
    directory = os.path.join(setcap_client.tree, "nosuid")
    os.mkdir(directory)
    run("mount", "-t", "tmpfs", "-o", "nosuid,mode=0755", "none", directory)
    try:
        for name in NAMES:
            shutil.copy(os.path.join(installed(), name), directory)
        untouched(refuses(["nosuid", "remount,suid " + directory], directory=directory))
    finally:
        run("umount", directory)


if __name__ == "__main__":
    main(lambda: setcap_client.private("/etc"))
