/* Images of the data set in a chart: their pixels stand in the script, and are drawn without being smoothed. */
#ifndef TIDY_ANALYZE_CHARTS_CHART_IMAGES_H
#define TIDY_ANALYZE_CHARTS_CHART_IMAGES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "analyze/images.h"

/* Pixels of each image as it is in the script. */
struct chart_images {
    uint32_t height, width;
};

/* What images of a data set become that have room for `pixels` x `pixels`: themselves, or where they are larger
 * the means of squares of their pixels. */
struct chart_images chart_images_size(const struct dataset *set, uint32_t pixels);

/* Writes these samples' images as the data block $images, a matrix an image with two empty lines between them, from
 * the top row down: 0 to 255, or of colours 65536 red + 256 green + blue; and the functions red, green and blue of
 * such a value. */
void chart_images_write(FILE *out, const struct images *images, const uint32_t *samples, size_t count,
                        uint32_t pixels);

/* Writes what a plot command draws them with: the image `index` (text, may be the variable of a `for`) from the
 * corner (x, y), texts, on, each pixel `side` units of the axes wide and high. */
void chart_images_write_plot(FILE *out, const char *index, const char *x, const char *y, double side);

#endif
