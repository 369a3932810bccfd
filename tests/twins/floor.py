"""The floor's readable twin: Stolcke's Earley recursion in plain Python, and brute-force enumeration beside it."""

import math
from collections import defaultdict

import numpy as np


class Chart:
    """One sentence, token by token, with every prediction made and no look-ahead.

    An item is (origin, production, dot); its inner probability says how likely the production's first ``dot`` symbols
    yield the tokens since ``origin``; its forward probability is that times the probability of all leftmost
    derivations that yield the tokens before ``origin`` and then rewrite the production's left-hand side.
    """

    def __init__(self, grammar):
        self.grammar = grammar
        n = grammar.n_nonterminals
        corner, unit = np.zeros((n, n)), np.zeros((n, n))
        for lhs, rhs, probability in grammar.productions:
            if rhs[0] < 0:
                corner[lhs, -rhs[0] - 1] += probability
                unit[lhs, -rhs[0] - 1] += probability * (len(rhs) == 1)
        self.corner = np.linalg.inv(np.eye(n) - corner)
        self.unit = np.linalg.inv(np.eye(n) - unit)
        self.columns = []  # items of each column: {(origin, production, dot): inner}
        self.predicted = []  # (n,) of each column: forward probability of each nonterminal as the next to rewrite
        self._close({}, np.array(grammar.start) @ self.corner)
        self.end = 0.0  # P(the tokens are a sentence), relative to the prefix probability
        self.log_prefix = 0.0

    def next(self):
        """Return the probability of each token id next, 0 being the end of the sentence."""
        out = np.zeros(self.grammar.vocab_size)
        out[0] = self.end
        for _, production, dot, forward in self._ready():
            out[self.grammar.productions[production].rhs[dot]] += forward
        return out

    def _ready(self):
        """Yield the items of the last column that await a terminal, the predicted ones included."""
        column = len(self.columns) - 1
        for (origin, production, dot), inner in self.columns[column].items():
            lhs, rhs, _ = self.grammar.productions[production]
            if dot < len(rhs) and rhs[dot] > 0:
                yield origin, production, dot, self.predicted[origin][lhs] * inner
        for production, (lhs, rhs, probability) in enumerate(self.grammar.productions):
            if rhs[0] > 0:
                yield column, production, 0, self.predicted[column][lhs] * probability

    def scan(self, token):
        """Read one token and return its probability given those before; 0.0 leaves the chart unusable."""
        column = len(self.columns) - 1
        items = {}
        total = 0.0
        for origin, production, dot, forward in self._ready():
            rule = self.grammar.productions[production]
            if rule.rhs[dot] == token:
                inner = rule.probability if origin == column else self.columns[column][origin, production, dot]
                items[origin, production, dot + 1] = inner
                total += forward
        if total == 0.0:
            return 0.0
        # dividing by each token's probability keeps the numbers in range: the prefix probability is then always 1
        items = {item: inner / total for item, inner in items.items()}
        self._complete(items)
        self._close(items, self._waiting(items) @ self.corner)
        self.log_prefix += math.log(total)
        return total

    def _complete(self, items):
        n, rules = self.grammar.n_nonterminals, self.grammar.productions
        for origin in range(len(self.columns) - 1, -1, -1):
            done = np.zeros(n)
            for (begun, production, dot), inner in items.items():
                if begun == origin and dot == len(rules[production].rhs):
                    done[rules[production].lhs] += inner
            full = self.unit @ done
            if origin == 0:
                self.end = float(np.array(self.grammar.start) @ full)
            advanced = defaultdict(float)
            for (begun, production, dot), inner in self.columns[origin].items():
                rhs = rules[production].rhs
                if dot < len(rhs) and rhs[dot] < 0:
                    advanced[begun, production, dot + 1] += inner * full[-rhs[dot] - 1]
            for production, (lhs, rhs, probability) in enumerate(rules):
                # X -> Y alone is already in the unit closure
                if rhs[0] < 0 and len(rhs) > 1 and self.predicted[origin][lhs] > 0:
                    advanced[origin, production, 1] += probability * full[-rhs[0] - 1]
            for item, inner in advanced.items():
                if inner > 0:
                    items[item] = items.get(item, 0.0) + inner

    def _waiting(self, items):
        weight = np.zeros(self.grammar.n_nonterminals)
        for (origin, production, dot), inner in items.items():
            lhs, rhs, _ = self.grammar.productions[production]
            if dot < len(rhs) and rhs[dot] < 0:
                weight[-rhs[dot] - 1] += self.predicted[origin][lhs] * inner
        return weight

    def _close(self, items, predicted):
        self.columns.append(items)
        self.predicted.append(predicted)


def position_nats(grammar, document):
    """Return -ln p(x_t | x_<t) of each token of one document."""
    out = []
    chart = Chart(grammar)
    for token in document:
        if token == 0:
            probability, chart = chart.end, Chart(grammar)
        else:
            probability = chart.scan(int(token))
        if probability == 0.0:
            raise ValueError("impossible document")
        out.append(-math.log(probability))
    return np.array(out)


def next_token_probabilities(grammar, prefix):
    """Return the probability of each token id after ``prefix``."""
    chart = Chart(grammar)
    for token in prefix:
        if token == 0:
            chart = Chart(grammar)
        else:
            chart.scan(int(token))
    return chart.next()


def prefix_by_derivations(grammar, prefix, cutoff=1e-16):
    """Return (lower bound of P(prefix), mass left out) by following every leftmost derivation of one sentence.

    A derivation is followed until it yields the whole prefix, deviates from it, or its probability sinks below
    ``cutoff``; no chart, no closure, no matrix.
    """
    options = defaultdict(list)
    for lhs, rhs, probability in grammar.productions:
        options[-lhs - 1].append((rhs, probability))
    found, lost = [], []
    stack = [((-i - 1,), 0, p) for i, p in enumerate(grammar.start) if p > 0]
    while stack:
        symbols, position, probability = stack.pop()
        while position < len(prefix) and symbols and symbols[0] == prefix[position]:
            symbols, position = symbols[1:], position + 1
        if position == len(prefix):
            found.append(probability)
        elif not symbols or symbols[0] > 0:
            continue
        elif probability < cutoff:
            lost.append(probability)
        else:
            stack.extend((rhs + symbols[1:], position, probability * p) for rhs, p in options[symbols[0]])
    return math.fsum(found), math.fsum(lost)


def language(grammar, limit=100_000):
    """Return {sentence: probability} of a grammar without recursion, by expanding every derivation."""
    options = defaultdict(list)
    for lhs, rhs, probability in grammar.productions:
        options[-lhs - 1].append((rhs, probability))
    sentences = defaultdict(list)
    stack = [((), (-i - 1,), p) for i, p in enumerate(grammar.start) if p > 0]
    for _ in range(limit):
        if not stack:
            return {sentence: math.fsum(found) for sentence, found in sentences.items()}
        done, rest, probability = stack.pop()
        while rest and rest[0] > 0:
            done, rest = (*done, rest[0]), rest[1:]
        if rest:
            stack.extend((done, rhs + rest[1:], probability * p) for rhs, p in options[rest[0]])
        else:
            sentences[done].append(probability)
    raise ValueError(f"more than {limit} derivations")
