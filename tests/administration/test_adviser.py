"""The advice in the admin: what counts, own weights and back, and a situation to try."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from channels_app.advice.factors import FACTORS
from channels_app.models import Channel, Weight
from contacts.models import Organisation, Topic
from tests.administration.conftest import said
from tests.core import booking

USUAL = "usual"


def change(desk: Client, slug: str, **points: Any) -> Any:
    """Save the page of one factor."""
    return desk.post(reverse("admin:advice_factor", args=[slug]), points)


def test_every_factor_stands_there_with_its_source(shop: Organisation, desk: Client) -> None:
    page = desk.get(reverse("admin:advice")).content.decode()
    for factor in FACTORS:
        assert reverse("admin:advice_factor", args=[factor.slug]) in page
    assert "Software Advice (TMCnet, 2015)" in page and "Phone +0.85" in page
    assert "(own)" not in page and 'href="/admin/advice/"' in page


def test_an_own_weight_moves_the_suggestion_and_goes_back(
    shop: Organisation, desk: Client, client: Client
) -> None:
    assert "What most people choose: by phone" in client.get("/").content.decode()
    assert change(desk, USUAL, letter="2", phone="0.85").status_code == 302
    row = Weight.objects.get()  # the phone's is the published one, and is none of one's own
    assert (row.factor, row.kind, row.points) == (USUAL, "letter", 2.0)
    assert "a letter is official" in client.get("/").content.decode()
    assert "Letter +2.00 (own)" in " ".join(
        desk.get(reverse("admin:advice")).content.decode().split()
    )
    assert change(desk, USUAL, phone="0", letter="2.0").status_code == 302
    assert set(Weight.objects.values_list("kind", "points")) == {("phone", 0.0), ("letter", 2.0)}
    assert LogEntry.objects.count() == 2  # each row that changed, once
    answer = desk.post(reverse("admin:advice_reset", args=[USUAL]), follow=True)
    assert "the published figures hold" in said(answer)
    assert not Weight.objects.exists()
    assert "What most people choose: by phone" in client.get("/").content.decode()


def test_an_empty_field_is_the_published_figure(shop: Organisation, desk: Client) -> None:
    change(desk, USUAL, letter="1")
    change(desk, USUAL, letter="")
    assert not Weight.objects.exists()


@pytest.mark.parametrize("typed", ["3.1", "-4", "much", "nan", "inf", "1\x00"])
def test_bad_points(shop: Organisation, desk: Client, typed: str) -> None:
    assert change(desk, USUAL, phone=typed).status_code == 422
    assert not Weight.objects.exists()


def test_there_is_no_other_factor(shop: Organisation, desk: Client) -> None:
    assert desk.get(reverse("admin:advice_factor", args=["cost"])).status_code == 404
    assert desk.post(reverse("admin:advice_reset", args=["cost"])).status_code == 404


@pytest.mark.parametrize(
    ("asked", "best"),
    [
        ("", "Phone"),
        ("matters=writing", "E-mail"),
        ("how_soon=can_wait&there=nobody", "E-mail"),
        ("how_soon=now&there=all", "Phone"),
        ("topic=invoice", "Own page"),
        ("preferred=letter&how_soon=now", "Letter"),
        ("relation=existing&there=nobody", "E-mail"),
        ("age=55%2B&topic=invoice", "Phone"),
        ("age=18-34&topic=invoice", "Own page"),
    ],
)
def test_try_it(shop: Organisation, desk: Client, asked: str, best: str) -> None:
    Topic.objects.update(is_active=True)
    response = desk.get(reverse("admin:advice_try") + f"?{asked}")
    assert f"Suggested: {best}" in response.content.decode()


@pytest.mark.parametrize("there", ["all", "nobody"])
def test_try_it_as_if_somebody_were_free_or_nobody(
    shop: Organisation, desk: Client, there: str
) -> None:
    Channel.objects.filter(kind="phone").update(takes_appointments=True, weekly_hours=booking.WEEK)
    address = f"?preferred=phone&there={there}"
    page = desk.get(reverse("admin:advice_try") + address).content.decode()
    assert ("nobody is free now; we can call you" in page) == (there == "nobody")


def test_try_it_shows_the_arithmetic_with_own_weights(shop: Organisation, desk: Client) -> None:
    change(desk, "now", phone="2.5")
    page = desk.get(reverse("admin:advice_try") + "?how_soon=now").content.decode()
    row = page.split("kind-phone")[1].split("kind-")[0]
    assert "<span>Needed now</span><span>+2.50</span>" in row
    assert "<span>What most people choose</span><span>+0.85</span>" in row and "+3.35" in row


def test_try_it_refuses_what_is_no_answer(shop: Organisation, desk: Client) -> None:
    assert desk.get(reverse("admin:advice_try") + "?how_soon=soon").status_code == 422
