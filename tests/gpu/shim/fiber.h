/* Fibers: functions that stop in the middle and go on later, all on one thread of the operating system.
 *
 * A switch is a few instructions (swapcontext makes two system calls), and AddressSanitizer is told of each. */
#ifndef TIDY_TESTS_GPU_SHIM_FIBER_H
#define TIDY_TESTS_GPU_SHIM_FIBER_H

struct fiber;

/* A fiber with a stack of its own that will run `body`, which never returns. It lives until the program ends; where
 * there is no memory the program is aborted. */
struct fiber *fiber_create(void (*body)(void));

/* Runs the fiber from where it stopped (at first: its beginning) until it stops again. Not called on a fiber. */
void fiber_resume(struct fiber *fiber);

/* Stops the fiber that this is called on: fiber_resume returns. */
void fiber_stop(void);

#endif
