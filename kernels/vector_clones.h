/* The kernels' inner loops have versions as those of common/ do. */
#ifndef TIDY_KERNELS_VECTOR_CLONES_H
#define TIDY_KERNELS_VECTOR_CLONES_H

#include "common/vector_clones.h"

#endif
