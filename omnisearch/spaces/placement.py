"""Placement: the device and the precision of one tower, and the memory that it needs."""

from dataclasses import replace

from omnisearch.config import Settings, TowerSettings
from omnisearch.errors import SettingsError
from omnisearch.spaces.declaration import TowerSpec
from omnisearch.wording import did_you_mean

BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}


def place(spec: TowerSpec, settings: Settings) -> Settings:
    """Return the settings with a device and a precision for this tower, no longer `auto`.

    By default a tower runs in fp32 on a CPU and in its declared half precision on a graphics card, and also if it does
    not run in the precision that is set for all towers.

    Raises:
        SettingsError: a precision is set for this tower that it does not run in, or tokens that it does not take.
        NotReadyError: the device is cuda, and torch finds none on this machine.
    """
    own = settings.towers.get(spec.name, TowerSettings())
    budget(spec, settings)
    device = own.device or settings.device
    if device == "auto":
        from omnisearch.spaces.device import choose  # imports torch, which a plan with a given device does not need

        device = "cuda" if choose(settings.model_copy(update={"device": device})).type == "cuda" else "cpu"
    in_int8 = device == "cpu" and (spec.linear > 0 or spec.parameters == 0)  # one without weights is as what is below
    # Numbers of a network that was made for bf16 may be too large for fp16, and become NaN.
    halves = {None: (), "bf16": ("bf16",), "fp16": ("bf16", "fp16")}[spec.half]
    precisions = ("auto", "fp32", *halves, *(("int8",) if in_int8 else ()))
    if own.precision not in (None, *precisions):
        allowed = ", ".join(precisions[1:])
        raise SettingsError(
            f"setting towers.{spec.name}.precision = {own.precision!r}: on {device} this tower runs in {allowed}"
        )
    precision = own.precision or settings.precision
    if precision == "auto" or precision not in precisions:
        precision = spec.half if spec.half and device == "cuda" else "fp32"
    return settings.model_copy(update={"device": device, "precision": precision})


def underneath(placed: Settings) -> Settings:
    """Return the settings of the towers that a placed tower runs over: its device and precision, not their own."""
    towers = {name: replace(own, device=None, precision=None) for name, own in placed.towers.items()}
    return placed.model_copy(update={"towers": towers})


def budget(spec: TowerSpec, settings: Settings) -> int | None:
    """Return the most tokens per image of a tower that has budgets, else None.

    Raises:
        SettingsError: the network was not trained with this number, or the tower has no budgets.
    """
    tokens = settings.towers.get(spec.name, TowerSettings()).tokens
    if tokens is None:
        return spec.tokens[0] if spec.tokens else None
    if tokens not in spec.tokens:
        allowed = f"takes {', '.join(map(str, sorted(spec.tokens)))}" if spec.tokens else "has no budget of tokens"
        raise SettingsError(f"setting towers.{spec.name}.tokens = {tokens}: this tower {allowed}")
    return tokens


def memory(spec: TowerSpec, placed: Settings) -> int:
    """Return the bytes of a tower's weights in the precision chosen by `place`; activations are not included."""
    if placed.precision == "int8":
        return spec.linear + 4 * (spec.parameters - spec.linear)
    return spec.parameters * BYTES[placed.precision]


def check_names(settings: Settings, known: tuple[str, ...]) -> None:
    """Refuse settings for towers that do not exist.

    Raises:
        SettingsError: no tower has that name; suggests the nearest.
    """
    for name in settings.towers:
        if name not in known:
            raise SettingsError(f"setting towers.{name}: there is no such tower{did_you_mean(name, known)}")
