/* Files of labels: each format reads what it writes and what others write, and refuses what is wrong with the
 * place. */
#include "common/label_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "common/error.h"
#include "tests/support/support.h"

enum { OUT = LABEL_LEFT_OUT };

static char *scratch(const char *name)
{
    return support_path(support_scratch_folder(), name);
}

static char *write_bytes(const char *name, const void *bytes, size_t size)
{
    char *path = scratch(name);
    support_write_file(path, bytes, size);
    return path;
}

static char *write_text(const char *name, const char *text)
{
    return write_bytes(name, text, strlen(text));
}

static void check_read(const char *path, uint64_t samples, uint32_t classes, const uint16_t *expected)
{
    uint16_t *labels;
    if (label_file_read(&labels, path, samples, classes) != TIDY_OK)
        fail_msg("%s", tidy_error_message());
    assert_memory_equal(labels, expected, samples * sizeof *labels);
    free(labels);
}

static void check_refused(const char *path, uint64_t samples, uint32_t classes, const char *message)
{
    uint16_t *labels;
    assert_int_equal(label_file_read(&labels, path, samples, classes), TIDY_FAILED);
    assert_null(labels);
    if (strncmp(tidy_error_message(), path, strlen(path)) != 0 || strstr(tidy_error_message(), message) == NULL)
        fail_msg("'%s' has no '%s'", tidy_error_message(), message);
}

static void test_every_format_reads_back_what_it_wrote(void **state)
{
    (void)state;
    static const struct {
        uint16_t labels[4];
        uint32_t classes;
    } rows[] = {
        {{0, 3, 255, 1}, 256},           /* IDX of unsigned bytes */
        {{0, OUT, 2, 1}, 3},             /* of 16 bits, for the -1 */
        {{0, 32767, OUT, 1}, 40000},     /* the largest of 16 bits */
        {{0, 65534, OUT, 32768}, 65535}, /* of 32 */
    };
    static const char *const names[] = {"labels.idx", "labels.npy", "labels.tsv", "labels.csv"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int f = 0; f < 4; f++) {
            enum label_format format;
            char *path = scratch(names[f]);
            assert_int_equal(label_file_format(&format, path), TIDY_OK);
            assert_int_equal(label_file_write(path, format, rows[i].labels, 4, rows[i].classes, NULL, true),
                             TIDY_OK);
            check_read(path, 4, rows[i].classes, rows[i].labels);
            check_read(path, 4, 0, rows[i].labels);
        }
    }
}

static void check_written(const char *name, const uint16_t *labels, const char *const *names, const void *expected,
                          size_t expected_bytes)
{
    enum label_format format;
    size_t bytes;
    char *path = scratch(name);
    assert_int_equal(label_file_format(&format, path), TIDY_OK);
    assert_int_equal(label_file_write(path, format, labels, 3, 4, names, true), TIDY_OK);
    char *got = support_read_file(path, &bytes);
    assert_int_equal(bytes, expected_bytes);
    assert_memory_equal(got, expected, bytes);
    free(got);
}

static void test_files_are_what_their_formats_say(void **state)
{
    (void)state;
    static const uint16_t labels[] = {2, OUT, 3}, whole[] = {2, 0, 3};
    static const uint8_t idx16[] = {0, 0, 0xb, 1, 0, 0, 0, 3, 0, 2, 0xff, 0xff, 0, 3};
    static const uint8_t idx8[] = {0, 0, 8, 1, 0, 0, 0, 3, 2, 0, 3};
    static const char *const names[] = {"shirt", "bag", "coat, \"long\"", "boot"};
    static const char tsv[] = "#sample\tlabel\n0\t2\n2\t3\n", csv[] = "sample,label\n0,2\n2,3\n";
    static const char named[] = "sample,label,name\n0,2,\"coat, \"\"long\"\"\"\n2,3,boot\n";
    check_written("a.idx", labels, NULL, idx16, sizeof idx16);
    check_written("a.idx", whole, NULL, idx8, sizeof idx8);
    check_written("a.tsv", labels, NULL, tsv, sizeof tsv - 1);
    check_written("a.csv", labels, NULL, csv, sizeof csv - 1);
    check_written("a.csv", labels, names, named, sizeof named - 1);
    check_read(scratch("a.csv"), 3, 4, labels);
}

