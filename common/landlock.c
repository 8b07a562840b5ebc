/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's numbers stand here: its header of the day may be older. */
#include <config.h>

#include "common/landlock.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule	    445
#define SYS_landlock_restrict_self  446
#endif

#define CREATE_VERSION	  1u /* LANDLOCK_CREATE_RULESET_VERSION */
#define RULE_PATH_BENEATH 1u

#define FS_READ_FILE   (UINT64_C(1) << 2)
#define FS_READ_DIR    (UINT64_C(1) << 3)
#define FS_REMOVE_FILE (UINT64_C(1) << 5)
#define FS_MAKE_SOCK   (UINT64_C(1) << 9)

struct ruleset {
	uint64_t access_fs;
	uint64_t access_net;
	uint64_t scoped;
};

struct path_beneath {
	uint64_t access;
	int32_t parent_fd;
} __attribute__((packed));

/* Every right there is from each version on. */
static const struct {
	struct ruleset rights;
	size_t size; /* of what that version takes */
} versions[] = {
	{ { (UINT64_C(1) << 13) - 1, 0, 0 }, 8 },
	{ { (UINT64_C(1) << 14) - 1, 0, 0 },
	  8 }, /* moving between directories */
	{ { (UINT64_C(1) << 15) - 1, 0, 0 }, 8 },  /* truncating */
	{ { (UINT64_C(1) << 15) - 1, 3, 0 }, 16 }, /* TCP: bind, connect */
	{ { (UINT64_C(1) << 16) - 1, 3, 0 }, 16 }, /* ioctl of devices */
	{ { (UINT64_C(1) << 16) - 1, 3, 3 },
	  24 }, /* abstract sockets, signals */
};

#define VERSIONS ((int)(sizeof(versions) / sizeof(versions[0])))

int landlock_abi(void)
{
	long abi =
		syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);

	return abi > 0 ? (int)abi : 0;
}

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

int landlock_seal(const int *dirs, const int *read_dirs)
{
	int abi = landlock_abi();
	int fd, r;

	if (abi == 0)
		return 0;
	if (abi > VERSIONS)
		abi = VERSIONS;
	fd = (int)syscall(SYS_landlock_create_ruleset,
			  &versions[abi - 1].rights, versions[abi - 1].size, 0);
	if (fd < 0)
		return -errno;
	r = add_dirs(fd, dirs, FS_REMOVE_FILE | FS_MAKE_SOCK);
	if (r == 0)
		r = add_dirs(fd, read_dirs, FS_READ_FILE | FS_READ_DIR);
	if (r == 0 && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		r = -errno;
	close(fd);
	return r;
}
