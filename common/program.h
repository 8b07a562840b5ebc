/* SPDX-License-Identifier: Apache-2.0 */
/* What every program says of itself. */
#ifndef TAPFEED_COMMON_PROGRAM_H
#define TAPFEED_COMMON_PROGRAM_H

#include <config.h>

#if defined(TAPFEED_TRACE_FILTER)
#define PROGRAM_VARIANT " (traces, does not confine)"
#elif defined(TAPFEED_SANITIZE)
#define PROGRAM_VARIANT " (ASan, UBSan)"
#else
#define PROGRAM_VARIANT ""
#endif

#define PROGRAM_VERSION PACKAGE_NAME " " PACKAGE_VERSION PROGRAM_VARIANT

#endif
