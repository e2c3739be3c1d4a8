"""The advice: every factor with its source and its weight, and a place to try it."""

from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from channels_app.advice.evidence import Found, Rate
from channels_app.advice.factors import BY_SLUG, FACTORS, Factor
from channels_app.advice.ranking import Advice, Weights, recommend, suggested, weight
from channels_app.advice.sentences import sentence
from channels_app.advice.situation import Offered
from channels_app.models import Weight
from channels_app.models.weight import MOST
from contacts.kinds import KINDS, Kind
from contacts.models import Case, Customer, Topic
from portal.context import site_of, topics
from portal.desk.administration import log_change, log_removal, page, show
from portal.site import ways
from portal.site.suggested import MATTERS, Asked, found, situation, weights

SAME = 0.005  # points: nearer than what is shown is the same
THERE = (
    ("", gettext_lazy("as it is now")),
    ("all", gettext_lazy("somebody everywhere")),
    ("nobody", gettext_lazy("nobody")),
)


@dataclass(frozen=True)
class Figure:
    """What one factor weighs for one kind, in points."""

    kind: Kind
    published: float
    points: float

    @property
    def is_own(self) -> bool:
        """Whether an administrator set another one."""
        return abs(self.points - self.published) >= SAME

    @property
    def shown(self) -> str:
        """With its sign: +1.40."""
        return f"{self.points:+.2f}"


def figures(factor: Factor, own: Weights) -> list[Figure]:
    """What a factor weighs for every kind that it speaks of."""
    rows = (Figure(k, factor.published(k), weight(factor, k, own)) for k in KINDS.values())
    return [row for row in rows if row.points or row.published]


