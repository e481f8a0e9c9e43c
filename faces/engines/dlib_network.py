"""dlib's face network (dlib_face_recognition_resnet_model_v1.dat) written out as ONNX.

onnxruntime computes the same 128 numbers from the same weights about ten times as fast, and lets go of Python's global lock
meanwhile. The .dat file is dlib's own serialisation: layers in order from input to output, each opened by its name; see
dlib/serialize.h, dlib/cuda/tensor.h and dlib/dnn/layers.h. Only what this one network uses is read, and anything else is refused.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

CONVERTER_VERSION = 1
"""Raised whenever the graph this module writes changes, so that cached files of an older one are not used."""

INPUT_NAME = "chips_rgb"
"""(n, 150, 150, 3), uint8, RGB: what dlib.get_face_chip(size=150, padding=0.25) cuts out."""
OUTPUT_NAME = "descriptors"
"""(n, 128), float32."""

_OPSET = 17
_IR_VERSION = 8
_TENSOR_VERSION = 2
_NON_FINITE_EXPONENTS = frozenset({32000, 32001, 32002})
_LAYER_HEADER = re.compile(rb"\x01(.)(input_rgb_image_sized|con_4|affine_|relu_|max_pool_2|avg_pool_2|add_prev_|fc_2)", re.DOTALL)
"""The name of a layer behind its length, which is a packed integer of one byte. A digit is the version of the layer's format."""


class UnknownNetwork(ValueError):
    """The .dat file is not the network this module knows how to read; the message says where it differs."""


def network_path(dat_path: Path, cache_dir: Path) -> Path:
    """The ONNX file in `cache_dir` made from `dat_path`, converted now unless it is there already.

    Its name carries the checksum of the source and the version of the converter: another source or converter never meets it.
    Raises OSError where a file can't be read or written, UnknownNetwork for a source that is another network.
    """
    source_sha256 = hashlib.sha256(dat_path.read_bytes()).hexdigest()
    onnx_path = cache_dir / f"dlib-resnet-v1-{source_sha256[:12]}-c{CONVERTER_VERSION}.onnx"
    if not onnx_path.is_file():
        cache_dir.mkdir(parents=True, exist_ok=True)
        convert(dat_path, onnx_path)
    return onnx_path


def convert(dat_path: Path, onnx_path: Path) -> None:
    """Writes the network of `dat_path` to `onnx_path`: the same bytes every time, whole or not at all.

    Several processes may do it at once: each writes a file of its own and moves it into place.
    Raises OSError and UnknownNetwork as `network_path` does.
    """
    source = dat_path.read_bytes()
    _write_atomically(onnx_path, _to_onnx(source))


