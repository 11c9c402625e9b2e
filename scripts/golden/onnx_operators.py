#!/usr/bin/env python3
"""Golden values of ONNX operators: writes tests/golden/onnx.json.

    python3 scripts/golden/onnx_operators.py            (needs onnx and onnxruntime; made with 1.23 and 1.32)

Each case is a small graph of one input, the model's bytes, an input, and what onnxruntime makes of it. What is not
float32 in the end is cast to that within the graph.
"""
import base64
import json
import pathlib
import zlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "onnx.json"
CASES = []


def node(op, inputs, outputs="y", **attributes):
    return helper.make_node(op, inputs.split(), outputs.split(), **attributes)


def noise(name, *shape, low=None, high=None):
    random = np.random.default_rng(zlib.crc32(name.encode()))
    values = random.standard_normal(shape) if low is None else random.uniform(low, high, shape)
    return values.astype(np.float32)


def ints(*values):
    return np.array(values, dtype=np.int64)


def packed(array):
    return {"type": str(array.dtype), "shape": list(array.shape),
            "values": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()}


def case(name, opset, nodes, x, **constants):
    """Of a graph from "x" to "y". Constants are initializers; "_" is an input that is left out."""
    nodes = [nodes] if not isinstance(nodes, list) else nodes
    for number, n in enumerate(nodes):
        n.name = f"{n.op_type}_{number}"
        for i, value in enumerate(n.input):
            if value == "_":
                n.input[i] = ""
    graph = helper.make_graph(
        nodes, "golden", [helper.make_tensor_value_info("x", helper.np_dtype_to_tensor_dtype(x.dtype),
                                                        [None] * x.ndim)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), key) for key, value in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7 if opset < 15 else 9)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    y = session.run(["y"], {"x": x})[0]
    assert y.dtype == np.float32, (name, y.dtype)
    CASES.append({"name": f"{name}, opset {opset}", "model": base64.b64encode(model.SerializeToString()).decode(),
                  "input": packed(x), "output": packed(y)})


def cast(value="z", to=TensorProto.FLOAT, output="y"):
    return node("Cast", value, output, to=to)


def unary():
    x = noise("unary", 3, 5) * 2
    positive = np.abs(x) + 0.1
    for op in ["Neg", "Abs", "Exp", "Erf", "Tanh", "Sigmoid", "Relu", "Softplus", "Softsign", "Sin", "Cos", "Sign",
               "Floor",
               "Ceil", "Round", "Identity"]:
        case(op, 13, node(op, "x"), x)
    for op in ["Sqrt", "Reciprocal", "Log"]:
        case(op, 13, node(op, "x"), positive)
    case("Round of halves", 13, node("Round", "x"), np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5], np.float32))
    case("HardSwish", 14, node("HardSwish", "x"), x * 3)
    case("HardSigmoid", 11, node("HardSigmoid", "x"), x * 3)
    case("HardSigmoid of torch", 14, node("HardSigmoid", "x", alpha=1 / 6), x * 3)
    case("LeakyRelu", 11, node("LeakyRelu", "x"), x)
    case("LeakyRelu 0.2", 16, node("LeakyRelu", "x", alpha=0.2), x)
    case("Elu", 11, node("Elu", "x"), x)
    case("Elu 0.5", 11, node("Elu", "x", alpha=0.5), x)
    case("Celu", 12, node("Celu", "x", alpha=0.7), x)
    case("Selu", 11, node("Selu", "x"), x)
    case("Mish", 18, node("Mish", "x"), x)
    case("Gelu", 20, node("Gelu", "x"), x)
    case("Gelu of tanh", 20, node("Gelu", "x", approximate="tanh"), x)
    case("PRelu", 11, node("PRelu", "x slope"), noise("prelu", 2, 3, 4), slope=noise("slope", 3, 1))
    case("PRelu of one", 16, node("PRelu", "x slope"), x, slope=np.array([0.3], np.float32))
    case("IsNaN", 13, [node("Log", "x", "l"), node("IsNaN", "l", "z"), cast()], x)
    for opset in (11, 13):
        low, high = np.float32(-0.5), np.float32(0.75)
        case("Clip", opset, node("Clip", "x low high"), x, low=low, high=high)
        case("Clip below", opset, node("Clip", "x low"), x, low=low)
        case("Clip above", opset, node("Clip", "x _ high"), x, high=high)
        case("Clip of nothing", opset, node("Clip", "x"), x)
    case("Dropout", 11, node("Dropout", "x", ratio=0.4), x)
    case("Dropout with its inputs", 13, node("Dropout", "x ratio training"), x, ratio=np.float32(0.4),
         training=np.array(False))
    case("Dropout with its mask", 12, [node("Dropout", "x", "a mask"), cast("mask", output="m"), node("Add", "a m")], x)
    for to in (TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL, TensorProto.DOUBLE, TensorProto.FLOAT16,
               TensorProto.UINT8,
               TensorProto.INT8):
        case(f"Cast to {to}", 13, [cast("x", to, "z"), cast()], np.abs(x) * 3)
    case("Cast to bfloat16", 13, [cast("x", TensorProto.BFLOAT16, "z"), cast()], x)
    case("CastLike", 15, [node("CastLike", "x like", "z"), cast()], x * 3, like=ints(0))


