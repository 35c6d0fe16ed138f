/* NPY files: those that NumPy wrote (tests/common/fixtures/make_npy_fixtures.py) are read as what they are, and all
 * others are refused. */
#include "common/npy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/random.h"
#include "tests/support/support.h"

static char *fixture(const char *name)
{
    char file[128];
    snprintf(file, sizeof file, "tests/common/fixtures/npy/%s.npy", name);
    return support_path(support_data_path("TIDY_SOURCE"), file);
}

/* Opens a fixture of 2 x 3 x 2 and checks every element, by float and by whole number. */
static void check_numbers(const char *name, enum element type)
{
    struct npy npy;
    if (npy_open(&npy, fixture(name)) != TIDY_OK)
        fail_msg("%s", tidy_error_message());
    assert_int_equal(npy.type, type);
    assert_int_equal(npy.dimensions, 3);
    assert_true(npy.size[0] == 2 && npy.size[1] == 3 && npy.size[2] == 2);
    for (uint64_t i = 0; i < 2; i++) {
        for (uint64_t j = 0; j < 3; j++) {
            float real[2];
            int32_t whole[2];
            const uint8_t *from = npy.data + i * npy.stride[0] + j * npy.stride[1];
            element_to_float(real, npy.type, from, 2, npy.stride[2]);
            assert_int_equal(element_to_whole(whole, npy.type, from, 2, npy.stride[2], 0, 1000), 2);
            for (uint64_t k = 0; k < 2; k++) {
                assert_true(real[k] == (float)(100 * i + 10 * j + k));
                assert_int_equal(whole[k], 100 * i + 10 * j + k);
            }
        }
    }
    npy_close(&npy);
}

static void test_every_type_is_read(void **state)
{
    (void)state;
    for (int type = 0; type < ELEMENTS; type++)
        check_numbers(element_rows[type].npy, (enum element)type);
}

static void test_versions_2_and_3_and_fortran_order_are_read(void **state)
{
    (void)state;
    check_numbers("version-2", ELEMENT_F32);
    check_numbers("version-3", ELEMENT_F32);
    check_numbers("fortran-f4", ELEMENT_F32);
    check_numbers("fortran-u2", ELEMENT_U16);
}

static void test_fewer_dimensions_have_size_1_beyond(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t dimensions;
        uint64_t size[3];
    } rows[] = {
        {"vector", 1, {12, 1, 1}}, {"matrix", 2, {6, 2, 1}}, {"scalar", 0, {1, 1, 1}}, {"no-rows", 2, {0, 2, 1}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct npy npy;
        assert_int_equal(npy_open(&npy, fixture(rows[i].name)), TIDY_OK);
        assert_int_equal(npy.dimensions, rows[i].dimensions);
        assert_memory_equal(npy.size, rows[i].size, sizeof npy.size);
        npy_close(&npy);
    }
}

static void check_refused(const char *path, const char *message)
{
    struct npy npy;
    assert_int_equal(npy_open(&npy, path), TIDY_FAILED);
    assert_null(npy.map);
    if (strncmp(tidy_error_message(), path, strlen(path)) != 0 || strstr(tidy_error_message(), message) == NULL)
        fail_msg("'%s' has no '%s'", tidy_error_message(), message);
}

static void test_what_cannot_be_read_is_said_with_its_type_and_how_to_convert_it(void **state)
{
    (void)state;
    check_refused(fixture("big-endian"),
                  "its numbers are big endian (>f4); in Python, a.astype('<f4') makes them little endian");
    check_refused(fixture("bool"), "its elements are of type |b1; ");
    check_refused(fixture("complex"), "its elements are of type <c8; ");
    check_refused(fixture("text"), "its elements are of type <U3; ");
    check_refused(fixture("record"), "its elements are of type a record; ");
    check_refused(fixture("four-dimensions"), "it has 4 dimensions, and 3 are the most that can be read");
    check_refused(fixture("none"), "cannot open it: No such file or directory");
    check_refused("/dev/null", "not a file that can be mapped into memory");
}

/* A file of version 1 with that header's text and `elements` bytes after it. */
static char *write_npy(const char *header, size_t elements)
{
    uint8_t bytes[512] = "\x93NUMPY\x01";
    size_t length = strlen(header);
    assert_true(10 + length + elements <= sizeof bytes);
    bytes[8] = (uint8_t)length;
    memcpy(bytes + 10, header, length);
    char *path = support_path(support_scratch_folder(), "made.npy");
    support_write_file(path, bytes, 10 + length + elements);
    return path;
}

