"""Model folders whose settings are hostile: config.json, indexes, modules.json, adapter_config.json."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.checkpoints.tiny import Maker, code, model, secret, settings, tensors, tiny

Json = dict[str, Any]


def config(**changes: Any) -> Maker:
    """The tiny model with values of its config.json changed. ``$MARKER`` and ``$SECRET`` stand for those paths."""

    def make(folder: Path, marker: Path) -> Path:
        text = json.dumps(settings("config.json", **changes))
        text = text.replace("$MARKER", str(marker)).replace("$SECRET", str(secret(folder)))
        return model(folder / "model", **{"config.json": text.encode(), "code.py": code(marker)})

    return make


def raw_config(write: Callable[[], str | bytes]) -> Maker:
    """The tiny model with the text of its config.json given; it is made only when it is wanted."""

    def make(folder: Path, marker: Path) -> Path:
        content = write()
        return model(folder / "model", **{"config.json": content.encode() if isinstance(content, str) else content})

    return make


def family(model_type: str, **values: Any) -> Maker:
    """The tiny model's weights under a config.json of another family."""

    def make(folder: Path, marker: Path) -> Path:
        return model(folder / "model", **{"config.json": {"model_type": model_type, **values}, "code.py": code(marker)})

    return make


def index(target: str) -> Maker:
    """An index whose only shard is ``target``."""

    def make(folder: Path, marker: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "stolen.safetensors").write_bytes(tiny()["model.safetensors"])
        shards = {name: target.replace("$FOLDER", str(folder)) for name in tensors()}
        listed = {"metadata": {}, "weight_map": shards}
        return model(folder / "model", **{"model.safetensors": None, "model.safetensors.index.json": listed})

    return make


def _sparse(file: Path, size: int) -> None:
    with file.open("ab") as opened:
        opened.truncate(size)


def sparse(name: str, gigabytes: float) -> Maker:
    """The tiny model with one of its files grown to gigabytes that take no room on the disk."""

    def make(folder: Path, marker: Path) -> Path:
        made = model(folder / "model")
        _sparse(made / name, int(gigabytes * 2**30))
        return made

    return make


def sentence(modules: Any, **files: Any) -> Maker:
    """A sentence-transformers folder."""

    def make(folder: Path, marker: Path) -> Path:
        model(folder / "elsewhere")
        mean = {"word_embedding_dimension": 16, "pooling_mode_mean_tokens": True}
        listed = modules if isinstance(modules, bytes) else json.dumps(modules).encode()
        return model(folder / "model", **{"modules.json": listed, "1_Pooling/config.json": mean, **files})

    return make


def part(kind: str, path: str = "", number: int = 0) -> Json:
    return {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}


FIRST, POOLING = part("Transformer"), part("Pooling", "1_Pooling", 1)


def dense(**changes: Any) -> Maker:
    """A sentence-transformers folder with a dense part."""
    values = {
        "in_features": 16,
        "out_features": 4,
        "bias": True,
        "activation_function": "torch.nn.modules.linear.Identity",
    }

    def make(folder: Path, marker: Path) -> Path:
        import torch
        from safetensors.torch import save

        weights = save({"linear.weight": torch.ones(4, 16), "linear.bias": torch.ones(4)})
        return sentence(
            [FIRST, POOLING, part("Dense", "2_Dense", 2)],
            **{"2_Dense/config.json": {**values, **changes}, "2_Dense/model.safetensors": weights},
        )(folder, marker)

    return make


def adapter(names: dict[str, tuple[int, ...]] | None = None, **changes: Any) -> Maker:
    """A LoRA adapter for the bundled model."""
    shapes = names or {
        "base_model.model.encoder.layer.0.attention.self.query.lora_A.weight": (2, 384),
        "base_model.model.encoder.layer.0.attention.self.query.lora_B.weight": (384, 2),
    }

    def make(folder: Path, marker: Path) -> Path:
        import torch
        from safetensors.torch import save

        values = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["query"], **changes}
        text = json.dumps(values).replace("$MARKER", str(marker)).replace("$FOLDER", str(model(folder / "elsewhere")))
        (folder / "model").mkdir(parents=True)
        (folder / "model" / "adapter_config.json").write_text(text)
        weights = save({name: torch.ones(shape) for name, shape in shapes.items()})
        (folder / "model" / "adapter_model.safetensors").write_bytes(weights)
        return folder / "model"

    return make


