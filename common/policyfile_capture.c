/* SPDX-License-Identifier: Apache-2.0 */
/* Asked by capture; apart from policyfile.c: the helper only creates. */
#include <config.h>

#include "common/policyfile.h"

bool policyfile_may_capture(const struct policyfile *policy,
			    const char *interface, bool promiscuous)
{
	const struct policyfile_grant *grant = policy->grants;

	for (size_t i = 0; i < policy->count; i++, grant++)
		if (grant->capture && policyfile_covers(grant, interface) &&
		    (!promiscuous || grant->promiscuous))
			return true;
	return false;
}
