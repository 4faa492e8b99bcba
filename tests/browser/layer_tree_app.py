"""A page with nothing but the layer tree, for its browser tests: `streamlit run tests/browser/layer_tree_app.py`.

The address chooses what it shows: ?case=bert, large, hostile or many.
"""

from __future__ import annotations

from itertools import count

import streamlit as st

from embedviz.records import INSTANCES, TOKENS, Layer
from embedviz.ui.layer_tree import layer_tree

GROUPS = "It only groups the modules inside it: choose one of those."
UNTRAINED = "its weights were not in the file, so they are random numbers."


def bert(blocks: int, width: int = 384) -> list[Layer]:
    """The modules of a BERT of so many blocks, in the order in which they are registered."""
    order = count()
    layers: list[Layer] = []

    def add(path: str, kind: str, role: str = "", parameters: int = 0, last: int = width, **more: str) -> None:
        shape = (INSTANCES, TOKENS, last)
        layers.append(Layer(path, kind, role, parameters, shape, calls=1, order=next(order), **more))

    square, block = width * width + width, 12 * width * width + 13 * width
    vocabulary = 30522 * width
    add("", "BertModel", "model", vocabulary + blocks * block + square)
    add("embeddings", "BertEmbeddings", "embedding", vocabulary + 514 * width)
    add("embeddings.word_embeddings", "Embedding", "embedding", vocabulary)
    layers.append(
        Layer(
            "embeddings.position_embeddings",
            "Embedding",
            "embedding",
            512 * width,
            (TOKENS, width),
            calls=1,
            status="no batch axis",
            why="Its output is the same for every instance: it has no axis of instances.",
        )
    )
    add("embeddings.LayerNorm", "LayerNorm", "norm", 2 * width)
    add("embeddings.dropout", "Dropout", "dropout")
    add("encoder", "BertEncoder", "encoder", blocks * block)
    layers.append(Layer("encoder.layer", "ModuleList", "", blocks * block, status="container", why=GROUPS))
    for number in range(blocks):
        at = f"encoder.layer.{number}"
        reason = "what the model was trained to give." if number == blocks - 1 else ""
        add(at, "BertLayer", "block", block, recommended=reason)
        add(f"{at}.attention", "BertAttention", "attention", 4 * square)
        add(f"{at}.attention.self", "BertSelfAttention", "attention", 3 * square)
        for name in ("query", "key", "value"):
            add(f"{at}.attention.self.{name}", "Linear", "attention", square)
        add(f"{at}.attention.self.dropout", "Dropout", "dropout")
        add(f"{at}.attention.output", "BertSelfOutput", "attention", square)
        add(f"{at}.attention.output.dense", "Linear", "attention", square)
        add(f"{at}.attention.output.LayerNorm", "LayerNorm", "norm", 2 * width)
        add(f"{at}.attention.output.dropout", "Dropout", "dropout")
        add(f"{at}.intermediate", "BertIntermediate", "mlp", 4 * square, 4 * width)
        add(f"{at}.intermediate.dense", "Linear", "mlp", 4 * square, 4 * width)
        add(f"{at}.intermediate.intermediate_act_fn", "GELUActivation", "activation", 0, 4 * width)
        add(f"{at}.output", "BertOutput", "mlp", 4 * square)
        add(f"{at}.output.dense", "Linear", "mlp", 4 * square)
        add(f"{at}.output.LayerNorm", "LayerNorm", "norm", 2 * width)
        add(f"{at}.output.dropout", "Dropout", "dropout")
    pooled = {"shape": (INSTANCES, width), "calls": 1, "warning": UNTRAINED}
    layers.append(Layer("pooler", "BertPooler", "pooler", square, **pooled))
    layers.append(Layer("pooler.dense", "Linear", "pooler", square, **pooled))
    layers.append(Layer("pooler.activation", "Tanh", "pooler", 0, **pooled))
    return layers


def hostile() -> list[Layer]:
    """Names that a checkpoint's author may have chosen with a browser in mind."""
    attack = "<img src=x onerror=window.pwned=1>"
    return [
        Layer("", attack, attack, 1),
        Layer(attack, f"</span>{attack}", "<b>bold</b>", 2, (INSTANCES, attack), recommended=attack, warning=attack),
        Layer(f"{attack}.blocked", "Linear", "head", 3, status=attack, why=attack),
        Layer("'; alert(1); //", "${1}", "__proto__", 4),
        Layer("constructor", "toString", "constructor", 5),
        Layer("right\u202eto\u202cleft", "Line\nbreak", "role", 6),
        Layer("long_" * 60 + "name", "Very" * 60 + "LongClass", "very long role" * 9, 10**12, tuple(range(40))),
        Layer("shared", "Linear", "head", 7),
        Layer("shared#2", "Linear", "head", 7),
    ]


CASES = {"bert": lambda: bert(12), "large": lambda: bert(111)[:2009], "hostile": hostile, "many": lambda: bert(12)}


def page() -> None:
    st.set_page_config(page_title="Layer tree", layout="wide", initial_sidebar_state=340)
    case = st.query_params.get("case", "bert")
    state = st.session_state
    state.setdefault("layer", [] if case == "many" else "encoder.layer.5")
    state.runs = state.get("runs", 0) + 1
    layers = CASES[case]()

    def follow(path: str) -> None:
        state.layer = path

    st.title("Layer tree")
    if "wide" in st.query_params:
        layer_tree(layers, state.layer, key="wide")
    for path in ("encoder.layer.9.attention.self", "pooler", "encoder.layer.0", "embeddings.position_embeddings"):
        st.button(f"App chooses {path}", on_click=follow, args=(path,))
    st.button("Run again")
    with st.sidebar:
        st.subheader("Layer")
        if case == "many":
            state.layer = layer_tree(layers, state.layer, key="tree", select="many")
        elif not st.toggle("Hide the tree"):
            state.layer = layer_tree(layers, state.layer, key="tree", on_change=lambda path: state.update(told=path))
    st.text(f"chosen: {state.layer!r}")
    st.text(f"told: {state.get('told')!r}")
    st.text(f"runs: {state.runs}")


if __name__ == "__main__":
    page()
