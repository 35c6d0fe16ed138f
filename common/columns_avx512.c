/* Unpacking with AVX-512 as of Ice Lake and Zen 4: the 16 lanes are one vector. */
#include "common/columns_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "common/columns_passes.h"

#define AVX512 __attribute__((target("popcnt,avx512f,avx512bw,avx512vl,avx512vbmi2")))

/* States that are below RANS_LOW take in the next words, in the order of lanes. */
AVX512 static inline __m512i refill(__m512i states, const uint8_t **at)
{
    __mmask16 low = _mm512_cmplt_epu32_mask(states, _mm512_set1_epi32(RANS_LOW));
    __m512i words = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)*at));
    words = _mm512_or_si512(_mm512_slli_epi32(states, 16), _mm512_maskz_expand_epi32(low, words));
    *at += 2 * __builtin_popcount(low);
    return _mm512_mask_mov_epi32(states, low, words);
}

AVX512 static inline __m512i widen(const uint8_t *bytes)
{
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)bytes));
}

AVX512 static uint32_t decode_class_groups(struct rans_column *column, const uint8_t *const *limits, uint32_t first,
                                           uint32_t end)
{
    const struct rans_class_model *model = column->model;
    const __m512i sum = _mm512_set1_epi32(1 << RANS_CLASS_BITS),
                  slots = _mm512_set1_epi32((1 << RANS_CLASS_BITS) - 1);
    __m512i other = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)model->other));
    __m512i again = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)model->again));
    const __m512i other_starts = _mm512_sub_epi32(sum, other), again_starts = _mm512_sub_epi32(other_starts, again);
    __m512i states = _mm512_loadu_si512(column->input.states);
    const uint8_t *at = column->input.at, *limit = limits[0];
    uint32_t group = first;
    for (; group < end && at <= limit; group++) {
        __m512i context = widen(column->contexts + (size_t)group * RANS_LANES);
        __m512i again_start = _mm512_permutexvar_epi32(context, again_starts);
        __m512i other_start = _mm512_permutexvar_epi32(context, other_starts);
        __m512i slot = _mm512_and_si512(states, slots);
        __mmask16 is_wrong = _mm512_cmpge_epu32_mask(slot, again_start);
        __mmask16 is_other = _mm512_cmpge_epu32_mask(slot, other_start);
        __m512i start = _mm512_mask_mov_epi32(_mm512_maskz_mov_epi32(is_wrong, again_start), is_other, other_start);
        __m512i next_start =
            _mm512_mask_mov_epi32(_mm512_mask_mov_epi32(again_start, is_wrong, other_start), is_other, sum);
        __m512i frequency = _mm512_sub_epi32(next_start, start);
        states = _mm512_mullo_epi32(_mm512_srli_epi32(states, RANS_CLASS_BITS), frequency);
        states = refill(_mm512_add_epi32(states, _mm512_sub_epi32(slot, start)), &at);
        __m128i symbol =
            _mm_mask_mov_epi8(_mm_maskz_set1_epi8(is_wrong, RANS_AGAIN), is_other, _mm_set1_epi8(RANS_OTHER));
        _mm_storeu_si128((__m128i *)(column->symbols + (size_t)group * RANS_LANES), symbol);
    }
    _mm512_storeu_si512(column->input.states, states);
    column->input.at = at;
    return group;
}

/* slots[places]. Loads one by one take less time than the instruction for it, also where that is slowed down so
 * that it leaks nothing (Moghimi 2023, 'Downfall'). */
AVX512 static inline __m512i load_slots(const uint32_t *slots, __m512i places)
{
    uint32_t at[RANS_LANES], *high = at + RANS_LANES / 2;
    _mm512_storeu_si512(at, places);
    __m256i first = _mm256_setr_epi32((int)slots[at[0]], (int)slots[at[1]], (int)slots[at[2]], (int)slots[at[3]],
                                      (int)slots[at[4]], (int)slots[at[5]], (int)slots[at[6]], (int)slots[at[7]]);
    __m256i second =
        _mm256_setr_epi32((int)slots[high[0]], (int)slots[high[1]], (int)slots[high[2]], (int)slots[high[3]],
                          (int)slots[high[4]], (int)slots[high[5]], (int)slots[high[6]], (int)slots[high[7]]);
    return _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
}

