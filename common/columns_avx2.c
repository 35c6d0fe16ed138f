/* Unpacking with AVX2: the 16 lanes are two vectors of 8. */
#include "common/columns_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "common/columns_passes.h"

#define AVX2 __attribute__((target("avx2,popcnt")))

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

/* The states of a column, while they are in registers. */
struct lanes {
    __m256i low, high;
};

AVX2 static inline struct lanes load_lanes(const struct rans_input *input)
{
    return (struct lanes){_mm256_loadu_si256((const __m256i *)input->states),
                          _mm256_loadu_si256((const __m256i *)(input->states + HALF))};
}

AVX2 static inline void store_lanes(struct rans_input *input, struct lanes lanes)
{
    _mm256_storeu_si256((__m256i *)input->states, lanes.low);
    _mm256_storeu_si256((__m256i *)(input->states + HALF), lanes.high);
}

AVX2 static inline __m256i widen(const uint8_t *bytes)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)bytes));
}

AVX2 static uint32_t decode_class_groups(struct rans_column *column, const uint8_t *const *limits, uint32_t first,
                                         uint32_t end)
{
    const struct rans_class_model *model = column->model;
    uint32_t again[RANS_CLASS_CONTEXTS], other[RANS_CLASS_CONTEXTS];
    for (uint32_t c = 0; c < RANS_CLASS_CONTEXTS; c++) {
        other[c] = (uint32_t)(1 << RANS_CLASS_BITS) - model->other[c];
        again[c] = other[c] - model->again[c];
    }
    const struct table again_starts = load_table(again), other_starts = load_table(other);
    struct lanes lanes = load_lanes(&column->input);
    const uint8_t *at = column->input.at, *limit = limits[0];
    uint32_t group = first;
    for (; group < end && at <= limit; group++) {
        size_t place = (size_t)group * RANS_LANES;
        const uint8_t *contexts = column->contexts + place;
        __m256i low = decode_8_classes(&lanes.low, widen(contexts), again_starts, other_starts, &at);
        __m256i high = decode_8_classes(&lanes.high, widen(contexts + HALF), again_starts, other_starts, &at);
        _mm_storeu_si128((__m128i *)(column->symbols + place), bytes_of(low, high));
    }
    store_lanes(&column->input, lanes);
    column->input.at = at;
    return group;
}

/* slots[places]. Loads one by one take less time than the instruction for it, also where that is slowed down so
 * that it leaks nothing (Moghimi 2023, 'Downfall'). */
AVX2 static inline __m256i load_slots(const uint32_t *slots, __m256i places)
{
    uint32_t at[HALF];
    _mm256_storeu_si256((__m256i *)at, places);
    return _mm256_setr_epi32((int)slots[at[0]], (int)slots[at[1]], (int)slots[at[2]], (int)slots[at[3]],
                             (int)slots[at[4]], (int)slots[at[5]], (int)slots[at[6]], (int)slots[at[7]]);
}

/* Advances 8 states by a code each; the lower bytes of what is returned are the codes. */
AVX2 static inline __m256i decode_8_codes(__m256i *states, __m256i context, const void *slots, const uint8_t **at)
{
    __m256i slot = _mm256_and_si256(*states, _mm256_set1_epi32((1 << RANS_CODE_BITS) - 1));
    slot = _mm256_or_si256(slot, _mm256_slli_epi32(context, RANS_CODE_BITS));
    slot = load_slots(slots, slot);
    __m256i frequency = _mm256_and_si256(_mm256_srli_epi32(slot, 8), _mm256_set1_epi32(0xfff));
    frequency = _mm256_add_epi32(frequency, _mm256_set1_epi32(1));
    __m256i next = _mm256_mullo_epi32(_mm256_srli_epi32(*states, RANS_CODE_BITS), frequency);
    *states = refill(_mm256_add_epi32(next, _mm256_srli_epi32(slot, 20)), at);
    return slot;
}

AVX2 static inline __m256i bin_of(__m256i code, const struct rans_bins *bins)
{
    const __m256i low = _mm256_set1_epi32(bins->low);
    code = _mm256_max_epi32(_mm256_and_si256(code, _mm256_set1_epi32(0xff)), low);
    code = _mm256_srl_epi32(_mm256_sub_epi32(code, low), _mm_cvtsi32_si128(bins->shift));
    return _mm256_min_epi32(code, _mm256_set1_epi32(bins->last));
}

