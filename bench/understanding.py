"""How well the built-in understanding finds the service a citizen wants, and how well the slot parsers read answers.

    python -m bench.understanding [--failures] [--set FILE …] [--catalogue FILE]

Needs no server and no database: the catalogue is the shipped file, or the one named. Utterances are tests/data/requests*.jsonl,
answers tests/data/answers*.jsonl. Each request counts once:

- right: the service is named without asking; where several are left open, these are asked about; where none is wanted, none is.
- asked back: the service is among the at most three that are asked about, or a request for none is asked about.
- confident wrong: a service is named that is not wanted, or before it is clear which one is.
- missed: everything else.

Prints the bars beside the figures; the exit status is 1 where one is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.understanding.base import Classification
    from flows.understanding.builtin import BuiltIn
    from flows.understanding.retrieval import ServiceWords

DATA = Path(__file__).resolve().parent.parent / "tests" / "data"
TODAY = date(2026, 7, 1)
"""The day on which the answers are read."""
RIGHT_OR_ASKED_BAR = 0.98
CONFIDENT_WRONG_BAR = 0.01
STRAIGHT_BAR = 0.6
"""Not the issue's: of the requests for one service, how many are not asked back. Asking always would reach the other two bars."""
SLOT_BAR = 0.97
P50_BAR_MS = 5.0
ANYTHING = "*"


class Outcome(StrEnum):
    RIGHT = "right"
    ASKED = "asked back"
    WRONG = "confident wrong"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Request:
    """An utterance and what it wants."""

    text: str
    service: str | None
    acceptable: frozenset[str]
    """For a request that leaves several services open: what may be asked about, or ANYTHING."""
    kind: str

    @property
    def wants_service(self) -> bool:
        """One, or one of several."""
        return self.service is not None or bool(self.acceptable)


def read_requests(path: Path) -> list[Request]:
    """The lines of a file of requests."""
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [Request(line["text"], line["service"], frozenset(line["acceptable"]), line["kind"]) for line in lines]


def outcome_of(request: Request, found: Classification) -> Outcome:
    """How good an answer is; see the module."""
    from flows.understanding.base import Decision

    asked = {candidate.code for candidate in found.candidates}
    if found.decision is Decision.SERVICE:
        return Outcome.RIGHT if found.service and found.service.code == request.service else Outcome.WRONG
    if not request.wants_service:
        return Outcome.RIGHT if found.decision is Decision.NO_SERVICE else Outcome.ASKED
    if found.decision is Decision.NO_SERVICE:
        return Outcome.MISSED
    if request.service is not None:
        return Outcome.ASKED if request.service in asked else Outcome.MISSED
    return Outcome.RIGHT if ANYTHING in request.acceptable or asked & request.acceptable else Outcome.MISSED


