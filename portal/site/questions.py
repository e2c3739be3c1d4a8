"""My questions: what this browser may see, newest change first."""

from django.core.paginator import Paginator
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from channels_app import todos
from contacts.models import Case
from contacts.viewers import NOBODY
from portal import access
from portal.site import strips

A_PAGE = 20


@never_cache
@require_safe
def questions(request: HttpRequest) -> HttpResponse:
    """The list; who is nobody yet is asked to sign in."""
    viewer = access.viewer_of(request)
    if viewer == NOBODY:
        return redirect("site:sign_in")
    # EXPLAIN at 100,000 cases: keys by the indexes of customer and root, then the primary key.
    seen = Case.objects.visible_to(viewer).values_list(Coalesce("root", "pk"))
    listed = Case.objects.stems().filter(pk__in=seen).order_by("-changed_at", "-pk")
    listed = listed.select_related("choice", "choice__identity")
    page = Paginator(listed, A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "calls": todos.calls_to_come(page.object_list),
        "customer": access.signed_in_customer(request),
        "strips": strips.take(request),
    }
    return render(request, "site/questions.html", context)
