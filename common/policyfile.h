/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tapfeed-policy.conf(5): who may create which interfaces, and capture on
 * which. Asked by the processes that carry a file capability, of the caller who
 * has no capability of his own. Read whole before the first hostile byte; asked
 * after it, in memory.
 */
#ifndef TAPFEED_COMMON_POLICYFILE_H
#define TAPFEED_COMMON_POLICYFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/limits.h"
#include "proto/privileged.h"

/* Rows that may speak of one subject. */
#define POLICYFILE_GRANTS_MAX 64u

/* Supplementary groups that are looked at: the kernel's NGROUPS_MAX is more. */
#define POLICYFILE_GROUPS_MAX 1024u

struct policyfile_subject {
	uid_t uid;
	size_t group_count;
	gid_t groups[POLICYFILE_GROUPS_MAX]; /* the primary one among them */
};

/* One permission of the subject. */
struct policyfile_grant {
	bool capture;			/* else: create */
	char name[TAPFEED_IFNAME_SIZE]; /* may end in "*" */
	uint32_t kinds;			/* create: 1 << enum tapfeed_kind */
	uint32_t mtu_min, mtu_max;	/* create */
	uint32_t queues_max;		/* create */
	bool mac;			/* create: may choose the address */
	bool host_visible;		/* create: may leave the shield off */
	bool trust;			/* create: --checksums trust */
	bool promiscuous;		/* capture */
};

struct policyfile {
	size_t count;
	struct policyfile_grant grants[POLICYFILE_GRANTS_MAX];
};

/* What is wrong with the file, for a message. */
struct policyfile_fault {
	unsigned int line; /* 0: of the file as a whole */
	const char *what;  /* static */
};

/*
 * Reads path and keeps what it grants the subject. 0; -ENOENT where there is no
 * file (nothing is granted then); -EPERM with *fault where the file is not
 * root's, or may be written by others, or is no plain file; -EINVAL with *fault
 * where a line is not understood (the whole file counts for nothing then); or
 * another negative errno.
 */
int policyfile_read(const char *path, const struct policyfile_subject *subject,
		    struct policyfile *ret, struct policyfile_fault *fault);

/* The same of an open file whose owner was checked; for tests and the fuzzer.
 */
int policyfile_parse(int fd, const struct policyfile_subject *subject,
		     struct policyfile *ret, struct policyfile_fault *fault);

/* The subject of a process with a file capability: its real user, its groups.
 * 0 or a negative errno; -EINVAL where he has more groups than there is room
 * for: some left out would be some that a line may name. */
int policyfile_self(struct policyfile_subject *ret);

/* Whether a request that was checked is granted. */
bool policyfile_may_create(const struct policyfile *policy,
			   const struct privileged_request *asked);

/* The same of capturing, in policyfile_capture.c: the helper does not link it.
 */
bool policyfile_may_capture(const struct policyfile *policy,
			    const char *interface, bool promiscuous);

/* Whether a grant's name covers what is asked for: both of the above ask it. */
bool policyfile_covers(const struct policyfile_grant *grant, const char *name);

#endif
