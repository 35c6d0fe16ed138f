/* All plans that cuDNN has for all convolutions on all described devices, as a table; each is also made again
 * from its text. No test: scripts/plan-sweep runs it.
 *
 * plan-sweep FOLDER BATCH Exits 1 where a convolution has no plan, or a plan from its text is another one. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/error.h"
#include "common/options.h"
#include "tests/gpu/cudnn/described_devices.h"

enum { ROOM = 512 };

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void free_plans(struct convolution_plan **plans, size_t count)
{
    for (size_t i = 0; i < count; i++)
        convolution_plan_destroy(plans[i]);
}

static size_t faults; /* found so far, each a line on stderr */

static void check_restores(const struct described_device *device, const struct convolution_request *request,
                           const struct convolution_plan *plan)
{
    const char *text = convolution_plan_text(plan);
    struct convolution_plan *restored;
    if (convolution_plan_restore(&restored, &device->target, request, text) != 0) {
        fprintf(stderr, "%s: %s\n", device->name, tidy_error_message());
        faults++;
        return;
    }
    if (strcmp(convolution_plan_text(restored), text) != 0 ||
        convolution_plan_workspace(restored) != convolution_plan_workspace(plan)) {
        fprintf(stderr, "%s: '%s' came back as '%s'\n", device->name, text, convolution_plan_text(restored));
        faults++;
    }
    convolution_plan_destroy(restored);
}

/* One row. Returns the workspace of the first plan, 0 where there is none. */
static size_t print_row(const struct described_device *device, struct convolution_request *request, size_t *total)
{
    struct convolution_plan *plans[ROOM];
    size_t found, deterministic;
    request->deterministic = true;
    if (convolution_plans_create(plans, ROOM, &deterministic, &device->target, request) != 0)
        deterministic = 0;
    free_plans(plans, deterministic);
    request->deterministic = false;
    if (convolution_plans_create(plans, ROOM, &found, &device->target, request) != 0) {
        fprintf(stderr, "%s: %s\n", device->name, tidy_error_message());
        faults++;
        found = 0;
    }
    size_t smallest = SIZE_MAX, largest = 0, first = 0;
    for (size_t i = 0; i < found; i++) {
        size_t workspace = convolution_plan_workspace(plans[i]);
        smallest = workspace < smallest ? workspace : smallest;
        largest = workspace > largest ? workspace : largest;
        first = i == 0 ? workspace : first;
        check_restores(device, request, plans[i]);
    }
    char key[CONVOLUTION_KEY_ROOM];
    printf("%s\t%s\t%s\t%zu\t%zu\t%zu\t%zu\t%zu\t%s\n", device->name, precision_names[request->precision],
           convolution_request_key(key, request), found, deterministic, found > 0 ? smallest : 0, largest, first,
           found > 0 ? convolution_plan_text(plans[0]) : "-");
    free_plans(plans, found);
    *total += found;
    return first;
}

int main(int argc, char **argv)
{
    uint64_t batch;
    if (argc != 3 || options_parse_count(argv[2], 1, 4096, "the batch", &batch) != 0) {
        fprintf(stderr, "usage: plan-sweep FOLDER BATCH\n");
        return 2;
    }
    struct described_device devices[DESCRIBED_DEVICES];
    struct layer *layers = NULL;
    size_t layer_count;
    int status = described_devices_open(devices, argv[1]);
    if (status == 0)
        status = described_layers(&layers, &layer_count);
    if (status != 0)
        return tidy_report_error("plan-sweep", status);

    double started = seconds_now();
    size_t graphs = 0, plans = 0, most[DESCRIBED_DEVICES][3] = {{0}};
    puts("#device\tprecision\tconvolution\tplans\tdeterministic\tsmallest_workspace\tlargest_workspace\tfirst_"
         "workspace"
         "\tfirst");
    for (int device = 0; device < DESCRIBED_DEVICES; device++)
        for (enum precision precision = 0; precision_names[precision] != NULL; precision++) {
            if (precision != PRECISION_F32 && !devices[device].has_tensor_float)
                continue;
            for (size_t i = 0; i < layer_count; i++)
                for (enum convolution_pass pass = 0; pass < CONVOLUTION_PASSES; pass++) {
                    if (!described_pass_needed(&layers[i], pass))
                        continue;
                    struct convolution_request request = {.layer = &layers[i],
                                                          .count = (uint32_t)batch,
                                                          .pass = pass,
                                                          .precision = precision,
                                                          .workspace_limit = SIZE_MAX};
                    size_t first = print_row(&devices[device], &request, &plans);
                    if (first > most[device][precision])
                        most[device][precision] = first;
                    graphs++;
                }
        }
    puts("#device\tprecision\tlargest_first_workspace");
    for (int device = 0; device < DESCRIBED_DEVICES; device++)
        for (enum precision precision = 0; precision_names[precision] != NULL; precision++)
            if (precision == PRECISION_F32 || devices[device].has_tensor_float)
                printf("%s\t%s\t%zu\n", devices[device].name, precision_names[precision], most[device][precision]);
    fprintf(stderr, "plan-sweep: %zu plans of %zu graphs, %.1f s (cuDNN %zu)\n", plans, graphs,
            seconds_now() - started, cudnnGetVersion());
    free(layers);
    described_devices_close(devices);
    return fflush(stdout) == 0 && faults == 0 ? 0 : 1;
}
