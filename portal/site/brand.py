"""The brand's colours as a style sheet: readable on light and on dark, whatever was chosen."""

import colorsys
import hashlib

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import condition, require_safe

from contacts.models import Organisation
from portal.colours import READABLE, WHITE, contrast, darker

DARK = "#13171f"  # the card in dark mode
DARK_READABLE = 7.0
NIGHT = "#0d1016"
YEAR = 365 * 24 * 3600
FORMAT = 2  # raise it when the sheet's own text changes, or browsers keep the old one


def _parts(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _written(parts: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def mix(colour: str, ground: str, share: float) -> str:
    """`share` (0 to 1) of a colour laid over a ground."""
    pairs = zip(_parts(colour), _parts(ground), strict=True)
    red, green, blue = (top * share + low * (1 - share) for top, low in pairs)
    return _written((red, green, blue))


def lighter(colour: str, against: str = DARK, enough: float = DARK_READABLE) -> str:
    """The nearest lighter shade of the hue that reads on a dark ground; itself if it does."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_parts(colour))
    for step in range(101):
        shade = colorsys.hls_to_rgb(hue, lightness + (1 - lightness) * step / 100, saturation)
        if contrast(written := _written(shade), against) >= enough:
            return colour.lower() if step == 0 else written
    return WHITE


def light(colour: str) -> dict[str, str]:
    """The variables of the light theme."""
    tint = mix(colour, WHITE, 0.08)
    brand = darker(colour, tint)  # readable on white, and on its own tint as well
    return {
        "brand": brand,
        "brand-strong": mix(brand, "#000000", 0.82),
        "on-brand": WHITE,
        "brand-tint": tint,
        "brand-edge": mix(colour, WHITE, 0.3),
    }


def dark(colour: str) -> dict[str, str]:
    """The variables of the dark theme."""
    brand = lighter(colour)
    tint = mix(brand, DARK, 0.11)
    return {
        "brand": brand if contrast(brand, tint) >= READABLE else lighter(brand, tint),
        "brand-strong": mix(brand, WHITE, 0.7),
        "on-brand": NIGHT,
        "brand-tint": tint,
        "brand-edge": mix(brand, DARK, 0.32),
    }


def sheet(colour: str) -> str:
    """The style sheet for a brand colour like #1d4ed8."""
    day, night = (
        "".join(f"--{name}:{value};" for name, value in theme(colour).items())
        for theme in (light, dark)
    )
    return f":root{{{day}}}@media(prefers-color-scheme:dark){{:root{{{night}}}}}\n"


def version(colour: str) -> str:
    """Changes with the colour."""
    return hashlib.sha256(f"{FORMAT}{colour}".encode()).hexdigest()[:10]


def _etag(request: HttpRequest) -> str:
    return f'"{version(Organisation.current().brand_colour)}"'


@require_safe
@condition(etag_func=_etag)
def brand_css(request: HttpRequest) -> HttpResponse:
    """The style sheet. Kept for a year under its version, else asked for again."""
    colour = Organisation.current().brand_colour
    response = HttpResponse(sheet(colour), content_type="text/css; charset=utf-8")
    if request.GET.get("v") == version(colour):
        patch_cache_control(response, public=True, max_age=YEAR, immutable=True)
    else:
        patch_cache_control(response, public=True, max_age=60)
    return response


@require_safe
def icon(request: HttpRequest) -> HttpResponse:
    """The mark of the browser's tab: the first letter on the brand's colour."""
    organisation = Organisation.current()
    letter = next((c for c in organisation.name if c.isalnum()), "O").upper()
    colour = light(organisation.brand_colour)["brand"]
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<rect width="32" height="32" rx="8" fill="{colour}"/><text x="16" y="22.5"'
        f' text-anchor="middle" font-family="system-ui,sans-serif" font-size="18"'
        f' font-weight="700" fill="#fff">{letter}</text></svg>'
    )
    response = HttpResponse(svg, content_type="image/svg+xml")
    patch_cache_control(response, public=True, max_age=86400)
    return response