static void test_idx_may_be_compressed_and_text_too(void **state)
{
    (void)state;
    static const uint8_t idx32[] = {0, 0, 0xc, 1, 0, 0, 0, 2, 0, 0, 1, 0, 0xff, 0xff, 0xff, 0xff};
    static const uint16_t labels[] = {256, OUT};
    check_read(write_bytes("labels", idx32, sizeof idx32), 2, 300, labels);
    static const struct {
        const void *bytes;
        unsigned size;
    } contents[] = {{idx32, sizeof idx32}, {"0\t256\n", 6}};
    for (int i = 0; i < 2; i++) {
        gzFile file = gzopen(scratch("labels.gz"), "wb");
        assert_int_equal(gzwrite(file, contents[i].bytes, contents[i].size), contents[i].size);
        assert_int_equal(gzclose(file), Z_OK);
        check_read(scratch("labels.gz"), 2, 300, labels);
    }
    size_t bytes;
    char *whole = support_read_file(scratch("labels.gz"), &bytes);
    check_refused(write_bytes("cut.gz", whole, bytes - 4), 2, 300, "its compression is damaged or truncated");
    free(whole);
}

static void test_text_is_read_by_its_first_two_columns(void **state)
{
    (void)state;
    static const uint16_t labels[] = {5, OUT, 7, OUT};
    check_read(write_text("t", "2\t7\n0\t5\n"), 4, 10, labels);
    check_read(write_text("t", "#sample\tlabel\n2\t7\t0.3\tx\n\n0\t5"), 4, 10, labels);
    check_read(write_text("t", "sample,label,name\r\n2,7,\"a, b\"\r\n0,5,\r\n3,-1\r\n"), 4, 10, labels);
    /* A line longer than any buffer is still one line. */
    char *line = malloc(10001);
    memset(line, '1', 10000);
    memcpy(line, "2,7,", 4);
    memcpy(line + 9995, "\n0,5\n", 6);
    check_read(write_text("t", line), 4, 10, labels);
    free(line);
}

static void test_wrong_text_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "it has no labels"},
        {"sample,label\n", "it has no labels"},
        {"0,1\nx\n", "line 2: a sample's index and its label are due"},
        {"0,1\n1\n", "line 2: a sample's index and its label are due"},
        {"0,1\n1,2.5\n", "line 2: a sample's index and its label are due"},
        {"0,1\n#\n\n1 2\n", "line 4: a sample's index and its label are due"},
        {"0,1\n99999999999999999999,2\n", "line 2: a sample's index and its label are due"},
        {"0,1\n4,2\n", "line 2: sample 4, and samples are 0 to 3"},
        {"0,1\n-1,2\n", "line 2: sample -1, and samples are 0 to 3"},
        {"0,1\n2,2\n0,1\n", "line 3: sample 0 for the second time"},
        {"0,1\n2,10\n", "sample 2 has label 10; labels are 0 to 9, and -1 leaves a sample out"},
        {"0,1\n2,-2\n", "sample 2 has label -2; "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_refused(write_text("t", rows[i].text), 4, 10, rows[i].message);
    check_refused(write_bytes("t", "0,1\0x\n1,2\n", 10), 4, 10, "it is neither IDX, NPY nor text");
}

static void test_arrays_of_other_lengths_or_labels_are_refused(void **state)
{
    (void)state;
    static const uint8_t idx[] = {0, 0, 0xb, 1, 0, 0, 0, 2, 0, 3, 0xff, 0xfe};
    char *path = write_bytes("labels", idx, sizeof idx);
    check_refused(path, 3, 10, "it has labels of 2 samples, and there are 3 samples");
    check_refused(path, 2, 10, "sample 1 has label -2; ");
    check_refused(path, 2, 3, "sample 0 has label 3; labels are 0 to 2");
    char *npy = support_path(support_data_path("TIDY_SOURCE"), "tests/common/fixtures/npy/vector.npy");
    check_refused(npy, 13, 0, "it has labels of 12 samples, and there are 13 samples");
    check_refused(npy, 12, 110, "sample 8 has label 110; labels are 0 to 109");
    check_refused(support_path(support_data_path("TIDY_SOURCE"), "tests/common/fixtures/npy/matrix.npy"), 6, 0,
                  "it has 2 dimensions, and labels have one");
    static const uint16_t labels[] = {0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121};
    check_read(npy, 12, 0, labels);
    check_refused(scratch("none"), 2, 0, "cannot open it: No such file or directory");
}

