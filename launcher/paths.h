/* SPDX-License-Identifier: Apache-2.0 */
/* Where the other executables are. No environment variable has a say. */
#ifndef TAPFEED_LAUNCHER_PATHS_H
#define TAPFEED_LAUNCHER_PATHS_H

/*
 * The path of the executable of that name, allocated for the program's life: in
 * libexecdir where tapfeed itself runs from bindir, else in the build tree that
 * holds tapfeed ("../FOLDER/NAME"), else in libexecdir. NULL: no memory.
 */
char *paths_find(const char *folder, const char *name);

#endif
