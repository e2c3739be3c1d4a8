"""The real product with all its processes, and the doors that need no browser: SMTP and mailbox."""

import json
import mailbox
import re
import smtplib
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from email.utils import formatdate, make_msgid
from pathlib import Path

from tests.setup.test_processes import until
from tests.setup.test_supervisor import Running, free_port

SHOP = "help@mail.example.org"
LINK = re.compile(r"http://localhost:\d+(/c/\w+/)")
SIX_DIGITS = re.compile(r"^\s*(\d{6})\s*$", re.MULTILINE)
EXPIRE = """
    UPDATE contacts_code SET expires_at = '2020-01-01 00:00:00'
    WHERE purpose = 'case_link'
    AND identity_id IN (SELECT id FROM contacts_identity WHERE value = ?)
"""


EARLIER = """
    UPDATE {table} SET {clock} = strftime('%Y-%m-%d %H:%M:%f', {clock}, ?) WHERE {key} IN (
        SELECT contacts_message.id FROM contacts_message
        JOIN contacts_case ON contacts_case.id = contacts_message.case_id
        WHERE contacts_case.reference = ?)
"""
# The hour of a call that was agreed in a case is this minute.
COMES = """
    UPDATE {table} SET {clock} = strftime('%Y-%m-%d %H:%M:%f', 'now', '-5 seconds') WHERE {key} IN (
        SELECT channels_app_appointment.id FROM channels_app_appointment
        JOIN contacts_case ON contacts_case.id = channels_app_appointment.case_id
        WHERE contacts_case.reference = ?)
"""
HOURS = (
    ("channels_app_delivery", "appointment_id", "next_attempt_at"),
    ("channels_app_appointment", "id", "starts_at"),
)
NEAR = """
    UPDATE channels_app_appointment
    SET remind_at = strftime('%Y-%m-%d %H:%M:%f000', 'now', '-1 second')
    WHERE state = 'booked'
    AND case_id IN (SELECT id FROM contacts_case WHERE reference = ?)
"""
CLOCKS = (
    ("contacts_message", "id", "created_at"),
    ("channels_app_delivery", "message_id", "created_at"),
    ("channels_app_delivery", "message_id", "sent_at"),
)


