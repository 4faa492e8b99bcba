"""The tokenizer: whether it is there, whether it is this model's, and what it does to texts."""

from __future__ import annotations

from collections.abc import Iterator

from embedviz.doctor import probes
from embedviz.doctor.case import Case
from embedviz.doctor.spelling import pieces, unknown
from embedviz.doctor.unchecked import Unchecked
from embedviz.doctor.words import RIGHT_TOKENIZER, listed, plural, quoted
from embedviz.modalities.text import type_rows
from embedviz.records import Finding

#: Tokenizer classes that hold whatever their file says.
_GENERIC = {"PreTrainedTokenizer", "TokenizersBackend", "PythonBackend"}


def missing(case: Case) -> Iterator[Finding]:
    reads = case.checkpoint.inputs.modality
    if reads != "text":
        raise Unchecked(f"the model reads {reads}")
    told = [each for each in case.checkpoint.findings if each.section == "tokenizer"]
    if case.checkpoint.tokenizer is None and not any(each.code != "tokenizer.missing" for each in told):
        yield (
            told[0]
            if told
            else Finding(
                code="tokenizer.missing",
                severity="error",
                title="There is no tokenizer, so text cannot be turned into the model's numbers",
                evidence="the checkpoint came without one",
                why="Another model's tokenizer gives ids that mean other words here, and vectors without meaning.",
                remedy=RIGHT_TOKENIZER,
            )
        )


def empty(case: Case) -> Iterator[Finding]:
    tokens = len(case.vocabulary)
    ordinary = set(case.vocabulary.values()) - case.special
    # An alphabet of four letters is a vocabulary; what is far smaller than the model's own table is not.
    if len(ordinary) < 10 and tokens < case.rows / 2:
        yield Finding(
            code="tokenizer.empty",
            severity="error",
            title="The tokenizer is empty",
            evidence=f"{plural(tokens, 'token')}, {len(case.tokens_of(ordinary))} of them ordinary; "
            f"the model has vectors for {case.rows:,}. {quoted(probes.SENTENCES[1])} becomes "
            f"{case.encode([probes.SENTENCES[1]])[0][:12]}",
            why="Where its vocabulary files are missing, transformers makes up an empty tokenizer and says nothing. "
            "Every word becomes the unknown token, and all texts of the same length the same vector.",
            remedy=RIGHT_TOKENIZER,
        )


def vocabulary(case: Case) -> Iterator[Finding]:
    size = max([len(case.tokenizer), *(number + 1 for number in case.vocabulary.values())])
    surplus = size - case.rows
    seen = f"the tokenizer has {size:,} tokens, the model vectors for {case.rows:,}"
    if surplus > 0:
        few = surplus <= 8
        beyond = case.tokens_of({number for number in case.vocabulary.values() if number >= case.rows})
        yield Finding(
            code="tokenizer.vocabulary",
            severity="warning" if few else "error",
            title="The tokenizer knows more tokens than the model",
            evidence=f"{seen}; without a vector: {listed(beyond)}",
            why="A text with one of those tokens stops the model (`index out of range in self`)."
            + (" So few come from tokens that were added and for which the model was not resized." if few else ""),
            remedy="Use the model that was saved after `model.resize_token_embeddings(len(tokenizer))`, or the "
            "tokenizer without the added tokens."
            if few
            else RIGHT_TOKENIZER,
        )
    elif size < 0.9 * case.rows and -surplus > 64:
        yield Finding(
            code="tokenizer.vocabulary",
            severity="warning",
            title="The tokenizer knows far fewer tokens than the model",
            evidence=seen,
            why="A tokenizer of another model gives ids that mean other words here; nothing fails, and the vectors "
            "mean nothing.",
            remedy=RIGHT_TOKENIZER,
        )


