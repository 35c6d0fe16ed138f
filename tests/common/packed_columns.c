/* Epochs packed by sample: what is packed comes back bit for bit, small, and damaged bytes are refused. */
#include "tests/support/support.h"

#include <stdlib.h>
#include <string.h>

#include "common/columns.h"
#include "common/columns_rans.h"
#include "common/error.h"
#include "common/random.h"
#include "tests/support/simulated_rows.h"

enum { EPOCHS = 5 };

/* What packs and what unpacks a block. */
struct block {
    struct columns_coder *coder;
    struct columns_past *packed, *unpacked;
    struct simulated_rows in;
    struct columns_row out;
    uint8_t *bytes;
    size_t size;
};

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);
    assert_non_null(memory);
    return memory;
}

static void create_block(struct block *block, const struct columns_shape *shape, enum simulated_kind kind,
                         uint32_t count)
{
    *block = (struct block){.size = 0};
    simulated_rows_create(&block->in, shape, kind, count, 1);
    assert_int_equal(columns_coder_create(&block->coder, shape), 0);
    assert_int_equal(columns_past_create(&block->packed, shape, count), 0);
    assert_int_equal(columns_past_create(&block->unpacked, shape, count), 0);
    block->out.predicted = allocate(count, sizeof *block->out.predicted);
    if (shape->detail == TIDYLOG_MARGIN) {
        block->out.margin = allocate(count, 1);
        block->out.log_odds = allocate(count, 1);
    }
}

static void destroy_block(struct block *block)
{
    simulated_rows_destroy(&block->in);
    columns_coder_destroy(block->coder);
    columns_past_destroy(block->packed);
    columns_past_destroy(block->unpacked);
    free(block->out.predicted);
    free(block->out.margin);
    free(block->out.log_odds);
    free(block->bytes);
}

/* Packs what is in block->in, into an allocation of just that size, for the sanitizer. */
static void pack(struct block *block)
{
    size_t bound = columns_bound(&block->in.shape, block->in.count);
    uint8_t *room = allocate(bound, 1);
    block->size = columns_pack(block->coder, room, &block->in.row, block->in.labels, block->packed);
    assert_true(block->size > 0 && block->size <= bound);
    free(block->bytes);
    block->bytes = allocate(block->size, 1);
    memcpy(block->bytes, room, block->size);
    free(room);
}

static int unpack(struct block *block, const uint8_t *bytes, size_t size)
{
    return columns_unpack(block->coder, &block->out, bytes, size, block->in.labels, block->unpacked);
}

static void assert_same_rows(const struct block *block)
{
    uint32_t count = block->in.count;
    assert_memory_equal(block->out.predicted, block->in.row.predicted, count * sizeof *block->out.predicted);
    if (block->out.margin != NULL) {
        assert_memory_equal(block->out.margin, block->in.row.margin, count);
        assert_memory_equal(block->out.log_odds, block->in.row.log_odds, count);
    }
}

static const enum tidylog_detail details[] = {TIDYLOG_CLASS, TIDYLOG_MARGIN};
static const uint32_t class_counts[] = {1, 2, 3, 10, 1000, 21000, 65536};
static const uint32_t counts[] = {1, 2, 15, 16, 17, 100, 500, 1000, 10848, COLUMNS_BLOCK};

static const char *const kernels[] = {"plain", "AVX2", "AVX-512"};
enum { KERNELS = sizeof kernels / sizeof *kernels };

static void check_round_trip(const struct columns_shape *shape, enum simulated_kind kind, uint32_t count,
                             const char *kernel)
{
    struct block block;
    create_block(&block, shape, kind, count);
    /* Those that the machine cannot run are left out. */
    bool can_run = columns_coder_use(block.coder, kernel) == TIDY_OK;
    for (uint64_t epoch = 0; epoch < EPOCHS && can_run; epoch++) {
        simulated_rows_epoch(&block.in, epoch);
        pack(&block);
        assert_int_equal(unpack(&block, block.bytes, block.size), TIDY_OK);
        assert_same_rows(&block);
    }
    destroy_block(&block);
}

