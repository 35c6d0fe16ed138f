/* Finding what the page says. */
#include "analyze/report/report.h"

#include <inttypes.h>
#include <stdlib.h>

#include "analyze/charts/house_style.h"
#include "analyze/class_names.h"
#include "analyze/report/html.h"
#include "common/memory.h"

static int choose_rows(struct report *report)
{
    const struct suspects *suspects = &report->suspects;
    size_t most = suspects->count < report->request->count ? suspects->count : (size_t)report->request->count;
    int status = memory_allocate(&report->rows, most, sizeof *report->rows, "suspects");
    for (size_t place = 0; status == 0 && report->shown < most; place++) {
        uint32_t sample = suspects->ranking.order[place];
        if (suspects->flagged[sample])
            report->rows[report->shown++] = sample;
    }
    return status;
}

int report_create(struct report *out, const struct report_request *request)
{
    *out = (struct report){.request = request};
    struct analysis *analysis = &out->analysis;
    int status = analysis_open(analysis, request->path);
    if (status != 0)
        return status;
    analysis->selection = request->selection;
    status = class_names_of(&out->class_names, analysis->run, request->class_names);
    out->has_images = request->images && (request->data != NULL || images_are_known(analysis->run));
    if (status == 0 && out->has_images)
        status = images_open(&out->images, analysis->run, request->data, request->path);
    if (status == 0)
        status = suspects_find(&out->suspects, analysis, &request->suspects);
    if (status == 0)
        status = choose_rows(out);
    if (status == 0)
        status = flag_summary_create(&out->summary, &out->suspects, &request->suspects);
    if (status == 0 && analysis->run->truth != NULL)
        status = truth_create(&out->truth, analysis->run, request->path);
    if (status == 0 && analysis->run->truth != NULL)
        out->quality = set_quality_of_flags(out->suspects.flagged, &out->truth);
    return status;
}

void report_destroy(struct report *report)
{
    truth_destroy(&report->truth);
    images_close(&report->images);
    flag_summary_destroy(&report->summary);
    free(report->rows);
    suspects_destroy(&report->suspects);
    free((void *)report->class_names);
    analysis_close(&report->analysis);
}

void report_write_class(FILE *out, const struct report *report, uint32_t class)
{
    if (report->class_names != NULL && report->class_names[class][0] != 0)
        html_text(out, report->class_names[class]);
    else
        fprintf(out, "%" PRIu32, class);
}

const char *report_noun(const struct report *report)
{
    return house_style_noun(&report->analysis);
}
