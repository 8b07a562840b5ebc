/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines of which there may be very many. */
#include <config.h>

#include "common/log.h"

bool log_limit_pass(struct log_limit *limit, uint64_t now_ns,
		    uint64_t *ret_left_out)
{
	if (now_ns - limit->window_start_ns >= limit->interval_ns) {
		limit->window_start_ns = now_ns;
		limit->used = 0;
	}
	if (limit->used >= limit->burst) {
		limit->left_out++;
		return false;
	}
	limit->used++;
	*ret_left_out = limit->left_out;
	limit->left_out = 0;
	return true;
}
