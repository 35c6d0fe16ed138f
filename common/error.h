/* Errors: what every function that can fail returns, and the one message that a user sees.
 *
 * A function that can fail returns 0 or a negative tidy_error. The message is made once, where the cause
 * is known, and says what, where and what to do; callers only pass the code on. Only main prints and exits. */
#ifndef TIDY_COMMON_ERROR_H
#define TIDY_COMMON_ERROR_H

enum tidy_error {
    TIDY_OK = 0,
    TIDY_FAILED = -1,      /* the work could not be done: exit 1 */
    TIDY_USAGE = -2,       /* the command line is wrong: exit 2 */
    TIDY_INTERRUPTED = -3, /* a signal asked to stop, and all is saved: exit 128 + signal */
    TIDY_PIPE_CLOSED = -4, /* the reader of stdout went away: exit 0, quietly */
};

/* Sets this thread's message, printf style, without the program's name and without a newline.
 * Returns TIDY_FAILED, so that a function can end with `return tidy_fail(...)`. */
int tidy_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for a wrong command line: returns TIDY_USAGE. */
int tidy_fail_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for an allocation that failed: `what` names what the memory was for, `bytes` how much. */
int tidy_fail_memory(const char *what, unsigned long long bytes);

/* This thread's last message; "" where there is none. Lives until the thread's next failure. */
const char *tidy_error_message(void);

/* Prints "program: message" to stderr where `status` is TIDY_FAILED or TIDY_USAGE.
 * Returns the exit code: 0, 1 or 2. (TIDY_INTERRUPTED's code is made by who knows the signal.) */
int tidy_report_error(const char *program, int status);

#endif
