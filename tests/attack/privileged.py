# SPDX-License-Identifier: Apache-2.0
"""The helper, taken over before it has read its one request."""
from attacks import ARGUMENTS, DESCRIPTORS, GENERAL, QUEUE, add, rows
from harness import main

HELPER = "tapfeed-privileged"
add(HELPER, "helper", rows(GENERAL))
add(HELPER, "helper", rows([act for act in DESCRIPTORS if act != "send_fd"], {
    "listen": "EINVAL", "accept": "EINVAL", "sendto_address": 0}))
# Those of its table are for the interface that it makes.
add(HELPER, "helper", rows([act for act in QUEUE if act not in ("tun_owner",
                                                                "tun_attach")],
                           dict.fromkeys(QUEUE, "EBADFD")))
add(HELPER, "helper", rows(ARGUMENTS + ["rt_sigaction", "tun_owner"], {
    "tun_owner": "EBADFD"}))

main()
