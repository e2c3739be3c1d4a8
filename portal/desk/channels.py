"""Channels: the list with its state, order and switches, and the test that really connects."""

from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import ProtectedError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from channels_app import checks, hours, measures, outbox, promises, reasons
from channels_app.adapters.base import SendError
from channels_app.adapters.registry import PROVIDERS
from channels_app.models import Channel, Pace
from channels_app.models.channel import with_special_days
from channels_app.models.pace import ENOUGH
from contacts import hints
from contacts.kinds import KINDS, get
from contacts.models import Organisation
from portal.desk import approved_texts, channel_secrets, counts, leaving, special_days
from portal.desk.administration import log_change, log_removal, moved, page, save, show
from portal.desk.channel_form import ChannelForm

# "Until somebody resumes it": a date that no one waits for.
FOR_GOOD = timedelta(days=3650)


class PauseForm(forms.Form):
    """How long, and why."""

    until = forms.ChoiceField(
        label=gettext_lazy("For how long?"),
        choices=[
            ("60", gettext_lazy("1 hour")),
            ("240", gettext_lazy("4 hours")),
            ("1440", gettext_lazy("1 day")),
            ("", gettext_lazy("Until somebody resumes it")),
        ],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Staff read it; customers do not."),
    )

    def moment(self, now: datetime) -> datetime:
        """When it goes on by itself."""
        minutes = self.cleaned_data["until"]
        return now + (timedelta(minutes=int(minutes)) if minutes else FOR_GOOD)


def state(channel: Channel, now: datetime) -> dict[str, Any]:
    """What the list says of a channel at this moment."""
    opening, is_open = channel.opening, channel.is_open(now)
    closes, opens = hours.closes_at(opening, now), hours.opens_at(opening, now)
    minutes = channel.promise_minutes
    return {
        "channel": channel,
        "kind": channel.kind_info,
        "is_open": is_open,
        "always": is_open and closes is None,
        "closes": promises.clock(closes) if closes else "",
        "opens": promises.moment(opens, now) if opens else "",
        "promise": promises.duration(minutes) if minutes else "",
        "paused": channel.is_paused(now),
        "paused_for_good": channel.is_paused(now)
        and channel.paused_until - now > timedelta(days=365),  # type: ignore[operator]
        "automatic": channel.capabilities.automatic,
        "connects": _connects(channel),
    }


def _connects(channel: Channel) -> bool:
    """Whether there is a server to connect to."""
    return channel.capabilities.has_rooms or _sends(channel)


def _sends(channel: Channel) -> bool:
    can = channel.capabilities
    return can.automatic and not can.immediate


def overview(request: HttpRequest) -> HttpResponse:
    """The list, in the order that customers see. Constant queries."""
    now = timezone.now()
    backlogs = measures.backlogs()
    found = checks.findings()
    rows = []
    channels = with_special_days(Channel.objects.select_related("organisation"))
    days = special_days.of_today(channels, now)
    for channel in channels:
        if channel.kind not in KINDS or channel.provider not in PROVIDERS:
            continue  # of an adapter that is not installed any more
        rows.append(
            state(channel, now)
            | days[channel.pk]
            | {
                "backlog": backlogs.get(channel.pk, measures.Backlog()),
                "findings": [f for f in found if f.channel_id == channel.pk],
            }
        )
    return show(
        request,
        "desk/admin_channels.html",
        title=_("Channels"),
        rows=rows,
        findings=[f for f in found if f.channel_id is None and f.topic_id is None],
        has_organisation=Organisation.objects.exists(),
    )


def choose_kind(request: HttpRequest) -> HttpResponse:
    """A new channel begins with its kind."""
    if not Organisation.objects.exists():
        messages.info(request, _("Name the organisation first; its channels come after."))
        return redirect("admin:organisation")
    there = Counter(Channel.objects.values_list("kind", "provider"))
    kinds = [
        (kind, provider, adapter.label or provider, there[kind.name, provider])
        for kind in KINDS.values()
        for provider, adapter in PROVIDERS.items()
        if kind.name in adapter.kinds
    ]
    return show(
        request,
        "desk/admin_channel_kinds.html",
        title=_("New channel"),
        kinds=kinds,
        # A provider is named only where there is something to choose.
        several={kind.name for kind, *_rest in kinds if sum(k is kind for k, *_r in kinds) > 1},
    )


