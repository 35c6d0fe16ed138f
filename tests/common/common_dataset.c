/* Data sets from IDX files: which files are found, and everything that may be wrong with them. */
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "common/dataset.h"
#include "common/error.h"

enum { COLOUR_IMAGES = 4, IMAGES = 3, LABELS = 1 };

/* One IDX file to write; the defaults are 4 images of 2 x 3 pixels. */
struct file {
    const char *name;
    uint32_t magic_dimensions; /* IMAGES, COLOUR_IMAGES or LABELS */
    uint32_t count, height, width;
    uint32_t bytes; /* of values that are really there */
    uint8_t first;  /* values count up from it */
    uint32_t channels;
};

static size_t encode(uint8_t *out, const struct file *file)
{
    uint32_t header[5] = {0x800 | file->magic_dimensions, file->count, file->height, file->width, file->channels};
    size_t at = 0, words = file->magic_dimensions >= IMAGES ? file->magic_dimensions + 1 : 2;
    for (size_t i = 0; i < words; i++) {
        for (int shift = 24; shift >= 0; shift -= 8)
            out[at++] = (uint8_t)(header[i] >> shift);
    }
    for (uint32_t i = 0; i < file->bytes; i++)
        out[at++] = (uint8_t)(file->first + i);
    return at;
}

static void write_plain(const char *folder, const struct file *file)
{
    uint8_t bytes[4096];
    support_write_file(support_path(folder, file->name), bytes, encode(bytes, file));
}

static void write_gz(const char *folder, const struct file *file)
{
    uint8_t bytes[4096];
    size_t size = encode(bytes, file);
    gzFile out = gzopen(support_path(folder, file->name), "wb");
    assert_non_null(out);
    assert_int_equal(gzwrite(out, bytes, (unsigned)size), size);
    assert_int_equal(gzclose(out), Z_OK);
}

static const struct file train_images = {"train-images-idx3-ubyte", IMAGES, 4, 2, 3, 24, 100, 0};
static const struct file train_labels = {"train-labels-idx1-ubyte", LABELS, 4, 0, 0, 4, 0, 0};
static const struct file test_images = {"t10k-images-idx3-ubyte", IMAGES, 2, 2, 3, 12, 200, 0};
static const struct file test_labels = {"t10k-labels-idx1-ubyte", LABELS, 2, 0, 0, 2, 1, 0};

/* A new folder with the four good files. */
static char *make_folder(void)
{
    static int count;
    char name[32];
    snprintf(name, sizeof name, "set-%d", count++);
    char *folder = support_path(support_scratch_folder(), name);
    assert_int_equal(mkdir(folder, 0755), 0);
    write_plain(folder, &train_images);
    write_plain(folder, &train_labels);
    write_plain(folder, &test_images);
    write_plain(folder, &test_labels);
    return folder;
}

static struct file renamed(struct file file, const char *name)
{
    file.name = name;
    return file;
}

static void load(struct dataset_pair *pair, const char *path, uint32_t classes)
{
    if (dataset_load(pair, path, classes) != 0)
        fail_msg("%s", tidy_error_message());
}

/* The folder must be refused with this message, where %s stands for the folder. */
static void check_refused(const char *folder, const char *path, uint32_t classes, const char *format)
{
    struct dataset_pair pair;
    char expected[1024];
    size_t length = 0;
    for (const char *at = format; *at != 0 && length < sizeof expected / 2; at++) {
        if (strncmp(at, "%s", 2) == 0) {
            length += (size_t)sprintf(expected + length, "%s", folder);
            at++;
        } else {
            expected[length++] = *at;
        }
    }
    expected[length] = 0;
    assert_int_equal(dataset_load(&pair, path, classes), TIDY_FAILED);
    assert_string_equal(tidy_error_message(), expected);
    assert_null(pair.train.images);
    assert_null(pair.train.labels);
}

