"""How colours, "#rrggbb", look to eyes: contrast, and differences as the colour-blind and grey prints show them.

Contrast is WCAG 2's, relative luminance of IEC 61966-2-1 (sRGB) colours. Differences are distances in Oklab
(Ottosson, "A perceptual color space for image processing", 2020), where about 0.02 is just seen. Dichromats are
simulated by the matrices for severity 1.0 of Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color
vision deficiency" (2009), on linear light."""

VISIONS = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
                   (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
                     (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602),
                   (0.004733, 0.691367, 0.303900)),
}
LUMINANCE = ((0.2126, 0.7152, 0.0722),) * 3
TO_CONES = ((0.4122214708, 0.5363325363, 0.0514459929), (0.2119034982, 0.6806995451, 0.1073969566),
            (0.0883024619, 0.2817188376, 0.6299787005))
TO_OKLAB = ((0.2104542553, 0.7936177850, -0.0040720468), (1.9779984951, -2.4285922050, 0.4505937099),
            (0.0259040371, 0.7827717662, -0.8086757660))


def times(matrix, vector):
    return [sum(a * b for a, b in zip(row, vector)) for row in matrix]


def linear(colour):
    channels = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055)**2.4 for c in channels]


def contrast(colour, background):
    """1, no difference, to 21, black on white."""
    light, dark = sorted((times(LUMINANCE, linear(c))[0] for c in (colour, background)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def oklab(light):
    cones = times(TO_CONES, [min(max(c, 0), 1) for c in light])
    return times(TO_OKLAB, [max(c, 0)**(1 / 3) for c in cones])


def difference(a, b, vision="normal"):
    """As somebody of that vision sees it; "grey" for a print without colours."""
    matrix = LUMINANCE if vision == "grey" else VISIONS[vision]
    return sum((p - q)**2 for p, q in zip(*(oklab(times(matrix, linear(c))) for c in (a, b))))**0.5
