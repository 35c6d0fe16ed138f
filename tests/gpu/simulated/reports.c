/* What the simulator says: misuse, objects that were never destroyed, and the exit status that follows from
 * them. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/gpu/simulated/runtime.h"

void *simulator_allocate(size_t size)
{
    void *memory = calloc(1, size > 0 ? size : 1);
    if (memory == NULL) {
        fprintf(stderr, "simulated GPU: no memory for the simulator itself\n");
        abort();
    }
    return memory;
}

void *simulator_grow(void *array, size_t *room, size_t count, size_t item_size)
{
    if (count < *room)
        return array;
    *room = *room == 0 ? 64 : *room * 2;
    void *grown = simulator_allocate(*room * item_size);
    if (count > 0)
        memcpy(grown, array, count * item_size);
    free(array);
    return grown;
}

/* ---- misuse ---- */

static unsigned misuses;

void simulated_misuse(const char *function, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    runtime_lock();
    misuses++;
    fprintf(stderr, "simulated GPU: %s: %s\n", function, text);
    runtime_unlock();
}

/* ---- handles: a hash table with linear probing; entries stay when destroyed, and are taken again by address
 * ---- */

struct handle {
    const void *address; /* NULL: free */
    const char *kind;
    bool live;
};

static struct handle *handles;
static size_t handle_room, handle_count;

static struct handle *find_handle(const void *address)
{
    size_t i = ((uintptr_t)address >> 4) * 0x9e3779b97f4a7c15u & (handle_room - 1);
    while (handles[i].address != NULL && handles[i].address != address)
        i = (i + 1) & (handle_room - 1);
    return &handles[i];
}

static void make_room_for_handle(void)
{
    if (2 * (handle_count + 1) <= handle_room)
        return;
    struct handle *old = handles;
    size_t old_room = handle_room;
    handle_room = old_room == 0 ? 1024 : old_room * 2;
    handles = simulator_allocate(handle_room * sizeof *handles);
    for (size_t i = 0; i < old_room; i++)
        if (old[i].address != NULL)
            *find_handle(old[i].address) = old[i];
    free(old);
}

void simulated_handle_created(const char *kind, const void *handle)
{
    runtime_lock();
    make_room_for_handle();
    struct handle *entry = find_handle(handle);
    if (entry->address == NULL)
        handle_count++;
    *entry = (struct handle){handle, kind, true};
    runtime_unlock();
}

/* The entry where it is live and of the kind; otherwise reports. Under the lock. */
static struct handle *find_live(const char *function, const char *kind, const void *handle)
{
    struct handle *entry = handle != NULL && handles != NULL ? find_handle(handle) : NULL;
    if (handle == NULL)
        simulated_misuse(function, "NULL for a %s", kind);
    else if (entry == NULL || entry->address == NULL)
        simulated_misuse(function, "%p is no %s", handle, kind);
    else if (strcmp(entry->kind, kind) != 0)
        simulated_misuse(function, "%p is a %s, not a %s", handle, entry->kind, kind);
    else if (!entry->live)
        simulated_misuse(function, "%s %p was destroyed before", kind, handle);
    else
        return entry;
    return NULL;
}

bool simulated_handle_live(const char *function, const char *kind, const void *handle)
{
    runtime_lock();
    bool live = find_live(function, kind, handle) != NULL;
    runtime_unlock();
    return live;
}

bool simulated_handle_destroyed(const char *function, const char *kind, const void *handle)
{
    runtime_lock();
    struct handle *entry = find_live(function, kind, handle);
    if (entry != NULL)
        entry->live = false;
    runtime_unlock();
    return entry != NULL;
}

/* ---- the end of the process ---- */

static bool leak_report_is_off(void)
{
    const char *wish = getenv("SIMULATED_GPU_LEAKS");
    return wish != NULL && strcmp(wish, "off") == 0;
}

/* One line for each kind of object that was never destroyed. Returns whether there is one. */
static bool report_leaks(void)
{
    static const char *const memory_calls[MEMORY_KINDS] = {"cudaMalloc", "cudaMallocHost"};
    bool leaks = false;
    for (enum memory_kind kind = 0; kind < MEMORY_KINDS; kind++) {
        size_t count = memory_live_count(kind);
        if (count == 0)
            continue;
        fprintf(stderr, "simulated GPU: leak: %zu allocation(s) of %s, %zu bytes\n", count, memory_calls[kind],
                memory_live_bytes(kind));
        leaks = true;
    }
    for (size_t i = 0; i < handle_room; i++) {
        if (!handles[i].live)
            continue;
        const char *kind = handles[i].kind;
        size_t count = 0;
        for (size_t j = i; j < handle_room; j++) {
            if (handles[j].live && strcmp(handles[j].kind, kind) == 0) {
                handles[j].live = false;
                count++;
            }
        }
        fprintf(stderr, "simulated GPU: leak: %zu %s never destroyed\n", count, kind);
        leaks = true;
    }
    return leaks;
}

/* Runs after the destructors of all libraries that link this one. */
__attribute__((destructor)) static void end_process(void)
{
    memory_check_ends("at exit");
    faults_write_calls();
    bool leaks = !leak_report_is_off() && report_leaks();
    if (misuses == 0 && !leaks)
        return;
    fflush(NULL);
    _exit(misuses > 0 ? SIMULATED_MISUSE_STATUS : SIMULATED_LEAK_STATUS);
}