def binary():
    x, y = noise("left", 2, 3, 4), noise("right", 3, 1)
    for op in ["Add", "Sub", "Mul", "Div"]:
        case(op, 13, node(op, "x b"), x, b=y)
    case("Add of two computed ones", 14, [node("Relu", "x", "r"), node("Add", "r x")], x)
    case("Div of whole numbers", 13, [cast("x", TensorProto.INT64, "i"), node("Div", "i d", "z"), cast()], x * 10,
         d=ints(3))
    positive = np.abs(x) + 0.1
    case("Pow squared", 12, node("Pow", "x two"), x, two=np.float32(2))
    case("Pow of a whole exponent", 12, node("Pow", "x three"), x, three=np.int64(3))
    case("Pow of many", 15, node("Pow", "x b"), positive, b=y)
    for op in ["Max", "Min", "Sum", "Mean"]:
        case(f"{op} of three", 13, node(op, "x b c"), x, b=y, c=noise("third", 4))
        case(f"{op} of one", 13, node(op, "x"), x)
    for op in ["Greater", "Less", "GreaterOrEqual", "LessOrEqual"]:
        case(op, 16, [node(op, "x b", "z"), cast()], x, b=y)
    case("Equal", 13, [node("Floor", "x", "f"), node("Equal", "f zero", "z"), cast()], x, zero=np.float32(0))
    for op in ["And", "Or", "Xor"]:
        case(op, 13, [node("Greater", "x b", "p"), node("Less", "x c", "q"), node(op, "p q", "z"), cast()], x, b=y,
             c=np.float32(0.3))
    case("Not", 13, [node("Greater", "x b", "p"), node("Not", "p", "z"), cast()], x, b=y)
    case("Where", 16, [node("Greater", "x b", "p"), node("Where", "p x c")], x, b=y, c=np.float32(-7))


