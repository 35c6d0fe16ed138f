/* Promises of gpu_gather_images: the very values of gather_images, rounded once where they are stored in bf16. */
#include "tests/support/support.h"

#include <stdlib.h>

#include "common/random.h"
#include "tests/gpu/kernels/tensors.h"

struct shape {
    uint32_t height, width, channels, out_height, out_width;
};

static void check_shape(struct shape s, uint32_t count, enum tensor_type type)
{
    enum { IMAGES = 7 };
    size_t image = (size_t)s.height * s.width * s.channels;
    size_t values = (size_t)count * s.out_height * s.out_width * s.channels;
    uint8_t *images = malloc(IMAGES * image);
    uint32_t *samples = malloc(count * sizeof *samples);
    assert_true(images != NULL && samples != NULL);
    struct random_stream random = random_open(image, RANDOM_ORDER, count);
    for (size_t i = 0; i < IMAGES * image; i++)
        images[i] = (uint8_t)random_below(&random, 256);
    for (uint32_t i = 0; i < count; i++) /* the last one first: it ends where the memory ends */
        samples[i] = i == 0 ? IMAGES - 1 : (uint32_t)random_below(&random, IMAGES);
    float *expected = floats_allocate(values), *actual = floats_allocate(values);
    gather_images(TENSOR_F32, expected, images, samples, count, s.height, s.width, s.channels, s.out_height,
                  s.out_width);
    floats_round(expected, values, type);

    void *device_images = device_copy(images, IMAGES * image);
    void *device_samples = device_copy(samples, count * sizeof *samples);
    for (int variant = 0; variant < DEVICE_VARIANTS; variant++) {
        struct gpu_queue queue = device_queue(variant);
        void *out = device_allocate(tensor_bytes(values, type));
        device_wait(gpu_gather_images(&queue, type, out, device_images, device_samples, count, s.height, s.width,
                                      s.channels, s.out_height, s.out_width));
        tensor_download(actual, out, values, type);
        assert_floats_equal(actual, expected, values);
        device_free(out);
    }
    device_free(device_samples);
    device_free(device_images);
    free(actual);
    free(expected);
    free(samples);
    free(images);
}

static void check_shapes(const struct shape *shapes, size_t shape_count)
{
    for (size_t k = 0; k < shape_count; k++)
        for (int type = TENSOR_F32; type <= TENSOR_BF16; type++)
            check_shape(shapes[k], 3, (enum tensor_type)type);
    const uint32_t counts[] = {1, 96, 128, 1000};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
        check_shape(shapes[0], counts[k], k % 2 ? TENSOR_BF16 : TENSOR_F32);
}

static void test_images_of_the_same_size_equal_the_c_twin(void **state)
{
    (void)state;
    /* 35 values, 5 and 1: no multiple of 4; 1,600 values are several tiles of 256 vectors. */
    const struct shape shapes[] = {
        {4, 4, 1, 4, 4}, {28, 28, 1, 28, 28}, {5, 7, 1, 5, 7},  {5, 1, 1, 5, 1},
        {1, 1, 1, 1, 1}, {9, 5, 3, 9, 5},     {8, 8, 10, 8, 8}, {5, 5, 64, 5, 5},
    };
    check_shapes(shapes, sizeof shapes / sizeof *shapes);
}

static void test_resized_images_equal_the_c_twin(void **state)
{
    (void)state;
    /* Up and down, rows of less, just and more than a warp's 32 values, channels that a warp's step does not
     * divide. */
    const struct shape shapes[] = {
        {3, 3, 1, 4, 5},  {28, 28, 1, 32, 32}, {28, 28, 1, 14, 9}, {33, 2, 1, 40, 35},  {5, 7, 3, 9, 11},
        {5, 7, 3, 4, 33}, {8, 8, 10, 16, 3},   {6, 6, 64, 3, 5},   {1, 1, 1, 3, 3},     {1, 9, 1, 1, 70},
        {2, 2, 33, 3, 3}, {7, 9, 2, 7, 8},     {7, 9, 2, 8, 9},    {64, 64, 1, 224, 5},
    };
    check_shapes(shapes, sizeof shapes / sizeof *shapes);
}

static void test_images_beyond_4_gigabytes_are_reached(void **state)
{
    (void)state;
    /* Only image 5000 of 1 MiB is there: the pointer to image 0 is made up, and nothing may be read through it. */
    enum { SIDE = 1024, SAMPLE = 5000, OUT = 3 };
    const uint32_t sample = SAMPLE, first = 0;
    uint8_t *image = malloc(SIDE * SIDE);
    assert_non_null(image);
    for (size_t i = 0; i < SIDE * SIDE; i++)
        image[i] = (uint8_t)(i * 7 % 251);
    void *device_image = device_copy(image, SIDE * SIDE), *device_sample = device_copy(&sample, sizeof sample);
    const uint8_t *images = (const uint8_t *)((uintptr_t)device_image - (uintptr_t)SAMPLE * SIDE * SIDE);
    const uint32_t sizes[] = {SIDE, OUT};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        uint32_t size = sizes[k];
        float *expected = floats_allocate(size * size), *actual = floats_allocate(size * size);
        gather_images(TENSOR_F32, expected, image, &first, 1, SIDE, SIDE, 1, size, size);
        struct gpu_queue queue = device_queue(1);
        void *out = device_allocate(tensor_bytes(size * size, TENSOR_F32));
        device_wait(
            gpu_gather_images(&queue, TENSOR_F32, out, images, device_sample, 1, SIDE, SIDE, 1, size, size));
        tensor_download(actual, out, size * size, TENSOR_F32);
        assert_floats_equal(actual, expected, size * size);
        device_free(out);
        free(actual);
        free(expected);
    }
    device_free(device_sample);
    device_free(device_image);
    free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_images_of_the_same_size_equal_the_c_twin),
        cmocka_unit_test(test_resized_images_equal_the_c_twin),
        cmocka_unit_test(test_images_beyond_4_gigabytes_are_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