@dataclass(slots=True)
class Tally:
    """Outcomes of one set."""

    outcomes: list[tuple[Request, Outcome, Classification]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def share(self, *outcomes: Outcome) -> float:
        return sum(outcome in outcomes for _, outcome, _ in self.outcomes) / len(self.outcomes)

    @property
    def straight(self) -> float:
        """Of the requests for one service: how many are answered without asking."""
        single = [outcome for request, outcome, _ in self.outcomes if request.service]
        return single.count(Outcome.RIGHT) / max(len(single), 1)

    def by_kind(self) -> dict[str, Counter[Outcome]]:
        kinds: dict[str, Counter[Outcome]] = defaultdict(Counter)
        for request, outcome, _ in self.outcomes:
            kinds[request.kind][outcome] += 1
        return dict(sorted(kinds.items()))


def shipped_services(catalogue: Path | None = None) -> list[ServiceWords]:
    """What a catalogue file offers; the shipped one if none is named."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kiosk.settings")
    import django

    django.setup()
    from flows.catalogue import SHIPPED_CATALOGUE, read_catalogue
    from flows.understanding.catalogue import services_of

    return services_of(read_catalogue(catalogue or SHIPPED_CATALOGUE))


@dataclass(frozen=True, slots=True)
class FixedSource:
    """A catalogue that nobody edits."""

    words: list[ServiceWords]

    def version(self) -> tuple[object, ...]:
        return ()

    def services(self) -> list[ServiceWords]:
        return self.words


def builtin_for(services: list[ServiceWords]) -> BuiltIn:
    """The built-in understanding over these services."""
    from flows.understanding.builtin import BuiltIn
    from flows.understanding.catalogue import LearntCatalogue

    return BuiltIn(LearntCatalogue(FixedSource(services)))


def measure(understanding: BuiltIn, requests: Iterable[Request]) -> Tally:
    """Classifies every request."""
    tally = Tally()
    for request in requests:
        started = time.perf_counter()
        found = understanding.classify(request.text)
        tally.seconds.append(time.perf_counter() - started)
        tally.outcomes.append((request, outcome_of(request, found), found))
    return tally


@dataclass(slots=True)
class SlotTally:
    """Right and all, by the slot that was asked for."""

    right: Counter[str] = field(default_factory=Counter)
    total: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def measure_slots(answers: Iterable[dict[str, Any]]) -> SlotTally:
    """Reads every answer; right is: the same values, the same slots with a problem, declined or not."""
    from flows.slots import read_answer
    from flows.types import Slot

    tally = SlotTally()
    for line in answers:
        asked = Slot(line["asked"]) if line["asked"] else None
        answer = read_answer(line["text"], asked=asked, today=TODAY)
        values = {slot.value: _plain(value) for slot, value in answer.values.items()}
        same = values == line["values"] and {slot.value for slot in answer.problems} == set(line["problems"])
        same = same and answer.declined == line["declined"]
        slot = line["asked"] or "volunteered"
        tally.total[slot] += 1
        tally.right[slot] += same
        if not same:
            tally.failures.append(
                f"{slot}: {line['text']} gives {values}, problems {sorted(answer.problems)}, declined {answer.declined}"
            )
    return tally


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def main() -> None:
    """Measures and prints; see the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--failures", action="store_true", help="print what went wrong")
    parser.add_argument("--set", action="append", type=Path, dest="sets", help="utterances instead of tests/data/requests*.jsonl")
    parser.add_argument("--catalogue", type=Path, help="catalogue file instead of the shipped one")
    arguments = parser.parse_args()
    understanding = builtin_for(shipped_services(arguments.catalogue))
    started = time.perf_counter()
    understanding.classify("")
    print(f"catalogue learnt in {time.perf_counter() - started:.2f} s, libraries included")
    bars = Bars()
    for path in arguments.sets or sorted(DATA.glob("requests*.jsonl")):
        tally = measure(understanding, read_requests(path))
        print(f"\n{path.name}: {len(tally.outcomes)} utterances")
        _print_tally(tally, bars, failures=arguments.failures)
    for path in [] if arguments.sets else sorted(DATA.glob("answers*.jsonl")):
        print(f"\n{path.name}")
        _print_slots(
            measure_slots(map(json.loads, path.read_text(encoding="utf-8").splitlines())), bars, failures=arguments.failures
        )
    sys.exit(1 if bars.missed else 0)


@dataclass(slots=True)
class Bars:
    """Prints figures beside their bars."""

    missed: int = 0

    def at_least(self, what: str, share: float, bar: float) -> None:
        self._print(f"{what}: {share:.2%}, bar {bar:.0%}", good=share >= bar)

    def at_most(self, what: str, share: float, bar: float) -> None:
        self._print(f"{what}: {share:.2%}, bar {bar:.0%}", good=share <= bar)

    def milliseconds(self, what: str, value: float, bar: float) -> None:
        self._print(f"{what}: {value:.2f} ms, bar {bar:g} ms", good=value <= bar)

    def _print(self, line: str, *, good: bool) -> None:
        print(f"  {line}{'' if good else '  MISSED'}")
        self.missed += not good


def _print_tally(tally: Tally, bars: Bars, *, failures: bool) -> None:
    bars.at_least("right or asked back", tally.share(Outcome.RIGHT, Outcome.ASKED), RIGHT_OR_ASKED_BAR)
    bars.at_most("confident wrong", tally.share(Outcome.WRONG), CONFIDENT_WRONG_BAR)
    bars.at_least("requests for one service answered without asking", tally.straight, STRAIGHT_BAR)
    print("  " + ", ".join(f"{outcome} {tally.share(outcome):.2%}" for outcome in Outcome))
    bars.milliseconds("p50 of one", statistics.median(tally.seconds) * 1000, P50_BAR_MS)
    print(f"  p99 of one: {statistics.quantiles(tally.seconds, n=100)[-1] * 1000:.2f} ms")
    for kind, counts in tally.by_kind().items():
        print(
            f"    {kind:12} {sum(counts.values()):4}: "
            + ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])
        )
    if failures:
        for request, outcome, found in tally.outcomes:
            if outcome in {Outcome.WRONG, Outcome.MISSED}:
                print(f"    {outcome}: {request.text}")
                print(f"      wants {request.service or sorted(request.acceptable)}, gets {_shown(found)}")


def _shown(found: Classification) -> str:
    named = [found.service] if found.service else found.candidates
    scores = ", ".join(f"{candidate.code} {candidate.score:.2f}" for candidate in named)
    return f"{found.decision.value}: {scores or 'nothing'} (confidence {found.confidence:.2f})"


def _print_slots(tally: SlotTally, bars: Bars, *, failures: bool) -> None:
    for slot, total in sorted(tally.total.items()):
        bars.at_least(f"{slot} ({total})", tally.right[slot] / total, SLOT_BAR)
    if failures:
        for failure in tally.failures:
            print(f"    {failure}")


if __name__ == "__main__":
    main()
