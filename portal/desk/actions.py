"""What a button of the case page does: assign, done, topic, join, move, try again. POST alone."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext as _

from channels_app import assigning, dispatch, leaving, moving, outcomes, routing, switching
from channels_app.models import Delivery
from contacts import addresses, holding, kinds, merging, services
from contacts.models import Case, Choice, Event, Holder, Identity, Message, Topic, User
from portal.desk import addresses as case_addresses
from portal.desk import handing, words
from portal.desk import leaving as gone
from portal.desk.case import address, find
from portal.desk.pages import back, done, page, show, staff_of


def assign(request: HttpRequest, reference: str) -> HttpResponse:
    """To me, to a colleague, to a team, or to nobody; a line may go along."""
    case, staff = find(request, reference), staff_of(request)
    raw = request.POST.get("to", "")
    if raw == "me":
        return claim(request, case)
    line = services.clean_text(request.POST.get("line", ""))[: handing.MAX_LINE]
    to = None
    if team := handing.team_of(raw, case):
        to = assigning.hand_over(case, team, by=staff, line=line)
        if to is None:
            messages.error(request, _("Nobody else of %(name)s is there.") % {"name": team.name})
            return back(request, address(case))
    elif raw:
        people = User.objects.filter(is_staff=True, is_active=True)
        to = get_object_or_404(people, pk=raw) if raw.isdecimal() and len(raw) < 19 else None
        if to is None:
            raise Http404
    services.assign(case=case, to=to, by=staff, line=line)
    text = (
        _("Assigned to %(name)s.") % {"name": to.display_name} if to else _("Assigned to nobody.")
    )
    done(request, text)
    return back(request, address(case))


def claim(request: HttpRequest, case: Case) -> HttpResponse:
    """Take a case that nobody has, or take it over from whom the page named as its owner."""
    staff, owner = staff_of(request), request.POST.get("owner", "")
    instead_of = int(owner) if owner.isdecimal() and len(owner) < 19 else None
    try:
        services.claim(case=case, by=staff, instead_of=instead_of)
    except services.Faster as faster:
        messages.warning(request, words.faster(faster.owner))
    else:
        done(request, _("Assigned to %(name)s.") % {"name": staff.display_name})
    return back(request, address(case))


def resolve(request: HttpRequest, reference: str) -> HttpResponse:
    """The matter is settled; one click takes it back."""
    case = find(request, reference)
    outcomes.resolve(case=case, by=staff_of(request))
    undo = reverse("admin:case_reopen", args=[case.reference])
    done(request, _("%(reference)s is done.") % {"reference": case.reference}, undo=undo)
    return back(request, reverse("admin:cases"))


def reopen(request: HttpRequest, reference: str) -> HttpResponse:
    """Open a resolved case again."""
    case = find(request, reference)
    services.reopen(case=case, by=staff_of(request))
    done(request, _("%(reference)s is open again.") % {"reference": case.reference})
    return redirect(address(case))


def topic(request: HttpRequest, reference: str) -> HttpResponse:
    """What the case is about."""
    case = find(request, reference)
    slug = services.clean_text(request.POST.get("topic", ""))[:50]
    chosen = get_object_or_404(Topic, slug=slug) if slug else None
    if case.topic != chosen:
        services.set_topic(case=case, topic=chosen, by=staff_of(request))
        done(request, _("The topic is changed."))
    return redirect(address(case))


def typed_case(text: str) -> Case | None:
    """The case whose reference was typed, however it was written; None if there is none."""
    raw = "".join(c for c in text.upper() if c.isalnum())[:6]
    return Case.objects.select_related("root").filter(reference=f"{raw[:3]}-{raw[3:]}").first()


def join(request: HttpRequest, reference: str) -> HttpResponse:
    """Join this case to another; from then on they are one."""
    case, into = find(request, reference), typed_case(request.POST.get("into", ""))
    if into is None:
        messages.error(request, _("There is no case with that reference."))
        return redirect(address(case))
    target = into.stem
    if case != target and not request.POST.get("sure"):
        return ask_to_join(request, case, target)
    try:
        merging.join(case=case, into=into, by=staff_of(request))
    except ValueError:
        messages.error(request, _("These cases are one already."))
        return redirect(address(case))
    target = into.stem
    undo = reverse("admin:case_undo_join", args=[target.reference, case.reference])
    data = {"one": case.reference, "other": target.reference}
    done(request, _("%(one)s is joined to %(other)s.") % data, undo=undo)
    return redirect(address(target))


def ask_to_join(request: HttpRequest, case: Case, target: Case) -> HttpResponse:
    """Before two cases become one: whose they are, and what follows for both sides."""
    pairs = [(row, words.customer_name(row.customer, row)) for row in (case, target)]
    choice = target.choice
    answers = words.by(choice.kind) if choice else ""
    if choice and choice.identity:
        answers = _("%(by)s to %(address)s") % {"by": answers, "address": choice.identity}
    return show(
        request,
        "desk/join.html",
        title=_("Join two cases?"),
        case=case,
        target=target,
        pairs=pairs,
        answers=answers,
        strangers=case.customer.top != target.customer.top,
        other_way=bool(case.choice and choice and _way(case.choice) != _way(choice)),
    )


def _way(choice: Choice) -> tuple[str, int | None]:
    return choice.kind, choice.identity_id


def undo_join(request: HttpRequest, reference: str, part: str) -> HttpResponse:
    """Take a joined case out again."""
    case = find(request, reference)
    child = get_object_or_404(Case.objects.select_related("root"), reference=part.upper())
    if child.root_id != case.pk or child.merged_into_id is None:
        messages.error(request, _("These cases are not joined."))
        return redirect(address(case))
    try:
        switching.part(case=child, by=staff_of(request))
    except ValueError:  # a colleague was faster
        messages.error(request, _("These cases are not joined."))
        return redirect(address(case))
    done(request, _("%(reference)s is a case of its own again.") % {"reference": child.reference})
    return redirect(address(child))


def not_the_same(request: HttpRequest, reference: str) -> HttpResponse:
    """The case does not belong to the one that it was thought to."""
    case = find(request, reference)
    case.append(may_belong_to=None)
    done(request, _("It stays a case of its own."))
    return redirect(address(case))


def move(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """Move one message to the case where it belongs."""
    case, into = find(request, reference), typed_case(request.POST.get("into", ""))
    message = get_object_or_404(Message.objects.of(case).select_related("case__root"), pk=pk)
    if into is None:
        messages.error(request, _("There is no case with that reference."))
        return redirect(address(case))
    if why_not := not_movable(case, message, into):
        messages.error(request, why_not)
        return redirect(address(case))
    target = into.stem
    strangers = case.customer.top != target.customer.top
    if strangers and not request.POST.get("sure"):
        return ask_to_move(request, case, message, target)
    merging.move_message(message=message, to=into, by=staff_of(request))
    undo = reverse("admin:case_move_back", args=[target.reference, message.pk])
    done(request, _("Moved to %(reference)s.") % {"reference": target.reference}, undo=undo)
    return redirect(address(case))


def ask_to_move(request: HttpRequest, case: Case, message: Message, target: Case) -> HttpResponse:
    """Before a message comes into the case of somebody else: whose it is, and what follows."""
    pairs = [(row, words.customer_name(row.customer, row)) for row in (case, target)]
    return show(
        request,
        "desk/move.html",
        title=_("Move this message?"),
        strangers=True,
        case=case,
        target=target,
        message=message,
        pairs=pairs,
    )


def move_back(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """Put a message that was moved here back into its place."""
    case = find(request, reference)
    message = get_object_or_404(Message.objects.of(case).select_related("case__root"), pk=pk)
    try:
        home = merging.undo_move(message=message, by=staff_of(request))
    except ValueError:
        messages.error(request, _("The message was not moved here."))
        return redirect(address(case))
    done(request, _("It is back in %(reference)s.") % {"reference": home.stem.reference})
    return redirect(address(home.stem))


def not_movable(case: Case, message: Message, into: Case) -> str:
    """Why a message stays where it is; "" if it may go."""
    if message.direction == Message.Direction.OUT:
        return _("An answer that was sent cannot be moved.")
    if into.stem == case:
        return _("The message is in that case already.")
    others = Message.objects.of(case).filter(direction=Message.Direction.IN).exclude(pk=message.pk)
    is_said = message.direction == Message.Direction.IN
    if is_said and not others.exists():
        return _("It is the only message here: join the cases instead.")
    return ""


def try_again(request: HttpRequest, reference: str, pk: str) -> HttpResponse:
    """Send a failed answer once more, or an uncertain one knowingly."""
    case = find(request, reference)
    here = Delivery.objects.filter(message__case__in=case.member_ids)
    rows = here.select_related("message__case__root", "channel")
    delivery = get_object_or_404(rows, pk=pk)
    try:
        new = dispatch.try_again(delivery, staff_of(request))
    except dispatch.Refusal as refusal:
        messages.error(request, refusal.refused.reason)
        return redirect(address(case))
    if new is None:
        messages.info(request, _("It was tried again already."))
    else:
        done(request, _("It goes once more %(by)s.") % {"by": words.by(new.channel.kind)})
    return redirect(f"{address(case)}#newest")


def customer(request: HttpRequest, reference: str) -> HttpResponse:
    """Name and note of the customer."""
    case = find(request, reference)
    top = case.customer.top
    name = services.clean_text(request.POST.get("name", ""))[:200]
    text = services.clean_text(request.POST.get("note", ""))[:5000]
    if name != top.name:
        holding.rename(top, name)
    if text != top.note:
        top.note = text
        top.save(update_fields=["note"])
    done(request, _("The customer is changed."))
    return redirect(address(case))


def choice(request: HttpRequest, reference: str) -> HttpResponse:
    """The customer asked staff for another way: their choice, noted by staff."""
    case, staff = find(request, reference), staff_of(request)
    data = request.POST
    kind, wish = data.get("kind", ""), services.clean_text(data.get("wish", ""))[:64]
    if kind not in kinds.KINDS:
        raise Http404
    try:
        identity = identity_for(case, kind, data.get("address", ""))
        switching.switch(
            case=case,
            kind=kind,
            identity=identity,
            wish=wish if kind in ("phone", "in_person") else "",
            once=bool(data.get("once")),
            by=Choice.By.STAFF,
            staff=staff,
        )
    except addresses.InvalidAddress as error:
        messages.error(request, " ".join(error.messages))
    except switching.CannotSwitch:
        messages.error(request, _("That way is not offered, or its address is missing."))
    else:
        done(request, _("From now on we answer %(by)s.") % {"by": words.by(kind)})
    return redirect(address(case))


def identity_for(case: Case, kind: str, raw: str) -> Identity | None:
    """The address for a kind: what was typed, now held by the customer, else the one known best."""
    scheme = kinds.get(kind).scheme
    if not scheme:
        return None
    if raw.strip():
        identity = Identity.of(scheme, raw[:400])
        holding.hold(case.customer, identity, how=Holder.How.STAFF)
        return identity
    return routing.known_address(case, kind)


def ask_again(request: HttpRequest, reference: str) -> HttpResponse:
    """The channel of the case is gone: ask its customer to choose another way."""
    case = find(request, reference)
    channel = leaving.gone_of(case)
    going = leaving.of(channel) if channel else None
    asked = leaving.ask(case, going, staff_of(request)) if going else None
    done(request, gone.said(asked))
    return redirect(address(case))


def use_again(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """What went to an address came back, and now it works again: send there as before."""
    case, identity = _address(request, reference, pk)
    kind = request.POST.get("kind", "")
    if identity.open_again(kind, Identity.BOUNCED):
        data = {"identity": pk, "kind": kind}
        case.append(Event(sort=Event.Sort.ADDRESS, staff=staff_of(request), data=data))
    done(request, _("%(address)s is used again.") % {"address": identity})
    return redirect(address(case))


def not_theirs(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """The address is somebody else's now; one click takes it back."""
    case, identity, staff = *_address(request, reference, pk), staff_of(request)
    if moving.end(case.customer.top, identity, by=staff, case=case):
        undo = reverse("admin:case_theirs", args=[case.reference, pk])
        done(request, _("%(address)s is theirs no more.") % {"address": identity}, undo=undo)
    return redirect(address(case))


