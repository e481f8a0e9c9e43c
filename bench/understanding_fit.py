"""Fits the weights of flows/understanding/decision.py and prints them, to be pasted there.

    python -m bench.understanding_fit [FILE …]

FILE: utterances as bench.understanding reads them; the first three sets of tests/data if none is named. Each one is read twice:
with the whole catalogue, and with a fifth of it taken out that holds the wanted service, where nothing may be sure. Prints for
several thresholds what five-fold cross-validation finds: every utterance is judged by weights that have not seen it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.understanding import DATA, Request, read_requests, shipped_services

Floats = npt.NDArray[np.float64]

_FOLDS = 5
_RIDGE = 1.0
_TAKEN_OUT = 0.5
"""Weight of an utterance whose service was taken out."""
_NOTHING = 2.0
"""Weight of an utterance that wants no service, where it is asked whether one is wanted."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The evidence for one utterance."""

    request: Request
    whole: bool
    """Read with the whole catalogue."""
    signs: dict[str, float]
    top: str

    @property
    def is_top(self) -> bool:
        return self.whole and self.request.service == self.top

    @property
    def is_any(self) -> bool:
        return self.request.wants_service


def main() -> None:
    """Gathers, fits, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, default=[DATA / f"requests{number}.jsonl" for number in ("", 2, 3)])
    samples = gather([request for path in parser.parse_args().files for request in read_requests(path)])
    whole = [sample for sample in samples if sample.whole]
    fit_and_print("IS_TOP", samples, [s.is_top for s in samples], [1.0 if s.whole else _TAKEN_OUT for s in samples])
    fit_and_print("IS_ANY", whole, [s.is_any for s in whole], [1.0 if s.is_any else _NOTHING for s in whole])


def gather(requests: Sequence[Request]) -> list[Sample]:
    """The evidence for every utterance that says anything."""
    services = shipped_services()
    from flows.understanding.evidence import Matcher

    part = np.random.default_rng(0).integers(0, _FOLDS, len(services))
    runs: list[tuple[Matcher, set[str] | None]] = [(Matcher(services), None)]
    for fold in range(_FOLDS):
        kept = [service for service, its in zip(services, part, strict=True) if its != fold]
        runs.append((Matcher(kept), {service.code for service in services} - {service.code for service in kept}))
    samples = []
    for matcher, missing in runs:
        for request in requests:
            if missing is None or request.service in missing:
                evidence = matcher.evidence(request.text)
                if evidence.signs:
                    top = matcher.services[evidence.ranking[0][0]].code
                    samples.append(Sample(request, missing is None, evidence.signs, top))
    return samples


def fit_and_print(name: str, samples: Sequence[Sample], wanted: Sequence[bool], weights: Sequence[float]) -> None:
    """The weights for the signs as they are, and the figures of the cross-validation."""
    signs = list(samples[0].signs)
    table = np.array([[sample.signs[sign] for sign in signs] for sample in samples], float)
    mean, spread = table.mean(0), table.std(0) + 1e-9
    table = np.c_[(table - mean) / spread, np.ones(len(table))]
    truth, importance = np.array(wanted, float), np.array(weights)
    fold = np.random.default_rng(1).integers(0, _FOLDS, len(samples))
    chances = np.zeros(len(samples))
    for held_out in range(_FOLDS):
        learnt = fit(table[fold != held_out], truth[fold != held_out], importance[fold != held_out])
        chances[fold == held_out] = 1 / (1 + np.exp(-table[fold == held_out] @ learnt))
    learnt = fit(table, truth, importance)
    plain = learnt[:-1] / spread
    print(f"{name}: Weights = {{")
    for sign, weight in [*zip(signs, plain, strict=True), ("constant", learnt[-1] - plain @ mean)]:
        print(f'    "{sign}": {weight:.3f},')
    print("}")
    whole = np.array([sample.whole for sample in samples])
    for threshold in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95):
        over = chances >= threshold
        print(
            f"  {threshold:.2f}: {int((over & (truth > 0)).sum())} of {int(truth.sum())} found,"
            f" {int((over & whole & (truth == 0)).sum())} of {int((whole & (truth == 0)).sum())} wrong;"
            f" with the service taken out {int((over & ~whole).sum())} of {int((~whole).sum())} wrong"
        )


def fit(table: Floats, truth: Floats, importance: Floats) -> Floats:
    """Weights of a logistic regression; the last column is the constant and is not held small."""
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    def loss(weights: Floats) -> tuple[float, Floats]:
        logits = table @ weights
        small = np.r_[weights[:-1], 0] * _RIDGE
        value = (importance * (np.logaddexp(0, logits) - truth * logits)).sum() + small @ weights / 2
        return float(value), table.T @ (importance * (1 / (1 + np.exp(-logits)) - truth)) + small

    learnt: Floats = minimize(loss, np.zeros(table.shape[1]), jac=True, method="L-BFGS-B").x
    return learnt


if __name__ == "__main__":
    main()
