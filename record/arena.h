/* One block of memory for all tensors of a training step: tensors that are never needed at the same time share
 * their place. */
#ifndef TIDY_RECORD_ARENA_H
#define TIDY_RECORD_ARENA_H

#include <stddef.h>

/* A tensor's size, and when it is needed: from time `first` to time `last`, both included. */
struct arena_request {
    size_t bytes;
    int first, last;
    size_t offset; /* set by arena_plan, a multiple of 64 */
};

/* Places `count` requests, largest first, each as low as it fits. Returns the block's size in bytes. */
size_t arena_plan(struct arena_request *requests, size_t count);

#endif
