/* make-idx FOLDER SAMPLES TEST_SAMPLES CLASSES SIZE [CHANNELS]: writes a small data set in MNIST's layout that can be
 * learned; with CHANNELS its images have a fourth dimension.
 *
 * Class c is a bright bar at row c * SIZE / CLASSES, on noise. TEST_SAMPLES 0: no test files. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static void put_big_endian(FILE *file, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        fputc((int)(value >> shift & 255), file);
}

static FILE *create(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    return file;
}

/* channels 0: the images have three dimensions. */
static void write_pair(const char *folder, const char *prefix, uint32_t samples, uint32_t classes, uint32_t size,
                       uint32_t channels)
{
    uint32_t row = size * (channels > 0 ? channels : 1);
    char name[64];
    snprintf(name, sizeof name, "%s-images-idx%d-ubyte", prefix, channels > 0 ? 4 : 3);
    FILE *images = create(folder, name);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte", prefix);
    FILE *labels = create(folder, name);
    put_big_endian(images, channels > 0 ? 0x804 : 0x803);
    put_big_endian(images, samples);
    put_big_endian(images, size);
    put_big_endian(images, size);
    if (channels > 0)
        put_big_endian(images, channels);
    put_big_endian(labels, 0x801);
    put_big_endian(labels, samples);
    uint32_t noise = samples; /* a linear congruential generator (Numerical Recipes) */
    for (uint32_t i = 0; i < samples; i++) {
        uint32_t label = i % classes;
        fputc((int)label, labels);
        for (uint32_t byte = 0; byte < size * row; byte++) {
            noise = noise * 1664525u + 1013904223u;
            uint32_t bright = byte / row == label * size / classes ? 120 : 0;
            fputc((int)(bright + (noise >> 25)), images);
        }
    }
    if (fclose(images) != 0 || fclose(labels) != 0)
        exit(1);
}

int main(int argc, char **argv)
{
    if (argc != 6 && argc != 7) {
        fprintf(stderr, "usage: make-idx FOLDER SAMPLES TEST_SAMPLES CLASSES SIZE [CHANNELS]\n");
        return 2;
    }
    uint32_t numbers[5] = {0};
    for (int i = 0; i < argc - 2; i++)
        numbers[i] = (uint32_t)strtoul(argv[i + 2], NULL, 10);
    mkdir(argv[1], 0777);
    write_pair(argv[1], "train", numbers[0], numbers[2], numbers[3], numbers[4]);
    if (numbers[1] > 0)
        write_pair(argv[1], "t10k", numbers[1], numbers[2], numbers[3], numbers[4]);
    return 0;
}
