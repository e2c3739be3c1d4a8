"""The contrast rule."""

import pytest

from portal import colours


@pytest.mark.parametrize(
    ("colour", "ratio"),
    # Figures of the WCAG's own formula, as any contrast checker shows them.
    [("#000000", 21.0), ("#ffffff", 1.0), ("#767676", 4.54), ("#777777", 4.48), ("#1d4ed8", 6.70)],
)
def test_contrast_against_white(colour: str, ratio: float) -> None:
    assert colours.contrast(colour, colours.WHITE) == pytest.approx(ratio, abs=0.01)


def test_the_border_lies_at_four_and_a_half() -> None:
    assert colours.is_readable("#767676")
    assert not colours.is_readable("#777777")


@pytest.mark.parametrize("colour", ["#ffe600", "#00ff00", "#ff8800", "#ffffff", "#88ccee"])
def test_a_darker_shade_is_readable_and_the_nearest(colour: str) -> None:
    shade = colours.darker(colour)
    assert 4.5 <= colours.contrast(shade, colours.WHITE) < 5.2


def test_a_readable_colour_stays() -> None:
    assert colours.darker("#1D4ED8") == "#1d4ed8"
