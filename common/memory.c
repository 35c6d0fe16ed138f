/* Memory whose size comes from a file or a user. */
#include "common/memory.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/error.h"

enum { ALIGNMENT = 64, HUGE_PAGE = 1 << 21 };

/* count * size, or SIZE_MAX where that is more than one object may have. */
static size_t product(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX - ALIGNMENT)
        return SIZE_MAX;
    return bytes;
}

int memory_allocate(void *out, size_t count, size_t size, const char *what)
{
    void *memory = NULL;
    size_t bytes = product(count, size);
    if (bytes != SIZE_MAX) {
        size_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        memory = aligned_alloc(ALIGNMENT, rounded > 0 ? rounded : ALIGNMENT);
    }
    /* `out` is the address of a pointer of any type; copied by bytes, which every type allows. */
    memcpy(out, &memory, sizeof memory);
    if (memory == NULL)
        return tidy_fail_memory(what, bytes);
    memset(memory, 0, bytes);
    return TIDY_OK;
}

int memory_grow(void *array, size_t *capacity, size_t needed, size_t size, const char *what)
{
    if (needed <= *capacity)
        return TIDY_OK;
    size_t grown = *capacity <= SIZE_MAX / 2 && *capacity * 2 > needed ? *capacity * 2 : needed;
    size_t bytes = product(grown, size);
    if (bytes == SIZE_MAX) {
        grown = needed;
        bytes = product(grown, size);
    }
    void *memory;
    memcpy(&memory, array, sizeof memory);
    memory = bytes != SIZE_MAX ? realloc(memory, bytes > 0 ? bytes : 1) : NULL;
    if (memory == NULL)
        return tidy_fail_memory(what, bytes);
    memcpy(array, &memory, sizeof memory);
    *capacity = grown;
    return TIDY_OK;
}

int memory_map(void *out, size_t count, size_t size, const char *what)
{
    size_t bytes = product(count, size);
    void *memory = MAP_FAILED;
    if (bytes != SIZE_MAX)
        memory = mmap(NULL, bytes > 0 ? bytes : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool mapped = memory != MAP_FAILED;
    memory = mapped ? memory : NULL;
    memcpy(out, &memory, sizeof memory);
    if (!mapped)
        return tidy_fail_memory(what, bytes);
    if (bytes >= HUGE_PAGE)
        madvise(memory, bytes, MADV_HUGEPAGE); /* fewer faults, where the system has such pages */
    return TIDY_OK;
}

void memory_unmap(void *memory, size_t count, size_t size)
{
    size_t bytes = product(count, size);
    if (memory != NULL)
        munmap(memory, bytes > 0 ? bytes : 1);
}

uint64_t memory_of_machine(void)
{
    return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}
