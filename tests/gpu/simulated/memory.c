/* Simulated memory: device memory, which the host cannot touch, and pinned memory of the host.
 *
 * Each kind has its own part of the address space. Allocations get pages of their own with an inaccessible gap
 * behind them, end at the end of a page (rounded up to 256 bytes), and their addresses are never given again: an
 * access to freed memory or past the end faults, and the handler of SIGSEGV says what was touched. Device memory is
 * inaccessible but between memory_open and memory_close. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/gpu/simulated/runtime.h"

enum { PAGE = 4096, LARGE_PAGE = 2 << 20, ALIGNMENT = 256, GAP = 1 << 20, END_MARK = 0xa5 };

/* Far from where programs, libraries, heaps and stacks lie. The first 2 GiB of a region stay unused, so that a
 * small number beside the upper half of an old address, as padding may hold it, is no address that was ever
 * allocated. */
#define REGION_START ((uintptr_t)0x5a5a00000000)
#define REGION_SIZE ((size_t)1 << 40)
#define REGION_UNUSED ((size_t)1 << 31)

struct allocation {
    unsigned char *address, *pages; /* pages: where its first page begins */
    size_t size;                    /* as asked for */
    size_t page_bytes;
    bool live;
};

struct region {
    unsigned char *start, *next;
    struct allocation *allocations; /* ascending by address */
    size_t count, room;
};

static struct region regions[MEMORY_KINDS];
static const char *const kind_names[MEMORY_KINDS] = {"device", "pinned"};

static unsigned open_count;
static const char *running_work; /* whose accesses the handler reports while memory is open */

/* ---- finding ---- */

bool memory_in_region(enum memory_kind kind, const void *address)
{
    uintptr_t start = REGION_START + (uintptr_t)kind * REGION_SIZE;
    return (uintptr_t)address >= start && (uintptr_t)address < start + REGION_SIZE;
}

bool memory_was_given(enum memory_kind kind, const void *address)
{
    const struct region *region = &regions[kind];
    return region->start != NULL && (uintptr_t)address >= (uintptr_t)region->start + REGION_UNUSED &&
           (uintptr_t)address < (uintptr_t)region->next;
}

/* The last allocation, live or not, that begins at or below the address; -1: none. */
static ptrdiff_t find_below(const struct region *region, const void *address)
{
    size_t low = 0, high = region->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if ((uintptr_t)region->allocations[middle].address <= (uintptr_t)address)
            low = middle + 1;
        else
            high = middle;
    }
    return (ptrdiff_t)low - 1;
}

ptrdiff_t memory_find(enum memory_kind kind, const void *address, bool end)
{
    const struct region *region = &regions[kind];
    ptrdiff_t i = find_below(region, address);
    if (i < 0 || !region->allocations[i].live)
        return -1;
    size_t offset = (size_t)((uintptr_t)address - (uintptr_t)region->allocations[i].address);
    return offset < region->allocations[i].size + (end ? 1 : 0) ? i : -1;
}

bool memory_holds(enum memory_kind kind, const void *address, size_t size)
{
    ptrdiff_t i = memory_find(kind, address, size == 0);
    if (i < 0)
        return false;
    const struct allocation *found = &regions[kind].allocations[i];
    return size <= found->size - (size_t)((uintptr_t)address - (uintptr_t)found->address);
}

size_t memory_live_count(enum memory_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < regions[kind].count; i++)
        count += regions[kind].allocations[i].live;
    return count;
}

size_t memory_live_bytes(enum memory_kind kind)
{
    size_t bytes = 0;
    for (size_t i = 0; i < regions[kind].count; i++)
        bytes += regions[kind].allocations[i].live ? regions[kind].allocations[i].size : 0;
    return bytes;
}

