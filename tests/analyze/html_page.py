"""Reads a report's page as its tests need it: html_page.py check|suspects|images|data|text PAGE.

check     fails unless each element is closed where it must be, no id is there twice, every reference to one leads
          somewhere, and nothing is loaded from anywhere or runs but the page's own script
suspects  a line a suspect: index, class given, class suggested, their names, all that is said in small, the curve
images    a line a suspect: index, width and height as the page says, pixels in hex
data      what scripts are told, as JSON
text      what the page says, a line an element
"""
import base64
import json
import re
import struct
import sys
import zlib
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "hr", "input", "col", "wbr"}
CLOSED_BY_PARENT = {"li", "dt", "dd", "p", "option", "tr", "td", "th"}  # nothing here relies on these being left open


class Page(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.stack, self.faults, self.ids, self.references, self.elements = [], [], {}, [], []

    def fault(self, what):
        self.faults.append(f"line {self.getpos()[0]}: {what}")

    def note(self, tag, attributes):
        names = [name for name, _ in attributes]
        if len(set(names)) < len(names):
            self.fault(f"<{tag}> has an attribute twice")
        element = {"tag": tag, "attributes": dict(attributes), "text": "", "within": [e["tag"] for e in self.stack],
                   "parent": self.stack[-1] if self.stack else None}
        self.elements.append(element)
        for name, value in attributes:
            if name == "id":
                if value in self.ids:
                    self.fault(f"id {value} is there twice")
                self.ids[value] = tag
            if name in ("aria-labelledby", "aria-describedby", "for"):
                self.references += value.split()
            if name in ("href", "src", "xlink:href") and not value.startswith(("#", "data:")):
                self.fault(f"<{tag}> loads {value[:60]}")
            if name == "href" and value.startswith("#"):
                self.references.append(value[1:])
            if name.startswith("on") or name == "style":
                self.fault(f"<{tag}> has {name}=")
            self.references += re.findall(r"url\(#([^)]+)\)", value or "")
        return element

    def handle_starttag(self, tag, attributes):
        element = self.note(tag, attributes)
        if tag not in VOID:
            self.stack.append(element)

    def handle_startendtag(self, tag, attributes):
        self.note(tag, attributes)
        if "svg" not in [e["tag"] for e in self.stack] and tag not in VOID:
            self.fault(f"<{tag}/> is not closed in HTML")

    def handle_endtag(self, tag):
        if not self.stack or self.stack[-1]["tag"] != tag:
            self.fault(f"</{tag}> where {self.stack[-1]['tag'] if self.stack else 'nothing'} is open")
        else:
            self.stack.pop()

    def handle_data(self, data):
        for element in self.stack:
            element["text"] += data

    def of(self, tag, **attributes):
        return [e for e in self.elements
                if e["tag"] == tag and all(e["attributes"].get(k) == v for k, v in attributes.items())]


def within(page, element, tag):
    return [e for e in page.elements if e["tag"] == tag and e["parent"] is element]


def one(elements, what):
    if len(elements) != 1:
        sys.exit(f"{len(elements)} of {what}, expected 1")
    return elements[0]


def check(page):
    faults = page.faults + [f"<{e['tag']}> is not closed" for e in page.stack]
    faults += [f"#{r} leads nowhere" for r in page.references if r not in page.ids]
    for element in page.of("style"):
        faults += [f"a style loads {u}" for u in re.findall(r"url\([^)]*\)|@import[^;]*", element["text"])]
    faults += ["a picture without alt" for e in page.of("img") if not e["attributes"].get("alt")]
    for figure in page.of("figure"):
        picture = one(within(page, figure, "svg"), "pictures in a figure")
        if picture["attributes"].get("role") != "img" or not picture["attributes"].get("aria-label"):
            faults.append("a chart without a name")
        one(within(page, figure, "figcaption"), "captions in a figure")
    print(*faults, sep="\n", end="\n" if faults else "")
    return 1 if faults else 0


def suspects(page):
    for article in page.of("article"):
        words = one(within(page, article, "p"), "paragraphs in a suspect")
        names = [one(within(page, words, tag), tag)["text"] for tag in ("b", "i", "small")]
        curve = within(page, one(within(page, article, "svg"), "curves"), "path")[0]["attributes"]["d"]
        attributes = article["attributes"]
        print(attributes["id"][1:], attributes["data-g"], attributes["data-s"], *names, curve, sep="\t")
    return 0


def predicted(kind, left, above, corner):
    """ISO/IEC 15948, section 9.2."""
    nearest = min((left, above, corner), key=lambda value: abs(left + above - corner - value))
    return (0, left, above, (left + above) // 2, nearest)[kind]


def png_pixels(file):
    """Width, height and pixels of a picture of 8 bits, grey or red, green and blue."""
    if file[:8] != b"\x89PNG\r\n\x1a\n":
        sys.exit("no PNG")
    chunks, at = {}, 8
    while at < len(file):
        size, kind = struct.unpack(">I4s", file[at:at + 8])
        body = file[at + 4:at + 8 + size]
        if zlib.crc32(body) != struct.unpack(">I", file[at + 8 + size:at + 12 + size])[0]:
            sys.exit(f"{kind}: wrong checksum")
        chunks[kind] = body[4:]
        at += 12 + size
    width, height, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if rest not in ([8, 0, 0, 0, 0], [8, 2, 0, 0, 0]) or list(chunks) != [b"IHDR", b"IDAT", b"IEND"]:
        sys.exit(f"no picture of bytes: {rest}")
    step = 3 if rest[1] == 2 else 1
    row_bytes = width * step
    rows, above, pixels = zlib.decompress(chunks[b"IDAT"]), bytes(row_bytes), b""
    for y in range(height):
        start = y * (row_bytes + 1)
        kind, row, out = rows[start], rows[start + 1:start + 1 + row_bytes], bytearray()
        for x in range(row_bytes):
            left, corner = (out[x - step], above[x - step]) if x >= step else (0, 0)
            out.append((row[x] + predicted(kind, left, above[x], corner)) % 256)
        above = bytes(out)
        pixels += above
    return width, height, pixels


def images(page):
    for article in page.of("article"):
        attributes = one(within(page, article, "img"), "images in a suspect")["attributes"]
        start = "data:image/png;base64,"
        if not attributes["src"].startswith(start):
            sys.exit(f"an image from elsewhere: {attributes['src'][:60]}")
        width, height, pixels = png_pixels(base64.b64decode(attributes["src"][len(start):], validate=True))
        if (str(width), str(height)) != (attributes["width"], attributes["height"]):
            sys.exit("an image of another size than the page says")
        print(article["attributes"]["id"][1:], width, height, pixels.hex(), sep="\t")
    return 0


def main():
    page = Page()
    page.feed(open(sys.argv[2], encoding="utf-8").read())
    page.close()
    if sys.argv[1] == "check":
        return check(page)
    if sys.argv[1] == "suspects":
        return suspects(page)
    if sys.argv[1] == "images":
        return images(page)
    if sys.argv[1] == "data":
        print(json.dumps(json.loads(one(page.of("script", id="data"), "data")["text"]), sort_keys=True))
        return 0
    for element in page.elements:
        if element["tag"] in ("title", "h1", "h2", "p", "dd", "tr", "figcaption") and "svg" not in element["within"]:
            print(element["tag"], re.sub(r"\s+", " ", element["text"]), sep="\t")
    return 0


sys.exit(main())