def add(request: HttpRequest, kind: str, provider: str) -> HttpResponse:
    """A new channel of one kind; it is offered once its texts and hours are right."""
    if kind not in KINDS or provider not in PROVIDERS or kind not in PROVIDERS[provider].kinds:
        return redirect("admin:channel_add")
    organisation = Organisation.objects.order_by("pk").first()
    if organisation is None:
        return redirect("admin:organisation")
    row = Channel(organisation=organisation, kind=kind, provider=provider, is_offered=False)
    return _edit(request, row)


def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a channel."""
    return _edit(request, get_object_or_404(Channel.objects.select_related("organisation"), pk=pk))


def _edit(request: HttpRequest, row: Channel) -> HttpResponse:
    is_new = row.pk is None
    form = ChannelForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        save(request, form)
        if is_new:
            messages.success(request, _("Added. Customers see it as soon as you offer it."))
            return redirect("admin:channel", row.pk)
        messages.success(request, _("Saved. Customers see it at once."))
        return redirect("admin:channels")
    now = timezone.now()
    stored = None if is_new else Channel.objects.select_related("organisation").get(pk=row.pk)
    shown = state(stored, now) | special_days.of_today([stored], now)[stored.pk] if stored else None
    return show(
        request,
        "desk/admin_channel.html",
        title=stored.name if stored else _("New channel"),
        form=form,
        stored=stored,
        state=shown,
        figures=_figures(stored) if stored else None,
        **(_pace(stored) if stored else {}),
        health=measures.health(stored, now) if stored and _sends(stored) else None,
        kind=get(row.kind),
        organisation=row.organisation,
        pause_form=PauseForm(),
        texts=approved_texts.of(row),
        branches=Channel.objects.filter(kind=row.kind).exclude(pk=row.pk)
        if row.kind == "in_person"
        else (),
        findings=[f for f in checks.findings() if f.channel_id == row.pk] if stored else [],
        status=422 if form.errors else 200,
    )


def _pace(channel: Channel) -> dict[str, Any]:
    """How fast customers were answered by its kind, or that too few were."""
    pace = Pace.objects.filter(organisation=channel.organisation, kind=channel.kind).first()
    line = promises.pace_line(pace) if pace else ""
    return {"pace": pace, "pace_line": line, "enough": ENOUGH}


def _figures(channel: Channel) -> dict[str, Any]:
    """How many open cases are answered there, how many answers wait, and whether it is gone."""
    found = leaving.Figures.of(channel)
    return {
        "cases": found.cases,
        "cases_shown": counts.shown(found.cases),
        "waiting": found.waiting,
        "waiting_shown": counts.shown(found.waiting),
        "is_gone": channel.is_gone(timezone.now()),
    }


def consequences(channel: Channel) -> list[str]:
    """What customers lose when this channel is not offered any more; usually nothing."""
    others = set(
        Channel.objects.offered()
        .filter(organisation=channel.organisation)
        .exclude(pk=channel.pk)
        .values_list("kind", flat=True)
    )
    lost = []
    if channel.kind == "phone" and "phone" not in others:
        lost.append(
            _(
                "The phone is hidden as a way to be answered. It is the way that most people"
                " choose; nobody should be pushed to another one by hiding it."
            )
        )
    if not others:
        lost.append(_("No channel is left: customers cannot choose how they are answered."))
    elif others == {"chat"}:
        lost.append(_("Only chat is left, and chat should never be the only way."))
    return lost + leaving.Figures.of(channel).lines


def offer(request: HttpRequest, pk: int) -> HttpResponse:
    """Offer a channel to customers, or not any more; asks first where that would hurt."""
    channel = get_object_or_404(Channel.objects.select_related("organisation"), pk=pk)
    wanted = request.POST.get("offered") == "1"
    lost = [] if wanted else consequences(channel)
    if lost and request.POST.get("confirmed") != "1":
        return show(
            request,
            "desk/admin_confirm.html",
            title=_("Stop offering %(name)s?") % {"name": channel.name},
            points=lost,
            fields={"offered": "0", "confirmed": "1"},
            button=_("Stop offering it"),
            back="admin:channels",
        )
    channel.offer(wanted)
    log_change(request, channel, "Offered." if wanted else "Not offered any more.")
    _tell(channel, is_back=wanted)
    if wanted:
        messages.success(request, _("%(name)s is offered to customers.") % {"name": channel.name})
    else:
        messages.warning(
            request, _("%(name)s is not offered to customers any more.") % {"name": channel.name}
        )
    return _back(request, channel, has_gone=not wanted)


def _tell(channel: Channel, *, is_back: bool = False) -> None:
    """Open pages look whether it is there; what was held goes at once where it is back."""
    transaction.on_commit(hints.channels, robust=True)
    if is_back:
        transaction.on_commit(partial(outbox.ring_to_send, channel.pk), robust=True)


def _back(request: HttpRequest, channel: Channel, *, has_gone: bool = False) -> HttpResponse:
    if has_gone and leaving.Figures.of(channel).cases:
        return redirect("admin:channel_cases", channel.pk)
    if request.POST.get("next") == "channel":
        return redirect("admin:channel", channel.pk)
    return redirect("admin:channels")


def shift(request: HttpRequest, pk: int) -> HttpResponse:
    """One place up or down in the order that customers see."""
    return moved(
        request, get_object_or_404(Channel, pk=pk), Channel.objects.all(), "admin:channels"
    )


def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Really connect, now, with the settings that are stored; no message is sent."""
    channel = get_object_or_404(Channel, pk=pk)
    if not (_connects(channel) or channel.capabilities.automatic):
        messages.info(
            request,
            _("%(name)s is worked by people: there is nothing to connect to.")
            % {"name": channel.name},
        )
        return _back(request, channel)
    try:
        seen = reasons.words(channel.adapter().check())
    except SendError as error:
        log_change(request, channel, "Tested: failed.")
        messages.error(
            request,
            _("%(name)s does not work: %(detail)s")
            % {"name": channel.name, "detail": reasons.words(error.why)},
        )
        return _back(request, channel)
    Channel.objects.filter(pk=pk).update(last_success_at=timezone.now())
    log_change(request, channel, "Tested: it works.")
    messages.success(request, _("%(name)s works. %(seen)s") % {"name": channel.name, "seen": seen})
    return _back(request, channel)


