# SPDX-License-Identifier: Apache-2.0
"""Each process of a feed, taken over, against each of the others: signals, memory,
descriptors, limits. It is told before its sandbox closes who they are and where their
stack lies, and holds a pidfd of them: more than it could find out."""
from attacks import SIBLING, add, rows
from harness import main

NAMES = {"tapfeed": "the supervising half", "tapfeed-spawner": "the spawner",
         "tapfeed-injector": "the injector", "tapfeed-capture": "capture"}
TARGETS = {
    "tapfeed": ["tapfeed-spawner"],
    "tapfeed-privileged": ["tapfeed", "tapfeed-spawner", "tapfeed-injector"],
    "tapfeed-injector": ["tapfeed", "tapfeed-spawner", "tapfeed-capture"],
    "tapfeed-capture": ["tapfeed", "tapfeed-spawner", "tapfeed-injector"],
}

for attacker, targets in TARGETS.items():
    for target in targets:
        add(attacker, NAMES.get(attacker, "helper").replace("the ", ""), rows(SIBLING),
            aim=" of " + NAMES[target], TAPFEED_SIBLING=target)

main()
