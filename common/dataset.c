/* Data sets: which files of a folder belong together, and whether what they hold does. */
#include "common/dataset.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/idx.h"
#include "common/label_file.h"
#include "common/memory.h"

/* Compiled in, because the size of its state is not part of the library's binary interface. */
#define XXH_INLINE_ALL
#include <xxhash.h>

/* The four files; each name ends with one of these, where '-' before "idx" may be '.', and ".gz" may follow. */
enum role { TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS, ROLES };
enum { ENDINGS = 4 };
struct role_row {
    const char *endings[ENDINGS]; /* NULL: no more */
};
static const struct role_row roles[ROLES] = {
    [TRAIN_IMAGES] = {{"train-images-idx3-ubyte", "train-images-idx4-ubyte"}},
    [TRAIN_LABELS] = {{"train-labels-idx1-ubyte"}},
    [TEST_IMAGES] = {{"t10k-images-idx3-ubyte", "test-images-idx3-ubyte", "t10k-images-idx4-ubyte",
                      "test-images-idx4-ubyte"}},
    [TEST_LABELS] = {{"t10k-labels-idx1-ubyte", "test-labels-idx1-ubyte"}},
};

/* Where a data set's files are. */
struct place {
    char folder[PATH_MAX];
    char prefix[NAME_MAX + 1];  /* all names start with it; "" where the path is a folder */
    char lead[NAME_MAX + 1];    /* what precedes "train-images" and so every ending, known once that file is */
    char file[ROLES][PATH_MAX]; /* "" where there is none */
};

/* ---- finding the files ---------------------------------------------------------------------------------- */

static bool matches_ending(const char *name, size_t length, const char *ending)
{
    size_t dot = strlen(ending) - strlen("-idx3-ubyte");
    if (length != strlen(ending))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (name[i] != ending[i] && !(i == dot && name[i] == '.'))
            return false;
    }
    return true;
}

/* Length of what precedes one of the role's endings in `name`, or -1 where the name has none of them. */
static int lead_length(const char *name, const struct role_row *role)
{
    size_t length = strlen(name);
    if (length > 3 && strcmp(name + length - 3, ".gz") == 0)
        length -= 3;
    for (int i = 0; i < ENDINGS && role->endings[i] != NULL; i++) {
        size_t ending = strlen(role->endings[i]);
        if (ending <= length && matches_ending(name + length - ending, ending, role->endings[i]))
            return (int)(length - ending);
    }
    return -1;
}

/* Finds the folder's one file for a role: with the prefix for the first role, with the same lead for the others. */
static int find_file(struct place *place, enum role role)
{
    DIR *folder = opendir(place->folder);
    if (folder == NULL)
        return tidy_fail("%s: cannot open it: %s", place->folder, strerror(errno));
    int status = TIDY_OK;
    char found[NAME_MAX + 1] = "";
    struct dirent *entry;
    while (status == TIDY_OK && (entry = readdir(folder)) != NULL) {
        int lead = lead_length(entry->d_name, &roles[role]);
        bool ours =
            role == TRAIN_IMAGES
                ? lead >= 0 && strncmp(entry->d_name, place->prefix, strlen(place->prefix)) == 0
                : lead == (int)strlen(place->lead) && strncmp(entry->d_name, place->lead, (size_t)lead) == 0;
        if (!ours)
            continue;
        if (found[0] != 0)
            status =
                tidy_fail("%s: two files may be meant, %s and %s: keep one, or name the data set as '%s/PREFIX'",
                          place->folder, strcmp(found, entry->d_name) < 0 ? found : entry->d_name,
                          strcmp(found, entry->d_name) < 0 ? entry->d_name : found, place->folder);
        snprintf(found, sizeof found, "%s", entry->d_name);
    }
    closedir(folder);
    if (status != TIDY_OK || found[0] == 0)
        return status;
    if (role == TRAIN_IMAGES)
        snprintf(place->lead, sizeof place->lead, "%.*s", lead_length(found, &roles[role]), found);
    if ((size_t)snprintf(place->file[role], PATH_MAX, "%s/%s", place->folder, found) >= PATH_MAX)
        return tidy_fail("%s: the path is too long", place->folder);
    return TIDY_OK;
}

