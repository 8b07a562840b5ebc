# SPDX-License-Identifier: Apache-2.0
"""Capture of files, taken over: it can send bytes to the injector, and nothing else."""
from attacks import ARGUMENTS, DESCRIPTORS, GENERAL, SOCKETS, add, memory, rows
from harness import main

CAPTURE = "tapfeed-capture"
add(CAPTURE, "capture", rows(GENERAL))
add(CAPTURE, "capture", rows(DESCRIPTORS + ["send_many_fds"]))
add(CAPTURE, "capture", memory())
add(CAPTURE, "capture", rows(ARGUMENTS + SOCKETS + ["rt_sigaction"]))

main()
