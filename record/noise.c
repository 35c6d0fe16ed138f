/* Plants label noise. Choosing comes before replacing, so that an error leaves the labels as they were. */
#include "record/noise.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/label_file.h"
#include "common/memory.h"
#include "common/options.h"
#include "common/random.h"
#include "record/noise_matrix.h"

/* ---- the text ------------------------------------------------------------------------------------------- */

static const char *const kind_names[] = {"uniform", "pair", "matrix:"};

static int parse_kind(struct noise *out, const char *text)
{
    if (strcmp(text, kind_names[NOISE_UNIFORM]) == 0) {
        out->kind = NOISE_UNIFORM;
        return 0;
    }
    if (strcmp(text, kind_names[NOISE_PAIR]) == 0) {
        out->kind = NOISE_PAIR;
        return 0;
    }
    size_t prefix = strlen(kind_names[NOISE_MATRIX]);
    if (strncmp(text, kind_names[NOISE_MATRIX], prefix) == 0 && text[prefix] != 0) {
        out->kind = NOISE_MATRIX;
        return noise_matrix_read(&out->matrix, &out->matrix_classes, text + prefix);
    }
    return tidy_fail_usage("--noise: unknown kind '%s'; it is uniform, pair or matrix:FILE", text);
}

int noise_parse(struct noise *out, const char *text)
{
    memset(out, 0, sizeof *out);
    const char *comma = strchr(text, ',');
    size_t length = comma ? (size_t)(comma - text) : strlen(text);
    char amount[64];
    if (length == 0 || length >= sizeof amount)
        return tidy_fail_usage("--noise: '%s' is neither every:K nor a rate such as 0.01", text);
    memcpy(amount, text, length);
    amount[length] = 0;

    static const char every[] = "every:";
    int status;
    if (strncmp(amount, every, sizeof every - 1) == 0)
        status = options_parse_count(amount + sizeof every - 1, 1, UINT32_MAX, "--noise every:K", &out->every);
    else
        status = options_parse_real(amount, 0, 1, "--noise's rate", &out->rate);
    if (status == 0 && comma != NULL)
        status = parse_kind(out, comma + 1);
    return status;
}

void noise_destroy(struct noise *noise)
{
    free(noise->matrix);
    memset(noise, 0, sizeof *noise);
}

/* ---- planting ------------------------------------------------------------------------------------------- */

/* The samples chosen so far and their new labels. */
struct plan {
    uint32_t *samples; /* the first `count` are chosen; room for all */
    uint16_t *given;
    size_t count;
};

static uint16_t draw_uniform(struct random_stream *stream, uint16_t truth, uint32_t classes)
{
    uint64_t drawn = random_below(stream, classes - 1);
    return (uint16_t)(drawn < truth ? drawn : drawn + 1);
}

/* Draws from a row without its diagonal. Returns false where there is nothing else in it. */
static bool draw_row(struct random_stream *stream, const double *row, uint16_t truth, uint32_t classes,
                     uint16_t *given)
{
    double mass = 0;
    for (uint32_t c = 0; c < classes; c++)
        mass += c == truth ? 0 : row[c];
    double left = random_uniform(stream) * mass;
    bool found = false;
    for (uint32_t c = 0; c < classes; c++) {
        if (c == truth || row[c] == 0)
            continue;
        *given = (uint16_t)c; /* the last one also takes what rounding leaves over */
        found = true;
        if (left < row[c])
            break;
        left -= row[c];
    }
    return found;
}

static int choose_classes(struct plan *plan, const struct noise *noise, const uint16_t *labels, uint32_t classes,
                          struct random_stream *stream)
{
    for (size_t i = 0; i < plan->count; i++) {
        uint16_t truth = labels[plan->samples[i]];
        if (noise->kind == NOISE_UNIFORM)
            plan->given[i] = draw_uniform(stream, truth, classes);
        else if (noise->kind == NOISE_PAIR)
            plan->given[i] = (uint16_t)((truth + 1u) % classes);
        else if (!draw_row(stream, noise->matrix + (size_t)truth * classes, truth, classes, &plan->given[i]))
            return tidy_fail("--noise: sample %u is of class %u, whose row of the matrix has nothing off the "
                             "diagonal to draw from",
                             plan->samples[i], truth);
    }
    return 0;
}

