/* What this machine is: how many threads may run here, and its name for the log. */
#ifndef TIDY_RECORD_MACHINE_H
#define TIDY_RECORD_MACHINE_H

#include <stddef.h>
#include <stdint.h>

/* Processors that this process may use: its affinity mask, and the control groups' time limits (rounded up). At
 * least 1. */
uint32_t machine_threads(void);

/* Writes "AMD EPYC 7763, 8 of 64 processors" (or "..., 64 processors") into text. */
void machine_describe(char *text, size_t size);

/* The limit in processors, rounded up, that a control group's files state: version 2's cpu.max ("200000 100000", or
 * "max 100000"), version 1's cpu.cfs_quota_us and cpu.cfs_period_us joined by a space ("-1 100000").
 * 0 where there is none. */
uint32_t machine_quota(const char *text);

#endif
