"""Texts of charts stay in the picture, do not lie on each other, and can be read: check_texts.py chart.svg..."""

import sys

import palette
import svg

failed = False


def complain(path, text):
    global failed
    failed = True
    print("%s: %s" % (path, text))


def overlap(a, b):
    """Pixels that two extents share at the least in one direction."""
    return min(min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1]))


for path in sys.argv[1:]:
    picture = svg.read(path)
    level = [t for t in picture.texts if not t.rotated]
    for text in level:
        left, top, right, bottom = picture.extent(text)
        if left < 0 or top < 0 or right > picture.width or bottom > picture.height:
            complain(path, "out of the picture: %r, %.0f to %.0f" % (text.text, left, right))
        fill = "#000000" if text.fill == "black" else text.fill
        if palette.contrast(fill, picture.background) < 4.5:
            complain(path, "hard to read: %r is %s on %s" % (text.text, fill, picture.background))
    for i, text in enumerate(level):
        for other in level[:i]:
            if overlap(picture.extent(text), picture.extent(other)) > 3:
                complain(path, "on each other: %r and %r" % (text.text, other.text))
sys.exit(failed)
