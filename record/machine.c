/* Reads /proc and /sys/fs/cgroup; whatever is not there sets no limit. */
#include "record/machine.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads the first line of a file without its newline. Returns false where it cannot. */
static bool read_first_line(char *line, size_t size, const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    bool read = fgets(line, (int)size, file) != NULL;
    fclose(file);
    if (read)
        line[strcspn(line, "\n")] = 0;
    return read;
}

uint32_t machine_quota(const char *text)
{
    long long quota, period;
    if (sscanf(text, "%lld %lld", &quota, &period) != 2 || quota <= 0 || period <= 0)
        return 0;
    long long processors = quota / period + (quota % period != 0);
    return processors > UINT32_MAX ? 0 : (uint32_t)processors;
}

static uint32_t group_quota(const char *folder, bool version_2)
{
    char path[4096 + 64], line[128], quota[64], period[64];
    if (version_2) {
        snprintf(path, sizeof path, "%s/cpu.max", folder);
        return read_first_line(line, sizeof line, path) ? machine_quota(line) : 0;
    }
    snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
    if (!read_first_line(quota, sizeof quota, path))
        return 0;
    snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
    if (!read_first_line(period, sizeof period, path))
        return 0;
    snprintf(line, sizeof line, "%.60s %.60s", quota, period);
    return machine_quota(line);
}

static void lower(uint32_t *threads, uint32_t limit)
{
    if (limit > 0 && limit < *threads)
        *threads = limit;
}

/* A group is bound by the limits of all groups above it. */
static void lower_by_group(uint32_t *threads, const char *mount, const char *group, bool version_2)
{
    char folder[4096];
    if (snprintf(folder, sizeof folder, "%s%s", mount, group) >= (int)sizeof folder)
        return;
    size_t shortest = strlen(mount);
    for (;;) {
        lower(threads, group_quota(folder, version_2));
        char *slash = strrchr(folder, '/');
        if (slash == NULL || (size_t)(slash - folder) < shortest)
            break;
        *slash = 0;
    }
}

/* Lines of /proc/self/cgroup are HIERARCHY:CONTROLLERS:GROUP; version 2 has hierarchy 0 and no controllers. */
static void lower_by_groups(uint32_t *threads)
{
    FILE *file = fopen("/proc/self/cgroup", "r");
    if (file == NULL)
        return;
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, file) >= 0) {
        line[strcspn(line, "\n")] = 0;
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (group == NULL)
            continue;
        *controllers++ = 0;
        *group++ = 0;
        if (strcmp(line, "0") == 0)
            lower_by_group(threads, "/sys/fs/cgroup", group, true);
        else if (strcmp(controllers, "cpu") == 0 || strncmp(controllers, "cpu,", 4) == 0 ||
                 strstr(controllers, ",cpu,") != NULL)
            lower_by_group(threads, "/sys/fs/cgroup/cpu", group, false);
    }
    free(line);
    fclose(file);
}

static uint32_t processors(int which)
{
    long count = sysconf(which);
    return count < 1 ? 1 : (uint32_t)count;
}

uint32_t machine_threads(void)
{
    uint32_t threads = processors(_SC_NPROCESSORS_ONLN);
    cpu_set_t mask;
    if (sched_getaffinity(0, sizeof mask, &mask) == 0) /* fails above 1,024 processors: then no mask counts */
        lower(&threads, (uint32_t)CPU_COUNT(&mask));
    lower_by_groups(&threads);
    return threads;
}

static void processor_name(char *name, size_t size)
{
    snprintf(name, size, "unknown processor");
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (file == NULL)
        return;
    char line[512];
    while (fgets(line, sizeof line, file) != NULL) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || colon == NULL)
            continue;
        colon += 1 + strspn(colon + 1, " \t");
        colon[strcspn(colon, "\n")] = 0;
        snprintf(name, size, "%s", colon);
        break;
    }
    fclose(file);
}

void machine_describe(char *text, size_t size)
{
    char name[256];
    processor_name(name, sizeof name);
    uint32_t usable = machine_threads(), all = processors(_SC_NPROCESSORS_ONLN);
    if (usable < all)
        snprintf(text, size, "%s, %u of %u processors", name, usable, all);
    else
        snprintf(text, size, "%s, %u processors", name, all);
}
