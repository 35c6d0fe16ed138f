/* `tidy-record devices`: what can compute here, and why the rest cannot. */
#include "record/commands.h"

#include "common/error.h"
#include "common/options.h"
#include "common/table.h"
#include "record/backend.h"

static const char description[] =
    "A line for each device: its name for --device, whether it can be used here, and what it is, or why\n"
    "it cannot be used and what to do about that. --device auto, the default of 'train', takes cuda where\n"
    "that can be used, else cpu.";

int devices_command(int argc, char **argv)
{
    static const char *const columns[] = {"device", "usable", "about"};
    bool json = false, done;
    const struct option_row rows[] = {JSON_OPTION(json)};
    const struct command_usage usage = {
        .program = "tidy-record",
        .name = "devices",
        .arguments = "[OPTION...]",
        .summary = "What can compute on this machine.",
        .description = description,
        .example = "tidy-record devices",
        OPTION_ROWS(rows),
    };
    int status = command_parse(&usage, argc, argv, NULL, 0, &done);
    if (status != 0 || done)
        return status;
    struct table *table = table_begin(columns, sizeof columns / sizeof *columns, json);
    if (table == NULL)
        return TIDY_FAILED;
    for (size_t i = 1; backend_names[i] != NULL; i++) { /* after "auto" */
        char about[1024];
        bool usable = backend_probe(backend_names[i], about, sizeof about);
        table_add_text(table, backend_names[i]);
        table_add_text(table, usable ? "yes" : "no");
        table_add_text(table, about);
    }
    return table_end(table);
}
