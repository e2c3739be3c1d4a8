"""What was said in a case."""

import uuid

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.files import PICTURES
from contacts.kinds import Kind, get, kind_choices
from contacts.models.case import Case
from contacts.models.code import Code
from contacts.models.identity import Identity
from contacts.viewers import Viewer


class MessageQuerySet(models.QuerySet["Message"]):
    """Messages; every page, interface, stream and export asks `visible_to`."""

    def visible_to(self, viewer: Viewer) -> "MessageQuerySet":
        """Those of the cases that the viewer may see; some are for staff only."""
        if viewer.is_staff:
            return self.exclude(case=None)
        if viewer.sees_every_case:
            return self.public().exclude(case=None)
        return self.public().filter(case__in=Case.objects.visible_to(viewer).values("pk"))

    def public(self) -> "MessageQuerySet":
        """Without what is for staff only."""
        public = self.exclude(direction=Message.Direction.NOTE)
        return public.exclude(corrected=Message.Corrected.DELETED)

    def of(self, case: Case) -> "MessageQuerySet":
        """The whole history of a case and of those that were merged into it."""
        return self.filter(case__in=case.family_ids())

    def read_of(self, case: Case) -> "MessageQuerySet":
        """The same for pages, which read a case once and its history in several queries."""
        return self.filter(case__in=case.member_ids)

    def shown_of(self, stem: Case, viewer: Viewer) -> "MessageQuerySet":
        """What a page shows of a history: `visible_to`, which need not search for who holds it."""
        history = self.read_of(stem)
        if stem.is_held_by(viewer) and not viewer.is_staff:
            return history.public()
        return history.visible_to(viewer)


