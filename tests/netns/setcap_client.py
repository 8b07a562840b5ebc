# SPDX-License-Identifier: Apache-2.0
"""What the tests of a setcap install share: copies of the programs with file
capabilities, a policy file and device nodes in a private mount namespace, and normal
users. Needs root of the whole machine, to set it up.

    from setcap_client import case, main, ...
"""
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile

from privileged_client import (BUILD, HELPER, ask, cases, equal, receive, finish,
                               pair, run, run_cases, start, true)

PROGRAMS = {"launcher/tapfeed": None,
            "privileged/tapfeed-privileged": "cap_net_admin=p",
            "injector/tapfeed-injector": None,
            "capture/tapfeed-capture": "cap_net_raw=p"}
USER, OTHER, GROUP = 4001, 4002, 4242

tree = None  # where the copies are
COPY = None  # the helper among them
POLICY = None


def skip_all(why):
    print("1..0 # SKIP", why)
    sys.exit(0)


# ---- a machine of our own -----------------------------------------------------


def private(path):
    """Puts a tmpfs over a directory, which shows all that it has shown before."""
    new = tempfile.mkdtemp()
    run("mount", "-t", "tmpfs", "-o", "mode=0755", "none", new)
    for entry in os.scandir(path):
        to, status = os.path.join(new, entry.name), entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            os.mkdir(to)
            run("mount", "--rbind", entry.path, to)
        elif stat.S_ISLNK(status.st_mode):
            os.symlink(os.readlink(entry.path), to)
        elif stat.S_ISREG(status.st_mode):
            shutil.copy2(entry.path, to)
        elif stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
            os.mknod(to, status.st_mode, status.st_rdev)
            os.chmod(to, stat.S_IMODE(status.st_mode))
    run("mount", "--move", new, path)
    os.rmdir(new)


def private_directory(path):
    """An empty directory there, which the rest of the machine does not see."""
    above = os.path.dirname(path)
    if not os.path.isdir(above):
        private_directory(above)
    elif not os.path.ismount(path):
        private(above)
    os.makedirs(path, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", "mode=0755", "none", path)


def policy(*lines, mode=0o644, uid=0):
    """Writes the policy file; no line: there is none."""
    if os.path.lexists(POLICY):
        (shutil.rmtree if os.path.isdir(POLICY) else os.unlink)(POLICY)
    if lines:
        with open(POLICY, "w") as file:
            file.write("".join(line + "\n" for line in lines))
        os.chmod(POLICY, mode)
        os.chown(POLICY, uid, 0)


def install(where, options=()):
    """A tree of programs as the build makes one, on a mount of its own."""
    os.makedirs(where, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", ",".join(["mode=0755", *options]), "none", where)
    for program, capability in PROGRAMS.items():
        to = os.path.join(where, program)
        os.makedirs(os.path.dirname(to), exist_ok=True)
        shutil.copy(os.path.join(BUILD, program), to)
        os.chmod(to, 0o755)
        if capability and subprocess.run(["setcap", capability, to],
                                         stderr=subprocess.DEVNULL).returncode:
            skip_all("this file system takes no capabilities")
    return where


def prepare():
    global tree, COPY, POLICY
    text = run(HELPER, "--help")
    POLICY = re.search(r"^policy file: (/.*)$", text, re.M).group(1)
    private("/dev")
    private_directory("/dev/net")
    os.mknod("/dev/net/tun", stat.S_IFCHR, os.makedev(10, 200))
    os.chmod("/dev/net/tun", 0o666)
    private_directory(os.path.dirname(POLICY))
    tree = install(tempfile.mkdtemp(prefix="tapfeed-test."))
    COPY = os.path.join(tree, "privileged/tapfeed-privileged")


def main(add=lambda: None):
    if sys.argv[1:] != ["--inside"]:
        with open("/proc/self/uid_map") as uid_map:
            if os.geteuid() or uid_map.read().split() != ["0", "0", "4294967295"]:
                skip_all("needs root outside of a user namespace, to set it up")
        if not shutil.which("setcap"):
            skip_all("setcap is not installed")
        os.execvp("unshare", ["unshare", "-n", "-m", "--propagation", "private",
                              sys.executable, os.path.abspath(sys.argv[0]), "--inside"])
    # Descriptor 3 is the children's: nothing of ours may lie there.
    while os.open("/dev/null", os.O_RDONLY) < 3:
        pass
    os.umask(0o022)
    signal.alarm(150)
    try:
        prepare()
        add()
    except Exception as error:
        print("Bail out! " + str(error).replace("\n", "; "))
        sys.exit(1)
    try:
        status = run_cases()
    finally:
        run("umount", "-l", tree)
        os.rmdir(tree)
    sys.exit(status)


# ---- users --------------------------------------------------------------------


def become(uid=USER, gid=None, groups=(), then=None):
    """For preexec_fn: a normal user, who holds nothing."""
    def setup():
        os.setgroups(groups)
        os.setresgid(*3 * [uid if gid is None else gid])
        os.setresuid(uid, uid, uid)
        if then:
            then()
    return setup


def ask_as(message=None, uid=USER, gid=None, groups=(), then=None, command=None,
           **options):
    """ask() of the setcap copy, as a normal user."""
    return ask(message, command=command or (COPY,),
               setup=become(uid, gid, groups, then), **options)


def start_as(uid=USER, then=None, command=None, **options):
    """The copy, waiting for a request behind its sandbox, and the socket to it."""
    ours, theirs = pair()
    process = start(theirs.fileno(), command=command or (COPY,),
                    setup=become(uid, then=then), **options)
    theirs.close()
    return ours, process


def status_of(pid):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file)
