#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each executable links directly to its own short list of libraries, and no more
# (HACKING.md, "Processes"). TAP.

dir=${TAPFEED_BUILDDIR:-build}

# executable, libraries it may link beyond libc and the loader
rows='privileged/tapfeed-privileged libcap libseccomp libmnl
injector/tapfeed-injector libcap libseccomp libprotobuf-c liburing
capture/tapfeed-capture libcap libseccomp libprotobuf-c libpcap libz libzstd
launcher/tapfeed libcap libseccomp libprotobuf-c libmnl libcyaml'

if ! command -v readelf > /dev/null; then
	echo "1..0 # SKIP readelf is not installed"
	exit 0
fi
if "$dir/launcher/tapfeed" --version | grep -q ASan; then
	echo "1..0 # SKIP sanitizer builds link more"
	exit 0
fi

echo 1..8
number=0
failed=0
while read -r program allowed; do
	number=$((number + 1))
	if ! needed=$(readelf -d "$dir/$program"); then
		echo "not ok $number - $program: readelf failed"
		failed=1
		continue
	fi
	needed=$(echo "$needed" | sed -n 's/.*(NEEDED).*\[\(.*\)\.so.*\].*/\1/p')
	extra=
	for library in $needed; do
		case " libc $allowed " in
		*" $library "*) ;;
		*) [ "${library#ld-linux}" != "$library" ] || extra="$extra $library" ;;
		esac
	done
	echo "# $program:" $needed
	if [ -z "$needed" ] || [ -n "$extra" ]; then
		echo "not ok $number - $program links what it may not:$extra"
		failed=1
	else
		echo "ok $number - $program links only what it may"
	fi
	number=$((number + 1))
	if readelf -d "$dir/$program" | grep -q BIND_NOW &&
		readelf -lW "$dir/$program" | grep -q GNU_RELRO &&
		readelf -h "$dir/$program" | grep -q 'Type:.*DYN'; then
		echo "ok $number - $program is PIE, its tables read-only"
	else
		echo "not ok $number - $program lacks PIE, RELRO or BIND_NOW"
		failed=1
	fi
done <<ROWS
$rows
ROWS
exit $failed
