"""Choose the WordNet glosses of the sample set: eight classes of nouns, thirty glosses each.

    python make_wordnet_glosses.py DICT > wordnet-glosses.csv

DICT is the folder of WordNet 3.0's database files (``data.noun``, ``index.noun``, ``cntlist.rev``). The choice has no
chance in it: of the glosses that pass the rules below, each class takes those with the most familiar word and the
plainest wording, and at most ``PER_PARENT`` from the same parent concept, so that a class is not thirty breeds of dog.
"""

from __future__ import annotations

import csv
import math
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PER_CLASS, PER_PARENT = 30, 5
SHORTEST, LONGEST = 30, 110

#: WordNet's number of the lexicographer file -> the label in the sample set.
CLASSES = {
    "05": "animal",
    "06": "thing",
    "08": "body",
    "12": "feeling",
    "13": "food",
    "17": "nature",
    "18": "person",
    "20": "plant",
}
#: A gloss that names its own class would make the map look cleverer than the model is.
GIVEAWAYS = {
    "animal": r"animals?",
    "thing": r"things?",
    "body": r"body|bodily",
    "feeling": r"feelings?",
    "food": r"foods?",
    "nature": r"nature|natural(ly)?",
    "person": r"persons?|people|someone|somebody",
    "plant": r"plants?",
}
#: Most classes hold much that a reader would not expect in them; only what lies under these concepts is taken.
UNDER = {
    "animal": ("mammal", "bird", "insect", "reptile", "amphibian", "fish"),
    "body": ("body_part", "bone", "joint"),
    "food": (
        "dish",
        "edible_fruit",
        "baked_goods",
        "sweet",
        "vegetable",
        "meat",
        "beverage",
        "condiment",
        "meal",
        "cheese",
    ),
    "nature": ("geological_formation", "land", "body_of_water", "celestial_body", "rock", "sky"),
    "person": (
        "worker",
        "professional",
        "artist",
        "scientist",
        "entertainer",
        "athlete",
        "musician",
        "teacher",
        "sailor",
    ),
    "plant": ("vascular_plant",),
    "thing": (
        "furniture",
        "tool",
        "vehicle",
        "musical_instrument",
        "clothing",
        "container",
        "home_appliance",
        "footwear",
    ),
}
#: Glosses that pass the rules and yet puzzle or put off a reader without their word.
OMIT = """
    abstractionist academic amarelle ankle anterior aphrodisia ataraxis bartonia beef belay binary bloomer bonanza
    brigadier bugloss bull burrow calculus candlewood captain carnivore celtuce chafeweed chafing citrange compositor
    contrition counter courtier covetousness crystallite dagame daiquiri defeatism detachment disinclination draw dun
    dysphoria electric emotionlessness employee enterolith forequarter foreshank forlornness gallstone greens grudge
    heartlessness heavy hellebore herbal hind hindquarter hortensia huckleberry humanity hypothalamus incumbent
    infantryman jejunum landfill lat lividity loin mankind mastoid mate mellowness mere midbrain millettia molehill
    morello mount mouton musculature muskmelon myocardium nutgrass official orchis organs oversensitiveness partridge
    pate peach pectoral pensiveness performer physiologist pleura pork poultry presage progymnosperm quiver rangpur
    rectus sadomasochism serratus socket sorrow sowbane sphincter squire stewing subordinate subshrub sulk swivet
    syringa thyroid thyroxine tissue unassertiveness unfriendliness veil velleity veloute veteran wheat workman world
"""
#: Subjects that do not belong in a sample shown to anyone: whole words, then beginnings of words.
UNWELCOME = re.compile(
    r"\b((anal|anus|army|dead|die[sd]?|drug|fat|gay|god|guns?|hang|hanged|hate|lust|maid|pest|race|racial|rage|sin|war|womb)\b"
    r"|kill|dying|death|corpse|murder|suicid|slave|sex|genital|penis|vagina|testic|breast|nipple|buttock|rectum|rectal"
    r"|urin|urethr|fec|faec|excre|semen|sperm|ovar|ovum|uter|copulat|mating|pregnan|fetus|pubic|groin|scrot|vulv|clitor"
    r"|prostitut|naked|nude|erotic|intima|narcotic|cannabis|marijuana|opium|cocaine|tobacco|cigar|alcohol|liquor|whisk|drunk"
    r"|beer|wine|poison|venom|weapon|rifle|bomb|sword|soldier|military|tortur|execut|cruel|hatr|disease|cancer|tumou?r|parasit"
    r"|blood|wound|Negro|savage|religi|Christ|Jew|Muslim|Islam|church|priest|bullfight|slang|vulgar|obscen|offensive|disparag"
    r"|derog|insult|contempt|lesbian|servant|disgust|shame|despair|humiliat|grief|agony|terror|reveng|malic|hostil|aggress"
    r"|anger|angry|spank|whip|inferior|stupid)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Synset:
    """One concept of ``data.noun``."""

    offset: str
    lexname: str
    words: tuple[str, ...]
    parents: tuple[str, ...]
    gloss: str


def read_synsets(path: Path) -> Iterator[Synset]:
    for line in path.read_text(encoding="latin-1").splitlines():
        if line.startswith("  "):  # the licence at the head of the file
            continue
        data, gloss = line.split(" | ", 1)
        parts = data.split()
        count = int(parts[3], 16)
        words = tuple(parts[4 + 2 * i] for i in range(count))
        pointers = parts[5 + 2 * count :]
        parents = tuple(
            pointers[at + 1] for at, part in enumerate(pointers) if part in ("@", "@i") and pointers[at + 2] == "n"
        )
        yield Synset(parts[0], parts[1], words, parents, gloss.strip())


def definition(gloss: str) -> str:
    """The definition without its example sentences."""
    return re.split(r';\s*"', gloss)[0].strip().rstrip(";:")


def first_senses(path: Path) -> dict[str, str]:
    """The most usual concept of each word: word -> offset."""
    senses = {}
    for line in path.read_text(encoding="latin-1").splitlines():
        if not line.startswith("  "):
            parts = line.split()
            senses[parts[0]] = parts[-int(parts[2])]
    return senses


def uses(path: Path) -> Counter[str]:
    """How often a noun was met in the texts that WordNet's makers counted."""
    counts: Counter[str] = Counter()
    for line in path.read_text(encoding="latin-1").splitlines():
        key, _, count = line.split()
        word, rest = key.split("%", 1)
        if rest.startswith("1:"):
            counts[word] += int(count)
    return counts


def is_under(synset: Synset, roots: set[str], by_offset: dict[str, Synset]) -> bool:
    waiting, seen = list(synset.parents), set()
    while waiting:
        offset = waiting.pop()
        if offset in roots:
            return True
        if offset not in seen:
            seen.add(offset)
            waiting.extend(by_offset[offset].parents)
    return False


def acceptable(text: str, word: str, label: str) -> bool:
    plain = re.fullmatch(r"[a-z][a-z ,;'-]+", text) is not None and ";" not in text
    says_itself = re.search(rf"\b({re.escape(word)}|{GIVEAWAYS[label]})\b", text) is not None
    return plain and SHORTEST <= len(text) <= LONGEST and not says_itself and not UNWELCOME.search(f"{word} {text}")


def choose(folder: Path) -> list[tuple[str, str, str]]:
    """Rows (text, label, word), by class and then by word."""
    synsets = list(read_synsets(folder / "data.noun"))
    by_offset = {synset.offset: synset for synset in synsets}
    senses, used = first_senses(folder / "index.noun"), uses(folder / "cntlist.rev")
    omitted = frozenset(OMIT.split())
    omitted = frozenset(OMIT.split())
    frequency = Counter(word for synset in synsets for word in re.findall(r"[a-z]+", definition(synset.gloss)))
    candidates: dict[str, list[tuple[float, str, str, str]]] = {label: [] for label in CLASSES.values()}
    for synset in synsets:
        label, text = CLASSES.get(synset.lexname, ""), definition(synset.gloss)
        known = [word for word in synset.words if re.fullmatch(r"[a-z]{3,}", word) and senses[word] == synset.offset]
        if not label or not known or not omitted.isdisjoint(known):
            continue
        if label in UNDER and not is_under(synset, {senses[root] for root in UNDER[label]}, by_offset):
            continue
        word = max(known, key=lambda word: used[word])
        if acceptable(text, word, label):
            familiar = math.log1p(used[word]) + math.log1p(frequency[word])
            plain = min(math.log1p(frequency[part]) for part in re.findall(r"[a-z]+", text))
            candidates[label].append((-(familiar + plain), word, text, synset.parents[0] if synset.parents else ""))
    return [row for label in sorted(candidates) for row in pick(label, candidates[label])]


def pick(label: str, candidates: list[tuple[float, str, str, str]]) -> list[tuple[str, str, str]]:
    taken: Counter[str] = Counter()
    rows: list[tuple[str, str, str]] = []
    for _, word, text, parent in sorted(candidates):
        if taken[parent] < PER_PARENT and len(rows) < PER_CLASS:
            taken[parent] += 1
            rows.append((text, label, word))
    return sorted(rows, key=lambda row: row[2])


def main() -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("text", "label", "word"))
    writer.writerows(choose(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
