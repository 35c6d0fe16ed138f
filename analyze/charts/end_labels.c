/* Least squares under a least gap is isotonic regression of height minus what the labels below need: pools of
 * labels that touch, each about the mean of what its members want. */
#include "analyze/charts/end_labels.h"

#include <math.h>

#include "analyze/charts/house_style.h"
#include "analyze/charts/text_layout.h"

enum { FONT = 14 };

/* Labels that touch. */
struct pool {
    double sum; /* of heights, each less the gaps below it */
    size_t count;
};

static double mean(const struct pool *pool)
{
    return pool->sum / (double)pool->count;
}

static double wanted(const struct end_label *label)
{
    return isnan(label->height) ? 0.5 : label->height;
}

static void sort_by_height(struct end_label *labels, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && wanted(&labels[j]) < wanted(&labels[j - 1]); j--) {
            struct end_label swap = labels[j];
            labels[j] = labels[j - 1];
            labels[j - 1] = swap;
        }
}

void end_labels_spread(struct end_label *labels, size_t count, double gap)
{
    struct pool pools[END_LABELS];
    size_t pool_count = 0, label = 0;
    sort_by_height(labels, count);
    for (size_t i = 0; i < count && i < END_LABELS; i++) {
        pools[pool_count++] = (struct pool){wanted(&labels[i]) - (double)i * gap, 1};
        for (; pool_count > 1 && mean(&pools[pool_count - 2]) > mean(&pools[pool_count - 1]); pool_count--) {
            pools[pool_count - 2].sum += pools[pool_count - 1].sum;
            pools[pool_count - 2].count += pools[pool_count - 1].count;
        }
    }
    const double highest = fmax(0, 1 - ((double)count - 1) * gap);
    for (size_t i = 0; i < pool_count; i++)
        for (size_t j = 0; j < pools[i].count; j++, label++)
            labels[label].place = fmin(fmax(mean(&pools[i]), 0), highest) + (double)label * gap;
}

void end_labels_write(FILE *out, struct end_label *labels, size_t count, int first, double plot_height,
                      double pixels)
{
    end_labels_spread(labels, count, 1.3 * FONT * 4 / 3 / plot_height);
    for (size_t i = 0; i < count; i++) {
        const int number = first + (int)i;
        char text[160];
        if (!isnan(labels[i].height)) {
            fprintf(out, "set arrow %d from graph %.4g, graph %.4g to graph 1.03, graph %.4g nohead linetype %d",
                    number, 1 - labels[i].missing, labels[i].height, labels[i].place, labels[i].linetype);
            fputs(labels[i].missing > 0 ? " linewidth 1 dashtype (2,4)\n" : "\n",
                  out); /* not taken for the curve */
        }
        fprintf(out, "set label %d ", number);
        house_style_quote(out, text_fit(text, sizeof text, labels[i].text, FONT, pixels));
        fprintf(out, " at graph 1.04, graph %.4g left font ',%d' textcolor rgb ink\n", labels[i].place, FONT);
    }
}