/* Two columns beside each other, because a state must wait long for its slot. */
AVX2 static uint32_t decode_code_groups(struct rans_column *columns, const uint8_t *const *limits, uint32_t first,
                                        uint32_t end)
{
    struct rans_column *one = &columns[0], *two = &columns[1];
    const struct rans_bins bins = two->bins;
    struct lanes one_lanes = load_lanes(&one->input), two_lanes = load_lanes(&two->input);
    const uint8_t *one_at = one->input.at, *two_at = two->input.at, *one_limit = limits[0], *two_limit = limits[1];
    uint32_t group = first;
    for (; group < end && one_at <= one_limit && two_at <= two_limit; group++) {
        size_t place = (size_t)group * RANS_LANES;
        const uint8_t *contexts = one->contexts + place;
        __m256i low = decode_8_codes(&one_lanes.low, widen(contexts), one->model, &one_at);
        __m256i high = decode_8_codes(&one_lanes.high, widen(contexts + HALF), one->model, &one_at);
        _mm_storeu_si128((__m128i *)(one->symbols + place), bytes_of(low, high));
        low = decode_8_codes(&two_lanes.low, bin_of(low, &bins), two->model, &two_at);
        high = decode_8_codes(&two_lanes.high, bin_of(high, &bins), two->model, &two_at);
        _mm_storeu_si128((__m128i *)(two->symbols + place), bytes_of(low, high));
    }
    store_lanes(&one->input, one_lanes);
    store_lanes(&two->input, two_lanes);
    one->input.at = one_at;
    two->input.at = two_at;
    return group;
}

COLUMNS_PASSES_FOR(AVX2)

AVX2 static bool classes(uint16_t *predicted, uint8_t *history, const uint8_t *symbols, const uint16_t *labels,
                         const uint16_t *last, uint32_t count, bool *others)
{
    const __m256i again = _mm256_set1_epi16(RANS_AGAIN);
    __m256i impossible = _mm256_setzero_si256();
    __m128i seen = _mm_setzero_si128();
    uint32_t whole = count - count % RANS_LANES;
    for (uint32_t i = 0; i < whole; i += RANS_LANES) {
        __m128i narrow = _mm_loadu_si128((const __m128i *)(symbols + i));
        __m256i symbol = _mm256_cvtepu8_epi16(narrow);
        __m256i label = _mm256_loadu_si256((const __m256i *)(labels + i));
        __m256i wrong = _mm256_loadu_si256((const __m256i *)(last + i));
        __m256i is_right = _mm256_cmpeq_epi16(symbol, _mm256_setzero_si256());
        __m256i is_never = _mm256_and_si256(_mm256_cmpeq_epi16(symbol, again), _mm256_cmpeq_epi16(wrong, label));
        impossible = _mm256_or_si256(impossible, is_never);
        _mm256_storeu_si256((__m256i *)(predicted + i), _mm256_blendv_epi8(wrong, label, is_right));
        /* 1, and -1 where it is right. */
        __m128i bit = _mm_add_epi8(_mm_set1_epi8(1), _mm_cmpeq_epi8(narrow, _mm_setzero_si128()));
        __m128i bits = _mm_loadu_si128((const __m128i *)(history + i));
        _mm_storeu_si128((__m128i *)(history + i), _mm_or_si128(_mm_add_epi8(bits, bits), bit));
        seen = _mm_or_si128(seen, narrow);
    }
    bool possible = pass_classes(predicted + whole, history + whole, symbols + whole, labels + whole, last + whole,
                                 count - whole, others);
    *others = *others || _mm_testz_si128(seen, _mm_set1_epi8(RANS_OTHER)) == 0;
    return possible && _mm256_testz_si256(impossible, impossible) != 0;
}

AVX2 static uint32_t places(uint16_t *list, const uint8_t *bytes, uint32_t count, uint8_t low, uint8_t high)
{
    enum { PLACES = 32 };
    const __m256i lows = _mm256_set1_epi8((char)low), width = _mm256_set1_epi8((char)(high - low));
    uint32_t listed = 0, whole = count - count % PLACES;
    for (uint32_t i = 0; i < whole; i += PLACES) {
        __m256i above = _mm256_sub_epi8(_mm256_loadu_si256((const __m256i *)(bytes + i)), lows);
        __m256i within = _mm256_cmpeq_epi8(_mm256_min_epu8(above, width), above);
        for (unsigned set = (unsigned)_mm256_movemask_epi8(within); set != 0; set &= set - 1)
            list[listed++] = (uint16_t)(i + (unsigned)__builtin_ctz(set));
    }
    return pass_places(list, listed, bytes, whole, count, low, high);
}

const struct columns_kernels columns_kernels_avx2 = {.name = "AVX2",
                                                     .class_groups = decode_class_groups,
                                                     .code_groups = decode_code_groups,
                                                     .class_contexts = class_contexts,
                                                     .code_contexts = code_contexts,
                                                     .classes = classes,
                                                     .flip = flip,
                                                     .mean = mean,
                                                     .places = places};

#endif
