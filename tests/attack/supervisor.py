# SPDX-License-Identifier: Apache-2.0
"""tapfeed's supervising half, taken over: it can start and stop its children, and tell
lies."""
from attacks import ARGUMENTS, DESCRIPTORS, GENERAL, SOCKETS, add, memory, rows
from harness import main

add("tapfeed", "supervising half", rows(GENERAL))
add("tapfeed", "supervising half", rows(DESCRIPTORS, {
    "listen": 0, "accept": "EAGAIN", "sendto_address": "ENOTSUP"}))
add("tapfeed", "supervising half", memory())
add("tapfeed", "supervising half", rows(ARGUMENTS + [act for act in SOCKETS if "feed" not in act]))

main()
