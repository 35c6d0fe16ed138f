/* The passes for processors with AVX2. */
#define POSTERIOR_PASSES posterior_passes_avx2
#include "analyze/posterior_passes.c"
