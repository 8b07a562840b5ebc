# SPDX-License-Identifier: Apache-2.0
"""tapfeed's supervising half, taken over: it can start and stop its children, and tell
lies."""
from attacks import ARGUMENTS, DESCRIPTORS, DIAG, GENERAL, SOCKETS, add, memory, rows
from harness import main
import harness

add("tapfeed", "supervising half", rows(GENERAL))
add("tapfeed", "supervising half", rows(DESCRIPTORS, {
    "listen": 0, "accept": "EAGAIN", "sendto_address": "ENOTSUP"}))
add("tapfeed", "supervising half", memory())
add("tapfeed", "supervising half", rows(ARGUMENTS + [act for act in SOCKETS if "feed" not in act]))

# With the socket on which the kernel is asked who reads.
WAITS = ("replay", "--name", "tf0", "--wait-for-reader", harness.SAMPLE)
add("tapfeed", "supervising half", rows(DIAG), WAITS)
# What it may send there is a question: closing somebody's socket takes a capability.
add("tapfeed", "supervising half", [("diag_destroy", "EPERM", (0, "EOPNOTSUPP", "ENOENT"))],
    WAITS)

main()
