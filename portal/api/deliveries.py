"""How the messages of a case went out."""

import uuid

from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.models import Delivery
from portal.api import asked, scopes
from portal.api.cases import case_of
from portal.api.described import operation
from portal.api.messages import messages_for
from portal.api.paging import page
from portal.api.shown import DeliveryList, DeliveryShape
from portal.api.view import View


class Deliveries(View):
    """The deliveries of a case."""

    needs = {"GET": (scopes.DELIVERIES_READ,)}

    @operation(
        "list_deliveries",
        "Read how answers went out, the newest first",
        answer=DeliveryList,
        query=asked.PageQuery,
        scope=scopes.DELIVERIES_READ,
        finds=True,
    )
    def get(self, request: Request, reference: str) -> Response:
        """One row for each message, address and channel; a switch or a second channel adds one."""
        query = asked.query(request, asked.PageQuery)
        messages = messages_for(self.caller, case_of(self, reference)).values("pk")
        rows = Delivery.objects.filter(message__in=messages).select_related("channel", "identity")
        found, more = page(request, rows, query, at="created_at", key=uuid.UUID)
        results = [DeliveryShape.of(row, self.caller) for row in found]
        return Response({"results": results, "next": more})
