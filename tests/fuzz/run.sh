#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make fuzz: builds the fuzz targets with clang's libFuzzer, ASan and UBSan in ./fuzz of
# the build folder, runs each for FUZZ_SECONDS (60), FUZZ_JOBS (2) at a time, and prints
# a line for each. Fails where one crashes, hangs, leaks or takes over 1 GiB. What it
# found stays in fuzz/found, its corpus in fuzz/corpus: the next run goes on from there.
#
# FUZZ_TARGETS: names without "fuzz_"; all of them where it is not set.

seconds=${FUZZ_SECONDS:-60}
jobs=${FUZZ_JOBS:-2}
src=${TAPFEED_SRCDIR:?is set by make fuzz}
dir=${TAPFEED_BUILDDIR:?is set by make fuzz}/fuzz
targets=${FUZZ_TARGETS:-$(cd "$src/tests/fuzz" && ls fuzz_*.c | sed 's/^fuzz_\(.*\)\.c$/\1/')}
clang=${FUZZ_CC:-clang}

build()
{
	mkdir -p "$dir" && cd "$dir" || return
	[ -e Makefile ] || "$src/configure" CC="$clang" --enable-sanitize \
		CFLAGS="-g -O1 -fsanitize=fuzzer-no-link" || return
	env -u MAKEFLAGS -u MAKELEVEL make -j "$jobs" fuzz-programs \
		FUZZ_MAIN= LDFLAGS=-fsanitize=fuzzer
}

# number_of FIELD LOG: of libFuzzer's "stat::FIELD: N" lines.
number_of()
{
	sed -n "s/^stat::$1: *//p" "$2"
}

# One target, in a shell of its own: its line, and what it says where it fails.
if [ "$1" = one ]; then
	name=$2
	cd "$dir" || exit 1
	mkdir -p "corpus/$name" found
	"./tests/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
		-print_final_stats=1 -artifact_prefix="found/$name-" "corpus/$name" \
		"$src/tests/fuzz/corpus/$name" > "$name.log" 2>&1
	status=$?
	verdict=passed
	[ $status -eq 0 ] || verdict=FAILED
	printf '%-12s %s: %s executions, at most %s MB\n' "$name" $verdict \
		"$(number_of number_of_executed_units "$name.log")" \
		"$(number_of peak_rss_mb "$name.log")"
	[ $status -eq 0 ] || {
		tail -n 40 "$name.log"
		exit 1
	}
	exit 0
fi

command -v "$clang" > /dev/null || {
	echo "make fuzz needs clang with its compiler-rt (Debian: clang libclang-rt-14-dev)" >&2
	exit 1
}
build > "${dir%/*}/fuzz-build.log" 2>&1 || {
	tail -n 20 "${dir%/*}/fuzz-build.log" >&2
	echo "the fuzz targets do not build; the whole log is ${dir%/*}/fuzz-build.log" >&2
	exit 1
}
printf '%s\n' $targets | xargs -P "$jobs" -n 1 "${SHELL:-/bin/sh}" "$src/tests/fuzz/run.sh" one