static void test_no_file_is_replaced_unasked_or_left_half_written(void **state)
{
    (void)state;
    static const uint16_t labels[] = {0, 9};
    char *path = write_text("there.tsv", "before");
    assert_int_equal(label_file_write(path, LABEL_TSV, labels, 2, 10, NULL, false), TIDY_FAILED);
    assert_int_equal(label_file_write(path, LABEL_TSV, labels, 2, 9, NULL, true), TIDY_FAILED);
    assert_string_equal(strstr(tidy_error_message(), "sample"),
                        "sample 1 would have label 9, and labels are below 9");
    size_t bytes;
    char *got = support_read_file(path, &bytes);
    assert_string_equal(got, "before");
    free(got);
}

static void test_the_ending_says_the_format(void **state)
{
    (void)state;
    enum label_format format;
    assert_int_equal(label_file_format(&format, "labels.txt"), TIDY_USAGE);
    assert_int_equal(label_file_format(&format, ".csv"), TIDY_USAGE);
}

static void test_class_names_are_a_line_each(void **state)
{
    (void)state;
    const char *const *names;
    assert_int_equal(class_names_read(&names, write_text("names", "T-shirt\nTrouser / jeans\r\n\nbag"), 4),
                     TIDY_OK);
    assert_string_equal(names[0], "T-shirt");
    assert_string_equal(names[1], "Trouser / jeans");
    assert_string_equal(names[2], "");
    assert_string_equal(names[3], "bag");
    free((void *)names);
    assert_int_equal(class_names_read(&names, scratch("names"), 3), TIDY_FAILED);
    assert_non_null(strstr(tidy_error_message(), "it has 4 lines, and there are 3 classes: a name a line"));
    assert_int_equal(class_names_read(&names, write_bytes("names", "a\0b\n", 4), 1), TIDY_FAILED);
    assert_int_equal(class_names_read(&names, scratch("none"), 3), TIDY_FAILED);
    assert_null(names);
}

static void test_class_names_become_a_text_of_lines(void **state)
{
    (void)state;
    char *text;
    assert_int_equal(class_names_read_text(&text, write_text("names", "ant\r\n\nbee"), 3), TIDY_OK);
    assert_string_equal(text, "ant\n\nbee\n");
    free(text);
    assert_int_equal(class_names_read_text(&text, scratch("names"), 4), TIDY_FAILED);
    assert_null(text);
}

static void test_class_names_of_a_mapping_to_ascii(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } wrong[] = {{"0 48\n5 49\n", "line 2: not a class below 5"},
                 {"0 48\n\n0 49\n", "line 3: class 0 has a name already"},
                 {"0 127\n", "line 1: not a class below 5"},
                 {"0 31\n", "line 1: "},
                 {"0\n", "line 1: "},
                 {"0 a\n", "line 1: "},
                 {"zero 48\n", "line 1: "}};
    char *text;
    assert_int_equal(class_names_read_mapping(&text, write_text("m", "2 65 97\r\n0 48\n\n4\t122 \n"), 5), TIDY_OK);
    assert_string_equal(text, "0\n\nA/a\n\nz\n");
    free(text);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(class_names_read_mapping(&text, write_text("m", wrong[i].text), 5), TIDY_FAILED);
        assert_non_null(strstr(tidy_error_message(), wrong[i].says));
        assert_null(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_format_reads_back_what_it_wrote),
        cmocka_unit_test(test_files_are_what_their_formats_say),
        cmocka_unit_test(test_idx_may_be_compressed_and_text_too),
        cmocka_unit_test(test_text_is_read_by_its_first_two_columns),
        cmocka_unit_test(test_wrong_text_is_refused_with_its_line),
        cmocka_unit_test(test_arrays_of_other_lengths_or_labels_are_refused),
        cmocka_unit_test(test_no_file_is_replaced_unasked_or_left_half_written),
        cmocka_unit_test(test_the_ending_says_the_format),
        cmocka_unit_test(test_class_names_are_a_line_each),
        cmocka_unit_test(test_class_names_become_a_text_of_lines),
        cmocka_unit_test(test_class_names_of_a_mapping_to_ascii),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