static void test_headers_by_other_hands_are_read(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "{\"shape\":(2,3),\"descr\":\"<f4\",\"fortran_order\":False}",    /* other quotes and order, no spaces */
        "{'descr': '<f4', 'fortran_order': True, 'shape': (2L, 3L), }\n", /* Python 2 */
        "  {  'descr' : '<f4' , 'fortran_order' : False , 'shape' : ( 2 , 3 , ) , }   \n",
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct npy npy;
        if (npy_open(&npy, write_npy(headers[i], 24)) != TIDY_OK)
            fail_msg("%s", tidy_error_message());
        assert_true(npy.dimensions == 2 && npy.size[0] == 2 && npy.size[1] == 3);
        npy_close(&npy);
    }
}

static void test_wrong_headers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *header, *message;
    } rows[] = {
        {"", "header"},
        {"{}", "header"},
        {"{'descr': '<f4', 'fortran_order': False}", "header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)", "header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}", "header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (,)}", "header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3)}", "header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 3)}", "header"},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3)}", "header"},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}", "header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} x", "header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': 1}", "header"},
        {"{'descr': '<f44444444444444444', 'fortran_order': False, 'shape': (2, 3)}", "header"},
        {"{'descr': '', 'fortran_order': False, 'shape': (2, 3)}", "type ;"},
        {"{'descr': '|f4', 'fortran_order': False, 'shape': (2, 3)}", "type |f4"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", "larger than any file"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (18446744073709551615, 2, 0)}", "larger than any file"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4)}",
         "truncated: 24 bytes of elements where its shape needs 32"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}",
         "it goes on 8 bytes after the 16 that its shape needs"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_refused(write_npy(rows[i].header, 24), rows[i].message);
}

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"f4", "version-2", "version-3"};
    for (size_t n = 0; n < 3; n++) {
        size_t bytes;
        char *whole = support_read_file(fixture(names[n]), &bytes);
        char *path = support_path(support_scratch_folder(), "cut.npy");
        for (size_t left = 0; left < bytes; left++) {
            support_write_file(path, whole, left);
            check_refused(path, left < 6 ? "not an NPY file" : left < 8 ? "" : "truncated");
        }
        free(whole);
    }
}

static void test_newer_versions_are_refused(void **state)
{
    (void)state;
    size_t bytes;
    char *whole = support_read_file(fixture("f4"), &bytes);
    char *path = support_path(support_scratch_folder(), "newer.npy");
    whole[6] = 4;
    support_write_file(path, whole, bytes);
    check_refused(path, "NPY version 4.0; versions 1.0, 2.0 and 3.0 can be read");
    free(whole);
}

/* Bytes of headers changed at random: what is still taken has all its elements inside the file. */
static void test_damaged_headers_never_lead_outside_the_file(void **state)
{
    (void)state;
    static const char *const names[] = {"f4", "version-3", "fortran-u2", "vector"};
    static const char likely[] = "0123456789(),'<>|{}: LTFiuf";
    struct random_stream random = random_open(1, RANDOM_NOISE, 0);
    char *path = support_path(support_scratch_folder(), "damaged.npy");
    int taken = 0;
    for (int round = 0; round < 4000; round++) {
        size_t bytes;
        char *file = support_read_file(fixture(names[round % 4]), &bytes);
        for (uint64_t changes = 1 + random_below(&random, 3); changes > 0; changes--)
            file[6 + random_below(&random, 80)] = random_below(&random, 4) == 0
                                                      ? (char)random_below(&random, 256)
                                                      : likely[random_below(&random, sizeof likely - 1)];
        support_write_file(path, file, bytes);
        free(file);
        struct npy npy;
        if (npy_open(&npy, path) != TIDY_OK)
            continue;
        taken++;
        uint64_t end = (uint64_t)(npy.data - (const uint8_t *)npy.map);
        uint64_t last = element_rows[npy.type].bytes;
        bool empty = false;
        for (int d = 0; d < NPY_DIMENSIONS; d++) {
            empty |= npy.size[d] == 0;
            last += (npy.size[d] - 1) * npy.stride[d];
        }
        assert_true(empty ? end == npy.map_bytes : end + last == npy.map_bytes);
        npy_close(&npy);
    }
    assert_in_range(taken, 20, 2000);
}

