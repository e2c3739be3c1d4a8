"""What we made up and an administrator types at the provider: shown on demand, kept nowhere."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from channels_app import reasons
from channels_app.adapters.base import Misconfigured
from channels_app.adapters.registry import PROVIDERS
from channels_app.models import Channel
from portal.desk.administration import log_change, show
from portal.desk.channel_form import may_be_shown, setting_label


def reveal(request: HttpRequest, pk: int) -> HttpResponse:
    """The value of one setting that is ours to give; what the provider gave us is never shown."""
    channel = get_object_or_404(Channel, pk=pk)
    setting = request.POST.get("setting", "")
    if not may_be_shown(channel, setting):
        raise Http404
    try:
        value = channel.account.setting(setting)
    except Misconfigured as error:
        messages.error(request, reasons.words(error.why))
        return redirect("admin:channel", pk)
    log_change(request, channel, f"Shown: {setting}.")
    return show(
        request,
        "desk/admin_channel_secret.html",
        title=channel.name,
        channel=channel,
        label=setting_label(channel.provider, setting),
        provider=PROVIDERS[channel.provider].label,
        value=value,
    )