static void test_every_epoch_comes_back_bit_for_bit_with_all_kernels(void **state)
{
    (void)state;
    for (size_t d = 0; d < sizeof details / sizeof *details; d++) {
        for (size_t c = 0; c < sizeof class_counts / sizeof *class_counts; c++) {
            struct columns_shape shape = {.classes = class_counts[c], .detail = details[d]};
            for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
                for (int kind = 0; kind < SIMULATED_KINDS * KERNELS; kind++)
                    check_round_trip(&shape, (enum simulated_kind)(kind / KERNELS), counts[n],
                                     kernels[kind % KERNELS]);
            }
        }
    }
}

static void test_a_reset_past_reads_from_the_first_epoch_again(void **state)
{
    (void)state;
    struct columns_shape shape = {.classes = 10, .detail = TIDYLOG_MARGIN};
    struct block block;
    create_block(&block, &shape, SIMULATED_LEARNING, 1000);
    for (int again = 0; again < 2; again++) {
        columns_past_reset(block.packed);
        columns_past_reset(block.unpacked);
        for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
            simulated_rows_epoch(&block.in, epoch);
            pack(&block);
            assert_int_equal(unpack(&block, block.bytes, block.size), TIDY_OK);
            assert_same_rows(&block);
        }
    }
    destroy_block(&block);
}

/* What a step holds of as many predictions: one bit each and the wrong ones' classes, two bytes at
 * TIDYLOG_MARGIN. */
static void test_no_epoch_takes_more_than_a_step_and_a_byte(void **state)
{
    (void)state;
    for (size_t d = 0; d < sizeof details / sizeof *details; d++) {
        for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
            struct columns_shape shape = {.classes = 1000, .detail = details[d]};
            struct block block;
            create_block(&block, &shape, SIMULATED_NOISE, counts[n]);
            simulated_rows_epoch(&block.in, 0);
            pack(&block);
            size_t wrong = 0;
            for (uint32_t i = 0; i < counts[n]; i++)
                wrong += block.in.row.predicted[i] != block.in.labels[i];
            size_t step = (counts[n] + 7) / 8 + (wrong * 10 + 7) / 8 + (d == 1 ? counts[n] * 2 : 0);
            assert_true(block.size <= 1 + step);
            destroy_block(&block);
        }
    }
}

static void test_what_does_not_change_takes_next_to_nothing(void **state)
{
    (void)state;
    struct columns_shape shape = {.classes = 10, .detail = TIDYLOG_CLASS};
    struct block block;
    create_block(&block, &shape, SIMULATED_CONSTANT, COLUMNS_BLOCK);
    simulated_rows_epoch(&block.in, 0);
    pack(&block);
    assert_true(block.size <= 4);
    destroy_block(&block);
}

/* Of the entropies of simulated learning: that nothing doubles unnoticed. */
static void test_learning_takes_few_bytes(void **state)
{
    (void)state;
    static const double most_bytes[] = {0.055, 0.8};
    for (size_t d = 0; d < sizeof details / sizeof *details; d++) {
        struct columns_shape shape = {.classes = 10, .detail = details[d]};
        struct block block;
        create_block(&block, &shape, SIMULATED_LEARNING, COLUMNS_BLOCK);
        size_t sum = 0;
        for (uint64_t epoch = 0; epoch < 10; epoch++) {
            simulated_rows_epoch(&block.in, epoch);
            pack(&block);
            sum += block.size;
        }
        double bytes = (double)sum / 10 / COLUMNS_BLOCK;
        if (!(bytes <= most_bytes[d]))
            fail_msg("%.4f bytes a prediction", bytes);
        destroy_block(&block);
    }
}

/* Unpacks damaged bytes that follow a good first epoch. Returns the status. */
static int unpack_damaged(struct block *block, const uint8_t *first, size_t first_size, const uint8_t *bytes,
                          size_t size)
{
    columns_past_reset(block->unpacked);
    assert_int_equal(unpack(block, first, first_size), TIDY_OK);
    return unpack(block, bytes, size);
}

/* Whatever the bytes are, unpacking ends, stays inside its memory (the sanitizer's part), gives possible
 * classes, and all kernels agree. */
