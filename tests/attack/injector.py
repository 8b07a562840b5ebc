# SPDX-License-Identifier: Apache-2.0
"""The injector, taken over: it can write frames, and nothing else."""
from attacks import ARGUMENTS, DESCRIPTORS, GENERAL, QUEUE, SOCKETS, add, memory, rows
from harness import main

INJECTOR = "tapfeed-injector"
add(INJECTOR, "injector", rows(GENERAL))
add(INJECTOR, "injector", rows(DESCRIPTORS + ["send_many_fds"]))
add(INJECTOR, "injector", rows(QUEUE))
add(INJECTOR, "injector", memory())
# Its descriptor is open for writing alone.
add(INJECTOR, "injector", [("tun_read", "EBADF", ["EAGAIN"])])
add(INJECTOR, "injector", rows(ARGUMENTS + SOCKETS + ["rt_sigaction"]))

main()
