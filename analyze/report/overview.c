/* The page's first parts: what was found, in which run, by which rule, and how sure that is. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "analyze/charts/house_style.h"
#include "analyze/noise_estimate.h"
#include "analyze/report/html.h"
#include "analyze/report/report.h"

static void write_count(FILE *out, uint64_t count)
{
    char room[COUNT_TEXT];
    fputs(house_style_count(room, count), out);
}

/* "2 of 5 images are suspects", "1 of 5 images is a suspect". */
static void write_suspects_of(FILE *out, const struct report *report)
{
    size_t count = report->suspects.count;
    write_count(out, count);
    fputs(" of ", out);
    write_count(out, report->analysis.run->samples);
    fprintf(out, " %s %s", report_noun(report), count == 1 ? "is a suspect" : "are suspects");
}

void report_write_finding(FILE *out, const struct report *report)
{
    const struct flag_summary *summary = &report->summary;
    size_t flagged = report->suspects.count;
    if (report->truth.mislabelled != NULL) {
        write_count(out, report->quality.hits);
        fputs(" of ", out);
        write_count(out, report->truth.count);
        fprintf(out, " mislabelled %s found, among ", report_noun(report));
        write_count(out, flagged);
        fputs(flagged == 1 ? " suspect" : " suspects", out);
        return;
    }
    write_suspects_of(out, report);
    if (flagged == 0)
        return;
    if (summary->has_estimate && summary->verdict == NOISE_APPLIES)
        fprintf(out, ", of which %.0f%% have a wrong label, as controls tell", 100 * summary->precision.value);
    else if (summary->has_expected) {
        fputs(", of which about ", out);
        write_count(out, (uint64_t)llround(summary->found.value));
        fputs(" have a wrong label", out);
    }
}

/* ---- the run ------------------------------------------------------------------------------------------------ */

static void write_term(FILE *out, const char *name, const char *value)
{
    if (value == NULL || *value == 0)
        return;
    fprintf(out, "<div><dt>%s</dt><dd>", name);
    html_text(out, value);
    fputs("</dd></div>\n", out);
}

static void write_sizes(FILE *out, const struct tidylog_run *run)
{
    fputs("<div><dt>samples</dt><dd>", out);
    write_count(out, run->samples);
    fputs(" in ", out);
    write_count(out, tidylog_data_classes(run));
    fputs(" classes", out);
    if (run->height > 0)
        fprintf(out, ", images of %" PRIu32 "x%" PRIu32 "x%" PRIu32, run->height, run->width, run->channels);
    fputs("</dd></div>\n", out);
}

static void write_progress(FILE *out, const struct analysis *analysis)
{
    const struct tidylog_run *run = analysis->run;
    char text[128];
    snprintf(text, sizeof text, "%" PRIu64 " of %" PRIu64, analysis->epochs, run->epochs);
    write_term(out, "epochs", text);
    if (analysis->runs > 1) {
        snprintf(text, sizeof text, "%" PRIu32 "; this is of the first", analysis->runs);
        write_term(out, "runs in the log", text);
    }
    if (run->network != NULL || run->shuffle) {
        snprintf(text, sizeof text, "%" PRIu64, run->seed);
        write_term(out, "seed", text);
    }
}

void report_write_run(FILE *out, const struct report *report)
{
    const struct tidylog_run *run = report->analysis.run;
    fputs("<dl>\n", out);
    write_term(out, "log", report->request->path);
    write_term(out, "data set", run->data_name);
    write_sizes(out, run);
    write_term(out, "network", run->network);
    write_progress(out, &report->analysis);
    write_term(out, "noise", run->noise);
    write_term(out, "probes", run->probes);
    write_term(out, "recorded", run->started);
    write_term(out, "versions", run->versions);
    write_term(out, "command", run->command_line);
    fputs("</dl>\n", out);
}

/* ---- what was flagged -------------------------------------------------------------------------------------- */

/* A line of the table of how sure it is, with these decimals. low is NaN where there is no interval. */
static void write_number(FILE *out, const char *name, int decimals, struct estimated number, const char *source)
{
    if (isnan(number.value))
        return;
    fprintf(out, "<tr><th scope=row>%s</th><td>%.*f</td><td>", name, decimals, number.value);
    if (!isnan(number.low))
        fprintf(out, "%.*f to %.*f", decimals, number.low, decimals, number.high);
    fprintf(out, "</td><td>%s</td></tr>\n", source);
}

static struct estimated exactly(double value)
{
    return (struct estimated){value, NAN, NAN};
}

static void write_numbers(FILE *out, const struct report *report)
{
    static const char of_score[] = PROBABILITY_SCORE, of_truth[] = "the true labels, which the log has";
    const struct flag_summary *summary = &report->summary;
    const struct expected_count found = summary->found, all = summary->all;
    const struct set_quality *quality = &report->quality;
    char of_controls[64];
    if (summary->has_expected) {
        write_number(out, "wrong labels among the suspects", 0,
                     (struct estimated){found.value, found.low, found.high}, of_score);
        write_number(out, "wrong labels among all", 0, (struct estimated){all.value, all.low, all.high}, of_score);
    }
    if (summary->has_estimate && summary->verdict == NOISE_APPLIES) {
        snprintf(of_controls, sizeof of_controls, "%zu controls", summary->control_count);
        write_number(out, "precision", 3, summary->precision, of_controls);
        write_number(out, "recall", 3, summary->recall, of_controls);
        write_number(out, "share of wrong labels among all", 4, summary->rate, of_controls);
    }
    if (report->truth.mislabelled != NULL) {
        write_number(out, "precision", 3, exactly(quality->precision), of_truth);
        write_number(out, "recall", 3, exactly(quality->recall), of_truth);
        write_number(out, "F1", 3, exactly(quality->f1), of_truth);
    }
}

/* A paragraph a line. */
static void write_lines(FILE *out, const char *text)
{
    char line[1024];
    for (; *text != 0; text += strcspn(text, "\n"), text += *text != 0) {
        snprintf(line, sizeof line, "%.*s", (int)strcspn(text, "\n"), text);
        fputs("<p>", out);
        html_text(out, line);
        fputs(".</p>\n", out);
    }
}

void report_write_flagged(FILE *out, const struct report *report)
{
    const struct suspects *suspects = &report->suspects;
    const struct score *score = &report->analysis.scores.scores[0];
    fputs("<p>", out);
    write_suspects_of(out, report);
    fputs(" by the score <b>", out);
    html_text(out, score->name);
    fputs("</b> (", out);
    html_text(out, score->row->summary);
    fputs("), cut by the rule <b>", out);
    html_text(out, suspects->rule);
    fputs("</b>.</p>\n", out);
    write_lines(out, report->summary.text);
    if (!report->summary.has_expected && !report->summary.has_estimate && report->truth.mislabelled == NULL)
        return;
    fputs("<table>\n<caption>How sure that is</caption>\n"
          "<thead><tr><th scope=col>what</th><th scope=col>value</th><th scope=col>95% interval</th>"
          "<th scope=col>known from</th></tr></thead>\n<tbody>\n",
          out);
    write_numbers(out, report);
    fputs("</tbody>\n</table>\n", out);
}
