/* SPDX-License-Identifier: Apache-2.0 */
/* For builds with sanitizers alone: the others have nothing of this file. */
#include <config.h>

#include "common/sandbox.h"

#ifdef TAPFEED_SANITIZE
bool sandbox_sealed;

/* Asked at the end by the leak checker, which starts a thread: a sealed process
 * may not. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return sandbox_sealed;
}
#endif
