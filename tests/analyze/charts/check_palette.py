"""Are a chart's colours told apart by everybody? check_palette.py script..., of what `tidy-analyze plot` prints.

The colours were found by a search, within a range of hues for each, for the largest least difference over all
pairs and visions, that of the first four divided by 1.4. Demanded is a little less than was found. In grey three
colours differ and no more: there dashes and points tell curves apart, which have to be all different."""

import itertools
import re
import sys

import palette

failed = False


def demand(holds, *words):
    global failed
    if not holds:
        failed = True
        print(*words)


for path in sys.argv[1:]:
    script = open(path, encoding="utf-8").read()
    named = dict(re.findall(r"^(background|ink|axis|faint|grid) = '(#\w{6})'$", script, re.M))
    lines = re.findall(r"^set linetype (\d) linecolor rgb '(#\w{6})' .*dashtype (\S+) pointtype (\d+)$", script,
                       re.M)
    colours = [colour for _, colour, _, _ in lines]
    demand([number for number, *_ in lines] == list("1234567"), path, "has other linetypes than 1 to 7")
    demand(len({dash for *_, dash, _ in lines}) == 7 and len({point for *_, point in lines}) == 7, path,
           "two linetypes have the same dashes or points")
    background = named["background"]
    for colour in colours:
        contrast = palette.contrast(colour, background)
        demand(contrast >= 3, path, colour, "on", background, "has a contrast of only", contrast)
    for name in ("ink", "axis", "faint"):
        contrast = palette.contrast(named[name], background)
        demand(contrast >= 4.5, path, name, "text on", background, "has a contrast of only", contrast)
    for vision in palette.VISIONS:
        least = {count: min((palette.difference(a, b, vision), a, b) for a, b in itertools.combinations(few, 2))
                 for count, few in ((4, colours[:4]), (7, colours))}
        print("%s\t%s\tleast of four %.3f, of all %.3f" % (path, vision, least[4][0], least[7][0]))
        demand(least[4][0] >= 0.14, path, "of the first four, hardly told apart with", vision, *least[4])
        demand(least[7][0] >= 0.1, path, "hardly told apart with", vision, *least[7])
    grey = min((palette.difference(a, b, "grey"), a, b) for a, b in itertools.combinations(colours[:3], 2))
    print("%s\tgrey\tleast of three %.3f" % (path, grey[0]))
    demand(grey[0] >= 0.07, path, "of the first three, hardly told apart in grey", *grey)
sys.exit(failed)
