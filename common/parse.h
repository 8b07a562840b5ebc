/* SPDX-License-Identifier: Apache-2.0 */
/* Values as people type them. Each takes the whole text or refuses it. */
#ifndef TAPFEED_COMMON_PARSE_H
#define TAPFEED_COMMON_PARSE_H

#include <stdint.h>

/* A decimal number from min to max. 0, -EINVAL or -ERANGE. */
int parse_number(const char *text, uint64_t min, uint64_t max,
		 uint64_t *ret_value);

/* The same with up to six decimals, in millionths; min and max too. */
int parse_millionths(const char *text, uint64_t min, uint64_t max,
		     uint64_t *ret_millionths);

/*
 * A whole number from min to max, written with k, M, G or T (10^3 to 10^12) and
 * decimals or not: 2.5k is 2500. 0, -EINVAL or -ERANGE.
 */
int parse_scaled(const char *text, uint64_t min, uint64_t max,
		 uint64_t *ret_value);

/*
 * A duration: a number, with a fraction or not, and ns, us, ms, s, m or h
 * (none: seconds), at most ten years. 0, -EINVAL or -ERANGE.
 */
int parse_duration(const char *text, uint64_t *ret_ns);

/* Six bytes in hexadecimal with colons, not multicast, not zero. 0 or -EINVAL.
 */
int parse_mac(const char *text, uint8_t ret_mac[6]);

#endif
