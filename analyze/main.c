/* tidy-analyze: what a log of training predictions says about the labels. */
#include "analyze/commands.h"
#include "common/options.h"

static const struct command_row commands[] = {
    {"info", "what the run is and where it stands", info_command},
    {"epochs", "a line per epoch: loss, accuracy, seconds", epochs_command},
    {"samples", "a line per sample, a column per score", samples_command},
    {"flag", "the suspects of one score and rule, most suspicious first", flag_command},
    {"eval", "precision, recall, F1, AP, AUROC against the planted truth", eval_command},
    {"sweep", "precision and recall at every threshold of one score", sweep_command},
    {"compare", "scores and rules, runs and scores, side by side", compare_command},
    {"plot", "charts: a gnuplot script, or a PNG, SVG or PDF file", plot_command},
    {"report", "a page: run, charts, and the suspects to review", report_command},
    {"merge", "several logs into one: runs of the same samples, or shards", merge_command},
    {"subset", "the log of some of the samples", subset_command},
    {"clean", "labels to train on next, from lists of suspects", clean_command},
    {"export", "what was predicted, as a NumPy array", export_command},
    {"verify", "check every record of the log", verify_command},
};

int main(int argc, char **argv)
{
    return commands_main("tidy-analyze",
                         "Finds wrong labels in what tidy-record has logged: scores, suspects, evaluation, charts.",
                         commands, sizeof commands / sizeof *commands, argc, argv);
}
