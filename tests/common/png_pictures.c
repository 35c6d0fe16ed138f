/* PNG pictures, read back by the standard's own words: chunks with their checksums, inflated, filters undone. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "common/error.h"
#include "common/png.h"
#include "common/random.h"
#include "tests/support/support.h"

static uint32_t number_at(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Section 5.5 and annex D: the polynomial bit by bit. */
static uint32_t checksum(const uint8_t *data, size_t bytes)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < bytes; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320U : 0);
    }
    return ~crc;
}

/* Section 9.2: what the filters 0 to 4 predict from left (a), above (b) and above left (c). */
static int predicted(int filter, int a, int b, int c)
{
    int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
    switch (filter) {
    case 0:
        return 0;
    case 1:
        return a;
    case 2:
        return b;
    case 3:
        return (a + b) / 2;
    default:
        return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
    }
}

static void undo_filters(uint8_t *pixels, const uint8_t *rows, size_t height, size_t row_bytes, size_t channels)
{
    for (size_t y = 0; y < height; y++) {
        const uint8_t *row = rows + y * (row_bytes + 1);
        uint8_t *out = pixels + y * row_bytes, *above = y > 0 ? out - row_bytes : NULL;
        assert_in_range(row[0], 0, 4);
        for (size_t x = 0; x < row_bytes; x++) {
            int a = x >= channels ? out[x - channels] : 0, b = y > 0 ? above[x] : 0;
            int c = x >= channels && y > 0 ? above[x - channels] : 0;
            out[x] = (uint8_t)(row[x + 1] + predicted(row[0], a, b, c));
        }
    }
}

/* The pixels of a file of height x width x channels; freed by the caller. */
static uint8_t *decode(const uint8_t *file, size_t bytes, uint32_t height, uint32_t width, uint32_t channels)
{
    static const uint8_t signature[] = {137, 80, 78, 71, 13, 10, 26, 10}; /* 5.2 */
    static const uint8_t types[] = {0, 0, 4, 2, 6};                       /* 11.2.2 */
    static const char *const names[] = {"IHDR", "IDAT", "IEND"};
    const uint8_t *at = file + 8, *data[3];
    uLong size[3];
    assert_memory_equal(file, signature, sizeof signature);
    for (int i = 0; i < 3; i++) {
        size[i] = number_at(at);
        data[i] = at + 8;
        assert_true(at + 12 + size[i] <= file + bytes);
        assert_memory_equal(at + 4, names[i], 4);
        assert_int_equal(number_at(at + 8 + size[i]), checksum(at + 4, size[i] + 4));
        at += 12 + size[i];
    }
    assert_ptr_equal(at, file + bytes);
    assert_int_equal(size[0], 13);
    assert_int_equal(number_at(data[0]), width);
    assert_int_equal(number_at(data[0] + 4), height);
    const uint8_t rest[] = {8, types[channels], 0, 0, 0};
    assert_memory_equal(data[0] + 8, rest, sizeof rest);
    assert_int_equal(size[2], 0);

    size_t row_bytes = (size_t)width * channels;
    uLong row_count = (uLong)(height * (row_bytes + 1));
    uint8_t *rows = malloc(row_count), *pixels = malloc(height * row_bytes);
    assert_int_equal(uncompress2(rows, &row_count, data[1], &size[1]), Z_OK);
    assert_int_equal(row_count, height * (row_bytes + 1));
    undo_filters(pixels, rows, height, row_bytes, channels);
    free(rows);
    return pixels;
}

/* A slope with some noise: what a photograph is to a filter. */
static void draw(uint8_t *pixels, uint32_t height, uint32_t width, uint32_t channels, uint32_t noise,
                 struct random_stream *random)
{
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width * channels; x++)
            pixels[y * width * channels + x] =
                (uint8_t)(3 * y + 2 * (x / channels) + 40 * (x % channels) + random_below(random, noise));
}

static void test_what_is_encoded_is_decoded(void **state)
{
    (void)state;
    static const struct {
        uint32_t height, width, noise;
    } cases[] = {{1, 1, 256}, {28, 28, 1}, {28, 28, 20}, {32, 32, 256}, {3, 500, 4}, {224, 224, 30}, {5, 1, 256}};
    struct random_stream random = random_open(1, RANDOM_NOISE, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (uint32_t channels = 1; channels <= 4; channels++) {
            size_t bytes = (size_t)cases[i].height * cases[i].width * channels;
            uint8_t *pixels = malloc(bytes);
            struct png_encoder *png;
            assert_int_equal(png_encoder_create(&png, cases[i].height, cases[i].width, channels), 0);
            for (int round = 0; round < 3; round++) { /* one encoder, several pictures */
                const uint8_t *file;
                size_t file_bytes;
                draw(pixels, cases[i].height, cases[i].width, channels, cases[i].noise, &random);
                assert_int_equal(png_encode(png, pixels, &file, &file_bytes), 0);
                uint8_t *decoded = decode(file, file_bytes, cases[i].height, cases[i].width, channels);
                assert_memory_equal(decoded, pixels, bytes);
                free(decoded);
            }
            png_encoder_destroy(png);
            free(pixels);
        }
}

/* A slope costs nothing once it is filtered; what cannot be compressed costs a filter's number a row, and what the
 * file and zlib have around it. */
static void test_filters_pay_and_noise_costs_little_more_than_itself(void **state)
{
    (void)state;
    enum { SIZE = 32, CHANNELS = 3, BYTES = SIZE * SIZE * CHANNELS };
    uint8_t pixels[BYTES];
    const uint8_t *file;
    size_t bytes;
    struct png_encoder *png;
    struct random_stream random = random_open(2, RANDOM_NOISE, 0);
    assert_int_equal(png_encoder_create(&png, SIZE, SIZE, CHANNELS), 0);
    draw(pixels, SIZE, SIZE, CHANNELS, 1, &random);
    assert_int_equal(png_encode(png, pixels, &file, &bytes), 0);
    assert_true(bytes < 150);
    draw(pixels, SIZE, SIZE, CHANNELS, 256, &random);
    assert_int_equal(png_encode(png, pixels, &file, &bytes), 0);
    assert_true(bytes <= BYTES + SIZE + 57 + 20);
    png_encoder_destroy(png);
}

static void test_channels_that_png_has_not(void **state)
{
    (void)state;
    struct png_encoder *png;
    assert_int_equal(png_encoder_create(&png, 2, 2, 5), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "5 channels"));
    assert_null(png);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_encoded_is_decoded),
        cmocka_unit_test(test_filters_pay_and_noise_costs_little_more_than_itself),
        cmocka_unit_test(test_channels_that_png_has_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
