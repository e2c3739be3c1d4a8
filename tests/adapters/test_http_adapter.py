"""What speaks HTTP: where its provider is, its door, and an answer in parts."""

import pytest

from channels_app.adapters.base import (
    Account,
    Misconfigured,
    RecipientGone,
    SendError,
    Unavailable,
    Uncertain,
)
from channels_app.adapters.http import Door, HttpAdapter, send_in_parts


class Homely(HttpAdapter):
    """An adapter of a provider that lives somewhere."""

    home = "https://api.example.com/"

    def _open(self) -> Door:
        return Door(self.base_url)


def test_an_adapter_opens_its_door_once(monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = Homely(Account("sms"))
    adapter.close()  # none is open yet
    door, closed = adapter.door, []
    assert door is adapter.door
    monkeypatch.setattr(door, "close", lambda: closed.append(True))
    adapter.close()
    adapter.close()
    assert closed == [True] and adapter.door is not door
    adapter.close()


def test_a_provider_is_asked_at_home_unless_a_setting_says_where(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Homely(Account("sms")).base_url == "https://api.example.com"
    elsewhere = Homely(Account("sms", config=(("base_url", "env:ELSEWHERE"),)))
    with pytest.raises(Misconfigured):  # never at home by mistake
        elsewhere.door.call("GET", "/")
    monkeypatch.setenv("ELSEWHERE", "https://eu.example.com/")
    assert elsewhere.base_url == "https://eu.example.com"


@pytest.mark.parametrize(
    ("answers", "meaning", "everyone"),
    [
        ([RecipientGone("no")], RecipientGone, False),
        (["a", RecipientGone("no")], Uncertain, False),
        (["a", Unavailable("no", everyone=True)], Uncertain, True),
        (["a", "b", Misconfigured("no")], Uncertain, True),
    ],
)
def test_once_a_part_is_there_the_rest_is_never_sent_blindly(
    answers: list[str | SendError], meaning: type[SendError], everyone: bool
) -> None:
    def send(answer: str | SendError) -> str:
        if isinstance(answer, SendError):
            raise answer
        return answer

    with pytest.raises(SendError) as caught:
        send_in_parts([(answer,) for answer in [*answers, "not sent"]], send)
    assert type(caught.value) is meaning and caught.value.everyone is everyone
    assert caught.value.why.data == {"text": "no"}
    assert send_in_parts([("a",), ("b",)], send) == "b"
