/* The device memory of a compiled network: one block, summed up before it is taken. */
#ifndef TIDY_RECORD_CUDA_NETWORK_MEMORY_H
#define TIDY_RECORD_CUDA_NETWORK_MEMORY_H

#include "record/cuda/compiled_network.h"
#include "record/cuda/plan_choice.h"

/* Engines that want more workspace are left out. Of the devices and networks of ./scripts/plan-sweep none does, at batches of 128. */
enum { WORKSPACE_LIMIT = 64 << 20 };

/* Sets n->bytes for convolutions that need `workspace` bytes. Fails where more is needed than the device has free, with the batch
 * size that would fit. */
int network_memory_check(struct compiled_network *n, const struct device *device, size_t workspace);

/* The same, then takes the block, sets it to 0, sets all of n's device pointers, and copies the images there. */
int network_memory_take(struct compiled_network *n, struct device *device, size_t workspace);

/* Takes what timing convolutions takes: *block, to be freed by the caller once nothing runs in it, also where this fails. */
int network_memory_take_timing(struct plan_timing *timing, void **block, struct compiled_network *n,
                               struct device *device);

#endif
