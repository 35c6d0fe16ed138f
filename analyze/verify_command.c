/* tidy-analyze verify: reads every record of a log and names the damaged ones. */
#include <inttypes.h>

#include "analyze/commands.h"
#include "common/error.h"
#include "common/options.h"
#include "common/progress.h"
#include "common/table.h"
#include "common/tidylog.h"

static const char *const columns[] = {"damaged"};

struct findings {
    struct table *table;
    uint64_t damaged;
};

static void add_finding(const char *what, void *context)
{
    struct findings *findings = context;
    findings->damaged++;
    table_add_text(findings->table, what);
}

/* Prints a line for each damaged record. */
static int verify(struct tidylog_reader *reader, const char *path, bool json)
{
    struct findings findings = {.table = table_begin(columns, 1, json)};
    if (findings.table == NULL)
        return TIDY_FAILED;
    uint64_t checked = 0;
    int verified = tidylog_verify(reader, add_finding, &findings, &checked);
    int printed = table_end(findings.table);
    if (verified != 0 || printed != 0)
        return verified != 0 ? verified : printed;
    if (findings.damaged > 0)
        return tidy_fail("%s: %" PRIu64 " of %" PRIu64 " records are damaged; the others can be trusted", path,
                         findings.damaged, checked);
    progress_line("%s: %" PRIu64 " records checked, none damaged", path, checked);
    return 0;
}

int verify_command(int argc, char **argv)
{
    bool json = false;
    const struct option_row options[] = {JSON_OPTION(json)};
    const struct command_usage usage = {
        .program = "tidy-analyze",
        .name = "verify",
        .arguments = "run.tidy [OPTION...]",
        .summary = "Check every record: checksum, version, sizes, order, gaps.",
        .description = "Prints a line for each damaged record, and a summary to standard error.\n"
                       "Exit status: 0 where all is well, 1 where a record is damaged.",
        .example = "tidy-analyze verify run.tidy",
        OPTION_ROWS(options),
    };
    const char *path;
    bool helped;
    int status = command_parse(&usage, argc, argv, &path, 1, &helped);
    if (status != 0 || helped)
        return status;

    struct tidylog_reader *reader;
    if ((status = tidylog_open_to_verify(&reader, path)) != 0)
        return status;
    status = verify(reader, path, json);
    tidylog_close_reader(reader);
    return status;
}