static void test_images_and_labels_are_loaded_as_they_are(void **state)
{
    (void)state;
    struct dataset_pair pair;
    char *folder = make_folder();
    load(&pair, folder, 0);
    assert_int_equal(pair.train.samples, 4);
    assert_int_equal(pair.train.height * 100 + pair.train.width * 10 + pair.train.channels, 231);
    assert_int_equal(pair.train.classes, 4);
    for (int i = 0; i < 24; i++)
        assert_int_equal(pair.train.images[i], 100 + i);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pair.train.labels[i], i);
    assert_int_equal(pair.test.samples, 2);
    assert_int_equal(pair.test.classes, 4);
    assert_int_equal(pair.test.images[11], 211);
    assert_int_equal(pair.test.labels[1], 2);
    assert_string_equal(pair.name, strrchr(folder, '/') + 1);
    dataset_unload(&pair);
}

static void test_compressed_and_plain_files_and_other_spellings_are_the_same(void **state)
{
    (void)state;
    struct dataset_pair plain, other;
    load(&plain, make_folder(), 0);
    char *folder = support_path(support_scratch_folder(), "spelled");
    assert_int_equal(mkdir(folder, 0755), 0);
    struct file files[] = {
        renamed(train_images, "train-images.idx3-ubyte.gz"), renamed(train_labels, "train-labels.idx1-ubyte"),
        renamed(test_images, "test-images-idx3-ubyte.gz"), renamed(test_labels, "test-labels-idx1-ubyte.gz")};
    write_gz(folder, &files[0]);
    write_plain(folder, &files[1]);
    write_gz(folder, &files[2]);
    write_gz(folder, &files[3]);
    load(&other, folder, 0);
    assert_string_equal(plain.train.digest, other.train.digest);
    assert_string_equal(plain.test.digest, other.test.digest);
    dataset_unload(&plain);
    dataset_unload(&other);
}

/* A folder with colour images to train on, and a test set of its own or grey ones. */
static char *make_colour_folder(const struct file *images, const struct file *tested)
{
    char *folder = make_folder();
    unlink(support_path(folder, train_images.name));
    unlink(support_path(folder, test_images.name));
    write_plain(folder, images);
    write_plain(folder, tested);
    return folder;
}

static void test_images_of_four_dimensions_have_colours(void **state)
{
    (void)state;
    static const struct file colours = {"train-images-idx4-ubyte", COLOUR_IMAGES, 4, 2, 3, 72, 100, 3};
    static const struct file tested = {"t10k-images-idx4-ubyte", COLOUR_IMAGES, 2, 2, 3, 36, 9, 3};
    struct dataset_pair pair;
    load(&pair, make_colour_folder(&colours, &tested), 0);
    assert_int_equal(pair.train.channels, 3);
    assert_int_equal(pair.train.height, 2);
    assert_int_equal(pair.train.width, 3);
    for (uint8_t i = 0; i < 72; i++)
        assert_int_equal(pair.train.images[i], 100 + i);
    assert_int_equal(pair.test.channels, 3);
    assert_int_equal(pair.test.images[35], 44);
    dataset_unload(&pair);

    char *mixed = make_colour_folder(&colours, &test_images);
    check_refused(mixed, mixed, 0, "%s/t10k-images-idx3-ubyte: its images have 1 channels, those to train on 3");
    struct file wrong = colours;
    wrong.channels = 2;
    char *two = make_colour_folder(&wrong, &tested);
    check_refused(two, two, 0,
                  "%s/train-images-idx4-ubyte: its header says 2 channels; images have 1 (grey) or 3 (red, green, "
                  "blue)");
    wrong.channels = 4;
    char *four = make_colour_folder(&wrong, &tested);
    check_refused(four, four, 0,
                  "%s/train-images-idx4-ubyte: its header says 4 channels, more than the 3 there may be");
}

