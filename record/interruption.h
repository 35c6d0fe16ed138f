/* Ctrl-C and SIGTERM as a request to stop at the next step boundary. */
#ifndef TIDY_RECORD_INTERRUPTION_H
#define TIDY_RECORD_INTERRUPTION_H

/* From now on SIGINT and SIGTERM wait for interruption_signal() instead of ending the program; forgets what was noted
 * before. Further ones change nothing: what is being saved gets saved.
 * Called by the thread that will ask, before any thread that computes exists: those inherit that the signals are
 * blocked. No handler may run on them, because oneDNN's matrix products use the stack pointer as a pointer to their
 * buffers, below which the kernel would write the signal's frame, over whatever lies there. */
void interruption_watch(void);

/* The first signal noted since interruption_watch, or 0. */
int interruption_signal(void);

#endif
