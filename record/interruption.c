/* Signals are blocked and asked for. The handler is for threads that are older than the watch. */
#include "record/interruption.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

static atomic_int noted;

static void note(int signal)
{
    int none = 0;
    atomic_compare_exchange_strong(&noted, &none, signal);
}

static const sigset_t *watched(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
    return signals;
}

/* Takes a signal that waits, if there is one. */
static int take(void)
{
    sigset_t signals;
    const struct timespec at_once = {0};
    int signal = sigtimedwait(watched(&signals), NULL, &at_once);
    return signal > 0 ? signal : 0;
}

void interruption_watch(void)
{
    sigset_t signals;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = note;
    action.sa_flags = SA_RESTART; /* no write to the log or the checkpoint may end half-way */
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    pthread_sigmask(SIG_BLOCK, watched(&signals), NULL);
    while (take() != 0)
        ;
    atomic_store(&noted, 0);
}

int interruption_signal(void)
{
    int signal = take();
    if (signal != 0)
        note(signal);
    return atomic_load(&noted);
}
