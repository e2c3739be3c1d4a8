"""Record a contact: a call, a visit or a letter that came in, on one screen."""

import uuid
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from channels_app import opening, outcomes, switching
from channels_app.promises import Offer
from contacts import addresses, holding, kinds, services
from contacts.models import (
    Case,
    Choice,
    Customer,
    Holder,
    Identity,
    Message,
    Organisation,
    Topic,
    User,
)
from portal import access
from portal.context import site_of, topics
from portal.desk import composer, confirm, facts, people
from portal.desk.actions import identity_for
from portal.desk.pages import done, page, part, reading, show, staff_of

CAME_BY = {
    "phone": pgettext_lazy("a way a contact came in", "Call"),
    "in_person": gettext_lazy("Visit"),
    "letter": gettext_lazy("Letter"),
}
AS_BEFORE = "as_before"


class RecordForm(forms.Form):
    """What was said, by whom, and how they want the answer."""

    came_by = forms.ChoiceField(choices=list(CAME_BY.items()), initial="phone")
    q = forms.CharField(required=False, max_length=200)
    into = forms.CharField(required=False, max_length=40)
    name = forms.CharField(required=False, max_length=200)
    text = forms.CharField(max_length=services.MAX_TEXT)
    kind = forms.CharField(required=False, max_length=32)
    email = forms.CharField(required=False, max_length=400)
    phone = forms.CharField(required=False, max_length=400)
    post = forms.CharField(required=False, max_length=400)
    wish = forms.CharField(required=False, max_length=64)
    branch = forms.CharField(required=False, max_length=64)
    topic = forms.SlugField(required=False)
    language = forms.ChoiceField(choices=settings.LANGUAGES, required=False)
    settled = forms.BooleanField(required=False)
    client_key = forms.UUIDField(initial=uuid.uuid4)

    default_error_messages = {"required": gettext_lazy("Write what was said.")}

    def __init__(self, *args: Any, offers: list[Offer], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offers = {offer.kind.name: offer for offer in offers}
        self.customer: Customer | None = None
        self.case: Case | None = None
        self.fields["text"].error_messages["required"] = _("Write what was said.")

    def clean_topic(self) -> Topic | None:
        """The topic of that slug."""
        slug = self.cleaned_data["topic"]
        topic = Topic.objects.filter(slug=slug).first() if slug else None
        if slug and topic is None:
            raise ValidationError(_("This topic is not there any more."))
        return topic

    def clean(self) -> dict[str, Any]:
        """Who it is, and where the answer can go."""
        data = super().clean() or self.cleaned_data
        self._clean_into(data)
        self._clean_kind(data)
        return data

    def _clean_into(self, data: dict[str, Any]) -> None:
        sort, _colon, value = str(data.get("into", "")).partition(":")
        if sort == "case":
            case = Case.objects.select_related("root").filter(reference=value.upper()).first()
            self.case = case.stem if case else None
        elif sort == "customer" and value.isdecimal() and len(value) < 19:
            found = Customer.objects.select_related("root").filter(pk=value).first()
            self.customer = found.top if found else None
        if self.case or self.customer:
            return
        if sort != "new":
            self.add_error("q", _("Say who it is: choose from the list, or a new customer."))
        elif not self._new_name(data):
            self.add_error("name", _("Write a name."))

    @staticmethod
    def _new_name(data: dict[str, Any]) -> str:
        return services.clean_text(str(data.get("name") or ""))

    def _clean_kind(self, data: dict[str, Any]) -> None:
        if self.case and not data.get("kind"):
            data["kind"] = AS_BEFORE  # the case knows it, and nothing else was said
        kind = data.get("kind", "")
        if kind == AS_BEFORE and (self.case or self._newest() is not None):
            return
        if kind not in self.offers:
            self.add_error("kind", _("Ask how they want the answer, and choose it here."))
            return
        scheme = kinds.get(kind).scheme
        if scheme:
            self._clean_address(data, scheme)

    def _clean_address(self, data: dict[str, Any], scheme: str) -> None:
        typed = data.get(scheme, "") or (
            data.get("q", "") if people.address_scheme(data.get("q", "")) == scheme else ""
        )
        if not typed and self._known(scheme) is not None:
            data["address"] = ""
            return
        try:
            addresses.normalise(scheme, typed)
        except addresses.InvalidAddress as error:
            self.add_error(scheme, error)
            return
        data["address"] = typed

    def _newest(self) -> Choice | None:
        """How the customer wanted the answer last time."""
        if self.customer is None:
            return None
        own = Customer.objects.family({self.customer.top_id})
        case = Case.objects.stems().filter(customer__in=own).exclude(choice=None)
        newest = case.select_related("choice__identity").order_by("-changed_at").first()
        return newest.choice if newest else None

    def _known(self, scheme: str) -> Identity | None:
        person = self.case.customer.top if self.case else self.customer
        if person is None:
            return None
        own = Customer.objects.family({person.pk})
        holder = Holder.objects.current().filter(customer__in=own, identity__scheme=scheme)
        found = holder.best_first().first()
        return found.identity if found else None

    def answer(self) -> tuple[str, str, str]:
        """Kind, address as typed or known, and wish of the answer to a new case."""
        data = self.cleaned_data
        kind = data["kind"]
        if kind == AS_BEFORE:
            before = self._newest()
            assert before is not None
            return before.kind, before.identity.value if before.identity else "", ""
        scheme = kinds.get(kind).scheme
        known = self._known(scheme) if scheme and not data.get("address") else None
        return kind, known.value if known else data.get("address", ""), self.wished()

    def wished(self) -> str:
        """When to call, or which branch."""
        data = self.cleaned_data
        if data["kind"] == "phone":
            return data["wish"] if data["wish"] in opening.WISHES else ""
        branches = self.offers["in_person"].channels if "in_person" in self.offers else ()
        wanted = data["branch"] if data["kind"] == "in_person" else ""
        return wanted if wanted in {channel.slug for channel in branches} else ""


def record(request: HttpRequest) -> HttpResponse:
    """The screen; errors keep everything that was typed."""
    site = site_of(request)
    organisation, offers = site.organisation, site.board
    if request.method != "POST":
        reference = request.GET.get("case", "")[:10]
        initial = {
            "q": reference or request.GET.get("q", "")[:200],
            "language": organisation.languages[0] if organisation.languages else "en",
            "client_key": uuid.uuid4(),
            "came_by": request.GET.get("came_by", "phone"),
        }
        return _screen(request, RecordForm(initial=initial, offers=offers), offers)
    form = RecordForm(request.POST, offers=offers)
    if request.POST.get("find") or not form.is_valid():
        status = 200 if request.POST.get("find") else 422
        return _screen(request, form, offers, status)
    return _save(request, form, offers, organisation)


def _screen(
    request: HttpRequest, form: RecordForm, offers: list[Offer], status: int = 200
) -> HttpResponse:
    query = str(form["q"].value() or "")
    found = people.find(query)
    is_answer_shown = form.is_bound and not request.POST.get("find")
    people_shown = _people(
        query, found, str(form["into"].value() or ""), str(form["name"].value() or "")
    )
    return show(
        request,
        "desk/record.html",
        title=_("Record a contact"),
        status=status,
        form=form,
        errors=_errors(form) if is_answer_shown else [],
        offers=offers,
        came_by=CAME_BY,
        topics=topics(),
        wishes=opening.WISHES,
        languages=settings.LANGUAGES,
        as_before=AS_BEFORE,
        kind=_kind(form, people_shown["into"]),
        **_card(people_shown["into"]),
        **people_shown,
    )


def _kind(form: RecordForm, into: str) -> str:
    """The way that stands chosen: a case that is known keeps its own until another is asked for."""
    return str(form["kind"].value() or "") or (AS_BEFORE if into.startswith("case:") else "")


def _errors(form: RecordForm) -> list[tuple[str, str]]:
    """Field and sentence, for the list on top."""
    return [(name, str(text)) for name, texts in form.errors.items() for text in texts]


def _people(query: str, found: people.Found, into: str, name: str) -> dict[str, Any]:
    is_name = bool(query.strip()) and not (
        people.address_scheme(query) or any(c.isdecimal() for c in query)
    )
    into = into or found.into or ("new" if found.is_empty and query.strip() else "")
    return {
        "query": query,
        "found": found,
        "into": into,
        "new_name": name or (query.strip() if is_name else ""),
    }


def _card(into: str) -> dict[str, Any]:
    """The story of the case that stands chosen, so that nobody asks on the phone what it tells."""
    reference = into.removeprefix("case:").upper()[:10]
    if not into.startswith("case:"):
        return {}
    cases = Case.objects.select_related(*access.TOLD_WITH).with_family()
    case = cases.filter(reference=reference).first()
    if case is None or case.root_id:
        return {}
    return {"case": case, "story": facts.story_of(case)}


@reading
def story(request: HttpRequest) -> HttpResponse:
    """The card of the case that was chosen just now."""
    context = _card(request.GET.get("into", "")[:40])
    return part(request, "desk/_record_story.html", **context)


@reading
def search(request: HttpRequest) -> HttpResponse:
    """Who fits what was typed so far."""
    query = request.GET.get("q", "")[:200]
    context = _people(query, people.find(query), "", "")
    return part(request, "desk/_people.html", **context)


def _save(
    request: HttpRequest, form: RecordForm, offers: list[Offer], organisation: Organisation
) -> HttpResponse:
    staff = staff_of(request)
    try:
        with transaction.atomic():
            files = composer.files_of(request)
            case = (
                _into_case(form, form.case, staff, files)
                if form.case
                else _new_case(form, staff, files, organisation)
            )
            _use_code(form, case)
    except (opening.NotOffered, switching.CannotSwitch):
        form.add_error("kind", _("This way is not offered any more. Choose another one."))
    except ValidationError as error:
        form.add_error(None, error)
    else:
        if form.cleaned_data["settled"]:
            outcomes.resolve(case=case, by=staff)
        done(request, _("Recorded in %(reference)s.") % {"reference": case.reference})
        said = case.messages.filter(direction=Message.Direction.IN, staff=staff).latest("seq")
        key = str(form.cleaned_data["client_key"])
        return redirect(confirm.after(case, said, saved=key, then="case"))
    return _screen(request, form, offers, 422)


def _new_case(form: RecordForm, staff: User, files: list[Any], organisation: Organisation) -> Case:
    data = form.cleaned_data
    if found := Case.objects.filter(client_key=data["client_key"]).first():
        return found
    kind, address, wish = form.answer()
    person = form.customer or _new_customer(data, kind, address)
    case = opening.open_case(
        organisation=organisation,
        text=data["text"],
        came_by=data["came_by"],
        kind=kind,
        address=address,
        wish=wish,
        topic=data["topic"],
        language=person.language,
        files=files,
        client_key=data["client_key"],
        customer=person,
        staff=staff,
        calls_allowed=kind == "phone",
    )
    if case.assignee is None:
        services.assign(case=case, to=staff, by=staff)
    return case


def _new_customer(data: dict[str, Any], kind: str, address: str) -> Customer:
    """Who was said to be new is new, though others of the house may hold the same address.

    Only the same name at the same address is the same person.
    """
    name = services.clean_text(data["name"])
    scheme = kinds.get(kind).scheme
    if scheme:
        value = addresses.normalise(scheme, address)
        held = Customer.objects.filter(
            holders__ended_at=None,
            holders__identity__scheme=scheme,
            holders__identity__value=value,
        )
        for customer in held.select_related("root")[:20]:
            if customer.top.name.casefold() == name.casefold():
                return customer.top
    language = data["language"] or settings.LANGUAGE_CODE
    return holding.customer_for(None, name=name, language=language)


def _into_case(form: RecordForm, case: Case, staff: User, files: list[Any]) -> Case:
    data = form.cleaned_data
    key = data["client_key"]
    if case.messages.filter(client_key=key).exists():
        return case
    services.file_message(
        case=case,
        kind=data["came_by"],
        text=data["text"],
        staff=staff,
        files=files,
        client_key=key,
    )
    if data["topic"] and data["topic"] != case.topic:
        services.set_topic(case=case, topic=data["topic"], by=staff)
    if data["kind"] != AS_BEFORE:
        switching.switch(
            case=case,
            kind=data["kind"],
            identity=identity_for(case, data["kind"], data.get("address", "")),
            wish=form.wished(),
            by=Choice.By.STAFF,
            staff=staff,
        )
    return case


def _use_code(form: RecordForm, case: Case) -> None:
    """A code that was typed to find this case is used up: it works once."""
    code = people.find_code(form.cleaned_data["q"])
    if code is not None and code.case is not None and code.case.stem == case.stem:
        code.redeem()


def from_case(request: HttpRequest, reference: str) -> HttpResponse:
    """Record a contact from a case: the same screen, with its person chosen."""
    case = access.visible_case(access.staff_viewer(request.user), reference)
    return redirect(f"{reverse('admin:record')}?case={case.reference}")


def urls() -> list[URLPattern]:
    """The screen and its search."""
    return [
        page("record/", record, "record"),
        page("record/people/", search, "record_people"),
        page("record/story/", story, "record_story"),
        page("cases/<str:reference>/record/", reading(from_case), "case_record"),
    ]
