/* make-log PATH DETAIL [SAMPLES EPOCHS EXTRA-STEPS [VARIANT,...]]: a log as a training run leaves it, invented.
 *
 * * Every 20th label is wrong: of samples 0, 20, 40, ... Easy samples are learnt soon, hard ones late and
 * unsteadily; wrong labels are seen through for long, and some are learnt by heart in the end. Variants:
 * no-truth; controls: the samples 3, 28, 53, ... are trained on the class after theirs; calibrated: a network
 * that learns nothing by heart, says how sure it may be, and has controls of all classes; all-right: no label is
 * wrong. For tests of the command line and of the charts. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/random.h"
#include "common/tidylog.h"
#include "log_builder.h"

enum { CLASSES = 10 };

/* The logits of one sample in one epoch. `hardness` is between 0 and 1. */
static void invent(float *logits, uint16_t label, uint16_t truth, double hardness, double progress,
                   struct random_stream *random)
{
    double learnt = 6 * (1 - exp(-5 * progress)) * (1 - 0.9 * hardness);
    double by_heart = label == truth ? 0 : 7 * progress * progress * hardness;
    for (uint16_t c = 0; c < CLASSES; c++)
        logits[c] = (float)(random_normal(random) * 0.8 + (c == truth ? learnt : 0) + (c == label ? by_heart : 0));
}

/* The probabilities of the classes of an image, of which the true one is drawn. */
static uint16_t draw_image(double image[CLASSES], struct random_stream *random)
{
    size_t likely = (size_t)random_below(random, CLASSES);
    double strength = 3 + 9 * random_uniform(random), sum = 0, place = random_uniform(random);
    uint16_t truth = 0;
    for (size_t c = 0; c < CLASSES; c++)
        sum += image[c] = exp(random_normal(random) + (c == likely ? strength : 0));
    for (size_t c = 0; c < CLASSES; c++)
        image[c] /= sum;
    while (truth < CLASSES - 1 && place >= image[truth])
        place -= image[truth++];
    return truth;
}

/* What a network that knows the noise, to all other classes alike, says of the label, but for some wavering. */
static void tell(float *logits, const double image[CLASSES], double rate, struct random_stream *random)
{
    for (size_t c = 0; c < CLASSES; c++)
        logits[c] = (float)(log((1 - rate) * image[c] + rate * (1 - image[c]) / (CLASSES - 1)) +
                            0.3 * random_normal(random));
}

static int make(const char *path, struct tidylog_run run, uint64_t epochs, uint64_t extra_steps,
                const char *variant)
{
    bool has_truth = strstr(variant, "no-truth") == NULL, calibrated = strstr(variant, "calibrated") != NULL;
    bool has_controls = calibrated || strstr(variant, "controls") != NULL;
    double rate = strstr(variant, "all-right") == NULL ? 0.05 : 0; /* of wrong labels */
    size_t written = epochs + (extra_steps > 0);
    uint16_t *truth = calloc(run.samples, sizeof *truth), *labels = calloc(run.samples, sizeof *labels);
    uint16_t *given = calloc(run.samples, sizeof *given);
    float *logits = calloc(written * run.samples * CLASSES, sizeof *logits);
    struct random_stream random = random_open(1, RANDOM_NOISE, 0);
    if (truth == NULL || labels == NULL || given == NULL || logits == NULL)
        return tidy_fail_memory("a log", 0);
    for (size_t i = 0; i < run.samples; i++) {
        double image[CLASSES];
        truth[i] = calibrated ? draw_image(image, &random) : (uint16_t)random_below(&random, CLASSES);
        given[i] =
            (uint16_t)(i % 20 == 0 && rate > 0 ? (truth[i] + 1 + random_below(&random, CLASSES - 1)) % CLASSES
                                               : truth[i]);
        labels[i] = given[i];
        if (has_controls && i % 25 == 3)
            labels[i] = (uint16_t)((given[i] + 1 + (calibrated ? i / 25 % (CLASSES - 1) : 0)) % CLASSES);
        double hardness = pow(random_uniform(&random), 3);
        for (size_t t = 0; t < written && calibrated; t++)
            tell(logits + (t * run.samples + i) * CLASSES, image, rate, &random);
        for (size_t t = 0; t < written && !calibrated; t++)
            invent(logits + (t * run.samples + i) * CLASSES, labels[i], truth[i],
                   given[i] == truth[i] ? hardness : random_uniform(&random), (double)(t + 1) / (double)epochs,
                   &random);
    }
    run.labels = labels;
    run.truth = has_truth ? truth : NULL;
    run.given = has_controls ? given : NULL;
    run.probes = has_controls ? "controls" : NULL;
    int status = log_from_logits(path, run, logits, epochs, extra_steps);
    free(logits);
    free(given);
    free(labels);
    free(truth);
    return status;
}

int main(int argc, char **argv)
{
    struct tidylog_run run = {.samples = argc > 3 ? strtoull(argv[3], NULL, 10) : 2000,
                              .classes = CLASSES,
                              .batch_size = 64,
                              .seed = 7,
                              .shuffle = true,
                              .network = "invented",
                              .learning_rate = 0.05,
                              .momentum = 0.9,
                              .lr_schedule = "constant",
                              .noise = "every:20",
                              .device = "cuda",
                              .precision = "bf16",
                              .deterministic = true,
                              .threads = 1,
                              .height = 28,
                              .width = 28,
                              .channels = 1,
                              .data_name = "invented-digits"};
    while (argc > 2 && tidylog_detail_names[run.detail] != NULL &&
           strcmp(tidylog_detail_names[run.detail], argv[2]))
        run.detail++;
    if (argc < 3 || argc == 4 || argc == 5 || tidylog_detail_names[run.detail] == NULL || run.samples == 0) {
        fprintf(stderr, "usage: make-log PATH class|margin|probs|full [SAMPLES EPOCHS EXTRA-STEPS "
                        "[no-truth,controls,calibrated,all-right]]\n");
        return 2;
    }
    uint64_t epochs = argc > 4 ? strtoull(argv[4], NULL, 10) : 12;
    uint64_t extra = argc > 5 ? strtoull(argv[5], NULL, 10) : 0;
    const char *variant = argc > 6 ? argv[6] : "";
    return tidy_report_error("make-log", make(argv[1], run, epochs, extra, variant));
}
