"""Cases: open one, list them, read one."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app import opening, promises, slots
from channels_app.promises import Offer
from channels_app.rendering import code_url
from channels_app.todos import WISHES
from contacts import services
from contacts.addresses import InvalidAddress
from contacts.kinds import POST
from contacts.models import Case, Organisation, Topic
from portal import access
from portal.api import asked, scopes
from portal.api.described import operation
from portal.api.once import once
from portal.api.paging import page
from portal.api.problems import Invalid
from portal.api.shown import CASE_WITH, CaseList, CaseShape, OpenedShape
from portal.api.view import View


class Cases(View):
    """Every case that the caller may see."""

    needs = {"GET": (scopes.CASES_READ,), "POST": (scopes.CASES_OPEN,)}

    @operation(
        "list_cases",
        "List cases, the newest first",
        answer=CaseList,
        query=asked.CasesQuery,
        scope=scopes.CASES_READ,
    )
    def get(self, request: Request) -> Response:
        """Cases that were joined to another one are found as that one. With the link of a case:
        that case."""
        query = asked.query(request, asked.CasesQuery)
        # EXPLAIN at 100,000 cases: the primary key backwards, 0.4 ms; those of the last hours by
        # case_by_change, 0.1 ms; of a link by the primary key, 0.3 ms.
        rows = self._rows(query).select_related(*CASE_WITH)
        found, more = page(request, rows, query)
        return Response(
            {"results": [CaseShape.of(row, self.caller) for row in found], "next": more}
        )

    def _rows(self, query: dict[str, Any]) -> QuerySet[Case]:
        seen = Case.objects.visible_to(self.caller.viewer)
        if self.caller.is_customer:
            # By keys: beside so many tables PostgreSQL reads all cases of the house first (477 ms).
            seen = Case.objects.filter(pk__in=list(seen.values_list("pk", flat=True)))
        rows = seen.stems()
        if "changed_since" in query:
            rows = rows.filter(changed_at__gte=query["changed_since"])
        # Every state is named where none was: the index of changes begins with it.
        return rows.filter(state__in=[query["state"]] if "state" in query else Case.State.values)

    @operation(
        "open_case",
        "Open a case",
        answer=OpenedShape,
        status=201,
        asks=asked.OpenCase,
        form=asked.OpenCaseForm,
        scope=scopes.CASES_OPEN,
    )
    def post(self, request: Request) -> Response:
        """The question goes to the agents, and the customer hears that it is there, as if it had
        been asked on the start page. The answer holds the customer's own link. Of a kind where the
        customer writes first, `switch` then gives the invitation."""
        values = asked.body(request, asked.OpenCase, asked.OpenCaseForm)
        return once(request, lambda: self._open(values))

    def _open(self, values: dict[str, Any]) -> Response:
        organisation = Organisation.current()
        offer = offer_of(organisation, values["kind"])
        address = values.get("address", "")
        to_prove = offer.writes_first and not address
        if not to_prove:
            check_address(offer, address)
        if offer.kind.scheme == POST and not values.get("name"):
            raise Invalid("name", _("Please write your name: it stands on the letter."))
        try:
            case = opening.open_case(
                organisation=organisation,
                text=values["text"],
                came_by=values.get("came_by", "account"),
                kind=values["kind"],
                address=address,
                to_prove=to_prove,
                name=values.get("name", ""),
                wish=wish_of(offer, values.get("wish", "")),
                topic=_topic(values.get("topic", "")),
                title=values.get("title", ""),
                about=values.get("about", ""),
                how_soon=values.get("how_soon", ""),
                language=_language(organisation, values.get("language", "")),
                files=asked.files(values),
            )
        except opening.NotOffered:
            raise Invalid("kind", not_offered()) from None
        except InvalidAddress as error:
            raise Invalid("address", error) from None
        code = services.case_link(case)
        fresh = Case.objects.select_related(*CASE_WITH).get(pk=case.pk)
        made = CaseShape.of(fresh, self.caller)
        response = Response({**made, "link": code_url(code)}, status=201)
        response["Location"] = made["url"]
        response.code = code  # what must not be stored with the answer
        return response


class OneCase(View):
    """One case."""

    needs = {"GET": (scopes.CASES_READ,)}

    @operation("read_case", "Read a case", answer=CaseShape, scope=scopes.CASES_READ, finds=True)
    def get(self, request: Request, reference: str) -> Response:
        """A case that was joined to another one is answered by that one."""
        return Response(CaseShape.of(case_of(self, reference), self.caller))


def case_of(view: View, reference: str) -> Case:
    """The case of an address, if this caller may see it; Http404."""
    return access.visible_case(view.caller.viewer, reference, related=access.TOLD_WITH)


def not_offered() -> str:
    """One sentence for each place that finds it out."""
    return _("This way is not offered any more. Please choose another one.")


def offer_of(organisation: Organisation, kind: str) -> Offer:
    """The offered row of a kind. Raises Invalid."""
    now = timezone.now()
    board = promises.board(organisation, now) if organisation.pk else []
    offer = next((offer for offer in board if offer.kind.name == kind), None)
    if offer is None or not slots.can_be_chosen(offer.channel, now):
        raise Invalid("kind", not_offered())
    return offer


def check_address(offer: Offer, address: str) -> None:
    """An address where one is needed, and only there. Raises Invalid."""
    if offer.kind.scheme and not address:
        raise Invalid("address", _("This kind needs an address."))
    if address and not offer.kind.scheme:
        raise Invalid("address", _("This kind takes no address."))


def wish_of(offer: Offer, wish: str) -> str:
    """The moment of a call, or the place of a visit. Raises Invalid."""
    if offer.kind.rings:
        known, usual = list(WISHES), WISHES[0]
    elif offer.kind.name == promises.MEETING:
        known = [place.slug for place in offer.channels]
        usual = known[0] if len(known) == 1 else ""
    elif wish:
        raise Invalid("wish", _("This kind takes no wish."))
    else:
        return ""
    if (wish or usual) not in known:
        raise Invalid("wish", _("One of: %(names)s.") % {"names": ", ".join(known)})
    return wish or usual


def _topic(slug: str) -> Topic | None:
    if not slug:
        return None
    topic = Topic.objects.offered().filter(slug=slug).first()
    if topic is None:
        raise Invalid("topic", _("This topic is not offered any more. Please choose another one."))
    return topic


def _language(organisation: Organisation, wanted: str) -> str:
    offered: list[str] = organisation.languages or ["en"]
    if wanted and wanted not in offered:
        raise Invalid("language", _("One of: %(names)s.") % {"names": ", ".join(offered)})
    return wanted or offered[0]
