/* Devices that are only described, and the convolutions that are planned for them. */
#ifndef TIDY_TESTS_DESCRIBED_DEVICES_H
#define TIDY_TESTS_DESCRIBED_DEVICES_H

#include <stdbool.h>
#include <stddef.h>

#include "record/cuda/convolution_plan.h"

struct described_device {
    const char *name;      /* of the file in devices/, without .json */
    bool has_tensor_float; /* TF32 and bf16: compute capability 8.0 and above */
    struct convolution_target target;
};

enum { DESCRIBED_DEVICES = 5 };

/* Describes all devices to cuDNN: files of `folder`. Returns 0 or TIDY_FAILED. Closed also where it failed. */
int described_devices_open(struct described_device devices[DESCRIBED_DEVICES], const char *folder);
void described_devices_close(struct described_device devices[DESCRIBED_DEVICES]);

/* The distinct convolutions of resnet50 on 32 x 32 pixels of 1 channel, and of resnet18 and small on 28 x 28.
 * Sets *count; the caller frees *out with free(). */
int described_layers(struct layer **out, size_t *count);

/* Layers that read the images need no gradient of them. */
bool described_pass_needed(const struct layer *layer, enum convolution_pass pass);

#endif
