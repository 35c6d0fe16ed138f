/* tidy-analyze epochs: the epoch records as a table. */
#include "analyze/commands.h"
#include "common/error.h"
#include "common/options.h"
#include "common/table.h"
#include "common/tidylog.h"

static const char *const columns[] = {"epoch", "loss", "accuracy", "test_accuracy", "lr", "seconds"};

static int print(const struct tidylog_epoch *epochs, uint64_t count, bool json)
{
    struct table *table = table_begin(columns, sizeof columns / sizeof *columns, json);
    if (table == NULL)
        return TIDY_FAILED;
    for (uint64_t i = 0; i < count && !table_failed(table); i++) {
        table_add_count(table, epochs[i].epoch);
        table_add_real(table, epochs[i].loss);
        table_add_real(table, epochs[i].accuracy);
        table_add_real(table, epochs[i].test_accuracy);
        table_add_real(table, epochs[i].learning_rate);
        table_add_real(table, epochs[i].seconds);
    }
    return table_end(table);
}

int epochs_command(int argc, char **argv)
{
    bool json = false;
    const struct option_row options[] = {JSON_OPTION(json)};
    const struct command_usage usage = {
        .program = "tidy-analyze",
        .name = "epochs",
        .arguments = "run.tidy [OPTION...]",
        .summary = "A line per finished epoch.",
        .description =
            "Columns: epoch (from 0); loss and accuracy, the means over the epoch's predictions, each made\n"
            "before the update of its step, against the labels as given; test_accuracy (nan without a test\n"
            "set); lr, the learning rate at the epoch's last step; seconds.",
        .example = "tidy-analyze epochs run.tidy",
        OPTION_ROWS(options),
    };
    const char *path;
    bool helped;
    int status = command_parse(&usage, argc, argv, &path, 1, &helped);
    if (status != 0 || helped)
        return status;

    struct tidylog_reader *reader;
    if ((status = tidylog_open(&reader, path)) != 0)
        return status;
    uint64_t count;
    const struct tidylog_epoch *epochs = tidylog_reader_epochs(reader, &count);
    status = print(epochs, count, json);
    tidylog_close_reader(reader);
    return status;
}