def layers():
    x1, x2 = noise("sound", 2, 4, 11), noise("image", 2, 4, 7, 9)
    w1, w2, bias = noise("w1", 6, 4, 3), noise("w2", 6, 4, 3, 2), noise("bias", 6)
    case("Conv of sounds", 11, node("Conv", "x w b", strides=[2], pads=[1, 1], dilations=[2]), x1, w=w1, b=bias)
    case("Conv of sounds, uneven pads", 11, node("Conv", "x w", pads=[2, 1], kernel_shape=[3]), x1, w=w1)
    case("Conv", 11, node("Conv", "x w b"), x2, w=w2, b=bias)
    case("Conv, all", 11, node("Conv", "x w b", strides=[2, 1], pads=[1, 0, 1, 0], dilations=[1, 2]), x2, w=w2, b=bias)
    case("Conv, uneven pads", 13, node("Conv", "x w b", pads=[0, 1, 2, 3]), x2, w=w2, b=bias)
    case("Conv in groups", 13, node("Conv", "x w b", group=2), x2, w=w2[:, :2], b=bias)
    case("Conv by channels", 13, node("Conv", "x w", group=4, pads=[1, 1, 1, 1]), x2, w=noise("w3", 4, 1, 3, 3))
    for how in ["SAME_UPPER", "SAME_LOWER", "VALID"]:
        case(f"Conv {how}", 11, node("Conv", "x w b", auto_pad=how, strides=[2, 2]), x2, w=w2, b=bias)
    for op in ["MaxPool", "AveragePool"]:
        case(f"{op} of sounds", 11, node(op, "x", kernel_shape=[3], strides=[2]), x1)
        case(op, 12, node(op, "x", kernel_shape=[3, 2], strides=[2, 2]), x2)
        case(f"{op} without strides", 12, node(op, "x", kernel_shape=[2, 2]), x2)
        case(f"{op}, pads", 12, node(op, "x", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 1, 1, 1]), x2)
        case(f"{op}, uneven pads", 12, node(op, "x", kernel_shape=[3, 3], strides=[2, 2], pads=[0, 1, 2, 0]), x2)
        case(f"{op}, ceiling", 19, node(op, "x", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1), x2)
        case(f"{op}, ceiling and pads", 19, node(op, "x", kernel_shape=[3, 3], strides=[3, 2], ceil_mode=1,
                                                 pads=[1, 1, 1, 1]), x2)
        for how in ["SAME_UPPER", "SAME_LOWER", "VALID"]:
            case(f"{op} {how}", 12, node(op, "x", kernel_shape=[2, 3], strides=[2, 2], auto_pad=how), x2)
    case("MaxPool with dilations", 12, node("MaxPool", "x", kernel_shape=[2, 3], dilations=[2, 3]), x2)
    counted = {"kernel_shape": [3, 3], "strides": [2, 2], "count_include_pad": 1}
    case("AveragePool, pads counted", 11, node("AveragePool", "x", pads=[1, 1, 1, 1], **counted), x2)
    case("AveragePool, uneven pads counted", 11, node("AveragePool", "x", pads=[0, 1, 2, 0], **counted), x2)
    case("AveragePool of sounds, pads counted", 19, node("AveragePool", "x", kernel_shape=[4], strides=[3], pads=[1, 2],
                                                         count_include_pad=1), x1)
    case("GlobalAveragePool", 11, node("GlobalAveragePool", "x"), x2)
    case("GlobalAveragePool of sounds", 11, node("GlobalAveragePool", "x"), x1)
    case("GlobalMaxPool", 11, node("GlobalMaxPool", "x"), x2)
    stats = {"s": noise("s", 4), "b": noise("b", 4), "m": noise("m", 4), "v": noise("v", 4, low=0.2, high=2)}
    case("BatchNormalization", 11, node("BatchNormalization", "x s b m v", epsilon=1e-3, momentum=0.8), x2, **stats)
    case("BatchNormalization of tables", 15, node("BatchNormalization", "x s b m v"), noise("table", 3, 4), **stats)
    case("InstanceNormalization", 11, node("InstanceNormalization", "x s b"), x2, s=stats["s"], b=stats["b"])
    case("LayerNormalization", 17, node("LayerNormalization", "x s b"), x2, s=noise("ls", 9), b=noise("lb", 9))
    case("LayerNormalization of two axes", 17, node("LayerNormalization", "x s", axis=2, epsilon=1e-3), x2,
         s=noise("l", 7, 9))
    a, c = noise("a", 3, 4), noise("c", 5)
    case("Gemm", 11, node("Gemm", "x b c"), a, b=noise("gb", 4, 5), c=c)
    case("Gemm of torch", 13, node("Gemm", "x b c", transB=1), a, b=noise("gt", 5, 4), c=c)
    case("Gemm, all", 13, node("Gemm", "x b c", transA=1, alpha=0.5, beta=2.0), a, b=noise("ga", 3, 5),
         c=noise("gc", 4, 1))
    case("Gemm without a bias", 11, node("Gemm", "x b", alpha=0.5), a, b=noise("gb", 4, 5))
    case("MatMul", 13, node("MatMul", "x b"), noise("many", 2, 3, 4), b=noise("gb", 4, 5))
    case("MatMul of stacks", 13, node("MatMul", "x b"), noise("stack", 2, 1, 3, 4), b=noise("sb", 3, 4, 2))
    case("MatMul of a vector", 13, node("MatMul", "x b"), a, b=noise("vector", 4))
    case("Einsum", 12, node("Einsum", "x b", equation="bij,bkj->bik"), noise("many", 2, 3, 4), b=noise("eb", 2, 5, 4))


