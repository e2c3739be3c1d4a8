"""The site's mark as pictures, for a home screen: the logo, or the first letter on the colour."""

import hashlib
import unicodedata
from dataclasses import dataclass
from io import BytesIO

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe
from PIL import Image, ImageDraw, ImageFont, ImageOps

from contacts.models import Organisation
from portal.colours import WHITE
from portal.site import brand

FORMAT = 1  # raise it when the drawing changes, or browsers keep the old one
_pictures: dict[tuple[str, str], bytes] = {}


@dataclass(frozen=True)
class Shape:
    """Pixels of a side, the share of it that a logo fills, and whether its corners are round."""

    side: int
    share: float
    is_round: bool = False


# A system that cuts its own shape leaves of a maskable one only the circle within (80 %).
SHAPES = {
    "192": Shape(192, 0.8, True),
    "512": Shape(512, 0.8, True),
    "maskable": Shape(512, 0.56),
    "apple": Shape(180, 0.76),
}


def letter(organisation: Organisation) -> str:
    """The first sign of its name; "" where the font has no such sign."""
    first = next((sign for sign in organisation.name if sign.isalnum()), "")
    plain = unicodedata.normalize("NFKD", first)[:1]
    return plain.upper() if plain.isascii() else ""


def version(organisation: Organisation) -> str:
    """Changes with name, colour and logo."""
    logo = organisation.logo.name or ""
    said = f"{FORMAT} {letter(organisation)} {organisation.brand_colour} {logo}"
    return hashlib.sha256(said.encode()).hexdigest()[:10]


@require_safe
def home_icon(request: HttpRequest, name: str) -> HttpResponse:
    """One of the pictures. Kept for a year under its version, else asked for again."""
    if name not in SHAPES:
        raise Http404
    organisation = Organisation.current()
    found = version(organisation)
    response = HttpResponse(_drawn(name, found, organisation), content_type="image/png")
    is_this = request.GET.get("v") == found
    patch_cache_control(response, public=True, max_age=brand.YEAR if is_this else 3600)
    return response


def _drawn(name: str, version: str, organisation: Organisation) -> bytes:
    """The picture as PNG: drawn once for each version."""
    found = _pictures.get((name, version))
    if found is None:
        if len(_pictures) >= 4 * len(SHAPES):  # an administrator tries colours
            _pictures.clear()
        found = _pictures[name, version] = draw(organisation, SHAPES[name])
    return found


def draw(organisation: Organisation, shape: Shape) -> bytes:
    """Draw it: the logo on white, or the letter on the brand's colour."""
    logo = _logo(organisation, round(shape.side * shape.share))
    ground = WHITE if logo else brand.light(organisation.brand_colour)["brand"]
    image = Image.new("RGB", (shape.side, shape.side), ground)
    if logo:
        left, top = ((shape.side - length) // 2 for length in logo.size)
        image.paste(logo, (left, top), logo)
    else:
        _write(image, letter(organisation), shape)
    if shape.is_round:
        image.putalpha(_rounded(shape.side))
    written = BytesIO()
    image.save(written, "PNG", optimize=True)
    return written.getvalue()


def _logo(organisation: Organisation, side: int) -> Image.Image | None:
    """The logo as large as fits; None where there is none, or it cannot be read."""
    if not organisation.logo:
        return None
    try:
        with organisation.logo.open("rb") as file, Image.open(file) as image:
            return ImageOps.contain(image.convert("RGBA"), (side, side))
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def _write(image: Image.Image, sign: str, shape: Shape) -> None:
    middle = shape.side / 2
    font = ImageFont.load_default(shape.side * shape.share * 0.75)
    ImageDraw.Draw(image).text(
        (middle, middle), sign, WHITE, font, anchor="mm", stroke_width=shape.side / 70
    )


def _rounded(side: int) -> Image.Image:
    """What stays of a square with round corners, drawn large so that they are smooth."""
    mask = Image.new("L", (side * 4, side * 4))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, *mask.size), side, fill=255)
    return mask.resize((side, side))
