"""Who plays in the demo. Nobody here exists.

Names end in "Demo", mail goes to example.org (RFC 2606). The Netherlands reserve no phone numbers
for fiction, so all are from Ofcom's range for drama in London, 020 7946 0000 to 0999. The postcode
1000 stands for no street.
"""

from dataclasses import dataclass

PASSWORD = "demo-onecase"  # works only where DEMO is on: portal.access.StaffBackend
SHOP_PHONE = "+44 20 7946 0018"
MAILBOX = "help"  # before the @ of settings.MAIL_DOMAIN


@dataclass(frozen=True)
class Person:
    """A customer of the demo. `email` or `phone` finds the row again."""

    slug: str
    name: str
    language: str
    email: str = ""
    phone: str = ""
    post: str = ""


@dataclass(frozen=True)
class Colleague:
    """A member of staff of the demo."""

    username: str
    first_name: str
    language: str = "en"
    is_administrator: bool = False


COLLEAGUES = (
    Colleague("noor", "Noor"),
    Colleague("daan", "Daan"),
    Colleague("mei", "Mei"),
    Colleague("admin", "Robin", is_administrator=True),
)
NOBODY = "Visitor Demo"  # whoever tries the demo with a telephone of their own
PEOPLE = {
    person.slug: person
    for person in (
        Person("tom", "Tom Demo", "en", "tom@example.org"),
        Person("sanne", "Sanne Demo", "nl", "sanne@example.org", "+44 20 7946 0107"),
        Person("aisha", "Aisha Demo", "en", "aisha@example.org", "+44 20 7946 0102"),
        Person("bram", "Bram Demo", "nl", "bram@example.org"),
        Person("greta", "Greta Demo", "nl", phone="+44 20 7946 0104"),
        Person("olga", "Olga Demo", "en", "olga@example.org"),
        Person(
            "lucas",
            "Lucas Demo",
            "en",
            "lucas@example.org",
            "+44 20 7946 0106",
            "Industrieweg 8\n1000 AA Demodorp",
        ),
        Person("wim", "Wim Demo", "nl", "", "+44 20 7946 0108", "Dorpsstraat 12\n1000 AA Demodorp"),
        Person("ravi", "Ravi Demo", "en", "", "+44 20 7946 0109"),
        Person("fleur", "Fleur Demo", "nl", "fleur@example.org"),
        Person("kate", "Kate Demo", "en", "kate@example.org"),
        Person("jan", "Jan Demo", "nl", "jan@example.org"),
        Person("mila", "Mila Demo", "nl", phone="+44 20 7946 0110"),
        Person("noah", "Noah Demo", "en", phone="+44 20 7946 0111"),
        Person("ivy", "Ivy Demo", "en", phone="+44 20 7946 0112"),
        Person("joep", "Joep Demo", "nl", phone="+44 20 7946 0113"),
    )
}
# Whom the demo page offers as a role: each has a case that is worth a look.
ROLES = ("tom", "sanne", "lucas", "fleur")


def known_by(phone: str) -> Person | None:
    """Who of the demo has that telephone."""
    return next((p for p in PEOPLE.values() if p.phone and p.phone.replace(" ", "") == phone), None)


def name_of(phone: str) -> str:
    """Whose telephone that is: somebody of the demo, or whoever tries it."""
    known = known_by(phone)
    return known.name if known else NOBODY
