/* Ctrl-C and SIGTERM as a request to stop at the next step boundary. */
#ifndef TIDY_RECORD_INTERRUPTION_H
#define TIDY_RECORD_INTERRUPTION_H

/* From now on SIGINT and SIGTERM are noted instead of ending the program; forgets what was noted before.
 * Further ones change nothing: what is being saved gets saved. */
void interruption_watch(void);

/* The first signal noted since interruption_watch, or 0. */
int interruption_signal(void);

#endif
