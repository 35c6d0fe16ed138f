"""Checks the grid of suspects against `flag` and the data set: check_suspects.py SVG SCRIPT DATA COUNT LOG OPTION...
The options go to `flag`."""

import base64
import re
import struct
import subprocess
import sys
import zlib

import numpy

import svg

picture, script, data, count = svg.read(sys.argv[1]), open(sys.argv[2]).read(), sys.argv[3], int(sys.argv[4])
lines = subprocess.run(["tidy-analyze", "flag", *sys.argv[5:], "--threshold", "count:%d" % count], check=True,
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.splitlines()
suspects = [dict(zip(lines[0].lstrip("#").split("\t"), line.split("\t"))) for line in lines[1:]]
pixels = numpy.fromfile(data + "/train-images-idx3-ubyte", numpy.uint8)[16:].reshape(-1, 28, 28)
assert len(suspects) == count


def decode(png):
    """Grey values of a PNG of 8 bits a channel."""
    width, height, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert depth == 8 and kind in (2, 6)
    channels, at, packed = (3 if kind == 2 else 4), 8, b""
    while at < len(png):
        length, = struct.unpack(">I", png[at:at + 4])
        packed += png[at + 8:at + 8 + length] if png[at + 4:at + 8] == b"IDAT" else b""
        at += 12 + length
    rows = numpy.frombuffer(zlib.decompress(packed), numpy.uint8).reshape(height, 1 + width * channels)
    image = numpy.zeros((height, width * channels), int)
    for y, row in enumerate(rows):
        above = image[y - 1] if y > 0 else numpy.zeros(width * channels, int)
        for i, value in enumerate(map(int, row[1:])):
            left = image[y, i - channels] if i >= channels else 0
            corner = above[i - channels] if i >= channels else 0
            estimate = left + above[i] - corner
            paeth = min((left, above[i], corner), key=lambda v: abs(estimate - v))
            image[y, i] = (value + (0, left, above[i], (left + above[i]) // 2, paeth)[row[0]]) % 256
    return image.reshape(height, width, channels)[:, :, 0]


assert len(picture.images) == count
for place, (suspect, node) in enumerate(zip(suspects, picture.images)):
    png = next(v for k, v in node.attrib.items() if k.endswith("href")).split(",", 1)[1]
    shown = decode(base64.b64decode(png))
    assert (shown == pixels[int(suspect["sample"])]).all(), "another image than sample %s" % suspect["sample"]
    left, top, width, height = (float(node.get(key)) for key in ("x", "y", "width", "height"))
    assert abs(width - height) < 0.1 and 48 <= width
    # Below it, from the top down: the given label, the suggested one, the score with a mark.
    below = sorted((t.y, t.text) for t in picture.texts
                   if abs(t.x - left - width / 2) < 1 and top + height < t.y < top + height + 66)
    assert len(below) == 3, below
    given, suggested, score = (text for _, text in below)
    assert given == suspect["label"], (given, suspect)
    assert suggested == "\u2192 " + (suspect["suggested"] if suspect["suggested"] != given else "no other")
    value, *mark = score.split()
    assert abs(float(value) - float(suspect["score"])) <= 0.006 * abs(float(suspect["score"])) + 0.0006, (score, suspect)
    due = [] if "truth" not in suspect else ["\u2713" if suspect["truth"] != suspect["label"] else "\u2717"]
    assert mark == due, (score, suspect)

wrong = sum(s["label"] != s.get("truth", s["label"]) for s in suspects)
titles = [t.text for t in picture.texts if "most suspicious" in t.text]
assert len(titles) == 1
if "truth" not in suspects[0]:
    expected = sum(float(s["score"]) for s in suspects)
    found = re.fullmatch(r"Of the %d most suspicious images ([\d.]+) are expected to be mislabelled" % count, titles[0])
    assert found and abs(float(found[1]) - expected) < 0.051, (titles, expected)
elif count == 1:
    assert titles[0].endswith("is mislabelled" if wrong else "has the right label"), titles
elif wrong == count:
    assert titles[0] == "All of the %d most suspicious images are mislabelled" % count, titles
else:
    assert titles[0] == "Of the %d most suspicious images %d %s mislabelled" % (
        count, wrong, "is" if wrong == 1 else "are"), titles
