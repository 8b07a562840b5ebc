/* SPDX-License-Identifier: Apache-2.0 */
/* The interfaces that a feed captures from: what happens to them is said. */
#ifndef TAPFEED_LAUNCHER_SOURCEWATCH_H
#define TAPFEED_LAUNCHER_SOURCEWATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/links.h"

struct sourcewatch {
	struct links links;
	size_t count; /* 0: nothing is captured from interfaces */
	struct {
		unsigned int ifindex; /* 0: it was removed */
		bool down;
		char name[TAPFEED_IFNAME_SIZE];
	} sources[TAPFEED_SOURCES_MAX];
};

/*
 * Of n (0 to TAPFEED_SOURCES_MAX) interfaces, in the caller's network
 * namespace. One that is not there is not watched. 0 or a negative errno.
 */
int sourcewatch_init(struct sourcewatch *watch, const char *const *names,
		     size_t n);
void sourcewatch_done(struct sourcewatch *watch);

/* Its netlink socket; -1: none. */
int sourcewatch_fd(const struct sourcewatch *watch);

/*
 * Something about some interface has changed: looks at all of them, and logs
 * what concerns a source. before (may be NULL) is called before each line.
 * waiting: the gate is shut, so capture does not yet say that one is gone.
 */
void sourcewatch_look(struct sourcewatch *watch, void (*before)(void),
		      bool waiting);

/* The index of the interface of that name now; 0: there is none. */
unsigned int sourcewatch_index(struct sourcewatch *watch, const char *name);

/* The name of a source that would see again what is written to the interface
 * (which has no shield: host_visible); NULL: none. */
const char *sourcewatch_loop(const struct sourcewatch *watch,
			     unsigned int ifindex, bool host_visible);

/* Frames that were written to an interface, as the kernel counts them; 0: not
 * known. */
uint64_t sourcewatch_frames(struct sourcewatch *watch, unsigned int ifindex);

#endif
