"""The sampler in plain Python, the same bytes as ext/src/pcfg for the same keys.

A document is the string that the document symbol S' derives, cut at ``context``: S' -> N_i 0 S'. A *state* is a string
of pending symbols that begins with a nonterminal; a *leaf* of a state is a partial leftmost derivation from it. One
random draw picks a leaf. Symbols are encoded as in ziplaw.grammars.grammar; S' is -(n + 1).
"""

import heapq
import math
from dataclasses import dataclass

import numpy as np

LEAVES, MAX_RUN, MAX_REST, SWEEPS, TABLE_BITS = 2048, 24, 32, 48, 12
MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15


# random words --------------------------------------------------------------------------------------------------------


def mix64(z):
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def words(seed, stream, document):
    """xoshiro256++ seeded by splitmix64, one generator per document."""
    state = mix64((mix64((mix64((seed + GOLDEN) & MASK) + stream + GOLDEN) & MASK) + document) & MASK)
    s = [mix64((state + GOLDEN * j) & MASK) for j in (1, 2, 3, 4)]

    def rotl(x, k):
        return (x << k | x >> (64 - k)) & MASK

    while True:
        yield (rotl((s[0] + s[3]) & MASK, 23) + s[0]) & MASK
        t = s[1] << 17 & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotl(s[3], 45)


def pieces(seed, stream, document):
    """Every word as four pieces of 16 bits, lowest first."""
    for word in words(seed, stream, document):
        for shift in (0, 16, 32, 48):
            yield word >> shift & 0xFFFF


# tables --------------------------------------------------------------------------------------------------------------


def plain_sum(values):
    # sum() compensates for rounding from Python 3.12 on; C does not
    total = 0.0
    for value in values:
        total += value
    return total


def bits_for(n):
    """The smallest b >= 1 with 2**b >= n."""
    return max(1, math.ceil(math.log2(n)))


def alias_table(weights, bits):
    """Walker's alias table with 2**bits columns: (thresholds out of 2**64, aliases)."""
    size, total = 2**bits, plain_sum(weights)
    share = [w / total * size if total > 0 else 0.0 for w in weights] + [0.0] * (size - len(weights))
    small = [j for j in range(size) if share[j] < 1.0]
    large = [j for j in range(size) if share[j] >= 1.0]
    thresholds, aliases = [0] * size, list(range(size))
    while small and large:
        s, l = small.pop(), large[-1]
        thresholds[s], aliases[s] = int(share[s] * 2.0**53) << 11, l
        share[l] -= 1.0 - share[s]
        if share[l] < 1.0:
            small.append(large.pop())
    return thresholds, aliases


def alias_draw(table, bits, word):
    thresholds, aliases = table
    j = word >> (64 - bits)
    return j if (word << bits & MASK) < thresholds[j] else aliases[j]


class Table:
    """An alias table drawn from with one piece of 16 bits, and with 64 more where that leaves a column undecided."""

    def __init__(self, weights, options, bits):
        self.options, self.bits = options, bits
        self.thresholds, self.aliases = alias_table(weights, bits)

    def draw(self, source):
        """Draw an option; an option that is a table itself is drawn from in turn."""
        fraction_bits = 16 - self.bits
        j, fraction = divmod(next(source), 2**fraction_bits)
        threshold = self.thresholds[j]
        stands = fraction < threshold >> (64 - fraction_bits)
        if fraction == threshold >> (64 - fraction_bits):
            word = sum(next(source) << shift for shift in (0, 16, 32, 48))
            stands = word < threshold << fraction_bits & MASK
        option = self.options[j if stands else self.aliases[j]]
        return option.draw(source) if isinstance(option, Table) else option


@dataclass(eq=False)
class Leaf:
    state: tuple
    p: float
    run: tuple
    rest: tuple


