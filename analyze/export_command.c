/* tidy-analyze export: what the log holds, as a NumPy array. */
#include "analyze/analysis.h"
#include "analyze/commands.h"
#include "analyze/export_array.h"
#include "common/error.h"
#include "common/options.h"
#include "common/output_file.h"

static int export(const char *path, uint32_t run, const struct selection *selection, size_t what,
                  const char *output, bool force)
{
    struct analysis analysis;
    struct output_file file = {0};
    int status = output_file_check_input(output, path);
    if (status != 0)
        return status;
    status = analysis_open(&analysis, path);
    if (status == 0) {
        analysis.selection = *selection;
        status = analysis_select_run(&analysis, run);
    }
    if (status == 0)
        status = output_file_begin(&file, output, force);
    if (status == 0)
        status =
            export_array_write(file.stream, analysis.reader, path, what, analysis.window, analysis.block_bytes);
    status = output_file_end(&file, status);
    analysis_close(&analysis);
    return status;
}

int export_command(int argc, char **argv)
{
    bool force = false;
    int what = -1;
    uint64_t run = 0;
    const char *output = NULL;
    struct selection selection = {0};
    const struct option_row options[] = {
        {.name = "what",
         .kind = OPTION_CHOICE,
         .value = &what,
         .argument = "ARRAY",
         .choices = export_names,
         .help = "what to export, see above; needed"},
        OUTPUT_OPTION(output, "FILE.npy", "the file to write; needed"),
        WINDOW_OPTIONS(selection),
        RUN_OPTION(run),
        FORCE_OPTION(force, "replace a file that exists"),
    };
    const struct command_usage usage = {
        .program = "tidy-analyze",
        .name = "export",
        .arguments = "run.tidy --what ARRAY -o x.npy [OPTION...]",
        .summary = "What the log holds of every epoch and sample, or their labels, as a NumPy array.",
        .description =
            "  predictions  the predicted class; int32; -1 where the epoch did not present the sample\n"
            "  margins      logit of the label trained on minus the largest other; float32, as the next four, and\n"
            "               nan where the epoch did not present the sample, or a logit was not a number\n"
            "  losses       -log of that label's probability\n"
            "  confidences  that label's probability\n"
            "  probs        the probability of each class\n"
            "  log-probs    its logarithm: as good as logits, for they differ by a constant of the sample\n"
            "  labels       the labels trained on; int32, as the next two; -1 where a sample is left out\n"
            "  given        the data set's labels: others than those where a sample is a control (--controls)\n"
            "  truth        the labels before wrong ones were planted (--noise), or those of --truth\n"
            "\n"
            "The last three are [samples], the others [epochs][samples], probs and log-probs\n"
            "[epochs][samples][classes]; samples are in the data set's order. Of a sample presented twice in an\n"
            "epoch the last counts; what a second phase only classifies (--second-split) is there, too. margins,\n"
            "losses and confidences need a log of --detail margin, probs and log-probs one of --detail probs.\n"
            "'tidy-record import --logits' and the like read such files.",
        .example = "tidy-analyze export run.tidy --what predictions -o predictions.npy\n"
                   "tidy-analyze export run.tidy --what margins --epochs 1..2 -o margins.npy\n"
                   "tidy-analyze export run.tidy --what given -o given.npy",
        OPTION_ROWS(options),
    };
    const char *path;
    bool helped;
    int status = command_parse(&usage, argc, argv, &path, 1, &helped);
    if (status != 0 || helped)
        return status;
    if (what < 0)
        return tidy_fail_usage("export: --what ARRAY is needed: predictions, margins, losses, confidences, probs, "
                               "log-probs, labels, given or truth");
    if (!export_is_of_epochs((size_t)what) && selection_is_given(&selection))
        return tidy_fail_usage("export: --what %s is the same in all epochs, so none can be chosen",
                               export_names[what]);
    if (output == NULL)
        return tidy_fail_usage("export: -o FILE.npy is needed: arrays are not written to standard output");
    return export(path, (uint32_t)run, &selection, (size_t)what, output, force);
}
