/* gpu-roofline: the least time that a training step can take on a GPU, computed from the network's table and the
 * device's published peaks. Nothing is measured and no GPU is needed. scripts/gpu-roofline builds and runs it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/options.h"
#include "common/table.h"
#include "tests/bench/gpu_bound.h"

enum report { REPORT_DEVICES, REPORT_LAYERS, REPORT_STAGES, REPORT_PASSES, REPORT_CHANGES };

struct request {
    const char *net;
    uint64_t batch, size, channels, classes;
    double launch_us;
};

/* One step on one device: what every report starts from. */
struct setting {
    const struct network *network;
    const struct gpu_device *device;
    enum precision precision;
    struct gpu_step step;
    struct gpu_bound *bounds; /* [step.kernel_count] */
};

/* Four significant digits: no figure here is known better. */
static void add_figure(struct table *table, double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.4g", value);
    table_add_real(table, strtod(text, NULL));
}

static void add_setting(struct table *table, const struct setting *c)
{
    table_add_text(table, c->device->name);
    table_add_text(table, precision_names[c->precision]);
}

static int open_setting(struct setting *out, const struct network *network, const struct gpu_device *device,
                        enum precision precision, uint64_t batch, unsigned changes, bool padding)
{
    *out = (struct setting){.network = network, .device = device, .precision = precision};
    int status = gpu_step_create(&out->step, network, (uint32_t)batch, precision, changes);
    if (status != TIDY_OK)
        return status;
    status = memory_allocate(&out->bounds, out->step.kernel_count, sizeof *out->bounds, "bounds");
    if (status == TIDY_OK)
        gpu_bound_kernels(out->bounds, &out->step, device, precision, padding);
    else
        gpu_step_destroy(&out->step);
    return status;
}

static void close_setting(struct setting *c)
{
    free(c->bounds);
    gpu_step_destroy(&c->step);
}

static struct gpu_bound total(const struct setting *c)
{
    struct gpu_bound sum = {0};
    for (size_t k = 0; k < c->step.kernel_count; k++)
        gpu_bound_add(&sum, &c->bounds[k]);
    return sum;
}

static double launched(const struct gpu_bound *bound, const struct request *request)
{
    return bound->cached + bound->launches * request->launch_us * 1e-6;
}

static const char *const device_columns[] = {
    "device",
    "precision",
    "gflop",
    "mbytes",
    "compute_ms",
    "memory_ms",
    "bound_ms",
    "images_per_s",
    "cached_mbytes",
    "cached_ms",
    "launches",
    "launched_ms",
    "launched_images_per_s",
};

static int report_device(struct table *table, const struct setting *c, const struct request *request)
{
    struct gpu_bound sum = total(c);
    add_setting(table, c);
    add_figure(table, 1e-9 * sum.flop);
    add_figure(table, 1e-6 * sum.plain_bytes);
    add_figure(table, 1e3 * sum.compute);
    add_figure(table, 1e3 * sum.memory);
    add_figure(table, 1e3 * sum.plain);
    add_figure(table, (double)request->batch / sum.plain);
    add_figure(table, 1e-6 * sum.cached_bytes);
    add_figure(table, 1e3 * sum.cached);
    add_figure(table, sum.launches);
    add_figure(table, 1e3 * launched(&sum, request));
    add_figure(table, (double)request->batch / launched(&sum, request));
    return TIDY_OK;
}

static const char *const group_columns[] = {
    "device",     "precision", "what",     "pass",  "kernels",       "gflop",     "mbytes",
    "compute_us", "memory_us", "bound_us", "binds", "cached_mbytes", "cached_us", "launches",
};

