"""The report: what it counts, what it gives to programs and to the terminal, and what it survives."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import transformers

import embedviz as ev
from embedviz import doctor
from embedviz.doctor import CHECKS, OPENING, Case, Check, examine
from embedviz.doctor.text import as_text
from embedviz.errors import Cancelled
from embedviz.records import Finding
from tests.conftest import Save
from tests.doctor.breaks import BREAKS, Bench


def test_everything_is_either_found_passed_or_not_checked(bench: Bench) -> None:
    for code in ("tokenizer.missing", "behaviour.fails"):
        broken = BREAKS[code](bench)
        assert isinstance(broken, ev.Checkpoint)
        report = examine(broken)
        found = {finding.code for finding in report.findings}
        unchecked = [code for code, _ in report.unchecked]
        assert sorted([*found, *report.passed, *unchecked]) == sorted({*CHECKS, *OPENING})
        assert report.exit_code == 2
        assert all(reason for _, reason in report.unchecked)


def test_the_exit_code_follows_the_worst_finding(bundled: ev.Checkpoint, bench: Bench) -> None:
    assert examine(bundled).exit_code == 0
    warned = BREAKS["behaviour.dead"](bench)
    assert isinstance(warned, ev.Checkpoint)
    assert examine(warned).exit_code == 1


def test_a_checkpoint_that_cannot_be_opened(save: Save) -> None:
    folder = save("Bert")
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    with pytest.raises(ev.CheckpointError) as caught:
        ev.open_checkpoint(folder)
    report = examine(caught.value)
    (finding,) = report.findings
    assert (finding.code, finding.severity, finding.remedy) == ("files.lfs-pointer", "error", caught.value.remedy)
    assert report.exit_code == 2
    assert report.passed == ()
    assert {code for code, _ in report.unchecked} == set(CHECKS)


def test_what_opening_noted_is_in_the_report(bundled: ev.Checkpoint) -> None:
    noted = Finding("weights.unexpected", "info", "Left out", "a head", "It is not needed.", "Nothing to do.")
    report = examine(replace(bundled, findings=(noted,)))
    assert noted in report.findings
    assert "weights.unexpected" not in report.passed


def test_what_a_check_looks_at_is_said_once(bench: Bench) -> None:
    broken = BREAKS["weights.missing"](bench)
    assert isinstance(broken, ev.Checkpoint)
    assert "weights.missing" in {finding.code for finding in broken.findings}
    codes = [finding.code for finding in examine(broken).findings]
    assert codes.count("weights.missing") == 1


def test_as_json(bundled: ev.Checkpoint) -> None:
    report = examine(bundled)
    told = json.loads(json.dumps(report.as_json()))
    assert told["exit_code"] == 0
    (finding,) = told["findings"]
    assert set(finding) == {"code", "severity", "title", "evidence", "why", "remedy", "repair"}
    assert {"code": "weights.not-finite", "title": "No weight is NaN or infinite", "passed": True} in told["checked"]
    assert {entry["code"] for entry in told["unchecked"]} == {"tokenizer.unknown-instances", "tokenizer.cut"}
    assert len(told["checked"]) + len(told["unchecked"]) == len(CHECKS) + len(OPENING)


def test_as_text(bundled: ev.Checkpoint, bench: Bench) -> None:
    report = examine(bundled)
    text = as_text(report, width=80)
    assert f"✓ {len(CHECKS) - 3} checks passed · ⚠ 0 · ✗ 0 · 1 note · 2 could not be checked" in text
    assert f"none of {len(OPENING)} known faults" in " ".join(text.split())
    assert "Not checked, as no instances were given: tokenizer.unknown-instances," in text
    assert max(len(line) for line in text.splitlines() if "[" not in line and "·" not in line) <= 80
    assert "\x1b" not in text
    assert "\x1b[32m✓" in as_text(report, colour=True)
    broken = BREAKS["tokenizer.unknown-instances"](bench)
    assert isinstance(broken, tuple)
    text = as_text(examine(*broken))
    assert "✗ The tokenizer does not know many words of your instances  [tokenizer.unknown-instances]" in text
    for lead in ("seen", "why", "do"):
        assert f"\n      {lead}" in text


def test_nothing_of_a_file_reaches_the_terminal_as_a_command(bundled: ev.Checkpoint) -> None:
    hostile = "\x1b]0;owned\x07\x1b[2J\u202e" * 3
    text = as_text(examine(replace(bundled, name=hostile), [f"ᚠᚢᚦ{hostile} ᚨᚱᚲ", "ᛒᛖᛗᛚ"]))
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert "\x1b" not in as_text(examine(ev.CheckpointError(hostile, value=hostile, remedy=hostile)))


def test_a_check_that_fails_does_not_take_the_others_with_it(
    bundled: ev.Checkpoint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def clumsy(case: Case) -> Iterator[Finding]:
        yield Finding(str(case.config.no_such_setting), "info", "", "", "", "")

    monkeypatch.setitem(doctor.CHECKS, "weights.constant", Check("Clumsy", clumsy))
    with caplog.at_level(logging.WARNING):
        report = examine(bundled)
    assert dict(report.unchecked)["weights.constant"].startswith("it failed (AttributeError: ")
    assert "weights.not-finite" in report.passed
    assert "weights.constant" in caplog.text


def test_progress_counts_the_checks_and_may_stop_them(bundled: ev.Checkpoint) -> None:
    seen: list[tuple[int, int]] = []
    examine(bundled, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, len(CHECKS)) for done in range(len(CHECKS) + 1)]

    def stop(done: int, total: int) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        examine(bundled, progress=stop)


class Static(torch.nn.Module):
    """A model that is none of transformers': no configuration, no named table."""

    def __init__(self) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(30_522, 8)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        return self.table(input_ids)  # type: ignore[no-any-return]


def test_models_of_other_kinds_are_examined_as_far_as_it_goes(bundled: ev.Checkpoint, tmp_path: Path) -> None:
    report = examine(replace(bundled, model=Static().eval(), tokenizer=None))
    assert {finding.code for finding in report.findings} == {"tokenizer.missing"}
    assert {"weights.not-finite", "weights.constant"} <= set(report.passed)
    config = transformers.ViTConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=4, intermediate_size=32)
    transformers.ViTModel(config).save_pretrained(tmp_path)
    report = examine(ev.open_checkpoint(tmp_path))
    assert {finding.code for finding in report.findings} == {"weights.fresh"}
    assert dict(report.unchecked)["behaviour.repeat"].startswith("the model reads images")


def test_a_trained_model_of_another_language_than_english(reactions: ev.Checkpoint) -> None:
    """A trained chemistry model: its tokenizer is a real mismatch, and nothing else is wrong with it."""
    report = examine(reactions)
    assert {each.code for each in report.findings if each.severity != "info"} == {"tokenizer.casing"}
    assert "tokenizer.unknown" in dict(report.unchecked)
    smiles = ["CC(=O)OC1=CC=CC=C1C(=O)O>>CCO", "c1ccccc1Br.C=C", "[Na+].[OH-].CCO"]
    report = examine(reactions, smiles)
    (unknown,) = [each for each in report.findings if each.code == "tokenizer.unknown-instances"]
    assert unknown.severity == "error"
