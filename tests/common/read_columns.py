"""Decodes the bodies of a log's table `columns`, written from docs/log-format.md alone."""
import struct

WEIGHTS = [0, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128, 181, 256]
RIGHT, AGAIN, OTHER = range(3)


class Past:
    """What a block's earlier packed epochs tell of each of its samples."""

    def __init__(self, classes, detail, count):
        self.classes, self.margins, self.count = classes, detail == "margin", count
        self.history, self.last, self.mean = [0] * count, [None] * count, [128] * count
        self.begun = False

    def advance(self, labels, predicted, margins):
        for i, (label, class_) in enumerate(zip(labels, predicted)):
            self.history[i] = (self.history[i] << 1 | (class_ != label)) & 0xFF
            if class_ != label:
                self.last[i] = class_
        for i, margin in enumerate(margins):
            self.mean[i] = (self.mean[i] + margin + 1) // 2 if self.begun else margin
        self.begun = True


class Body:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, format):
        result = struct.unpack_from("<" + format, self.data, self.at)
        self.at += struct.calcsize("<" + format)
        return result

    def bits(self):
        """Reads numbers of bits of what is left."""
        packed, used = int.from_bytes(self.data[self.at :], "little"), 0
        left = 8 * (len(self.data) - self.at)

        def read(count):
            nonlocal used
            used += count
            return packed >> (used - count) & (1 << count) - 1

        def end():
            assert left - 8 < used <= left and packed >> used == 0
            self.at = len(self.data)

        return read, end

    def symbols(self, total, frequencies):
        """One symbol for each of `frequencies`, lists of (symbol, frequency) with the sum `total`."""
        (count,) = self.take("H")
        states = list(self.take("16I"))
        words = iter(self.take(f"{count}H"))
        symbols = []
        for i, choices in enumerate(frequencies):
            state = states[i % 16]
            slot, start = state % total, 0
            for symbol, frequency in choices:
                if slot < start + frequency:
                    break
                start += frequency
            state = frequency * (state // total) + slot - start
            if state < 2**16:
                state = state << 16 | next(words)
            states[i % 16] = state
            symbols.append(symbol)
        assert next(words, None) is None and states == [2**16] * 16
        return symbols

    def codes(self, known):
        """A code for each byte of `known`, which gives its context."""
        low, bins = self.take("BB")
        shift, last = bins & 15, bins >> 4
        contexts = [self.frequencies() for _ in range(last + 1)]
        return self.symbols(512, [contexts[min(max(byte - low, 0) >> shift, last)] for byte in known])

    def frequencies(self):
        first, last = self.take("BB")
        packed = self.take(f"{(last - first) // 2 + 1}B")
        weights = [WEIGHTS[packed[n // 2] >> 4 * (n % 2) & 15] for n in range(last - first + 1)]
        if sum(weights) == 0:
            weights[0] = 1
        used = sum(weight > 0 for weight in weights)
        result = [1 + weight * (512 - used) // sum(weights) if weight else 0 for weight in weights]
        result[weights.index(max(weights))] += 512 - sum(result)
        return [(first + n, frequency) for n, frequency in enumerate(result)]

    def class_symbols(self, contexts):
        (used,) = self.take("H")
        frequencies = []
        for context in range(16):
            again = other = 0
            if used >> context & 1:
                packed = int.from_bytes(bytes(self.take("3B")), "little")
                again, other = packed & 0xFFF, packed >> 12
            frequencies.append([(RIGHT, 4096 - again - other), (AGAIN, again), (OTHER, other)])
        if used == 0:
            return [RIGHT] * len(contexts)
        return self.symbols(4096, [frequencies[context] for context in contexts])


def unpack_plain(past, body, labels):
    bitmap = body.take(f"{-(-past.count // 8)}B")
    wrong = [i for i in range(past.count) if bitmap[i // 8] >> i % 8 & 1]
    bits = (past.classes - 1).bit_length()
    packed = int.from_bytes(bytes(body.take(f"{-(-len(wrong) * bits // 8)}B")), "little")
    predicted = list(labels)
    for place, i in enumerate(wrong):
        predicted[i] = packed >> place * bits & (1 << bits) - 1
    if not past.margins:
        return predicted, [], []
    margins = [code + 128 for code in body.take(f"{past.count}b")]
    return predicted, margins, list(body.take(f"{past.count}B"))


def unpack_coded(past, body, labels):
    older = [bin(history >> 1).count("1") for history in past.history]
    symbols, margins, odds = [RIGHT] * past.count, [], []
    if past.margins:
        margins = body.codes(past.mean)
        odds = body.codes(margins)
        (everything,) = body.take("B")
        listed = [i for i in range(past.count) if margins[i] <= 128 or everything]
        contexts = [older[i] + 8 * (margins[i] >= 128) for i in listed]
    else:
        listed = range(past.count)
        contexts = [older[i] + 8 * (past.history[i] & 1) for i in listed]
    for i, symbol in zip(listed, body.class_symbols(contexts)):
        symbols[i] = symbol
    read, end = body.bits()
    predicted = list(labels)
    for i, symbol in enumerate(symbols):
        if symbol == AGAIN:
            assert past.last[i] is not None
            predicted[i] = past.last[i]
        elif symbol == OTHER:
            known = {labels[i], past.last[i]} - {None}
            number = read((past.classes - len(known) - 1).bit_length())
            predicted[i] = [c for c in range(past.classes) if c not in known][number]
    end()
    return predicted, margins, odds


def unpack(past, data, labels):
    """[(class,)] or [(class, margin code, log-odds code)] of the block's samples; advances `past`."""
    body = Body(data)
    (mode,) = body.take("B")
    predicted, margins, odds = (unpack_plain, unpack_coded)[mode](past, body, labels)
    assert body.at == len(data)
    past.advance(labels, predicted, margins)
    if past.margins:
        return list(zip(predicted, [margin - 128 for margin in margins], odds))
    return [(class_,) for class_ in predicted]
