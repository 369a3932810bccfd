"""The gzip-size core in plain Python: zlib's level 9 step by step, for payloads of one block.

Written from the deflate format (RFC 1951) and zlib's documented parameters. No tricks: every candidate is tried.
"""

MIN_MATCH, MAX_MATCH = 3, 258
GOOD_MATCH, MAX_CHAIN, TOO_FAR = 32, 4096, 4096
END_OF_BLOCK, FIRST_LENGTH = 256, 257
N_SYMBOLS, N_DISTANCES, N_LENGTHS = 286, 30, 19
LENGTH_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)


def chain_hash(data, at):
    """The fifteen bits by which zlib links positions."""
    return (data[at] << 10 ^ data[at + 1] << 5 ^ data[at + 2]) & 0x7FFF


def longest_match(data, at, waiting, candidates):
    """Longest match at ``at`` that is longer than ``waiting``, the nearest if several: (length, source) or None."""
    limit = min(len(data) - at, MAX_MATCH)
    chain = MAX_CHAIN // 4 if waiting >= GOOD_MATCH else MAX_CHAIN
    best, found = waiting, None
    for source in candidates[: -chain - 1 : -1]:
        length = 0
        while length < limit and data[source + length] == data[at + length]:
            length += 1
        if length > best:
            best, found = length, (length, source)
    return found


def parse(data):
    """Literals (ints) and matches (length, distance) in the order of level 9's lazy parse."""
    symbols, chains = [], {}
    linked = 1  # position 0 means "none" to zlib and is never a source
    at, waiting, source, has_literal = 0, MIN_MATCH - 1, 0, False
    while at < len(data):
        found = None
        if 0 < at <= len(data) - MIN_MATCH and waiting < MAX_MATCH:
            for position in range(linked, at):
                chains.setdefault(chain_hash(data, position), []).append(position)
            linked = at
            found = longest_match(data, at, waiting, chains.get(chain_hash(data, at), []))
            if found and found[0] == MIN_MATCH and at - found[1] > TOO_FAR:
                found = None
        if found is None and waiting >= MIN_MATCH:
            symbols.append((waiting, at - 1 - source))
            at += waiting - 1
            waiting, has_literal = MIN_MATCH - 1, False
            continue
        if has_literal:
            symbols.append(data[at - 1])
        waiting, source = found or (MIN_MATCH - 1, 0)
        has_literal = True
        at += 1
    if has_literal:
        symbols.append(data[-1])
    return symbols


def code_of(value, first_extra):
    """Deflate's codes for lengths - 3 (first_extra 3) and distances - 1 (2): (code, number of extra bits)."""
    if value < 1 << first_extra:
        return value, 0
    extra = value.bit_length() - first_extra
    return (extra << (first_extra - 1)) + (value >> extra), extra


def count(symbols):
    """How often every code is used, and the extra bits in all."""
    frequencies, distances, extra_bits = [0] * N_SYMBOLS, [0] * N_DISTANCES, 0
    for symbol in symbols:
        if isinstance(symbol, int):
            frequencies[symbol] += 1
            continue
        length, distance = symbol
        code, extra = (28, 0) if length == MAX_MATCH else code_of(length - MIN_MATCH, 3)
        frequencies[FIRST_LENGTH + code] += 1
        extra_bits += extra
        code, extra = code_of(distance - 1, 2)
        distances[code] += 1
        extra_bits += extra
    frequencies[END_OF_BLOCK] += 1
    return frequencies, distances, extra_bits


def sift(heap, place, key):
    """Let the node at ``place`` (1 is the root, heap[0] is not used) sink; equal nodes do not pass each other."""
    node = heap[place]
    while 2 * place < len(heap):
        child = 2 * place
        if child + 1 < len(heap) and key[heap[child + 1]] <= key[heap[child]]:
            child += 1
        if key[node] <= key[heap[child]]:
            break
        heap[place] = heap[child]
        place = child
    heap[place] = node


def huffman(frequencies, max_length):
    """zlib's code: the length for every symbol, 0 for one that has none."""
    n = len(frequencies)
    key = {symbol: (frequency, 0) for symbol, frequency in enumerate(frequencies) if frequency}
    highest = max(key, default=-1)
    heap = [None, *sorted(key)]
    while len(heap) < 3:
        added = highest + 1 if highest < 2 else 0
        highest = max(highest, added)
        key[added] = (1, 0)
        heap.append(added)
    for place in range((len(heap) - 1) // 2, 0, -1):
        sift(heap, place, key)
    parent, merged = {}, []
    node = n
    while len(heap) > 2:
        first = heap[1]
        heap[1] = heap[-1]
        heap.pop()
        sift(heap, 1, key)
        second = heap[1]
        merged += [first, second]
        parent[first] = parent[second] = node
        key[node] = (key[first][0] + key[second][0], max(key[first][1], key[second][1]) + 1)
        heap[1] = node
        sift(heap, 1, key)
        node += 1
    depth, of_length, excess = {node - 1: 0}, [0] * (max_length + 1), 0
    for child in reversed(merged):
        depth[child] = depth[parent[child]] + 1
        if depth[child] > max_length:
            depth[child] = max_length
            excess += 1
        if child < n:
            of_length[depth[child]] += 1
    if excess:
        while excess > 0:
            length = max(i for i in range(max_length) if of_length[i])
            of_length[length] -= 1
            of_length[length + 1] += 2
            of_length[max_length] -= 1
            excess -= 2
        lengths = [length for length in range(max_length, 0, -1) for _ in range(of_length[length])]
        depth.update(zip((child for child in merged if child < n), lengths, strict=True))
    return [depth.get(symbol, 0) for symbol in range(n)]


def run_codes(lengths):
    """The codes that send a list of code lengths: lengths, 16 repeat the last, 17 and 18 zeros."""
    while lengths[-1] == 0:
        lengths = lengths[:-1]
    at = 0
    while at < len(lengths):
        length = lengths[at]
        run = 1
        while at + run < len(lengths) and lengths[at + run] == length:
            run += 1
        at += run
        if length:
            yield length
            run -= 1
        most, codes = (6, (16, 16)) if length else (138, (17, 18))
        while run >= 3:
            part = min(run, most)
            yield codes[part > 10]
            run -= part
        yield from [length] * run


def dynamic_bits(frequencies, distances):
    """Bits of a block that brings its own codes, without its header and the extra bits."""
    lengths = huffman(frequencies, 15), huffman(distances, 15)
    counts = [0] * N_LENGTHS
    for part in lengths:
        for code in run_codes(part):
            counts[code] += 1
    lengths_of_lengths = huffman(counts, 7)
    sent = N_LENGTHS
    while sent > 4 and lengths_of_lengths[LENGTH_ORDER[sent - 1]] == 0:
        sent -= 1
    bits = 5 + 5 + 4 + 3 * sent + 2 * counts[16] + 3 * counts[17] + 7 * counts[18]
    pairs = ((frequencies, lengths[0]), (distances, lengths[1]), (counts, lengths_of_lengths))
    return bits + sum(f * length for a, b in pairs for f, length in zip(a, b, strict=True))


def gzip_size(data):
    """``len(gzip.compress(data, 9))`` for fewer than 16,383 bytes."""
    frequencies, distances, extra = count(parse(data))
    fixed = sum(f * (8 if i < 144 else 9 if i < 256 else 7 if i < 280 else 8) for i, f in enumerate(frequencies))
    fixed += 5 * sum(distances)
    block = min((3 + extra + bits + 7) // 8 for bits in (dynamic_bits(frequencies, distances), fixed))
    if len(data) + 4 <= block:
        block = len(data) + 5
    return 18 + block
