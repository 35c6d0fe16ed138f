/* The suspects, a short element each, since there may be thousands; and what scripts know of them. */
#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

#include "analyze/report/html.h"
#include "analyze/report/report.h"
#include "analyze/report/trajectories.h"
#include "common/base64.h"
#include "common/png.h"

/* Suspects are in groups, which a browser lays out as they come into view: with thousands side by side in one it
 * does so anew for all with each decision, which takes three times as long. */
enum { GROUP = 60 };

/* A probability with three decimals and no 0 before them. */
static void write_probability(FILE *out, double probability)
{
    char text[32];
    snprintf(text, sizeof text, "%.3f", probability);
    fputs(text[0] == '0' ? text + 1 : text, out);
}

static void write_score(FILE *out, const struct report *report, uint32_t sample)
{
    double value = suspects_value(&report->suspects, sample);
    if (score_is_probability(&report->analysis.scores.scores[0]))
        write_probability(out, value);
    else
        fprintf(out, "%.4g", value);
}

static void write_sparkline(FILE *out, const struct trajectories *trajectories, size_t row)
{
    struct sparkline_bin bins[SPARKLINE_BINS];
    char path[SPARKLINE_BYTES + 1];
    trajectories_bins(trajectories, row, bins);
    sparkline_path(path, bins, trajectories->bins);
    fprintf(out,
            "<svg class=t aria-hidden=true viewBox=\"0 0 %d %d\" preserveAspectRatio=none><path d=\"%s\"/></svg>",
            trajectories->bins, SPARKLINE_HEIGHT, path);
}

/* `png` is NULL where there are no images. */
static int write_image(FILE *out, const struct report *report, struct png_encoder *png, uint32_t sample)
{
    const struct dataset *set = &report->images.set.train;
    const uint8_t *picture;
    size_t bytes;
    if (png == NULL)
        return 0;
    int status = png_encode(png, images_of(&report->images, sample), &picture, &bytes);
    if (status != 0)
        return status;
    fputs("<img loading=lazy src=\"data:image/png;base64,", out);
    base64_write(out, picture, bytes);
    fprintf(out, "\" width=%" PRIu32 " height=%" PRIu32 " alt=\"image %" PRIu32 "\">", set->width, set->height,
            sample);
    return 0;
}

static int write_suspect(FILE *out, const struct report *report, const struct trajectories *trajectories,
                         struct png_encoder *png, size_t row)
{
    uint32_t sample = report->rows[row];
    uint32_t given = report->analysis.given[sample], suggested = report->suspects.suggestions[sample].label;
    fprintf(out, "<article id=s%" PRIu32 " data-g=%" PRIu32 " data-s=%" PRIu32 " aria-label=\"%" PRIu32 ": ",
            sample, given, suggested, sample);
    report_write_class(out, report, given);
    fputs(" or ", out);
    report_write_class(out, report, suggested);
    fputs("\">", out);
    int status = write_image(out, report, png, sample);
    fputs("<p><b>", out);
    report_write_class(out, report, given);
    fputs("</b> → <i>", out);
    report_write_class(out, report, suggested);
    fprintf(out, "</i> <small>%" PRIu32 " · ", sample);
    write_score(out, report, sample);
    fputs(" · ", out);
    write_probability(out, (double)report->suspects.suggestions[sample].probability);
    fputs("</small></p>", out);
    write_sparkline(out, trajectories, row);
    fputs("</article>\n", out);
    return status;
}

/* Are the suggestions' numbers probabilities (analyze/suggestions.h)? */
static bool suggests_by_probability(const struct report *report)
{
    return score_is_probability(&report->analysis.scores.scores[0]) ||
           report->analysis.run->detail >= TIDYLOG_PROBS;
}