/* NumPy's own words for the same arrays, but for spaces at the end. */
static void test_written_headers_are_numpys(void **state)
{
    (void)state;
    static const uint64_t size[] = {2, 3, 2}, twelve = 12;
    for (int type = 0; type <= ELEMENTS; type++) {
        size_t bytes, expected_bytes;
        char *path = support_path(support_scratch_folder(), "written.npy");
        FILE *out = fopen(path, "wb");
        assert_non_null(out);
        bool vector = type == ELEMENTS;
        enum element element = vector ? ELEMENT_I64 : (enum element)type;
        assert_int_equal(npy_write_header(out, element, vector ? 1 : 3, vector ? &twelve : size), TIDY_OK);
        assert_int_equal(fclose(out), 0);
        char *expected = support_read_file(fixture(vector ? "vector" : element_rows[type].npy), &expected_bytes);
        char *got = support_read_file(path, &bytes);
        assert_int_equal(bytes % 64, 0);
        size_t text = strcspn(got + 10, "}") + 1;
        assert_true(bytes + 12 * element_rows[element].bytes <= expected_bytes);
        assert_memory_equal(got + 10, expected + 10, text);
        assert_memory_equal(got, expected, 8);
        free(got);
        free(expected);
    }
}

/* Extremes of every type, as bytes. */
static void test_elements_are_converted_exactly_or_refused(void **state)
{
    (void)state;
    static const struct {
        enum element type;
        uint8_t bytes[8];
        float real;
        int32_t whole; /* INT32_MIN: none */
        const char *text;
    } rows[] = {
        {ELEMENT_I8, {0x80}, -128, -128, "-128"},
        {ELEMENT_I16, {0xff, 0xff}, -1, -1, "-1"},
        {ELEMENT_I32, {0, 0, 0, 0x80}, -0x1p31f, INT32_MIN, "-2147483648"},
        {ELEMENT_I64, {1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, -0x1p32f, INT32_MIN, "-4294967295"},
        {ELEMENT_U8, {0xff}, 255, 255, "255"},
        {ELEMENT_U16, {0xff, 0xff}, 65535, 65535, "65535"},
        {ELEMENT_U32, {0xff, 0xff, 0xff, 0xff}, 0x1p32f, INT32_MIN, "4294967295"},
        {ELEMENT_U64, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 0x1p64f, INT32_MIN, "18446744073709551615"},
        {ELEMENT_F16, {0x00, 0xc0}, -2, -2, "-2"},
        {ELEMENT_F16, {0x00, 0x3e}, 1.5f, INT32_MIN, "1.5"},
        {ELEMENT_F16, {0x00, 0x7c}, INFINITY, INT32_MIN, "inf"},
        {ELEMENT_F32, {0, 0, 0x80, 0x40}, 4, 4, "4"},
        {ELEMENT_F32, {0, 0, 0, 0x4f}, 0x1p31f, INT32_MIN, "2.14748e+09"},
        {ELEMENT_F64, {0, 0, 0, 0, 0, 0, 0xf0, 0xbf}, -1, -1, "-1"},
        {ELEMENT_F64, {0, 0, 0, 0, 0, 0, 0xe0, 0x3f}, 0.5f, INT32_MIN, "0.5"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t unaligned[9];
        float real;
        int32_t whole = INT32_MIN;
        char text[32];
        memcpy(unaligned + 1, rows[i].bytes, 8);
        element_to_float(&real, rows[i].type, unaligned + 1, 1, element_rows[rows[i].type].bytes);
        assert_true(real == rows[i].real);
        bool good = element_to_whole(&whole, rows[i].type, unaligned + 1, 1, 8, -1000000, INT32_MAX) == 1;
        assert_int_equal(whole, rows[i].whole);
        assert_int_equal(good, rows[i].whole != INT32_MIN);
        assert_string_equal(element_text(text, rows[i].type, unaligned + 1), rows[i].text);
    }
    /* The first that does not fit is named; NaN fits nothing. */
    static const uint8_t bytes[] = {3, 7, 8, 2}, nan[] = {0, 0x7e};
    int32_t whole[4];
    assert_int_equal(element_to_whole(whole, ELEMENT_U8, bytes, 4, 1, 0, 7), 2);
    assert_int_equal(element_to_whole(whole, ELEMENT_U8, bytes, 4, 1, 4, 7), 0);
    assert_int_equal(element_to_whole(whole, ELEMENT_F16, nan, 1, 2, INT32_MIN, INT32_MAX), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_is_read),
        cmocka_unit_test(test_versions_2_and_3_and_fortran_order_are_read),
        cmocka_unit_test(test_fewer_dimensions_have_size_1_beyond),
        cmocka_unit_test(test_what_cannot_be_read_is_said_with_its_type_and_how_to_convert_it),
        cmocka_unit_test(test_headers_by_other_hands_are_read),
        cmocka_unit_test(test_wrong_headers_are_refused),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_newer_versions_are_refused),
        cmocka_unit_test(test_damaged_headers_never_lead_outside_the_file),
        cmocka_unit_test(test_written_headers_are_numpys),
        cmocka_unit_test(test_elements_are_converted_exactly_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
