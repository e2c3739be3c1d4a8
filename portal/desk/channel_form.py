"""The form of one channel: texts, promise, weekly hours, and the names of its secrets."""

import re
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from i18nfield.forms import I18nFormField
from i18nfield.strings import LazyI18nString
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from channels_app.adapters.registry import PROVIDERS
from channels_app.models import Channel
from contacts import addresses
from contacts.kinds import EMAIL, MESSAGE, PHONE, Text, get
from portal.desk.fields import LanguageInputs, ReferenceField, WeekField

MAX_PROMISE_HOURS = 60 * 24
APPOINTMENTS = ("takes_appointments", "slot_minutes", "slot_places", "slot_lead_minutes")

# What an administrator reads above a setting; one of a single provider has its name in front.
# Without an entry it is called as the provider's console calls it: account_sid is "Account SID".
SETTING_LABELS: dict[str, Text] = {
    "url": gettext_lazy("Mail server"),
    "authserv": gettext_lazy("Servers whose checks of the sender we believe"),
    "imap": gettext_lazy("Mailbox that mail is read from (IMAP)"),
    "api_key": gettext_lazy("Key to send with"),
    "server_token": gettext_lazy("Server token to send with"),
    "webhook_signing_key": gettext_lazy("Key that signs webhooks"),
    "postmark.webhook_secret": gettext_lazy("User name and password of webhooks"),
    "sender_domain": gettext_lazy("Sending domain"),
    "api_url": gettext_lazy("Address of the provider's interface"),
    "base_url": gettext_lazy("Address of the provider's interface"),
    "jitsi.base_url": gettext_lazy("Address of the Jitsi server"),
}
SETTING_HELPS: dict[str, Text] = {
    "url": gettext_lazy(
        "The variable holds smtp://user:password@host:587?tls=1, or smtps:// and so on."
    ),
    "authserv": gettext_lazy(
        "The variable holds the names in Authentication-Results, with commas. Without it a mail"
        " joins a case by its reply address only."
    ),
    "imap": gettext_lazy(
        "The variable holds imaps://user:password@host:993/INBOX?done=Onecase. Whatever lies in"
        " that folder becomes a case, and is moved to the folder after done=. Empty: mail comes by"
        " another door."
    ),
    "webhook_signing_key": gettext_lazy(
        "Without it nothing that the provider brings is believed. It is not the key to send with."
    ),
    "postmark.webhook_secret": gettext_lazy(
        "The variable holds user:password, both long and made up for this. Without it nothing that"
        " the provider brings is believed."
    ),
    "sender_domain": gettext_lazy("Only where it is another one than that of the mailbox."),
    "api_url": gettext_lazy("Only for another region, like https://api.eu.mailgun.net/v3."),
    "base_url": gettext_lazy("Only where it is not the provider's usual one."),
    "jitsi.base_url": gettext_lazy(
        "The variable holds https://meet.example.org or the like. Its name ends in JITSI_URL, since"
        " browsers get its value."
    ),
    "jitsi.app_id": gettext_lazy(
        "For a server with token authentication: app_id in its Prosody. Without id and secret rooms"
        " are not signed: nobody can guess one, but who has the address of a room can enter it. The"
        " variable's name ends in APP_ID, since browsers get its value."
    ),
    "jitsi.app_secret": gettext_lazy(
        "app_secret in the server's Prosody. With it we sign rooms: where the server asks for that,"
        " only who pressed the button here can enter, until the call is over."
    ),
}
# What else is to be known about the address that the provider calls.
WEBHOOK_HELPS: dict[str, Text] = {
    "postmark": gettext_lazy("With user:password@ before the host."),
}
GIVEN = gettext_lazy(
    "You make it up, long and only for this, and write the same at the provider beside the address"
    " of webhooks. If the variable's name ends in %(ending)s, it can be shown here to copy."
)
SHORT = {"id": "ID", "sid": "SID", "url": "URL", "api": "API"}

# The variables of docs/running.md, which a new channel takes where they are set.
USUAL_VARIABLES = {"url": "EMAIL_URL", "authserv": "TRUSTED_AUTHSERV"}


