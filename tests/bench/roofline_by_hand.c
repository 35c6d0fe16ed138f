/* Promises of the roofline: counts that are published or done by hand, and bounds that are bounds. */
#include "tests/support/support.h"

#include <stdlib.h>

#include "common/error.h"
#include "common/memory.h"
#include "tests/bench/gpu_bound.h"

struct fixture {
    struct network network;
    struct gpu_step step;
};

static void open_step(struct fixture *f, const char *net, uint32_t size, uint32_t channels, uint32_t classes,
                      uint32_t batch, enum precision precision, unsigned changes)
{
    assert_int_equal(network_create(&f->network, net, size, size, channels, classes), TIDY_OK);
    assert_int_equal(gpu_step_create(&f->step, &f->network, batch, precision, changes), TIDY_OK);
}

static void close_step(struct fixture *f)
{
    gpu_step_destroy(&f->step);
    network_destroy(&f->network);
}

static double matrix_flop(const struct gpu_step *step, enum step_pass pass, bool padding)
{
    double sum = 0;
    for (size_t k = 0; k < step->kernel_count; k++)
        if (step->kernels[k].matrix && (pass == STEP_PASSES || step->kernels[k].pass == pass))
            sum += padding ? step->kernels[k].plain_flop : step->kernels[k].flop;
    return sum;
}

/* torchvision's documentation: 4.09 GFLOPS, which are multiplications with addition, for one image of 224x224x3 and
 * 1000 classes (4.089 in its metadata); 1.814 for resnet18. */
static void test_forward_operations_are_the_published_ones(void **state)
{
    (void)state;
    const struct {
        const char *net;
        double giga;
    } published[] = {{"resnet18", 1.814}, {"resnet50", 4.089}, {"resnet101", 7.801}, {"resnet152", 11.514}};
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        struct fixture f;
        open_step(&f, published[i].net, 224, 3, 1000, 1, PRECISION_F32, 0);
        assert_near(matrix_flop(&f.step, STEP_FORWARD, true) / 2e9, published[i].giga, 0.0006);
        close_step(&f);
    }
}

/* Counted before, for the CPU backend (docs/performance.md): 62.6 GFLOP a step with padding; about 53 where the
 * layers of at most 2x2 pixels leave it out, as that backend does. */
static void test_a_step_of_the_seed_experiment_takes_53_giga_operations(void **state)
{
    (void)state;
    struct fixture f;
    double sum = 0;
    open_step(&f, "resnet50", 32, 1, 10, 128, PRECISION_F32, 0);
    assert_near(matrix_flop(&f.step, STEP_PASSES, true) / 1e9, 62.6, 0.1);
    for (size_t k = 0; k < f.step.kernel_count; k++) {
        const struct step_kernel *kernel = &f.step.kernels[k];
        if (kernel->matrix)
            sum += f.network.layers[kernel->layer].out_height <= 2 ? kernel->flop : kernel->plain_flop;
    }
    assert_near(sum / 1e9, 53, 0.5);
    close_step(&f);
}

static double kernel_bytes(const struct gpu_step *step, const struct step_kernel *kernel)
{
    double bytes = 0;
    for (size_t i = 0; i < kernel->access_count; i++)
        bytes += step->tensors[step->accesses[kernel->first_access + i].tensor].bytes;
    return bytes;
}

/* Bytes of all kernels of a pass of a layer. */
static double pass_bytes(const struct gpu_step *step, int layer, enum step_pass pass)
{
    double bytes = 0;
    for (size_t k = 0; k < step->kernel_count; k++)
        if (step->kernels[k].layer == layer && step->kernels[k].pass == pass)
            bytes += kernel_bytes(step, &step->kernels[k]);
    return bytes;
}

/* resnet50's first 3x3 layer: 64 -> 64 channels on 8x8 pixels, batch 128. A tensor has 128 * 8 * 8 * 64 = 524288
 * values, the weights 3 * 3 * 64 * 64 = 36864. The block's last layer: 64 -> 256, so 2097152 values out; with
 * shortcut. */
