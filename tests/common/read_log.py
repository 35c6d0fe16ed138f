#!/usr/bin/env python3
"""Reads a log from docs/log-format.md alone: of the output of `mdb_dump -n -a`, prints what `log_format_fixture dump` prints.

usage: mdb_dump -n -a run.tidy | read_log.py
"""
import math
import struct
import sys

import read_columns as columns

MASK = 2**64 - 1


def read_tables(stream):
    """{table: [(key, value)]} of a dump in the format `bytevalue`."""
    tables, records, header = {}, None, {}
    for line in stream:
        line = line.rstrip("\n")
        if line == "HEADER=END":
            assert header["format"] == "bytevalue"
            records = tables.setdefault(header.get("database", ""), [])
            key = None
        elif line == "DATA=END":
            records, header = None, {}
        elif records is None:
            name, _, value = line.partition("=")
            header[name] = value
        elif key is None:
            key = bytes.fromhex(line[1:])
        else:
            records.append((key, bytes.fromhex(line[1:])))
            key = None
    return tables


def open_value(value):
    checksum, version, flags, zero, count = struct.unpack_from("<QBBHI", value)
    assert version in (1, 2) and zero == 0
    return flags, count, value[16:]


def mix(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def epoch_order(seed, epoch, members):
    state = mix(mix(mix(seed) ^ 1) ^ epoch)

    def below(n):
        nonlocal state
        while True:
            product = mix(state) * n
            state = (state + 0x9E3779B97F4A7C15) & MASK
            if product % 2**64 >= 2**64 % n:
                return product // 2**64

    order = list(members)
    for i in range(len(order) - 1, 0, -1):
        j = below(i + 1)
        order[i], order[j] = order[j], order[i]
    return order


def log1pexp(x):
    return max(x, 0) + math.log1p(math.exp(-abs(x)))


def decode_margin(k, c, classes, scale, density):
    if k == -128:
        return math.nan, math.nan
    assert abs(k) <= -(-127 * scale // 20)
    margin = 2 * math.sinh(k / scale)
    low = 2 * math.sinh((k - 0.5) / scale) - math.log(max(classes - 1, 1))
    high = 2 * math.sinh((k + 0.5) / scale)
    if density == 0:
        return margin, low + (high - low) * c / 255
    low, high = (x if x <= 0 else 8 * (1 - math.exp(-x / 8)) for x in (low, high))
    levels = min(max(math.ceil((high - low) * density), 1), 256)
    assert c < levels
    y = low + (high - low) * (c + 0.5) / levels
    return margin, y if y <= 0 else math.inf if y == 8 else -8 * math.log(1 - y / 8)


def of_log_probs(row, label):
    others = [x for c, x in enumerate(row) if c != label]
    return [row[label] - max(others), -row[label], math.exp(row[label])] + row


def log_softmax(row):
    top = max(row)
    log_sum = math.log(sum(math.exp(x - top) for x in row))
    return [x - top - log_sum for x in row]


class Log:
    def __init__(self, tables):
        self.meta = {key.decode(): value for key, value in tables["meta"]}
        self.samples, self.classes, self.batch = (int(self.text(k)) for k in ("samples", "classes", "batch_size"))
        self.labels = struct.unpack(f"<{self.samples}H", open_value(self.meta["labels"])[2])
        parts = struct.unpack(f"<{self.samples}H", open_value(self.meta["parts"])[2]) if "parts" in self.meta else None
        self.splits = [[i for i in range(self.samples) if (parts[i] if parts else 0) == split] for split in (0, 1)]
        self.second_split = int(self.text("second_split")) if "second_split" in self.meta else None
        self.codes = [int(x) for x in self.text("codes").split()] if "codes" in self.meta else [20, 0]
        self.orders = {}
        self.tables = tables
        assert self.text("format") == "tidy"
        self.columns = dict(tables["columns"])
        self.packed = {}

    def text(self, key):
        return open_value(self.meta[key])[2].decode()

    def order(self, epoch, split):
        if self.text("shuffle") == "0":
            return self.splits[split]
        if epoch not in self.orders:
            self.orders = {epoch: epoch_order(int(self.text("seed")), epoch, self.splits[split])}
        return self.orders[epoch]

    def due(self, step):
        """(epoch, samples, evaluated) of a step, as the run's seed and splits say."""
        first, second = (-(-len(split) // self.batch) for split in self.splits)
        if self.second_split is None or step < self.second_split * first:
            epoch, place, split = step // first, step % first, 0
        else:
            past, place = divmod(step - self.second_split * first, second + first)
            epoch, split = self.second_split + past, 1
        evaluated = split == 1 and place >= second
        place, order = (place - second, self.splits[0]) if evaluated else (place, self.order(epoch, split))
        return epoch, order[place * self.batch : (place + 1) * self.batch], evaluated

    def epochs(self):
        for number, (key, value) in enumerate(self.tables["epochs"]):
            assert struct.unpack(">Q", key) == (number,)
            yield struct.unpack("<Qddddd", open_value(value)[2])

    def unpack(self, epoch):
        """{sample: (predicted, margin code, log-odds code)} of a packed epoch; those before it are asked for first."""
        members, codes = self.splits[0], {}
        for block in range(-(-len(members) // 16384)):
            samples = members[block * 16384 : (block + 1) * 16384]
            flags, count, body = open_value(self.columns[struct.pack(">QI", epoch, block)])
            assert flags == 0 and count == len(samples)
            labels = [self.labels[sample] for sample in samples]
            past = self.packed.setdefault(block, columns.Past(self.classes, self.text("detail"), count))
            codes.update(zip(samples, columns.unpack(past, body, labels)))
        return codes

    def packed_steps(self, epoch, first, through):
        """(step, sample, label, predicted, evaluated, numbers) of each prediction of a packed epoch."""
        codes = self.unpack(epoch)
        for step in range(first, through):
            due_epoch, samples, evaluated = self.due(step)
            assert due_epoch == epoch and not evaluated
            for sample in samples:
                predicted, *numbers = codes[sample]
                yield step, sample, self.labels[sample], predicted, 0, self.of_codes(*numbers) if numbers else []

    def of_codes(self, k, c):
        margin, odds = decode_margin(k, c, self.classes, *self.codes)
        return [margin, log1pexp(-odds), math.exp(-log1pexp(-odds))]

    def predictions(self, step, value, epoch):
        """(sample, label, predicted, evaluated, numbers) of each prediction of a step."""
        flags, count, body = open_value(value)
        at = 0

        def take(format):
            nonlocal at
            result = struct.unpack_from("<" + format, body, at)
            at += struct.calcsize("<" + format)
            return result

        due_epoch, samples, evaluated = self.due(step)
        if flags & 1:
            samples, evaluated = take(f"{count}I"), False
        else:
            assert due_epoch == epoch
        assert len(samples) == count
        labels = [self.labels[sample] for sample in samples]
        bitmap = take(f"{-(-count // 8)}B")
        wrong = [i for i in range(count) if bitmap[i // 8] >> i % 8 & 1]
        bits = (self.classes - 1).bit_length()
        packed = int.from_bytes(bytes(take(f"{-(-len(wrong) * bits // 8)}B")), "little")
        predicted = list(labels)
        for place, i in enumerate(wrong):
            predicted[i] = packed >> place * bits & (1 << bits) - 1
        numbers = [[] for _ in range(count)]
        detail, classes = self.text("detail"), self.classes
        if detail == "margin":
            for i, (k, c) in enumerate(zip(take(f"{count}b"), take(f"{count}B"))):
                numbers[i] = self.of_codes(k, c)
        elif detail == "probs":
            for i in range(count):
                numbers[i] = of_log_probs(list(take(f"{classes}e")), labels[i])
        elif detail == "full":
            for i in range(count):
                numbers[i] = of_log_probs(log_softmax(take(f"{classes}f")), labels[i])
        assert at == len(body)
        return zip(samples, labels, predicted, [int(evaluated)] * count, numbers)


def main():
    log = Log(read_tables(sys.stdin))
    for key in sorted(log.meta):
        if key not in ("labels", "truth", "given", "parts", "format"):
            print("meta", key, log.text(key))
    first, steps = 0, dict(log.tables["steps"])
    for epoch, (through, *figures) in enumerate(log.epochs()):
        print("epoch", epoch, *(f"{x:.17g}" for x in figures))
        if struct.pack(">QI", epoch, 0) in log.columns:
            for step, sample, label, predicted, evaluated, numbers in log.packed_steps(epoch, first, through):
                print("step", step, sample, label, predicted, evaluated, *(f"{x:.9g}" for x in numbers))
            first = through
            continue
        for step in range(first, through):
            value = steps[struct.pack(">Q", step)]
            for sample, label, predicted, evaluated, numbers in log.predictions(step, value, epoch):
                print("step", step, sample, label, predicted, evaluated, *(f"{x:.9g}" for x in numbers))
        first = through


main()
