/* Unpacking with AVX-512 as of Ice Lake and Zen 4: the 16 lanes are one vector. */
#include "common/columns_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "common/columns_passes.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2")))

/* States that are below RANS_LOW take in the next words, in the order of lanes. */
AVX512 static inline __m512i refill(__m512i states, const uint8_t **at)
{
    __mmask16 low = _mm512_cmplt_epu32_mask(states, _mm512_set1_epi32(RANS_LOW));
    __m512i words = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)*at));
    words = _mm512_or_si512(_mm512_slli_epi32(states, 16), _mm512_maskz_expand_epi32(low, words));
    *at += 2 * __builtin_popcount(low);
    return _mm512_mask_mov_epi32(states, low, words);
}

AVX512 static uint32_t decode_class_groups(uint8_t *symbols, const uint8_t *contexts, uint32_t groups,
                                           const void *of_contexts, struct rans_input *input, const uint8_t *limit)
{
    const struct rans_class_model *model = of_contexts;
    const __m512i sum = _mm512_set1_epi32(1 << RANS_CLASS_BITS),
                  slots = _mm512_set1_epi32((1 << RANS_CLASS_BITS) - 1);
    __m512i other = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)model->other));
    __m512i again = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)model->again));
    const __m512i other_starts = _mm512_sub_epi32(sum, other), again_starts = _mm512_sub_epi32(other_starts, again);
    __m512i states = _mm512_loadu_si512(input->states);
    const uint8_t *at = input->at;
    uint32_t group = 0;
    for (; group < groups && at <= limit; group++) {
        __m512i context =
            _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(contexts + (size_t)group * RANS_LANES)));
        __m512i again_start = _mm512_permutexvar_epi32(context, again_starts);
        __m512i other_start = _mm512_permutexvar_epi32(context, other_starts);
        __m512i slot = _mm512_and_si512(states, slots);
        __mmask16 is_wrong = _mm512_cmpge_epu32_mask(slot, again_start);
        __mmask16 is_other = _mm512_cmpge_epu32_mask(slot, other_start);
        __m512i start = _mm512_mask_mov_epi32(_mm512_maskz_mov_epi32(is_wrong, again_start), is_other, other_start);
        __m512i end =
            _mm512_mask_mov_epi32(_mm512_mask_mov_epi32(again_start, is_wrong, other_start), is_other, sum);
        states = _mm512_mullo_epi32(_mm512_srli_epi32(states, RANS_CLASS_BITS), _mm512_sub_epi32(end, start));
        states = refill(_mm512_add_epi32(states, _mm512_sub_epi32(slot, start)), &at);
        __m128i symbol =
            _mm_mask_mov_epi8(_mm_maskz_set1_epi8(is_wrong, RANS_AGAIN), is_other, _mm_set1_epi8(RANS_OTHER));
        _mm_storeu_si128((__m128i *)(symbols + (size_t)group * RANS_LANES), symbol);
    }
    _mm512_storeu_si512(input->states, states);
    input->at = at;
    return group;
}

AVX512 static uint32_t decode_code_groups(uint8_t *symbols, const uint8_t *contexts, uint32_t groups,
                                          const void *slots, struct rans_input *input, const uint8_t *limit)
{
    const __m512i slot_mask = _mm512_set1_epi32((1 << RANS_CODE_BITS) - 1), one = _mm512_set1_epi32(1);
    const __m512i frequency_mask = _mm512_set1_epi32(0xfff);
    __m512i states = _mm512_loadu_si512(input->states);
    const uint8_t *at = input->at;
    uint32_t group = 0;
    for (; group < groups && at <= limit; group++) {
        __m512i context =
            _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(contexts + (size_t)group * RANS_LANES)));
        __m512i index =
            _mm512_or_si512(_mm512_slli_epi32(context, RANS_CODE_BITS), _mm512_and_si512(states, slot_mask));
        __m512i slot = _mm512_i32gather_epi32(index, slots, 4);
        __m512i frequency = _mm512_add_epi32(_mm512_and_si512(_mm512_srli_epi32(slot, 8), frequency_mask), one);
        states = _mm512_mullo_epi32(_mm512_srli_epi32(states, RANS_CODE_BITS), frequency);
        states = refill(_mm512_add_epi32(states, _mm512_srli_epi32(slot, 20)), &at);
        _mm_storeu_si128((__m128i *)(symbols + (size_t)group * RANS_LANES), _mm512_cvtepi32_epi8(slot));
    }
    _mm512_storeu_si512(input->states, states);
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

AVX512 static void class_contexts(uint8_t *contexts, const uint8_t *history, uint32_t count)
{
    pass_class_contexts(contexts, history, count);
}

AVX512 static void code_contexts(uint8_t *contexts, const uint8_t *known, uint32_t count,
                                 const struct columns_bins *bins)
{
    pass_code_contexts(contexts, known, count, bins);
}

AVX512 static bool classes(uint16_t *predicted, uint8_t *history, const uint8_t *symbols, const uint16_t *labels,
                           const uint16_t *last, uint32_t count, bool *others)
{
    return pass_classes(predicted, history, symbols, labels, last, count, others);
}

const struct columns_kernels columns_kernels_avx512 = {.name = "AVX-512",
                                                       .decode_classes = decode_classes,
                                                       .decode_codes = decode_codes,
                                                       .class_contexts = class_contexts,
                                                       .code_contexts = code_contexts,
                                                       .classes = classes};

#endif
