/* Makes a batch of images from the data set's bytes: gather by index, bilinear resize, scale to [0, 1]. */
#include "kernels/element.h"
#include "kernels/kernels.h"

/* For one axis: where an output pixel lies between two input pixels. */
struct axis_place {
    uint32_t low, high; /* input pixels on either side, clamped to the edge */
    float fraction;     /* how far towards `high` */
};

static struct axis_place place_on_axis(uint32_t out, uint32_t in_size, uint32_t out_size)
{
    /* Half-pixel centres: pixel i covers [i, i + 1), its centre is i + 0.5. */
    float centre = ((float)out + 0.5f) * (float)in_size / (float)out_size - 0.5f;
    if (centre < 0)
        centre = 0;
    uint32_t low = (uint32_t)centre;
    if (low > in_size - 1)
        low = in_size - 1;
    uint32_t high = low + 1 < in_size ? low + 1 : low;
    return (struct axis_place){low, high, centre - (float)low};
}

LOOP_BODY void scale_image(void *out, const uint8_t *image, size_t bytes, enum tensor_type type)
{
    for (size_t i = 0; i < bytes; i++)
        element_store(out, i, (float)image[i] / 255.0f, type);
}

LOOP_BODY void resize_image(void *out, const uint8_t *image, uint32_t height, uint32_t width, uint32_t channels,
                            uint32_t out_height, uint32_t out_width, enum tensor_type type)
{
    size_t place = 0;
    for (uint32_t y = 0; y < out_height; y++) {
        struct axis_place row = place_on_axis(y, height, out_height);
        const uint8_t *low_row = image + (size_t)row.low * width * channels;
        const uint8_t *high_row = image + (size_t)row.high * width * channels;
        for (uint32_t x = 0; x < out_width; x++) {
            struct axis_place column = place_on_axis(x, width, out_width);
            size_t left = (size_t)column.low * channels, right = (size_t)column.high * channels;
            for (uint32_t c = 0; c < channels; c++) {
                float low = (float)low_row[left + c];
                low += ((float)low_row[right + c] - low) * column.fraction;
                float high = (float)high_row[left + c];
                high += ((float)high_row[right + c] - high) * column.fraction;
                float value = low + (high - low) * row.fraction;
                /* A byte again, as image libraries store it: that is what the peers' networks saw. */
                element_store(out, place++, (float)(uint8_t)(value + 0.5f) / 255.0f, type);
            }
        }
    }
}

LOOP_OF_EACH_TYPE(scale_image, (void *out, const uint8_t *image, size_t bytes), out, image, bytes)
LOOP_OF_EACH_TYPE(resize_image,
                  (void *out, const uint8_t *image, uint32_t height, uint32_t width, uint32_t channels,
                   uint32_t out_height, uint32_t out_width),
                  out, image, height, width, channels, out_height, out_width)

void gather_images(enum tensor_type type, void *out, const uint8_t *images, const uint32_t *samples, uint32_t count,
                   uint32_t height, uint32_t width, uint32_t channels, uint32_t out_height, uint32_t out_width)
{
    size_t in_size = (size_t)height * width * channels, out_size = (size_t)out_height * out_width * channels;
    bool same_size = height == out_height && width == out_width;
#pragma omp parallel for schedule(static)
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *image = images + samples[i] * in_size;
        void *to = tensor_at_to_write(out, type, i * out_size);
        if (same_size)
            LOOP_OF(scale_image, type)(to, image, in_size);
        else
            LOOP_OF(resize_image, type)(to, image, height, width, channels, out_height, out_width);
    }
}