/* What the rows show. */
static void write_legend(FILE *out, const struct report *report, const struct trajectories *trajectories)
{
    const struct suspects *suspects = &report->suspects;
    const struct analysis *analysis = &report->analysis;
    if (suspects->count == 0) {
        fputs("<p>There are none.</p>\n", out);
        return;
    }
    fprintf(out, "<p>Most suspicious first: the given label → <i>the suggested one</i>, the %s's index, ",
            analysis->run->height > 0 ? "image" : "sample");
    html_text(out, suspects->score);
    fprintf(out, " and the suggested label's %s. ",
            suggests_by_probability(report) ? "probability" : "share of predictions");
    if (report->shown < suspects->count)
        fprintf(out, " These are the first %zu of %zu; %zu are left out (--count).", report->shown, suspects->count,
                suspects->count - report->shown);
    if (!report->has_images)
        fputs(report->request->images ? " The log does not say where its images are; --data DIR shows them."
                                      : " Images are left out (--no-images).",
              out);
    fputs("</p>\n<p>The curve is by epoch", out);
    if (analysis->runs > 1)
        fprintf(out, ", over %" PRIu32 " runs,", analysis->runs);
    if (trajectories->margin > 0)
        fprintf(out, " the given label's margin, from %.3g (top) to %.3g; the line through it is 0.",
                trajectories->margin, -trajectories->margin);
    else
        fputs(" how often the given label was predicted, from always (top) to never.", out);
    fputs(" A dash below it is where the sample was forgotten: predicted right, and then wrong.</p>\n", out);
}

int report_write_suspects(FILE *out, struct report *report)
{
    const struct dataset *set = &report->images.set.train;
    struct trajectories trajectories;
    struct png_encoder *png = NULL;
    int status = trajectories_create(&trajectories, &report->analysis, report->rows, report->shown);
    if (status == 0 && report->has_images)
        status = png_encoder_create(&png, set->height, set->width, set->channels);
    if (status == 0)
        write_legend(out, report, &trajectories);
    for (size_t row = 0; row < report->shown && status == 0; row++) {
        if (row % GROUP == 0)
            fputs(row == 0 ? "<div class=g>\n" : "</div>\n<div class=g>\n", out);
        status = write_suspect(out, report, &trajectories, png, row);
    }
    if (report->shown > 0)
        fputs("</div>\n", out);
    png_encoder_destroy(png);
    trajectories_destroy(&trajectories);
    return status;
}

/* Tells logs apart that scripts keep decisions of: when it was recorded, of what, and with which labels. */
static uint64_t fingerprint(const struct analysis *analysis)
{
    const struct tidylog_run *run = analysis->run;
    const char *texts[] = {run->started, run->data_digest};
    XXH64_hash_t hash = XXH3_64bits(analysis->given, run->samples * sizeof *analysis->given);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i] != NULL)
            hash = XXH3_64bits_withSeed(texts[i], strlen(texts[i]), hash);
    return hash;
}

void report_write_data(FILE *out, const struct report *report)
{
    const struct suspects *suspects = &report->suspects;
    const struct tidylog_run *run = report->analysis.run;
    fputs("<script type=application/json id=data>{\"log\":", out);
    html_json_string(out, report->request->path);
    fprintf(out, ",\"fingerprint\":\"%016" PRIx64 "\",\"score\":", fingerprint(&report->analysis));
    html_json_string(out, suspects->score);
    fputs(",\"rule\":", out);
    html_json_string(out, suspects->rule);
    fprintf(out, ",\"samples\":%" PRIu64 ",\"flagged\":%zu,\"shown\":%zu,\"classes\":[", run->samples,
            suspects->count, report->shown);
    for (uint32_t c = 0; c < tidylog_data_classes(run); c++) {
        char number[16];
        bool named = report->class_names != NULL && report->class_names[c][0] != 0;
        snprintf(number, sizeof number, "%" PRIu32, c);
        if (c > 0)
            fputc(',', out);
        html_json_string(out, named ? report->class_names[c] : number);
    }
    fputs("]}</script>\n", out);
}
