/* A value a pixel, so that the script stays as small as text can be. */
#include "analyze/charts/chart_images.h"

#include <inttypes.h>
#include <stdbool.h>

/* Pixels in a row that become one. */
static uint32_t square_side(const struct dataset *set, uint32_t pixels)
{
    uint32_t side = set->height > set->width ? set->height : set->width;
    return side > pixels ? (side + pixels - 1) / pixels : 1;
}

struct chart_images chart_images_size(const struct dataset *set, uint32_t pixels)
{
    uint32_t side = square_side(set, pixels);
    return (struct chart_images){(set->height + side - 1) / side, (set->width + side - 1) / side};
}

/* The mean of a channel over the square with this corner, as far as the image goes. */
static uint32_t mean(const struct dataset *set, const uint8_t *image, uint32_t y, uint32_t x, uint32_t side,
                     uint32_t channel)
{
    uint64_t sum = 0, count = 0;
    for (uint32_t row = y; row < y + side && row < set->height; row++)
        for (uint32_t column = x; column < x + side && column < set->width; column++, count++)
            sum += image[((size_t)row * set->width + column) * set->channels + channel];
    return (uint32_t)((sum + count / 2) / count);
}

static bool has_colours(const struct dataset *set)
{
    return set->channels >= 3;
}

static void write_image(FILE *out, const struct dataset *set, const uint8_t *image, uint32_t side)
{
    for (uint32_t y = 0; y < set->height; y += side)
        for (uint32_t x = 0; x < set->width; x += side) {
            uint32_t value = mean(set, image, y, x, side, 0);
            if (has_colours(set))
                value = value << 16 | mean(set, image, y, x, side, 1) << 8 | mean(set, image, y, x, side, 2);
            fprintf(out, "%" PRIu32 "%c", value, x + side < set->width ? '\t' : '\n');
        }
}

void chart_images_write(FILE *out, const struct images *images, const uint32_t *samples, size_t count,
                        uint32_t pixels)
{
    const struct dataset *set = &images->set.train;
    const uint32_t side = square_side(set, pixels);
    fprintf(out, "# %s\n$images << EOD\n",
            has_colours(set) ? "pixels: 65536 red + 256 green + blue" : "pixels, black 0 to white 255");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            fputs("\n\n", out);
        write_image(out, set, images_of(images, samples[i]), side);
    }
    fprintf(out, "EOD\nred(v) = %s\ngreen(v) = %s\nblue(v) = %s\n", has_colours(set) ? "int(v) >> 16" : "v",
            has_colours(set) ? "int(v) >> 8 & 255" : "v", has_colours(set) ? "int(v) & 255" : "v");
}

void chart_images_write_plot(FILE *out, const char *index, const char *x, const char *y, double side)
{
    fprintf(out,
            "$images index %s matrix using (%s + %g * ($1 + 0.5)):(%s - %g * ($2 + 0.5)):"
            "(red($3)):(green($3)):(blue($3)) with rgbimage",
            index, x, side, y, side);
}
