/* Notes signals in the one type that a handler may write to. */
#include "record/interruption.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

static volatile sig_atomic_t noted;

static void note(int signal)
{
    if (noted == 0)
        noted = signal;
}

void interruption_watch(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = note;
    action.sa_flags = SA_RESTART; /* no write to the log or the checkpoint may end half-way */
    sigemptyset(&action.sa_mask);
    noted = 0;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int interruption_signal(void)
{
    return noted;
}
