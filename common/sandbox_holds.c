/* SPDX-License-Identifier: Apache-2.0 */
/* What the process was started with; apart: the helper does not ask this. */
#include <config.h>

#include <sys/capability.h>

#include "common/sandbox.h"

bool sandbox_holds(int cap)
{
	cap_flag_value_t value = CAP_CLEAR;
	cap_t caps = cap_get_proc();

	if (caps)
		cap_get_flag(caps, cap, CAP_EFFECTIVE, &value);
	cap_free(caps);
	return value == CAP_SET;
}
