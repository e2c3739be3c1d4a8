"""What a customer reads where the way that they chose is gone, and what goes on from there."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from channels_app import dispatch, leaving, switching
from channels_app.adapters.base import Reason
from channels_app.models import Channel
from contacts.models import Case, User
from tests.site.conftest import Ask


def body(client: Client, case: Case, query: str = "") -> str:
    """The page in one line."""
    response = client.get(f"/q/{case.reference}/{query}")
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def mail() -> Channel:
    """The channel as it is now."""
    return Channel.objects.get(kind="email")


def test_it_says_that_nothing_goes_there_any_more(client: Client, ask: Ask, agent: User) -> None:
    case = ask(client)
    dispatch.reply(case=case, staff=agent, text="It is here.")
    assert '<div id="away" aria-live="polite"></div>' in body(client, case)
    mail().offer(False)
    page = body(client, case)
    assert "We no longer answer by e-mail. Please choose another way" in page
    assert "You chose e-mail." in page and "We answer by e-mail" not in page
    assert 'class="msg__state">Waits</p>' in page and "On its way" not in page
    switching.switch(case=Case.objects.get(pk=case.pk), kind="account")
    page = body(client, case)
    assert "We no longer answer" not in page and "Waits" not in page


def test_a_pause_says_that_it_waits(client: Client, ask: Ask, agent: User) -> None:
    case = ask(client)
    dispatch.reply(case=case, staff=agent, text="It is here.")
    mail().pause(timezone.now() + timedelta(hours=4), "The server moves.")
    page = body(client, case)
    assert "At the moment we cannot answer by e-mail: what we write waits." in page
    assert ">Waits</p>" in page and "The server moves." not in page
    mail().resume()
    assert "At the moment" not in body(client, case)


def test_a_short_fault_of_the_provider_frightens_nobody(client: Client, ask: Ask) -> None:
    case = ask(client)
    mail().pause(timezone.now() + timedelta(seconds=30), Reason("mail_broke", {"fault": "OSError"}))
    assert "At the moment" not in body(client, case)


def test_a_question_that_is_settled_asks_for_no_choice(client: Client, ask: Ask) -> None:
    case = ask(client)
    client.post(f"/q/{case.reference}/solved/")
    mail().offer(False)
    assert "We no longer answer" not in body(client, case)


def test_of_branches_the_one_that_was_chosen_counts(client: Client, ask: Ask) -> None:
    case = ask(client, way="in_person", wish_in_person="south")
    assert case.choice and case.choice.wish == "south"
    Channel.objects.get(slug="north").offer(False)
    assert "We no longer answer" not in body(client, case)
    Channel.objects.get(slug="south").offer(False)
    assert "We no longer answer in person." in body(client, case)


@pytest.mark.parametrize("way", ["off", "paused"])
def test_a_page_that_stays_open_hears_of_it_both_ways(client: Client, ask: Ask, way: str) -> None:
    case = ask(client)
    have = body(client, case).split('data-have="')[1].split('"')[0]

    def news() -> tuple[int, str]:
        nonlocal have
        answer = client.get(f"/q/{case.reference}/news/?have={have}")
        text = answer.content.decode()
        if answer.status_code == 200:
            have = text.split('data-have="')[1].split('"')[0]
        return answer.status_code, " ".join(text.split())

    assert news()[0] == 204
    if way == "off":
        mail().offer(False)
    else:
        mail().pause(timezone.now() + timedelta(hours=1), "It moves.")
    status, fresh = news()
    assert status == 200 and 'id="away"' in fresh and "Choose another way" in fresh
    assert news()[0] == 204
    if way == "off":
        mail().offer(True)
    else:
        mail().resume()
    status, fresh = news()
    assert status == 200 and '<div id="away" aria-live="polite"></div>' in fresh


def test_the_history_says_that_they_were_asked(client: Client, ask: Ask) -> None:
    case = ask(client)
    mail().offer(False)
    going = leaving.of(mail())
    assert going is not None and leaving.ask(case, going, None)
    page = body(client, case)
    assert "We no longer answer by e-mail. Please choose another way.</li>" in page


def test_nobody_goes_back_there_by_undo(client: Client, ask: Ask) -> None:
    case = ask(client)
    client.post(f"/q/{case.reference}/switch/", {"way": "account"})
    choice = Case.objects.values_list("choice", flat=True).get(pk=case.pk)
    mail().offer(False)
    client.post(reverse("site:undo", args=[case.reference]), {"choice": choice})
    assert "cannot be undone any more" in body(client, case)
