"""Strips: one line on top of the next page, shown once, kept in the customer's own session."""

from typing import Any

from django.http import HttpRequest

KEY = "strips"
MOST = 5


def say(request: HttpRequest, text: str, *, tone: str = "good", **more: Any) -> None:
    """Show a line on the next page. `tone`: good, warn, bad or brand."""
    session = request.customer_session  # type: ignore[attr-defined]
    session[KEY] = [*session.get(KEY, []), {"text": str(text), "tone": tone, **more}][-MOST:]


def take(request: HttpRequest) -> list[dict[str, Any]]:
    """The lines for this page; they are gone afterwards."""
    session = request.customer_session  # type: ignore[attr-defined]
    return list(session.pop(KEY)) if KEY in session else []
