/* SPDX-License-Identifier: Apache-2.0 */
/* Messages about feeds. Names of files and what feeds say is hostile. */
#include <config.h>

#include "launcher/statussay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/escape.h"
#include "common/log.h"

void statussay_refused(const char *path, int error)
{
	char shown[300];

	escape_text(shown, sizeof(shown), path, strlen(path));
	if (error == -EACCES)
		log_info("%s may not be looked into: feeds of its owner are "
			 "not shown (sudo tapfeed status)",
			 shown);
	else if (error == -EPERM)
		log_warning("%s is not looked into: it belongs to another "
			    "user, or others may write to it",
			    shown);
	else
		log_warning("%s: %s", shown,
			    error == -ENOTDIR || error == -ELOOP
				    ? "it is no directory"
				    : log_errno(-error));
}

const char *statussay_explain(int error)
{
	switch (error) {
	case -EACCES:
		return "it may not be asked: it is another user's";
	case -EPERM:
		return "it is not believed: another user listens there";
	case -ETIMEDOUT:
		return "it does not answer";
	case -EPROTO:
		return "it answers what nobody understands (another version of "
		       "tapfeed?)";
	case -EPIPE:
		return "it closed the connection (too many ask it at once, or "
		       "it is another version of tapfeed)";
	default:
		return log_errno(-error);
	}
}

bool statussay_among(const struct statusask *ask, const char *name)
{
	for (size_t i = 0; i < ask->count; i++)
		if (strcmp(ask->feeds[i].name, name) == 0)
			return true;
	return false;
}

int statussay_not_there(const struct statusask *ask, const char *name)
{
	char shown[80], names[400];
	size_t used = 0;

	escape_text(shown, sizeof(shown), name, strlen(name));
	names[0] = '\0';
	for (size_t i = 0; i < ask->count && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used,
					 "%s%s", i ? ", " : "",
					 ask->feeds[i].name);
	if (ask->count > 0)
		log_error("no feed %s runs; there are: %s", shown, names);
	else if (ask->closed)
		log_error("no feed %s of this user runs, and others may not be "
			  "asked",
			  shown);
	else
		log_error("no feed %s runs, nor any other", shown);
	return ask->closed ? TAPFEED_EXIT_PERMISSION : TAPFEED_EXIT_USAGE;
}