static void check_damaged(struct block *block, const uint8_t *first, size_t first_size, const uint8_t *bytes,
                          size_t size)
{
    assert_int_equal(columns_coder_use(block->coder, "plain"), TIDY_OK);
    int expected = unpack_damaged(block, first, first_size, bytes, size);
    size_t row_bytes = block->in.count * sizeof *block->out.predicted;
    uint16_t *predicted = allocate(block->in.count, sizeof *predicted);
    memcpy(predicted, block->out.predicted, row_bytes);
    for (uint32_t i = 0; i < block->in.count && expected == TIDY_OK; i++)
        assert_true(predicted[i] < block->in.shape.classes);
    for (int k = 1; k < KERNELS; k++) {
        if (columns_coder_use(block->coder, kernels[k]) != TIDY_OK)
            continue;
        assert_int_equal(unpack_damaged(block, first, first_size, bytes, size), expected);
        if (expected == TIDY_OK)
            assert_memory_equal(predicted, block->out.predicted, row_bytes);
    }
    free(predicted);
}

static void damage(struct random_stream *stream, uint8_t *bytes, size_t size)
{
    /* Mostly near the beginning, where sizes and frequencies are. */
    size_t range = random_below(stream, 2) == 0 && size > 60 ? 60 : size;
    for (uint64_t n = 1 + random_below(stream, 4); n > 0; n--)
        bytes[random_below(stream, range)] = (uint8_t)random_bits(stream);
}

static void test_damaged_bytes_are_refused_or_possible(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {10, 300, 3000};
    struct random_stream stream = random_open(7, RANDOM_NOISE, 0);
    for (size_t d = 0; d < sizeof details / sizeof *details; d++) {
        for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
            struct columns_shape shape = {.classes = 10, .detail = details[d]};
            struct block block;
            create_block(&block, &shape, SIMULATED_LEARNING, sizes[n]);
            simulated_rows_epoch(&block.in, 0);
            pack(&block);
            size_t first_size = block.size;
            uint8_t *first = allocate(first_size, 1);
            memcpy(first, block.bytes, first_size);
            simulated_rows_epoch(&block.in, 1);
            pack(&block);
            for (int trial = 0; trial < 500; trial++) {
                size_t size = trial % 4 == 0 ? random_below(&stream, block.size) : block.size;
                uint8_t *bytes = allocate(size, 1);
                memcpy(bytes, block.bytes, size);
                if (trial % 4 != 0)
                    damage(&stream, bytes, size);
                check_damaged(&block, first, first_size, bytes, size);
                free(bytes);
            }
            free(first);
            destroy_block(&block);
        }
    }
}

static void test_bytes_that_are_missing_or_left_over_are_refused(void **state)
{
    (void)state;
    for (size_t d = 0; d < sizeof details / sizeof *details; d++) {
        for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
            struct columns_shape shape = {.classes = 10, .detail = details[d]};
            struct block block;
            create_block(&block, &shape, SIMULATED_LEARNING, counts[n]);
            simulated_rows_epoch(&block.in, 0);
            pack(&block);
            uint8_t *longer = allocate(block.size + 1, 1);
            memcpy(longer, block.bytes, block.size);
            assert_int_equal(unpack(&block, longer, block.size + 1), TIDY_FAILED);
            columns_past_reset(block.unpacked);
            assert_int_equal(unpack(&block, longer, block.size - 1), TIDY_FAILED);
            columns_past_reset(block.unpacked);
            assert_int_equal(unpack(&block, longer, 0), TIDY_FAILED);
            free(longer);
            destroy_block(&block);
        }
    }
}

/* Ten samples of ten classes, by hand from docs/log-format.md: bit 3 and bit 9 are set; classes 7 and 2 in 4
 * bits each. */
static void test_few_samples_are_plain(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0, 0x08, 0x02, 0x27};
    struct columns_shape shape = {.classes = 10, .detail = TIDYLOG_CLASS};
    struct block block;
    create_block(&block, &shape, SIMULATED_CONSTANT, 10);
    memset(block.in.labels, 0, 10 * sizeof *block.in.labels);
    memset(block.in.row.predicted, 0, 10 * sizeof *block.in.row.predicted);
    block.in.row.predicted[3] = 7;
    block.in.row.predicted[9] = 2;
    pack(&block);
    assert_int_equal(block.size, sizeof expected);
    assert_memory_equal(block.bytes, expected, sizeof expected);
    destroy_block(&block);
}

/* ---- bodies made by hand ------------------------------------------------------------------------------------ */

enum { FEW = 40 };

/* A coded body of FEW samples at TIDYLOG_CLASS: their symbols, of frequencies `right`, `again` and `other`,
 * which are written as they are. Returns its bytes. */