class Tables:
    """All states of a grammar with their leaves and the tables to draw them from."""

    def __init__(self, grammar):
        self.n = grammar.n_nonterminals
        self.rules = {-(i + 1): [] for i in range(self.n)}
        for lhs, rhs, probability in grammar.productions:
            self.rules[-(lhs + 1)].append((rhs, probability))
        for lhs, options in self.rules.items():
            total = plain_sum(p for _, p in options)
            self.rules[lhs] = [(rhs, p / total) for rhs, p in options]
        total = plain_sum(grammar.start)
        self.document = -(self.n + 1)
        self.rules[self.document] = [
            ((-(i + 1), 0, self.document), p / total) for i, p in enumerate(grammar.start) if p / total > 0.0
        ]
        n_rules, n_start = len(grammar.productions), len(self.rules[self.document])
        self.with_sentences = n_start + 2 * n_rules <= LEAVES
        self.states = [(-(i + 1),) for i in range(self.n)]
        if self.with_sentences:
            self.states += [(-(i + 1), 0, self.document) for i in range(self.n)]
        self.states.append((self.document,))
        self.leaves = []
        for state in self.states:
            self.leaves += self.children(Leaf(state, 1.0, (), state))
        if n_rules + n_start < LEAVES:
            self.grow()
        self.lay_out()

    def children(self, leaf):
        """Rewrite a leaf's leftmost pending nonterminal in every way."""
        found = []
        for rhs, q in self.rules[leaf.rest[0]]:
            pending = rhs + leaf.rest[1:]
            n_run = next((j for j, symbol in enumerate(pending) if symbol < 0), len(pending))
            found.append(Leaf(leaf.state, leaf.p * q, leaf.run + pending[:n_run], pending[n_run:]))
        return found

    def split(self, rest):
        """Split pending symbols into [(run before it, state), ...]; a last pair may have state None."""
        pairs, at = [], 0
        while at < len(rest):
            run = ()
            while at < len(rest) and rest[at] >= 0:
                run += (rest[at],)
                at += 1
            if at == len(rest):
                pairs.append((run, None))
                break
            covered = 3 if self.with_sentences and len(rest) - at == 3 and rest[at + 1 :] == (0, self.document) else 1
            pairs.append((run, rest[at : at + covered]))
            at += covered
        return pairs

    def visits(self):
        """How often each state is drawn from in endless text: lazy power iteration from S'."""
        visits = dict.fromkeys(self.states, 0.0)
        visits[(self.document,)] = 1.0
        for _ in range(SWEEPS):
            following = {state: 0.25 * v for state, v in visits.items()}
            for leaf in self.leaves:
                flow = 0.75 * visits[leaf.state] * leaf.p
                for _, state in self.split(leaf.rest):
                    if state is not None:
                        following[state] += flow
            total = plain_sum(following.values())
            visits = {state: v / total for state, v in following.items()}
        return visits

    def grow(self):
        """Expand the leaves where that saves most draws for each leaf added."""
        visits = self.visits()
        made, heap = list(self.leaves), []

        def offer(index):
            leaf = made[index]
            if 0 < len(leaf.rest) <= MAX_REST and len(leaf.run) < MAX_RUN:
                heapq.heappush(heap, (-(visits[leaf.state] * leaf.p / len(self.rules[leaf.rest[0]])), index))

        for index in range(len(made)):
            offer(index)
        live, n_expanded, dead = len(made), 0, set()
        while heap and n_expanded < LEAVES:
            _, index = heapq.heappop(heap)
            leaf = made[index]
            added = self.children(leaf)
            if live - 1 + len(added) > LEAVES:
                continue
            if leaf.rest[0] != self.document and any(len(child.run) > MAX_RUN for child in added):
                continue
            dead.add(index)
            first = len(made)
            made += added
            live += len(added) - 1
            n_expanded += 1
            for index in range(first, len(made)):
                offer(index)
        self.leaves = [leaf for index, leaf in enumerate(made) if index not in dead]

    def lay_out(self):
        """Make a table of each state's leaves; of groups of them, and one of the groups, where there are very many."""
        by_state = {state: [] for state in self.states}
        for leaf in self.leaves:
            by_state[leaf.state].append(leaf)
        self.table = {}
        for state, leaves in by_state.items():
            bits = bits_for(len(leaves))
            if bits > TABLE_BITS:
                size = 2 ** ((bits + 1) // 2)
                groups = [leaves[at : at + size] for at in range(0, len(leaves), size)]
                tables = [Table([leaf.p for leaf in group], group, bits_for(size)) for group in groups]
                weights = [plain_sum(leaf.p for leaf in group) for group in groups]
                self.table[state] = Table(weights, tables, bits_for(len(tables)))
            else:
                self.table[state] = Table([leaf.p for leaf in leaves], leaves, bits)


# documents -----------------------------------------------------------------------------------------------------------


def document(tables, seed, stream, index, context, leaves_used=None):
    """One document; leaves_used, a Counter, counts the leaves drawn."""
    source = pieces(seed, stream, index)
    tokens, stack, state = [], [], (tables.document,)
    while len(tokens) < context:
        leaf = tables.table[state].draw(source)
        if leaves_used is not None:
            leaves_used[leaf] += 1
        tokens += leaf.run
        stack += reversed(tables.split(leaf.rest))
        state = None
        while state is None and len(tokens) < context:
            run, state = stack.pop()
            tokens += run
    return tokens[:context]


def sample(grammar, n_documents, context=256, seed=0, stream=0, first_document=0):
    tables = Tables(grammar)
    rows = [document(tables, seed, stream, first_document + d, context) for d in range(n_documents)]
    return np.array(rows, np.uint16 if grammar.vocab_size <= 65536 else np.uint32)


def sample_like_paper(grammar, n_documents, context=256, seed=0, stream=0, first_document=0, max_depth=991):
    """The published code's habits: (documents, lengths)."""
    n = grammar.n_nonterminals
    rules = [[rule for rule in grammar.productions if rule.lhs == i] for i in range(n)]
    choosers = [[rule.probability for rule in options] for options in rules] + [list(grammar.start)]
    choosers = [(bits_for(len(weights)), alias_table(weights, bits_for(len(weights)))) for weights in choosers]

    def sentence(source):
        def choose(i):
            bits, table = choosers[i]
            return alias_draw(table, bits, next(source))

        tokens, frames = [], [iter((-(choose(n) + 1),))]
        while frames:
            symbol = next(frames[-1], None)
            if symbol is None:
                frames.pop()
            elif symbol > 0:
                tokens.append(symbol - 1)
            else:
                rhs = rules[-symbol - 1][choose(-symbol - 1)].rhs
                # finished frames still count: Python's own recursion has not returned yet
                if len(frames) == max_depth:
                    return None
                frames.append(iter(rhs))
        return tokens

    rows, lengths = [], []
    for d in range(n_documents):
        source, row, length = words(seed, stream, first_document + d), [], context
        while len(row) < context:
            tokens = sentence(source)
            if tokens is None:
                continue
            if len(row) + len(tokens) + 1 == context:
                length = context - 1
            row += [*tokens, 0]
        rows.append(row[:context])
        lengths.append(length)
    return np.array(rows, np.uint16 if grammar.vocab_size <= 65536 else np.uint32), np.array(lengths, np.int32)