/* Writes where the address is: "1024 bytes into an allocation of 4096 bytes". */
static void describe(enum memory_kind kind, const void *address, char *text, size_t room)
{
    const struct region *region = &regions[kind];
    ptrdiff_t i = find_below(region, address);
    if (i < 0) {
        snprintf(text, room, "where no %s memory was ever allocated", kind_names[kind]);
        return;
    }
    const struct allocation *found = &region->allocations[i];
    size_t offset = (size_t)((uintptr_t)address - (uintptr_t)found->address);
    if (offset >= found->size)
        snprintf(text, room, "%zu bytes past the end of an allocation of %zu bytes", offset - found->size,
                 found->size);
    else
        snprintf(text, room, "%zu bytes into an allocation of %zu bytes%s", offset, found->size,
                 found->live ? "" : " that was freed");
}

bool simulated_device_range(const char *function, const void *address, size_t size)
{
    runtime_lock();
    bool holds = memory_holds(MEMORY_DEVICE, address, size);
    if (!holds && !memory_in_region(MEMORY_DEVICE, address)) {
        simulated_misuse(function, "%p is no device memory", address);
    } else if (!holds) {
        char place[128];
        describe(MEMORY_DEVICE, address, place, sizeof place);
        simulated_misuse(function, "%zu bytes of device memory from %p, %s", size, address, place);
    }
    runtime_unlock();
    return holds;
}

bool simulated_is_device_address(const void *address)
{
    return memory_in_region(MEMORY_DEVICE, address);
}

/* ---- bad accesses ---- */

static struct sigaction previous_action;

/* Ends the process where simulated memory was touched that may not be; otherwise hands on to the handler before. */
static void handle_fault(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    for (enum memory_kind kind = 0; kind < MEMORY_KINDS; kind++) {
        if (!memory_in_region(kind, info->si_addr))
            continue;
        char place[128], line[512];
        describe(kind, info->si_addr, place, sizeof place);
        int length = open_count > 0
                         ? snprintf(line, sizeof line, "simulated GPU: %s: access to %s memory at %p, %s\n",
                                    running_work, kind_names[kind], info->si_addr, place)
                         : snprintf(line, sizeof line, "simulated GPU: host access to %s memory at %p, %s\n",
                                    kind_names[kind], info->si_addr, place);
        if (length > 0 && write(STDERR_FILENO, line, (size_t)length) < 0)
            _exit(SIMULATED_MISUSE_STATUS);
        _exit(SIMULATED_MISUSE_STATUS);
    }
    /* The access is repeated when this returns, and faults again. */
    sigaction(SIGSEGV, &previous_action, NULL);
}

