/* tidy-record: trains a network and records what it predicts for every training sample at every step. */
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/options.h"
#include "record/commands.h"

static const struct command_row commands[] = {
    {"train", "train a network and record a new log", train_command},
    {"resume", "go on with a log that was interrupted, or for more epochs", resume_command},
    {"import", "make a log of another trainer's predictions", import_command},
    {"devices", "what can compute here", devices_command},
};

/* OpenMP's threads wait for each other by spinning. Where another program needs the cores too, the one that is
 * waited for then does not get to run: small networks were seen to train 40 times slower. Threads that sleep at once
 * have to be woken for every layer, which costs a small network a sixth. So they spin for some microseconds and then
 * sleep (docs/performance.md, "Beside other work"). The library reads its policy before main, so the program starts
 * once more with another one, unless the user has chosen. */
static void spin_briefly(char **argv)
{
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length < 0 || getenv("OMP_WAIT_POLICY") != NULL || getenv("GOMP_SPINCOUNT") != NULL)
        return;
    program[length] = 0;
    if (setenv("OMP_WAIT_POLICY", "passive", 1) == 0 && setenv("GOMP_SPINCOUNT", "1000", 1) == 0)
        execv(program, argv); /* returns only where it fails: then the threads spin, and all else is the same */
}

static const char about[] =
    "tidy-record trains a network and logs its prediction for every training sample, taken before each\n"
    "update. 'tidy-analyze' finds wrong labels in the log.";

int main(int argc, char **argv)
{
    spin_briefly(argv);
    return commands_main("tidy-record", about, commands, sizeof commands / sizeof *commands, argc, argv);
}
