"""What the checks look at: a checkpoint, a person's texts, and measurements that are each made once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from embedviz import roles
from embedviz.doctor import probes
from embedviz.doctor.passes import Pass, run_pass
from embedviz.doctor.unchecked import ModelFails, Unchecked, once
from embedviz.errors import EmbedvizError, first_line
from embedviz.modalities import text
from embedviz.pooling import AS_TRAINED, resolve
from embedviz.records import FloatArray, Instances, Layer

if TYPE_CHECKING:
    import torch

    from embedviz.checkpoints import Checkpoint

#: Of a long list of texts so many are tokenised, spread evenly; and of all of them so many characters.
MOST_TEXTS = 2_000
_MOST_CHARACTERS = 10_000_000


class Case:
    """A checkpoint under examination. ``texts`` are the person's own, None where there are none."""

    def __init__(self, checkpoint: Checkpoint, instances: Instances | Sequence[str] | None = None) -> None:
        self.checkpoint = checkpoint
        self.texts = _texts(instances)
        self.failed: dict[str, Unchecked] = {}

    # The checkpoint's parts

    @property
    def model(self) -> torch.nn.Module:
        return self.checkpoint.model

    @property
    def config(self) -> Any:
        return getattr(self.checkpoint.model, "config", None)

    @property
    def family(self) -> str:
        return str(getattr(self.config, "model_type", ""))

    @once
    def parameters(self) -> dict[str, torch.Tensor]:
        """The parameters by name; one that is shared has its first name only."""
        return dict(self.model.named_parameters())

    @once
    def poolers(self) -> frozenset[str]:
        """The paths of the model's poolers."""
        base, model = roles.base_path(self.model), self.model
        return frozenset(
            name for name, each in model.named_modules() if roles.role(name, each, model, base) == "pooler"
        )

    @once
    def extremes(self) -> dict[str, tuple[float, float]]:
        """The smallest and largest value of each parameter of floating type; NaN where it holds one."""
        import torch

        return {
            name: (float(low), float(high))
            for name, parameter in self.parameters.items()
            if parameter.is_floating_point() and parameter.numel()
            for low, high in [torch.aminmax(parameter.detach())]
        }

    @once
    def layer(self) -> Layer:
        """The recommended layer. ModelFails where the model does not run, Unchecked where no layer can be captured."""
        try:
            return self.checkpoint.recommended
        except EmbedvizError as error:
            for layer in self.checkpoint.layers:
                if layer.status == "not run":
                    raise ModelFails(layer.why[:1].lower() + layer.why[1:].rstrip(".")) from error
            raise Unchecked(f"no layer can be captured ({error.what})") from error
        except Exception as error:
            raise ModelFails(f"the model does not run ({first_line(error)})") from error

    # Its tokenizer

    @property
    def tokenizer(self) -> Any:
        reads = self.checkpoint.inputs.modality
        if reads != "text":
            raise Unchecked(f"the model reads {reads}, and the built-in probes are texts")
        if self.checkpoint.tokenizer is None:
            raise Unchecked("there is no tokenizer")
        return self.checkpoint.tokenizer

    @once
    def vocabulary(self) -> dict[str, int]:
        """Token → id, by id."""
        given = self.tokenizer.get_vocab().items()
        return dict(sorted(((str(token), int(number)) for token, number in given), key=lambda pair: pair[1]))

    def tokens_of(self, ids: set[int]) -> list[str]:
        """The tokens that have one of ``ids``."""
        return [token for token, number in self.vocabulary.items() if number in ids]

    @once
    def special(self) -> frozenset[int]:
        """Ids of special tokens, the unknown token's among them."""
        return frozenset(self.tokenizer.all_special_ids)

    @once
    def rows(self) -> int:
        """How many tokens the model has a vector for."""
        try:
            table = getattr(self.model.get_input_embeddings(), "weight", None)  # type: ignore[operator]
        except (AttributeError, NotImplementedError) as error:
            raise Unchecked("the model does not say which of its tables holds the token vectors") from error
        if table is None or table.ndim != 2:
            raise Unchecked("the model has no table of token vectors")
        return int(table.shape[0])

    @once
    def english(self) -> bool:
        """Whether the vocabulary was made from text with English in it, so that plain sentences say something."""
        return probes.holds_english(self.vocabulary)

    def encode(self, texts: Sequence[str], *, special: bool = True) -> list[list[int]]:
        """Ids of whole texts, one list each, in the casing that the checkpoint asks for."""
        lower = self.checkpoint.recipe.lower_case
        given = [(each.lower() if lower else each)[: _MOST_CHARACTERS // max(1, len(texts))] for each in texts]
        encoded = self.tokenizer(given, add_special_tokens=special, truncation=False, verbose=False)["input_ids"]
        return [list(row) for row in encoded]

    @once
    def sentence_ids(self) -> list[list[int]]:
        """Ids of the built-in sentences; Unchecked where the vocabulary holds no English."""
        if not self.english:
            raise Unchecked(
                "the vocabulary holds no common English words, so the built-in sentences say nothing about it"
            )
        return self.encode(probes.SENTENCES)

    @once
    def own_texts(self) -> tuple[str, ...]:
        """The person's texts, or so many of them, evenly spread."""
        if not self.texts:
            raise Unchecked("no instances were given")
        step = max(1, -(-len(self.texts) // MOST_TEXTS))
        return self.texts[::step]

    @once
    def own_ids(self) -> list[list[int]]:
        """Ids of ``own_texts``."""
        return self.encode(self.own_texts)

    # Its behaviour

    @once
    def tokenised(self) -> text.Tokenised:
        """Eight probes as the model is given them: sentences, else the person's texts, else ordinary tokens."""
        tokenizer = self.tokenizer
        try:
            if self.english:
                return text.tokenise(self.checkpoint, probes.SENTENCES)
            own = tuple(dict.fromkeys(each for each in self.texts or () if each.strip()))[: len(probes.SENTENCES)]
            if len(own) > 1:
                return text.tokenise(self.checkpoint, own)
        except EmbedvizError as error:
            raise Unchecked(f"the probes cannot be tokenised ({error.what})") from error
        ordinary = sorted(number for number in set(self.vocabulary.values()) - self.special if number < self.rows)
        if len(ordinary) < 8:
            raise Unchecked("the vocabulary holds hardly any ordinary token")
        filler = list(tokenizer("", verbose=False)["input_ids"])
        before, after = filler[: (len(filler) + 1) // 2], filler[(len(filler) + 1) // 2 :]
        return probes.from_vocabulary(ordinary, before, after, self.checkpoint.max_tokens)

    def run(self, tokenised: text.Tokenised, rows: Sequence[int], *, watch: bool = False, left: bool = False) -> Pass:
        """One forward pass over ``rows`` as one padded batch; see ``run_pass``."""
        return run_pass(
            self.checkpoint, self.layer, tokenised, rows, poolers=self.poolers if watch else None, left=left
        )

    @once
    def together(self) -> Pass:
        """All probes in one padded batch, every module watched."""
        return self.run(self.tokenised, range(len(self.tokenised.lengths)), watch=True)

    @once
    def reversed(self) -> Pass:
        """The same batch again, with its rows in the other order."""
        return self.run(self.tokenised, range(len(self.tokenised.lengths))[::-1])

    @once
    def again(self) -> Pass:
        """The very same batch again; where even its reverse gave the same, that is not run a third time."""
        import torch

        turned = Pass(self.reversed.hidden.flip(0), self.reversed.mask.flip(0), {}, {})
        if torch.allclose(turned.hidden, self.together.hidden, rtol=1e-4, atol=1e-5):
            return turned
        return self.run(self.tokenised, range(len(self.tokenised.lengths)))

    @once
    def apart(self) -> tuple[int, ...]:
        """Which probes are also run alone: the two shortest, which are padded most, and the longest."""
        order = [int(row) for row in np.argsort(self.tokenised.lengths, kind="stable")]
        return order[0], order[1], order[-1]

    @once
    def alone(self) -> FloatArray:
        """The pooled vectors of the probes in ``apart``, each in a batch of its own."""
        return np.concatenate([self.pooled(self.run(self.tokenised, [row])) for row in self.apart])

    @once
    def level(self) -> text.Tokenised:
        """The probes cut to the length of the shortest, so that nothing is padded and all positions are the same.

        Their ends are kept: their beginnings may be one and the same prompt.
        """
        rows = self.tokenised.features["input_ids"]
        length = min(len(row) for row in rows)
        cut = [[row[0], *row[len(row) - length + 1 :]] for row in rows]
        return text.Tokenised({"input_ids": cut}, np.zeros(len(rows), dtype=np.int64))

    @once
    def levelled(self) -> Pass:
        return self.run(self.level, range(len(self.level.lengths)))

    @once
    def variants(self) -> Pass:
        """The longest probe as it is, with the order of its inner tokens turned round, and with another last token."""
        ids = self.tokenised.features["input_ids"][self.apart[-1]]
        if len(ids) < 5:
            raise Unchecked("the probes are too short to change the order of their tokens")
        turned = [ids[0], *ids[-2:0:-1], ids[-1]]
        other = [*ids[:-1], ids[0] if ids[0] != ids[-1] else ids[len(ids) // 2]]
        return self.run(text.Tokenised({"input_ids": [ids, turned, other]}, np.zeros(3, dtype=np.int64)), range(3))

    @once
    def causal(self) -> bool:
        """Whether each token sees only those before it: changing the last one changes it alone."""
        import torch

        hidden = self.variants.hidden
        if hidden.ndim != 3:
            raise Unchecked("the layer gives one vector a text, without tokens")
        same = torch.isclose(hidden[0], hidden[2], rtol=1e-4, atol=1e-5).all(1)
        return bool(same[:-1].all()) and not bool(same[-1])

    @property
    def pooling(self) -> str:
        """The pooling that vectors are judged by: the checkpoint's own, else the mean."""
        return "mean" if self.checkpoint.recipe.untold else AS_TRAINED

    def pooled(self, seen: Pass, name: str = "") -> FloatArray:
        """(rows, width) float32 of a pass, by the pooling ``name`` (default: ``pooling``)."""
        import torch

        with torch.inference_mode():
            pool = resolve(name or self.pooling, self.checkpoint, self.layer)
            vectors = pool(seen.hidden, seen.mask) if seen.hidden.ndim == 3 else seen.hidden
            return np.asarray(vectors.float().cpu().numpy())

    @once
    def vectors(self) -> FloatArray:
        """The probes' vectors from the padded batch; Unchecked where they hold NaN or infinity."""
        vectors = self.pooled(self.together)
        if not np.isfinite(vectors).all():
            raise Unchecked("the vectors hold NaN or infinity")
        return vectors

    @property
    def randomness(self) -> str:
        """Why the model's vectors may be those of random parameters, in words; "" where nothing speaks for it."""
        from embedviz.doctor.loading import looks_fresh, random_share

        share = random_share(self)
        if share > 0.2:
            return f"{share:.0%} of its parameters were not in the file and are random"
        return "its weights look as they do before any training" if looks_fresh(self) else ""


def _texts(instances: Instances | Sequence[str] | None) -> tuple[str, ...] | None:
    if instances is None:
        return None
    if isinstance(instances, str):
        return (instances,)
    items = instances.items if isinstance(instances, Instances) else instances
    return tuple(item for item in items if isinstance(item, str))
