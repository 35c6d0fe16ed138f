/* A program's subcommands: dispatch, the program's own help, and what happens where stdout fails. */
#include "common/options.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"

#ifndef TIDY_VERSION
#define TIDY_VERSION "unknown"
#endif

/* Has the reader of stdout gone away? A stream that failed earlier has forgotten its errno. */
static bool reader_is_gone(void)
{
    struct pollfd standard_output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&standard_output, 1, 0) == 1 && (standard_output.revents & POLLERR) != 0;
}

static int flush_output(void)
{
    bool failed_before = ferror(stdout) != 0;
    errno = 0;
    if (fflush(stdout) == 0 && !failed_before)
        return TIDY_OK;
    int cause = errno;
    if (cause == EPIPE || reader_is_gone())
        return TIDY_PIPE_CLOSED;
    return tidy_fail("cannot write to standard output%s%s", cause != 0 ? ": " : "",
                     cause != 0 ? strerror(cause) : "");
}

static void print_program_help(const char *program, const char *about, const struct command_row *commands,
                               size_t count)
{
    int width = 0;
    for (size_t i = 0; i < count; i++) {
        int length = (int)strlen(commands[i].name);
        width = length > width ? length : width;
    }
    printf("%s\n\nusage: %s COMMAND [ARGUMENT...]\n\ncommands:\n", about, program);
    for (size_t i = 0; i < count; i++)
        printf("  %-*s  %s\n", width, commands[i].name, commands[i].summary);
    printf("\n'%s COMMAND --help' has the details and an example.\n", program);
}

static int fail_unknown_command(const char *program, const char *name, const struct command_row *commands,
                                size_t count)
{
    const char *names[64];
    size_t used = count < 64 ? count : 64;
    for (size_t i = 0; i < used; i++)
        names[i] = commands[i].name;
    const char *nearest = options_nearest(name, names, used);
    if (nearest != NULL)
        return tidy_fail_usage("unknown command '%s'; did you mean '%s'?", name, nearest);
    return tidy_fail_usage("unknown command '%s'; '%s --help' lists them", name, program);
}

static int dispatch(const char *program, const char *about, const struct command_row *commands, size_t count,
                    int argc, char **argv)
{
    if (argc < 2)
        return tidy_fail_usage("no command given; '%s --help' lists them", program);
    if (strcmp(argv[1], "--help") == 0) {
        print_program_help(program, about, commands, count);
        return TIDY_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("%s %s\n", program, TIDY_VERSION);
        return TIDY_OK;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(commands[i].name, argv[1]) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    return fail_unknown_command(program, argv[1], commands, count);
}

int commands_main(const char *program, const char *about, const struct command_row *commands, size_t count,
                  int argc, char **argv)
{
    /* A closed pipe then shows as EPIPE, which ends the program quietly but with the log and the plots whole. */
    signal(SIGPIPE, SIG_IGN);
    /* And a file that may grow no more as EFBIG, which has a message. */
    signal(SIGXFSZ, SIG_IGN);
    int status = dispatch(program, about, commands, count, argc, argv);
    if (status == TIDY_OK)
        status = flush_output();
    else
        fflush(stdout);
    if (status > 0)
        return status;
    return tidy_report_error(program, status);
}
