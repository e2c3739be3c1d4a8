"""Who is at work stands first where a case is given away; who is not is marked, not hidden."""

import re

from django.test import Client
from django.urls import reverse

from channels_app import opening
from contacts.models import Organisation, User
from tests.shop import make_agent


def test_who_is_off_duty_stands_last_and_is_marked(
    desk: Client, administrator: User, shop: Organisation
) -> None:
    make_agent("anna"), make_agent("zoe")
    User.objects.filter(username="anna").update(on_duty=False)
    case = opening.open_case(
        organisation=shop, text="Hello", came_by="account", kind="account", language="en"
    )
    page = desk.get(reverse("admin:case", args=[case.reference])).content.decode()
    chosen = re.search(r'<select id="more-to".*?</select>', page, re.DOTALL)
    assert chosen is not None
    names = re.findall(r"<option[^>]*>([^<]+)</option>", chosen[0])
    assert names == ["Nobody", "Robin (0 of 12)", "Zoe (0 of 12)", "Anna (not on duty)"]
