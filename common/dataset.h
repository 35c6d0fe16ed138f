/* Data sets: labelled images by index, whole in memory as bytes.
 *
 * Today IDX files (MNIST, Fashion-MNIST, EMNIST layouts), plain or .gz; of colour images with a fourth dimension. */
#ifndef TIDY_COMMON_DATASET_H
#define TIDY_COMMON_DATASET_H

#include <stdint.h>

struct dataset {
    uint64_t samples;
    uint32_t height, width, channels;
    uint32_t classes; /* labels are below this */
    uint8_t *images;  /* [samples][height][width][channels] */
    uint16_t *labels; /* [samples] */
    char digest[33];  /* XXH3-128 of images then labels (as stored here, little endian), in hex */
};

struct dataset_pair {
    struct dataset train;
    struct dataset test; /* samples == 0 where the folder has no test set */
    char name[64];       /* for people: the folder's name, "fashion-mnist" */
};

/* Loads `path`, which is a folder, or a folder and the files' common prefix where the folder has several
 * (EMNIST: "emnist/emnist-letters"). Looks for PREFIX*train-images-idx3-ubyte[.gz] (idx4: [count][height][width][3]) and so on; the `.` of
 * "train-images.idx3-ubyte" is as good as the `-`. Test files are named t10k-* or test-*.
 * classes: 0 = largest training label + 1 (refused where more than half of these never occur, since a
 * damaged label would look like that), else labels must be below it.
 * Errors: no such folder or file, two candidates, wrong magic number, counts or sizes that disagree,
 * truncated, surplus bytes, 0 images, label out of range (says which sample).
 * On success the caller frees with dataset_unload. */
int dataset_load(struct dataset_pair *out, const char *path, uint32_t classes);

void dataset_unload(struct dataset_pair *pair);

/* The classes' names that the data set has in a file beside the others, a line each; *out is NULL where it has
 * none, and the caller frees it. What precedes "train-images" in the others' names precedes its name, one of
 * DATASET_NAME_FILES: a line a class, or EMNIST's mapping (common/label_file.h). Errors: as dataset_load's of
 * folders, the file is of other than so many classes. */
#define DATASET_NAME_FILES "class-names.txt, classes.txt or mapping.txt"
int dataset_class_names(char **out, const char *path, uint32_t classes);

#endif
