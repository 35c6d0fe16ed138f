/* What the suites of the simulated device share: runs a function in a process of its own, which is to end in the
 * way expected. */
#ifndef TIDY_TESTS_GPU_SIMULATED_SIMULATOR_H
#define TIDY_TESTS_GPU_SIMULATED_SIMULATOR_H

/* Forks, runs `body` and exits with 0. Fails unless the process's exit status is `status` and its stderr contains
 * `said` (NULL: it is empty). `variables` are NAME=VALUE for the environment, ended by NULL; NULL: none. */
void simulator_expect_with(void (*body)(void), int status, const char *said, const char *const *variables);
void simulator_expect(void (*body)(void), int status, const char *said);

/* The same, but it ends by a fault that is none of the simulator's: a signal, or a sanitizer's report. */
void simulator_expect_crash(void (*body)(void));

/* In such a function: ends the process with status 3 and a line on stderr where the condition does not hold. */
#define CHECK(condition) simulator_check(condition, #condition, __FILE__, __LINE__)
void simulator_check(int holds, const char *condition, const char *file, int line);

#endif
