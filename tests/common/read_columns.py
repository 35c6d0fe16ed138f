"""The body of a record of the table `columns`, from docs/log-format.md alone."""
import struct


class Past:
    """What a block's earlier packed epochs tell of its samples."""

    def __init__(self, classes, detail, count):
        self.detail, self.count, self.epochs = detail, count, 0


def unpack(past, body, labels):
    """(predicted,) or (predicted, margin code, log-odds code) of each of the block's samples."""
    n = past.count
    assert struct.unpack_from("<I", body) == (past.epochs,)
    past.epochs += 1
    predicted = [x ^ label for x, label in zip(struct.unpack_from(f"<{n}H", body, 4), labels)]
    if past.detail == "class":
        return [(x,) for x in predicted]
    at = 4 + 2 * n
    return list(zip(predicted, struct.unpack_from(f"<{n}b", body, at), struct.unpack_from(f"<{n}B", body, at + n)))
