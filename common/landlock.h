/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock (landlock(7)), by its three system calls: libc has no wrappers. */
#ifndef TAPFEED_COMMON_LANDLOCK_H
#define TAPFEED_COMMON_LANDLOCK_H

/* landlock_allow(), or nothing. */
typedef int landlock_allowance(int ruleset, const int *dirs,
			       const int *read_dirs);

/* Its version in this kernel; 0: it has none, or it is switched off. */
int landlock_abi(void);

/*
 * Adds to a ruleset what is allowed all the same. dirs: descriptors of
 * directories in which sockets may be renamed and removed, ended by -1; NULL:
 * none. read_dirs: those beneath which files may be read. 0 or a negative
 * errno. In landlock_dirs.c: what needs no file does not link it.
 */
int landlock_allow(int ruleset, const int *dirs, const int *read_dirs);

/*
 * From here on this process opens no file, makes and removes none, neither
 * binds nor connects TCP, and reaches no abstract socket of and sends no signal
 * to a process outside, as far as the kernel knows how. allow: landlock_allow,
 * which is given the two; NULL: nothing is allowed. Needs no_new_privs. 0 (also
 * where the kernel has no Landlock) or a negative errno.
 */
int landlock_seal(landlock_allowance *allow, const int *dirs,
		  const int *read_dirs);

#endif
