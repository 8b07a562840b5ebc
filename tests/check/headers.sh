#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each header compiles alone, so it includes what it needs. TAP.

src=${TAPFEED_SRCDIR:-.}
build=${TAPFEED_BUILDDIR:-build}
headers=$(cd "$src" && find privileged capture injector launcher common proto tests \
	-name '*.h' | sort)

echo "1..$(echo "$headers" | wc -w)"
number=0
failed=0
for header in $headers; do
	number=$((number + 1))
	if message=$(printf '#include <config.h>\n#include "%s"\n' "$header" |
		${CC:-cc} -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only \
			-I"$src" -I"$build" -x c - 2>&1); then
		echo "ok $number - $header"
	else
		echo "not ok $number - $header"
		echo "$message" | sed 's/^/# /'
		failed=1
	fi
done
exit $failed
