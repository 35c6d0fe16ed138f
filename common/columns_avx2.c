/* Unpacking with AVX2: the 16 lanes are two vectors of 8. */
#include "common/columns_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "common/columns_passes.h"

#define AVX2 __attribute__((target("avx2")))

enum { HALF = RANS_LANES / 2 };

/* For each set of lanes that take a word in: which of the next words lane i takes, its rank in the set. */
#define RANK(set, i) __builtin_popcount((set) & ((1 << (i)) - 1))
#define RANKS(set)                                                                                                 \
    {                                                                                                              \
        RANK(set, 0), RANK(set, 1), RANK(set, 2), RANK(set, 3), RANK(set, 4), RANK(set, 5), RANK(set, 6),          \
            RANK(set, 7)                                                                                           \
    }
#define RANKS_4(set) RANKS(set), RANKS((set) + 1), RANKS((set) + 2), RANKS((set) + 3)
#define RANKS_16(set) RANKS_4(set), RANKS_4((set) + 4), RANKS_4((set) + 8), RANKS_4((set) + 12)
#define RANKS_64(set) RANKS_16(set), RANKS_16((set) + 16), RANKS_16((set) + 32), RANKS_16((set) + 48)
static const uint8_t ranks[256][HALF] = {RANKS_64(0), RANKS_64(64), RANKS_64(128), RANKS_64(192)};

/* States that are below RANS_LOW take in the next words, in the order of lanes. */
AVX2 static inline __m256i refill(__m256i states, const uint8_t **at)
{
    /* A state is low where its upper half is 0. */
    __m256i low = _mm256_cmpeq_epi32(_mm256_srli_epi32(states, 16), _mm256_setzero_si256());
    unsigned set = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(low));
    __m256i words = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)*at));
    __m256i rank = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)ranks[set]));
    words = _mm256_or_si256(_mm256_slli_epi32(states, 16), _mm256_permutevar8x32_epi32(words, rank));
    *at += 2 * __builtin_popcount(set);
    return _mm256_blendv_epi8(states, words, low);
}

/* Numbers of 16 contexts. */
struct table {
    __m256i first, second;
};

AVX2 static inline __m256i look_up(struct table table, __m256i context)
{
    __m256 first = _mm256_castsi256_ps(_mm256_permutevar8x32_epi32(table.first, context));
    __m256 second = _mm256_castsi256_ps(_mm256_permutevar8x32_epi32(table.second, context));
    return _mm256_castps_si256(
        _mm256_blendv_ps(first, second, _mm256_castsi256_ps(_mm256_slli_epi32(context, 28))));
}

