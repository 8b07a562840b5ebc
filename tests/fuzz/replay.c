/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs files through a fuzz target, where no fuzzer drives it: those it is
 * given (what a fuzzer has found), or for make check the target's corpus in the
 * source folder. TAP, one line.
 */
#include <config.h>

#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <limits.h>

/* The inputs are committed; a fuzzer's own are not much longer. */
#define INPUT_MAX ((size_t)4 << 20)

static int run_file(const char *path)
{
	static uint8_t buf[INPUT_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t size = 0;
	ssize_t n = -1;
	uint8_t *data;

	/* The log's last line names the input that ended it. */
	printf("# %s\n", path);
	fflush(stdout);
	if (fd >= 0)
		while ((n = read(fd, buf + size, sizeof(buf) - size)) > 0)
			size += (size_t)n;
	if (n < 0) {
		printf("not ok 1 - %s: %s\n", path, strerror(errno));
		return -1;
	}
	close(fd);
	data = fuzz_copy(buf, size);
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* The number of inputs, or -1; what went wrong is out. */
static int run_corpus(void)
{
	const char *srcdir = getenv("TAPFEED_SRCDIR");
	const char *target = program_invocation_short_name + strlen("fuzz_");
	char dir[PATH_MAX], path[2 * PATH_MAX];
	struct dirent **entries = NULL;
	int count, r = 0;

	snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s",
		 srcdir ? srcdir : ".", target);
	count = scandir(dir, &entries, is_input, alphasort);
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		free(entries[i]);
		if (r == 0)
			r = run_file(path);
	}
	free(entries);
	if (count <= 0)
		printf("not ok 1 - no inputs in %s\n", dir);
	return r < 0 || count <= 0 ? -1 : count;
}

int main(int argc, char **argv)
{
	int done = 0;

	puts("1..1");
	for (int i = 1; i < argc; i++)
		if (run_file(argv[i]) < 0)
			return 1;
	done = argc > 1 ? argc - 1 : run_corpus();
	if (done < 0)
		return 1;
	printf("ok 1 - %s takes %d inputs\n", program_invocation_short_name,
	       done);
	return 0;
}
