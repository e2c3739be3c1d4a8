"""The frame's own words, so that our catalogue has them: Unfold 0.91 brings no translations.

Nothing reads this list. Unfold's templates ask gettext for these texts, which finds them in the
portal's catalogue. They are the ones of the parts that our pages show: the sidebar, the sign-in
pages and the fields of a form.
"""

from django.utils.translation import gettext_noop as _

FRAME_WORDS = (
    _("Light"),
    _("Dark"),
    _("System"),
    _("Go back"),
    _("Return to site"),
    _("Search apps and models..."),
    _("Type to search"),
    _("Toggle password visibility"),
    _("You have been successfully logged out from the administration"),
    _("Choose file to upload"),
    _("Image preview"),
    _("Click to download"),
)
