"""Writes the classifier as a GGUF that llama.cpp reads with the pooling type RANK.

    python export.py MODEL_DIR OUT.gguf [--type f32|f16|q8_0] [--metadata EXTRA.json]

MODEL_DIR holds model.safetensors (the names of Hugging Face's BertModel), head.safetensors (pooler.dense, classifier),
config.json and vocab.txt. EXTRA.json is an object of strings; each becomes the key `sallyport.firewall.<name>`.

llama.cpp's own converter is of no use here: it drops the pooler, and with it the dense layer and the tanh that the
classifier was trained on. llama.cpp computes, for pooling type RANK: the mean of the last layer's rows (because
`bert.classifier.pooling_type` is MEAN) -> cls -> tanh -> cls.output. So pooler.dense is `cls`, classifier is `cls.output`.
The same input gives the same bytes: no date, no random, tensors in a fixed order.
"""

import argparse
import json
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import load_file

LABELS = ["benign", "override", "jailbreak", "embedded"]
MEAN, RANK = 1, 4  # enum llama_pooling_type
SPECIAL = {"[PAD]": "padding", "[UNK]": "unknown", "[CLS]": "cls", "[SEP]": "seperator", "[MASK]": "mask"}

BODY = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
}
LAYER = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
HEAD = {"pooler.dense": "cls", "classifier": "cls.output"}
TYPES = {
    "f32": gguf.GGMLQuantizationType.F32,
    "f16": gguf.GGMLQuantizationType.F16,
    "q8_0": gguf.GGMLQuantizationType.Q8_0,
    "q4_0": gguf.GGMLQuantizationType.Q4_0,
}


def names(layers):
    """Hugging Face's name -> llama.cpp's, in the order in which they are written."""
    table = dict(BODY)
    for i in range(layers):
        table |= {f"encoder.layer.{i}.{theirs}": f"blk.{i}.{ours}" for theirs, ours in LAYER.items()}
    return table


def is_matrix(name):
    """What is quantised: the layers' matrices and the words. Norms, biases, positions and the head are small and stay."""
    return name == "token_embd.weight" or (
        name.startswith("blk.") and name.endswith(".weight") and "norm" not in name
    )


def read(folder):
    """All tensors by llama.cpp's names, as float32; fails if one is missing or one is left over."""
    config = json.loads((folder / "config.json").read_text())
    body = load_file(folder / "model.safetensors")
    body = {name.removeprefix("bert."): value for name, value in body.items()}
    head = load_file(folder / "head.safetensors")
    tensors = {}
    for source, table in ((body, names(config["num_hidden_layers"])), (head, HEAD)):
        for theirs, ours in table.items():
            for part in ("weight", "bias"):
                if f"{theirs}.{part}" in source:
                    tensors[f"{ours}.{part}"] = source.pop(f"{theirs}.{part}").astype(np.float32)
    # The body's own pooler is not used: the head's is.
    left = [name for name in [*body, *head] if not name.startswith("pooler.") and "position_ids" not in name]
    if left:
        raise SystemExit(f"export.py does not know these tensors: {left}")
    if tensors["cls.output.weight"].shape[0] != len(LABELS):
        raise SystemExit(f"the head has {tensors['cls.output.weight'].shape[0]} outputs, not {len(LABELS)}")
    # llama.cpp adds the first row of the types to every token; the second is never used.
    return config, tensors


def write_keys(writer, config, extra, kind):
    writer.add_name("Sallyport firewall")
    writer.add_file_type({"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 7}[kind])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_uint32("bert.pooling_type", RANK)
    writer.add_uint32("bert.classifier.pooling_type", MEAN)
    writer.add_array("bert.classifier.output_labels", LABELS)
    # train.py tells the model who speaks; the gateway does so too where this key is.
    writer.add_string("sallyport.firewall.channels", "prefix")
    for name in sorted(extra):
        writer.add_string(f"sallyport.firewall.{name}", extra[name])


def write_vocabulary(writer, config, words):
    """WordPiece as llama.cpp has it: a word's first piece begins with U+2581, the others have lost their `##`."""
    tokens, kinds = [], []
    for word in words:
        if word in SPECIAL:
            tokens.append(word)
            kinds.append(gguf.TokenType.UNKNOWN if word == "[UNK]" else gguf.TokenType.CONTROL)
        elif word.startswith("[unused"):
            tokens.append(word)
            kinds.append(gguf.TokenType.UNUSED)
        else:
            tokens.append(word[2:] if word.startswith("##") and len(word) > 2 else "\u2581" + word)
            kinds.append(gguf.TokenType.NORMAL)
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_type_count(config.get("type_vocab_size", 2))
    for word, key in SPECIAL.items():
        writer.add_uint32(f"tokenizer.ggml.{key}_token_id", words.index(word))
    writer.add_uint32("tokenizer.ggml.bos_token_id", words.index("[CLS]"))
    writer.add_bool("tokenizer.ggml.normalizer.lowercase", True)
    writer.add_bool("tokenizer.ggml.normalizer.strip_accents", True)


def export(folder, out, kind="q8_0", extra=None):
    """Writes the GGUF `out` from the folder of a trained model."""
    config, tensors = read(folder)
    words = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    if len(words) != tensors["token_embd.weight"].shape[0]:
        raise SystemExit(f"vocab.txt has {len(words)} words, the model {tensors['token_embd.weight'].shape[0]}")
    writer = gguf.GGUFWriter(str(out), "bert")
    write_keys(writer, config, extra or {}, kind)
    write_vocabulary(writer, config, words)
    for name, value in tensors.items():
        as_type = TYPES[kind] if is_matrix(name) else gguf.GGMLQuantizationType.F32
        writer.add_tensor(name, gguf.quants.quantize(value, as_type), raw_dtype=as_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="MODEL_DIR")
    parser.add_argument("out", type=Path, metavar="OUT.gguf")
    parser.add_argument("--type", choices=TYPES, default="q8_0")
    parser.add_argument("--metadata", type=Path, metavar="EXTRA.json")
    options = parser.parse_args()
    extra = json.loads(options.metadata.read_text()) if options.metadata else {}
    export(options.folder, options.out, options.type, extra)


if __name__ == "__main__":
    main()
