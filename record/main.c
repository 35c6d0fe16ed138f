/* tidy-record: trains a network and records what it predicts for every training sample at every step. */
#include <stdlib.h>
#include <unistd.h>

#include "common/options.h"
#include "record/commands.h"

static const struct command_row commands[] = {
    {"train", "train a network and record a new log", train_command},
    {"resume", "go on with a log that was interrupted, or for more epochs", resume_command},
};

/* Threads that wait for one another by spinning take the core from whoever they wait for, as soon as another process
 * wants a core too: training then slows down tenfold. Asleep they cost a few per cent alone. OpenMP reads its setting
 * when it is loaded, so the program starts itself once more with it. */
static void wait_without_spinning(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") != NULL || setenv("OMP_WAIT_POLICY", "passive", 1) != 0)
        return;
    execv("/proc/self/exe", argv);
    /* Where that is not possible, training is only slower beside other work. */
}

int main(int argc, char **argv)
{
    wait_without_spinning(argv);
    return commands_main("tidy-record",
                         "tidy-record trains a network and logs its prediction for every training sample, taken before\n"
                         "each update. 'tidy-analyze' finds wrong labels in the log.",
                         commands, sizeof commands / sizeof *commands, argc, argv);
}
