"""Fees by Python's exact fractions: an implementation that shares nothing with ours. Reads cases line by line, writes answers."""
import sys
from fractions import Fraction
from math import ceil, floor


def rounded(x, how):
    down = floor(x)
    rest = x - down
    half = Fraction(1, 2)
    if how == "down":
        return down
    if how == "up":
        return ceil(x)
    if rest == half:
        return down + 1 if how == "half_up" else down + down % 2
    return down + (rest > half)


for line in sys.stdin:
    word, *numbers = line.split()
    if word == "back":
        fee, amount, before, refund = map(int, numbers)
        share = lambda n: rounded(Fraction(fee * n, amount), "half_up")
        print(share(before + refund) - share(before))
    else:
        amount, rate, fixed, low, high = map(int, numbers)
        fee = rounded(Fraction(amount * rate, 100_000), word) + fixed
        print(max(low, min(high, fee)))