/* Splits the path into folder and prefix. */
static int find_place(struct place *place, const char *path)
{
    struct stat status;
    *place = (struct place){0};
    if (strlen(path) >= PATH_MAX)
        return tidy_fail("%.64s...: the path is too long", path);
    strcpy(place->folder, path);
    if (stat(path, &status) == 0) {
        if (!S_ISDIR(status.st_mode))
            return tidy_fail("%s: not a folder; name the folder with the data set's files", path);
        return TIDY_OK;
    }
    int cause = errno;
    char *slash = strrchr(place->folder, '/');
    const char *prefix = slash != NULL ? slash + 1 : path;
    if (strlen(prefix) > NAME_MAX)
        return tidy_fail("%s: %s", path, strerror(ENAMETOOLONG));
    strcpy(place->prefix, prefix);
    strcpy(slash == place->folder ? slash + 1 : slash != NULL ? slash : place->folder, slash != NULL ? "" : ".");
    if (stat(place->folder, &status) != 0 || !S_ISDIR(status.st_mode))
        return tidy_fail("%s: no such folder: %s", path, strerror(cause));
    return TIDY_OK;
}

static int fail_missing(const struct place *place, enum role role, const char *path)
{
    const char *ending = roles[role].endings[0];
    if (role != TRAIN_IMAGES)
        return tidy_fail("%s: the file '%s%s[.gz]' is missing", place->folder, place->lead, ending);
    if (place->prefix[0] == 0)
        return tidy_fail("%s: no file '%s[.gz]' is in this folder", path, ending);
    return tidy_fail("%s: no such folder, nor a file '%s*%s[.gz]' in %s", path, place->prefix, ending,
                     place->folder);
}

static int find_files(struct place *place, const char *path)
{
    int status = find_place(place, path);
    for (int role = 0; role < ROLES && status == TIDY_OK; role++) {
        status = find_file(place, (enum role)role);
        if (status == TIDY_OK && role <= TRAIN_LABELS && place->file[role][0] == 0)
            status = fail_missing(place, (enum role)role, path);
    }
    if (status == TIDY_OK && (place->file[TEST_IMAGES][0] == 0) != (place->file[TEST_LABELS][0] == 0))
        status =
            tidy_fail("%s: the test set has no %s", path, place->file[TEST_IMAGES][0] == 0 ? "images" : "labels");
    return status;
}

/* ---- loading -------------------------------------------------------------------------------------------- */

/* classes: 0 takes the largest label + 1. */
static int check_labels(struct dataset *set, const char *path, uint32_t classes)
{
    bool occurs[256] = {false};
    uint32_t largest = 0, occurring = 0;
    for (uint64_t i = 0; i < set->samples; i++) {
        if (classes > 0 && set->labels[i] >= classes)
            return tidy_fail("%s: sample %llu has label %u, and labels are below %lu", path, (unsigned long long)i,
                             set->labels[i], (unsigned long)classes);
        occurs[set->labels[i]] = true;
        largest = set->labels[i] > largest ? set->labels[i] : largest;
    }
    set->classes = classes > 0 ? classes : largest + 1;
    for (uint32_t c = 0; c <= largest; c++)
        occurring += occurs[c];
    if (classes == 0 && occurring * 2 < set->classes) {
        uint64_t i = 0;
        while (set->labels[i] != largest)
            i++;
        return tidy_fail(
            "%s: sample %llu has label %lu, but only %lu of the %lu labels up to it occur: damaged, or "
            "name the number of classes",
            path, (unsigned long long)i, (unsigned long)largest, (unsigned long)occurring,
            (unsigned long)set->classes);
    }
    return TIDY_OK;
}

static void set_digest(struct dataset *set)
{
    XXH3_state_t state;
    XXH128_canonical_t digest;
    XXH3_128bits_reset(&state);
    XXH3_128bits_update(&state, set->images, set->samples * set->height * set->width * set->channels);
    for (uint64_t i = 0; i < set->samples; i++) {
        uint8_t label[2] = {(uint8_t)set->labels[i], (uint8_t)(set->labels[i] >> 8)};
        XXH3_128bits_update(&state, label, sizeof label);
    }
    XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(&state));
    for (size_t i = 0; i < sizeof digest.digest; i++)
        snprintf(set->digest + i * 2, 3, "%02x", digest.digest[i]);
}

