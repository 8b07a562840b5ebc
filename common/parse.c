/* SPDX-License-Identifier: Apache-2.0 */
/* Values as people type them. Input is hostile: arguments of any caller. */
#include <config.h>

#include "common/parse.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

#define DURATION_MAX_NS (UINT64_C(10) * 365 * 24 * 3600 * NS_PER_S)

/* Of numbers that are kept in millionths. */
#define DECIMALS       6
#define MILLION	       UINT64_C(1000000)
#define MILLIONTHS_MAX (UINT64_C(1000000000000) * MILLION)

static const char digits[] = "0123456789";

int parse_number(const char *text, uint64_t min, uint64_t max,
		 uint64_t *ret_value)
{
	unsigned long long value;
	size_t len = strspn(text, digits);

	if (len == 0 || text[len] != '\0')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, NULL, 10);
	if (errno || value < min || value > max)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

/*
 * Reads a number with up to six decimals, in millionths, at most
 * MILLIONTHS_MAX of them; *ret_rest: what follows it. 0, -EINVAL or -ERANGE.
 */
static int read_millionths(const char *text, uint64_t *ret_millionths,
			   const char **ret_rest)
{
	size_t whole = strspn(text, digits), decimals = 0;
	uint64_t value = 0;

	if (whole == 0)
		return -EINVAL;
	if (text[whole] == '.') {
		decimals = strspn(text + whole + 1, digits);
		if (decimals == 0 || decimals > DECIMALS)
			return -EINVAL;
	}
	*ret_rest = text + whole + (decimals ? 1 + decimals : 0);
	for (size_t i = 0; i < whole + DECIMALS; i++) {
		size_t at = i < whole ? i : i + 1; /* behind the point */
		bool there = i < whole + decimals;

		value = value * 10 + (there ? (uint64_t)(text[at] - '0') : 0);
		if (value > MILLIONTHS_MAX)
			return -ERANGE;
	}
	*ret_millionths = value;
	return 0;
}

int parse_millionths(const char *text, uint64_t min, uint64_t max,
		     uint64_t *ret_millionths)
{
	const char *rest;
	uint64_t value;
	int r = read_millionths(text, &value, &rest);

	if (r < 0 || *rest)
		return r < 0 ? r : -EINVAL;
	if (value < min || value > max)
		return -ERANGE;
	*ret_millionths = value;
	return 0;
}

int parse_scaled(const char *text, uint64_t min, uint64_t max,
		 uint64_t *ret_value)
{
	static const char units[] = "kMGT";
	unsigned __int128 value;
	const char *rest, *unit;
	uint64_t millionths;
	int r = read_millionths(text, &millionths, &rest);

	if (r < 0)
		return r;
	value = millionths;
	if (*rest) {
		unit = strchr(units, *rest);
		if (!unit || rest[1])
			return -EINVAL;
		for (const char *u = units; u <= unit; u++)
			value *= 1000;
	}
	if (value % MILLION != 0)
		return -EINVAL;
	value /= MILLION;
	if (value < min || value > max)
		return -ERANGE;
	*ret_value = (uint64_t)value;
	return 0;
}

int parse_duration(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = {
		{ "", 1e9 },  { "ns", 1 },   { "us", 1e3 },   { "ms", 1e6 },
		{ "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 },
	};
	size_t len = strspn(text, digits);
	double value;

	if (len == 0)
		return -EINVAL;
	if (text[len] == '.') {
		size_t fraction = strspn(text + len + 1, digits);

		if (fraction == 0)
			return -EINVAL;
		len += 1 + fraction;
	}
	value = strtod(text, NULL);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text + len, units[i].unit) != 0)
			continue;
		if (value * units[i].ns > (double)DURATION_MAX_NS)
			return -ERANGE;
		*ret_ns = (uint64_t)(value * units[i].ns + 0.5);
		return 0;
	}
	return -EINVAL;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int parse_mac(const char *text, uint8_t ret_mac[6])
{
	static const uint8_t zero[6];
	uint8_t mac[6];

	if (strlen(text) != 17)
		return -EINVAL;
	for (size_t i = 0; i < 6; i++) {
		int high = hex_digit(text[i * 3]);
		int low = hex_digit(text[i * 3 + 1]);

		if (high < 0 || low < 0 || (i < 5 && text[i * 3 + 2] != ':'))
			return -EINVAL;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	if ((mac[0] & 1) || memcmp(mac, zero, 6) == 0)
		return -EINVAL;
	memcpy(ret_mac, mac, 6);
	return 0;
}