def reductions():
    x = noise("reduced", 2, 3, 4)
    for op in ["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceProd",
               "ReduceSumSquare",
               "ReduceLogSumExp"]:
        case(op, 11, node(op, "x", axes=[1, -1]), x)
        case(f"{op} of all", 11, node(op, "x", keepdims=0), x)
        case(op, 18, node(op, "x axes", keepdims=0), x, axes=ints(-2))
    case("ReduceSum by input", 13, node("ReduceSum", "x axes"), x, axes=ints(0, 2))
    case("ReduceSum of no axes", 13, node("ReduceSum", "x axes", noop_with_empty_axes=1), x, axes=ints())
    case("ReduceSum of no axes, which are all", 13, node("ReduceSum", "x axes"), x, axes=ints())
    case("ReduceSum of whole numbers", 13, [cast("x", TensorProto.INT32, "i"), node("ReduceSum", "i", "z"), cast()],
         x * 5)
    for op in ["ArgMax", "ArgMin"]:
        case(op, 13, [node(op, "x", "z", axis=1), cast()], x)
        case(f"{op} of the last", 13, [node("Sign", "x", "s"),
                                       node(op, "s", "z", axis=-1, keepdims=0, select_last_index=1),
                                       cast()], x)
        case(f"{op} of equal ones", 13, [node("Sign", "x", "s"), node(op, "s", "z", axis=-1, keepdims=0), cast()], x)
    for op in ["Softmax", "LogSoftmax"]:
        case(op, 11, node(op, "x"), x)
        case(f"{op} of the last axis", 12, node(op, "x", axis=-1), x)
        case(f"{op} of all", 11, node(op, "x", axis=0), x)
        case(op, 13, node(op, "x"), x)
        case(f"{op} of axis 1", 13, node(op, "x", axis=1), x)
    case("CumSum", 14, node("CumSum", "x axis"), x, axis=np.int64(1))
    case("CumSum backwards", 11, node("CumSum", "x axis", reverse=1, exclusive=1), x, axis=np.int64(-1))
    case("LpNormalization", 11, node("LpNormalization", "x", axis=1), x)
    case("LpNormalization of 1", 11, node("LpNormalization", "x", p=1), x)


def shaping():
    x = noise("shaped", 2, 3, 4)
    case("Reshape", 11, node("Reshape", "x s"), x, s=ints(0, -1))
    case("Reshape", 14, node("Reshape", "x s", allowzero=1), x, s=ints(4, 3, 2))
    for axis in (1, 0, 3, -1):
        case(f"Flatten {axis}", 13, node("Flatten", "x", axis=axis), x)
    one = x[:, None, :, :, None]
    case("Squeeze", 11, node("Squeeze", "x", axes=[1, -1]), one)
    case("Squeeze", 13, node("Squeeze", "x axes"), one, axes=ints(4))
    case("Squeeze of all", 13, node("Squeeze", "x"), one)
    case("Unsqueeze", 11, node("Unsqueeze", "x", axes=[0, 4]), x)
    case("Unsqueeze", 13, node("Unsqueeze", "x axes"), x, axes=ints(-1, 1))
    case("Transpose", 13, node("Transpose", "x", perm=[1, 2, 0]), x)
    case("Transpose of all", 13, node("Transpose", "x"), x)
    case("Expand", 13, node("Expand", "x s"), x[:, :1], s=ints(2, 1, 5, 1))
    case("Expand of more", 13, node("Expand", "x s"), x[:, :1], s=ints(3, 4))
    case("Tile", 13, node("Tile", "x r"), x, r=ints(1, 2, 3))
    case("Shape", 13, [node("Shape", "x", "z"), cast()], x)
    case("Shape of a part", 15, [node("Shape", "x", "z", start=-2, end=3), cast()], x)
    case("Size", 13, [node("Size", "x", "z"), cast()], x)
    case("Shape, computed with", 13,
         [node("Shape", "x", "s"), node("Gather", "s zero", "n"), node("Unsqueeze", "n zeros", "u"),
          node("Concat", "u rest", "t", axis=0), node("Reshape", "x t")], x, zero=np.int64(0), zeros=ints(0),
          rest=ints(-1, 2))
    seven = helper.make_tensor("value", TensorProto.FLOAT, [1], [7.0])
    case("ConstantOfShape", 11, [node("Shape", "x", "s"), node("ConstantOfShape", "s", "c", value=seven),
                                 node("Add", "x c")], x)
    case("ConstantOfShape of zeros", 20, [node("ConstantOfShape", "s", "c"), node("Add", "x c")], x, s=ints(3, 1))
    case("Range", 11, [node("Range", "a b c", "z"), cast("z", output="f"), node("Add", "x f")], x, a=np.int64(1),
         b=np.int64(9),
         c=np.int64(2))
    case("Range of real numbers", 11, [node("Range", "a b c", "f"), node("Add", "x f")], x, a=np.float32(2),
         b=np.float32(-0.1),
         c=np.float32(-0.6))
    case("Concat", 13, node("Concat", "x b x", axis=-1), x, b=noise("joined", 2, 3, 2))
    both = [node("Sub", "first second")]
    case("Split", 11, [node("Split", "x", "first second", axis=2), *both], x)
    case("Split into sizes", 11, [node("Split", "x", "first second", axis=1, split=[2, 1]), *both], x)
    case("Split into sizes", 13, [node("Split", "x sizes", "first second", axis=-1), *both], x, sizes=ints(1, 3))
    case("Split into a number", 18, [node("Split", "x", "first second", axis=1, num_outputs=2), *both], x)


