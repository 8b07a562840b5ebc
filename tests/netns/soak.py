# SPDX-License-Identifier: Apache-2.0
"""100,000 packets a second of mixed size through `tapfeed live`, none lost.

TAPFEED_SOAK_SECONDS: how long, 600 by default. Run it by `make soak`, on a machine
that has nothing else to do.
"""
import os
import time

from harness import case, check, descendants, equal, main, peak_memory
from livefeed import PEER, Live, flood, wire

SECONDS = int(os.environ.get("TAPFEED_SOAK_SECONDS", "600"))
PER_SECOND = 100000
SETTLED = 5  # seconds, after which memory must not grow


@case("%d seconds of %d packets/s" % (SECONDS, PER_SECOND), limit=SECONDS * 1.2 + 60)
def _():
    wire("eth1")
    feed = Live("eth1")
    feed.wait_up()
    workers = list(descendants(feed.process.pid))
    count = SECONDS * PER_SECOND
    sender = flood("eth1" + PEER, count, PER_SECOND, "mix")
    time.sleep(min(SETTLED, SECONDS / 2))
    settled = peak_memory(workers)
    equal("sent", sender.communicate()[0].strip(), str(count))
    grown = peak_memory(workers) - settled
    feed.stop()
    equal("received", feed["received"], count)
    equal("injected", feed["injected"], count)
    equal("kernel_dropped", feed["kernel_dropped"], 0)
    check(grown < 8 << 20, "memory grew by %d bytes" % grown)
    print("# %s" % feed.report)


main()
