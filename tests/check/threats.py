#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What README.md says that a taken-over process cannot do is tried: each row that it
names is one of tests/attack. TAP."""
import os
import re
import sys

SRCDIR = os.environ.get("TAPFEED_SRCDIR", ".")


def read(name):
    with open(os.path.join(SRCDIR, name)) as file:
        return file.read()


acts = set()
for name in ("general.c", "fds.c", "ring.c"):
    acts |= set(re.findall(r"ROW\((\w+)\)", read("tests/attack/" + name))) - {"name"}
tables = read("tests/attack/attacks.py")
who = {}
for script in ("capture", "capture_live", "injector", "privileged", "supervisor"):
    for title in re.findall(r'add\(\w+, "([^"]+)"|add\("tapfeed", "([^"]+)"',
                            read("tests/attack/%s.py" % script)):
        who["".join(title)] = read("tests/attack/%s.py" % script)

section = read("README.md").split("### If one is taken over")[1].split("\n### ")[0]
claims = [claim for line in section.splitlines() if line.startswith("|")
          for claim in re.findall(r"`([^`:]+): ([^`]+)`", line)]
bad = []
for name, act in claims:
    word = act.replace(" ", "_")
    if name not in who or word not in acts or not re.search(
            r"\b%s\b" % word, tables + who[name]):
        bad.append("%s: %s" % (name, act))
print("1..1")
for claim in bad:
    print("#", claim)
good = not bad and len(claims) >= 40
print("%s 1 - README.md: %d claims, each with its row" % ("ok" if good else "not ok",
                                                          len(claims)))
sys.exit(0 if good else 1)
