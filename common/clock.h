/* SPDX-License-Identifier: Apache-2.0 */
/* Time as 64-bit nanoseconds. */
#ifndef TAPFEED_COMMON_CLOCK_H
#define TAPFEED_COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_US UINT64_C(1000)

/* "Never", for deadlines: later than every clock_now_ns(). */
#define CLOCK_NEVER UINT64_MAX

/* CLOCK_MONOTONIC; through the vDSO, so it makes no system call. */
static inline uint64_t clock_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* CLOCK_REALTIME, as the kernel stamps packets; somebody may set it. */
static inline uint64_t clock_real_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* From now to deadline, for ppoll(); 0 where the deadline has passed. */
static inline struct timespec clock_until(uint64_t now_ns, uint64_t deadline_ns)
{
	uint64_t left = deadline_ns > now_ns ? deadline_ns - now_ns : 0;

	return (struct timespec){
		.tv_sec = (time_t)(left / NS_PER_S),
		.tv_nsec = (long)(left % NS_PER_S),
	};
}

#endif
