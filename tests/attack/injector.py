# SPDX-License-Identifier: Apache-2.0
"""The injector, taken over: it can write frames, and nothing else."""
from attacks import (ARGUMENTS, DESCRIPTORS, GENERAL, QUEUE, RING, RING_CALLS,
                     KILLED, RING_NOWHERE, SOCKETS, add, memory, rows)
from harness import main

INJECTOR = "tapfeed-injector"
add(INJECTOR, "injector", rows(GENERAL))
add(INJECTOR, "injector", rows(DESCRIPTORS + ["send_many_fds"]))
add(INJECTOR, "injector", memory())
# With the plain writer it has the queue's descriptor, open for writing alone.
add(INJECTOR, "injector, no ring", rows(QUEUE), ring=False)
add(INJECTOR, "injector, no ring", [("tun_read", "EBADF", ["EAGAIN"])], ring=False)
# With the ring there is none.
add(INJECTOR, "injector", [("tun_persist", KILLED, ["EBADF"])])
# The ring itself: the control's is the same one without its restrictions.
THROUGH = {"ring_openat_fixed": "EBADF", "ring_unlinkat": "EISDIR",
           "ring_mkdirat": "EEXIST", "ring_connect_fixed": "ENOTSOCK",
           "ring_read_queue": "EBADF", "ring_command": "ENOTSUP",
           "ring_write_fixed_to_no_queue": "EBADF",
           "ring_register_restrictions": "EBADFD", "ring_recvmsg": "EAGAIN", "ring_enter_registered": "EBADF",
           "ring_enter_other": "ENOTSUP"}
THROUGH.update(dict.fromkeys("""ring_write_fixed_to_fd ring_linked ring_async ring_drained
    ring_write_fixed_from_outside ring_write_fixed_from_no_buffer""".split(), "EFAULT"))
# Kernels differ: they may not know the operation.
add(INJECTOR, "injector's ring",
    [(act, "EACCES", [THROUGH.get(act, 0), 0, "EINVAL"]) for act in RING])
add(INJECTOR, "injector's ring", [(act, THROUGH[act], [THROUGH[act]])
                                  for act in RING_NOWHERE])
add(INJECTOR, "injector's ring", rows(RING_CALLS, THROUGH))
add(INJECTOR, "injector", rows(ARGUMENTS + SOCKETS + ["rt_sigaction"]))

main()
