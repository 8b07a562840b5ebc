/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attacks from inside: the acts that a process is made to try where it has just
 * closed its sandbox. Each returns 0 where it got through, else a negative
 * errno; where the sandbox kills it does not return.
 */
#ifndef TAPFEED_TESTS_ATTACK_ATTACK_H
#define TAPFEED_TESTS_ATTACK_ATTACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/sandbox.h"

/* What the process had open before it was sealed; -1: no such thing. */
struct attack_fds {
	int socket; /* some Unix socket */
	int stream; /* some connected Unix stream: the feed */
	int notify; /* where notifications go */
	int tun;    /* the interface's queue */
	int packet; /* libpcap's */
	int diag;   /* where the kernel is asked who reads */
	/* Made for the acts: what they could not get themselves. */
	int memory;	   /* a file that can be mapped */
	int tcp;	   /* a TCP socket */
	int local;	   /* a Unix stream socket */
	uint16_t tcp_port; /* on which somebody listens, network order */
};

/* Another process of the feed, and what it takes to reach into it: more than a
 * taken-over process could find out. */
struct attack_sibling {
	pid_t pid;
	int pidfd;
	uintptr_t address; /* some byte that it can write to; 0: not told */
};

struct attack {
	const char *name;
	long (*act)(const struct attack_fds *fds);
};

extern const struct attack attack_general[];
extern const size_t attack_general_count;
extern const struct attack attack_fd[];
extern const size_t attack_fd_count;
extern const struct attack attack_argument[];
extern const size_t attack_argument_count;
extern const struct attack attack_sibling[];
extern const size_t attack_sibling_count;
/* In the injector's build alone. */
extern const struct attack attack_ring[] __attribute__((weak));
extern const size_t attack_ring_count __attribute__((weak));
/* After these the process goes on and works. */
extern const struct attack attack_lie[];
extern const size_t attack_lie_count;

/* The production's own, past the linker's --wrap. */
int __real_sandbox_seal(const struct sandbox_policy *policy);

/* Whether the sandbox is there. */
bool attack_guarded(void);

/* Where a socket listens that was made before the seal, in the abstract. */
#define ATTACK_LISTENS "\0tapfeed-attack"

/* A system call's outcome as an act's. */
long attack_result(long r);

/* Says "attack " and the text on standard error, in one line. */
void attack_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Before the seal: finds the process that TAPFEED_SIBLING names and waits until
 * it is sealed itself. */
void attack_find_sibling(void);

/* Before the seal: finds this process's counters page. */
void attack_find_page(void);

/* Sends n descriptors to whoever holds sock's other end. */
long attack_send_fds(int sock, int fd, size_t n);

/* Seals, and says which system calls, of all numbers there are, get through
 * with arguments that no rule names. */
void attack_every_number(const struct sandbox_policy *policy);

#endif