class Product:
    """`manage.py run` of the demo on a folder of its own, as a person starts it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        # Everybody comes from an address of their own, and has its limits.
        self.running = Running(data, free_port(), TRUSTED_PROXIES="1")
        self.url = f"http://localhost:{self.running.port}"

    @property
    def door(self) -> tuple[str, int]:
        """Host and port of the shop's SMTP door."""
        ports = json.loads((self.data / "ports.json").read_text())
        return "127.0.0.1", int(ports["ONECASE_SMTP_LISTEN"])

    def send(self, mail: EmailMessage) -> None:
        """Hand a mail to the shop's door, as any mail server does."""
        with smtplib.SMTP(*self.door, timeout=10) as smtp:
            smtp.send_message(mail)

    def mails(self, owner: str) -> list[EmailMessage]:
        """What really arrived in somebody's mailbox, the oldest first."""
        box = mailbox.Maildir(self.data / "pocket", create=False)
        theirs = f"\nDelivered-To: {owner}\n".encode()
        found = [key for key in box.iterkeys() if theirs in box.get_bytes(key)]
        found.sort(key=lambda key: box.get_message(key).get_date())
        raw = [box.get_bytes(key) for key in found]
        return [message_from_bytes(mail, policy=default) for mail in raw]

    def arrivals(self, owner: str, words: str) -> list[EmailMessage]:
        """The mails in which these words stand."""
        return [mail for mail in self.mails(owner) if words in text_of(mail)]

    def arrival(
        self, owner: str, words: str, *, within: float = 15, besides: int = 0
    ) -> EmailMessage:
        """Wait for the mail in which these words stand, `besides` so many that came before."""
        found: list[EmailMessage] = []

        def came() -> bool:
            found[:] = self.arrivals(owner, words)
            return len(found) > besides

        assert until(came, within), (words, [text_of(mail)[:300] for mail in self.mails(owner)])
        return found[-1]

    def never_comes(self, owner: str, words: str, *, seconds: float) -> None:
        """Nothing with these words comes for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert not [mail for mail in self.mails(owner) if words in text_of(mail)]
            time.sleep(0.2)

    def let_pass(self, minutes: int, reference: str) -> None:
        """So many minutes pass for what was said in a case, and for how it went out."""
        with closing(sqlite3.connect(self.data / "onecase.sqlite3", timeout=20)) as database:
            for table, key, clock in CLOCKS:
                statement = EARLIER.format(table=table, key=key, clock=clock)
                assert database.execute(statement, [f"-{minutes} minutes", reference]).rowcount
            database.commit()

    def let_the_hour_come(self, reference: str) -> None:
        """It is time for the call that was agreed; behind the doors, as `let_pass`."""
        with closing(sqlite3.connect(self.data / "onecase.sqlite3", timeout=20)) as database:
            for table, key, clock in HOURS:
                statement = COMES.format(table=table, key=key, clock=clock)
                assert database.execute(statement, [reference]).rowcount
            database.commit()

    def let_it_come_near(self, reference: str) -> None:
        """Its time comes near for what was agreed in a case; the sweep of that minute looks."""
        with closing(sqlite3.connect(self.data / "onecase.sqlite3", timeout=20)) as database:
            assert database.execute(NEAR, [reference]).rowcount
            database.commit()
        ring = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "portal.celery",
            "call",
            "channels_app.remind",
        ]
        subprocess.run(ring, env=self._environment(), check=True, stdout=subprocess.DEVNULL)

    def _environment(self) -> dict[str, str]:
        """What its own processes know."""
        for process in self.running.processes().values():
            parts = (Path("/proc") / str(process) / "environ").read_bytes().split(b"\0")
            pairs = (part.decode().partition("=") for part in parts if part)
            found = {name: value for name, _sign, value in pairs}
            if "ONECASE_DEMO" in found:  # Valkey writes its title over its own
                return found
        raise AssertionError("no process of the portal runs")

    def let_links_expire(self, owner: str) -> None:
        """A month passes for somebody's links; behind the doors, as `let_pass`."""
        with closing(sqlite3.connect(self.data / "onecase.sqlite3", timeout=20)) as database:
            assert database.execute(EXPIRE, [owner]).rowcount
            database.commit()

    def faults(self) -> list[str]:
        """Every fault that a process wrote into its log."""
        return [
            f"{log.name}: {line}"
            for log in sorted((self.data / "log").glob("*.log"))
            for line in log.read_text(errors="replace").splitlines()
            if re.search(r"Traceback| (ERROR|CRITICAL) ", line)
        ]


def text_of(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    part = mail.get_body(("plain",))
    return str(part.get_content()) if part else ""


def link_in(mail: EmailMessage) -> str:
    """The path of the link that opens the question."""
    found = LINK.search(text_of(mail))
    assert found, text_of(mail)
    return found[1]


def code_in(mail: EmailMessage) -> str:
    """The six digits of a mail that brings a code."""
    found = SIX_DIGITS.search(text_of(mail))
    assert found, text_of(mail)
    return found[1]


def letter(sender: str, subject: str, text: str, *, to: str = SHOP) -> EmailMessage:
    """A new mail as a plain mail program writes it."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain="mailbox.example.org")
    mail.set_content(text)
    return mail


def reply(mail: EmailMessage, text: str, *, sender: str = "", to: str = "") -> EmailMessage:
    """An answer as mail programs write it: both thread headers, the original quoted below."""
    quoted = "\n".join(f"> {line}" for line in text_of(mail).splitlines())
    said = f"On Monday, {mail['From']} wrote:"
    answer = letter(
        sender or str(mail["Delivered-To"]),
        f"Re: {mail['Subject']}",
        f"{text}\n\n{said}\n{quoted}\n",
        to=to or str(mail["Reply-To"] or mail["From"]),
    )
    answer["In-Reply-To"] = mail["Message-ID"]
    answer["References"] = f"{mail['References'] or ''} {mail['Message-ID']}".strip()
    return answer
