/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock (landlock(7)), by its three system calls: libc has no wrappers. */
#ifndef TAPFEED_COMMON_LANDLOCK_H
#define TAPFEED_COMMON_LANDLOCK_H

/* Its version in this kernel; 0: it has none, or it is switched off. */
int landlock_abi(void);

/*
 * From here on this process opens no file, makes and removes none, neither
 * binds nor connects TCP, and reaches no abstract socket of and sends no signal
 * to a process outside, as far as the kernel knows how. dirs: descriptors of
 * directories in which sockets may be renamed and removed all the same, ended
 * by -1; NULL: none. read_dirs: those beneath which files may be read. Needs
 * no_new_privs. 0 (also where the kernel has no Landlock) or a negative errno.
 */
int landlock_seal(const int *dirs, const int *read_dirs);

#endif