def _write_atomically(path: Path, content: bytes) -> None:
    descriptor, temporary_name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary_path = Path(temporary_name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary_path.chmod(0o644)
        temporary_path.replace(path)
    except BaseException:
        temporary_path.unlink(missing_ok=True)
        raise


# Reading the .dat file


class _Reader:
    """dlib's packed integers, floats and tensors, from a position that moves on."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.position = 0

    def take(self, count: int) -> bytes:
        taken = self.source[self.position : self.position + count]
        if len(taken) != count:
            raise UnknownNetwork(f"{count} bytes expected at offset {self.position}, the file ends after {len(taken)}")
        self.position += count
        return taken

    def integer(self) -> int:
        """A control byte (how many bytes follow, and 0x80 for a minus), then the magnitude, its lowest byte first."""
        control = self.take(1)[0]
        length = control & 0x0F
        if length > 8 or control & 0x70:  # noqa: PLR2004 - dlib's integers have eight bytes at most
            raise UnknownNetwork(f"no packed integer at offset {self.position - 1}: control byte {control:#04x}")
        magnitude = int.from_bytes(self.take(length), "little")
        return -magnitude if control & 0x80 else magnitude

    def real(self) -> float:
        """Mantissa and exponent of two, both packed integers."""
        mantissa, exponent = self.integer(), self.integer()
        if exponent in _NON_FINITE_EXPONENTS:
            raise UnknownNetwork(f"a number that is not finite before offset {self.position}")
        return math.ldexp(mantissa, exponent)

    def tensor(self) -> Floats:
        """A (samples, channels, rows, columns) array of raw little-endian float32 behind a version and the four sizes."""
        version = self.integer()
        if version != _TENSOR_VERSION:
            raise UnknownNetwork(f"tensor of version {version} before offset {self.position}, expected {_TENSOR_VERSION}")
        shape = tuple(self.integer() for _ in range(4))
        return np.frombuffer(self.take(4 * math.prod(shape)), dtype="<f4").reshape(shape)

    def pair(self) -> tuple[int, int]:
        return self.integer(), self.integer()


@dataclass(frozen=True, slots=True)
class _Input:
    mean_rgb: tuple[float, float, float]
    size: tuple[int, int]
    """Rows, columns."""


@dataclass(frozen=True, slots=True)
class _Convolution:
    parameters: Floats = field(repr=False)
    """All filters, each channels x rows x columns, then one bias a filter."""
    filters: int
    window: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Affine:
    gamma: Floats = field(repr=False)
    beta: Floats = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Pooling:
    operator: str
    window: tuple[int, int]
    """(0, 0) pools over all there is."""
    stride: tuple[int, int]
    padding: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Relu:
    pass


@dataclass(frozen=True, slots=True)
class _AddSkip:
    """The sum of a residual block's output and its input."""


@dataclass(frozen=True, slots=True)
class _FullyConnected:
    weights: Floats = field(repr=False)
    """(inputs, outputs)."""


_Layer = _Input | _Convolution | _Affine | _Pooling | _Relu | _AddSkip | _FullyConnected


def _read_layers(source: bytes) -> Iterator[_Layer]:
    """The layers that compute something, in order from the input to the output.

    Between what is needed of a layer and the next layer's name stand numbers that only training uses; they are passed over.
    """
    reader = _Reader(source)
    while header := _LAYER_HEADER.search(source, reader.position):
        length, name = header.groups()
        if len(name) == length[0]:
            reader.position = header.end()
            yield _read_layer(name.decode(), reader)
        else:  # bytes of a weight that happen to read like a name
            reader.position = header.start() + 1


def _read_layer(name: str, reader: _Reader) -> _Layer:
    layer: _Layer
    match name:
        case "input_rgb_image_sized":
            layer = _Input((reader.real(), reader.real(), reader.real()), reader.pair())
        case "con_4":
            parameters = reader.tensor().ravel()
            layer = _Convolution(parameters, reader.integer(), reader.pair(), reader.pair(), reader.pair())
        case "affine_":
            gamma, beta = np.split(reader.tensor().ravel(), 2)
            layer = _Affine(gamma, beta)
        case "max_pool_2" | "avg_pool_2":
            operator = "MaxPool" if name == "max_pool_2" else "AveragePool"
            layer = _Pooling(operator, reader.pair(), reader.pair(), reader.pair())
        case "relu_":
            layer = _Relu()
        case "add_prev_":
            layer = _AddSkip()
        case _:
            outputs, inputs = reader.pair()
            layer = _FullyConnected(reader.tensor().reshape(inputs, outputs))
    return layer


# Writing the ONNX file


@dataclass(frozen=True, slots=True)
class _Value:
    """A result inside the graph, by its name and its size for one chip."""

    name: str
    channels: int
    rows: int
    columns: int


class _Graph:
    """The ONNX graph as it grows, one dlib layer after the other."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, inputs: list[str], *, output: str | None = None, **attributes: Any) -> str:
        from onnx import helper

        output = f"{operator.lower()}_{len(self.nodes)}" if output is None else output
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def constant(self, values: npt.ArrayLike, dtype: type = np.float32) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype=dtype), name))
        return name

    def normalise(self, layer: _Input) -> _Value:
        """From the pixels of the chip to what the first convolution sees."""
        as_float = self.add("Cast", [INPUT_NAME], to=1)
        centred = self.add("Sub", [as_float, self.constant(layer.mean_rgb)])
        scaled = self.add("Mul", [centred, self.constant(1 / 256)])
        return _Value(self.add("Transpose", [scaled], perm=[0, 3, 1, 2]), 3, *layer.size)

    def convolve(self, source: _Value, layer: _Convolution, affine: _Affine) -> _Value:
        """The convolution with the affine layer after it folded into its weights."""
        weight_count = layer.filters * source.channels * math.prod(layer.window)
        if layer.parameters.size != weight_count + layer.filters or affine.gamma.size != layer.filters:
            raise UnknownNetwork(f"{layer.parameters.size} parameters in a {layer!r} of {source.channels} channels")
        gamma = affine.gamma.astype(np.float64)
        weights = layer.parameters[:weight_count].reshape(layer.filters, source.channels, *layer.window)
        bias = layer.parameters[weight_count:]
        inputs = [
            source.name,
            self.constant(weights * gamma[:, np.newaxis, np.newaxis, np.newaxis]),
            self.constant(bias * gamma + affine.beta),
        ]
        name = self.add("Conv", inputs, kernel_shape=layer.window, strides=layer.stride, pads=layer.padding * 2)
        return _Value(name, layer.filters, *_spatial_size(source, layer))

    def pool(self, source: _Value, layer: _Pooling) -> _Value:
        if layer.window == (0, 0):
            return _Value(self.add(f"Global{layer.operator}", [source.name]), source.channels, 1, 1)
        name = self.add(layer.operator, [source.name], kernel_shape=layer.window, strides=layer.stride, pads=layer.padding * 2)
        return _Value(name, source.channels, *_spatial_size(source, layer))

    def relu(self, source: _Value) -> _Value:
        return replace(source, name=self.add("Relu", [source.name]))

    def sum(self, left: _Value, right: _Value) -> _Value:
        """As dlib's add_prev: what an operand lacks to the larger size is zeros behind its last channel, row and column."""
        size = (max(left.channels, right.channels), max(left.rows, right.rows), max(left.columns, right.columns))
        name = self.add("Add", [self._filled_up(left, size), self._filled_up(right, size)])
        return _Value(name, *size)

    def _filled_up(self, value: _Value, size: tuple[int, int, int]) -> str:
        missing = (size[0] - value.channels, size[1] - value.rows, size[2] - value.columns)
        if not any(missing):
            return value.name
        return self.add("Pad", [value.name, self.constant([0, 0, 0, 0, 0, *missing], np.int64)])

    def connect(self, source: _Value, layer: _FullyConnected) -> None:
        if (source.rows, source.columns) != (1, 1) or layer.weights.shape[0] != source.channels:
            raise UnknownNetwork(f"{source!r} meets weights of shape {layer.weights.shape}")
        flat = self.add("Flatten", [source.name])
        self.add("MatMul", [flat, self.constant(layer.weights)], output=OUTPUT_NAME)


def _spatial_size(source: _Value, layer: _Convolution | _Pooling) -> tuple[int, int]:
    rows, columns = (
        (size + 2 * padding - window) // stride + 1
        for size, window, stride, padding in zip(
            (source.rows, source.columns), layer.window, layer.stride, layer.padding, strict=True
        )
    )
    return rows, columns


_LETTERS = {_Input: "I", _Convolution: "C", _Affine: "A", _Relu: "R", _Pooling: "P", _AddSkip: "S", _FullyConnected: "F"}
_ARCHITECTURE = re.compile("ICARP(CARCAP?SR)+PF")
"""Stem, residual blocks (those that halve the size pool their skip), global pooling, descriptor."""


def _build(layers: list[_Layer]) -> tuple[_Graph, _Input, _FullyConnected]:
    """The whole network, its first layer and its last."""
    letters = "".join(_LETTERS[type(layer)] for layer in layers)
    if not _ARCHITECTURE.fullmatch(letters):
        raise UnknownNetwork(f"layers {letters}, expected {_ARCHITECTURE.pattern}")
    chip, *middle, output = layers
    assert isinstance(chip, _Input)
    assert isinstance(output, _FullyConnected)
    graph = _Graph()
    value = skip = graph.normalise(chip)
    for previous, layer, following in zip(layers[:-2], middle, layers[2:], strict=True):
        match layer:
            case _Convolution():
                assert isinstance(following, _Affine)  # which has nothing left to do after this
                value = graph.convolve(value, layer, following)
            case _Relu():
                value = graph.relu(value)
                skip = value if isinstance(previous, _AddSkip) else skip
            case _Pooling() if isinstance(following, _AddSkip):
                skip = graph.pool(skip, layer)
            case _Pooling():
                value = skip = graph.pool(value, layer)
            case _AddSkip():
                value = graph.sum(skip, value)
    graph.connect(value, output)
    return graph, chip, output


def _to_onnx(source: bytes) -> bytes:
    from onnx import TensorProto, checker, helper

    graph, chip, output = _build(list(_read_layers(source)))
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "dlib_face_recognition_resnet_model_v1",
            [helper.make_tensor_value_info(INPUT_NAME, TensorProto.UINT8, ["n", *chip.size, 3])],
            [helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, ["n", output.weights.shape[1]])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="kiosk",
        producer_version=str(CONVERTER_VERSION),
    )
    checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content
