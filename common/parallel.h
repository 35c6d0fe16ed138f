/* Work in shares that several threads take: the result of each is the same whoever takes it. */
#ifndef TIDY_COMMON_PARALLEL_H
#define TIDY_COMMON_PARALLEL_H

#include <stddef.h>

struct parallel; /* threads that wait for work */

/* Starts a thread for each processor that the process may use, but for one: the caller is the first thread. There are
 * at most `most` (at least 1), and where the system has fewer threads left, these do. Error: no memory. Ended with parallel_destroy; NULL is allowed there. */
int parallel_create(struct parallel **out, size_t most);
void parallel_destroy(struct parallel *parallel);

/* Threads that parallel_create would have at the most, the caller's among them; at least 1. */
unsigned parallel_available(void);

/* Sets that number for the whole process, whatever the machine has; 0: back to that. */
void parallel_set_available(unsigned threads);

/* Threads of this one, the caller's among them. */
unsigned parallel_threads(const struct parallel *parallel);

/* Calls run(context, share, thread) once for each share below `shares`, in any order, `thread` being below
 * parallel_threads and at one share at a time. Returns when all are done. So that a sum does not depend on the threads,
 * each share has one of its own, and the caller adds these up in their order. */
void parallel_run(struct parallel *parallel, size_t shares,
                  void (*run)(void *context, size_t share, unsigned thread), void *context);

#endif
