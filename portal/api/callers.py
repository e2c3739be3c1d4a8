"""Who calls: a program by its own token, or a customer by the link of a case. Nothing else."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request

from contacts import codes
from contacts.models import Code, User
from contacts.viewers import Viewer
from portal import access
from portal.api import scopes
from portal.api.models import ApiClient
from portal.api.problems import TooMany

WRONG_PER_HOUR = 60  # wrong tokens of one address; a right one is never held up by them
CUSTOMER_RATE = 60  # calls a minute with the link of one case
MAX_TOKEN = 200


@dataclass(frozen=True)
class Caller:
    """Who is behind a request, what it may do, and how often."""

    viewer: Viewer
    scopes: frozenset[str]
    owner: str  # whose idempotency keys, and whose count
    rate: int
    client: ApiClient | None = None
    code: Code | None = None

    is_authenticated = True  # what the framework asks

    @property
    def is_customer(self) -> bool:
        """Whether it is the holder of a case's link, who is shown what its page shows."""
        return self.client is None

    @property
    def colleague(self) -> User | None:
        """In whose name a program answers; None once that person has left."""
        user = self.client.answers_as if self.client else None
        if user is None or not access.staff_viewer(user).is_staff:
            return None
        return None if user.is_demo and not settings.DEMO else user


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`; no cookie counts here, so that no page can borrow one."""

    def authenticate(self, request: Request) -> tuple[Caller, None]:
        """The caller; 401 for anybody else, 429 for who guesses on and on."""
        kind, _blank, token = request.headers.get("Authorization", "").partition(" ")
        token = token.strip()
        if kind.lower() != "bearer" or not token:
            raise NotAuthenticated(_("Send a token: Authorization: Bearer <token>."))
        caller = caller_of(token) if len(token) <= MAX_TOKEN else None
        if caller is None:
            _count_wrong(request)
            raise AuthenticationFailed(_("This token is not known, or does not work any more."))
        return caller, None

    def authenticate_header(self, request: Request) -> str:
        """How to do it right."""
        return 'Bearer realm="onecase"'


def caller_of(token: str) -> Caller | None:
    """The live client, or the live case link, of that token."""
    client = ApiClient.objects.find(token)
    if client is not None:
        client.note_use()
        allowed = frozenset(client.scopes)
        return Caller(client.viewer, allowed, f"client:{client.pk}", client.rate, client=client)
    code = Code.objects.find(codes.CASE_LINK, token)
    if code is None or code.case_id is None:
        return None
    viewer = Viewer(case_ids=frozenset({code.case_id}))
    return Caller(viewer, scopes.OF_CUSTOMERS, f"code:{code.pk}", CUSTOMER_RATE, code=code)


def _count_wrong(request: Any) -> None:
    count, left = access.counted(f"api:wrong:{access.client_address(request)}", seconds=3600)
    if count > WRONG_PER_HOUR:
        raise TooMany(left, _("Too many wrong tokens came from this address."))
