/* Section numbers are of ISO/IEC 15948:2003, which is the W3C's recommendation of the same year. */
#include "common/png.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "common/error.h"
#include "common/memory.h"

enum {
    FILTERS = 5,      /* none, sub, up, average, Paeth: 9.2 */
    TRIES = 2,        /* rows as they are, rows filtered */
    CHUNK_BYTES = 12, /* of a chunk without data: length, type, checksum: 5.3 */
    HEADER_BYTES = 13
};

static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
static const uint8_t colour_types[] = {0, 0, 4, 2, 6}; /* by channels: 11.2.2 */

struct png_encoder {
    uint32_t height, width, channels;
    size_t row_bytes;       /* without the filter's number */
    uint8_t *filtered;      /* [height][1 + row_bytes] */
    uint8_t *row;           /* [row_bytes] a filter's result */
    uint8_t *packed[TRIES]; /* [capacity] */
    uint8_t *picture;       /* the file */
    size_t capacity;
    z_stream zlib;
    bool has_zlib;
};

/* zlib takes memory for its longest window and most symbols, and clears it for each picture: no more than these
 * need. */
static int begin_zlib(struct png_encoder *png, size_t bytes)
{
    int window = 9, memory = 1;
    while (window < MAX_WBITS && (size_t)1 << window < bytes)
        window++;
    while (memory < MAX_MEM_LEVEL && (size_t)64 << memory < bytes)
        memory++;
    png->has_zlib =
        deflateInit2(&png->zlib, Z_BEST_COMPRESSION, Z_DEFLATED, window, memory, Z_DEFAULT_STRATEGY) == Z_OK;
    return png->has_zlib ? 0 : tidy_fail_memory("a picture", bytes);
}

int png_encoder_create(struct png_encoder **out, uint32_t height, uint32_t width, uint32_t channels)
{
    struct png_encoder *png;
    *out = NULL;
    if (channels < 1 || channels > 4)
        return tidy_fail("images of %u channels cannot be shown: PNG has 1 to 4", channels);
    int status = memory_allocate(&png, 1, sizeof *png, "a picture");
    if (status != 0)
        return status;
    png->height = height;
    png->width = width;
    png->channels = channels;
    png->row_bytes = (size_t)width * channels;
    size_t bytes = height * (1 + png->row_bytes);
    status = begin_zlib(png, bytes);
    if (status == 0)
        png->capacity = deflateBound(&png->zlib, bytes);
    if (status == 0)
        status = memory_allocate(&png->filtered, bytes, 1, "a picture");
    if (status == 0)
        status = memory_allocate(&png->row, png->row_bytes, 1, "a picture");
    for (int try = 0; try < TRIES && status == 0; try++)
        status = memory_allocate(&png->packed[try], png->capacity, 1, "a picture");
    if (status == 0)
        status = memory_allocate(&png->picture, sizeof signature + 3 * CHUNK_BYTES + HEADER_BYTES + png->capacity,
                                 1, "a picture");
    if (status == 0)
        *out = png;
    else
        png_encoder_destroy(png);
    return status;
}

void png_encoder_destroy(struct png_encoder *png)
{
    if (png == NULL)
        return;
    if (png->has_zlib)
        deflateEnd(&png->zlib);
    free(png->picture);
    for (int try = 0; try < TRIES; try++)
        free(png->packed[try]);
    free(png->row);
    free(png->filtered);
    free(png);
}

/* ---- filters ------------------------------------------------------------------------------------------------ */

/* The predictor of 9.4: of left, above and their corner the nearest to left + above - corner. */
static int paeth(int left, int above, int corner)
{
    int estimate = left + above - corner;
    int by_left = abs(estimate - left), by_above = abs(estimate - above), by_corner = abs(estimate - corner);
    return by_left <= by_above && by_left <= by_corner ? left : by_above <= by_corner ? above : corner;
}

