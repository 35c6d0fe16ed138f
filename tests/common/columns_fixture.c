/* For columns_format.sh: prints simulated blocks, the bodies that they are packed into, and what was packed. A
 * block is a line `block CLASSES DETAIL LABEL...`, followed by three lines for each epoch: the body in
 * hexadecimal digits, the classes, and the codes (margin and log-odds by turns; empty at detail class). */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/simulated_rows.h"
#include "tests/support/support.h"

enum { EPOCHS = 10 };

static void print_epoch(const struct simulated_rows *rows, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        printf("%02x", bytes[i]);
    printf("\n");
    for (uint32_t i = 0; i < rows->count; i++)
        printf("%d ", rows->row.predicted[i]);
    printf("\n");
    for (uint32_t i = 0; i < rows->count && rows->row.margin != NULL; i++)
        printf("%d %d ", rows->row.margin[i], rows->row.log_odds[i]);
    printf("\n");
}

static void print_block(const struct columns_shape *shape, enum simulated_kind kind, uint32_t count)
{
    struct columns_coder *coder;
    struct columns_past *past;
    struct simulated_rows rows;
    assert_int_equal(columns_coder_create(&coder, shape), 0);
    assert_int_equal(columns_past_create(&past, shape, count), 0);
    simulated_rows_create(&rows, shape, kind, count, 3);
    uint8_t *bytes = malloc(columns_bound(shape, count));
    assert_non_null(bytes);
    printf("block %u %s", shape->classes, tidylog_detail_names[shape->detail]);
    for (uint32_t i = 0; i < count; i++)
        printf(" %d", rows.labels[i]);
    printf("\n");
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        simulated_rows_epoch(&rows, epoch);
        size_t size = columns_pack(coder, bytes, &rows.row, rows.labels, past);
        print_epoch(&rows, bytes, size);
    }
    free(bytes);
    simulated_rows_destroy(&rows);
    columns_past_destroy(past);
    columns_coder_destroy(coder);
}

int main(void)
{
    static const uint32_t class_counts[] = {1, 2, 3, 10, 1000}, counts[] = {10, 300, 1205};
    for (int d = TIDYLOG_CLASS; d <= TIDYLOG_MARGIN; d++) {
        for (size_t c = 0; c < sizeof class_counts / sizeof *class_counts; c++) {
            for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
                struct columns_shape shape = {.classes = class_counts[c], .detail = (enum tidylog_detail)d};
                for (int kind = 0; kind < SIMULATED_KINDS; kind++)
                    print_block(&shape, (enum simulated_kind)kind, counts[n]);
            }
        }
    }
    return 0;
}
