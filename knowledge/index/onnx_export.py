"""A BERT encoder of sentence-transformers as an ONNX file, written from its weights without torch.

The graph is that of Devlin et al. 2019 as transformers computes it; a test holds its vectors to
those of sentence-transformers within 1e-5. Query, key and value are one product, and the scale of
the scores is folded into the query's weights: both save time on a query of a few words.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.whole_file import whole_file

_OPSET = 20  # the first with Gelu
_MASKED = -1e9  # added to the score of padding: its share is zero in float32

Weights = dict[str, NDArray[np.float32]]


def export_bert(folder: Path, target: Path) -> None:
    """Write the encoder of a model folder, whole or not at all.

    The graph takes `input_ids` and `attention_mask`, (texts, words) int64, and gives `hidden`,
    (texts, words, dimensions) float32.

    Args:
        folder: Holds config.json and model.safetensors.
    """
    import onnx
    from safetensors.numpy import load_file

    config = json.loads((folder / "config.json").read_text("utf-8"))
    graph = _Graph(load_file(folder / "model.safetensors"), config)
    body = onnx.helper.make_graph(
        graph.build(),
        "encoder",
        [
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.INT64, ["texts", "words"])
            for name in ("input_ids", "attention_mask")
        ],
        [
            onnx.helper.make_tensor_value_info(
                "hidden", onnx.TensorProto.FLOAT, ["texts", "words", config["hidden_size"]]
            )
        ],
        [onnx.numpy_helper.from_array(value, name) for name, value in graph.constants.items()],
    )
    model = onnx.helper.make_model(
        body, opset_imports=[onnx.helper.make_opsetid("", _OPSET)], ir_version=9
    )
    with whole_file(target) as file:
        file.write(model.SerializeToString())


class _Graph:
    def __init__(self, weights: Weights, config: dict[str, Any]) -> None:
        self._weights = weights
        self._config = config
        self._nodes: list[Any] = []
        self.constants: dict[str, NDArray[Any]] = {}

    def build(self) -> list[Any]:
        """The nodes in order; `constants` holds what they refer to."""
        take = self._weights
        places = take["embeddings.position_embeddings.weight"]
        places = places + take["embeddings.token_type_embeddings.weight"][0]
        words = self._add(
            "Gather", self._keep(take["embeddings.word_embeddings.weight"]), "input_ids"
        )
        ids_shape = self._add("Shape", "input_ids")
        length = self._add("Gather", ids_shape, self._ints(1))
        place = self._add("Slice", self._keep(places), self._ints(0), length, self._ints(0))
        x = self._norm(self._add("Add", words, place), "embeddings.LayerNorm")
        mask = self._add("Cast", "attention_mask", to=1)
        hidden = self._add("Mul", self._add("Sub", self._floats(1), mask), self._floats(_MASKED))
        hidden = self._add("Unsqueeze", hidden, self._ints(1, 2))
        for number in range(self._config["num_hidden_layers"]):
            x = self._layer(x, hidden, f"encoder.layer.{number}")
        self._add("Identity", x, output="hidden")
        return self._nodes

    def _layer(self, x: str, hidden: str, at: str) -> str:
        size, heads = self._config["hidden_size"], self._config["num_attention_heads"]
        parts = [f"{at}.attention.self.{name}" for name in ("query", "key", "value")]
        scale = np.float32(1 / np.sqrt(size // heads))
        scales = (scale, np.float32(1), np.float32(1))
        matrix = np.concatenate(
            [self._weights[f"{p}.weight"].T * s for p, s in zip(parts, scales, strict=True)], axis=1
        )
        bias = np.concatenate(
            [self._weights[f"{p}.bias"] * s for p, s in zip(parts, scales, strict=True)]
        )
        all_three = self._add("Add", self._add("MatMul", x, self._keep(matrix)), self._keep(bias))
        all_three = self._add("Reshape", all_three, self._ints(0, 0, 3, heads, size // heads))
        by_head = self._add("Transpose", all_three, perm=[2, 0, 3, 1, 4])
        query, key, value = (self._add("Gather", by_head, self._scalar(n)) for n in range(3))
        scores = self._add("MatMul", query, self._add("Transpose", key, perm=[0, 1, 3, 2]))
        shares = self._add("Softmax", self._add("Add", scores, hidden), axis=-1)
        seen = self._add("Transpose", self._add("MatMul", shares, value), perm=[0, 2, 1, 3])
        seen = self._add("Reshape", seen, self._ints(0, 0, size))
        seen = self._linear(seen, f"{at}.attention.output.dense")
        x = self._norm(self._add("Add", seen, x), f"{at}.attention.output.LayerNorm")
        wide = self._add("Gelu", self._linear(x, f"{at}.intermediate.dense"))
        back = self._linear(wide, f"{at}.output.dense")
        return self._norm(self._add("Add", back, x), f"{at}.output.LayerNorm")

    def _linear(self, x: str, at: str) -> str:
        matrix = self._keep(np.ascontiguousarray(self._weights[f"{at}.weight"].T))
        return self._add(
            "Add", self._add("MatMul", x, matrix), self._keep(self._weights[f"{at}.bias"])
        )

    def _norm(self, x: str, at: str) -> str:
        scale, bias = (self._keep(self._weights[f"{at}.{part}"]) for part in ("weight", "bias"))
        return self._add(
            "LayerNormalization", x, scale, bias, epsilon=self._config["layer_norm_eps"]
        )

    def _add(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        import onnx

        output = output or f"n{len(self._nodes)}"
        self._nodes.append(onnx.helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def _keep(self, value: NDArray[Any]) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name

    def _ints(self, *values: int) -> str:
        return self._keep(np.array(values, dtype=np.int64))

    def _scalar(self, value: int) -> str:
        return self._keep(np.array(value, dtype=np.int64))

    def _floats(self, value: float) -> str:
        return self._keep(np.array(value, dtype=np.float32))