static void test_a_prefix_chooses_among_several_sets(void **state)
{
    (void)state;
    struct dataset_pair pair;
    char *folder = support_path(support_scratch_folder(), "emnist");
    assert_int_equal(mkdir(folder, 0755), 0);
    struct file files[] = {renamed(train_images, "emnist-letters-train-images-idx3-ubyte"),
                           renamed(train_labels, "emnist-letters-train-labels-idx1-ubyte"),
                           renamed(test_images, "emnist-letters-test-images-idx3-ubyte"),
                           renamed(test_labels, "emnist-letters-test-labels-idx1-ubyte"),
                           renamed(train_images, "emnist-digits-train-images-idx3-ubyte"),
                           renamed(train_labels, "emnist-digits-train-labels-idx1-ubyte")};
    files[4].first = 50;
    for (int i = 0; i < 6; i++)
        write_plain(folder, &files[i]);
    load(&pair, support_path(folder, "emnist-letters"), 0);
    assert_int_equal(pair.train.images[0], 100);
    assert_int_equal(pair.test.samples, 2);
    assert_string_equal(pair.name, "emnist-letters");
    dataset_unload(&pair);
    /* And the other set has no test set, although its neighbour has. */
    load(&pair, support_path(folder, "emnist-digits"), 0);
    assert_int_equal(pair.train.images[0], 50);
    assert_int_equal(pair.test.samples, 0);
    dataset_unload(&pair);
    check_refused(folder, folder, 0,
                  "%s: two files may be meant, emnist-digits-train-images-idx3-ubyte and "
                  "emnist-letters-train-images-idx3-ubyte: keep one, or name the data set as '%s/PREFIX'");
}

static void test_what_is_missing_is_said(void **state)
{
    (void)state;
    char *folder = make_folder();
    unlink(support_path(folder, "t10k-labels-idx1-ubyte"));
    check_refused(folder, folder, 0, "%s: the test set has no labels");
    unlink(support_path(folder, "t10k-images-idx3-ubyte"));
    struct dataset_pair pair;
    load(&pair, folder, 0);
    assert_int_equal(pair.test.samples, 0);
    dataset_unload(&pair);
    unlink(support_path(folder, "train-labels-idx1-ubyte"));
    check_refused(folder, folder, 0, "%s: the file 'train-labels-idx1-ubyte[.gz]' is missing");
    unlink(support_path(folder, "train-images-idx3-ubyte"));
    check_refused(folder, folder, 0, "%s: no file 'train-images-idx3-ubyte[.gz]' is in this folder");
    check_refused(folder, support_path(folder, "mnist"), 0,
                  "%s/mnist: no such folder, nor a file 'mnist*train-images-idx3-ubyte[.gz]' in %s");
    check_refused(folder, support_path(folder, "no/mnist"), 0,
                  "%s/no/mnist: no such folder: No such file or directory");
    support_write_file(support_path(folder, "file"), "x", 1);
    check_refused(folder, support_path(folder, "file"), 0,
                  "%s/file: not a folder; name the folder with the data set's files");
}

static void test_two_copies_of_one_file_are_refused(void **state)
{
    (void)state;
    char *folder = make_folder();
    struct file copy = renamed(train_labels, "train-labels-idx1-ubyte.gz");
    write_gz(folder, &copy);
    check_refused(
        folder, folder, 0,
        "%s: two files may be meant, train-labels-idx1-ubyte and train-labels-idx1-ubyte.gz: keep one, or "
        "name the data set as '%s/PREFIX'");
}

