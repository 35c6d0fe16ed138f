/* The CUDA backend, which is a plug-in (record/cuda/plugin.h): the program needs no CUDA library to start. */
#ifndef TIDY_RECORD_CUDA_LOADER_H
#define TIDY_RECORD_CUDA_LOADER_H

#include "record/backend.h"

/* Loads the plug-in where that has not been done yet, and returns its backend, which stays to the program's end. It is
 * looked for in ../lib of the program's folder (a build, an installation), then where the dynamic linker looks.
 * NULL where there is none that fits: tidy_error_message says why and what to do. */
const struct backend *cuda_loader_backend(void);

#endif
