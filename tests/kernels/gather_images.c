/* Promises of gather_images. Expected values are computed by hand, or by PyTorch where said. */
#include "tests/support/support.h"

#include "kernels/kernels.h"

static void test_same_size_is_bytes_over_255(void **state)
{
    (void)state;
    const uint8_t images[2][4] = {{0, 51, 102, 255}, {1, 2, 3, 4}};
    const uint32_t samples[] = {1, 0, 1};
    float out[3][4];
    gather_images(TENSOR_F32, out[0], images[0], samples, 3, 2, 2, 1, 2, 2);
    for (int i = 0; i < 4; i++) {
        assert_near(out[0][i], images[1][i] / 255.0f, 0);
        assert_near(out[1][i], images[0][i] / 255.0f, 0);
        assert_near(out[2][i], images[1][i] / 255.0f, 0);
    }
}

static void test_doubling_interpolates_between_half_pixel_centres(void **state)
{
    (void)state;
    /* Output centres lie at -1/4, 1/4, 3/4, 5/4 input pixels from the first centre: weights 1, 3:1, 1:3, 1.
     * Row 0 of 0, 100 is 0, 25, 75, 100; rows mix the same way with the row of 40, 140. */
    const uint8_t image[4] = {0, 100, 40, 140};
    const uint32_t sample = 0;
    const int expected[4][4] = {{0, 25, 75, 100}, {10, 35, 85, 110}, {30, 55, 105, 130}, {40, 65, 115, 140}};
    float out[4][4];
    gather_images(TENSOR_F32, out[0], image, &sample, 1, 2, 2, 1, 4, 4);
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 4; x++)
            assert_near(out[y][x], (float)expected[y][x] / 255.0f, 1e-7);
}

static void test_resize_from_28_to_32_equals_pytorch(void **state)
{
    (void)state;
    /* torch.nn.functional.interpolate(x, size=(32, 32), mode='bilinear', align_corners=False) of the image below,
     * then floor(v + 0.5), with PyTorch 1.13 in float64. */
    const int first[32] = {0,  6,   12,  18,  24,  30,  36,  42,  49,  55,  61,  67,  73,  79,  85,  91,
                           98, 104, 110, 116, 122, 128, 134, 140, 147, 153, 159, 165, 171, 177, 183, 189};
    const int last[32] = {54,  60,  66,  72,  78,  84,  90,  96,  103, 109, 115, 121, 127, 133, 139, 145,
                          152, 158, 164, 170, 176, 182, 188, 194, 201, 207, 213, 219, 225, 231, 237, 243};
    uint8_t image[28][28];
    for (int y = 0; y < 28; y++)
        for (int x = 0; x < 28; x++)
            image[y][x] = (uint8_t)(7 * x + 2 * y);
    const uint32_t sample = 0;
    static float out[32][32];
    gather_images(TENSOR_F32, out[0], image[0], &sample, 1, 28, 28, 1, 32, 32);
    for (int x = 0; x < 32; x++)
        assert_near(out[0][x] * 255, (float)first[x], 1e-3);
    for (int x = 0; x < 32; x++)
        assert_near(out[31][x] * 255, (float)last[x], 1e-3);
}

static void test_channels_stay_apart(void **state)
{
    (void)state;
    /* Two pixels of three channels, stretched to four pixels: weights 1, 3:1, 1:3, 1 for each channel by itself. */
    const uint8_t image[6] = {0, 40, 200, 100, 80, 0};
    const uint32_t sample = 0;
    const int expected[4][3] = {{0, 40, 200}, {25, 50, 150}, {75, 70, 50}, {100, 80, 0}};
    float out[4][3];
    gather_images(TENSOR_F32, out[0], image, &sample, 1, 1, 2, 3, 1, 4);
    for (int x = 0; x < 4; x++)
        for (int c = 0; c < 3; c++)
            assert_near(out[x][c], (float)expected[x][c] / 255.0f, 1e-7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_size_is_bytes_over_255),
        cmocka_unit_test(test_doubling_interpolates_between_half_pixel_centres),
        cmocka_unit_test(test_resize_from_28_to_32_equals_pytorch),
        cmocka_unit_test(test_channels_stay_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
