/* Runs functions in processes of their own: see simulator.h. */
#include "tests/gpu/simulated/simulator.h"

#include "tests/support/support.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHECK_FAILED = 3, SECONDS_AT_MOST = 60 };

void simulator_check(int holds, const char *condition, const char *file, int line)
{
    if (holds)
        return;
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    _exit(CHECK_FAILED);
}

static void run_child(void (*body)(void), int output, const char *const *variables)
{
    dup2(output, STDERR_FILENO);
    signal(SIGSEGV, SIG_DFL); /* not cmocka's, which would go on with the next test */
    alarm(SECONDS_AT_MOST);
    unsetenv("SIMULATED_GPU");
    unsetenv("SIMULATED_GPU_LEAKS");
    for (size_t i = 0; variables != NULL && variables[i] != NULL; i++) {
        char variable[256];
        snprintf(variable, sizeof variable, "%s", variables[i]);
        char *value = strchr(variable, '=');
        *value++ = '\0';
        setenv(variable, value, 1);
    }
    body();
    exit(0);
}

/* Runs the body in a child: returns how it ended, as waitpid has it, and the start of its stderr. */
static int run(void (*body)(void), char *text, size_t room, const char *const *variables)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        run_child(body, ends[1], variables);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got; length < room - 1 && (got = read(ends[0], text + length, room - 1 - length)) > 0;)
        length += (size_t)got;
    text[length] = '\0';
    close(ends[0]);
    int ended;
    assert_int_equal(waitpid(child, &ended, 0), child);
    return ended;
}

void simulator_expect_with(void (*body)(void), int status, const char *said, const char *const *variables)
{
    char text[8192];
    int ended = run(body, text, sizeof text, variables);
    bool as_said = said == NULL ? text[0] == '\0' : strstr(text, said) != NULL;
    if (!WIFEXITED(ended) || WEXITSTATUS(ended) != status || !as_said)
        fail_msg("status 0x%x instead of exit with %d; expected on stderr: %s; there was: %s", (unsigned)ended,
                 status, said != NULL ? said : "nothing", text);
}

void simulator_expect(void (*body)(void), int status, const char *said)
{
    simulator_expect_with(body, status, said, NULL);
}

void simulator_expect_crash(void (*body)(void))
{
    char text[8192];
    int ended = run(body, text, sizeof text, NULL);
    bool reported = WIFEXITED(ended) && strstr(text, "Sanitizer") != NULL;
    if (!reported && !(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGSEGV))
        fail_msg("status 0x%x; on stderr: %s", (unsigned)ended, text);
    assert_null(strstr(text, "simulated GPU"));
}
