/* SPDX-License-Identifier: Apache-2.0 */
/* What tapfeed status and tapfeed start say about feeds that do not answer. */
#ifndef TAPFEED_LAUNCHER_STATUSSAY_H
#define TAPFEED_LAUNCHER_STATUSSAY_H

#include <stdbool.h>

#include "launcher/statusask.h"

/* A directory that may not be used: of runtime_open_all(). */
void statussay_refused(const char *path, int error);

/* Why a feed gave no answer: its error; static. */
const char *statussay_explain(int error);

/* Whether a feed of that name was found. */
bool statussay_among(const struct statusask *ask, const char *name);

/* Says that none was. Returns the exit status. */
int statussay_not_there(const struct statusask *ask, const char *name);

#endif
