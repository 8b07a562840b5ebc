# SPDX-License-Identifier: Apache-2.0
"""When packets came, by the kernel's own receive times of a packet socket."""
import socket
import struct

from checks import equal
from harness import exists, until

SO_TIMESTAMPNS = 35
S = 10 ** 9


class Stamps:
    """Frames and when the kernel took them, of a socket that is read at the end alone,
    so that no reader wants a processor meanwhile."""

    def __init__(self, name="tf0"):
        until(name, lambda: exists(name))
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, 33, 256 << 20)  # SO_RCVBUFFORCE
        except PermissionError:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 << 20)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.sock.bind((name, 3))  # ETH_P_ALL
        self.sock.setblocking(False)
        self.frames, self.times = [], []

    def read(self):
        down = 0
        while down < 2:
            try:
                data, control, _, _ = self.sock.recvmsg(70000, 128)
            except BlockingIOError:
                break
            except OSError:  # the interface is gone, which is said once
                down += 1
                continue
            for level, kind, value in control:
                if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
                    seconds, ns = struct.unpack("qq", value[:16])
                    self.times.append(seconds * S + ns)
            self.frames.append(data)
        self.sock.close()
        equal("stamps", len(self.times), len(self.frames))
        return self

    @property
    def since(self):
        """From the first one on."""
        return [time_ns - self.times[0] for time_ns in self.times]


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
