"""Zipf's law: P(rank) proportional to rank^-s. Reading counts, fitting s, and how sure one can be of it."""
import bisect
import functools
import itertools
import math
import operator
import random
import statistics

HEAD = "text\twords\tdistinct\tmost\ts\terror\tdistance\tp\n"


def read_counts(path):
    """The counts of a table of word<TAB>count, largest first."""
    with open(path, encoding="utf-8") as table:
        return sorted((int(line.split("\t")[1]) for line in table), reverse=True)


def fit(counts):
    """The exponent s of greatest likelihood, where `counts` are sorted from the largest."""
    logs = [math.log(rank) for rank in range(1, len(counts) + 1)]
    wanted = math.fsum(count * log for count, log in zip(counts, logs)) / sum(counts)
    low, high = 0.0, 10.0
    for _ in range(40):
        s = (low + high) / 2
        weights = [math.exp(-s * log) for log in logs]
        mean_log = math.fsum(map(operator.mul, weights, logs)) / math.fsum(weights)
        low, high = (s, high) if mean_log > wanted else (low, s)
    return s


def distance(counts, s):
    """The largest gap between the observed and the expected share of words up to a rank (Kolmogorov-Smirnov)."""
    expected = list(itertools.accumulate(rank**-s for rank in range(1, len(counts) + 1)))
    observed = list(itertools.accumulate(counts))
    return max(abs(e / expected[-1] - o / observed[-1]) for e, o in zip(expected, observed))


def simulate(words, distinct, s, seed):
    """Draws a text of so many words that obeys the law, and fits it: its exponent and its distance."""
    # Only random(): its numbers are the same in every version of Python.
    draw = random.Random(seed).random
    ends = list(itertools.accumulate(rank**-s for rank in range(1, distinct + 1)))
    drawn = [0] * distinct
    for _ in range(words):
        drawn[min(bisect.bisect_right(ends, draw() * ends[-1]), distinct - 1)] += 1
    counts = sorted((count for count in drawn if count), reverse=True)
    fitted = fit(counts)
    return fitted, distance(counts, fitted)


def row(name, counts, replicates, run=map):
    """A line of the table: what was counted, the exponent with its error, and p, the share of texts which obey the
    law and yet lie as far from it as this one. `run` carries out the replicates, as map() does."""
    words, distinct, s = sum(counts), len(counts), fit(counts)
    gap = distance(counts, s)
    simulated = list(run(functools.partial(simulate, words, distinct, s), range(replicates)))
    error = statistics.pstdev(exponent for exponent, _ in simulated)
    p = sum(1 for _, simulated_gap in simulated if simulated_gap >= gap) / len(simulated)
    return f"{name}\t{words}\t{distinct}\t{counts[0]}\t{s:.3f}\t{error:.3f}\t{gap:.3f}\t{p:.2f}\n"
