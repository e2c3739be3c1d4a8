"""Messages of a case and their files: read, add what the customer says, answer."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app import dispatch
from contacts import services
from contacts.models import Attachment, Case, Message
from portal import access
from portal.api import asked, scopes
from portal.api.callers import Caller
from portal.api.cases import case_of
from portal.api.described import operation
from portal.api.once import once
from portal.api.paging import page
from portal.api.problems import Invalid, Problem, TooMany
from portal.api.shown import MessageList, MessageShape
from portal.api.view import View, not_allowed
from portal.site.files import download
from portal.site.question import MESSAGES_PER_HOUR
from portal.timeline import HIDDEN

OWN_PAGE = "account"


def messages_for(caller: Caller, case: Case) -> QuerySet[Message]:
    """What the caller may read of a case."""
    rows = Message.objects.of(case).visible_to(caller.viewer)
    return rows.exclude(template__in=HIDDEN) if caller.is_customer else rows


class Messages(View):
    """What was said in a case."""

    needs = {"GET": (scopes.CASES_READ,), "POST": (scopes.CASES_WRITE, scopes.CASES_ANSWER)}

    @operation(
        "list_messages",
        "Read the messages of a case, the newest first",
        answer=MessageList,
        query=asked.PageQuery,
        scope=scopes.CASES_READ,
        finds=True,
    )
    def get(self, request: Request, reference: str) -> Response:
        """Over all channels, and of the cases that were joined to this one. Notes of staff are
        not among them."""
        query = asked.query(request, asked.PageQuery)
        rows = messages_for(self.caller, case_of(self, reference))
        rows = rows.select_related("staff").defer("html", "whole_text")
        found, more = page(request, rows.prefetch_related("attachments"), query, at="created_at")
        results = [MessageShape.of(row, self.caller) for row in found]
        return Response({"results": results, "next": more})

    @operation(
        "write_message",
        "Add what the customer says, or answer",
        answer=MessageShape,
        status=201,
        asks=asked.Write,
        form=asked.WriteForm,
        scope=f"{scopes.CASES_WRITE}, {scopes.CASES_ANSWER}",
        finds=True,
    )
    def post(self, request: Request, reference: str) -> Response:
        """`in`: a resolved case opens again, and its agent is told. `out`: goes to the customer by
        the way they chose, in the name of the colleague whom the token answers for; by another
        kind only with a reason."""
        values = asked.body(request, asked.Write, asked.WriteForm)
        is_answer = values.get("direction") == Message.Direction.OUT
        self._may(scopes.CASES_ANSWER if is_answer else scopes.CASES_WRITE)
        work = self._answer if is_answer else self._add
        return once(request, lambda: work(case_of(self, reference), values))

    def _may(self, scope: str) -> None:
        if scope not in self.caller.scopes:
            raise not_allowed(scope)

    def _add(self, case: Case, values: dict[str, Any]) -> Response:
        kind, files = values.get("kind", OWN_PAGE), asked.files(values)
        if self.caller.is_customer and kind != OWN_PAGE:
            raise Invalid("kind", _("What comes by a link came by the own page."))
        if values.get("why_text"):
            raise Invalid("why_text", _("Only an answer has a reason."))
        if not files:
            _need_text(values)
        if self.caller.is_customer:
            limited(f"write:{case.pk}", MESSAGES_PER_HOUR)
        return self._written(
            services.file_message(case=case, kind=kind, text=values.get("text", ""), files=files)
        )

    def _answer(self, case: Case, values: dict[str, Any]) -> Response:
        colleague = self.caller.colleague
        if colleague is None:
            raise Problem("not-allowed", _("This token answers in nobody's name."))
        _need_text(values)
        try:
            message = dispatch.reply(
                case=case,
                staff=colleague,
                text=values["text"],
                kind=values.get("kind", ""),
                why_text=values.get("why_text", ""),
                files=asked.files(values),
            )
        except dispatch.Refusal as refusal:
            raise Problem("refused", refusal.refused.reason) from None
        except dispatch.ReasonMissing:
            raise Invalid(
                "why_text", _("Another kind than the customer's needs a reason.")
            ) from None
        return self._written(message)

    def _written(self, message: Message) -> Response:
        return Response(MessageShape.of(message, self.caller), status=201)


class OneFile(View):
    """A file of a message."""

    needs = {"GET": (scopes.CASES_READ,)}

    @operation("read_file", "Fetch a file", answer=None, scope=scopes.CASES_READ, finds=True)
    def get(self, request: Request, pk: int) -> HttpResponse:
        """As a download; who may is who may see the case."""
        file = get_object_or_404(Attachment, pk=pk)
        get_object_or_404(Message.objects.visible_to(self.caller.viewer), pk=file.message_id)
        return download(file)


def limited(key: str, times: int) -> None:
    """The customer's page counts the same. Raises TooMany."""
    count, left = access.counted(key, seconds=3600)
    if count > times:
        raise TooMany(left)


def _need_text(values: dict[str, Any]) -> None:
    if not values.get("text"):
        raise Invalid("text", _("Please write something first."))