/* The lower bytes of 16 numbers. */
AVX2 static inline __m128i bytes_of(__m256i low, __m256i high)
{
    const __m256i byte = _mm256_set1_epi32(0xff);
    __m256i pairs = _mm256_packus_epi32(_mm256_and_si256(low, byte), _mm256_and_si256(high, byte));
    pairs = _mm256_permute4x64_epi64(pairs, 0xd8);
    return _mm_packus_epi16(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
}

/* Advances 8 states by a class symbol each, which is returned. */
AVX2 static inline __m256i decode_8_classes(__m256i *states, __m256i context, struct table again_starts,
                                            struct table other_starts, const uint8_t **at)
{
    const __m256i sum = _mm256_set1_epi32(1 << RANS_CLASS_BITS);
    __m256i again_start = look_up(again_starts, context), other_start = look_up(other_starts, context);
    __m256i slot = _mm256_and_si256(*states, _mm256_set1_epi32((1 << RANS_CLASS_BITS) - 1));
    __m256i is_right = _mm256_cmpgt_epi32(again_start, slot), is_told = _mm256_cmpgt_epi32(other_start, slot);
    __m256i start = _mm256_andnot_si256(is_right, _mm256_blendv_epi8(other_start, again_start, is_told));
    __m256i end = _mm256_blendv_epi8(_mm256_blendv_epi8(sum, other_start, is_told), again_start, is_right);
    __m256i next = _mm256_mullo_epi32(_mm256_srli_epi32(*states, RANS_CLASS_BITS), _mm256_sub_epi32(end, start));
    *states = refill(_mm256_add_epi32(next, _mm256_sub_epi32(slot, start)), at);
    /* 2, and -1 for each that is so. */
    return _mm256_add_epi32(_mm256_set1_epi32(RANS_OTHER), _mm256_add_epi32(is_right, is_told));
}

AVX2 static struct table load_table(const uint32_t numbers[RANS_CLASS_CONTEXTS])
{
    return (struct table){_mm256_loadu_si256((const __m256i *)numbers),
                          _mm256_loadu_si256((const __m256i *)(numbers + HALF))};
}

AVX2 static uint32_t decode_class_groups(uint8_t *symbols, const uint8_t *contexts, uint32_t groups,
                                         const void *of_contexts, struct rans_input *input, const uint8_t *limit)
{
    const struct rans_class_model *model = of_contexts;
    uint32_t again[RANS_CLASS_CONTEXTS], other[RANS_CLASS_CONTEXTS];
    for (uint32_t c = 0; c < RANS_CLASS_CONTEXTS; c++) {
        other[c] = (uint32_t)(1 << RANS_CLASS_BITS) - model->other[c];
        again[c] = other[c] - model->again[c];
    }
    const struct table again_starts = load_table(again), other_starts = load_table(other);
    __m256i low = _mm256_loadu_si256((const __m256i *)input->states);
    __m256i high = _mm256_loadu_si256((const __m256i *)(input->states + HALF));
    const uint8_t *at = input->at;
    uint32_t group = 0;
    for (; group < groups && at <= limit; group++) {
        __m128i context = _mm_loadu_si128((const __m128i *)(contexts + (size_t)group * RANS_LANES));
        __m256i first = decode_8_classes(&low, _mm256_cvtepu8_epi32(context), again_starts, other_starts, &at);
        __m256i second = decode_8_classes(&high, _mm256_cvtepu8_epi32(_mm_srli_si128(context, HALF)), again_starts,
                                          other_starts, &at);
        _mm_storeu_si128((__m128i *)(symbols + (size_t)group * RANS_LANES), bytes_of(first, second));
    }
    _mm256_storeu_si256((__m256i *)input->states, low);
    _mm256_storeu_si256((__m256i *)(input->states + HALF), high);
    input->at = at;
    return group;
}

/* Advances 8 states by a code each; the lower bytes of what is returned are the codes. */
AVX2 static inline __m256i decode_8_codes(__m256i *states, __m256i context, const uint32_t *slots,
                                          const uint8_t **at)
{
    __m256i index = _mm256_or_si256(_mm256_slli_epi32(context, RANS_CODE_BITS),
                                    _mm256_and_si256(*states, _mm256_set1_epi32((1 << RANS_CODE_BITS) - 1)));
    __m256i slot = _mm256_i32gather_epi32((const int *)slots, index, 4);
    __m256i frequency = _mm256_add_epi32(_mm256_and_si256(_mm256_srli_epi32(slot, 8), _mm256_set1_epi32(0xfff)),
                                         _mm256_set1_epi32(1));
    __m256i next = _mm256_mullo_epi32(_mm256_srli_epi32(*states, RANS_CODE_BITS), frequency);
    *states = refill(_mm256_add_epi32(next, _mm256_srli_epi32(slot, 20)), at);
    return slot;
}

AVX2 static uint32_t decode_code_groups(uint8_t *symbols, const uint8_t *contexts, uint32_t groups,
                                        const void *slots, struct rans_input *input, const uint8_t *limit)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)input->states);
    __m256i high = _mm256_loadu_si256((const __m256i *)(input->states + HALF));
    const uint8_t *at = input->at;
    uint32_t group = 0;
    for (; group < groups && at <= limit; group++) {
        __m128i context = _mm_loadu_si128((const __m128i *)(contexts + (size_t)group * RANS_LANES));
        __m256i first = decode_8_codes(&low, _mm256_cvtepu8_epi32(context), slots, &at);
        __m256i second = decode_8_codes(&high, _mm256_cvtepu8_epi32(_mm_srli_si128(context, HALF)), slots, &at);
        _mm_storeu_si128((__m128i *)(symbols + (size_t)group * RANS_LANES), bytes_of(first, second));
    }
    _mm256_storeu_si256((__m256i *)input->states, low);
    _mm256_storeu_si256((__m256i *)(input->states + HALF), high);
    input->at = at;
    return group;
}

static bool decode_classes(uint8_t *symbols, const uint8_t *contexts, uint32_t count,
                           const struct rans_class_model *model, struct rans_input *input)
{
    uint32_t done;
    return rans_decode_groups(decode_class_groups, symbols, contexts, count, model, input, &done) &&
           rans_decode_classes_plain(symbols + done, contexts + done, count - done, model, input);
}

static bool decode_codes(uint8_t *symbols, const uint8_t *contexts, uint32_t count, const uint32_t *slots,
                         struct rans_input *input)
{
    uint32_t done;
    return rans_decode_groups(decode_code_groups, symbols, contexts, count, slots, input, &done) &&
           rans_decode_codes_plain(symbols + done, contexts + done, count - done, slots, input);
}

AVX2 static void class_contexts(uint8_t *contexts, const uint8_t *history, uint32_t count)
{
    pass_class_contexts(contexts, history, count);
}

AVX2 static void code_contexts(uint8_t *contexts, const uint8_t *known, uint32_t count,
                               const struct columns_bins *bins)
{
    pass_code_contexts(contexts, known, count, bins);
}

AVX2 static bool classes(uint16_t *predicted, uint8_t *history, const uint8_t *symbols, const uint16_t *labels,
                         const uint16_t *last, uint32_t count, bool *others)
{
    return pass_classes(predicted, history, symbols, labels, last, count, others);
}

const struct columns_kernels columns_kernels_avx2 = {.name = "AVX2",
                                                     .decode_classes = decode_classes,
                                                     .decode_codes = decode_codes,
                                                     .class_contexts = class_contexts,
                                                     .code_contexts = code_contexts,
                                                     .classes = classes};

#endif
