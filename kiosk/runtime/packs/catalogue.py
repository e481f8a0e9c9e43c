"""Every model pack the product knows: where it comes from, what it weighs, its checksums, its licence, the files it consists of.

A checksum stands here only where it is published or confirmed by independent downloads; where it says None, the first download
is recorded and trusted, and `manage.py models` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Job(StrEnum):
    """What a pack is for; each job has its own folder under the model root."""

    FACE = "face"
    DETECTION = "detection"
    SPEECH = "speech"


@dataclass(frozen=True, slots=True)
class Licence:
    """The terms of the weights, which are not those of the library that runs them."""

    name: str
    url: str
    commercial_use: bool | None
    """None: not known, as for a pack of one's own."""


@dataclass(frozen=True, slots=True)
class File:
    """One file, in a pack or to be downloaded."""

    name: str
    size: int | None = None
    """Bytes, exact; None where not known beforehand."""
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Pack:
    """One model pack."""

    name: str
    job: Job
    summary: str
    licence: Licence
    files: tuple[File, ...]
    """What has to be there once installed; an archive may bring more."""
    base_url: str = ""
    """The files, or the archive, lie here under their own names."""
    archive: File | None = None
    package: str = ""
    """Comes with this Python package, in its folder `models`, and can't be pulled."""

    @property
    def downloads(self) -> tuple[File, ...]:
        return (self.archive,) if self.archive else self.files

    @property
    def download_bytes(self) -> int | None:
        sizes = [file.size for file in self.downloads]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    @property
    def pinned(self) -> bool:
        """Whether a wrong download is told from a right one without trusting the first."""
        return all(file.sha256 for file in self.downloads)


INSIGHTFACE = Licence("InsightFace: non-commercial research only", "https://github.com/deepinsight/insightface#license", False)
APACHE = Licence("Apache-2.0", "https://github.com/Megvii-BaseDetection/YOLOX/blob/main/LICENSE", True)
MIT = Licence("MIT", "https://github.com/openai/whisper/blob/main/LICENSE", True)
PUBLIC_DOMAIN = Licence("public domain (CC0-1.0)", "https://github.com/davisking/dlib-models", True)

MODEL_ZOO = "https://github.com/deepinsight/insightface/releases/download/model-zoo/"
YOLOX_RELEASE = "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/"

_DET_10G = "5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91"
_DET_500M = File("det_500m.onnx", 2_524_817, "5e4447f50245bbd7966bd6c0fa52938c61474a04ec7def48753668a9d8b4ea3a")
_R50 = File("w600k_r50.onnx", 174_383_860, "4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43")
_MBF = File("w600k_mbf.onnx", 13_616_099, "9cc6e4a75f0e2bf0b1aed94578f144d15175f357bdc05e815e5c4a02b319eb4f")
_LANDMARKS_3D = File("1k3d68.onnx", 143_607_619, "df5c06b8a0c12e422b2ed8947b8869faa4105387f199c477af038aa01f9a45cc")
_LANDMARKS_2D = File("2d106det.onnx", 5_030_888, "f001b856447c413801ef5c42091ed0cd516fcd21f2d6b79635b1e733a7109dbf")
_GENDER_AGE = File("genderage.onnx", 1_322_532, "4fde69b1c810857b88c64a335084f1c3fe8f01246c9a191b48c7bb756d6652fb")


def _insightface(name: str, summary: str, size: int | None, sha256: str, *files: File) -> Pack:
    return Pack(name, Job.FACE, summary, INSIGHTFACE, files, MODEL_ZOO, File(f"{name}.zip", size, sha256))


def _yolox(size_name: str, summary: str, size: int, sha256: str) -> Pack:
    name = f"yolox_{size_name}"
    return Pack(name, Job.DETECTION, f"YOLOX: {summary}", APACHE, (File(f"{name}.onnx", size, sha256),), YOLOX_RELEASE)


_WHISPER_WORDS = (
    File("tokenizer.json", 2_203_239, "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"),
    File("vocabulary.txt", 459_861, "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"),
)
_WHISPER_V3_WORDS = (
    File("preprocessor_config.json", 340, "7ccc62c6f2765af1f3b46c00c9b5894426835a05021c8b9c01eecb6dfb542711"),
    File("tokenizer.json", 2_480_617, "6d8cbd7cd0d8d5815e478dac67b85a26bbe77c1f5e0c6d76d1ce2abc0e5f21ca"),
    File("vocabulary.json", 1_068_114, "c69260f2ab26d659b7c398f9a2b2b48ed0df16c3b47d7326782fd9cba71690c1"),
)


def _whisper(size_name: str, revision: str, config: File, model: File, words: tuple[File, ...] = _WHISPER_WORDS) -> Pack:
    name = f"faster-whisper-{size_name}"
    base_url = f"https://huggingface.co/Systran/{name}/resolve/{revision}/"
    return Pack(name, Job.SPEECH, f"Whisper {size_name}, 99 languages, for CTranslate2", MIT, (config, model, *words), base_url)


