/* Errors: each thread keeps the text of its last failure until main prints it. */
#include "common/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char last_message[1024];

static void set_message(const char *format, va_list arguments)
{
    /* Formatted aside first, because an argument may be the message before. */
    char text[sizeof last_message];
    vsnprintf(text, sizeof text, format, arguments);
    memcpy(last_message, text, sizeof last_message);
}

int tidy_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_message(format, arguments);
    va_end(arguments);
    return TIDY_FAILED;
}

int tidy_fail_usage(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_message(format, arguments);
    va_end(arguments);
    return TIDY_USAGE;
}

int tidy_fail_memory(const char *what, unsigned long long bytes)
{
    return tidy_fail("out of memory: %s needs %llu bytes", what, bytes);
}

const char *tidy_error_message(void)
{
    return last_message;
}

int tidy_report_error(const char *program, int status)
{
    if (status == TIDY_FAILED || status == TIDY_USAGE)
        fprintf(stderr, "%s: %s\n", program, last_message[0] != 0 ? last_message : "failed for an unknown reason");
    if (status == TIDY_USAGE)
        return 2;
    return status == TIDY_OK || status == TIDY_PIPE_CLOSED ? 0 : 1;
}