/* Called when the first memory of a kind is made, after handlers that the program installs when it starts. */
static void install_handler(void)
{
    struct sigaction action = {.sa_sigaction = handle_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    struct sigaction before;
    sigaction(SIGSEGV, &action, &before);
    if (before.sa_sigaction != handle_fault)
        previous_action = before;
}

/* ---- allocating ---- */

static void *checked_map(void *address, size_t size, int protection, int flags)
{
    void *mapped = mmap(address, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
    if (mapped == MAP_FAILED || mapped != address) {
        perror("simulated GPU: mmap of simulated memory");
        abort();
    }
    return mapped;
}

static void protect(const struct allocation *allocation, int protection)
{
    if (mprotect(allocation->pages, allocation->page_bytes, protection) != 0) {
        perror("simulated GPU: mprotect of simulated memory");
        abort();
    }
}

static size_t round_up(size_t size, size_t unit)
{
    return (size + unit - 1) / unit * unit;
}

/* The bytes behind the allocation that its rounding to 256 makes accessible. */
static size_t end_bytes(const struct allocation *allocation)
{
    return round_up(allocation->size, ALIGNMENT) - allocation->size;
}

void *memory_allocate_simulated(enum memory_kind kind, size_t size)
{
    struct region *region = &regions[kind];
    if (region->start == NULL) {
        region->start = checked_map((void *)(REGION_START + (uintptr_t)kind * REGION_SIZE), REGION_SIZE, PROT_NONE,
                                    MAP_FIXED_NOREPLACE);
        region->next = region->start + REGION_UNUSED;
        install_handler();
    }
    size_t left = REGION_SIZE - (size_t)(region->next - region->start);
    if (size > left || left - size < 3 * (size_t)LARGE_PAGE)
        return NULL;
    /* Large memory in large pages: its protection changes at each wait, page by page. */
    bool large = size >= LARGE_PAGE;
    size_t page_bytes = round_up(size, large ? LARGE_PAGE : PAGE);
    if (large)
        region->next = region->start + round_up((size_t)(region->next - region->start), LARGE_PAGE);
    struct allocation new = {.pages = region->next, .size = size, .page_bytes = page_bytes, .live = true};
    new.address = new.pages + page_bytes - round_up(size, ALIGNMENT);
    protect(&new, PROT_READ | PROT_WRITE);
    if (large)
        madvise(new.pages, page_bytes, MADV_HUGEPAGE); /* where it cannot be, it is only slower */
    memset(new.pages, MEMORY_POISON, page_bytes);
    memset(new.address + size, END_MARK, end_bytes(&new));
    if (kind == MEMORY_DEVICE && open_count == 0)
        protect(&new, PROT_NONE);
    region->next += page_bytes + GAP;
    region->allocations = simulator_grow(region->allocations, &region->room, region->count, sizeof new);
    region->allocations[region->count++] = new;
    return new.address;
}

bool memory_free_simulated(enum memory_kind kind, void *address)
{
    ptrdiff_t i = memory_find(kind, address, true);
    if (i < 0 || regions[kind].allocations[i].address != address)
        return false;
    struct allocation *freed = &regions[kind].allocations[i];
    freed->live = false;
    checked_map(freed->pages, freed->page_bytes, PROT_NONE,
                MAP_FIXED); /* gives the pages back, keeps the addresses */
    return true;
}

/* ---- access by enqueued work ---- */

static void protect_device(int protection)
{
    const struct region *region = &regions[MEMORY_DEVICE];
    for (size_t i = 0; i < region->count; i++)
        if (region->allocations[i].live)
            protect(&region->allocations[i], protection);
}

void memory_open(const char *work)
{
    running_work = work;
    if (open_count++ == 0)
        protect_device(PROT_READ | PROT_WRITE);
}

void memory_close(void)
{
    if (--open_count == 0)
        protect_device(PROT_NONE);
}

void memory_check_ends(const char *work)
{
    memory_open(work);
    for (enum memory_kind kind = 0; kind < MEMORY_KINDS; kind++) {
        for (size_t i = 0; i < regions[kind].count; i++) {
            struct allocation *allocation = &regions[kind].allocations[i];
            if (!allocation->live)
                continue;
            unsigned char *end = allocation->address + allocation->size;
            for (size_t j = 0; j < end_bytes(allocation); j++) {
                if (end[j] == END_MARK)
                    continue;
                simulated_misuse(work, "%s memory was written %zu bytes past the end of an allocation of %zu bytes",
                                 kind_names[kind], j, allocation->size);
                memset(end, END_MARK, end_bytes(allocation));
                break;
            }
        }
    }
    memory_close();
}

/* ---- the calls ---- */

/* "CUDA Runtime API", Memory Management, cudaMalloc: aligned for any kind of variable, not cleared;
 * cudaErrorMemoryAllocation where there is not enough; cudaErrorInvalidValue for no place to put the pointer. CUDA
 * C++ Programming Guide, "Device Memory Accesses": at least 256-byte aligned. Zero bytes give NULL, as cudaMalloc
 * is observed to do. Unsafe while a stream captures: see capture_refuses. */
cudaError_t cudaMalloc(void **pointer, size_t size)
{
    cudaError_t error = runtime_enter("cudaMalloc");
    if (error == cudaSuccess)
        error = capture_refuses("cudaMalloc");
    if (error == cudaSuccess && pointer == NULL)
        error = cudaErrorInvalidValue;
    if (error == cudaSuccess) {
        *pointer = NULL;
        size_t used = memory_live_bytes(MEMORY_DEVICE);
        if (used > scenario_memory() || size > scenario_memory() - used)
            error = cudaErrorMemoryAllocation;
        else if (size > 0 && (*pointer = memory_allocate_simulated(MEMORY_DEVICE, size)) == NULL)
            error = cudaErrorMemoryAllocation;
    }
    return runtime_leave(error);
}

/* "CUDA Runtime API", Memory Management, cudaMallocHost: page-locked memory of the host; cudaErrorMemoryAllocation
 * where there is not enough. No alignment is promised there: here it is 256 bytes. */
cudaError_t cudaMallocHost(void **pointer, size_t size)
{
    cudaError_t error = runtime_enter("cudaMallocHost");
    if (error == cudaSuccess)
        error = capture_refuses("cudaMallocHost");
    if (error == cudaSuccess && pointer == NULL)
        error = cudaErrorInvalidValue;
    if (error == cudaSuccess) {
        *pointer = NULL;
        if (size > 0 && (*pointer = memory_allocate_simulated(MEMORY_PINNED, size)) == NULL)
            error = cudaErrorMemoryAllocation;
    }
    return runtime_leave(error);
}

/* Frees memory that no waiting work uses. */
static cudaError_t free_memory(enum memory_kind kind, const char *function, void *address)
{
    if (address == NULL)
        return cudaSuccess;
    ptrdiff_t allocation = memory_find(kind, address, true);
    const char *user;
    if (allocation >= 0 && streams_use(kind, allocation, &user))
        simulated_misuse(function, "%p is used by %s, which waits to run: the stream was not waited for", address,
                         user);
    memory_check_ends(function);
    if (memory_free_simulated(kind, address))
        return cudaSuccess;
    char place[128] = "which is neither device nor pinned memory";
    for (enum memory_kind other = 0; other < MEMORY_KINDS; other++)
        if (memory_in_region(other, address))
            describe(other, address, place, sizeof place);
    simulated_misuse(function, "%p, %s", address, place);
    return cudaErrorInvalidValue;
}

/* "CUDA Runtime API", Memory Management, cudaFree: what cudaMalloc returned, once; NULL does nothing; anything else
 * is cudaErrorInvalidValue. It "may perform implicit synchronization": nothing can be built on that, so memory that
 * waiting work uses is misuse here. */
cudaError_t cudaFree(void *pointer)
{
    cudaError_t failed = runtime_enter("cudaFree");
    cudaError_t error = capture_refuses("cudaFree");
    if (error == cudaSuccess)
        error = free_memory(MEMORY_DEVICE, "cudaFree", pointer);
    return runtime_leave(failed != cudaSuccess ? failed : error);
}

/* "CUDA Runtime API", Memory Management, cudaFreeHost: what cudaMallocHost returned, once; else
 * cudaErrorInvalidValue. Nothing says that it waits for copies, so memory that waiting work uses is misuse. */
cudaError_t cudaFreeHost(void *pointer)
{
    cudaError_t failed = runtime_enter("cudaFreeHost");
    cudaError_t error = capture_refuses("cudaFreeHost");
    if (error == cudaSuccess)
        error = free_memory(MEMORY_PINNED, "cudaFreeHost", pointer);
    return runtime_leave(failed != cudaSuccess ? failed : error);
}

/* "CUDA Runtime API", Memory Management, cudaMemGetInfo: bytes free and in total. */
cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total)
{
    cudaError_t error = runtime_enter("cudaMemGetInfo");
    if (error == cudaSuccess && (free_bytes == NULL || total == NULL))
        error = cudaErrorInvalidValue;
    if (error == cudaSuccess) {
        *total = scenario_memory();
        *free_bytes = *total - memory_live_bytes(MEMORY_DEVICE);
    }
    return runtime_leave(error);
}