static size_t make_body(uint8_t *out, const uint8_t symbols[FEW], uint16_t right, uint16_t again, uint16_t other)
{
    static const uint8_t contexts[FEW];
    struct rans_model model = {.frequency = {right, again, other}, .start = {0, right, (uint16_t)(right + again)}};
    uint16_t words[FEW];
    out[0] = 1;
    out[1] = 1, out[2] = 0; /* context 0 has frequencies */
    out[3] = (uint8_t)again;
    out[4] = (uint8_t)(again >> 8 | other << 4);
    out[5] = (uint8_t)(other >> 4);
    return (size_t)(rans_encode(out + 6, symbols, contexts, FEW, &model, RANS_CLASS_BITS, words) - out);
}

/* Where the first state's lowest byte is: behind the frequencies and the number of words. */
enum { WORDS_AT = 6, STATE_AT = 8 };

static void check_body(const uint8_t *bytes, size_t size, int expected)
{
    struct columns_shape shape = {.classes = 10, .detail = TIDYLOG_CLASS};
    struct block block;
    create_block(&block, &shape, SIMULATED_CONSTANT, FEW);
    uint8_t *exact = allocate(size, 1);
    memcpy(exact, bytes, size);
    for (int k = 0; k < KERNELS; k++) {
        if (columns_coder_use(block.coder, kernels[k]) != TIDY_OK)
            continue;
        columns_past_reset(block.unpacked);
        assert_int_equal(unpack(&block, exact, size), expected);
    }
    free(exact);
    destroy_block(&block);
}

static void test_impossible_bodies_are_refused_by_all_kernels(void **state)
{
    (void)state;
    uint8_t symbols[FEW] = {RANS_RIGHT}, bytes[400];
    size_t size = make_body(bytes, symbols, 4000, 48, 48);
    check_body(bytes, size, TIDY_OK);

    /* A state that gives the same symbols, and ends elsewhere. */
    bytes[STATE_AT + 3] ^= 1;
    check_body(bytes, size, TIDY_FAILED);
    bytes[STATE_AT + 3] ^= 1;

    /* A word that no state takes in. */
    bytes[WORDS_AT]++;
    check_body(bytes, size + 2, TIDY_FAILED);
    bytes[WORDS_AT]--;

    /* The last wrong class of a sample that had none; in a whole group, and behind the last one. */
    for (int place = 0; place < FEW; place += FEW - 1) {
        symbols[place] = RANS_AGAIN;
        size = make_body(bytes, symbols, 4000, 48, 48);
        check_body(bytes, size, TIDY_FAILED);
        symbols[place] = RANS_RIGHT;
    }

    /* One of the nine other classes takes 4 bits: 8 is the last one, bits behind it are 0. */
    symbols[3] = RANS_OTHER;
    size = make_body(bytes, symbols, 4000, 48, 48);
    static const struct {
        uint8_t others;
        int expected;
    } rows[] = {{0x08, TIDY_OK}, {0x09, TIDY_FAILED}, {0x18, TIDY_FAILED}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bytes[size] = rows[i].others;
        check_body(bytes, size + 1, rows[i].expected);
    }
    check_body(bytes, size, TIDY_FAILED);

    /* Frequencies whose sum is too large. */
    memset(symbols, RANS_OTHER, sizeof symbols);
    size = make_body(bytes, symbols, 1, 4095, 4000);
    memset(bytes + size, 0, FEW / 2);
    check_body(bytes, size + FEW / 2, TIDY_FAILED);

    /* Plain: sample 3 is wrong, and a bit is set behind its class. */
    static const uint8_t plain[] = {0, 0x08, 0, 0, 0, 0, 0x17};
    check_body(plain, sizeof plain, TIDY_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_epoch_comes_back_bit_for_bit_with_all_kernels),
        cmocka_unit_test(test_a_reset_past_reads_from_the_first_epoch_again),
        cmocka_unit_test(test_no_epoch_takes_more_than_a_step_and_a_byte),
        cmocka_unit_test(test_what_does_not_change_takes_next_to_nothing),
        cmocka_unit_test(test_learning_takes_few_bytes),
        cmocka_unit_test(test_damaged_bytes_are_refused_or_possible),
        cmocka_unit_test(test_bytes_that_are_missing_or_left_over_are_refused),
        cmocka_unit_test(test_few_samples_are_plain),
        cmocka_unit_test(test_impossible_bodies_are_refused_by_all_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
