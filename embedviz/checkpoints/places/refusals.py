"""The formats that embedviz does not open: what each is, why, and the command that makes of it something else."""

from __future__ import annotations

from dataclasses import dataclass

from embedviz.checkpoints.places import sniff

_SAVE = "`model.save_pretrained(OUT)` and `tokenizer.save_pretrained(OUT)`"
#: What to give in its place.
OPENS = "Give the folder that `save_pretrained` wrote, or a file that `torch.save` wrote."
_AGAIN = "Download or copy it again, and compare its size with the original's."
_UNPACK = "Unpack it and give the folder, or pack it as a zip: `python -m zipfile -c model.zip FOLDER`."
_NO_MODULES = "It holds a fixed sequence of operations, not the PyTorch modules whose layers could be shown."
_RUNS_CODE = "Reading a pickle runs whatever code its sender put into it."


@dataclass(frozen=True)
class Refusal:
    """``what`` completes "This is …", ``why`` it is not opened, ``remedy`` to run where it was made, and its code."""

    what: str
    why: str
    remedy: str
    code: str


_ONLY_ARRAYS = "Arrays without the names that a model's parameters have say nothing about its layers."
_TF_REMEDY = (
    "With transformers 4 and TensorFlow installed (`pip install 'transformers<5' tensorflow torch`), run "
    "`AutoModel.from_pretrained(DIR, from_tf=True).save_pretrained(OUT)`. A model of Keras itself: run "
    "`keras.saving.load_model('model.h5').save('model.keras')`."
)

