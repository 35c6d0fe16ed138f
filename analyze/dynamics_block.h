/* Dynamics of packed epochs: those of a block of samples are summed side by side before they reach the samples' lines.
 * The numbers are those of dynamics_observe, bit for bit. For replay.h. */
#ifndef TIDY_ANALYZE_DYNAMICS_BLOCK_H
#define TIDY_ANALYZE_DYNAMICS_BLOCK_H

#include "analyze/dynamics.h"
#include "analyze/replay.h"

/* An observer whose context is a struct dynamics_set: `observe` is dynamics_observe. */
extern const struct replay_of_blocks dynamics_of_blocks;

#endif
