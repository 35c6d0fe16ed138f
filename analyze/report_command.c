/* tidy-analyze report: a page to look at and to review with. */
#include <errno.h>
#include <string.h>

#include "analyze/commands.h"
#include "analyze/report/report.h"
#include "common/error.h"
#include "common/options.h"
#include "common/output_file.h"
#include "common/progress.h"

static int report(const struct report_request *request, const char *output, bool force)
{
    struct report report = {0};
    struct output_file file = {0};
    int status = output_file_check(output, force);
    if (status == 0)
        status = output_file_check_input(output, request->path);
    if (status != 0)
        return status;
    status = report_create(&report, request);
    if (status == 0)
        status = output_file_begin(&file, output, force);
    if (status == 0)
        status = report_write(file.stream, &report);
    status = output_file_end(&file, status);
    if (status == 0)
        progress_line("%s: %zu of %zu suspects", output, report.shown, report.suspects.count);
    report_destroy(&report);
    return status;
}

int report_command(int argc, char **argv)
{
    struct report_request request = {.count = 5000, .images = true};
    const char *output = NULL;
    bool force = false;
    const struct option_row options[] = {
        OUTPUT_OPTION(output, "FILE.html", "the page to write; needed"),
        FORCE_OPTION(force, "replace the page where it exists"),
        {.name = "score",
         .kind = OPTION_TEXT,
         .value = &request.suspects.score,
         .argument = "NAME",
         .help = "the score to rank by, as of flag"},
        {.name = "threshold",
         .kind = OPTION_TEXT,
         .value = &request.suspects.rule,
         .argument = "RULE",
         .help = "where to cut ('tidy-analyze flag --help' explains the rules); auto where not given"},
        {.name = "count",
         .kind = OPTION_COUNT,
         .value = &request.count,
         .argument = "N",
         .help = "how many suspects the page shows at the most",
         .least = 1,
         .most = 1000000},
        {.name = "data",
         .kind = OPTION_TEXT,
         .value = &request.data,
         .argument = "DIR",
         .help = "the data set with the images; without it, where the log was recorded from"},
        {.name = "images",
         .kind = OPTION_FLAG,
         .value = &request.images,
         .help = "show each suspect's image; --no-images leaves them out"},
        {.name = "class-names",
         .kind = OPTION_TEXT,
         .value = &request.class_names,
         .argument = "FILE",
         .help = "the classes' names, a line each; without it, those that the log has"},
        SELECTION_OPTIONS(request.selection),
    };
    const struct command_usage usage = {
        .program = "tidy-analyze",
        .name = "report",
        .arguments = "run.tidy -o report.html [OPTION...]",
        .summary = "A page that shows the run, what was flagged, the charts, and the suspects to review.",
        .description =
            "One file of HTML that needs no network: what the run was, how many suspects there are by which rule,\n"
            "how sure that is, the charts of 'plot', and the suspects, most suspicious first, each with its\n"
            "image, its given and its suggested label, its score, and how its margin went by epoch. Images are\n"
            "read from the data set; a log that does not say where that is (import) has none without --data.\n"
            "gnuplot draws the charts.",
        .example = "tidy-analyze report run.tidy -o report.html\n"
                   "tidy-analyze report run.tidy --score aum --threshold top:0.01 --count 500 -o aum.html",
        OPTION_ROWS(options),
    };
    bool helped;
    int status = command_parse(&usage, argc, argv, &request.path, 1, &helped);
    if (status != 0 || helped)
        return status;
    if (output == NULL)
        return tidy_fail_usage("report: -o FILE.html is needed: where the page goes");
    if (request.data != NULL && !request.images)
        return tidy_fail_usage("report: --data %s names images that --no-images leaves out", request.data);
    return report(&request, output, force);
}
