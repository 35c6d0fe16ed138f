"""Reads the SVG that gnuplot draws: texts and marks with their places in pixels, x to the right and y down.

    picture = svg.read("chart.svg")
    picture.text("never learned")       the Text of exactly these words; .x .y .anchor .size .fill
    picture.curves("#0072b2")           polylines of that stroke: lists of (x, y)
    picture.boxes("#d55e00")            filled rectangles: Box of left, top, right, bottom
    picture.points("#0072b2")           (x, y) of point symbols
    x, y = picture.x_axis(), picture.y_axis()
    y.value(box.top)                    what the ticks say of a pixel; y.pixel(95) the other way

Used alone, it lists what a picture has: svg.py chart.svg"""

import math
import re
import sys
import xml.etree.ElementTree as ElementTree
from collections import namedtuple

import font_widths

Text = namedtuple("Text", "x y anchor size fill text rotated")
Path = namedtuple("Path", "points stroke fill width dashes closed")  # a Path of one stroke, in pixels
Box = namedtuple("Box", "left top right bottom fill")
Point = namedtuple("Point", "x y symbol colour size")


def colour(text):
    """A colour in any of gnuplot's spellings as "#rrggbb"; others as they are."""
    channels = re.fullmatch(r"rgb\(\s*(\d+),\s*(\d+),\s*(\d+)\)", text or "")
    return "#%02x%02x%02x" % tuple(map(int, channels.groups())) if channels else (text or "none").lower()


class Axis:
    """Pixels to values, from the two outermost ticks whose texts are numbers (a % sign and commas may be there)."""

    def __init__(self, ticks, logarithmic=False):
        self.to, self.back = (math.log10, lambda v: 10**v) if logarithmic else (float, float)
        if len(ticks) < 2:
            raise ValueError("an axis needs two ticks with numbers, not %d" % len(ticks))
        ticks = sorted(ticks)
        (self.pixel0, value0), (pixel1, value1) = ticks[0], ticks[-1]
        self.value0 = self.to(value0)
        self.scale = (self.to(value1) - self.value0) / (pixel1 - self.pixel0)

    def value(self, pixel):
        return self.back(self.value0 + (pixel - self.pixel0) * self.scale)

    def pixel(self, value):
        return self.pixel0 + (self.to(value) - self.value0) / self.scale


