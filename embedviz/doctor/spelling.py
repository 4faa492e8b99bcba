"""Spelling: how the tokenizer takes words to pieces, and how many of them it does not know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from embedviz.doctor import probes
from embedviz.doctor.case import Case
from embedviz.doctor.unchecked import Unchecked
from embedviz.doctor.words import RIGHT_TOKENIZER, listed, plural, quoted
from embedviz.records import Finding

#: From these shares of unknown tokens on a vector is hardly, or not, one of the text.
_HARDLY, _NOT = 0.05, 0.30
#: Pieces a word: about 1.3 for a vocabulary of the language, 4 to 5 for one letter at a time.
_MOST_PIECES = 3.0


def unknown_share(case: Case, ids: Sequence[Sequence[int]]) -> float:
    """The share of unknown tokens among those that stand for text."""
    mark = case.tokenizer.unk_token_id
    real = [number for row in ids for number in row if number == mark or number not in case.special]
    return float(sum(number == mark for number in real) / max(1, len(real)))


def _unknown(case: Case, code: str, texts: Sequence[str], ids: Sequence[Sequence[int]], of: str) -> Iterator[Finding]:
    share = unknown_share(case, ids)
    if share < _HARDLY:
        return
    worst = max(range(len(texts)), key=lambda place: unknown_share(case, [ids[place]]))
    tokens = case.tokenizer.convert_ids_to_tokens(list(ids[worst][:12]))
    yield Finding(
        code=code,
        severity="error" if share >= _NOT else "warning",
        title=f"The tokenizer does not know many words of {of}",
        evidence=f"{share:.0%} of the tokens of {plural(len(texts), 'text')} are unknown; {quoted(texts[worst])} "
        f"becomes {listed(tokens, 12)}",
        why="All unknown words become one and the same token: what they mean is lost before the model begins.",
        remedy="Check the casing (do_lower_case in tokenizer_config.json) and the language. If both are right, the "
        "tokenizer is of another model: copy the right one's files into the folder.",
    )


def unknown(case: Case) -> Iterator[Finding]:
    ids = case.sentence_ids
    yield from _unknown(case, "tokenizer.unknown", probes.SENTENCES, ids, "plain English sentences")


def unknown_instances(case: Case) -> Iterator[Finding]:
    yield from _unknown(case, "tokenizer.unknown-instances", case.own_texts, case.own_ids, "your instances")


def pieces(case: Case) -> Iterator[Finding]:
    ids = case.sentence_ids
    if len(case.vocabulary) < 1_000:
        raise Unchecked("so small a vocabulary can only hold parts of words")
    words = sum(len(text.split()) for text in probes.SENTENCES)
    rate = sum(number not in case.special for row in ids for number in row) / words
    if rate > _MOST_PIECES:
        tokens = case.tokenizer.convert_ids_to_tokens(ids[1][:12])
        yield Finding(
            code="tokenizer.pieces",
            severity="warning",
            title="Common words are split into crumbs",
            evidence=f"{rate:.1f} pieces a word in plain English, where about 1.3 are usual; "
            f"{quoted(probes.SENTENCES[1])} becomes {listed(tokens, 12)}",
            why="The vocabulary holds these words, but the tokenizer does not find them: it cuts text in another way "
            "than the one the vocabulary was made for.",
            remedy=RIGHT_TOKENIZER,
        )


def letters(case: Case) -> Iterator[Finding]:
    ordinary = case.tokens_of(set(case.vocabulary.values()) - case.special)
    if len(ordinary) >= 10 and not any(mark.isalpha() for token in ordinary for mark in token):
        yield Finding(
            code="tokenizer.letters",
            severity="warning",
            title="No token of the vocabulary holds a letter",
            evidence=f"{plural(len(ordinary), 'token')}: {listed(ordinary, 6)}",
            why="Words cannot be told apart without letters. A vocabulary file that was overwritten looks like this; "
            "so does a model that is not for text.",
            remedy="Give instances in the notation the model was trained on, or restore the vocabulary file.",
        )


def casing(case: Case) -> Iterator[Finding]:
    plain = [token for token, number in case.vocabulary.items() if number not in case.special and _spoken(token)]
    capital = [token for token in plain if any(mark.isupper() for mark in token)]
    if len(capital) >= max(3, 0.02 * len(plain)):
        yield from _never_capital(case, capital, len(plain))
        return
    upper, lower = list(probes.SENTENCES), [text.lower() for text in probes.SENTENCES]
    if not case.english:
        raise Unchecked("the vocabulary holds neither capital letters nor common English words")
    more = unknown_share(case, case.encode(upper)) - unknown_share(case, case.encode(lower))
    if more >= 0.02:
        tokens = case.tokenizer.convert_ids_to_tokens(case.encode([upper[2]])[0][:8])
        yield Finding(
            code="tokenizer.casing",
            severity="error" if unknown_share(case, case.encode(upper)) >= _NOT else "warning",
            title="The vocabulary has no capital letters, but texts are not put into lower case",
            evidence=f"{more:.0%} of the tokens of plain sentences are unknown only because of their capital letters; "
            f"{quoted(upper[2])} becomes {listed(tokens, 8)}",
            why="Every name and every first word of a sentence becomes the unknown token.",
            remedy='In tokenizer_config.json, write "do_lower_case": true (or save the tokenizer again with '
            "`do_lower_case=True`).",
            repair="casing",
        )


def _spoken(token: str) -> bool:
    """Whether a token stands for letters at the start of a word, and is no bracketed mark of the vocabulary's own."""
    return token[:2] != "##" and token[:1] not in "[<" and any(mark.isalpha() for mark in _bare(token))


def _bare(token: str) -> str:
    return token.removeprefix("Ġ").removeprefix("▁").removesuffix("</w>")


def _never_capital(case: Case, capital: list[str], plain: int) -> Iterator[Finding]:
    """A finding where hardly any of the tokens with a capital letter can come out of the tokenizer."""
    # Byte-level vocabularies spell bytes beyond ASCII as letters of their own; those are no test of casing.
    capital = [token for token in capital if _bare(token).isascii()]
    tried = capital[:: max(1, len(capital) // 64)][:64]
    if len(tried) < 3:
        raise Unchecked("the vocabulary holds hardly any capital letters that can be tried")
    ids = case.encode([spelling for token in tried for spelling in (_bare(token), f"a {_bare(token)}")], special=False)
    reached = sum(case.vocabulary[token] in {*ids[2 * place], *ids[2 * place + 1]} for place, token in enumerate(tried))
    if reached <= 0.05 * len(tried):
        yield Finding(
            code="tokenizer.casing",
            severity="warning",
            title="The vocabulary has capital letters, but texts are put into lower case",
            evidence=f"{len(capital):,} of {plain:,} tokens hold a capital letter ({listed(tried, 4)}); of "
            f"{len(tried)} that were tried, {reached} can come out of the tokenizer",
            why="The model was trained to tell capitals from small letters, and never gets to see a capital.",
            remedy='In tokenizer_config.json, write "do_lower_case": false.',
            repair="casing",
        )
