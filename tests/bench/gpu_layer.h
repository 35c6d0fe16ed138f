/* How much of everything a layer has, for one image. Doubles: the counts are multiplied and divided. */
#ifndef TIDY_TESTS_GPU_LAYER_H
#define TIDY_TESTS_GPU_LAYER_H

#include <stdbool.h>

#include "record/network.h"

double layer_input_values(const struct layer *layer);
double layer_output_values(const struct layer *layer);

/* Parameters: of the convolution or linear layer, and scale and shift or bias. 0 for pools. */
double layer_weights(const struct layer *layer);
double layer_vectors(const struct layer *layer);

/* Multiplications of a convolution or linear layer, the same number in each of its three passes: with those of
 * padding, as the plain definition has them, or without. */
double layer_products(const struct layer *layer, bool padding);

#endif