def constants():
    x = noise("constants", 2, 3)
    tensor = numpy_helper.from_array(noise("value", 2, 3), "value")
    case("Constant", 11, [node("Constant", "", "c", value=tensor), node("Add", "x c")], x)
    case("Constant of a number", 13, [node("Constant", "", "c", value_float=2.5), node("Mul", "x c")], x)
    case("Constant of numbers", 13, [node("Constant", "", "c", value_floats=[1.0, 2.0, 3.0]), node("Mul", "x c")], x)
    case("Constant of a whole number", 13, [node("Constant", "", "c", value_int=1), node("Gather", "x c", axis=1)], x)
    case("Constant of whole numbers", 13, [node("Constant", "", "c", value_ints=[3, 2]), node("Reshape", "x c")], x)
    # Each type in each of the fields that may hold it.
    for type, values in [(TensorProto.FLOAT, [1.5, -2.0, 3.0]), (TensorProto.DOUBLE, [1.5, -2.0, 3.0]),
                         (TensorProto.FLOAT16, [1.5, -2.0, 3.0]), (TensorProto.BFLOAT16, [1.5, -2.0, 3.0]),
                         (TensorProto.INT64, [-5, 2, 3]), (TensorProto.INT32, [-5, 2, 3]),
                         (TensorProto.INT8, [-5, 2, 3]),
                         (TensorProto.UINT8, [250, 2, 3]), (TensorProto.BOOL, [True, False, True])]:
        typed = helper.make_tensor("value", type, [3], values)
        raw = numpy_helper.from_array(numpy_helper.to_array(typed), "value")
        assert not typed.raw_data and raw.raw_data
        for how, value in [("fields", typed), ("raw", raw)]:
            case(f"Type {type} in {how}", 13, [node("Constant", "", "c", value=value), cast("c", output="f"),
                                               node("Add", "x f")], x)


def indexing():
    x = noise("indexed", 3, 4, 5)
    case("Slice", 11, node("Slice", "x a b"), x, a=ints(1, 0), b=ints(3, 2))
    case("Slice with steps", 13, node("Slice", "x a b axes s"), x, a=ints(-4, 0), b=ints(2**31 - 1, -1),
         axes=ints(2, 1), s=ints(2, 3))
    case("Slice backwards", 13, node("Slice", "x a b axes s"), x, a=ints(-1, 10), b=ints(-(2**63), 0), axes=ints(0, -1),
         s=ints(-1, -2))
    case("Slice of nothing", 13, [node("Slice", "x a b", "n"), node("Concat", "x n", axis=0)], x, a=ints(2), b=ints(1))
    case("Gather", 13, node("Gather", "x i", axis=1), x, i=np.array([[0, -1], [2, 2]], np.int64))
    case("Gather of one", 13, node("Gather", "x i", axis=-1), x, i=np.int64(-2))
    case("Gather of an embedding", 13, node("Gather", "table x"), np.array([[4, 1, 0], [2, -1, 3]], np.int64),
         table=noise("table", 5, 3))
    case("Gather by 32 bits", 11, node("Gather", "x i"), x, i=np.array([2, 0], np.int32))
    case("GatherElements", 13, node("GatherElements", "x i", axis=1), x,
         i=np.random.default_rng(0).integers(-x.shape[1], x.shape[1], (x.shape[0], 2, *x.shape[2:])))
    some = ints(0, 1, 2, 0, 0, 1)
    case("Pad", 11, node("Pad", "x p"), x, p=some)
    case("Pad with a value", 13, node("Pad", "x p v"), x, p=some, v=np.float32(-3.5))
    case("Pad which cuts", 13, node("Pad", "x p"), x, p=ints(0, -1, 1, 0, -2, 0))
    case("Pad of two axes", 18, node("Pad", "x p _ axes"), x, p=ints(1, 2, 0, 1), axes=ints(-1, 0))
    for mode, opset in [("reflect", 11), ("edge", 13), ("wrap", 19)]:
        case(f"Pad by {mode}", opset, node("Pad", "x p", mode=mode), x, p=some)