/* Filters a row into out[row_bytes]; `above` is NULL for the first. Returns the sum of the results' absolute values
 * as signed bytes. */
static unsigned filter_row(const struct png_encoder *png, uint8_t *out, const uint8_t *row, const uint8_t *above,
                           int filter)
{
    unsigned sum = 0;
    for (size_t i = 0; i < png->row_bytes; i++) {
        int left = i < png->channels ? 0 : row[i - png->channels], up = above == NULL ? 0 : above[i];
        int corner = i < png->channels || above == NULL ? 0 : above[i - png->channels];
        const int predicted[FILTERS] = {0, left, up, (left + up) / 2, paeth(left, up, corner)};
        out[i] = (uint8_t)(row[i] - predicted[filter]);
        sum += out[i] < 128 ? out[i] : 256U - out[i];
    }
    return sum;
}

/* Filters all rows, each with the best of the first `filters`. */
static void filter(struct png_encoder *png, const uint8_t *pixels, int filters)
{
    for (uint32_t y = 0; y < png->height; y++) {
        const uint8_t *row = pixels + y * png->row_bytes, *above = y > 0 ? row - png->row_bytes : NULL;
        uint8_t *out = png->filtered + y * (1 + png->row_bytes);
        unsigned least = UINT32_MAX;
        for (int number = 0; number < filters; number++) {
            unsigned sum = filter_row(png, png->row, row, above, number);
            if (sum >= least)
                continue;
            least = sum;
            out[0] = (uint8_t)number;
            memcpy(out + 1, png->row, png->row_bytes);
        }
    }
}

/* ---- the file ------------------------------------------------------------------------------------------------ */

static int pack(struct png_encoder *png, uint8_t *out, size_t *bytes)
{
    deflateReset(&png->zlib);
    png->zlib.next_in = png->filtered;
    png->zlib.avail_in = (uInt)(png->height * (1 + png->row_bytes));
    png->zlib.next_out = out;
    png->zlib.avail_out = (uInt)png->capacity;
    if (deflate(&png->zlib, Z_FINISH) != Z_STREAM_END)
        return tidy_fail("a picture cannot be compressed: %s", png->zlib.msg != NULL ? png->zlib.msg : "no reason");
    *bytes = png->zlib.total_out;
    return 0;
}

static uint8_t *put_number(uint8_t *at, uint32_t number)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *at++ = (uint8_t)(number >> shift);
    return at;
}

/* Writes a chunk at `at`. Returns where it ends. */
static uint8_t *put_chunk(uint8_t *at, const char *type, const uint8_t *data, size_t bytes)
{
    uint8_t *start = put_number(at, (uint32_t)bytes);
    memcpy(start, type, 4);
    if (bytes > 0)
        memcpy(start + 4, data, bytes);
    return put_number(start + 4 + bytes, (uint32_t)crc32(0, start, (uInt)(4 + bytes)));
}

int png_encode(struct png_encoder *png, const uint8_t *pixels, const uint8_t **out, size_t *bytes)
{
    static const int filters[TRIES] = {1, FILTERS};
    size_t packed[TRIES];
    for (int try = 0; try < TRIES; try++) {
        filter(png, pixels, filters[try]);
        int status = pack(png, png->packed[try], &packed[try]);
        if (status != 0)
            return status;
    }
    int best = packed[1] < packed[0];
    uint8_t header[HEADER_BYTES] = {[8] = 8, [9] = colour_types[png->channels]};
    put_number(put_number(header, png->width), png->height);
    memcpy(png->picture, signature, sizeof signature);
    uint8_t *end = put_chunk(png->picture + sizeof signature, "IHDR", header, sizeof header);
    end = put_chunk(end, "IDAT", png->packed[best], packed[best]);
    end = put_chunk(end, "IEND", NULL, 0);
    *out = png->picture;
    *bytes = (size_t)(end - png->picture);
    return 0;
}