/* Every way in which one of the four files may be wrong, plain or compressed. */
static void test_every_wrong_file_is_refused_with_its_name(void **state)
{
    (void)state;
    static const struct {
        struct file file;
        const char *message;
    } rows[] = {
        {{"train-images-idx3-ubyte", LABELS, 4, 0, 0, 24, 0, 0},
         "%s/train-images-idx3-ubyte: magic number 00000801 where 00000803 is due: not IDX images but labels"},
        {{"train-labels-idx1-ubyte", IMAGES, 4, 1, 1, 4, 0, 0},
         "%s/train-labels-idx1-ubyte: magic number 00000803 where 00000801 is due: not IDX labels but images"},
        {{"train-labels-idx1-ubyte", 2, 4, 1, 1, 4, 0, 0},
         "%s/train-labels-idx1-ubyte: magic number 00000802 where 00000801 is due: not IDX labels"},
        {{"train-images-idx3-ubyte", IMAGES, 4, 2, 3, 23, 0, 0},
         "%s/train-images-idx3-ubyte: truncated: it ends before its header says; get the file anew"},
        {{"train-images-idx3-ubyte", IMAGES, 4, 2, 3, 25, 0, 0},
         "%s/train-images-idx3-ubyte: it goes on after the 24 bytes that its header says"},
        {{"train-labels-idx1-ubyte", LABELS, 4, 0, 0, 3, 0, 0},
         "%s/train-labels-idx1-ubyte: truncated: it ends before its header says; get the file anew"},
        {{"train-labels-idx1-ubyte", LABELS, 4, 0, 0, 5, 0, 0},
         "%s/train-labels-idx1-ubyte: it goes on after the 4 bytes that its header says"},
        {{"train-images-idx3-ubyte", IMAGES, 0, 2, 3, 0, 0, 0}, "%s/train-images-idx3-ubyte: it has 0 images"},
        {{"train-images-idx3-ubyte", IMAGES, 4, 0, 3, 0, 0, 0},
         "%s/train-images-idx3-ubyte: it has 0 pixels a row or column"},
        {{"t10k-images-idx3-ubyte", IMAGES, 0, 2, 3, 0, 0, 0}, "%s/t10k-images-idx3-ubyte: it has 0 images"},
        {{"train-images-idx3-ubyte", IMAGES, UINT32_MAX, 2, 3, 24, 0, 0},
         "%s/train-images-idx3-ubyte: its header says 4294967295 images, more than the 1073741824 there may be"},
        {{"train-images-idx3-ubyte", IMAGES, 4, 70000, 3, 24, 0, 0},
         "%s/train-images-idx3-ubyte: its header says 70000 pixels a row or column, more than the 16384 there may "
         "be"},
        {{"train-labels-idx1-ubyte", LABELS, 3, 0, 0, 3, 0, 0},
         "%s/train-labels-idx1-ubyte has 3 labels, and %s/train-images-idx3-ubyte has 4 images"},
        {{"t10k-labels-idx1-ubyte", LABELS, 2, 0, 0, 2, 3, 0},
         "%s/t10k-labels-idx1-ubyte: sample 1 has label 4, and labels are below 4"},
        {{"t10k-images-idx3-ubyte", IMAGES, 2, 3, 2, 12, 0, 0},
         "%s/t10k-images-idx3-ubyte: its images are 3 x 2 pixels, those to train on 2 x 3"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *folder = make_folder();
        write_plain(folder, &rows[i].file);
        check_refused(folder, folder, 0, rows[i].message);
        /* The same bytes compressed are the same mistake. */
        write_gz(folder, &rows[i].file);
        check_refused(folder, folder, 0, rows[i].message);
    }
}

static void test_labels_must_be_below_the_classes(void **state)
{
    (void)state;
    struct dataset_pair pair;
    char *folder = make_folder();
    load(&pair, folder, 7);
    assert_int_equal(pair.train.classes, 7);
    dataset_unload(&pair);
    check_refused(folder, folder, 3, "%s/train-labels-idx1-ubyte: sample 3 has label 3, and labels are below 3");
}

static void test_a_label_that_stands_alone_is_taken_for_damage(void **state)
{
    (void)state;
    char *folder = make_folder();
    /* Labels 0, 1, 2 and 9: seven of ten never occur. With 0, 1, 2 and 7 it is half of them. */
    static const uint8_t damaged[] = {0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 2, 9};
    static const uint8_t sparse[] = {0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 2, 7};
    support_write_file(support_path(folder, "train-labels-idx1-ubyte"), damaged, sizeof damaged);
    check_refused(folder, folder, 0,
                  "%s/train-labels-idx1-ubyte: sample 3 has label 9, but only 4 of the 10 labels up to it occur: "
                  "damaged, or name the number of classes");
    struct dataset_pair pair;
    load(&pair, folder, 10);
    dataset_unload(&pair);
    support_write_file(support_path(folder, "train-labels-idx1-ubyte"), sparse, sizeof sparse);
    load(&pair, folder, 0);
    assert_int_equal(pair.train.classes, 8);
    dataset_unload(&pair);
}

static void test_damaged_compression_is_told_apart_from_truncation(void **state)
{
    (void)state;
    char *folder = make_folder();
    size_t bytes;
    unlink(support_path(folder, "train-images-idx3-ubyte"));
    struct file file = renamed(train_images, "train-images-idx3-ubyte.gz");
    char *path = support_path(folder, file.name);
    write_gz(folder, &file);
    char *good = support_read_file(path, &bytes);

    /* The last 8 bytes are the checksum and the size of what was compressed. */
    good[bytes - 6] ^= 1;
    support_write_file(path, good, bytes);
    check_refused(folder, folder, 0,
                  "%s/train-images-idx3-ubyte.gz: its compression is damaged; get the file anew");
    good[bytes - 6] ^= 1;
    for (size_t left = 20; left < bytes; left++) {
        support_write_file(path, good, left);
        check_refused(
            folder, folder, 0,
            "%s/train-images-idx3-ubyte.gz: truncated: it ends before its header says; get the file anew");
    }
    free(good);
}

static void test_a_header_that_promises_much_costs_no_memory(void **state)
{
    (void)state;
    char *folder = make_folder();
    /* 2^30 images of 2^28 pixels, in a file of 40 bytes. */
    struct file file = {"train-images-idx3-ubyte", IMAGES, 1 << 30, 16384, 16384, 24, 0, 0};
    write_plain(folder, &file);
#ifndef TIDY_SANITIZE
    const struct rlimit limit = {256 << 20, RLIM_INFINITY};
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
#endif
    check_refused(folder, folder, 0,
                  "%s/train-images-idx3-ubyte: truncated: it ends before its header says; get the file anew");
#ifndef TIDY_SANITIZE
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
#endif
}

static void test_the_digest_is_xxh3_of_images_then_labels(void **state)
{
    (void)state;
    /* Of the 24 bytes 100..123 and the labels 0, 1, 2, 3 as 8 bytes, by the Python package xxhash. */
    struct dataset_pair pair;
    load(&pair, make_folder(), 0);
    assert_string_equal(pair.train.digest, "386968e718cf1a54e9ef8f998b9cce4d");
    dataset_unload(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_images_and_labels_are_loaded_as_they_are),
        cmocka_unit_test(test_compressed_and_plain_files_and_other_spellings_are_the_same),
        cmocka_unit_test(test_images_of_four_dimensions_have_colours),
        cmocka_unit_test(test_a_prefix_chooses_among_several_sets),
        cmocka_unit_test(test_what_is_missing_is_said),
        cmocka_unit_test(test_two_copies_of_one_file_are_refused),
        cmocka_unit_test(test_every_wrong_file_is_refused_with_its_name),
        cmocka_unit_test(test_labels_must_be_below_the_classes),
        cmocka_unit_test(test_a_label_that_stands_alone_is_taken_for_damage),
        cmocka_unit_test(test_damaged_compression_is_told_apart_from_truncation),
        cmocka_unit_test(test_a_header_that_promises_much_costs_no_memory),
        cmocka_unit_test(test_the_digest_is_xxh3_of_images_then_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
