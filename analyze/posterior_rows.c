/* Passes over the rows: each in as many shares as threads may take, whose sums are added up in order. */
#include "analyze/posterior_passes.h"

#include <math.h>
#include <string.h>

static const struct posterior_passes *passes_here(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f"))
        return &posterior_passes_avx512;
    if (__builtin_cpu_supports("avx2"))
        return &posterior_passes_avx2;
#endif
    return &posterior_passes_plain;
}

/* A pass that is handed to threads. */
struct pass {
    const struct posterior_passes *passes;
    struct posterior_rows *rows;
    float temperature;
};

static void share_range(size_t *first, size_t *end, size_t count, size_t share)
{
    *first = count * share / ROW_SHARES;
    *end = count * (share + 1) / ROW_SHARES;
}

static void run(struct posterior_rows *rows, void (*share)(void *context, size_t share, unsigned thread),
                double temperature)
{
    parallel_run(rows->parallel, ROW_SHARES, share, &(struct pass){passes_here(), rows, (float)temperature});
}

static void begin_share(void *context, size_t share, unsigned thread)
{
    const struct pass *pass = context;
    size_t first, end;
    (void)thread;
    share_range(&first, &end, pass->rows->count, share);
    pass->passes->begin(pass->rows, first, end);
}

void posterior_rows_prepare(struct posterior_rows *rows, const double *class_weights)
{
    const struct noise_transition *transition = rows->transition;
    rows->other = (float)transition->other;
    rows->weights_sum = 0;
    for (uint32_t c = 0; c < transition->classes; c++) {
        rows->above[c] = (float)(transition->kept[c] - transition->other);
        rows->weights[c] = (float)class_weights[c];
        rows->weights_sum += class_weights[c];
    }
}

void posterior_rows_begin(struct posterior_rows *rows, const double *class_weights)
{
    posterior_rows_prepare(rows, class_weights);
    run(rows, begin_share, 0);
}

static void slopes_share(void *context, size_t share, unsigned thread)
{
    const struct pass *pass = context;
    size_t first, end;
    (void)thread;
    share_range(&first, &end, pass->rows->chosen, share);
    pass->passes->slopes(&pass->rows->shares[share].slopes, pass->rows, first, end, pass->temperature);
}

struct surprise_slopes posterior_rows_slopes(struct posterior_rows *rows, const double *class_weights,
                                             double temperature)
{
    struct surprise_slopes sum = {0, 0};
    posterior_rows_prepare(rows, class_weights);
    run(rows, slopes_share, temperature);
    for (size_t s = 0; s < ROW_SHARES; s++) {
        sum.first += rows->shares[s].slopes.first;
        sum.second += rows->shares[s].slopes.second;
    }
    return sum;
}

static void raise_share(void *context, size_t share, unsigned thread)
{
    const struct pass *pass = context;
    size_t first, end;
    (void)thread;
    share_range(&first, &end, pass->rows->count, share);
    pass->passes->raise(pass->rows, first, end, pass->temperature);
}

void posterior_rows_raise(struct posterior_rows *rows, double temperature)
{
    run(rows, raise_share, temperature);
}

static void sum_share(void *context, size_t share, unsigned thread)
{
    const struct pass *pass = context;
    size_t first, end;
    (void)thread;
    share_range(&first, &end, pass->rows->count, share);
    pass->passes->sum(&pass->rows->shares[share].totals, pass->rows, first, end);
}

void posterior_rows_sum(struct row_totals *out, struct posterior_rows *rows, const double *class_weights)
{
    size_t classes = rows->transition->classes;
    posterior_rows_prepare(rows, class_weights);
    run(rows, sum_share, 0);
    out->rest = (struct class_sum){0, 0};
    out->wrong = 0;
    memset(out->sums, 0, classes * sizeof *out->sums);
    for (size_t s = 0; s < ROW_SHARES; s++) {
        const struct row_totals *of = &rows->shares[s].totals;
        out->rest.before += of->rest.before;
        out->rest.after += of->rest.after;
        out->wrong += of->wrong;
        for (size_t c = 0; c < classes; c++) {
            out->sums[c].before += of->sums[c].before;
            out->sums[c].after += of->sums[c].after;
        }
    }
}

void posterior_rows_join(struct row_joint *out, const struct posterior_rows *rows, const double *class_weights,
                         const struct row_block *block, size_t lane)
{
    const struct noise_transition *transition = rows->transition;
    uint32_t given = rows->means->given[block->samples[lane]];
    double placed = 0;
    for (size_t k = 0; k < PLACES; k++) {
        uint32_t class = block->classes[k][lane];
        bool used = rows->many[k] > 0;
        out->weights[k] = used ? class_weights[class] : 0;
        out->chances[k] = used ? noise_transition_probability(transition, class, given) : 0;
        placed += out->weights[k];
    }
    out->weights[REST] = rows->many[REST] > 0 ? fmax(rows->weights_sum - placed, 0) : 0;
    out->chances[REST] = transition->other;
}