class Message(models.Model):
    """One communication: in, out, or note. `kind` is what it was written for, or came by.

    Every answer carries what was chosen, what was used and why (R14). `template` names a text that
    we make ourselves (acknowledgement, sign-in code); such a message may have no case, and its
    secret is derived from `code` when it is rendered, never stored in `text`.
    """

    class Direction(models.TextChoices):
        """Who speaks."""

        IN = "in", _("from the customer")
        OUT = "out", _("to the customer")
        NOTE = "note", _("only staff")

    class Why(models.TextChoices):
        """Why this kind was used (R14)."""

        CHOSEN = "chosen", _("chosen by the customer")
        ONCE = "once", _("asked for this answer only")
        DEFAULT = "default", _("the customer's usual channel")
        OVERRIDE = "override", _("another channel, with a reason")
        FALLBACK = "fallback", _("the approved second channel")

    # Templates of what a person carries out: a call that was asked for, a visit at a chosen time.
    CALLBACK, VISIT = MEETINGS = "callback", "visit"
    SPOKEN = "spoken"  # the template of what we said in a call or a visit
    WAITS_FOR_NOTHING = ("auto_reply", "joined")  # templates of what came in
    # What the customer said and somebody has to answer.
    TO_ANSWER = Q(direction="in") & ~Q(template__in=WAITS_FOR_NOTHING)
    # What a person said to the customer, written or spoken; not what only confirms a call.
    SAID = Q(direction="out", template__in=("", SPOKEN), regards=None)

    class Corrected(models.TextChoices):
        """Edited: the text is the new one; deleted: only staff still see it."""

        EDITED = "edited", _("changed by the customer")
        DELETED = "deleted", _("deleted by the customer")

    case = models.ForeignKey(
        Case, models.CASCADE, null=True, blank=True, related_name="messages", db_index=False
    )
    seq = models.PositiveIntegerField(default=0)
    direction = models.CharField(max_length=8, choices=Direction)
    kind = models.CharField(max_length=32, choices=kind_choices, blank=True)
    chosen_kind = models.CharField(max_length=32, choices=kind_choices, blank=True)
    why = models.CharField(max_length=16, choices=Why, blank=True)
    why_text = models.CharField(max_length=500, blank=True)
    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    identity = models.ForeignKey(
        Identity, models.SET_NULL, null=True, blank=True, related_name="messages"
    )
    template = models.CharField(max_length=32, blank=True)
    code = models.ForeignKey(Code, models.SET_NULL, null=True, blank=True, related_name="+")
    language = models.CharField(max_length=8, choices=settings.LANGUAGES, blank=True)
    subject = models.CharField(max_length=300, blank=True)
    text = models.TextField(blank=True)  # of a mail: what is new in it
    whole_text = models.TextField(blank=True)  # where the text is only a part
    html = models.TextField(blank=True)  # sanitised; shown in a sandboxed frame only
    # The note of a call or a visit that this one confirms (out) or corrects (in).
    regards = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="regarding", db_index=False
    )
    # What the customer did to it afterwards, where their channel can.
    corrected = models.CharField(max_length=16, choices=Corrected, blank=True)
    client_key = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            # A double submit of one form is one message. A case's newest 50, those after a number:
            # Bitmap Index Scan using it, 0.1 ms (1,000,000 messages, ten in a case).
            models.UniqueConstraint(fields=["case", "client_key"], name="message_once"),
            models.CheckConstraint(
                condition=~Q(case=None) | Q(direction="out"), name="message_without_case_is_out"
            ),
        ]
        indexes = [
            # home: answers of 30 days, by which channel and why: Index Scan, 0.6 ms. Of answers
            # alone: with all of a direction in it PostgreSQL looked here for the first message of
            # a long case, through all of the house by time (85 ms of 1,000,000 messages).
            models.Index(
                fields=["created_at"],
                condition=Q(direction="out", template=""),
                name="answer_by_day",
            ),
            # a page of a history: what was confirmed or corrected of its notes
            models.Index(fields=["regards"], condition=~Q(regards=None), name="message_regards"),
        ]

    def __str__(self) -> str:
        return f"{self.direction} {self.pk}"

    @property
    def kind_info(self) -> Kind | None:
        """The registry entry of its kind; None for a note."""
        return get(self.kind) if self.kind else None

    @property
    def side(self) -> str:
        """Who wrote it: "d" a member of staff, "q" the customer, "" nobody."""
        if self.staff_id or self.direction != self.Direction.IN:
            return "d" if self.staff_id else ""
        return "q"

    @property
    def is_answer(self) -> bool:
        """Whether a person wrote it to the customer, and not only to confirm what was said."""
        own = self.direction == self.Direction.OUT and not self.template
        return own and self.regards_id is None

    @property
    def is_said(self) -> bool:
        """Whether it is one of SAID."""
        ours = self.direction == self.Direction.OUT and self.regards_id is None
        return ours and self.template in ("", self.SPOKEN)

    @property
    def is_to_answer(self) -> bool:
        """Whether it is one of TO_ANSWER."""
        came = self.direction == self.Direction.IN
        return came and self.template not in self.WAITS_FOR_NOTHING

    @property
    def is_noted(self) -> bool:
        """Whether it is what a colleague noted of a call or a visit."""
        if self.template == self.SPOKEN:
            return True
        by_staff = self.direction == self.Direction.IN and self.staff_id is not None
        return by_staff and bool(self.kind) and get(self.kind).spoken


class Attachment(models.Model):
    """A file of a message. Who may read it is who may see the case."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="attachments")
    file = models.FileField(upload_to="attachments/%Y/%m/")
    name = models.CharField(max_length=255)
    content_type = models.CharField(max_length=127, default="application/octet-stream")
    size = models.PositiveIntegerField(default=0)
    content_id = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        # The daily clean-up: which of 500 stored files have a row: Index Only Scan, 0.02 ms a file
        # (a Seq Scan of 100,000: 45 ms). Those of a page's messages: by the foreign key, 0.02 ms.
        indexes = [models.Index(fields=["file"], name="attachment_by_file")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_picture(self) -> bool:
        """Whether it says that it is one that a page may show; its bytes are asked when shown."""
        return self.content_type in PICTURES

    def store(self, content: bytes) -> None:
        """Write the bytes under a random name (the given one is only a label) and save the row."""
        self.size = len(content)
        self.file.save(uuid.uuid4().hex, ContentFile(content), save=True)
