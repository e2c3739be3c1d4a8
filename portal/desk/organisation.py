"""The organisation: name, looks, phone number, languages; one page with a preview."""

import io
import uuid
import zoneinfo
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from i18nfield.forms import I18nFormField
from PIL import Image, ImageOps
from unfold.widgets import (
    INPUT_CLASSES,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from contacts import addresses
from contacts.kinds import PHONE
from contacts.models import Customer, Organisation
from portal import colours, framed
from portal.desk.administration import language_name, page, save, show
from portal.desk.fields import LanguageAreas
from portal.desk.origins import OriginsField

# An SVG can carry script, so that it is no picture for us.
FORMATS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}
MAX_LOGO_BYTES = 1024 * 1024
MAX_OWNER_MINUTES = 60 * 24 * 7
MAX_LOGO_SIDE = 2000  # pixels: bounds the memory that decoding takes


def time_zones() -> list[tuple[str, str]]:
    """Every zone by its place, without the abbreviations that are no place."""
    names = (name for name in zoneinfo.available_timezones() if "/" in name)
    places = sorted(n for n in names if not n.startswith(("Etc/", "SystemV/", "posix/", "right/")))
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in places)]


def read_logo(file: UploadedFile) -> "ContentFile":
    """The picture drawn anew, without what else its bytes may hold. Raises ValidationError."""
    if not file.size or file.size > MAX_LOGO_BYTES:
        raise ValidationError(
            _("The logo can be at most %(size)s.") % {"size": filesizeformat(MAX_LOGO_BYTES)}
        )
    file.seek(0)
    try:
        with Image.open(file, formats=list(FORMATS)) as picture:
            if max(picture.size) > MAX_LOGO_SIDE:
                raise ValidationError(
                    _("The logo can be at most %(side)s pixels wide and high.")
                    % {"side": MAX_LOGO_SIDE}
                )
            kind, drawn = str(picture.format), io.BytesIO()
            upright = ImageOps.exif_transpose(picture)
            upright.save(drawn, format=kind, quality=90)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise ValidationError(_("Choose a PNG, JPEG or WebP picture.")) from None
    return ContentFile(drawn.getvalue(), name=f"{uuid.uuid4().hex}.{FORMATS[kind]}")


