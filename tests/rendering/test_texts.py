"""What reaches a telephone, sign by sign, in both languages; and that a preview shows just that."""

import re
from datetime import timedelta

import pytest

from channels_app import dispatch, rendering, routing
from channels_app.models import Channel, Delivery
from contacts import codes
from contacts.files import File
from contacts.models import Case, Code, Identity, Message, Organisation, Topic, User
from tests.rendering.conftest import NUMBER, MakeCase, Telephone, send_all, wrote

LINK = re.compile(r"https?://\S+/([a-z2-7]{26})/?(?=\s|$)")
PDF = File("invoice.pdf", "application/pdf", b"%PDF-1.4 x")


def text_of(outbound_text: str) -> str:
    """With the link of the moment as LINK."""
    return LINK.sub("LINK", outbound_text)


def say(case: Case, agent: User, text: str, **more: object) -> str:
    """Answer, and let a worker send it: what arrived."""
    dispatch.reply(case=case, staff=agent, text=text, **more)  # type: ignore[arg-type]
    (sent,) = send_all()
    return text_of(sent.text)


@pytest.mark.parametrize("kind", ["sms", "whatsapp"])
def test_an_answer_is_signed_by_a_named_person(kind: str, make_case: MakeCase, agent: User) -> None:
    case = make_case(kind)
    wrote(kind)
    assert say(case, agent, "Yes, it is.") == "Yes, it is.\nAnna, Test Shop"
    (sent,) = Telephone.sent
    assert (sent.to, sent.from_address) == (NUMBER, "+3197000000")
    assert (sent.subject, sent.html, sent.headers) == ("", "", ())
    assert sent.receipts_to.endswith(f"/webhooks/{kind}/")
    assert not Code.objects.filter(purpose=codes.CASE_LINK, case=case).exists()


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "There is an answer to your question {}: LINK\nTest Shop"),
        ("nl", "Er is een antwoord op uw vraag {}: LINK\nTest Shop"),
    ],
)
def test_sensitive_and_long_answers_stay_on_the_page(
    language: str, text: str, make_case: MakeCase, agent: User
) -> None:
    case = make_case("sms", language)
    expected = text.format(case.reference)
    assert say(case, agent, "Long. " * 90) == expected
    Case.objects.filter(pk=case.pk).update(topic=Topic.objects.get(slug="invoice"))
    assert say(Case.objects.get(pk=case.pk), agent, "Your debt.") == expected
    rows = Delivery.objects.filter(message__template="")
    assert [row.only_notice for row in rows] == [True, True]


def test_the_signature_gives_way_where_it_costs_the_text(make_case: MakeCase, agent: User) -> None:
    case = make_case("sms")
    assert say(case, agent, "a" * 443) == "a" * 443 + "\nAnna, Test Shop"
    assert say(case, agent, "a" * 444) == "a" * 444
    assert say(case, agent, "a" * 459) == "a" * 459
    assert say(case, agent, "a" * 460).startswith("There is an answer")


@pytest.mark.parametrize(
    ("language", "one", "two"),
    [
        ("en", "1 file is here: LINK", "2 files are here: LINK"),
        ("nl", "1 bestand staat hier: LINK", "2 bestanden staan hier: LINK"),
    ],
)
def test_files_that_a_kind_cannot_carry_become_a_link(
    language: str, one: str, two: str, make_case: MakeCase, agent: User
) -> None:
    case = make_case("sms", language)
    assert say(case, agent, "Hi.", files=[PDF]) == f"Hi.\n\n{one}\nAnna, Test Shop"
    assert say(case, agent, "Hi.", files=[PDF, PDF]) == f"Hi.\n\n{two}\nAnna, Test Shop"
    assert not Telephone.sent[0].files


