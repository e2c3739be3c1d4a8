"""People and their questions, for the tests of messengers."""

from channels_app import joining, opening
from channels_app.models import Channel
from contacts import holding
from contacts.models import Case, Holder, Identity, Message, Organisation

SAM, VICTIM, THIEF = "+31612345678", "+31687654321", "+31611112222"


def own_page(organisation: Organisation, text: str = "My kettle leaks") -> Case:
    """A case that is answered on its own page."""
    return opening.open_case(
        organisation=organisation, text=text, came_by="account", kind="account", language="en"
    )


def by_mail(organisation: Organisation, address: str, text: str = "My kettle leaks") -> Case:
    """A case that is answered by mail."""
    return opening.open_case(
        organisation=organisation,
        text=text,
        came_by="account",
        kind="email",
        address=address,
        language="en",
    )


def known(address: str, *, scheme: str = "phone", proved: bool = True) -> Identity:
    """An address that some customer holds."""
    identity = Identity.of(scheme, address)
    customer = holding.customer_for(identity, name="Known", language="en")
    holding.hold(customer, identity, how=Holder.How.CODE, proved=proved)
    return Identity.objects.get(pk=identity.pk)


def code_of(case: Case, channel: Channel) -> str:
    """The code that its page shows."""
    return joining.invite(case, channel).code.plain


def choice_of(case: Case) -> tuple[str, str]:
    """How a case is answered now: kind and address."""
    case.refresh_from_db()
    choice = case.choice
    assert choice is not None
    return choice.kind, choice.identity.value if choice.identity else ""


def texts(case: Case) -> list[str]:
    """What came in, in order."""
    rows = Message.objects.of(case).filter(direction=Message.Direction.IN).order_by("seq")
    return list(rows.values_list("text", flat=True))


def joins(identity_value: str, case: Case) -> bool:
    """Whether an address came into a case, in any way that would show anything there."""
    return (
        case.choices.filter(identity__value=identity_value).exists()
        or Message.objects.of(case).filter(identity__value=identity_value).exists()
    )
