/* Memory whose size comes from a file or a user: products are checked for overflow, failure is a message. */
#ifndef TIDY_COMMON_MEMORY_H
#define TIDY_COMMON_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Allocates count * size bytes, zeroed, aligned to 64 bytes (a cache line, the widest vector).
 * On success sets *out (never NULL, even for 0 bytes), which the caller frees with free(). On overflow or
 * lack of memory sets *out = NULL and returns TIDY_FAILED with a message that names `what`. */
int memory_allocate(void *out, size_t count, size_t size, const char *what);

/* Grows *array (items of `size` bytes, *capacity of them, may start as NULL and 0) to hold `needed` items,
 * at least doubling. New bytes are not set. On failure the array stays as it was. */
int memory_grow(void *array, size_t *capacity, size_t needed, size_t size, const char *what);

/* The same for arrays of many samples: pages of their own, zero, that cost nothing before they are touched, by whichever
 * thread. Given back with memory_unmap of the same count and size, which allows NULL. */
int memory_map(void *out, size_t count, size_t size, const char *what);
void memory_unmap(void *memory, size_t count, size_t size);

/* Bytes of memory that the machine has. Linux grants more than that and kills who uses it, so sums of many samples are
 * held against it beforehand. */
uint64_t memory_of_machine(void);

#endif
