/* The passes for processors with AVX-512. */
#define POSTERIOR_PASSES posterior_passes_avx512
#include "analyze/posterior_passes.c"