def test_files_go_along_by_sort_and_size(make_case: MakeCase, agent: User) -> None:
    case = make_case("whatsapp")
    wrote("whatsapp")
    odd = File("notes.xyz", "application/x-odd", b"1")
    large = File("photo.png", "image/png", b"x" * 101)
    said = say(case, agent, "See.", files=[PDF, odd, large])
    assert said == "See.\n\n2 files are here: LINK\nAnna, Test Shop"
    assert [(f.name, f.content) for f in Telephone.sent[0].files] == [(PDF.name, PDF.content)]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (
            "en",
            "We have your question {}. Read it, add to it, or choose how we answer: LINK"
            "\nTest Shop",
        ),
        (
            "nl",
            "Wij hebben uw vraag {}. Lezen, aanvullen of kiezen hoe wij antwoorden: LINK"
            "\nTest Shop",
        ),
    ],
)
def test_we_have_your_question(
    language: str, text: str, make_case: MakeCase, organisation: Organisation
) -> None:
    case = make_case("sms", language)
    message = Message(
        case=case, kind="sms", template=dispatch.ACKNOWLEDGEMENT, language=language, direction="out"
    )
    channel = Channel.objects.get(kind="sms")
    delivery = Delivery(message=message, channel=channel, identity=Identity.of("phone", NUMBER))
    assert text_of(rendering.render(delivery).text) == text.format(case.reference)


@pytest.mark.parametrize(
    ("template", "language", "text"),
    [
        ("sign_in", "en", "{} is your code for Test Shop. It works for 10 minutes. {}"),
        ("sign_in", "nl", "{} is uw code voor Test Shop. Hij werkt 10 minuten. {}"),
        ("prove", "en", "{} is your code for Test Shop. It works for one day. {}"),
        ("prove", "nl", "{} is uw code voor Test Shop. Hij werkt een dag. {}"),
    ],
)
def test_codes_are_one_sms(
    template: str, language: str, text: str, organisation: Organisation
) -> None:
    channel, identity = Channel.objects.get(kind="sms"), Identity.of("phone", NUMBER)
    code = Code.objects.issue(template, identity=identity)
    message = Message(kind="sms", template=template, code=code, language=language, direction="out")
    said = rendering.render(Delivery(message=message, channel=channel, identity=identity)).text
    secret = {"en": "Give it to nobody.", "nl": "Geef hem aan niemand."}[language]
    assert said == text.format(code.plain, secret) and len(said) <= 160


@pytest.mark.parametrize("kind", ["sms", "whatsapp"])
@pytest.mark.parametrize("text", ["Yes.", "\u201cYes\u201d \u2013 it\u2019s", "é" * 900, "Maître"])
@pytest.mark.parametrize("files", [[], [PDF], [PDF, File("a.bin", "application/x", b"1")]])
def test_a_preview_is_what_is_sent(
    kind: str, text: str, files: list[File], make_case: MakeCase, agent: User
) -> None:
    case, channel = make_case(kind), Channel.objects.get(kind=kind)
    wrote(kind)
    draft = Message(case=case, staff=agent, text=text, language=case.language)
    shown = rendering.preview(draft, channel, files)
    assert shown is not None
    sent = say(case, agent, text, files=files)
    assert text_of(shown.text) == sent
    assert len(shown.text) == len(Telephone.sent[0].text)
    assert shown.is_notice == Delivery.objects.latest("created_at").only_notice
    along = {file.name for file in Telephone.sent[0].files}
    assert shown.is_notice or along | set(shown.linked) == {file.name for file in files}


def test_a_preview_of_an_approved_text_is_what_is_sent(make_case: MakeCase, agent: User) -> None:
    case, channel = make_case("whatsapp"), Channel.objects.get(kind="whatsapp")
    wrote("whatsapp", timedelta(hours=25))
    channel.templates.create(
        name="answer", language="en", body="Hello {{1}}: {{2}} .", state="approved"
    )
    draft = Message(case=case, staff=agent, text="Yes.", language="en", kind="")
    route = routing.route(draft, case.changed_at)
    assert isinstance(route, routing.Route)
    shown = rendering.preview(draft, channel, approved=route.approved)
    assert shown and shown.is_notice
    assert text_of(shown.text) == say(case, agent, "Yes.")