@dataclass(frozen=True)
class Learned:
    """What was counted of one kind, in the page's words."""

    kind: Kind
    found: Found

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Each share: its name, and what was expected, counted and made of it."""
        return [
            (_("Chosen"), _moved(self.found.chosen)),
            (_("Question answered"), _moved(self.found.resolved)),
            (_("Had to repeat"), _moved(self.found.repeated)),
        ]


def _moved(rate: Rate) -> str:
    if not rate.counted:
        return _("expected %(prior)s, nothing counted") % {"prior": f"{100 * rate.prior:.0f} %"}
    return _("expected %(prior)s, counted %(yes)s of %(total)s, now %(result)s") % {
        "prior": f"{100 * rate.prior:.0f} %",
        "yes": rate.yes,
        "total": rate.counted,
        "result": f"{100 * rate.result:.0f} %",
    }


class WeightsForm(forms.Form):
    """The weights of one factor: a field for each kind, empty where the published one holds."""

    def __init__(self, factor: Factor, own: Weights, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.factor = factor
        for kind in KINDS.values():
            set_here = own.get((factor.slug, kind.name))
            self.fields[kind.name] = forms.FloatField(
                label=str(kind.staff_label),
                required=False,
                min_value=-MOST,
                max_value=MOST,
                initial=None if set_here is None else round(set_here, 2),
                widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
                help_text=_("Published: %(points)s") % {"points": f"{factor.published(kind):+.2f}"},
            )

    def points(self) -> dict[str, float]:
        """What differs from the published figures."""
        typed = {name: value for name, value in self.cleaned_data.items() if value is not None}
        return {
            name: value
            for name, value in typed.items()
            if abs(value - self.factor.published(KINDS[name])) >= SAME
        }


class SituationForm(forms.Form):
    """A situation to try."""

    topic = forms.ModelChoiceField(
        Topic.objects.none(),
        label=gettext_lazy("Topic"),
        required=False,
        to_field_name="slug",
        empty_label=gettext_lazy("not said"),
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["topic"].queryset = Topic.objects.offered()  # type: ignore[attr-defined]
        said = ("", _("not said"))
        kinds = [(kind.name, kind.staff_label) for kind in KINDS.values()]
        for name, label, choices in (
            ("how_soon", _("How soon?"), [said, *Case.HowSoon.choices]),
            ("matters", _("What matters most?"), [said, *MATTERS.items()]),
            ("relation", _("Relation"), Customer.Relation.choices),
            ("age", _("Age group, if they told it"), [said, *Customer.AgeBand.choices]),
            ("preferred", _("Their usual channel"), [said, *kinds]),
            ("there", _("Who is there?"), THERE),
        ):
            self.fields[name] = forms.ChoiceField(
                label=label, choices=choices, required=False, widget=UnfoldAdminSelectWidget
            )


def overview(request: HttpRequest) -> HttpResponse:
    """Every factor with its sentence, its source and its weights."""
    own = weights()
    rows = [(factor, figures(factor, own)) for factor in FACTORS]
    return show(request, "desk/admin_advice.html", title=_("Advice"), rows=rows)


def edit(request: HttpRequest, factor: str) -> HttpResponse:
    """Weigh one factor otherwise."""
    wanted = _factor(factor)
    form = WeightsForm(wanted, Weight.objects.own(), request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            for row in Weight.objects.keep(wanted.slug, form.points()):
                log_change(request, row, "Points.")
        messages.success(request, _("Saved. Customers see it at once."))
        return redirect("admin:advice")
    return show(
        request,
        "desk/admin_advice_factor.html",
        title=str(wanted.name),
        factor=wanted,
        form=form,
        status=422 if form.errors else 200,
    )


def reset(request: HttpRequest, factor: str) -> HttpResponse:
    """Back to the published figures."""
    wanted = _factor(factor)
    with transaction.atomic():
        for row in Weight.objects.filter(factor=wanted.slug):
            log_removal(request, row)
            row.delete()
    messages.success(request, _("%(name)s: the published figures hold.") % {"name": wanted.name})
    return redirect("admin:advice")


def heard(request: HttpRequest) -> HttpResponse:
    """What customers chose and said afterwards, beside what was expected, for one topic."""
    offered = [topic for topic in topics() if topic.is_active]
    slug = request.GET.get("topic", "")
    topic = next((topic for topic in offered if topic.slug == slug), None)
    rows = ways.make(site_of(request).board, timezone.now())
    evidence = found(situation(rows, Asked(topic)), topic)
    return show(
        request,
        "desk/admin_advice_found.html",
        title=_("What customers found"),
        topics=offered,
        topic=topic,
        rows=[Learned(KINDS[name], row) for name, row in evidence.items()],
    )


def attempt(request: HttpRequest) -> HttpResponse:
    """Set a situation, and see the ranking with its arithmetic."""
    form = SituationForm(request.GET or None)
    told = form.cleaned_data if form.is_bound and form.is_valid() else {}
    ranked = _ranked(request, told)
    best = suggested(ranked)
    return show(
        request,
        "desk/admin_advice_try.html",
        title=_("Try the advice"),
        form=form,
        ranked=ranked,
        best=best,
        sentence=sentence(best) if best else "",
        status=422 if form.errors else 200,
    )


def _ranked(request: HttpRequest, told: dict[str, Any]) -> list[Advice]:
    rows = ways.make(site_of(request).board, timezone.now())
    asked = Asked(told.get("topic"), told.get("how_soon", ""), told.get("matters", ""))
    told_now = situation(rows, asked)
    there = told.get("there")
    offers = told_now.offers
    if there:
        offers = tuple(_with(row, is_there=there == "all") for row in offers)
    return recommend(
        replace(
            told_now,
            offers=offers,
            relation=told.get("relation", ""),
            age=told.get("age", ""),
            preferred=told.get("preferred", ""),
        ),
        weights(),
    )


def _with(row: Offered, *, is_there: bool) -> Offered:
    """As if everybody were there, or nobody."""
    is_open = is_there or not row.live
    return replace(row, is_open=is_open, nobody_free=row.kind.rings and not is_there)


def _factor(slug: str) -> Factor:
    if slug not in BY_SLUG:
        raise Http404
    return BY_SLUG[slug]


def urls() -> list[URLPattern]:
    """The pages under /admin/advice/."""
    return [
        page("advice/", overview, "advice"),
        page("advice/try/", attempt, "advice_try"),
        page("advice/found/", heard, "advice_found"),
        page("advice/factors/<slug:factor>/", edit, "advice_factor"),
        page("advice/factors/<slug:factor>/reset/", reset, "advice_reset", post=True),
    ]
