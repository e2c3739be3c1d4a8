"""Who looks: the one thing that `visible_to` asks. Made by portal.access, deny by default."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Viewer:
    """A person in front of a page, or a program at an interface or a stream.

    `staff_id`: a signed-in staff member. `customer_id`: a customer who proved an address, and
    all whom staff joined them with since.
    `case_ids`: cases that were opened by a link or a code, and nothing beyond them.
    `client_id`: a program that an administrator lets read every case, but no notes.
    """

    staff_id: int | None = None
    customer_id: int | None = None
    case_ids: frozenset[int] = field(default_factory=frozenset)
    client_id: int | None = None

    def holds(self, case_id: int, customer_id: int) -> bool:
        """Whether the keys of a case alone say that it may be seen; the rest is in `visible_to`."""
        own = self.customer_id is not None and self.customer_id == customer_id
        return self.sees_every_case or case_id in self.case_ids or own

    @property
    def is_staff(self) -> bool:
        """Whether it is a staff member, who sees every case and the notes."""
        return self.staff_id is not None

    @property
    def sees_every_case(self) -> bool:
        """Whether no case is kept from it."""
        return self.is_staff or self.client_id is not None


NOBODY = Viewer()
