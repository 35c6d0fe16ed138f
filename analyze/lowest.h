/* The few lowest of many values, as they come by: a bounded selection. */
#ifndef TIDY_ANALYZE_LOWEST_H
#define TIDY_ANALYZE_LOWEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lowest {
    struct lowest_item {
        double value;
        uint32_t sample;
    } * items;              /* [count] a heap, the highest first */
    size_t count, capacity; /* how many there are, and how many are wanted */
};

/* Starts an empty selection of the `wanted` lowest. Freed with lowest_destroy, also after a failure. */
int lowest_create(struct lowest *out, size_t wanted);
void lowest_destroy(struct lowest *lowest);

/* Offers a value, which is a number. Of equal values the smaller samples are kept, whatever order they come in. */
void lowest_offer(struct lowest *lowest, double value, uint32_t sample);

/* Sets flagged[sample] for each of them. */
void lowest_flag(const struct lowest *lowest, bool *flagged);

#endif