def resizes():
    x = noise("resized", 1, 2, 4, 5)
    for mode in ["nearest", "linear"]:
        for how in ["asymmetric", "half_pixel", "align_corners", "pytorch_half_pixel"]:
            for label, sizes in [("up", ints(1, 2, 7, 10)), ("down", ints(1, 2, 2, 3))]:
                case(f"Resize {mode} {how} {label}", 13, node("Resize", "x _ _ s", mode=mode,
                                                              coordinate_transformation_mode=how),
                     x, s=sizes)
        for opset in (11, 13):
            case(f"Resize {mode} by scales", opset,
                 node("Resize", "x roi s" if opset == 11 else "x _ s", mode=mode,
                      coordinate_transformation_mode="asymmetric",
                      **({"nearest_mode": "floor"} if mode == "nearest" else {})), x,
                      s=np.array([1, 1, 2, 1.5], np.float32),
                 **({"roi": np.zeros(0, np.float32)} if opset == 11 else {}))
    for rounding in ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]:
        case(f"Resize {rounding}", 13, node("Resize", "x _ s", mode="nearest", nearest_mode=rounding), x,
             s=np.array([1, 1, 0.5, 2], np.float32))
    case("Resize of two axes", 18, node("Resize", "x _ s", mode="linear", axes=[2, 3]), x,
         s=np.array([2, 0.6], np.float32))
    case("Resize of sounds", 13, node("Resize", "x _ s", mode="linear"), x[0], s=np.array([1, 1, 2], np.float32))


def nets():
    """Several nodes together, as exporters write them."""
    x = noise("net", 2, 3, 8, 8)
    w = {"conv1.weight": noise("n1", 4, 3, 3, 3) * 0.3, "conv1.bias": noise("n2", 4), "bn.weight": noise("n3", 4),
         "bn.bias": noise("n4", 4), "bn.running_mean": noise("n5", 4),
         "bn.running_var": noise("n6", 4, low=0.5, high=2),
         "fc.weight": noise("n7", 3, 4), "fc.bias": noise("n8", 3)}
    case("A convolutional net", 17,
         [node("Conv", "x conv1.weight conv1.bias", "a", pads=[1, 1, 1, 1], strides=[2, 2]),
          node("BatchNormalization", "a bn.weight bn.bias bn.running_mean bn.running_var", "b"), node("Relu", "b", "c"),
          node("GlobalAveragePool", "c", "d"), node("Flatten", "d", "e"),
          node("Gemm", "e fc.weight fc.bias", transB=1)], x, **w)
    t = noise("tokens", 2, 5, 8)
    names = {f"attn.{k}": noise(f"attn{k}", 8, 8) * 0.4 for k in "qkvo"}
    heads = lambda k: [node("MatMul", f"n attn.{k}", f"{k}1"), node("Reshape", f"{k}1 split", f"{k}2"),
                       node("Transpose", f"{k}2", f"{k}3", perm=[0, 2, 3, 1] if k == "k" else [0, 2, 1, 3])]
    case("A transformer's block", 17,
         [node("LayerNormalization", "x ln.weight ln.bias", "n"), *heads("q"), *heads("k"), *heads("v"),
          node("MatMul", "q3 k3", "s1"), node("Div", "s1 root", "s2"), node("Softmax", "s2", "s3", axis=-1),
          node("MatMul", "s3 v3", "o1"), node("Transpose", "o1", "o2", perm=[0, 2, 1, 3]),
          node("Reshape", "o2 merge", "o3"),
          node("MatMul", "o3 attn.o", "o4"), node("Add", "x o4", "r"), node("Div", "r root2", "g1"),
          node("Erf", "g1", "g2"),
          node("Add", "g2 one", "g3"), node("Mul", "r g3", "g4"), node("Mul", "g4 half", "y")], t,
         **names, **{"ln.weight": noise("lnw", 8), "ln.bias": noise("lnb", 8)}, split=ints(0, 0, 2, 4),
         merge=ints(0, 0, -1),
         root=np.float32(2), root2=np.float32(2**0.5), one=np.float32(1), half=np.float32(0.5))


def main():
    for group in (unary, binary, layers, reductions, shaping, constants, indexing, resizes, nets):
        group()
    OUT.write_text(json.dumps(CASES, separators=(",", ":")) + "\n")
    print(f"{len(CASES)} cases, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