static void add_group(struct table *table, const struct setting *c, const char *what, const char *pass,
                      size_t kernels, const struct gpu_bound *sum)
{
    add_setting(table, c);
    table_add_text(table, what);
    table_add_text(table, pass);
    table_add_count(table, kernels);
    add_figure(table, 1e-9 * sum->flop);
    add_figure(table, 1e-6 * sum->plain_bytes);
    add_figure(table, 1e6 * sum->compute);
    add_figure(table, 1e6 * sum->memory);
    add_figure(table, 1e6 * sum->plain);
    table_add_text(table, sum->compute > sum->memory ? "compute" : "memory");
    add_figure(table, 1e-6 * sum->cached_bytes);
    add_figure(table, 1e6 * sum->cached);
    add_figure(table, sum->launches);
}

enum { NAME_ROOM = 80 };

static const char *layer_name(char text[NAME_ROOM], const struct setting *c, int index)
{
    if (index < 0)
        return "step";
    const struct layer *l = &c->network->layers[index];
    switch (l->kind) {
    case LAYER_CONVOLUTION:
        snprintf(text, NAME_ROOM, "%d: %ux%u/%u %ux%u %u->%u", index, l->kernel, l->kernel, l->stride, l->in_height,
                 l->in_width, l->in_channels, l->out_channels);
        break;
    case LAYER_MAX_POOL:
    case LAYER_AVERAGE_POOL:
        snprintf(text, NAME_ROOM, "%d: %s pool %ux%u %u", index, l->kind == LAYER_MAX_POOL ? "max" : "average",
                 l->in_height, l->in_width, l->in_channels);
        break;
    case LAYER_LINEAR:
        snprintf(text, NAME_ROOM, "%d: linear %u->%u", index, l->in_height * l->in_width * l->in_channels,
                 l->out_channels);
        break;
    }
    return text;
}

/* Layers whose output has the same number of pixels. */
static const char *stage_name(char text[NAME_ROOM], const struct setting *c, int index)
{
    if (index < 0)
        return "step";
    const struct layer *l = &c->network->layers[index];
    snprintf(text, NAME_ROOM, "%ux%u", l->out_height, l->out_width);
    return text;
}

typedef const char *group_name(char text[NAME_ROOM], const struct setting *c, int index);

static const char *whole_step(char text[NAME_ROOM], const struct setting *c, int index)
{
    (void)text, (void)c, (void)index;
    return "all";
}

/* A row for each group and pass, in the order in which the step comes to them first. */
static int report_groups(struct table *table, const struct setting *c, group_name *name)
{
    bool *done;
    int status = memory_allocate(&done, c->step.kernel_count, sizeof *done, "rows");
    for (size_t first = 0; first < c->step.kernel_count && status == TIDY_OK; first++) {
        if (done[first])
            continue;
        char text[NAME_ROOM], other[NAME_ROOM];
        const struct step_kernel *kernel = &c->step.kernels[first];
        const char *group = name(text, c, kernel->layer);
        struct gpu_bound sum = {0};
        size_t kernels = 0;
        for (size_t k = first; k < c->step.kernel_count; k++)
            if (c->step.kernels[k].pass == kernel->pass &&
                strcmp(name(other, c, c->step.kernels[k].layer), group) == 0) {
                gpu_bound_add(&sum, &c->bounds[k]);
                done[k] = true;
                kernels++;
            }
        add_group(table, c, group, step_pass_names[kernel->pass], kernels, &sum);
    }
    free(done);
    return status;
}

/* What other designs would save, and what this one costs beyond the bound. */
static const struct change_row {
    const char *what;
    unsigned changes;
    bool padding;
} change_rows[] = {
    {"batch norm's sums in the convolution's epilogue", STEP_STATISTICS_IN_EPILOGUE, false},
    {"batch norm's backward reads once", STEP_NORM_BACKWARD_ONCE, false},
    {"ReLU's mask as bits", STEP_MASK_BITS, false},
    {"second gradients added by the convolution", STEP_ADD_IN_DATA_GRADIENT, false},
    {"update where the weight gradient is computed", STEP_UPDATE_IN_WEIGHT_GRADIENT, false},
    {"these five together",
     STEP_STATISTICS_IN_EPILOGUE | STEP_NORM_BACKWARD_ONCE | STEP_MASK_BITS | STEP_ADD_IN_DATA_GRADIENT |
         STEP_UPDATE_IN_WEIGHT_GRADIENT,
     false},
    {"products with padding, beyond the bound", 0, true},
};

