/* Bits of a deflate block with its own Huffman codes: zlib's trees to the letter, ties included. */
#ifndef ZL_GZIP_TREE_H
#define ZL_GZIP_TREE_H

#include <stdint.h>
#include <string.h>

#define N_SYMBOLS 286
#define N_DISTANCES 30
#define N_LENGTHS 19 /* the alphabet in which code lengths are sent: 0 to 15 and the next three */

#define REPEAT 16
#define ZEROS 17
#define MANY_ZEROS 18

/* A node in the heap is frequency << 15 | depth << 10 | id. zlib orders nodes by frequency, then depth, and not by id:
 * which of two equal nodes comes first follows from how the heap is walked, so it is walked just as zlib does.
 * Frequencies are at most 4,098, so a tree is at most 18 deep and a node fits 31 bits. */
#define ID_MASK 0x3ffu
#define DEPTH_MASK 0x7c00u
#define FREQUENCY_SHIFT 15
#define ONE_DEEPER 0x400u
#define HEAP_END 0x7fffffffu

/* One level of sifting v down from place k, without a branch: of the children the right one if they are equal, moved up
 * if it is smaller than v. Once v has found its place the rest of the path is rewritten as it was. Places behind the
 * last node hold HEAP_END, so that every walk may go on to the lowest level. */
#define SIFT_LEVEL(heap, k, v)                                                                                         \
    do {                                                                                                               \
        const uint32_t child_ = 2 * (k) + 1 - (((heap)[2 * (k)] | ID_MASK) < (heap)[2 * (k) + 1]);                     \
        const uint32_t node_ = (heap)[child_];                                                                         \
        const uint32_t swap_ = (node_ ^ (v)) & (0u - (uint32_t) ((node_ | ID_MASK) < (v)));                            \
        (heap)[k] = (v) ^ swap_;                                                                                       \
        (v) = node_ ^ swap_;                                                                                           \
        (k) = child_;                                                                                                  \
    } while (0)

/* Put the symbols in use into the heap and order it; returns how many, and in *levels those below the root. */
static inline int
heap_new(uint32_t *restrict heap, const uint32_t *restrict frequency, int n_symbols, int *levels)
{
    int size = 0, below = 0, depth, i, s;

    for (i = 0; i < n_symbols; i++) {
        heap[size + 1] = frequency[i] << FREQUENCY_SHIFT | (uint32_t) i;
        size += frequency[i] != 0;
    }
    while (2 << below <= size) {
        below++;
    }
    for (i = size + 1; i < 2 << below; i++) {
        heap[i] = HEAP_END;
    }
    for (depth = below - 1; depth >= 0; depth--) {
        const int last = (2 << depth) - 1;

        for (i = last < size / 2 ? last : size / 2; i >= 1 << depth; i--) {
            uint32_t k = (uint32_t) i, v = heap[i];

            for (s = depth; s < below; s++) {
                SIFT_LEVEL(heap, k, v);
            }
            heap[k] = v;
        }
    }
    *levels = below;
    return size;
}

/* Shorten codes beyond max_length the way zlib does; children lists the nodes in the order in which they were merged.
 * Returns the bits of all symbols. */
static int64_t
limit_lengths(uint8_t *depth, const uint16_t *children, int n_inner, const uint32_t *frequency, int n_symbols,
    int max_length)
{
    int n_of[16] = { 0 }, excess = 0, bits, i, n;
    int64_t total = 0;

    depth[n_symbols + n_inner - 1] = 0;
    for (i = 2 * n_inner - 1; i >= 0; i--) {
        bits = depth[n_symbols + i / 2] + 1;
        if (bits > max_length) {
            bits = max_length;
            excess++;
        }
        depth[children[i]] = (uint8_t) bits;
        n_of[bits] += children[i] < n_symbols;
    }
    /* a leaf one level up becomes a node of two: each move makes room for two of the codes that were too long */
    for (; excess > 0; excess -= 2) {
        bits = max_length - 1;
        while (n_of[bits] == 0) {
            bits--;
        }
        n_of[bits]--;
        n_of[bits + 1] += 2;
        n_of[max_length]--;
    }
    i = 0;
    for (bits = max_length; bits > 0; bits--) {
        for (n = n_of[bits]; n > 0; i++) {
            if (children[i] < n_symbols) {
                depth[children[i]] = (uint8_t) bits;
                total += (int64_t) bits * frequency[children[i]];
                n--;
            }
        }
    }
    return total;
}

/* zlib's Huffman code: writes a length per symbol (0: none) and the highest symbol with a code; returns the bits that
 * the symbols take. */
