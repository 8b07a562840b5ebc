#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make install puts a first policy file in place, keeps one that is there, and make
# uninstall removes its own alone. TAP.

dir=${TAPFEED_BUILDDIR:-build}
root=$(mktemp -d) || exit 99
trap 'rm -rf "$root"' EXIT
conf=$root/etc/tapfeed/policy.conf
umask 002 # that of many users: the directory must not become group-writable

number=0
failed=0
# verdict NAME CONDITION...: ok where the condition holds.
verdict()
{
	name=$1
	shift
	number=$((number + 1))
	if "$@"; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		failed=1
	fi
}

target()
{
	env -u MAKEFLAGS -u MAKELEVEL make -s -C "$dir" "$1" DESTDIR="$root" sysconfdir=/etc
}

modes()
{
	[ "$(stat -c %a "$conf")" = 644 ] && [ "$(stat -c %a "$root/etc/tapfeed")" = 755 ]
}

says()
{
	[ "$(cat "$conf")" = "$1" ]
}

gone()
{
	[ ! -e "$root/etc/tapfeed" ]
}

echo 1..7
target install-policy
verdict "make install makes the file" cmp -s "$dir/examples/policy.conf" "$conf"
verdict "others may read and not write it" modes
target uninstall-policy
verdict "make uninstall removes it as it was installed" gone
target install-policy
echo "# changed" > "$conf"
target install-policy
verdict "make install keeps what is there" says "# changed"
target uninstall-policy
verdict "make uninstall keeps what was changed" says "# changed"
rm "$conf"
ln -s nowhere "$conf"
target install-policy
verdict "nothing is written through a symbolic link" [ ! -e "$root/etc/tapfeed/nowhere" ]
rm "$conf"
target uninstall-policy
verdict "make uninstall without a file succeeds" gone
exit $failed