static const char *const change_columns[] = {"device", "precision", "what", "bound_percent", "launched_percent"};

static int report_changes(struct table *table, const struct setting *c, const struct request *request)
{
    struct gpu_bound as_it_is = total(c);
    for (size_t i = 0; i < sizeof change_rows / sizeof *change_rows; i++) {
        const struct change_row *row = &change_rows[i];
        struct setting changed;
        int status =
            open_setting(&changed, c->network, c->device, c->precision, request->batch, row->changes, row->padding);
        if (status != TIDY_OK)
            return status;
        struct gpu_bound sum = total(&changed);
        add_setting(table, c);
        table_add_text(table, row->what);
        add_figure(table, 100 * fabs(as_it_is.plain - sum.plain) / as_it_is.plain);
        add_figure(table, 100 * fabs(launched(&as_it_is, request) - launched(&sum, request)) /
                              launched(&as_it_is, request));
        close_setting(&changed);
    }
    double latency = as_it_is.launches * request->launch_us * 1e-6;
    add_setting(table, c);
    table_add_text(table, "launch latency, in the third figure");
    add_figure(table, 100 * latency / as_it_is.plain);
    add_figure(table, 100 * latency / launched(&as_it_is, request));
    return TIDY_OK;
}

static int report_setting(struct table *table, const struct setting *c, const struct request *request,
                          enum report report)
{
    switch (report) {
    case REPORT_LAYERS:
        return report_groups(table, c, layer_name);
    case REPORT_STAGES:
        return report_groups(table, c, stage_name);
    case REPORT_PASSES:
        return report_groups(table, c, whole_step);
    case REPORT_CHANGES:
        return report_changes(table, c, request);
    case REPORT_DEVICES:
        break;
    }
    return report_device(table, c, request);
}

static struct table *begin(enum report report)
{
    switch (report) {
    case REPORT_DEVICES:
        return table_begin(device_columns, sizeof device_columns / sizeof *device_columns, false);
    case REPORT_CHANGES:
        return table_begin(change_columns, sizeof change_columns / sizeof *change_columns, false);
    default:
        return table_begin(group_columns, sizeof group_columns / sizeof *group_columns, false);
    }
}

/* What --device and --precision leave; NULL leaves all. */
static bool chosen(const struct gpu_device *device, enum precision precision, const char *only_device,
                   const char *only_precision)
{
    return device->peak[precision] > 0 && (only_device == NULL || strcmp(only_device, device->name) == 0) &&
           (only_precision == NULL || strcmp(only_precision, precision_names[precision]) == 0);
}

static int print(const struct request *request, enum report report, const char *device, const char *precision)
{
    struct network network;
    size_t found = 0;
    for (size_t d = 0; d < gpu_device_count; d++)
        for (enum precision p = PRECISION_F32; p <= PRECISION_BF16; p++)
            found += chosen(&gpu_devices[d], p, device, precision);
    if (found == 0)
        return tidy_fail("%s does not compute in %s", device, precision);
    int status = network_create(&network, request->net, (uint32_t)request->size, (uint32_t)request->size,
                                (uint32_t)request->channels, (uint32_t)request->classes);
    if (status != TIDY_OK)
        return status;
    struct table *table = begin(report);
    if (table == NULL) {
        network_destroy(&network);
        return TIDY_FAILED;
    }
    for (size_t d = 0; d < gpu_device_count; d++)
        for (enum precision p = PRECISION_F32; p <= PRECISION_BF16 && status == TIDY_OK; p++) {
            struct setting setting;
            if (!chosen(&gpu_devices[d], p, device, precision))
                continue;
            status = open_setting(&setting, &network, &gpu_devices[d], p, request->batch, 0, false);
            if (status == TIDY_OK) {
                status = report_setting(table, &setting, request, report);
                close_setting(&setting);
            }
        }
    int ended = table_end(table);
    network_destroy(&network);
    return status != TIDY_OK ? status : ended;
}

