"""Each check finds a real checkpoint broken in its way, and is quiet about one that is not."""

from __future__ import annotations

import pytest

import embedviz as ev
from embedviz.doctor import CHECKS, Case, Report, examine
from embedviz.records import Finding
from tests.conftest import TEXTS, hook_count
from tests.doctor.breaks import BREAKS, Bench


def look(code: str, bench: Bench) -> list[Finding]:
    broken = BREAKS[code](bench)
    case = Case(*broken) if isinstance(broken, tuple) else Case(broken)
    return list(CHECKS[code].run(case))


@pytest.fixture(scope="module")
def healthy(bundled: ev.Checkpoint) -> Report:
    return examine(bundled, TEXTS)


def test_every_check_has_a_checkpoint_that_is_broken_in_its_way() -> None:
    assert list(BREAKS) == list(CHECKS)


@pytest.mark.parametrize("code", CHECKS)
def test_a_check_finds_what_it_looks_for(code: str, bench: Bench) -> None:
    found = look(code, bench)
    assert [finding.code for finding in found] == [code]
    (finding,) = found
    assert finding.severity in ("error", "warning", "info")
    assert any(mark.isdigit() for mark in finding.evidence) or code in EVIDENT
    for said in (finding.title, finding.evidence, finding.why, finding.remedy):
        assert said
        assert len(said) < 600
    assert not finding.title.endswith(".")
    assert finding.why.endswith((".", "`)."))
    assert finding.remedy.endswith(".")


#: What is seen there has no number.
EVIDENT = {
    "tokenizer.missing", "tokenizer.special", "tokenizer.pad-missing", "choice.causal", "choice.encoder-only",
    "configuration.other-activation", "tokenizer.class", "behaviour.fails",
}  # fmt: skip


def test_a_healthy_checkpoint_is_left_in_peace(healthy: Report) -> None:
    assert healthy.exit_code == 0
    assert [finding.code for finding in healthy.findings] == ["choice.pooling"]
    assert healthy.unchecked == ()
    assert set(CHECKS) - {"choice.pooling"} <= set(healthy.passed)


def test_the_model_is_left_as_it_was(bundled: ev.Checkpoint) -> None:
    before = {name: parameter.sum().item() for name, parameter in bundled.model.named_parameters()}
    modes = [module.training for module in bundled.model.modules()]
    examine(bundled)
    assert hook_count(bundled.model) == 0
    assert modes == [module.training for module in bundled.model.modules()]
    assert before == {name: parameter.sum().item() for name, parameter in bundled.model.named_parameters()}
