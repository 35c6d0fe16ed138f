/* Call sites and wanted faults. A call site is a function and the place that it is called from; sites are numbered
 * from 1 in the order of their first call.
 *
 * SIMULATED_GPU_FAULT=N      the first call from site N fails, with an error that it can give
 * SIMULATED_GPU_FAULT=N:M    the M-th call from site N
 * ...:sticky                 that call finds the device lost: it and all later ones fail, no waiting work ever runs
 * SIMULATED_GPU_CALLS=FILE   at exit FILE gets a line for each site: number, calls, function, tab-separated */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/gpu/simulated/runtime.h"

struct site {
    char *function;
    const void *caller;
    uint64_t calls;
};

static struct site *sites;
static size_t site_count, site_room;
static bool lost;

static struct {
    bool read, sticky;
    uint64_t site, call; /* site 0: no fault is wanted */
} wish;

static void refuse_wish(const char *text)
{
    fprintf(stderr, "simulated GPU: SIMULATED_GPU_FAULT=%s: not SITE[:CALL][:sticky]\n", text);
    exit(SIMULATED_MISUSE_STATUS);
}

static void read_wish(void)
{
    wish.read = true;
    const char *text = getenv("SIMULATED_GPU_FAULT");
    if (text == NULL || text[0] == '\0')
        return;
    char *end;
    errno = 0;
    wish.site = strtoull(text, &end, 10);
    wish.call = 1;
    if (end[0] == ':' && end[1] >= '0' && end[1] <= '9')
        wish.call = strtoull(end + 1, &end, 10);
    if (strcmp(end, ":sticky") == 0)
        wish.sticky = true;
    else if (end[0] != '\0')
        refuse_wish(text);
    if (errno != 0 || wish.site == 0 || wish.call == 0)
        refuse_wish(text);
}

static size_t find_site(const char *function, const void *caller)
{
    for (size_t i = 0; i < site_count; i++)
        if (sites[i].caller == caller && strcmp(sites[i].function, function) == 0)
            return i;
    sites = simulator_grow(sites, &site_room, site_count, sizeof *sites);
    /* A copy: a kernel's name is gone when its library is unloaded, before the calls are written. */
    sites[site_count] = (struct site){strdup(function), caller, 0};
    return site_count++;
}

enum simulated_outcome simulated_call_from(const char *function, const void *caller)
{
    enum simulated_outcome outcome = SIMULATED_GOES_ON;
    runtime_lock();
    if (!wish.read)
        read_wish();
    size_t site = find_site(function, caller);
    sites[site].calls++;
    if (site + 1 == wish.site && sites[site].calls == wish.call) {
        lost = wish.sticky;
        outcome = SIMULATED_CALL_FAILS;
    }
    if (lost)
        outcome = SIMULATED_DEVICE_LOST;
    runtime_unlock();
    return outcome;
}

bool faults_device_lost(void)
{
    return lost;
}

void faults_write_calls(void)
{
    const char *path = getenv("SIMULATED_GPU_CALLS");
    if (path == NULL)
        return;
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        simulated_misuse("SIMULATED_GPU_CALLS", "%s: %s", path, strerror(errno));
        return;
    }
    for (size_t i = 0; i < site_count; i++)
        fprintf(file, "%zu\t%" PRIu64 "\t%s\n", i + 1, sites[i].calls, sites[i].function);
    if (fclose(file) != 0)
        simulated_misuse("SIMULATED_GPU_CALLS", "%s: %s", path, strerror(errno));
}
