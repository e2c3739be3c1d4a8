"""Programs that may use the API: made, seen, changed and shut out by administrators."""

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from contacts.models import Organisation, User
from portal.api.models import ApiClient
from tests.administration.conftest import said
from tests.api.conftest import Api, problem


def form(**changes: Any) -> dict[str, Any]:
    """A good form."""
    return {"name": "Web shop", "scopes": ["channels:read", "cases:open"], "rate": 60, **changes}


def make(desk: Client, **changes: Any) -> tuple[ApiClient, str]:
    """A program by the page, and the token that it shows."""
    page = desk.post(reverse("admin:api_client_add"), form(**changes))
    found = re.findall(r"onecase_[a-z2-7]{52}", page.content.decode())
    assert len(set(found)) == 1 and "no-store" in page["Cache-Control"]
    return ApiClient.objects.latest("pk"), found[0]


def test_a_token_is_shown_once(shop: Organisation, desk: Client, administrator: User) -> None:
    row, token = make(desk)
    assert Api(token).get("/channels/").status_code == 200
    assert (row.scopes, row.rate, row.created_by) == (form()["scopes"], 60, administrator)
    for name, arguments in (("api_clients", []), ("api_client", [row.pk])):
        page = desk.get(reverse(f"admin:{name}", args=arguments)).content.decode()
        assert row.hint in page and token not in page
    entry = LogEntry.objects.get()
    assert token not in entry.change_message and token not in entry.object_repr


def test_what_it_may_do_can_be_changed(shop: Organisation, desk: Client) -> None:
    row, token = make(desk)
    problem(Api(token).get("/cases/"), "not-allowed")
    url = reverse("admin:api_client", args=[row.pk])
    assert desk.post(url, form(scopes=["cases:read"])).status_code == 302
    assert Api(token).get("/cases/").status_code == 200
    problem(Api(token).get("/channels/"), "not-allowed")


def test_shut_out_at_once_and_for_good(shop: Organisation, desk: Client) -> None:
    row, token = make(desk)
    address = reverse("admin:api_client_revoke", args=[row.pk])
    assert "is shut out" in said(desk.post(address, follow=True))
    problem(Api(token).get("/channels/"), "no-token")
    first = ApiClient.objects.get().revoked_at
    desk.post(address)
    assert first and ApiClient.objects.get().revoked_at == first
    assert LogEntry.objects.filter(change_message="Revoked.").count() == 1
    assert desk.get(reverse("admin:api_client", args=[row.pk])).status_code == 404
    assert "Shut out" in desk.get(reverse("admin:api_clients")).content.decode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "name"),
        ({"scopes": []}, "Choose at least one."),
        ({"scopes": ["cases:everything"]}, "cases:everything"),
        ({"scopes": ["cases:answer"]}, "a named person answers"),
        ({"rate": 0}, "rate"),
        ({"rate": 10_001}, "rate"),
    ],
)
def test_what_does_not_fit(
    shop: Organisation, desk: Client, changes: dict[str, Any], words: str
) -> None:
    page = desk.post(reverse("admin:api_client_add"), form(**changes))
    assert page.status_code == 422 and words in page.content.decode()
    assert not ApiClient.objects.exists()


def test_it_answers_in_the_name_of_a_colleague(
    shop: Organisation, desk: Client, administrator: User
) -> None:
    row, _token = make(desk, scopes=["cases:answer"], answers_as=administrator.pk)
    assert row.answers_as == administrator


def test_a_token_by_the_command(shop: Organisation, administrator: User, capsys: Any) -> None:
    call_command("api_client", "Web shop", "--scope", "channels:read", "--rate", "7")
    token = capsys.readouterr().out.strip()
    assert Api(token).get("/channels/")["RateLimit-Limit"] == "7"
    call_command("api_client", "Desk", "--scope", "all", "--answers-as", administrator.username)
    assert ApiClient.objects.get(name="Desk").answers_as == administrator
    for wrong in (
        ["--scope", "cases:answer"],
        ["--scope", "channels:read", "--answers-as", "nobody"],
        ["--scope", "channels:read", "--rate", "0"],
        ["--scope", "everything"],
    ):
        with pytest.raises(CommandError):
            call_command("api_client", "Bad", *wrong)
    assert not ApiClient.objects.filter(name="Bad").exists()