enum { DEVICE_ROOM = 16 };

/* Names for --device, "all" first, ended by NULL. */
static const char *const *device_names(void)
{
    static const char *names[DEVICE_ROOM];
    names[0] = "all";
    for (size_t d = 0; d < gpu_device_count && d + 2 < DEVICE_ROOM; d++)
        names[d + 1] = gpu_devices[d].name;
    return names;
}

int main(int argc, char **argv)
{
    static const char *const precisions[] = {"all", "f32", "tf32", "bf16", NULL};
    struct request request = {
        .net = "resnet50", .batch = 128, .size = 32, .channels = 1, .classes = 10, .launch_us = 1};
    int device = 0, precision = 0;
    bool layers = false, stages = false, passes = false, changes = false;
    const struct option_row options[] = {
        {"net", 0, OPTION_TEXT, &request.net, "NAME", "the network", 0, 0, NULL, NULL},
        {"batch-size", 0, OPTION_COUNT, &request.batch, "N", "images in a step", 1, 65536, NULL, NULL},
        {"size", 0, OPTION_COUNT, &request.size, "N", "height and width of the images", 1, 1024, NULL, NULL},
        {"channels", 0, OPTION_COUNT, &request.channels, "N", "channels of the images", 1, 64, NULL, NULL},
        {"classes", 0, OPTION_COUNT, &request.classes, "N", "classes", 1, 65535, NULL, NULL},
        {"device", 0, OPTION_CHOICE, &device, "NAME", "only this device", 0, 0, device_names(), NULL},
        {"precision", 0, OPTION_CHOICE, &precision, "NAME", "only this precision", 0, 0, precisions, NULL},
        {"launch-us", 0, OPTION_REAL, &request.launch_us, "US", "time between two kernels of a graph", 0, 1000,
         NULL, NULL},
        {"layers", 0, OPTION_FLAG, &layers, NULL, "a row for each layer and pass", 0, 0, NULL, NULL},
        {"stages", 0, OPTION_FLAG, &stages, NULL, "a row for each size of output and pass", 0, 0, NULL, NULL},
        {"passes", 0, OPTION_FLAG, &passes, NULL, "a row for each pass", 0, 0, NULL, NULL},
        {"changes", 0, OPTION_FLAG, &changes, NULL, "what other designs would save", 0, 0, NULL, NULL},
    };
    const struct command_usage usage = {
        .program = "gpu-roofline",
        .name = "",
        .arguments = "[OPTION...]",
        .summary = "Computes the least time of a training step on published devices.",
        .description =
            "bound: each kernel takes the longer of its arithmetic at the device's peak and all that it reads and\n"
            "writes at the bandwidth of device memory. cached: what the L2 cache still holds costs nothing.\n"
            "launched: cached, and --launch-us for each kernel. Everything is computed, nothing measured.",
        .example = "gpu-roofline --device A100 --precision bf16 --stages",
        .options = options,
        .option_count = sizeof options / sizeof *options,
    };
    const char **positional = calloc((size_t)argc + 1, sizeof *positional);
    int count = 0, status = TIDY_FAILED;
    bool helped = false;
    if (positional != NULL)
        status = options_parse(&usage, argc, argv, positional, &count, &helped);
    if (status == TIDY_OK && !helped && (count > 0 || layers + stages + passes + changes > 1))
        status = tidy_fail_usage("at most one of --layers, --stages, --passes and --changes, and no argument");
    free(positional);
    if (status == TIDY_OK && !helped)
        status = print(&request,
                       layers    ? REPORT_LAYERS
                       : stages  ? REPORT_STAGES
                       : passes  ? REPORT_PASSES
                       : changes ? REPORT_CHANGES
                                 : REPORT_DEVICES,
                       device > 0 ? device_names()[device] : NULL, precision > 0 ? precisions[precision] : NULL);
    return tidy_report_error("gpu-roofline", status);
}
