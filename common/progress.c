/* Progress on stderr: a live line is redrawn in place; before anything else is printed it is cleared. */
#include "common/progress.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define SECONDS_BETWEEN_UPDATES 0.1

static bool live_line_shown;
static double last_update = -1;

static size_t terminal_width(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* Cuts text to `width` columns, never inside a UTF-8 character. */
static void cut_to_width(char *text, size_t width)
{
    size_t columns = 0;
    for (char *at = text; *at != 0; at++) {
        bool continues = ((unsigned char)*at & 0xc0) == 0x80;
        if (!continues && columns++ == width) {
            *at = 0;
            return;
        }
    }
}

void progress_update(const char *format, ...)
{
    double now = progress_seconds();
    if (!isatty(STDERR_FILENO) || (last_update >= 0 && now - last_update < SECONDS_BETWEEN_UPDATES))
        return;
    last_update = now;

    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    /* One column stays free: some terminals wrap as soon as the last one is written. */
    cut_to_width(text, terminal_width() - 1);
    fprintf(stderr, "\r%s\033[K", text);
    live_line_shown = true;
}

void progress_line(const char *format, ...)
{
    progress_clear();
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void progress_clear(void)
{
    if (live_line_shown)
        fputs("\r\033[K", stderr);
    live_line_shown = false;
    last_update = -1;
}

double progress_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

const char *progress_duration(char *text, double seconds)
{
    enum { ROOM = 24 };
    if (!isfinite(seconds) || seconds < 0 || seconds > 1e9) {
        snprintf(text, ROOM, "?");
        return text;
    }
    unsigned whole = (unsigned)(seconds + 0.5);
    if (whole < 60)
        snprintf(text, ROOM, "%u s", whole);
    else if (whole < 3600)
        snprintf(text, ROOM, "%u min %02u s", whole / 60, whole % 60);
    else
        snprintf(text, ROOM, "%u h %02u min", whole / 3600, whole % 3600 / 60);
    return text;
}

const char *progress_bytes(char *text, uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    enum { ROOM = 24, UNITS = sizeof units / sizeof *units };
    double size = (double)bytes;
    size_t unit = 0;
    /* From 999.5 on it would be printed with four digits. */
    for (; size >= 999.5 && unit < UNITS - 1; unit++)
        size /= 1024;
    snprintf(text, ROOM, unit > 0 && size < 9.95 ? "%.1f %s" : "%.0f %s", size, units[unit]);
    return text;
}