static inline int64_t
huffman(uint8_t *restrict lengths, const uint32_t *restrict frequency, int n_symbols, int max_length, int *max_symbol)
{
    uint32_t heap[512]; /* room for the lowest of nine levels */
    uint16_t children[2 * N_SYMBOLS];
    uint8_t depth[2 * N_SYMBOLS];
    int64_t total = 0;
    int size, levels, s, only, node = n_symbols, deepest = 0;

    size = heap_new(heap, frequency, n_symbols, &levels);
    memset(depth, 0, (size_t) n_symbols);
    if (size < 2) { /* a code needs two symbols: zlib adds the next one, or symbol 0 */
        only = size == 1 ? (int) (heap[1] & ID_MASK) : 0;
        memcpy(lengths, depth, (size_t) n_symbols);
        lengths[only] = lengths[only < 2 ? only + 1 : 0] = 1;
        *max_symbol = only < 2 ? only + 1 : only;
        return frequency[only];
    }
    while (size >= 2) {
        const uint32_t first = heap[1];
        uint32_t second, sum, merged, k = 1, v = heap[size], k2 = 1;

        heap[size--] = HEAP_END;
        levels -= 1 << levels > size;
        /* The last node sinks from the root; two levels later the root is final and the merged node may follow it down.
         * Both go down in one loop, so that the processor works on two chains of loads at once. */
        for (s = 0; s < levels && s < 2; s++) {
            SIFT_LEVEL(heap, k, v);
        }
        if (levels < 2) {
            heap[k] = v;
        }
        second = heap[1];
        children[2 * (node - n_symbols)] = (uint16_t) (first & ID_MASK);
        children[2 * (node - n_symbols) + 1] = (uint16_t) (second & ID_MASK);
        sum = (first >> FREQUENCY_SHIFT) + (second >> FREQUENCY_SHIFT);
        /* every merge puts one bit in front of all symbols below it, so the sums add up to the bits of the block */
        total += sum;
        merged = (first & DEPTH_MASK) > (second & DEPTH_MASK) ? first & DEPTH_MASK : second & DEPTH_MASK;
        merged = (sum << FREQUENCY_SHIFT | merged | (uint32_t) node) + ONE_DEEPER;
        node++;
        for (s = 2; s < levels; s++) {
            SIFT_LEVEL(heap, k, v);
            SIFT_LEVEL(heap, k2, merged);
        }
        if (levels >= 2) {
            heap[k] = v;
        }
        for (s = levels < 2 ? levels : 2; s > 0; s--) {
            SIFT_LEVEL(heap, k2, merged);
        }
        heap[k2] = merged;
    }
    depth[node - 1] = 0; /* the root, merged last */
    for (s = node - 1; s >= n_symbols; s--) {
        const int below = depth[s] + 1;

        deepest = below > deepest ? below : deepest;
        depth[children[2 * (s - n_symbols)]] = (uint8_t) below;
        depth[children[2 * (s - n_symbols) + 1]] = (uint8_t) below;
    }
    if (deepest > max_length) {
        total = limit_lengths(depth, children, node - n_symbols, frequency, n_symbols, max_length);
    }
    memcpy(lengths, depth, (size_t) n_symbols);
    for (s = n_symbols - 1; lengths[s] == 0; s--) {
    }
    *max_symbol = s;
    return total;
}

/* Count the codes that send code lengths: a length, 3 to 6 repeats of it, 3 to 10 zeros, 11 to 138 zeros. */
static inline void
count_lengths(uint32_t *restrict counts, const uint8_t *restrict lengths, int max_symbol)
{
    uint16_t start[N_SYMBOLS + 1];
    int n_runs = 1, i, run, length;

    start[0] = 0;
    for (i = 1; i <= max_symbol; i++) {
        start[n_runs] = (uint16_t) i;
        n_runs += lengths[i] != lengths[i - 1];
    }
    start[n_runs] = (uint16_t) (max_symbol + 1);
    for (i = 0; i < n_runs; i++) {
        length = lengths[start[i]];
        run = start[i + 1] - start[i];
        if (run <= 7) {
            const int is_zero = length == 0, is_repeat = run + is_zero >= 4;

            counts[length] += (uint32_t) (is_repeat ? 1 - is_zero : run);
            counts[REPEAT + is_zero] += (uint32_t) is_repeat;
            continue;
        }
        if (length == 0) {
            counts[MANY_ZEROS] += (uint32_t) (run / 138);
            run %= 138;
            if (run >= 3) {
                counts[run <= 10 ? ZEROS : MANY_ZEROS]++;
                run = 0;
            }
        } else { /* the length itself and six repeats, then six at a time */
            counts[length]++;
            counts[REPEAT] += (uint32_t) (run - 1) / 6;
            run = (run - 1) % 6;
            if (run >= 3) {
                counts[REPEAT]++;
                run = 0;
            }
        }
        counts[length] += (uint32_t) run;
    }
}

/* Bits of a block with its own codes, three bits of block header and the extra bits of matches not counted. */
static inline int64_t
dynamic_bits(const uint32_t *symbols, const uint32_t *distances)
{
    static const uint8_t order[N_LENGTHS] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };
    uint8_t lengths[N_SYMBOLS];
    uint32_t counts[N_LENGTHS] = { 0 };
    int64_t bits;
    int max_symbol, sent = N_LENGTHS;

    bits = huffman(lengths, symbols, N_SYMBOLS, 15, &max_symbol);
    count_lengths(counts, lengths, max_symbol);
    bits += huffman(lengths, distances, N_DISTANCES, 15, &max_symbol);
    count_lengths(counts, lengths, max_symbol);
    bits += 2 * counts[REPEAT] + 3 * counts[ZEROS] + 7 * counts[MANY_ZEROS];
    bits += huffman(lengths, counts, N_LENGTHS, 7, &max_symbol);
    while (sent > 4 && lengths[order[sent - 1]] == 0) {
        sent--;
    }
    /* and how many symbols, distances and code lengths are sent: 5, 5 and 4 bits */
    return bits + 3 * sent + 5 + 5 + 4;
}

/* Bits of a block with the fixed codes, counted likewise. */
static inline int64_t
fixed_bits(const uint32_t *symbols, const uint32_t *distances)
{
    int64_t bits = 0;
    int i;

    for (i = 0; i < N_SYMBOLS; i++) {
        bits += (int64_t) symbols[i] * (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8);
    }
    for (i = 0; i < N_DISTANCES; i++) {
        bits += 5 * (int64_t) distances[i];
    }
    return bits;
}

#endif