#: By the kinds of ``sniff``, and by those that only a whole folder shows.
REFUSED: dict[str, Refusal] = {
    "hdf5": Refusal(
        "an HDF5 file, as Keras and TensorFlow write their weights",
        "embedviz shows the modules of PyTorch models.",
        _TF_REMEDY,
        "files.tensorflow",
    ),
    "tensorflow": Refusal(
        "a TensorFlow graph or checkpoint",
        "embedviz shows the modules of PyTorch models.",
        _TF_REMEDY,
        "files.tensorflow",
    ),
    "tflite": Refusal(
        "a TensorFlow Lite model",
        _NO_MODULES,
        f"Give the model that it was converted from: {_SAVE}.",
        "files.tensorflow-lite",
    ),
    "msgpack": Refusal(
        "a msgpack file, as Flax writes its weights",
        "embedviz shows the modules of PyTorch models.",
        "With transformers 4 and Flax installed (`pip install 'transformers<5' flax torch`), run "
        "`AutoModel.from_pretrained(DIR, from_flax=True).save_pretrained(OUT)`.",
        "files.flax",
    ),
    "orbax": Refusal(
        "an Orbax checkpoint, as JAX models are saved",
        "embedviz shows the modules of PyTorch models.",
        "Restore it in JAX, and save its arrays under the names of a PyTorch model: "
        "`safetensors.flax.save_file(params, 'model.safetensors')`.",
        "files.flax",
    ),
    "onnx": Refusal(
        "an ONNX graph",
        _NO_MODULES,
        f"Give the PyTorch model that it was exported from: {_SAVE}, or `torch.save(model.state_dict(), 'model.pt')`.",
        "files.onnx",
    ),
    "openvino": Refusal(
        "an OpenVINO model",
        _NO_MODULES,
        f"Give the PyTorch model that it was converted from: {_SAVE}.",
        "files.openvino",
    ),
    "coreml": Refusal(
        "a Core ML model",
        _NO_MODULES,
        f"Give the PyTorch model that it was converted from: {_SAVE}.",
        "files.coreml",
    ),
    "executorch": Refusal(
        "an ExecuTorch program",
        _NO_MODULES,
        "Give the PyTorch model that it was exported from: `torch.save(model.state_dict(), 'model.pt')`.",
        "files.executorch",
    ),
    "torch-package": Refusal(
        "a torch.package archive",
        "Its model is program code of its own, which embedviz does not run.",
        "Where it can be imported, run `torch.save(model.state_dict(), 'model.pt')`.",
        "files.torch-package",
    ),
    "torch-tar": Refusal(
        "a file that torch.save wrote before PyTorch 0.1.10",
        "Today's PyTorch reads this format only by running the code in it.",
        "If you trust it, run `torch.save(torch.load('old.pt', weights_only=False), 'new.pt')`.",
        "files.torch-too-old",
    ),
    "distcp": Refusal(
        "a distributed PyTorch checkpoint (FSDP, DCP), one part for each process of the training",
        "Its parts have to be put together, and its table of contents is a pickle that can run code.",
        "Where it was made, run `python -m torch.distributed.checkpoint.format_utils dcp_to_torch DIR model.pt`, or "
        "after a training with accelerate `accelerate merge-weights DIR OUT`.",
        "files.distributed",
    ),
    "deepspeed": Refusal(
        "a DeepSpeed checkpoint, one part for each process of the training",
        "Its weights are cut into parts that only DeepSpeed's own script puts together.",
        "Where it was made, run `python zero_to_fp32.py . OUT` in the folder that holds global_step…; older "
        "versions of the script want `python zero_to_fp32.py . pytorch_model.bin`.",
        "files.deepspeed",
    ),
    "megatron": Refusal(
        "a Megatron checkpoint, one part for each process of the training",
        "Its weights are cut into parts that only Megatron's own tools put together.",
        "Where it was made, with Megatron Bridge, run "
        "`AutoBridge.from_hf_pretrained(ORIGINAL).export_ckpt('iter_0000100', OUT)`.",
        "files.megatron",
    ),
    "ggml-old": Refusal(
        "a GGML model from before GGUF",
        "This format was given up in 2023, and nothing reads it any more.",
        "With llama.cpp, run `python convert_llama_ggml_to_gguf.py --input old.bin --output new.gguf`, or give the "
        "model that it was made from.",
        "files.ggml",
    ),
    "sklearn": Refusal(
        "a scikit-learn or joblib pickle",
        f"It has no layers to show. {_RUNS_CODE}",
        "Give the model that makes the vectors it was trained on.",
        "files.pickle",
    ),
    "pickle": Refusal(
        "a Python pickle that torch.save did not write",
        _RUNS_CODE,
        "Where it was made, run `torch.save(model.state_dict(), 'model.pt')`.",
        "files.pickle",
    ),
    "numpy": Refusal(
        "a NumPy array, not a model",
        _ONLY_ARRAYS,
        "Give the model that it was computed with, or `safetensors.numpy.save_file(arrays, 'model.safetensors')` under "
        "the names of the model's parameters.",
        "files.numpy",
    ),
    "npz": Refusal(
        "a zip of NumPy arrays, as np.savez and MLX write them",
        _ONLY_ARRAYS,
        "Run `safetensors.numpy.save_file(dict(np.load('weights.npz')), 'model.safetensors')`; the names have to be "
        "those of the model's parameters.",
        "files.numpy",
    ),
    "lfs-pointer": Refusal(
        "a Git LFS pointer, not the file itself",
        "git put a few lines of text in the place of a large file that it did not fetch.",
        "Run `git lfs pull` in the model's folder.",
        "files.lfs-pointer",
    ),
    "xet-pointer": Refusal(
        "a Git Xet pointer, not the file itself",
        "git put a few lines of text in the place of a large file that it did not fetch.",
        "Download the file itself, for instance with `hf download ORGANISATION/MODEL --local-dir DIR`.",
        "files.lfs-pointer",
    ),
    "html": Refusal(
        "a web page, not a model",
        "The link led to a page about the file, or to one that asks for a login.",
        "Download the file itself; the link may need a login.",
        "files.web-page",
    ),
    "xml": Refusal(
        "an XML document, not a model",
        "Storage services answer in XML where they refuse a download.",
        f"Open it in an editor to read what it says. {_AGAIN}",
        "files.web-page",
    ),
    "empty": Refusal("an empty file", "A download or a copy that failed leaves one.", _AGAIN, "files.empty"),
    "zeros": Refusal(
        "a file of zeros", "A download that was broken off leaves room that was never filled.", _AGAIN, "files.empty"
    ),
    "zstd": Refusal(
        "a zstd-compressed file",
        "embedviz unpacks zip, tar, gzip, bzip2 and xz.",
        "Run `zstd -d FILE`.",
        "files.packed",
    ),
    "lz4": Refusal(
        "an lz4-compressed file", "embedviz unpacks zip, tar, gzip, bzip2 and xz.", "Run `lz4 -d FILE`.", "files.packed"
    ),
    "7z": Refusal("a 7-Zip archive", "embedviz unpacks zip, tar, gzip, bzip2 and xz.", _UNPACK, "files.packed"),
    "rar": Refusal("a RAR archive", "embedviz unpacks zip, tar, gzip, bzip2 and xz.", _UNPACK, "files.packed"),
    "zlib": Refusal(
        "a zlib-compressed file, as joblib writes",
        f"It has no layers to show. {_RUNS_CODE}",
        OPENS,
        "files.pickle",
    ),
    "json": Refusal(
        "a JSON file, not a model",
        "A configuration says which model it is, but not what it learned.",
        OPENS,
        "files.json",
    ),
    "python": Refusal(
        "Python source code, not a model",
        "A program says how a model is built, but not what it learned.",
        "Give the weights, and this file as their architecture file where the server allows code.",
        "files.code",
    ),
    "sentencepiece": Refusal(
        "a SentencePiece vocabulary, not a model",
        "A tokenizer cuts texts into pieces; it has no layers.",
        "Put it into the folder of the model that it belongs to, and give that.",
        "files.tokenizer-only",
    ),
    "tokenizer-only": Refusal(
        "a folder with a tokenizer but no model",
        "A tokenizer cuts texts into pieces; it has no layers.",
        "Copy config.json and the weights (model.safetensors) into it: `model.save_pretrained(FOLDER)`.",
        "files.tokenizer-only",
    ),
    **{
        name: Refusal(
            f"{sniff.KINDS[name].title}, not a model",
            "Data is what a model is tried on; it has no layers.",
            f"Bring it as test instances instead. As the checkpoint: {OPENS[0].lower()}{OPENS[1:]}",
            "files.data",
        )
        for name in ("parquet", "arrow", "sqlite", "table", "text", "image", "media", "pdf", "office")
    },
    "program": Refusal("a program for a computer, not a model", "embedviz runs no programs.", OPENS, "files.program"),
}
REFUSED["distcp-metadata"] = REFUSED["distcp"]
