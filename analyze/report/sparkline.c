/* Relative commands with steps of 1 are the shortest that there are, and dashes that touch are one. */
#include "analyze/report/sparkline.h"

#include <stdarg.h>
#include <stdio.h>

struct path {
    char *out; /* [SPARKLINE_BYTES + 1] */
    size_t used;
};

static void add(struct path *path, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct path *path, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int bytes = vsnprintf(path->out + path->used, SPARKLINE_BYTES + 1 - path->used, format, arguments);
    va_end(arguments);
    path->used += (size_t)bytes;
}

static bool has_level(const struct sparkline_bin *bins, int count, int bin)
{
    return bin >= 0 && bin < count && bins[bin].level >= 0;
}

/* A point in the middle of each bin. One without neighbours is a line of no length, which round ends show. */
static void add_curve(struct path *path, const struct sparkline_bin *bins, int count)
{
    int before = -1; /* the last bin with a point */
    for (int i = 0; i < count; i++) {
        if (!has_level(bins, count, i))
            continue;
        int across = i - before, down = before < 0 ? 0 : bins[i].level - bins[before].level;
        const char *between = down < 0 ? "" : " ";
        bool goes_on = has_level(bins, count, i + 1);
        if (before < 0 && i == 0)
            add(path, "M.5 %d", bins[i].level);
        else if (before < 0)
            add(path, "M%d.5 %d", i, bins[i].level);
        else if (before == i - 1)
            add(path, "%s%d%s%d", path->out[path->used - 1] == 'l' ? "" : " ", across, between, down);
        else
            add(path, "m%d%s%d", across, between, down);
        if (before != i - 1 || i == 0)
            add(path, goes_on ? "l" : "h0");
        before = i;
    }
}

static void add_dashes(struct path *path, const struct sparkline_bin *bins, int count)
{
    int before = -1; /* where the last dash ends */
    for (int i = 0; i < count; i++) {
        int length = 0;
        while (i + length < count && bins[i + length].forgotten)
            length++;
        if (length == 0)
            continue;
        if (before < 0)
            add(path, "M%d %dh%d", i, SPARKLINE_DASHES, length);
        else
            add(path, "m%d 0h%d", i - before, length);
        before = i += length;
    }
}

size_t sparkline_path(char *out, const struct sparkline_bin *bins, int count)
{
    struct path path = {.out = out};
    out[0] = 0;
    add_curve(&path, bins, count);
    add_dashes(&path, bins, count);
    return path.used;
}
