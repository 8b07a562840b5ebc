#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sizes and file heads that the house style asks for (HACKING.md). TAP.

cd "${TAPFEED_SRCDIR:-.}" || exit 99
folders="privileged capture injector launcher common proto tests"
sources=$(find $folders -name '*.[ch]' -o -name '*.py' -o -name '*.sh' \
	-o -name '*.proto')
others=$(find . -maxdepth 2 \( -name Makefile.am -o -name Local.am \
	-o -name configure.ac -o -name quickstart \) -not -path './build*' \
	-not -path './tapfeed-*')
[ ! -e .ci/run ] || others="$others .ci/run"

FILE_MAX=600
PRIVILEGED_MAX=700

number=0
failed=0
# verdict NAME OFFENDERS...: ok where there is none.
verdict()
{
	name=$1
	shift
	number=$((number + 1))
	if [ $# -eq 0 ]; then
		echo "ok $number - $name"
		return
	fi
	echo "not ok $number - $name"
	printf '# %s\n' "$@"
	failed=1
}

echo 1..4
verdict "every file is at most $FILE_MAX lines" \
	$(wc -l $sources | awk -v max=$FILE_MAX '$2 != "total" && $1 > max { print $2 ":" $1 }')
verdict "every file begins with its SPDX line" \
	$(for file in $sources $others; do
		head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || echo "$file"
	done)
verdict "every header has the guard of its path" \
	$(for file in $(find $folders -name '*.h'); do
		guard=TAPFEED_$(echo "${file%.h}" | tr 'a-z/-' 'A-Z__')_H
		grep -q "^#ifndef $guard\$" "$file" || echo "$file:$guard"
	done)
lines=$(cat privileged/*.[ch] | wc -l)
echo "# privileged/: $lines lines of C, at most $PRIVILEGED_MAX"
verdict "privileged/ stays small" $([ "$lines" -le $PRIVILEGED_MAX ] || echo "$lines")
exit $failed
