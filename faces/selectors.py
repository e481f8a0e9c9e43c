"""Reading personal rows, each way by its name."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from auditlog.signals import accessed
from django.db.models import Count, IntegerField, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from faces.models import FaceSample, Person
from faces.types import KnownPerson
from kiosk.runtime.access import Use, note_use


def list_persons() -> list[dict[str, Any]]:
    """Everyone enrolled, the first first, as `people` of the Face Handle API: name, entity_id, created_at in Unix seconds."""
    rows = Person.objects.order_by("pk").values_list("name", "entity_id", "created_at")
    return [{"name": name, "entity_id": entity, "created_at": int(at.timestamp())} for name, entity, at in rows.iterator()]


def persons_with_best_sample() -> QuerySet[Person]:
    """Persons with `sample_count`, and of their best sample `best_quality` and `best_sample_id`; None where there is none."""
    samples = FaceSample.objects.filter(person=OuterRef("pk")).order_by()
    # Subqueries, not a join: the database works them out for the rows of one page only.
    per_person = samples.values("person")
    count = Subquery(per_person.annotate(count=Count("pk")).values("count"), output_field=IntegerField())
    best = Subquery(per_person.annotate(best=Max("quality")).values("best"))
    best_sample = Subquery(samples.order_by("-quality", "-pk").values("pk")[:1])
    return Person.objects.annotate(sample_count=Coalesce(count, 0), best_quality=best, best_sample_id=best_sample)


def persons_named_exactly(persons: QuerySet[Person], text: str) -> QuerySet[Person]:
    """Those whose whole name, number or entity_id is `text`: parts of them would tell, guess by guess, what masking hides."""
    return persons.filter(Q(name=text) | Q(number=text) | Q(entity_id=text))


def samples_to_show(person: Person | None = None) -> QuerySet[FaceSample]:
    """Samples without their embeddings, of one person where one is given, the newest first."""
    samples = FaceSample.objects.defer("embedding").select_related("person").order_by("-pk")
    return samples if person is None else samples.filter(person=person)


def note_opened(person: Person) -> None:
    """Notes in the audit log that somebody saw this person's data unmasked."""
    accessed.send(Person, instance=person)


def note_listed(persons: Collection[Person]) -> None:
    """Notes in the audit log that somebody saw these persons' data unmasked in a list."""
    note_ids_listed([person.entity_id for person in persons])


def note_ids_listed(entity_ids: Collection[str]) -> None:
    """As note_listed."""
    note_use(Person, Use.LIST, entity_ids)


def note_identified(persons: Iterable[KnownPerson], *, faces: int) -> None:
    """Notes in the audit log that somebody asked who is on a photo with so many faces, and which persons were the answer."""
    note_use(Person, Use.IDENTIFY, sorted({person.entity_id for person in persons}), faces=faces)


def note_exported(entity_ids: Collection[str], *, file_format: str, unmasked: bool) -> None:
    """Notes in the audit log that somebody took these persons' data out of the system."""
    note_use(Person, Use.EXPORT, entity_ids, format=file_format, unmasked=int(unmasked))
