"""Words that people who do not program need not know, each with what it means."""

from __future__ import annotations

#: A term, as it stands in sentences, and its explanation.
GLOSSARY = {
    "embedding": "The list of numbers that the model makes of one input. Alike inputs should get alike numbers.",
    "layer": "One of the steps that a model takes one after the other. Each makes new numbers of what the one before "
    "it made.",
    "cosine": "How much two lists of numbers point the same way: 1 is the same direction, 0 has nothing in common, "
    "below 0 points away.",
    "token": "A word or a piece of a word: what the model reads one at a time.",
    "map": "A drawing in which inputs with alike numbers lie near each other, as well as a flat drawing can show it.",
    "nearest neighbour": "Of all others in the set, the one whose numbers are most alike: the one with the largest "
    "cosine.",
    "neighbour": "One whose numbers are alike: one with a large cosine.",
    "by chance": "What would come out if the model knew nothing and everything lay where it lies at random.",
    "model": "A program whose numbers were not written by anybody but found from very many examples.",
    "kind": "What people have written beside each input in this set, so that it can be checked. The model is not "
    "given it.",
}
