"""The brand colour: how it reads against white, and the shade that reads well enough."""

import colorsys

WHITE = "#ffffff"
READABLE = 4.5  # WCAG 2.2, 1.4.3: text of normal size


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours like #1d4ed8: 1 (the same) to 21 (black on white)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def is_readable(colour: str, against: str = WHITE) -> bool:
    """Whether text in that colour, or white text on it, can be read."""
    return contrast(colour, against) >= READABLE


def darker(colour: str, against: str = WHITE) -> str:
    """The nearest darker shade of the same hue that is readable; itself if it already is."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(colour))
    for step in range(101):
        shade = colorsys.hls_to_rgb(hue, lightness * (1 - step / 100), saturation)
        written = "#" + "".join(f"{round(part * 255):02x}" for part in shade)
        if is_readable(written, against):
            return colour.lower() if step == 0 else written
    return "#000000"


def _channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _luminance(colour: str) -> float:
    # WCAG 2.2, "relative luminance".
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