static void test_bytes_of_a_block_by_hand(void **state)
{
    (void)state;
    const double tensor = 524288, weights = 36864, wide = 2097152, narrow_weights = 64 * 256;
    const struct {
        enum precision precision;
        double size; /* of a value */
    } cases[] = {{PRECISION_F32, 4}, {PRECISION_TF32, 4}, {PRECISION_BF16, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        double size = cases[i].size;
        open_step(&f, "resnet50", 32, 1, 10, 128, cases[i].precision, 0);
        const int spatial = 4, last = 5; /* after the stem, its pool, the projection and the 1x1 layer */
        assert_int_equal(f.network.layers[spatial].kernel, 3);
        assert_int_equal(f.network.layers[last].shortcut, 2);
        assert_near(pass_bytes(&f.step, spatial, STEP_FORWARD), size * (tensor + weights + tensor), 0);
        assert_near(pass_bytes(&f.step, spatial, STEP_DATA_GRADIENT), size * (tensor + weights + tensor), 0);
        assert_near(pass_bytes(&f.step, spatial, STEP_WEIGHT_GRADIENT), size * (tensor + tensor + weights), 0);
        /* forward: the product twice, y. backward: dy, product, y, twice; dx. */
        assert_near(pass_bytes(&f.step, spatial, STEP_NORM_FORWARD), size * 3 * tensor, 0);
        assert_near(pass_bytes(&f.step, spatial, STEP_NORM_BACKWARD), size * 7 * tensor, 0);
        /* The shortcut is read forward, and its gradient stored backward (the projection's first gradient). */
        assert_near(pass_bytes(&f.step, last, STEP_NORM_FORWARD), size * 4 * wide, 0);
        assert_near(pass_bytes(&f.step, last, STEP_NORM_BACKWARD), size * 8 * wide, 0);
        assert_near(pass_bytes(&f.step, last, STEP_FORWARD), size * (tensor + narrow_weights + wide), 0);
        close_step(&f);
    }
}

static void test_products_leave_padding_out(void **state)
{
    (void)state;
    struct fixture f;
    open_step(&f, "resnet50", 32, 1, 10, 128, PRECISION_F32, 0);
    /* 3x3 on 8x8 with padding 1: of 24 kernel rows 22 see the image, 22^2 taps; 2 operations, 64 * 64 channels,
     * batch 128. */
    for (size_t k = 0; k < f.step.kernel_count; k++)
        if (f.step.kernels[k].layer == 4 && f.step.kernels[k].matrix) {
            assert_near(f.step.kernels[k].flop, 2.0 * 22 * 22 * 64 * 64 * 128, 0);
            assert_near(f.step.kernels[k].plain_flop, 2.0 * 24 * 24 * 64 * 64 * 128, 0);
        }
    close_step(&f);
}

static void test_the_update_touches_every_parameter_once(void **state)
{
    (void)state;
    struct fixture f;
    struct network_state values;
    for (enum precision p = PRECISION_F32; p <= PRECISION_BF16; p++) {
        open_step(&f, "resnet50", 32, 1, 10, 128, p, 0);
        assert_int_equal(network_state_allocate(&values, &f.network), TIDY_OK);
        double all = (double)values.parameter_count, tensors = 0;
        for (int i = 0; i < f.network.layer_count; i++)
            tensors += (double)values.layers[i].weight_count;
        /* f32: reads w, v, g and writes w, v. bf16: a gradient of 2 bytes is read and the rounded weights
         * written. */
        double expected = p == PRECISION_BF16 ? 16 * all + tensors * (2 + 2) + (all - tensors) * 4 : 20 * all;
        assert_near(pass_bytes(&f.step, -1, STEP_MOMENTUM), expected, 0);
        network_state_destroy(&values);
        close_step(&f);
    }
}

/* 16 blocks: in each the block's input gets a gradient from its first layer and one from the shortcut. */
static void test_kernels_and_launches_by_hand(void **state)
{
    (void)state;
    struct fixture f;
    open_step(&f, "resnet50", 32, 1, 10, 128, PRECISION_F32, 0);
    int passes[STEP_PASSES] = {0}, launches[STEP_PASSES] = {0};
    for (size_t k = 0; k < f.step.kernel_count; k++) {
        passes[f.step.kernels[k].pass]++;
        launches[f.step.kernels[k].pass] += f.step.kernels[k].launches;
    }
    assert_int_equal(passes[STEP_ADD], 16);
    assert_int_equal(passes[STEP_FORWARD], 54); /* 53 convolutions and the linear layer */
    assert_int_equal(passes[STEP_WEIGHT_GRADIENT], 54);
    assert_int_equal(passes[STEP_DATA_GRADIENT], 53); /* none for the images */
    assert_int_equal(passes[STEP_MOMENTUM], 1);
    /* Batch norm of more than 1024 rows takes 3 launches: the stem, the 11 layers on 8x8 and the 13 on 4x4. Else 1. */
    assert_int_equal(launches[STEP_NORM_FORWARD], 25 * 3 + 28);
    assert_int_equal(launches[STEP_NORM_BACKWARD], 25 * 3 + 28);
    close_step(&f);
}

static void sum_bounds(struct gpu_bound *sum, const struct gpu_step *step, const struct gpu_device *device,
                       enum precision p)
{
    struct gpu_bound *bounds;
    assert_int_equal(memory_allocate(&bounds, step->kernel_count, sizeof *bounds, "bounds"), TIDY_OK);
    gpu_bound_kernels(bounds, step, device, p, false);
    *sum = (struct gpu_bound){0};
    for (size_t k = 0; k < step->kernel_count; k++) {
        assert_true(bounds[k].plain >= bounds[k].compute && bounds[k].plain >= bounds[k].memory);
        assert_true(bounds[k].cached >= bounds[k].compute && bounds[k].cached <= bounds[k].plain);
        assert_true(bounds[k].cached_bytes <= bounds[k].plain_bytes);
        gpu_bound_add(sum, &bounds[k]);
    }
    free(bounds);
}

static void test_no_bound_is_below_either_of_its_parts(void **state)
{
    (void)state;
    for (size_t d = 0; d < gpu_device_count; d++)
        for (enum precision p = PRECISION_F32; p <= PRECISION_BF16; p++) {
            if (gpu_devices[d].peak[p] <= 0)
                continue;
            struct fixture f;
            struct gpu_bound sum;
            open_step(&f, "resnet50", 32, 1, 10, 128, p, 0);
            sum_bounds(&sum, &f.step, &gpu_devices[d], p);
            assert_true(sum.plain >= sum.compute && sum.plain >= sum.memory);
            assert_true(sum.plain <= sum.compute + sum.memory);
            close_step(&f);
        }
}

/* Without a cache everything goes to memory, except what nothing reads; in one that holds a whole step only
 * other images come. */
static void test_the_cache_model_at_its_ends(void **state)
{
    (void)state;
    struct fixture f;
    struct gpu_bound sum;
    struct gpu_device device = {"", {1, 1, 1}, 1, 0};
    open_step(&f, "small", 28, 1, 10, 64, PRECISION_F32, 0);
    sum_bounds(&sum, &f.step, &device, PRECISION_F32);
    assert_near(sum.cached_bytes, sum.plain_bytes, 0);
    device.cache = 1e12;
    sum_bounds(&sum, &f.step, &device, PRECISION_F32);
    assert_near(sum.cached_bytes, 64 * 28 * 28, 0);
    close_step(&f);
}

/* Tensors a (6 bytes), b (10): write a, write b, read a, read b, in each step. Between a's write and its read
 * lie b's 10 bytes, between b's write and its read a's 6. In 12 bytes: of a, 6 + 10 - 12 = 4 bytes are gone and
 * have been written out; of b 10 + 6 - 12 = 4. In 16 nothing is gone. */
static void test_the_cache_model_by_hand(void **state)
{
    (void)state;
    struct step_tensor tensors[] = {{6, false}, {10, false}};
    struct step_access accesses[] = {{0, true, 0}, {1, true, 6}, {0, false, 10}, {1, false, 6}};
    struct step_kernel kernels[4];
    for (size_t k = 0; k < 4; k++)
        kernels[k] = (struct step_kernel){.first_access = k, .access_count = 1, .launches = 1};
    struct gpu_step step = {kernels, accesses, tensors, 4, 4, 2, 0, 0};
    struct gpu_device device = {"", {1, 1, 1}, 2, 12};
    struct gpu_bound bounds[4];
    gpu_bound_kernels(bounds, &step, &device, PRECISION_F32, false);
    for (size_t k = 0; k < 4; k++) {
        assert_near(bounds[k].cached_bytes, 4, 0);
        assert_near(bounds[k].cached, 4.0 / 2, 0);
    }
    device.cache = 16;
    gpu_bound_kernels(bounds, &step, &device, PRECISION_F32, false);
    for (size_t k = 0; k < 4; k++)
        assert_near(bounds[k].cached_bytes, 0, 0);
}

/* a and b as before: a is written, read at once, written again, and read after b's 10 bytes. Of a's writes only the
 * second has bytes to send, 6 + 10 - 12. */
static void test_only_what_is_read_later_is_written_to_memory(void **state)
{
    (void)state;
    struct step_tensor tensors[] = {{6, false}, {10, false}};
    struct step_access accesses[] = {{0, true, 0}, {0, false, 0},  {0, true, 0},
                                     {1, true, 0}, {0, false, 10}, {1, false, 6}};
    struct step_kernel kernels[6];
    const double expected[] = {0, 0, 4, 4, 4, 4};
    for (size_t k = 0; k < 6; k++)
        kernels[k] = (struct step_kernel){.first_access = k, .access_count = 1, .launches = 1};
    struct gpu_step step = {kernels, accesses, tensors, 6, 6, 2, 0, 0};
    struct gpu_device device = {"", {1, 1, 1}, 1, 12};
    struct gpu_bound bounds[6];
    gpu_bound_kernels(bounds, &step, &device, PRECISION_F32, false);
    for (size_t k = 0; k < 6; k++)
        assert_near(bounds[k].cached_bytes, expected[k], 0);
}

/* Write a (6 bytes), write b (10), read b, read a, and so on: before the read of a lie b's 10 bytes, once; before
 * the write of b, back to its read in the step before, a's 6, once. */
static void test_reuse_counts_each_tensor_between_once(void **state)
{
    (void)state;
    struct step_tensor tensors[] = {{6, false}, {10, false}, {1, true}};
    struct step_access accesses[] = {{0, true, 0}, {1, true, 0}, {1, false, 0}, {0, false, 0}};
    struct gpu_step step = {NULL, accesses, tensors, 0, 4, 3, 0, 0};
    const double expected[] = {0, 6, 0, 10};
    assert_int_equal(gpu_step_measure_reuse(&step), TIDY_OK);
    for (size_t i = 0; i < 4; i++)
        assert_near(accesses[i].between, expected[i], 0);
}

/* Three convolutions on 4x4 pixels, 8 channels: all read layer 0, and layer 1 adds it as its shortcut. Backward,
 * layer 2 begins the gradient of layer 0, to which layer 1's batch norm adds the shortcut's: read and written. */
static void test_a_shortcut_gradient_that_was_begun_is_read_too(void **state)
{
    (void)state;
    struct layer layers[3];
    for (int i = 0; i < 3; i++)
        layers[i] = (struct layer){
            LAYER_CONVOLUTION, i == 0 ? LAYER_IMAGES : 0, i == 1 ? 0 : LAYER_NONE, true, 1, 1, 0, 4, 4, 8, 4, 4, 8};
    struct network network = {"three", 3, layers, 4, 4, 8, 8};
    struct gpu_step step;
    const double tensor = 2 * 4 * 4 * 8 * sizeof(float);
    assert_int_equal(gpu_step_create(&step, &network, 2, PRECISION_F32, 0), TIDY_OK);
    assert_near(pass_bytes(&step, 2, STEP_NORM_BACKWARD), 7 * tensor, 0);
    assert_near(pass_bytes(&step, 1, STEP_NORM_BACKWARD), (7 + 2) * tensor, 0);
    assert_near(pass_bytes(&step, 2, STEP_ADD), 0, 0);
    assert_near(pass_bytes(&step, 1, STEP_ADD), 3 * tensor, 0);
    gpu_step_destroy(&step);
}

static void test_every_change_saves(void **state)
{
    (void)state;
    struct fixture f;
    struct gpu_bound before, after;
    open_step(&f, "resnet50", 32, 1, 10, 128, PRECISION_BF16, 0);
    sum_bounds(&before, &f.step, &gpu_devices[1], PRECISION_BF16);
    close_step(&f);
    for (unsigned change = STEP_STATISTICS_IN_EPILOGUE; change <= STEP_UPDATE_IN_WEIGHT_GRADIENT; change *= 2) {
        open_step(&f, "resnet50", 32, 1, 10, 128, PRECISION_BF16, change);
        sum_bounds(&after, &f.step, &gpu_devices[1], PRECISION_BF16);
        assert_true(after.plain < before.plain && after.plain_bytes < before.plain_bytes);
        close_step(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward_operations_are_the_published_ones),
        cmocka_unit_test(test_a_step_of_the_seed_experiment_takes_53_giga_operations),
        cmocka_unit_test(test_bytes_of_a_block_by_hand),
        cmocka_unit_test(test_products_leave_padding_out),
        cmocka_unit_test(test_the_update_touches_every_parameter_once),
        cmocka_unit_test(test_kernels_and_launches_by_hand),
        cmocka_unit_test(test_no_bound_is_below_either_of_its_parts),
        cmocka_unit_test(test_the_cache_model_at_its_ends),
        cmocka_unit_test(test_the_cache_model_by_hand),
        cmocka_unit_test(test_only_what_is_read_later_is_written_to_memory),
        cmocka_unit_test(test_reuse_counts_each_tensor_between_once),
        cmocka_unit_test(test_a_shortcut_gradient_that_was_begun_is_read_too),
        cmocka_unit_test(test_every_change_saves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