/* Reads images and labels of one half. */
static int load_half(struct dataset *out, const char *images_path, const char *labels_path, uint32_t classes)
{
    struct idx images = {0}, labels = {0};
    int status = idx_read(&images, images_path, IDX_IMAGES);
    if (status == TIDY_OK)
        status = idx_read(&labels, labels_path, IDX_LABELS);
    if (status == TIDY_OK && images.size[0] != labels.size[0])
        status = tidy_fail("%s has %lu labels, and %s has %lu images", labels_path, (unsigned long)labels.size[0],
                           images_path, (unsigned long)images.size[0]);
    if (status == TIDY_OK)
        status = memory_allocate(&out->labels, labels.size[0], sizeof *out->labels, "labels");
    if (status == TIDY_OK) {
        out->samples = images.size[0];
        out->height = images.size[1];
        out->width = images.size[2];
        out->channels = images.dimensions == 4 ? images.size[3] : 1;
        out->images = images.values;
        images.values = NULL;
        for (uint64_t i = 0; i < out->samples; i++)
            out->labels[i] = labels.values[i];
        status = check_labels(out, labels_path, classes);
    }
    if (status == TIDY_OK)
        set_digest(out);
    free(labels.values);
    free(images.values);
    return status;
}

/* What people call the data set: its prefix, else its folder. */
static void set_name(struct dataset_pair *pair, const struct place *place)
{
    char real[PATH_MAX];
    const char *name = place->prefix;
    if (name[0] == 0 && realpath(place->folder, real) != NULL)
        name = strrchr(real, '/') + 1;
    snprintf(pair->name, sizeof pair->name, "%.*s", (int)sizeof pair->name - 1, name);
}

int dataset_load(struct dataset_pair *out, const char *path, uint32_t classes)
{
    struct place *place;
    *out = (struct dataset_pair){0};
    int status = memory_allocate(&place, 1, sizeof *place, "paths");
    if (status != TIDY_OK)
        return status;
    status = find_files(place, path);
    if (status == TIDY_OK)
        status = load_half(&out->train, place->file[TRAIN_IMAGES], place->file[TRAIN_LABELS], classes);
    if (status == TIDY_OK && place->file[TEST_IMAGES][0] != 0) {
        status = load_half(&out->test, place->file[TEST_IMAGES], place->file[TEST_LABELS], out->train.classes);
        if (status == TIDY_OK && (out->test.height != out->train.height || out->test.width != out->train.width))
            status =
                tidy_fail("%s: its images are %lu x %lu pixels, those to train on %lu x %lu",
                          place->file[TEST_IMAGES], (unsigned long)out->test.height, (unsigned long)out->test.width,
                          (unsigned long)out->train.height, (unsigned long)out->train.width);
        if (status == TIDY_OK && out->test.channels != out->train.channels)
            status = tidy_fail("%s: its images have %lu channels, those to train on %lu", place->file[TEST_IMAGES],
                               (unsigned long)out->test.channels, (unsigned long)out->train.channels);
    }
    if (status == TIDY_OK)
        set_name(out, place);
    else
        dataset_unload(out);
    free(place);
    return status;
}

void dataset_unload(struct dataset_pair *pair)
{
    free(pair->train.images);
    free(pair->train.labels);
    free(pair->test.images);
    free(pair->test.labels);
    *pair = (struct dataset_pair){0};
}

/* ---- names of classes ----------------------------------------------------------------------------------- */

int dataset_class_names(char **out, const char *path, uint32_t classes)
{
    static const struct {
        const char *name;
        int (*read)(char **out, const char *path, uint32_t classes);
    } files[] = {{"class-names.txt", class_names_read_text},
                 {"classes.txt", class_names_read_text},
                 {"mapping.txt", class_names_read_mapping}};
    struct place *place;
    char file[PATH_MAX];
    *out = NULL;
    int status = memory_allocate(&place, 1, sizeof *place, "paths");
    if (status == TIDY_OK)
        status = find_files(place, path);
    for (size_t i = 0; i < sizeof files / sizeof *files && status == TIDY_OK && *out == NULL; i++) {
        int length = snprintf(file, sizeof file, "%s/%s%s", place->folder, place->lead, files[i].name);
        if (length < PATH_MAX && access(file, F_OK) == 0)
            status = files[i].read(out, file, classes);
    }
    free(place);
    return status;
}