CATALOGUE: tuple[Pack, ...] = (
    Pack(
        "dlib",
        Job.FACE,
        "face detector, landmarks and 128 numbers a face; built in",
        PUBLIC_DOMAIN,
        # The fourth model of the package, of 68 landmarks, is left alone: its training data exclude commercial use.
        (
            File(
                "dlib_face_recognition_resnet_model_v1.dat",
                22_466_066,
                "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
            ),
            File("mmod_human_face_detector.dat", 729_940, "4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6"),
            File(
                "shape_predictor_5_face_landmarks.dat",
                9_150_489,
                "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
            ),
        ),
        package="face_recognition_models",
    ),
    _insightface(
        "buffalo_l",
        "SCRFD-10GF and ResNet50, 512 numbers a face: the best here",
        288_621_354,
        "80ffe37d8a5940d59a7384c201a2a38d4741f2f3c51eef46ebb28218a7b0ca2f",
        File("det_10g.onnx", 16_923_827, _DET_10G),
        _R50,
        _LANDMARKS_3D,
        _LANDMARKS_2D,
        _GENDER_AGE,
    ),
    _insightface(
        "buffalo_m",
        "SCRFD-2.5GF and ResNet50: buffalo_l with a faster detector",
        275_951_529,
        "d98264bd8f2dc75cbc2ddce2a14e636e02bb857b3051c234b737bf3b614edca9",
        File("det_2.5g.onnx", 3_292_009, "041f73f47371333d1d17a6fee6c8ab4e6aecabefe398ff32cca4e2d5eaee0af9"),
        _R50,
        _LANDMARKS_2D,
        File("1k3d68.onnx"),
        File("genderage.onnx"),
    ),
    _insightface(
        "buffalo_s",
        "SCRFD-500MF and MobileFaceNet: for small machines",
        127_607_557,
        "d85a87f503f691807cd8bb97128bdf7a0660326cd9cd02657127fa978bab8b5e",
        _DET_500M,
        _MBF,
        File("1k3d68.onnx"),
        File("2d106det.onnx"),
        File("genderage.onnx"),
    ),
    _insightface(
        "buffalo_sc",
        "buffalo_s with nothing but detector and recogniser",
        14_969_382,
        "57d31b56b6ffa911c8a73cfc1707c73cab76efe7f13b675a05223bf42de47c72",
        _DET_500M,
        _MBF,
    ),
    _insightface(
        "antelopev2",
        "SCRFD-10GF and ResNet100, trained on Glint360K",
        360_662_982,
        "8e182f14fc6e80b3bfa375b33eb6cff7ee05d8ef7633e738d1c89021dcf0c5c5",
        File("scrfd_10g_bnkps.onnx", 16_923_827, _DET_10G),
        File("glintr100.onnx", 260_665_334, "4ab1d6435d639628a6f3e5008dd4f929edf4c4124b1a7169e1048f9fef534cdf"),
        _LANDMARKS_3D,
        _LANDMARKS_2D,
        _GENDER_AGE,
    ),
    _insightface(
        "raccoon_s",
        "InsightFace 2: detector of 10 GF that bears occlusion, MobileFaceNet; about 37 MB",
        None,
        "f67a624ef8a4495899eb4359a8a6953f7b4c62a8399c5bc745c0e0f6582f898d",
        File("manifest.json"),
        File("det_10g_wo.onnx"),
        File("w600k_mbf.onnx"),
    ),
    _insightface(
        "raccoon_l",
        "InsightFace 2: detector of 10 GF that bears occlusion, ResNet50; about 255 MB",
        None,
        "70cd4f2f1de0a89dd0983bdac55a066a6178543f86e9ec87154f6f259bdded7e",
        File("manifest.json"),
        File("det_10g_wo.onnx"),
        File("w600k_r50.onnx"),
    ),
    _yolox("nano", "input 416x416, the fastest", 3_659_407, "c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d"),
    _yolox("tiny", "input 416x416", 20_219_662, "427cc366d34e27ff7a03e2899b5e3671425c262ea2291f88bb942bc1cc70b0f7"),
    _yolox("s", "input 640x640", 35_858_002, "c5c2d13e59ae883e6af3b45daea64af4833a4951c92d116ec270d9ddbe998063"),
    _yolox(
        "m",
        "input 640x640, the best here",
        101_259_744,
        "21ff6cfdeb53b013bac2249599e55f00bff3cfdfdab37ed7a4620818c1d15b3f",
    ),
    _whisper(
        "tiny",
        "d90ca5fe260221311c53c58e660288d3deb8d356",
        File("config.json", 2_249, "a73a28cdfe1c43ccc7202fa333d1f89c202477271407ae9a7f19afa52039cac8"),
        File("model.bin", 75_538_270, "dcb76c6586fc06cbdac6dd21f14cfd129cc4cdd9dce19bf4ffa62e59cbe6e6d1"),
    ),
    _whisper(
        "base",
        "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66",
        File("config.json", 2_309, "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"),
        File("model.bin", 145_217_532, "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"),
    ),
    _whisper(
        "small",
        "536b0662742c02347bc0e980a01041f333bce120",
        File("config.json", 2_370, "b55496ac7940a7ae47d2c01eab40edfd8701feec1229d9cce3b40014383fb828"),
        File("model.bin", 483_546_902, "3e305921506d8872816023e4c273e75d2419fb89b24da97b4fe7bce14170d671"),
    ),
    _whisper(
        "medium",
        "08e178d48790749d25932bbc082711ddcfdfbc4f",
        File("config.json", 2_257, "3622a2ddc41ec0e0fd4e68c13c6830f03b90c38d89aaad184de02c8c642cf807"),
        File("model.bin", 1_527_906_378, "9b45e1009dcc4ab601eff815b61d80e60ce3fd8c74c1a14f4a282258286b51ae"),
    ),
    _whisper(
        "large-v3",
        "edaa852ec7e145841d8ffdb056a99866b5f0a478",
        File("config.json", 2_394, "a9306624f5ec14270a014b647e5c316b6e03a662c369758d1b90697a7b0655b9"),
        File("model.bin", 3_087_284_237, "69f74147e3334731bc3a76048724833325d2ec74642fb52620eda87352e3d4f1"),
        _WHISPER_V3_WORDS,
    ),
)