def pause(request: HttpRequest, pk: int) -> HttpResponse:
    """Hold back what waits for a channel; nothing is lost."""
    channel = get_object_or_404(Channel.objects.select_related("organisation"), pk=pk)
    form = PauseForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Write why it is paused, so that colleagues know."))
        return redirect("admin:channel", pk)
    points = leaving.Figures.of(channel).lines
    if points and request.POST.get("confirmed") != "1":
        given = {name: request.POST.get(name, "") for name in ("until", "reason", "next")}
        return show(
            request,
            "desk/admin_confirm.html",
            title=_("Pause %(name)s?") % {"name": channel.name},
            points=points,
            fields=given | {"confirmed": "1"},
            button=_("Pause"),
            back="admin:channels",
        )
    channel.pause(form.moment(timezone.now()), form.cleaned_data["reason"])
    log_change(request, channel, "Paused.")
    _tell(channel)
    messages.success(
        request,
        _("%(name)s is paused: what is written for it waits, nothing is lost.")
        % {"name": channel.name},
    )
    return _back(request, channel, has_gone=True)


def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on at once."""
    channel = get_object_or_404(Channel, pk=pk)
    channel.resume()
    log_change(request, channel, "Resumed.")
    _tell(channel, is_back=True)
    messages.success(request, _("%(name)s goes on.") % {"name": channel.name})
    return _back(request, channel)


def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Only a channel that never carried anything; history needs the others."""
    channel = get_object_or_404(Channel.objects.select_related("organisation"), pk=pk)
    if channel.is_offered and consequences(channel):
        messages.error(request, _("First stop offering it."))
        return redirect("admin:channel", pk)
    try:
        with transaction.atomic():
            log_removal(request, channel)
            channel.delete()
    except ProtectedError:
        messages.error(
            request,
            _("%(name)s carried messages, so it stays in the history. Stop offering it instead.")
            % {"name": channel.name},
        )
        return redirect("admin:channel", pk)
    messages.success(request, _("%(name)s is removed.") % {"name": channel.name})
    return redirect("admin:channels")


def urls() -> list[URLPattern]:
    """The pages under /admin/channels/."""
    return [
        page("channels/", overview, "channels"),
        page("channels/new/", choose_kind, "channel_add"),
        page("channels/new/<slug:kind>/<slug:provider>/", add, "channel_new"),
        page("channels/<int:pk>/", edit, "channel"),
        page("channels/<int:pk>/offer/", offer, "channel_offer", post=True),
        page("channels/<int:pk>/move/", shift, "channel_move", post=True),
        page("channels/<int:pk>/test/", test, "channel_test", post=True),
        page("channels/<int:pk>/secret/", channel_secrets.reveal, "channel_secret", post=True),
        page("channels/<int:pk>/pause/", pause, "channel_pause", post=True),
        page("channels/<int:pk>/resume/", resume, "channel_resume", post=True),
        page("channels/<int:pk>/remove/", remove, "channel_remove", post=True),
    ]
