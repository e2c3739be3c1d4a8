"""The panel that makes a provider misbehave."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from portal.simulator import handset, telephones
from portal.simulator.providers import courier, moods
from portal.simulator.telephones import App


@require_http_methods(["GET", "POST"])
def panel(request: HttpRequest) -> HttpResponse:
    """What is on for each provider; a POST switches one thing, or everything off."""
    if request.method == "POST":
        _switch(request.POST.get("app", ""), request.POST.get("mood", ""))
        return redirect("demo:panel")
    rows = [
        (App(app), [(mood, mood in moods.active(app)) for mood in moods.of_app(app)])
        for app in moods.PROVIDERS
    ]
    number = telephones.current(request)
    context = {**handset.context_of(request, number), "tab": "panel", "rows": rows}
    return render(request, "demo/panel.html", context)


def _switch(app: str, name: str) -> None:
    if name == "normal":
        for one in moods.PROVIDERS if app == "all" else [app]:
            courier.take(moods.normal(telephones.provider_of(one).app))
        return
    provider = telephones.provider_of(app)
    if name not in {mood.name for mood in moods.of_app(app)}:
        raise Http404
    courier.take(moods.switch(app, name, on=not provider.is_on(name)))
