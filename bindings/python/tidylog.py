"""Records what a training loop in Python predicts into TIDY's log, through 'tidy-record import -'.

    with tidylog.Writer("run.tidy", samples=len(data), classes=10) as log:
        for epoch in range(epochs):
            for indices, images, labels in loader:
                logits = network(images)
                log.step(epoch, indices, labels, logits)

Arrays are those of PyTorch, Paddle, JAX, NumPy, anything with the buffer protocol, or lists. Needs nothing but Python.
"""
import array
import struct
import subprocess
import sys

DETAILS = ("class", "margin", "probs", "full")
LETTERS = {"l4": "i", "L4": "I", "l8": "q", "L8": "Q", "?1": "B"}  # 'l' is of 4 bytes on some machines
NAN = float("nan")


def _view(values):
    """The numbers of an array of any framework."""
    if isinstance(values, (list, tuple, range)):
        flat = [x for row in values for x in (row if hasattr(row, "__len__") else (row,))]
        return memoryview(array.array("d" if any(isinstance(x, float) for x in flat) else "q", flat))
    if hasattr(values, "detach"):
        values = values.detach()
    if "bfloat16" in str(getattr(values, "dtype", "")):  # no buffer has that type
        values = values.float() if hasattr(values, "float") else values.astype("float32")
    if hasattr(values, "cpu"):
        values = values.cpu()
    for method in ("numpy", "__array__"):
        if hasattr(values, method):
            values = getattr(values, method)()
            break
    return memoryview(values)


def _letter(view):
    letter = view.format.lstrip("@=<")
    if len(letter) != 1 or sys.byteorder != "little":
        raise ValueError("arrays of type %r cannot be written; convert them first" % view.format)
    return LETTERS.get(letter + str(view.itemsize), letter)


class Writer:
    """Writes to a log's path ('tidy-record import' is started for it), a command (a list), or a binary stream."""

    def __init__(self, out, samples, classes, detail=None, epochs=0, options=(), program="tidy-record"):
        self.classes, self.child = classes, None
        if not hasattr(out, "write"):
            command = out if isinstance(out, (list, tuple)) else [program, "import", "-", "-o", str(out), *options]
            self.child = subprocess.Popen(command, stdin=subprocess.PIPE)
        self.out = self.child.stdin if self.child else out
        level = 255 if detail is None else DETAILS.index(detail)
        self._write(struct.pack("<8sBBHIQQ", b"tidystrm", 1, level, 0, classes, samples, epochs))

    def step(self, epoch, indices, labels, logits=None, probs=None, predictions=None):
        """What the network said of the samples `indices` before they changed its weights: one of [n][classes] logits,
        [n][classes] probs, and [n] predictions (predicted classes; with detail "class")."""
        (kind, outputs), = [(kind, x) for kind, x in zip("lpc", (logits, probs, predictions)) if x is not None]
        outputs = _view(outputs)
        width = 1 if kind == "c" else self.classes
        views = _view(indices), _view(labels), outputs
        count, label_count, numbers = (view.nbytes // view.itemsize for view in views)
        if label_count != count or numbers != count * width or (outputs.ndim > 1 and outputs.shape[-1] != width):
            raise ValueError("%d samples, %d labels, and outputs of shape %s where (%d, %d) is due"
                             % (count, label_count, outputs.shape, count, width))
        types = (kind + "".join(map(_letter, views))).encode()
        self._write(struct.pack("<B4s3xII", ord("s"), types, count, epoch), *(view.tobytes() for view in views))

    def epoch(self, epoch, loss=NAN, test_accuracy=NAN, learning_rate=NAN, seconds=NAN):
        """Ends an epoch, with what only the trainer knows. Without it the next epoch's first step does."""
        self._write(struct.pack("<B11xI4d", ord("e"), epoch, loss, test_accuracy, learning_rate, seconds))

    def close(self, whole=True):
        """Ends the stream, as one that is `whole` or not. Raises RuntimeError where the log could not be made."""
        if whole and self.out:
            self._write(struct.pack("<B15x", ord(".")))
        out, self.out = self.out, None
        if self.child and out:
            self.child.communicate()  # closes the pipe, also one that is broken
            if self.child.returncode != 0 and whole:
                raise RuntimeError("tidy-record ended with code %d; its message says why" % self.child.returncode)

    def _write(self, *pieces):
        try:
            for piece in pieces:
                self.out.write(piece)
            self.out.flush()
        except BrokenPipeError:
            self.close(whole=False)
            raise RuntimeError("the stream's reader ended; its message says why") from None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close(whole=kind is None)