class ChannelForm(forms.ModelForm):
    """Everything of a channel but whether it is offered, its order and its pauses."""

    title = I18nFormField(
        label=gettext_lazy("Name for customers"),
        widget=LanguageInputs,
        max_length=100,
        required=False,
        help_text=gettext_lazy("Empty: the name of the kind."),
    )
    good_for = I18nFormField(
        label=gettext_lazy("What it is good for"),
        widget=LanguageInputs,
        max_length=200,
        required=False,
    )
    cannot = I18nFormField(
        label=gettext_lazy("What it cannot do"),
        widget=LanguageInputs,
        max_length=200,
        required=False,
    )
    promise_hours = forms.IntegerField(
        label=gettext_lazy("hours"),
        min_value=0,
        max_value=MAX_PROMISE_HOURS,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget(attrs={"min": 0, "max": MAX_PROMISE_HOURS}),
    )
    promise_rest = forms.IntegerField(
        label=gettext_lazy("minutes"),
        min_value=0,
        max_value=59,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget(attrs={"min": 0, "max": 59}),
    )
    weekly_hours = WeekField(label=gettext_lazy("Opening hours"), required=False)

    class Meta:
        model = Channel
        fields = [
            *("name", "address", "title", "good_for", "cannot", "weekly_hours"),
            *("takes_appointments", "slot_minutes", "slot_places", "slot_lead_minutes"),
            *("max_sending", "appends_by_sender"),
        ]
        widgets = {
            "name": UnfoldAdminTextInputWidget,
            "address": UnfoldAdminTextInputWidget,
            "max_sending": UnfoldAdminIntegerFieldWidget(attrs={"min": 1, "max": 100}),
            "appends_by_sender": UnfoldBooleanWidget,
            "takes_appointments": UnfoldBooleanWidget,
            "slot_minutes": UnfoldAdminIntegerFieldWidget(attrs={"min": 5, "max": 480}),
            "slot_places": UnfoldAdminIntegerFieldWidget(attrs={"min": 1, "max": 50}),
            "slot_lead_minutes": UnfoldAdminIntegerFieldWidget(attrs={"min": 0, "max": 20160}),
        }
        help_texts = {
            "name": gettext_lazy("Staff see it in the queue and on the case."),
            "max_sending": gettext_lazy("How many workers may send through it at the same time."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        self.kind = get(row.kind)
        self.provider = PROVIDERS[row.provider]
        if row.pk is None:
            self.initial["name"] = str(self.kind.staff_label)
            self.initial["good_for"] = LazyI18nString.from_gettext(self.kind.good_for)
            self.initial["cannot"] = LazyI18nString.from_gettext(self.kind.cannot)
        if row.promise_minutes is not None:
            hours, minutes = divmod(row.promise_minutes, 60)
            self.initial.update(promise_hours=hours, promise_rest=minutes)
        self._address_field()
        self._automatic_fields()
        if not self.kind.spoken:
            for name in APPOINTMENTS:
                del self.fields[name]
        elif self.kind.by_appointment:
            del self.fields["takes_appointments"]  # there is no other way

    def _address_field(self) -> None:
        field = self.fields["address"]
        if self.kind.name == "email":
            field.label, field.required = _("Mailbox"), True
            field.help_text = _("The address that customers write to, like help@example.org.")
        elif self.kind.name == "in_person":
            field.label, field.required = _("Address of the branch"), True
            field.widget = UnfoldAdminTextareaWidget(attrs={"rows": 3, "id": "id_address"})
            field.help_text = _("Street and number, postcode and town.")
            self.fields["name"].label = _("Name of the branch")
            self.fields["name"].help_text = _("Customers choose a branch by it.")
        elif self.provider.address_pattern:
            field.label, field.required = _("Own address"), True
            field.help_text = self._as_the_provider_has_it()
        else:
            del self.fields["address"]

    def _as_the_provider_has_it(self) -> str:
        provider, example = self.provider.label, self.provider.address_example
        words = _("As %(provider)s has it, like %(example)s.")
        return words % {"provider": provider, "example": example}

    def _automatic_fields(self) -> None:
        """What only a channel with a provider has: settings, and how much at once."""
        adapter = self.provider
        self.references: list[str] = []
        for setting in (*adapter.settings_needed, *adapter.settings_optional):
            name = f"setting_{setting}"
            self.references.append(name)
            usual = "" if self.instance.pk else usual_reference(setting)
            self.initial[name] = self.instance.config.get(setting, usual)
            self.fields[name] = ReferenceField(
                label=setting_label(self.instance.provider, setting),
                help_text=_words(SETTING_HELPS, self.instance.provider, setting)
                or (
                    GIVEN % {"ending": setting.upper()} if setting in adapter.settings_given else ""
                ),
                required=setting in adapter.settings_needed,
                ending=adapter.settings_seen.get(setting, ""),
            )
        can = adapter.capabilities(self.kind.name)
        if not self.references or not can.automatic:
            del self.fields["max_sending"]
        if self.kind.group != MESSAGE or can.authenticates_sender:
            del self.fields["appends_by_sender"]  # mail has its own proof; others say who writes

    def webhook_url(self) -> str:
        """What an administrator gives to the provider; "" where it calls nobody, or not yet."""
        row = self.instance
        if row.pk is None or not self.provider.webhooks:
            return ""
        return settings.PUBLIC_URL + reverse("webhook", args=[row.slug])

    def webhook_help(self) -> Text:
        """What else the provider must know about that address."""
        return WEBHOOK_HELPS.get(self.instance.provider, "")

    def settings(self) -> list[tuple[forms.BoundField, str, bool, str]]:
        """Each reference, the name of its variable, whether that is set, what may be shown of it.

        The last is the setting's name where we made its value up, and it is stored and set.
        """
        found = []
        for name in self.references:
            reference = str(self.initial.get(name, ""))
            setting, is_set = name.removeprefix("setting_"), ReferenceField.is_set(reference)
            ours = is_set and self.instance.pk and may_be_shown(self.instance, setting)
            variable = reference.removeprefix("env:")
            found.append((self[name], variable, is_set, setting if ours else ""))
        return found

    def clean_name(self) -> str:
        """Names tell channels apart, for staff and (branches) for customers."""
        name: str = self.cleaned_data["name"]
        others = Channel.objects.exclude(pk=self.instance.pk)
        if others.filter(name__iexact=name).exists():
            raise ValidationError(_("Another channel has this name already."))
        return name

    def clean_address(self) -> str:
        """A mailbox or number in its one spelling, no other channel's; a branch on one line."""
        typed: str = self.cleaned_data.get("address", "")
        if self.kind.name == "email":
            return self._alone(addresses.normalise(EMAIL, typed))
        if self.provider.address_pattern:
            return self._alone(self._own_address(typed.strip()))
        lines = (" ".join(line.split()).strip(",") for line in typed.splitlines())
        return ", ".join(line for line in lines if line)

    def _alone(self, address: str) -> str:
        """What comes in to an address must find one channel."""
        others = Channel.objects.exclude(pk=self.instance.pk)
        if others.filter(kind=self.kind.name, address__iexact=address).exists():
            if self.kind.name == "email":
                raise ValidationError(_("Another channel has this mailbox already."))
            raise ValidationError(_("Another channel has this address already."))
        return address

    def _own_address(self, typed: str) -> str:
        """As the provider writes it; of a number any spelling will do."""
        fits = re.compile(self.provider.address_pattern).fullmatch
        if not fits(typed) and self.kind.scheme == PHONE:
            typed = addresses.normalise(PHONE, typed)
        if not fits(typed):
            raise ValidationError(self._as_the_provider_has_it())
        return typed

    def clean_max_sending(self) -> int:
        """At least one, or nothing would ever leave."""
        number: int = self.cleaned_data["max_sending"]
        if not 1 <= number <= 100:
            raise ValidationError(_("Write a number from 1 to 100."))
        return number

    def clean(self) -> dict[str, Any]:
        """The promise in minutes, the settings as references, an address part for a new one."""
        cleaned: dict[str, Any] = super().clean() or {}
        row = self.instance
        if cleaned.get("takes_appointments") and not cleaned.get("weekly_hours"):
            self.add_error(
                "takes_appointments", _("Write opening hours first: the times lie within them.")
            )
        parts = (cleaned.get("promise_hours"), cleaned.get("promise_rest"))
        row.promise_minutes = (parts[0] or 0) * 60 + (parts[1] or 0) if any(parts) else None
        config = dict(row.config)
        for name in self.references:
            config.pop(name.removeprefix("setting_"), None)
            if cleaned.get(name):
                config[name.removeprefix("setting_")] = cleaned[name]
        row.config = config
        if not row.slug:
            row.slug = free_slug(cleaned.get("name", ""), row.kind)
        return cleaned


def usual_reference(setting: str) -> str:
    """What a new channel refers to: the portal's own variable, where that is set."""
    reference = USUAL_VARIABLES.get(setting, "")
    return f"env:{reference}" if ReferenceField.is_set(reference) else ""


def free_slug(name: str, kind: str) -> str:
    """An address part from a name that no other channel has."""
    base = slugify(name)[:40] or re.sub("_", "-", kind)
    taken = set(Channel.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    numbers = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return next(slug for slug in (base, *numbers) if slug not in taken)


def may_be_shown(channel: Channel, setting: str) -> bool:
    """Whether an administrator may see its value: ours to give, and by its name meant for it.

    Without the name whoever may change a channel could point it at any secret of the portal.
    """
    adapter = PROVIDERS.get(channel.provider)
    variable = str(channel.config.get(setting, ""))
    named = variable.removeprefix("env:").endswith(setting.upper())
    return adapter is not None and setting in adapter.settings_given and named


def setting_label(provider: str, setting: str) -> Text:
    """A setting as the provider's console calls it: account_sid is "Account SID"."""
    if known := _words(SETTING_LABELS, provider, setting):
        return known
    first, *rest = (SHORT.get(word, word) for word in setting.split("_"))
    return " ".join([first[:1].upper() + first[1:], *rest])


def _words(table: dict[str, Text], provider: str, setting: str) -> Text:
    return table.get(f"{provider}.{setting}") or table.get(setting, "")