/* A rate with a matrix: the samples of each class in random order, the first ones go to each class in turn. */
static int choose_cells(struct plan *plan, const struct noise *noise, const uint16_t *labels, size_t samples,
                        uint32_t classes, struct random_stream *stream)
{
    uint64_t *class_sizes = NULL, *cells = NULL;
    uint32_t *members = NULL, *order = NULL;
    size_t total = plan->count;
    int status = memory_allocate(&class_sizes, classes, sizeof *class_sizes, "the classes' sizes");
    if (status == 0)
        status = memory_allocate(&cells, (size_t)classes * classes, sizeof *cells, "the noise counts");
    if (status == 0)
        status = memory_allocate(&members, samples, sizeof *members, "a class's samples");
    if (status == 0)
        status = memory_allocate(&order, samples, sizeof *order, "a class's sample order");
    if (status != 0)
        goto done;

    for (size_t i = 0; i < samples; i++)
        if (labels[i] != LABEL_LEFT_OUT)
            class_sizes[labels[i]]++;
    status = noise_matrix_counts(cells, noise->matrix, class_sizes, classes, total);
    if (status != 0)
        goto done;
    plan->count = 0;
    for (uint32_t truth = 0; truth < classes; truth++) {
        size_t size = 0;
        for (size_t i = 0; i < samples; i++)
            if (labels[i] == truth)
                members[size++] = (uint32_t)i;
        random_permutation(stream, order, size);
        size_t next = 0;
        for (uint32_t given = 0; given < classes; given++) {
            for (uint64_t k = 0; k < cells[(size_t)truth * classes + given]; k++) {
                plan->samples[plan->count] = members[order[next++]];
                plan->given[plan->count++] = (uint16_t)given;
            }
        }
    }
done:
    free(order);
    free(members);
    free(cells);
    free(class_sizes);
    return status;
}

/* Random `rate` of the samples that are not left out. */
static int choose_samples(struct plan *plan, double rate, const uint16_t *labels, size_t samples,
                          struct random_stream *stream)
{
    uint32_t *order;
    size_t present = 0;
    int status = memory_allocate(&order, samples, sizeof *order, "the order of samples");
    if (status != 0)
        return status;
    for (size_t i = 0; i < samples; i++)
        if (labels[i] != LABEL_LEFT_OUT)
            plan->samples[present++] = (uint32_t)i;
    plan->count = (size_t)llround(rate * (double)present);
    random_permutation(stream, order, present);
    for (size_t i = 0; i < present; i++)
        order[i] = plan->samples[order[i]];
    memcpy(plan->samples, order, present * sizeof *order);
    free(order);
    return 0;
}

static size_t count_present(const uint16_t *labels, size_t samples)
{
    size_t present = 0;
    for (size_t i = 0; i < samples; i++)
        present += labels[i] != LABEL_LEFT_OUT;
    return present;
}

int noise_plant(const struct noise *noise, uint16_t *labels, uint64_t samples, uint32_t classes, uint64_t seed,
                uint64_t *planted)
{
    *planted = 0;
    if (classes < 2)
        return tidy_fail("--noise: the data set has one class only, so that no label can be wrong");
    if (noise->kind == NOISE_MATRIX && noise->matrix_classes != classes)
        return tidy_fail("--noise: the matrix is for %zu classes, the data set has %u", noise->matrix_classes,
                         classes);

    struct random_stream stream = random_open(seed, RANDOM_NOISE, 0);
    struct plan plan = {0};
    int status = memory_allocate(&plan.samples, samples, sizeof *plan.samples, "the choice of samples");
    if (status == 0)
        status = memory_allocate(&plan.given, samples, sizeof *plan.given, "the planted labels");
    if (status != 0)
        goto done;
    if (noise->every > 0) {
        for (uint64_t i = 0; i < samples; i += noise->every)
            if (labels[i] != LABEL_LEFT_OUT)
                plan.samples[plan.count++] = (uint32_t)i;
        status = choose_classes(&plan, noise, labels, classes, &stream);
    } else if (noise->kind == NOISE_MATRIX) {
        plan.count = (size_t)llround(noise->rate * (double)count_present(labels, samples));
        status = choose_cells(&plan, noise, labels, samples, classes, &stream);
    } else {
        status = choose_samples(&plan, noise->rate, labels, samples, &stream);
        if (status == 0)
            status = choose_classes(&plan, noise, labels, classes, &stream);
    }
    if (status != 0)
        goto done;
    for (size_t i = 0; i < plan.count; i++)
        labels[plan.samples[i]] = plan.given[i];
    *planted = plan.count;
done:
    free(plan.given);
    free(plan.samples);
    return status;
}
