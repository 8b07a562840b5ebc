# SPDX-License-Identifier: Apache-2.0
"""What the tests of restarts share."""
import os
import signal

from harness import check, descendants, equal, until


def kill(feed, kind):
    """Kills a worker and waits until another one is there; its pid."""
    old = feed.worker(kind)
    os.kill(old, signal.SIGKILL)
    return until("another " + kind, lambda: next(
        (pid for pid, name in descendants(feed.process.pid).items()
         if name == ("tapfeed-" + kind)[:15] and pid != old), None), 10)


def rising(seen):
    check(all(a < b for a, b in zip(seen, seen[1:])), "out of order, or twice")


def exact(feed, reader):
    """What was injected is what the reader saw, and what is missing is counted."""
    equal("status", feed.status, 1)
    frames = reader.finish().frames
    equal("injected", feed["injected"], len(frames))
    equal("frames_written", feed["frames_written"], len(frames))
    equal("lost", feed["dropped.restart"], feed["received"] - len(frames))
    equal("errors", feed["errors"], 0)
    return frames
