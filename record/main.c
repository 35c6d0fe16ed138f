/* tidy-record: trains a network and records what it predicts for every training sample at every step. */
#include "common/options.h"
#include "record/commands.h"

static const struct command_row commands[] = {
    {"train", "train a network and record a new log", train_command},
    {"resume", "go on with a log that was interrupted, or for more epochs", resume_command},
};

int main(int argc, char **argv)
{
    return commands_main("tidy-record",
                         "tidy-record trains a network and logs its prediction for every training sample, taken before\n"
                         "each update. 'tidy-analyze' finds wrong labels in the log.",
                         commands, sizeof commands / sizeof *commands, argc, argv);
}
