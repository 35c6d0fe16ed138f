#!/usr/bin/env python3
"""Reads a log from docs/log-format.md alone: of the output of `mdb_dump -n -a`, prints what `log_format_fixture dump` prints.

usage: mdb_dump -n -a run.tidy | read_log.py
"""
import math
import struct
import sys

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
    assert version == 1 and zero == 0
    return flags, count, value[16:]


def mix(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def epoch_order(seed, epoch, samples):
    state = mix(mix(mix(seed) ^ 1) ^ epoch)

    def below(n):
        nonlocal state
        while True:
            product = mix(state) * n
            state = (state + 0x9E3779B97F4A7C15) & MASK
            if product % 2**64 >= 2**64 % n:
                return product // 2**64

    order = list(range(samples))
    for i in range(samples - 1, 0, -1):
        j = below(i + 1)
        order[i], order[j] = order[j], order[i]
    return order


def log1pexp(x):
    return max(x, 0) + math.log1p(math.exp(-abs(x)))


def decode_margin(k, c, classes):
    if k == -128:
        return math.nan, math.nan
    low = 2 * math.sinh((k - 0.5) / 20) - math.log(max(classes - 1, 1))
    high = 2 * math.sinh((k + 0.5) / 20)
    return 2 * math.sinh(k / 20), low + (high - low) * c / 255


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
        self.steps_per_epoch = -(-self.samples // self.batch)
        self.orders = {}
        self.tables = tables
        assert self.text("format") == "tidy" and tables["columns"] == []

    def text(self, key):
        return open_value(self.meta[key])[2].decode()

    def order(self, epoch):
        if self.text("shuffle") == "0":
            return range(self.samples)
        if epoch not in self.orders:
            self.orders = {epoch: epoch_order(int(self.text("seed")), epoch, self.samples)}
        return self.orders[epoch]

    def epochs(self):
        for number, (key, value) in enumerate(self.tables["epochs"]):
            assert struct.unpack(">Q", key) == (number,)
            yield struct.unpack("<Qddddd", open_value(value)[2])

    def predictions(self, step, value, epoch):
        """(sample, label, predicted, numbers) of each prediction of a step."""
        flags, count, body = open_value(value)
        at = 0

        def take(format):
            nonlocal at
            result = struct.unpack_from("<" + format, body, at)
            at += struct.calcsize("<" + format)
            return result

        first = step % self.steps_per_epoch * self.batch
        samples = take(f"{count}I") if flags & 1 else self.order(epoch)[first : first + self.batch]
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
                margin, odds = decode_margin(k, c, classes)
                numbers[i] = [margin, log1pexp(-odds), math.exp(-log1pexp(-odds))]
        elif detail == "probs":
            for i in range(count):
                numbers[i] = of_log_probs(list(take(f"{classes}e")), labels[i])
        elif detail == "full":
            for i in range(count):
                numbers[i] = of_log_probs(log_softmax(take(f"{classes}f")), labels[i])
        assert at == len(body)
        return zip(samples, labels, predicted, numbers)


def main():
    log = Log(read_tables(sys.stdin))
    for key in sorted(log.meta):
        if key not in ("labels", "truth", "format"):
            print("meta", key, log.text(key))
    first = 0
    for epoch, (through, *figures) in enumerate(log.epochs()):
        print("epoch", epoch, *(f"{x:.17g}" for x in figures))
        for step in range(first, through):
            key, value = log.tables["steps"][step]
            assert struct.unpack(">Q", key) == (step,)
            for sample, label, predicted, numbers in log.predictions(step, value, epoch):
                print("step", step, sample, label, predicted, *(f"{x:.9g}" for x in numbers))
        first = through


main()
