"""On duty, away, off duty: said once, written down, and the last one out closes chat."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone, translation

from channels_app import promises
from channels_app.models import Channel
from contacts import duty, hints
from contacts.models import Organisation, Team, Topic, User
from tests import shop

pytestmark = pytest.mark.django_db
NIGHT = datetime(2026, 11, 24, 3, 0, tzinfo=ZoneInfo("Europe/Amsterdam"))


def chat(organisation: Organisation, language: str = "en") -> promises.Offer:
    """The row of chat as a customer reads it."""
    with translation.override(language):
        board = promises.board(organisation, timezone.now())
    return next(offer for offer in board if offer.kind.name == "chat")


def team(organisation: Organisation, *members: User, **values: object) -> Team:
    """A team of these people."""
    made = Team.objects.create(organisation=organisation, name="Team", **values)
    made.members.set(members)
    return made


def log() -> list[str]:
    """What the log says, oldest first."""
    return list(LogEntry.objects.order_by("pk").values_list("change_message", flat=True))


def test_each_change_is_written_down_once() -> None:
    anna = shop.make_agent()
    assert not duty.come(anna)  # she is there already
    assert duty.away(anna) and not duty.away(anna)
    assert User.objects.get().away_since == anna.away_since is not None
    assert duty.come(anna) and duty.leave(anna) and not duty.leave(anna)
    row = User.objects.get()
    assert (row.on_duty, row.away_since) == (False, None)
    assert log() == ["Away.", "On duty.", "Off duty."]
    assert set(LogEntry.objects.values_list("user", flat=True)) == {anna.pk}


def test_who_has_no_page_open_any_more_is_away_and_who_never_looked_is_not_there() -> None:
    now = timezone.now()
    seen = {"gone": now - timedelta(minutes=11), "here": now - timedelta(minutes=9), "new": None}
    for name, at in seen.items():
        User.objects.filter(pk=shop.make_agent(name).pk).update(seen_at=at)
    off = shop.make_agent("off")
    User.objects.filter(pk=off.pk).update(seen_at=seen["gone"], on_duty=False)
    assert duty.set_away(now) == 1 and duty.set_away(now) == 0
    assert User.objects.get(away_since=now).username == "gone"
    assert log() == ["Away: no page of the desk was open."]
    assert [user.username for user in duty.there()] == ["here"]
    User.objects.filter(username="new").update(is_demo=True)
    assert {user.username for user in duty.there()} == {"here", "new"}
    gone = User.objects.get(username="gone")
    assert duty.come(gone) and duty.set_away(now) == 0  # they said so this moment


def test_the_last_one_out_closes_chat(
    house: Organisation, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: object
) -> None:
    told: list[bool] = []
    monkeypatch.setattr(hints, "channels", lambda: told.append(True))
    anna, zoe = shop.make_agent("anna"), shop.make_agent("zoe")
    steps = [
        (duty.leave, anna, True, 0),
        (duty.away, zoe, False, 1),
        (duty.leave, zoe, False, 1),
        (duty.come, anna, True, 2),
        (duty.come, zoe, True, 2),
    ]
    for step, who, is_open, times in steps:
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
            step(who)
        offer = chat(house)
        assert (offer.is_open, offer.is_deserted) == (is_open, not is_open)
        assert len(told) == times  # pages are told of what changes for them, and of nothing else
    User.objects.update(on_duty=False)
    now, offer = timezone.now(), chat(house)
    assert promises.state_line(offer, now) == "Closed · nobody is there now"
    promised = replace(offer, promise_minutes=5)
    assert promises.promise_line(promised) == ""  # nobody would keep it
    assert promises.promise_line(replace(promised, is_deserted=False)) == "within 5 minutes"
    others = [row for row in promises.board(house, now) if row.kind.name != "chat"]
    assert all(row.is_open for row in others)  # phone and the rest stay by their hours


def test_who_takes_no_chats_keeps_none_open(house: Organisation) -> None:
    shop.make_agent("anna")
    User.objects.update(capacity=2)  # less than one chat weighs
    assert not chat(house).is_open
    User.objects.update(capacity=3)
    assert chat(house).is_open


def test_out_of_hours_the_line_says_when_it_opens(house: Organisation) -> None:
    week = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    Channel.objects.filter(kind="chat").update(weekly_hours=week)
    with translation.override("en"):
        (offer,) = (row for row in promises.board(house, NIGHT) if row.kind.name == "chat")
        assert promises.state_line(offer, NIGHT) == "Closed · opens 9:00"


def test_who_takes_chats_is_what_the_teams_say(house: Organisation) -> None:
    anna, zoe = shop.make_agent("anna"), shop.make_agent("zoe")
    invoices = team(house, anna, kinds=["chat"])
    invoices.topics.add(Topic.objects.get(slug="invoice"))
    duty.leave(anna)
    assert chat(house).is_open  # of other topics, by anybody
    dutch = team(house, anna, languages=["nl"])
    assert chat(house).is_open and not chat(house, "nl").is_open
    dutch.members.add(zoe)
    assert chat(house, "nl").is_open
    mail = team(house, anna, kinds=["email"])
    assert duty.chat_languages(house) == {"en", "nl"}  # a team that takes no chats changes nothing
    mail.kinds = []
    mail.save()
    assert duty.chat_languages(house) == {"nl"}  # English is left to a team that is not there
