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

    def names(page: str) -> list[str]:
        body = desk.get(reverse(page, args=[case.reference])).content.decode()
        chosen = re.search(r'<select id="more-to".*?</select>', body, re.DOTALL)
        assert chosen is not None
        return re.findall(r"<option[^>]*>([^<]+)</option>", chosen[0])

    assert names("admin:case") == ["Nobody", "Robin", "Zoe", "Anna (not on duty)"]
    weighed = ["Nobody", "Robin (0 of 12)", "Zoe (0 of 12)", "Anna (not on duty)"]
    assert names("admin:case_receivers") == weighed
