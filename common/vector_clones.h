/* Inner loops are compiled for several vector widths and chosen when the program starts.
 *
 * x86-64-v4 is AVX-512 with its instructions for bytes and 16-bit words, which bfloat16 and the pools' winners are.
 * Only for leaf functions: a compiler moves the body of an OpenMP region into a function of its own, which would
 * miss the attribute. Sanitizers run before the loader's choice is safe, so their build has one version. */
#ifndef TIDY_COMMON_VECTOR_CLONES_H
#define TIDY_COMMON_VECTOR_CLONES_H

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(TIDY_SANITIZE)
#if !defined(__clang__) && __GNUC__ >= 12
#define VECTOR_CLONES __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#endif
#else
#define VECTOR_CLONES
#endif

#endif