/* Advances the states by a code each; the lower bytes of what is returned are the codes. */
AVX512 static inline __m512i decode_16_codes(__m512i *states, __m512i context, const void *slots,
                                             const uint8_t **at)
{
    __m512i slot = _mm512_and_si512(*states, _mm512_set1_epi32((1 << RANS_CODE_BITS) - 1));
    slot = _mm512_or_si512(slot, _mm512_slli_epi32(context, RANS_CODE_BITS));
    slot = load_slots(slots, slot);
    __m512i frequency = _mm512_and_si512(_mm512_srli_epi32(slot, 8), _mm512_set1_epi32(0xfff));
    frequency = _mm512_add_epi32(frequency, _mm512_set1_epi32(1));
    __m512i next = _mm512_mullo_epi32(_mm512_srli_epi32(*states, RANS_CODE_BITS), frequency);
    *states = refill(_mm512_add_epi32(next, _mm512_srli_epi32(slot, 20)), at);
    return slot;
}

/* Two columns beside each other, because a state must wait long for its slot. */
AVX512 static uint32_t decode_code_groups(struct rans_column *columns, const uint8_t *const *limits, uint32_t first,
                                          uint32_t end)
{
    struct rans_column *one = &columns[0], *two = &columns[1];
    const __m512i low = _mm512_set1_epi32(two->bins.low), last = _mm512_set1_epi32(two->bins.last);
    const __m512i byte = _mm512_set1_epi32(0xff);
    const __m128i shift = _mm_cvtsi32_si128(two->bins.shift);
    __m512i one_states = _mm512_loadu_si512(one->input.states), two_states = _mm512_loadu_si512(two->input.states);
    const uint8_t *one_at = one->input.at, *two_at = two->input.at, *one_limit = limits[0], *two_limit = limits[1];
    uint32_t group = first;
    for (; group < end && one_at <= one_limit && two_at <= two_limit; group++) {
        size_t place = (size_t)group * RANS_LANES;
        __m512i code = decode_16_codes(&one_states, widen(one->contexts + place), one->model, &one_at);
        _mm_storeu_si128((__m128i *)(one->symbols + place), _mm512_cvtepi32_epi8(code));
        __m512i bin = _mm512_max_epi32(_mm512_and_si512(code, byte), low);
        bin = _mm512_min_epi32(_mm512_srl_epi32(_mm512_sub_epi32(bin, low), shift), last);
        code = decode_16_codes(&two_states, bin, two->model, &two_at);
        _mm_storeu_si128((__m128i *)(two->symbols + place), _mm512_cvtepi32_epi8(code));
    }
    _mm512_storeu_si512(one->input.states, one_states);
    _mm512_storeu_si512(two->input.states, two_states);
    one->input.at = one_at;
    two->input.at = two_at;
    return group;
}

COLUMNS_PASSES_FOR(AVX512)

AVX512 static bool classes(uint16_t *predicted, uint8_t *history, const uint8_t *symbols, const uint16_t *labels,
                           const uint16_t *last, uint32_t count, bool *others)
{
    return pass_classes(predicted, history, symbols, labels, last, count, others);
}

AVX512 static uint32_t places(uint16_t *list, const uint8_t *bytes, uint32_t count, uint8_t low, uint8_t high)
{
    enum { PLACES = 32 };
    const __m256i lows = _mm256_set1_epi8((char)low), width = _mm256_set1_epi8((char)(high - low));
    __m512i numbers =
        _mm512_cvtepu8_epi16(_mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
                                              20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31));
    uint32_t listed = 0, whole = count - count % PLACES;
    for (uint32_t i = 0; i < whole; i += PLACES) {
        __m256i above = _mm256_sub_epi8(_mm256_loadu_si256((const __m256i *)(bytes + i)), lows);
        __mmask32 within = _mm256_cmple_epu8_mask(above, width);
        _mm512_storeu_si512(list + listed, _mm512_maskz_compress_epi16(within, numbers));
        listed += (uint32_t)__builtin_popcount(within);
        numbers = _mm512_add_epi16(numbers, _mm512_set1_epi16(PLACES));
    }
    return pass_places(list, listed, bytes, whole, count, low, high);
}

const struct columns_kernels columns_kernels_avx512 = {.name = "AVX-512",
                                                       .class_groups = decode_class_groups,
                                                       .code_groups = decode_code_groups,
                                                       .class_contexts = class_contexts,
                                                       .code_contexts = code_contexts,
                                                       .classes = classes,
                                                       .flip = flip,
                                                       .mean = mean,
                                                       .places = places};

#endif
