# SPDX-License-Identifier: Apache-2.0
"""Every option of each command's --help is in man/tapfeed.1, and the other way
round, with the same letter, argument and default. TAP.

The man page is read as man(7) source: an option is a .TP paragraph whose tag begins
with a dash; its default stands in brackets in the same paragraph.
"""
import os
import re
import subprocess
import sys

SRCDIR = os.environ.get("TAPFEED_SRCDIR", ".")
BUILDDIR = os.environ.get("TAPFEED_BUILDDIR", "build")
COMMANDS = ("replay", "live", "status", "start")


def words_of(tag):
    """The option words of a tag: ("-f", "--filter")."""
    return tuple(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", tag))


def default_of(text):
    found = re.search(r"\[([^\]]*)\]", text)
    return found.group(1) if found else None


def help_of(command):
    text = subprocess.run([os.path.join(BUILDDIR, "launcher/tapfeed"), command,
                           "--help"], capture_output=True, text=True, check=True,
                          timeout=20).stdout
    table = {}
    text = re.sub(r"\n {20,}", " ", text)  # behind a long option: on a line of its own
    for line in text.splitlines():
        match = re.match(r"\s+((?:-\w,? +)?--[\w-]+(?:\[=\w+\]| \S+)?)(?:\s{1,}(.*))?$", line)
        if match:
            table[words_of(match.group(1))[-1]] = (words_of(match.group(1)),
                                                   default_of(match.group(2) or ""))
    return table


def from_help():
    """All commands together; where defaults differ: "replay: wait, live: drop"."""
    table, defaults = {}, {}
    for command in COMMANDS:
        for name, (words, default) in help_of(command).items():
            if name in table and table[name] != words:
                raise SystemExit("%s differs between commands" % name)
            table[name] = words
            defaults.setdefault(name, []).append((command, default))
    return {name: (words, one_default(defaults[name]))
            for name, words in table.items()}


def one_default(defaults):
    if len({default for _, default in defaults}) == 1:
        return defaults[0][1]
    return ", ".join("%s: %s" % pair for pair in defaults)


def plain(roff):
    """man(7) source without its fonts and escapes."""
    lines = []
    for line in roff.splitlines():
        line = re.sub(r"^\.(?:B|I|BR|BI|IR|RB|RI|IB|SM)\s+", "", line)
        lines.append(re.sub(r'\\f.|\\&|"', "", line).replace(r"\-", "-"))
    return "\n".join(lines)


def from_man():
    with open(os.path.join(SRCDIR, "man/tapfeed.1")) as file:
        source = file.read()
    source = re.sub(r'^\.\\".*\n', "", source, flags=re.M)
    table = {}
    for part in re.split(r"^\.TP.*\n", source, flags=re.M)[1:]:
        part = plain(re.split(r"^\.(?:SH|SS|PP|TP)", part, flags=re.M)[0])
        tag, _, body = part.partition("\n")
        words = words_of(tag)
        if tag.startswith("-") and words:
            table[words[-1]] = (words, default_of(body))
    return table


def main():
    helped, manual = from_help(), from_man()
    names = sorted(set(helped) | set(manual))
    print("1..%d" % (len(names) + 1))
    failed = len(helped) < 10
    print("%s 1 - --help shows %d options" % ("not ok" if failed else "ok",
                                              len(helped)))
    for number, name in enumerate(names, 2):
        same = helped.get(name) == manual.get(name)
        print("%s %d - %s" % ("ok" if same else "not ok", number, name))
        if not same:
            print("# --help: %s; man page: %s" % (helped.get(name), manual.get(name)))
            failed = True
    sys.exit(failed)


main()
