/* A ResNet with every kind of layer and block, narrow enough to train on simulated hardware in seconds. */
#ifndef TIDY_TESTS_GPU_PLUGIN_NARROW_NETWORK_H
#define TIDY_TESTS_GPU_PLUGIN_NARROW_NETWORK_H

#include "record/network.h"

enum { NARROW_SIZE = 16, NARROW_CHANNELS = 1, NARROW_CLASSES = 10 };

/* 5x5 convolution, overlapping max pool, a bottleneck block with a projection, one without, a basic block that halves the image
 * with a projection, one without, average pool, linear. Freed with network_destroy. */
void narrow_network_create(struct network *network);

#endif