class Picture:
    def __init__(self, root):
        self.width, self.height = float(root.get("width")), float(root.get("height"))
        self.texts, self.paths, self.filled, self.symbols, self.images = [], [], [], [], []
        self.background = None
        self._walk(root, {}, (0.0, 0.0), False)

    def _walk(self, node, style, offset, rotated):
        tag = node.tag.rsplit("}", 1)[-1]
        if tag == "defs":
            return
        style = {**style, **{k: v for k, v in node.attrib.items() if k in INHERITED}}
        move = re.search(r"translate\(([-\d.]+),([-\d.]+)\)", node.get("transform", ""))
        if move:
            offset = (offset[0] + float(move[1]), offset[1] + float(move[2]))
        rotated = rotated or "rotate" in node.get("transform", "")
        if tag == "text":
            words = " ".join("".join(node.itertext()).split())
            if words:
                self.texts.append(Text(*offset, style.get("text-anchor", "start"), float(style["font-size"]),
                                       colour(style.get("fill")), words, rotated))
        elif tag == "path":
            self._path(node.get("d"), style)
        elif tag == "polygon":
            corners = pairs(node.get("points"))
            self.filled.append((corners, colour(style.get("fill"))))
        elif tag == "rect" and self.background is None:
            self.background = colour(node.get("fill"))
        elif tag == "use":
            size = re.search(r"scale\(([-\d.]+)\)", node.get("transform", ""))
            name = next(v for k, v in node.attrib.items() if k.endswith("href")).lstrip("#")
            self.symbols.append(Point(*offset, name, colour(style.get("color")), float(size[1]) if size else 1.0))
        elif tag == "image":
            self.images.append(node)
        for child in node:
            self._walk(child, style, offset, rotated)

    def _path(self, data, style):
        stroke = style.get("stroke")
        stroke = colour(style.get("color") if stroke == "currentColor" else stroke)
        for part in re.split(r"(?=M)", data):
            points, closed = pairs(re.sub(r"[A-Za-z]", " ", part)), "z" in part.lower()
            if len(points) > 1:
                self.paths.append(Path(points, stroke, colour(style.get("fill")), float(style["stroke-width"]),
                                       style.get("stroke-dasharray"), closed))
            if closed and style.get("fill", "none") != "none":
                self.filled.append((points, colour(style["fill"])))

    def text(self, words):
        found = [t for t in self.texts if t.text == words]
        if len(found) != 1:
            raise LookupError("%r is there %d times, among %s" % (words, len(found), [t.text for t in self.texts]))
        return found[0]

    def has(self, pattern):
        return any(re.search(pattern, t.text) for t in self.texts)

    def curves(self, stroke):
        """Strokes of a colour in the order drawn; the samples of keys, two points level, are among them."""
        return [p.points for p in self.paths if p.stroke == stroke.lower()]

    def boxes(self, fill):
        boxes = []
        for corners, of in self.filled:
            xs, ys = [x for x, _ in corners], [y for _, y in corners]
            if of == fill.lower() and len(set(xs)) == 2 and len(set(ys)) <= 2:
                boxes.append(Box(min(xs), min(ys), max(xs), max(ys), of))
        return boxes

    def points(self, of):
        return [(p.x, p.y) for p in self.symbols if p.colour == of.lower()]

    def x_axis(self, logarithmic=False, left=0.0, right=1e9):
        """By the texts of ticks below the plot, of a panel between two pixels where there are several."""
        ticks = [(t.x, t) for t in self.texts
                 if t.anchor == "middle" and left <= t.x <= right and number(t) is not None]
        row = max((t.y for _, t in ticks), default=0)
        return Axis([(x, number(t)) for x, t in ticks if abs(t.y - row) < 1], logarithmic)

    def y_axis(self, logarithmic=False, left=0.0, right=1e9):
        """By the texts of ticks at the left, whose baselines stand a quarter of their size below the tick."""
        ticks = [t for t in self.texts if t.anchor == "end" and left <= t.x <= right and number(t) is not None]
        column = min((t.x for t in ticks), default=0)
        return Axis([(t.y - t.size / 4, number(t)) for t in ticks if abs(t.x - column) < 1], logarithmic)

    def extent(self, text):
        """Left, top, right and bottom of a text that is not rotated."""
        width = font_widths.width(text.text, text.size)
        left = text.x - {"start": 0, "middle": width / 2, "end": width}[text.anchor]
        return left, text.y - 0.75 * text.size, left + width, text.y + 0.2 * text.size


INHERITED = {"fill", "stroke", "color", "stroke-width", "stroke-dasharray", "font-size", "text-anchor"}


def number(text):
    try:
        return float(text.text.rstrip("%").replace(",", ""))
    except ValueError:
        return None


def pairs(text):
    numbers = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", text or "")]
    return list(zip(numbers[0::2], numbers[1::2]))


def read(path):
    return Picture(ElementTree.parse(path).getroot())


if __name__ == "__main__":
    picture = read(sys.argv[1])
    for text in picture.texts:
        print("text\t%.1f\t%.1f\t%s\t%.1f\t%s\t%s" % (text.x, text.y, text.anchor, text.size, text.fill, text.text))
    for path in picture.paths:
        print("path\t%d points\t%s\t%s\tfrom %s to %s" % (len(path.points), path.stroke, path.dashes or "solid",
                                                         path.points[0], path.points[-1]))
    for corners, fill in picture.filled:
        print("area\t%s\t%s" % (fill, corners))
    for point in picture.symbols:
        print("point\t%.1f\t%.1f\t%s\t%s" % (point.x, point.y, point.symbol, point.colour))