def theirs(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """The address is theirs after all."""
    case, identity, staff = *_address(request, reference, pk), staff_of(request)
    if moving.give_back(case.customer.top, identity, by=staff, case=case):
        done(request, _("%(address)s is theirs again.") % {"address": identity})
    return redirect(address(case))


def _address(request: HttpRequest, reference: str, pk: int) -> tuple[Case, Identity]:
    """The case, and one of its addresses; Http404 for any other."""
    case = find(request, reference)
    known = {row.identity.pk: row.identity for row in case_addresses.of(case)}
    if pk not in known:
        raise Http404
    return case, known[pk]


def calls(request: HttpRequest, reference: str) -> HttpResponse:
    """The customer asked to be called in this case, or took that back."""
    case = find(request, reference)
    allowed = request.POST.get("allowed") == "1"
    services.allow_calls(case=case, allowed=allowed, by=staff_of(request))
    done(request, _("They may be called.") if allowed else _("They will not be called."))
    return redirect(address(case))


def urls() -> list[URLPattern]:
    """The buttons of the case page."""
    base = "cases/<str:reference>/"
    return [
        page(base + "assign/", assign, "case_assign", post=True),
        page(base + "done/", resolve, "case_done", post=True),
        page(base + "reopen/", reopen, "case_reopen", post=True),
        page(base + "topic/", topic, "case_topic", post=True),
        page(base + "join/", join, "case_join", post=True),
        page(base + "undo-join/<str:part>/", undo_join, "case_undo_join", post=True),
        page(base + "not-the-same/", not_the_same, "case_not_the_same", post=True),
        page(base + "move/<int:pk>/", move, "case_move", post=True),
        page(base + "move/<int:pk>/back/", move_back, "case_move_back", post=True),
        page(base + "again/<uuid:pk>/", try_again, "case_again", post=True),
        page(base + "customer/", customer, "case_customer", post=True),
        page(base + "choice/", choice, "case_choice", post=True),
        page(base + "ask-again/", ask_again, "case_ask_again", post=True),
        page(base + "use-again/<int:pk>/", use_again, "case_use_again", post=True),
        page(base + "not-theirs/<int:pk>/", not_theirs, "case_not_theirs", post=True),
        page(base + "theirs/<int:pk>/", theirs, "case_theirs", post=True),
        page(base + "calls/", calls, "case_calls", post=True),
    ]
