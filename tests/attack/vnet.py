# SPDX-License-Identifier: Apache-2.0
"""Capture taken over, on a feed with --checksums trust: there the kernel takes a header
before each frame, which may ask it to cut frames or to touch bytes of them."""
import errno
import fcntl
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..",
                                "netns"))
from feedclient import (Capture, Closed, Injector, batch, field, fixed64, frame, packet,
                        packets)
from harness import Reader, case, check, equal, frames_equal, main, run

# struct virtio_net_hdr: cut me into segments of one byte; a checksum beyond the frame.
FORGED = struct.pack("=BBHHHH", 1, 1, 54, 1, 60000, 60000)


def marked(sequence, frames, flags, before=FORGED):
    """A batch with something before each frame, and flags of each."""
    lens = struct.pack("<%dI" % len(frames), *map(len, frames))
    marks = struct.pack("<%dI" % len(frames), *[flags] * len(frames))
    return frame(2, fixed64(1, sequence) + field(2, lens) + field(3, lens) +
                 field(4, bytes(8 * len(frames))) + field(5, marks) +
                 field(8, b"".join(before + data for data in frames)))


@case("injector: from capture: a forged header before frames: none of it gets through "
      "(control: the kernel takes offence at it)")
def _():
    fd = os.open("/dev/net/tun", os.O_WRONLY)
    fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH22x", b"own0", 0x5002))  # with headers
    run("ip", "link", "set", "own0", "up")
    equal("with none", os.write(fd, bytes(10) + packet(1, 0)), 70)
    try:
        os.write(fd, FORGED + packet(1, 0))
    except OSError as error:
        equal("errno", error.errno, errno.EINVAL)
    else:
        raise AssertionError("the kernel took it")
    os.close(fd)
    injector = Injector("--linger=100ms", "--checksums=trust")
    reader = Reader(injector.name)
    check(reader.bound.wait(5), "no reader")
    capture = Capture(injector.own).hello()
    frames = packets(1, 0, 10)
    for flags in (0, 2):  # 2: PACKET_CHECKSUM_UNFINISHED
        capture.send(marked(capture.sequence, frames, flags))
        capture.sequence += 10
    equal("injected", capture.end()["injected"], 20)
    equal("status", injector.wait(), 0)
    reader.finish()
    frames_equal(reader.frames, frames * 2)
    equal("errors", injector["errors"], 0)


@case("injector: from capture: frames without the room they need: closed")
def _():
    for name, data in enumerate((batch(0, packets(1, 0, 2)), marked(0, [packet(1, 0)], 0, FORGED[:-1]))):
        injector = Injector("--linger=100ms", "--checksums=trust", name="tf%d" % name)
        capture = Capture(injector.own).hello()
        try:
            capture.send(data)
        except Closed:
            pass
        check(capture.is_closed(3), "it is still connected")
        injector.control.close()
        injector.process.wait(10)


main()
