#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make install-setcap: after make install, lets the members of a group use tapfeed
# without sudo. Both files with a capability belong to root and are closed to others;
# what a member may do with them, tapfeed-policy.conf(5) says.
#
#     install-setcap.sh LIBEXECDIR GROUP POLICY-FILE

dir=$1
group=$2
policy=$3
PATH=$PATH:/usr/sbin:/sbin

refuse()
{
	echo "install-setcap: $*" >&2
	exit 1
}

[ $# -eq 3 ] || refuse "use make install-setcap"
[ -z "$DESTDIR" ] ||
	refuse "not with DESTDIR: an archive keeps neither capabilities nor the" \
		"number of a group; run it on the machine itself, behind make install"
[ "$(id -u)" = 0 ] || refuse "must be root: sudo make install-setcap"
command -v setcap > /dev/null ||
	refuse "setcap is missing: apt-get install libcap2-bin, or dnf install libcap"
getent group "$group" > /dev/null ||
	refuse "there is no group $group; type this line, then try again:" \
		"groupadd --system $group"

# Everything is looked at before anything is changed.
for name in tapfeed-privileged tapfeed-capture; do
	[ -f "$dir/$name" ] && [ ! -L "$dir/$name" ] ||
		refuse "$dir/$name is missing: make install first"
	case ,$(findmnt -n -o OPTIONS -T "$dir/$name" 2> /dev/null), in
	*,nosuid,*)
		refuse "$dir is on a file system that is mounted nosuid, where" \
			"capabilities of files do nothing: configure another --prefix," \
			"or: mount -o remount,suid $(findmnt -n -o TARGET -T "$dir/$name")" ;;
	esac
done

for row in tapfeed-privileged:cap_net_admin=p tapfeed-capture:cap_net_raw=p; do
	file=$dir/${row%%:*}
	# In this order: a new owner would take the capability away.
	chown "root:$group" "$file" && chmod 0750 "$file" &&
		setcap "${row#*:}" "$file" ||
		refuse "$file: see above; make install puts it back"
	echo "$file: root:$group, 0750, ${row#*:}"
done
echo "Members of the group $group may use tapfeed now: usermod -aG $group USER"
echo "What they may create and capture: $policy, tapfeed-policy.conf(5)"
