# SPDX-License-Identifier: Apache-2.0
"""Capture of interfaces, taken over: its packet sockets can receive, and nothing else."""
from attacks import DESCRIPTORS, GENERAL, PACKET, add, memory, rows
from harness import Skip, case, check, equal, main, run
from livefeed import wire

CAPTURE = "tapfeed-capture"
LIVE = ("live", "--name", "lc0", "eth1")


def on_a_wire(body):
    """The interface goes with each case."""
    def prepared(*args, **named):
        wire("eth1")
        return body(*args, **named)
    return prepared


import attacks
attacks.case = lambda title, limit: lambda body: case(title, limit)(on_a_wire(body))
add(CAPTURE, "capture, live", rows(PACKET), LIVE)
add(CAPTURE, "capture, live", rows(GENERAL), LIVE)
add(CAPTURE, "capture, live", rows(DESCRIPTORS + ["send_many_fds"]), LIVE)
add(CAPTURE, "capture, live", memory(), LIVE)

main()
