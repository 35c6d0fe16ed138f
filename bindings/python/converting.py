"""What the converters share: their command line, the numbering of samples, and writing in steps."""
import argparse
import sys

import tidylog

STEP = 1024


def arguments(description, source):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("source", help=source)
    parser.add_argument("-o", "--output", default="run.tidy", help="the log to make; - writes the stream to stdout")
    parser.add_argument("--force", action="store_true", help="replace the log where it exists")
    parser.add_argument("--classes", type=int, default=0, help="number of classes; 0: as many as the file shows")
    parser.add_argument("--ids", help="file to write: a line a sample, its index in the log and its id")
    return parser


def number(ids, path=None):
    """{id: index}: whole numbers are indices themselves, other ids are numbered in their order. Also into a file."""
    ids = list(dict.fromkeys(ids))
    whole = all(isinstance(x, int) and 0 <= x < 1 << 30 for x in ids)
    numbers = {x: x if whole else i for i, x in enumerate(ids)}
    if path:
        with open(path, "w") as out:
            out.writelines("%d\t%s\n" % (i, x) for x, i in numbers.items())
    return numbers


def write(options, samples, classes, detail, kind, epochs):
    """epochs: (number, [(sample, label, outputs)...]) in order; kind: what step() calls the outputs."""
    if options.classes and options.classes < classes:
        sys.exit("%s: class %d occurs, so there are more than %d" % (options.source, classes - 1, options.classes))
    out = sys.stdout.buffer if options.output == "-" else options.output
    more = ["--force"] if options.force else []
    try:
        with tidylog.Writer(out, samples, options.classes or classes, detail=detail, options=more) as log:
            for epoch, rows in epochs:
                for i in range(0, len(rows), STEP):
                    indices, labels, outputs = zip(*rows[i : i + STEP])
                    log.step(epoch, indices, labels, **{kind: outputs})
    except RuntimeError as error:
        sys.exit(str(error))
