/* All terminals answer the question for device attributes, so it comes last: what has not been answered before it
 * will not be. */
#include "analyze/charts/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { MILLISECONDS = 1000, INTERRUPT = 3 /* Ctrl-C */ };

/* Milliseconds since some moment. */
static long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (long)(time.tv_sec * 1000 + time.tv_nsec / 1000000);
}

/* Is the answer to the device attributes there, ESC [ ? 62 ; 4 c? */
static const char *find_attributes(const char *answer)
{
    const char *start = strstr(answer, "\033[?");
    return start != NULL && start[strspn(start + 3, "0123456789;") + 3] == 'c' ? start + 3 : NULL;
}

/* Collects what the terminal answers. Sets *interrupted where somebody pressed Ctrl-C meanwhile. */
static void read_answer(int descriptor, char *answer, size_t bytes, bool *interrupted)
{
    const long end = now() + MILLISECONDS;
    size_t used = 0;
    while (used + 1 < bytes && find_attributes(answer) == NULL && !*interrupted) {
        struct pollfd wait = {.fd = descriptor, .events = POLLIN};
        const long left = end - now();
        int ready = left > 0 ? poll(&wait, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        ssize_t got = ready > 0 ? read(descriptor, answer + used, bytes - used - 1) : 0;
        if (got <= 0)
            break;
        *interrupted = memchr(answer + used, INTERRUPT, (size_t)got) != NULL;
        used += (size_t)got;
        answer[used] = 0;
    }
}

/* Asks with echo and lines off, so that the answer is neither seen nor waited for. */
static void ask(int descriptor, char *answer, size_t bytes)
{
    static const char questions[] = "\033]11;?\033\\\033[c";
    struct termios before, raw;
    bool interrupted = false;
    if (tcgetpgrp(descriptor) != getpgrp() || tcgetattr(descriptor, &before) != 0)
        return; /* in the background a process may not touch the terminal */
    raw = before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(descriptor, TCSAFLUSH, &raw) != 0)
        return;
    if (write(descriptor, questions, sizeof questions - 1) == (ssize_t)sizeof questions - 1)
        read_answer(descriptor, answer, bytes, &interrupted);
    tcsetattr(descriptor, TCSAFLUSH, &before);
    if (interrupted)
        raise(SIGINT);
}

/* Is one of the numbers after ESC [ ? a 4? */
static bool says_sixel(const char *attributes)
{
    while (attributes != NULL && *attributes != 'c') {
        char *end;
        if (strtol(attributes, &end, 10) == 4)
            return true;
        attributes = *end == ';' ? end + 1 : "c";
    }
    return false;
}

/* Does ESC ] 11 ; rgb:1616/1919/1d1d name a dark colour? */
static bool says_dark(const char *answer)
{
    const char *at = strstr(answer, "11;rgb:");
    static const double weights[] = {0.2126, 0.7152, 0.0722};
    double brightness = 0;
    if (at == NULL)
        return false;
    at += strlen("11;rgb:");
    for (size_t i = 0; i < 3; i++) {
        char *end;
        const double value = (double)strtoul(at, &end, 16);
        if (end == at)
            return false;
        brightness += weights[i] * value / (pow(16, (double)(end - at)) - 1); /* 0 to 1 with any number of digits */
        at = *end == '/' ? end + 1 : end;
    }
    return brightness < 0.5;
}

/* The first of the variables that is set and not empty; "" where none is. */
static const char *first_set(const char *const *names)
{
    for (; *names != NULL; names++) {
        const char *value = getenv(*names);
        if (value != NULL && *value != 0)
            return value;
    }
    return "";
}

static enum cells_colours colours_of_environment(void)
{
    static const char *const no_color[] = {"NO_COLOR", NULL}, *const term[] = {"TERM", NULL},
                             *const colorterm[] = {"COLORTERM", NULL};
    if (*first_set(no_color) != 0 || strcmp(first_set(term), "dumb") == 0 || *first_set(term) == 0)
        return CELLS_PLAIN;
    const char *kind = first_set(colorterm);
    return strcmp(kind, "truecolor") == 0 || strcmp(kind, "24bit") == 0 ? CELLS_TRUE : CELLS_256;
}

bool terminal_ask(struct terminal *out)
{
    static const char *const locale[] = {"LC_ALL", "LC_CTYPE", "LANG", NULL};
    *out = (struct terminal){.columns = 80, .rows = 24, .pixel_width = 8, .pixel_height = 16};
    if (!isatty(STDOUT_FILENO))
        return false;
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        out->columns = size.ws_col;
        out->rows = size.ws_row;
        if (size.ws_xpixel >= size.ws_col && size.ws_ypixel >= size.ws_row) {
            out->pixel_width = size.ws_xpixel / size.ws_col;
            out->pixel_height = size.ws_ypixel / size.ws_row;
        }
    }
    const char *codes = first_set(locale);
    out->has_utf8 = strcasestr(codes, "utf-8") != NULL || strcasestr(codes, "utf8") != NULL;
    out->colours = colours_of_environment();

    char answer[256] = "";
    int descriptor = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (descriptor < 0)
        return true;
    ask(descriptor, answer, sizeof answer);
    close(descriptor);
    out->has_sixel = says_sixel(find_attributes(answer));
    out->is_dark = says_dark(answer);
    return true;
}
