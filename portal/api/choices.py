"""How a case is answered: go on by another way, or take that back."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app import joining, switching
from channels_app.joining import Invitation
from contacts import addresses
from contacts.models import Case, Identity
from portal.api import asked, scopes
from portal.api.cases import case_of, check_address, not_offered, offer_of, wish_of
from portal.api.described import operation
from portal.api.messages import limited
from portal.api.once import once
from portal.api.parsing import BoundedJSONParser
from portal.api.problems import Invalid, Problem
from portal.api.shown import ChoiceShape, InvitationShape
from portal.api.view import View
from portal.site.known import Known
from portal.site.switch import SWITCHES_PER_HOUR
from portal.site.waiting import INVITED_PER_HOUR


class NewChoice(View):
    """The newest choice of a case."""

    needs = {"POST": (scopes.CASES_WRITE,)}
    parser_classes: list[type[BaseParser]] = [BoundedJSONParser]

    @operation(
        "switch",
        "Go on by another way",
        answer=ChoiceShape,
        also={202: InvitationShape},
        asks=asked.Switch,
        scope=scopes.CASES_WRITE,
        finds=True,
    )
    def post(self, request: Request, reference: str) -> Response:
        """Answers that still wait follow the new choice. A program vouches for the address; with
        the link of a case, a new address has to be proved on the page first. Where the customer
        writes first, 202 and an invitation: the case goes on there once its text came in."""
        values = asked.body(request, asked.Switch)
        return once(request, lambda: self._switch(case_of(self, reference), values))

    def _switch(self, case: Case, values: dict[str, Any]) -> Response:
        offer = offer_of(case.organisation, values["kind"])
        once_only = values.get("once", False)
        if self.caller.is_customer:
            limited(f"switch:{case.pk}", SWITCHES_PER_HOUR)
        identity = self._identity(case, offer, values.get("address", ""))
        if offer.writes_first and identity is None:
            limited(f"invite:{case.pk}", INVITED_PER_HOUR)
            return _invited(joining.invite(case, offer.channel, once=once_only))
        wish = wish_of(offer, values.get("wish", ""))
        try:
            choice = switching.switch(
                case=case,
                kind=values["kind"],
                identity=identity,
                wish=wish,
                once=once_only,
            )
        except switching.CannotSwitch:
            raise Invalid("kind", not_offered()) from None
        return Response(ChoiceShape.of(choice, self.caller))

    def _identity(self, case: Case, offer: Any, address: str) -> Identity | None:
        """The address to answer to: the one that was sent, or the last that this case used."""
        scheme = offer.kind.scheme
        known = Known.to(self.caller.viewer, case).fitting(offer)
        if scheme and known and not address:
            return known[-1]
        if offer.writes_first and (not address or self.caller.is_customer):
            return next((one for one in known if one.value == address), None)
        check_address(offer, address)
        if not scheme:
            return None
        try:
            value = addresses.normalise(scheme, address)
        except addresses.InvalidAddress as error:
            raise Invalid("address", error) from None
        is_new = value not in {one.value for one in known}
        if self.caller.is_customer and offer.takes_codes and is_new:
            raise Invalid("address", _("Prove this address on the page of the case first."))
        return Identity.of(scheme, address)


def _invited(shown: Invitation) -> Response:
    response = Response(InvitationShape.of(shown), status=202)
    response.code = shown.code  # what must not be stored with it
    return response


class UndoChoice(View):
    """The newest switch."""

    needs = {"POST": (scopes.CASES_WRITE,)}
    parser_classes: list[type[BaseParser]] = [BoundedJSONParser]

    @operation(
        "undo_switch",
        "Take the newest switch back",
        answer=ChoiceShape,
        asks=asked.Undo,
        scope=scopes.CASES_WRITE,
        finds=True,
    )
    def post(self, request: Request, reference: str) -> Response:
        """409 if another choice came after it, or there was none before it."""
        values = asked.body(request, asked.Undo)
        return once(request, lambda: self._undo(case_of(self, reference), values["choice"]))

    def _undo(self, case: Case, pk: int) -> Response:
        choice = case.choices.filter(pk=pk).first()
        back = switching.undo(case=case, choice=choice) if choice else None
        if back is None:
            raise Problem("cannot-undo")
        return Response(ChoiceShape.of(back, self.caller))
