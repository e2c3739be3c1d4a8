"""What a push service gets: sealed and signed as the RFCs say, and judged by its answer."""

import base64
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from channels_app.adapters import webpush
from channels_app.adapters.base import SendError
from channels_app.adapters.outside import Answer, Outside
from portal import environment
from tests.push.service import Browser

# RFC 8291, appendix A.
PLAIN = b"When I grow up, I want to be a watermelon"
OURS = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
THEIRS = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH, SALT = "BTBZMqHH6r4Tts7J_aSIgg", "DGv6ra1nlYgDCS1FRnbzlw"
SEALED = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6T"
    "lzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4"
    "a-fN"
)


def test_it_seals_as_the_rfc_does() -> None:
    own = ec.derive_private_key(int.from_bytes(webpush.decoded(OURS), "big"), webpush.CURVE)
    to = webpush.Subscription("https://push.example.org/x", THEIRS, AUTH)
    sealed = webpush.seal(PLAIN, to, salt=webpush.decoded(SALT), own=own)
    assert webpush.encoded(sealed) == SEALED


def test_no_two_are_alike_and_only_that_browser_opens_them() -> None:
    browser, other = Browser("https://x/1"), Browser("https://x/2")
    keys = browser.subscription["keys"]
    to = webpush.Subscription("https://x/1", keys["p256dh"], keys["auth"])
    one, two = (webpush.seal(b'{"a": 1}', to) for _ in range(2))
    assert one[:16] != two[:16] and one[21:86] != two[21:86]
    assert browser.open(one) == browser.open(two) == {"a": 1}
    with pytest.raises(InvalidTag):
        other.open(one)


def test_a_key_is_read_as_one_word_and_as_pem() -> None:
    word = webpush.new_key()
    key = webpush.Key(word)
    private = ec.derive_private_key(int.from_bytes(webpush.decoded(word), "big"), webpush.CURVE)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    assert webpush.Key(pem).public == webpush.Key(pem.replace("\n", "\\n")).public == key.public
    assert len(webpush.decoded(key.public)) == 65


@pytest.mark.parametrize(
    "written", ["", "x", "A" * 43, "_" * 43, "-----BEGIN EC KEY-----\nsecret\n-----END-----"]
)
def test_what_is_no_key_is_refused_and_not_repeated(written: str) -> None:
    with pytest.raises(ValueError, match=r"^This is no private key of the curve P-256\.$") as found:
        webpush.Key(written)
    assert found.value.__cause__ is None and found.value.__suppress_context__


def test_the_command_prints_a_key_that_settings_take(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("make_push_key")
    name, value = capsys.readouterr().out.strip().split("=", 1)
    assert environment.push_key(name, value) == value and webpush.Key(value)
    assert webpush.Key(environment.new_push_key())
    with pytest.raises(ImproperlyConfigured) as found:
        environment.push_key("VAPID_PRIVATE_KEY", "secret-but-too-short")
    assert "secret" not in str(found.value)


class Says(Outside):
    """A push service that answers so."""

    def __init__(self, status: int, headers: dict[str, str]) -> None:
        self.answer = Answer(status, headers, b"")

    def post(self, url: str, content: bytes, headers: Any) -> Answer:
        """Nothing leaves."""
        return self.answer


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, "RecipientGone"),
        (410, "RecipientGone"),
        (400, "Rejected"),
        (401, "Misconfigured"),
        (403, "Misconfigured"),
        (413, "Rejected"),
        (302, "Rejected"),
        (429, "Unavailable"),
        (503, "Unavailable"),
    ],
)
def test_what_its_answers_mean(status: int, error: str) -> None:
    keys = Browser("https://x/1").subscription["keys"]
    with pytest.raises(SendError) as found:
        webpush.send(
            b"{}",
            webpush.Subscription("https://x/1", keys["p256dh"], keys["auth"]),
            key=webpush.Key(webpush.new_key()),
            contact="mailto:a@example.org",
            topic="t",
            keep=webpush.timedelta(days=1),
            by=Says(status, {"retry-after": "120"}),
        )
    assert type(found.value).__name__ == error
    seconds = found.value.retry_after and found.value.retry_after.total_seconds()
    assert seconds == (120 if error == "Unavailable" else None)


def test_base64url_is_read_strictly() -> None:
    assert webpush.decoded(base64.urlsafe_b64encode(b"\xff\xfe").decode()) == b"\xff\xfe"
    for wrong in ("a+b/", "a b", "ä", "a\n"):
        with pytest.raises(ValueError, match="not base64url"):
            webpush.decoded(wrong)
