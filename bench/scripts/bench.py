"""Dictionaries, lists, strings, classes, integer and floating-point arithmetic. Prints results that are the same on
every platform."""

import sys


class Body:
    __slots__ = ("x", "v")

    def __init__(self, x, v):
        self.x, self.v = x, v

    def step(self, force):
        self.v += force / 64.0
        self.x += self.v / 64.0


def queens(n, columns=0, left=0, right=0):
    full = (1 << n) - 1
    if columns == full:
        return 1
    count, free = 0, full & ~(columns | left | right)
    while free:
        bit = free & -free
        free ^= bit
        count += queens(n, columns | bit, (left | bit) << 1, (right | bit) >> 1)
    return count


def words(count):
    seen, state = {}, 42
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2147483648
        word = "%x" % (state // 65536 % 4096)
        seen[word] = seen.get(word, 0) + 1
    text = " ".join(sorted(seen, key=lambda word: (-seen[word], word)))
    return len(text.replace("a", "bc").split()) + sum(map(ord, text[::7]))


def bodies(count):
    all_bodies = [Body(float(i), 0.0) for i in range(8)]
    for _ in range(count):
        centre = sum(body.x for body in all_bodies) / len(all_bodies)
        for body in all_bodies:
            body.step(centre - body.x)
    return sum(body.x * body.v for body in all_bodies)


def main():
    total, real = 0, 0.0
    for round_number in range(int(sys.argv[1])):
        total += queens(6) + words(1500) + pow(3, 2000 + round_number, 10**60 + 7) % 1000003
        total += sum(i * i % 7 for i in range(3000))
        real += bodies(100)
    print(total, "%.12f" % real)


main()
