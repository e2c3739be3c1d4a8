"""What every page knows: the organisation, its phone and whether somebody picks it up now."""

from functools import cached_property

import phonenumbers
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from channels_app import call_line, promises
from channels_app.call_line import Crew
from channels_app.models import Channel
from channels_app.promises import Offer
from contacts import addresses
from contacts.kinds import PHONE
from contacts.models import Organisation, Topic
from portal import lately
from portal.site import brand, home_icons


def offered(organisation: Organisation) -> list[Channel]:
    """The channels that an organisation offers, for what a page says of them."""
    return lately.read(f"channels of {organisation.pk}", lambda: promises.offered(organisation))


def promises_kept(organisation: Organisation) -> promises.Figures:
    """How long it usually takes and who waits, at most ten seconds old; who is free, two."""
    name = f"figures of {organisation.pk}"
    counted = lately.read(name, lambda: promises.Figures.counted(organisation), times=10)
    name = f"crew of {organisation.pk}"
    return counted.with_crew(lately.read(name, lambda: Crew.of(organisation), times=2))


def usual_wait() -> int | None:
    """How many seconds it usually takes until who waits was spoken to, at most ten seconds old."""
    return lately.read("usual wait", lambda: call_line.usual(timezone.now()), times=10)


def topics() -> list[Topic]:
    """Every topic in its order, for what a page says of them."""
    return lately.read("topics", lambda: list(Topic.objects.all()))


class Site:
    """The organisation as its pages show it. Asks the database only for what a page reads."""

    @cached_property
    def organisation(self) -> Organisation:
        """The organisation of this installation."""
        return lately.read("organisation", Organisation.current)

    @cached_property
    def board(self) -> list[Offer]:
        """Every offered way to be answered, as it is at this moment."""
        if self.organisation.pk is None:
            return []
        figures = promises_kept(self.organisation)
        return promises.board(self.organisation, timezone.now(), self.channels, figures)

    @cached_property
    def channels(self) -> list[Channel]:
        """Every offered channel."""
        return offered(self.organisation)

    def offer(self, kind: str) -> Offer | None:
        """The row of one kind; None where it is not offered."""
        return next((offer for offer in self.board if offer.kind.name == kind), None)

    @property
    def phone_number(self) -> str:
        """The number as people read it; it stands on every page (R5)."""
        return addresses.display(PHONE, self._phone)

    @property
    def phone_href(self) -> str:
        """The number for a tel: link, without blanks."""
        return "".join(c for c in self._phone if c.isdigit() or c == "+")

    @cached_property
    def _phone(self) -> str:
        """The organisation's number in one spelling; as it was typed where it is none."""
        raw = self.organisation.phone.strip()
        try:
            number = phonenumbers.parse(raw, settings.PHONE_REGION)
        except phonenumbers.NumberParseException:
            return raw
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    @cached_property
    def phone_state(self) -> str:
        """ "open until 17:30", "opens Mon 9:00"; "" where hours mean nothing. Kept short."""
        offer, now = self.offer(PHONE), timezone.now()
        if offer is None or not promises.state_line(offer, now):
            return ""
        if offer.is_open and offer.closes_at:
            return _("open until %(time)s") % {"time": promises.clock(offer.closes_at)}
        if offer.opens_at is None:
            return _("closed")
        return _("opens %(when)s") % {"when": promises.moment(offer.opens_at, now, short=True)}

    @property
    def phone_is_closed(self) -> bool:
        """Whether nobody picks up at this moment."""
        offer = self.offer(PHONE)
        return offer is not None and not offer.is_open and bool(self.phone_state)

    @property
    def phone_offered(self) -> bool:
        """Whether the chooser has a row for it."""
        return self.offer(PHONE) is not None

    @cached_property
    def languages(self) -> list[tuple[str, str]]:
        """Code and own name of every language that the organisation answers in."""
        offered = self.organisation.languages or []
        return [(code, name) for code, name in settings.LANGUAGES if code in offered]

    @property
    def welcome(self) -> str:
        """The welcome text in the reader's language."""
        return str(self.organisation.welcome)

    @property
    def brand_version(self) -> str:
        """Changes with the brand colour, so that browsers may keep the sheet for ever."""
        return brand.version(self.organisation.brand_colour)

    @property
    def brand_url(self) -> str:
        """The style sheet with the brand's colours."""
        return f"{reverse('site:brand')}?v={self.brand_version}"

    @property
    def home_icon_version(self) -> str:
        """Changes with what the mark on a home screen is made of."""
        return home_icons.version(self.organisation)

    @property
    def logo_url(self) -> str:
        """The logo; "" without one."""
        logo = self.organisation.logo
        return f"{reverse('site:logo')}?v={(logo.name or '').rsplit('/')[-1]}" if logo else ""

    @property
    def public_url(self) -> str:
        """The site itself: where a page leads out of a frame."""
        return f"{settings.PUBLIC_URL}/"

    @property
    def questions_url(self) -> str:
        """The list of one's own questions."""
        return reverse("site:questions")


def site_of(request: HttpRequest) -> Site:
    """The one Site of a request, so that view and page ask the database once."""
    found: Site | None = getattr(request, "_site", None)
    if found is None:
        found = request._site = Site()  # type: ignore[attr-defined]
    return found


def site(request: HttpRequest) -> dict[str, object]:
    """For every template: `site` and `organisation`, both asked for only when read."""
    here = site_of(request)
    return {"site": here, "organisation": SimpleLazyObject(lambda: here.organisation)}
