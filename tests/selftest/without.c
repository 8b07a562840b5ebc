/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands before sandbox_seal() in test builds of the programs (never
 * installed): takes the rows of the system call that TAPFEED_WITHOUT names out
 * of their tables, as if a new libc made one that is not in them.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "common/sandbox.h"

#define ROWS_MAX 256u

int __real_sandbox_seal(const struct sandbox_policy *policy);
int __wrap_sandbox_seal(const struct sandbox_policy *policy);

static size_t copy_without(struct sandbox_row *kept,
			   const struct sandbox_row *rows, size_t n, int call)
{
	size_t count = 0;

	for (size_t i = 0; i < n && count < ROWS_MAX; i++)
		if (rows[i].call != call)
			kept[count++] = rows[i];
	return count;
}

int __wrap_sandbox_seal(const struct sandbox_policy *policy)
{
	static struct sandbox_row rows[ROWS_MAX], more[ROWS_MAX];
	struct sandbox_policy less = *policy;
	const char *name = getenv("TAPFEED_WITHOUT");
	int call = name ? seccomp_syscall_resolve_name(name) : __NR_SCMP_ERROR;

	less.row_count =
		copy_without(rows, policy->rows, policy->row_count, call);
	less.rows = rows;
	less.more_row_count = copy_without(more, policy->more_rows,
					   policy->more_row_count, call);
	less.more_rows = more;
	return __real_sandbox_seal(&less);
}