class OrganisationForm(forms.ModelForm):
    """What customers see of the organisation."""

    logo = forms.FileField(
        label=gettext_lazy("Logo"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
        help_text=gettext_lazy("PNG, JPEG or WebP, at most 1 MB. It is shown 40 pixels high."),
    )
    remove_logo = forms.BooleanField(label=gettext_lazy("Show the name instead"), required=False)
    languages = forms.MultipleChoiceField(
        label=gettext_lazy("Languages"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one language.")},
    )
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        choices=time_zones,
        widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy("Opening hours and promises are counted in it."),
    )
    welcome = I18nFormField(
        label=gettext_lazy("Welcome text"),
        widget=LanguageAreas,
        max_length=500,
        required=False,
        help_text=gettext_lazy("Stands above the question on the start page. Empty: nothing."),
        widget_kwargs={"attrs": {"rows": 3}},
    )
    privacy_url = forms.URLField(
        label=gettext_lazy("Privacy statement"),
        required=False,
        assume_scheme="https",
        widget=forms.URLInput(attrs={"class": " ".join(INPUT_CLASSES), "placeholder": "https://"}),
        help_text=gettext_lazy("Its address; the link stands at the foot of every page."),
    )

    widget_origins = OriginsField(
        label=gettext_lazy("Pages with the widget"),
        required=False,
        widget=UnfoldAdminTextareaWidget(
            attrs={"rows": 3, "spellcheck": "false", "placeholder": "https://www.example.org"}
        ),
        help_text=gettext_lazy(
            "The beginning of each site's address, one a line. Nobody else can show it."
        ),
    )

    class Meta:
        model = Organisation
        fields = [
            "name",
            "brand_colour",
            "phone",
            "address",
            "languages",
            "time_zone",
            "welcome",
            "privacy_url",
            "asks_outcome",
            "uses_age_band",
            "owner_within_minutes",
            "widget_origins",
            "logo",
        ]
        widgets = {
            "name": UnfoldAdminTextInputWidget(attrs={"autocomplete": "organization"}),
            "brand_colour": UnfoldAdminTextInputWidget(
                attrs={"class": "adm-mono", "maxlength": 7, "spellcheck": "false"}
            ),
            "phone": UnfoldAdminTextInputWidget(attrs={"inputmode": "tel"}),
            "address": UnfoldAdminTextareaWidget(attrs={"rows": 3}),
            "owner_within_minutes": UnfoldAdminIntegerFieldWidget(
                attrs={"min": 1, "max": MAX_OWNER_MINUTES}
            ),
        }
        labels = {
            "asks_outcome": gettext_lazy("Ask customers afterwards how it was"),
            "uses_age_band": gettext_lazy("Customers may tell their age group"),
            "owner_within_minutes": gettext_lazy("Minutes after which a case must have an owner"),
        }
        help_texts = {
            "phone": gettext_lazy("Stands on every page that customers see."),
            "address": gettext_lazy("The sender on letters, and where letters are answered to."),
            "asks_outcome": gettext_lazy(
                "When a case that was answered is done: did this answer your question, and did you"
                " have to tell anything twice? At most once in 30 days. The home page shows it."
            ),
            "uses_age_band": gettext_lazy(
                "On the page with their preferences, if they want to. Studies found that young and"
                " old like other channels; the advice then counts it for who told it. It is never"
                " guessed, and nobody else sees it. Switched off: what they told is erased at once,"
                " for good."
            ),
            "owner_within_minutes": gettext_lazy(
                "A case that waits and is with nobody for so long, counted in the opening hours of"
                " its channel, goes to whoever is there and has the least to do, even if they have"
                " enough already. With nobody on duty the administrators are told once. Empty: it"
                " waits until somebody takes it."
            ),
            "brand_colour": gettext_lazy("For buttons and links, with white text on it."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.old_logo = self.instance.logo.name if self.instance.logo else ""
        self.fields["languages"].choices = [  # type: ignore[attr-defined]
            (code, language_name(code)) for code, _name in settings.LANGUAGES
        ]
        if self.instance.phone:
            self.initial["phone"] = addresses.display(PHONE, self.instance.phone)

    def clean_brand_colour(self) -> str:
        """Refuse a colour on which white text cannot be read, and offer its darker shade."""
        colour = self.cleaned_data["brand_colour"].strip().lower()
        Organisation._meta.get_field("brand_colour").run_validators(colour)
        if not colours.is_readable(colour):
            raise ValidationError(
                _(
                    "White text on %(colour)s is hard to read: the contrast is %(ratio).1f, it"
                    " must be at least 4.5. Take %(shade)s, the nearest shade that is dark enough."
                ),
                code="contrast",
                params={
                    "colour": colour,
                    "ratio": int(colours.contrast(colour, colours.WHITE) * 10) / 10,
                    "shade": colours.darker(colour),
                },
            )
        return colour

    @property
    def suggested_colour(self) -> str:
        """The darker shade that an error proposes; "" where there is none."""
        for error in self.errors.as_data().get("brand_colour", []):
            if error.code == "contrast" and error.params:
                return str(error.params["shade"])
        return ""

    def clean_phone(self) -> str:
        """One spelling, so that every page can show it well."""
        typed = self.cleaned_data["phone"].strip()
        return addresses.normalise(PHONE, typed) if typed else ""

    def clean_owner_within_minutes(self) -> int | None:
        """At least a minute: with none of it every case would have an owner at once."""
        minutes: int | None = self.cleaned_data["owner_within_minutes"]
        if minutes is not None and not 1 <= minutes <= MAX_OWNER_MINUTES:
            raise ValidationError(
                _("Write a number from 1 to %(most)s, or nothing.") % {"most": MAX_OWNER_MINUTES}
            )
        return minutes

    def clean_address(self) -> str:
        """Lines without stray blanks."""
        lines = (" ".join(line.split()) for line in self.cleaned_data["address"].splitlines())
        return "\n".join(line for line in lines if line)

    def clean_logo(self) -> Any:
        """A new picture, or the one that is there."""
        new = self.files.get("logo")
        return read_logo(new) if new else self.instance.logo

    def save(self, commit: bool = True) -> Organisation:
        """Save; a logo that nobody shows any more is deleted."""
        if self.cleaned_data["remove_logo"] and not self.files.get("logo"):
            self.instance.logo = ""
        row: Organisation = super().save(commit)
        if not row.uses_age_band:
            Customer.objects.forget_age_bands()
        if self.old_logo and self.old_logo != row.logo.name:
            row.logo.storage.delete(self.old_logo)
        return row


def widget_of(row: Organisation) -> dict[str, Any]:
    """What an administrator copies: the tag, the line for a policy; and the panel to look at."""
    return {
        "is_on": bool(row.widget_origins),
        "tag": f'<script src="{settings.PUBLIC_URL}/widget.js" async></script>',
        "policy": f"script-src {settings.PUBLIC_URL}; frame-src {settings.PUBLIC_URL}",
        "panel": f"{settings.PUBLIC_URL}{framed.PATH}",
    }


def edit(request: HttpRequest) -> HttpResponse:
    """The one page; the first save makes the organisation."""
    row = Organisation.objects.order_by("pk").first() or Organisation()
    form = OrganisationForm(request.POST or None, request.FILES or None, instance=row)
    if request.method == "POST" and form.is_valid():
        save(request, form)
        messages.success(request, _("Saved. Customers see it at once."))
        return redirect("admin:organisation")
    # A refused form has already written into its row: what is stored is what has a logo.
    stored = Organisation.objects.filter(pk=row.pk).first()
    return show(
        request,
        "desk/admin_organisation.html",
        title=_("Organisation"),
        form=form,
        has_logo=bool(stored and stored.logo),
        widget=widget_of(stored or Organisation()),
        preview_colour=form.suggested_colour or (stored or row).brand_colour,
        status=422 if form.errors else 200,
    )


def urls() -> list[URLPattern]:
    """The page /admin/organisation/."""
    return [page("organisation/", edit, "organisation")]
