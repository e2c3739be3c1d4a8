"""What goes along when an address joins a case: the question that it asked here a moment ago.

Who writes from an address that nobody knows opens a new case, and is offered to send the code of
an older one (the acknowledgement says so). Both then become one, and whoever may read the older
one reads the new one too: so it is said in the question that their YES answers, and never happens
without it. A case that anybody else has a part in stays what it is.
"""

from datetime import timedelta

from django.utils import timezone

from channels_app import dispatch
from contacts import codes
from contacts.models import Case, Choice, Identity, Message, Question
from contacts.models.case import CaseQuerySet

LATELY = timedelta(days=1)


def found(identity: Identity, stem: Case) -> Case | None:
    """The case that would go along into `stem`: the only one that this address opened lately."""
    cases = list(_opened(identity, stem)[:2])
    return cases[0] if len(cases) == 1 and _is_alone(identity, cases[0]) else None


def agreed(question: Question, identity: Identity, stem: Case) -> Case | None:
    """The case that the question named, if it is still alone. Locks both until the end.

    One after the other by their keys, as joining does.
    """
    if not question.options:
        return None
    both = Case.objects.select_for_update().filter(pk__in=[*question.options, stem.pk])
    list(both.order_by("pk").values_list("pk"))
    case = _opened(identity, stem).filter(pk__in=question.options).first()
    return case if case is not None and _is_alone(identity, case) else None


def _opened(identity: Identity, stem: Case) -> CaseQuerySet:
    """Open cases of a day that this address wrote and is answered in."""
    own = Case.objects.open().filter(choice__identity=identity, choice__by=Choice.By.WRITING)
    lately = own.filter(opened_at__gte=timezone.now() - LATELY, organisation=stem.organisation_id)
    return lately.exclude(pk=stem.pk).select_related("customer", "choice").order_by("pk")


def _is_alone(identity: Identity, case: Case) -> bool:
    """Whether nobody but this address, which nobody knew, has a part in it or was let in."""
    own = {"direction": Message.Direction.IN, "identity": identity, "staff": None}
    ours = {"direction": Message.Direction.OUT, "template": dispatch.ACKNOWLEDGEMENT}
    others = case.messages.exclude(**own).exclude(**ours)
    ways = case.choices.exclude(identity=identity, by=Choice.By.WRITING)
    let_in = case.codes.exclude(purpose=codes.REPLY).exclude(
        purpose=codes.CASE_LINK, identity=identity
    )
    rows = (others, ways, let_in, Case.objects.filter(root=case))
    return case.is_by_stranger and not any(found.exists() for found in rows)
