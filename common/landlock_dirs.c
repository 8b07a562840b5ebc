/* SPDX-License-Identifier: Apache-2.0 */
/* What Landlock lets be; apart from landlock.c: the helper needs no file. */
#include <config.h>

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/landlock.h"

#ifndef SYS_landlock_add_rule
#define SYS_landlock_add_rule 445
#endif

#define RULE_PATH_BENEATH 1u

#define FS_READ_FILE   (UINT64_C(1) << 2)
#define FS_READ_DIR    (UINT64_C(1) << 3)
#define FS_REMOVE_FILE (UINT64_C(1) << 5)
#define FS_MAKE_SOCK   (UINT64_C(1) << 9)

struct path_beneath {
	uint64_t access;
	int32_t parent_fd;
} __attribute__((packed));

/* Allows access beneath each. 0 or a negative errno. */
static int add_dirs(int ruleset, const int *dirs, uint64_t access)
{
	for (; dirs && *dirs >= 0; dirs++) {
		const struct path_beneath rule = { access, *dirs };

		if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH,
			    &rule, 0) < 0)
			return -errno;
	}
	return 0;
}

int landlock_allow(int ruleset, const int *dirs, const int *read_dirs)
{
	int r = add_dirs(ruleset, dirs, FS_REMOVE_FILE | FS_MAKE_SOCK);

	return r < 0 ? r
		     : add_dirs(ruleset, read_dirs, FS_READ_FILE | FS_READ_DIR);
}