def ids_out_of_range(case: Case) -> Iterator[Finding]:
    texts = [*probes.SENTENCES, *(case.own_texts if case.texts else ())]
    ids = [*case.encode(probes.SENTENCES), *(case.own_ids if case.texts else ())]
    beyond = [(text, max(row)) for text, row in zip(texts, ids, strict=True) if row and max(row) >= case.rows]
    if beyond:
        text, number = beyond[0]
        yield Finding(
            code="tokenizer.ids-out-of-range",
            severity="error",
            title="The tokenizer gives ids that the model has no vector for",
            evidence=f"{len(beyond)} of {plural(len(texts), 'text')}; {quoted(text)} gives {number:,}, "
            f"and the model's ids end at {case.rows - 1:,}",
            why="The model stops at such an id with `index out of range in self`.",
            remedy=RIGHT_TOKENIZER,
        )


def type_ids(case: Case) -> Iterator[Finding]:
    rows = type_rows(case.checkpoint)
    given = case.tokenizer(list(probes.SENTENCES), verbose=False).get("token_type_ids")
    if rows is None or not given:
        return
    largest = max(max(row, default=0) for row in given)
    if largest >= rows:
        yield Finding(
            code="tokenizer.type-ids",
            severity="error",
            title="The tokenizer gives token types that the model has no vector for",
            evidence=f"token_type_ids up to {largest}, and the model knows {plural(rows, 'type')}",
            why="The model stops at such a type with `index out of range in self`.",
            remedy=RIGHT_TOKENIZER,
        )


def other_class(case: Case) -> Iterator[Finding]:
    from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES

    used = type(case.tokenizer).__name__.removesuffix("Fast")
    usual = str(TOKENIZER_MAPPING_NAMES.get(case.family) or "").removesuffix("Fast")
    if not usual or used == usual or {used, usual} & _GENERIC:
        return
    # Some models rightly have another family's tokenizer; only one that also cuts words up badly is a mistake.
    symptoms = [*unknown(case), *pieces(case)] if case.english else [*empty(case)]
    if symptoms:
        ids = case.encode([probes.SENTENCES[2]])[0]
        yield Finding(
            code="tokenizer.class",
            severity="error",
            title="The tokenizer is of another class than its vocabulary",
            evidence=f"{used}, where {case.family} models have {usual}; {quoted(probes.SENTENCES[2])} becomes "
            f"{listed(case.tokenizer.convert_ids_to_tokens(ids[:8]), 8)}, …",
            why="Each class cuts text into pieces in its own way, and looks them up in a vocabulary made for another.",
            remedy=f'In tokenizer_config.json, write "tokenizer_class": "{usual}".',
            repair="tokenizer-class",
        )


#: Families whose texts begin with a special token ([CLS], <s>), and those whose texts end with one.
BEGIN = {
    "albert", "bert", "big_bird", "camembert", "convbert", "data2vec-text", "deberta", "deberta-v2", "distilbert",
    "electra", "ernie", "esm", "longformer", "mobilebert", "modernbert", "mpnet", "roberta", "roformer",
    "squeezebert", "xlm-roberta", "xlm-roberta-xl", "xmod",
}  # fmt: skip
_END = {"t5", "mt5", "umt5", "bart", "mbart"}


def special(case: Case) -> Iterator[Finding]:
    ids = case.encode(["a"])[0]
    if case.family not in BEGIN | _END:
        raise Unchecked("whether models of this family expect special tokens is not known")
    place, where = (0, "front") if case.family in BEGIN else (-1, "end")
    if ids and ids[place] in case.special and ids[place] != case.tokenizer.unk_token_id:
        return
    first = "cls" in case.checkpoint.recipe.modes
    yield Finding(
        code="tokenizer.special",
        severity="error" if first else "warning",
        title=f"Texts get no special token at the {where}",
        evidence=f"“a” becomes {listed(case.tokenizer.convert_ids_to_tokens(ids))}, and {case.family} models were "
        f"trained with a special token at the {where}",
        why="Every position is off by one, and the first token's vector is that of a word and not of the text."
        if where == "front"
        else "The model was trained to see where a text ends.",
        remedy="Save the tokenizer again from the original model; its tokenizer.json has lost its `post_processor`.",
    )