CONFIGURATIONS: dict[str, Maker] = {
    "config: vocabulary of 2e9": config(vocab_size=2_000_000_000),
    "config: 3,000 layers": config(num_hidden_layers=3_000),
    "config: 2e9 layers": config(num_hidden_layers=2_000_000_000),
    "config: no heads": config(num_attention_heads=0),
    "config: negative width": config(hidden_size=-16),
    "config: negative layers": config(num_hidden_layers=-1),
    "config: width of 2**63": config(hidden_size=2**63),
    "config: width of 2e7": config(hidden_size=20_000_000),
    "config: width as a float": config(hidden_size=1e308),
    "config: width as a text": config(hidden_size="16"),
    "config: width as a list": config(hidden_size=[16]),
    "config: width null": raw_config(lambda: json.dumps({**settings("config.json"), "hidden_size": None})),
    "config: NaN": raw_config(lambda: json.dumps({**settings("config.json"), "layer_norm_eps": float("nan")})),
    "config: infinite": raw_config(lambda: json.dumps({**settings("config.json"), "initializer_range": float("inf")})),
    "config: all numbers 2e9": raw_config(
        lambda: json.dumps({k: 2_000_000_000 if type(v) is int else v for k, v in settings("config.json").items()})
    ),
    "config: inner size of 2e7": config(intermediate_size=20_000_000),
    "config: positions of 2e9": config(max_position_embeddings=2_000_000_000),
    "config: token types of 2e9": config(type_vocab_size=2_000_000_000),
    "config: padding id of -7": config(pad_token_id=-7),
    "config: padding id of 2e9": config(pad_token_id=2_000_000_000),
    "config: 2e9 labels": config(num_labels=2_000_000_000),
    "config: 2e9 labels and a head": config(num_labels=2_000_000_000, architectures=["BertForSequenceClassification"]),
    "config: 3e7 labels": config(num_labels=30_000_000),
    "config: a million labels": config(
        id2label=lambda: {str(number): f"LABEL_{number}" for number in range(1_000_000)}
    ),
    "config: labels as a text": config(id2label="x" * 1_000_000),
    "config: chunks of -1": config(chunk_size_feed_forward=-1),
    "config: chunks of 1": config(chunk_size_feed_forward=1),
    "config: pruned heads": config(pruned_heads={"0": [0, 1], "1": list(range(100_000))}),
    "config: all outputs": config(output_attentions=True, output_hidden_states=True, return_dict=False),
    "config: a decoder with cross attention": config(is_decoder=True, add_cross_attention=True),
    "config: torchscript": config(torchscript=True),
    "config: activation is a program": config(hidden_act="__import__('os').system('touch $MARKER')"),
    "config: activation is a number": config(hidden_act=7),
    "config: activation from a kernel": config(hidden_act="kernels-community/activation"),
    "config: number type is a program": config(torch_dtype="os.system", dtype="os.system"),
    "config: number type is a function": config(torch_dtype="load", dtype="load"),
    "config: number type int8": config(torch_dtype="int8", dtype="int8"),
    "config: number type 7": config(dtype=7),
    "config: number types by module": config(dtype={"": "float16", "encoder": "x"}),
    **{
        f"config: kernel in {key}": config(**{key: "kernels-community/flash-attn"})
        for key in (
            *("attn_implementation", "_attn_implementation", "_attn_implementation_internal"),
            *("experts_implementation", "_experts_implementation", "_experts_implementation_internal"),
        )
    },
    "config: kernel by parts": config(attn_implementation={"": "kernels-community/flash-attn"}),
    "config: kernel, paged": config(attn_implementation="paged|kernels-community/flash-attn"),
    "config: kernel with a version": config(attn_implementation="kernels-community/flash-attn@v1:attention"),
    "config: kernel without a slash": config(attn_implementation="flash_attention_3"),
    "config: flash attention": config(attn_implementation="flash_attention_2"),
    "config: flex attention": config(attn_implementation="flex_attention"),
    "config: attention unknown": config(attn_implementation="x" * 10_000),
    "config: attention is a list": config(attn_implementation=["kernels-community/flash-attn"]),
    "config: use_kernels": config(use_kernels=True, kernel_config={"Linear": "kernels-community/x:Linear"}),
    "config: model_type is a path": config(model_type="../../../../etc/passwd"),
    "config: model_type is a pipeline": config(model_type="pipeline"),
    "config: model_type is a list": raw_config(lambda: json.dumps({**settings("config.json"), "model_type": ["bert"]})),
    "config: model_type is long": config(model_type="x" * 1_000_000),
    "config: model_type is empty": config(model_type=""),
    "config: its name is a host path": config(_name_or_path="/etc/passwd", name_or_path="/etc"),
    "config: architectures name a pipeline": config(architectures=["pipeline"]),
    "config: architectures name AutoModel": config(architectures=["AutoModel"]),
    "config: architectures name the base class": config(architectures=["PreTrainedModel"]),
    "config: architectures name a module": config(architectures=["utils"]),
    "config: architectures name __class__": config(architectures=["__class__"]),
    "config: architectures are a text": config(architectures="BertModel"),
    "config: architectures are numbers": config(architectures=[7]),
    "config: architectures are a dict": config(architectures={"0": "BertModel"}),
    "config: architectures are true": config(architectures=True),
    "config: quantised": config(quantization_config={"quant_method": "gptq", "bits": 4}),
    "config: quantised by a word": config(quantization_config="bitsandbytes"),
    "config: quantised by code": config(quantization_config={"quant_method": "torchao", "quant_type": "$MARKER"}),
    "config: weights elsewhere": config(transformers_weights="$SECRET"),
    "config: weights above": config(transformers_weights="../elsewhere/model.safetensors"),
    "config: gguf elsewhere": config(gguf_file="$SECRET"),
    "config: a commit that is a path": config(_commit_hash="../../../../etc"),
    "config: code": config(auto_map={"AutoConfig": "code.Config", "AutoModel": "code.Model"}),
    "config: code of an unknown family": config(
        model_type="mine", auto_map={"AutoConfig": "code.Config", "AutoModel": "code.Model"}, trust_remote_code=True
    ),
    "config: code elsewhere": config(auto_map={"AutoConfig": "someone/else--code.Config"}, custom_pipelines={"x": {}}),
    "config: attributes of Python": config(__class__="x", __dict__={"hidden_size": 1}, to_dict=1, get_text_config=2),
    "config: attribute_map": config(attribute_map={"hidden_size": "hidden_size"}),
    "config: attributes of transformers": config(
        base_config_key="x",
        sub_configs={"x": "y"},
        base_model_tp_plan={"x": "colwise"},
        base_model_pp_plan={"x": [["y"]]},
    ),
    "config: tensor parallel": config(tp_plan="auto", distributed_config={"enable_expert_parallel": True}),
    "config: per layer": config(per_layer_config={"0": {"hidden_size": 2_000_000_000}}),
    "config: twice the same key": raw_config(
        lambda: json.dumps(settings("config.json"))[:-1] + ', "hidden_size": 2000000000, "hidden_size": 16}'
    ),
    "config: deep": raw_config(lambda: '{"model_type": "bert", "x": ' + "[" * 100_000 + "]" * 100_000 + "}"),
    "config: deep dicts": raw_config(lambda: '{"model_type": "bert", "x": ' + '{"x":' * 900 + "1" + "}" * 900 + "}"),
    "config: a number of a million digits": raw_config(
        lambda: '{"model_type": "bert", "hidden_size": ' + "1" * 10**6 + "}"
    ),
    "config: a million keys": raw_config(
        lambda: json.dumps({**settings("config.json"), **{f"key {number}": number for number in range(1_000_000)}})
    ),
    "config: 49 MB of text": config(finetuning_task="x" * 49_000_000),
    "config: 2 GB": sparse("config.json", 2),
    "config: no object": raw_config(lambda: "[1, 2, 3]"),
    "config: null": raw_config(lambda: "null"),
    "config: UTF-16": raw_config(lambda: json.dumps(settings("config.json")).encode("utf-16")),
    "config: half a surrogate": raw_config(lambda: '{"model_type": "bert\\ud800", "\\udfff": 1}'),
    "config: NUL": config(model_type="bert\0", architectures=["Bert\0Model"]),
    "config: markup and formulas": config(
        model_type="<img src=x onerror=alert(1)>=cmd|'/c calc'!A1\u202egpj.exe\n\n# Big", architectures=["=1+1"]
    ),
}
FAMILIES: dict[str, Maker] = {
    "family: text tower of absurd size": family("clip", text_config={"hidden_size": 2**40, "num_hidden_layers": 10**9}),
    "family: vision tower of absurd size": family("clip", vision_config={"num_hidden_layers": 10**9}),
    "family: kernel in the text tower": family(
        "clip", text_config={"_attn_implementation": "kernels-community/flash-attn"}
    ),
    "family: kernel in a decoder": family(
        "encoder-decoder",
        encoder={"model_type": "bert", "attn_implementation": "kernels-community/flash-attn"},
        decoder={"model_type": "bert"},
    ),
    "family: a decoder of 3,000 layers": family(
        "encoder-decoder", encoder={"model_type": "bert"}, decoder={"model_type": "bert", "num_hidden_layers": 3_000}
    ),
    "family: text_config is a number": family("clip", text_config=7),
    "family: text_config in a BERT": config(text_config={"model_type": "bert", "num_hidden_layers": 10**9}),
    "family: text_config within itself": family("llava", text_config={"model_type": "llava", "text_config": {"x": 1}}),
    "family: a backbone elsewhere": family("dpt", backbone="/etc", use_pretrained_backbone=True),
    "family: a backbone's configuration": family(
        "maskformer", backbone_config={"model_type": "resnet", "depths": [10**9], "hidden_sizes": [10**9]}
    ),
    "family: a timm model": family("timm_wrapper", architecture="resnet50", do_pooling=True),
    "family: a timm backbone": family("timm_backbone", backbone="resnet50", use_pretrained_backbone=True),
    "family: reformer's axes": family("reformer", axial_pos_shape=[10**9, 10**9], attn_layers=["x"] * 100_000),
    "family: longformer's window": family("longformer", attention_window=[10**9] * 12),
    "family: swin's depths": family("swin", depths=[10**9, 1], num_heads=[1, 1]),
    "family: funnel's blocks": family("funnel", block_sizes=[10**9]),
    "family: a billion experts": family("mixtral", num_local_experts=10**9),
    "family: experts by 4,096": family("mixtral", num_local_experts=4_096, num_hidden_layers=39),
    "family: llama without shared heads": family("llama", num_key_value_heads=0),
    "family: llama's rope": family("llama", rope_scaling={"rope_type": "yarn", "factor": 1e308}, hidden_size=64),
    "family: llama's rope is code": family("llama", rope_scaling={"rope_type": "__import__('os')"}),
    "family: llama's rope is null": family("llama", rope_parameters={"rope_theta": None, "rope_type": "default"}),
    "family: rwkv": family("rwkv", num_hidden_layers=2),
    "family: mamba": family("mamba", state_size=10**9),
    "family: rag": family("rag", question_encoder={"model_type": "dpr"}, generator={"model_type": "bart"}),
}
FOLDERS: dict[str, Maker] = {
    "index: above": index("../stolen.safetensors"),
    "index: absolute": index("$FOLDER/stolen.safetensors"),
    "index: backslash": index("..\\stolen.safetensors"),
    "index: the folder": index("."),
    "index: NUL": index("model\0.safetensors"),
    "index: the index": index("model.safetensors.index.json"),
    "index: 100,000 shards": lambda folder, marker: model(
        folder / "model",
        **{
            "model.safetensors": None,
            "model.safetensors.index.json": {"weight_map": {f"{n}": f"model-{n}.safetensors" for n in range(100_000)}},
        },
    ),
    "sentence: transformer above": sentence([part("Transformer", "../elsewhere"), POOLING]),
    "sentence: transformer on the host": sentence([part("Transformer", "/etc"), POOLING]),
    "sentence: pooling above": sentence([FIRST, part("Pooling", "../elsewhere", 1)]),
    "sentence: class of its own": sentence(
        [{**FIRST, "type": "code.Transformer"}, {**POOLING, "type": "code.Pooling"}]
    ),
    "sentence: part of its own": sentence([FIRST, POOLING, {**part("X", "", 2), "type": "os.system"}]),
    "sentence: modules deep": sentence(b"[" * 100_000),
    "sentence: modules are a text": sentence("Transformer"),
    "sentence: modules are a dict": sentence({"0": FIRST}),
    "sentence: 100,000 parts": sentence([FIRST, POOLING, *[part("Normalize", "", 2)] * 100_000]),
    "sentence: 1,000 dense parts": sentence([FIRST, POOLING, *[part("Dense", "2_Dense", 2)] * 1_000]),
    "sentence: dense of 1e9": dense(out_features=10**9),
    "sentence: dense by a program": dense(activation_function="os.system"),
    "sentence: dense by a number": dense(activation_function=7),
    "sentence: dense settings are a list": sentence(
        [FIRST, POOLING, part("Dense", "2_Dense", 2)], **{"2_Dense/config.json": [1]}
    ),
    "sentence: pooling is a list": sentence([FIRST, POOLING], **{"1_Pooling/config.json": [1, 2]}),
    "sentence: pooling is a number": sentence([FIRST, POOLING], **{"1_Pooling/config.json": {"pooling_mode": 7}}),
    "sentence: pooling is odd": sentence([FIRST, POOLING], **{"1_Pooling/config.json": {"pooling_mode": [{}, []]}}),
    "sentence: longest of 1e18": sentence(
        [FIRST, POOLING], **{"sentence_bert_config.json": {"max_seq_length": 10**18}}
    ),
    "sentence: longest of -1": sentence([FIRST, POOLING], **{"sentence_bert_config.json": {"max_seq_length": -1}}),
    "sentence: prompts are a list": sentence(
        [FIRST, POOLING], **{"config_sentence_transformers.json": {"prompts": ["x"], "default_prompt_name": "y"}}
    ),
    "sentence: prompt's name is a dict": sentence(
        [FIRST, POOLING], **{"config_sentence_transformers.json": {"prompts": {"x": "y"}, "default_prompt_name": {}}}
    ),
    "sentence: a prompt of 20 MB": sentence(
        [FIRST, POOLING],
        **{"config_sentence_transformers.json": {"prompts": {"x": "a " * 10**7}, "default_prompt_name": "x"}},
    ),
    "adapter: base on the host": adapter(base_model_name_or_path="$FOLDER"),
    "adapter: regex bomb": adapter(target_modules="(a|a)*" * 20 + "(.*)*$"),
    "adapter: megatron": adapter(megatron_core="code", megatron_config={"x": 1}),
    "adapter: layers again and again": adapter(layer_replication=[[0, 10**9]]),
    "adapter: rank of 1e9": adapter(r=10**9, lora_alpha=1e308),
    "adapter: alpha NaN": adapter(lora_alpha=float("nan")),
    "adapter: initialised from elsewhere": adapter(init_lora_weights="$FOLDER", loftq_config={"x": 1}),
    "adapter: code": adapter(auto_mapping={"base_model_class": "X", "parent_library": "code"}, runtime_config={"x": 1}),
    "adapter: kind is a list": adapter(peft_type=["LORA"]),
    "adapter: of no module": adapter({"base_model.model.x.lora_A.weight": (2, 384)}),
    "adapter: half of it": adapter({"base_model.model.encoder.layer.0.attention.self.query.lora_A.weight": (2, 384)}),
    "adapter: other shapes": adapter(
        {
            "base_model.model.encoder.layer.0.attention.self.query.lora_A.weight": (2, 7),
            "base_model.model.encoder.layer.0.attention.self.query.lora_B.weight": (9, 2),
        }
    ),
    "adapter: scalar": adapter({"base_model.model.encoder.layer.0.attention.self.query.lora_A.weight": ()}),
    "adapter: embeddings of the norm": adapter({"base_model.model.embeddings.LayerNorm.lora_A.weight": (2, 384)}),
    "adapter: settings are a list": lambda folder, marker: model(
        folder / "model", **dict.fromkeys(tiny()), **{"adapter_config.json": [1], "adapter_model.safetensors": b"x"}
    ),
}
