"""The published models' binding beside the authors' own modules, in one run: python bench/binding.py --checkout FOLDER

FOLDER is a checkout of the paper's repository (github.com/zehanwang01/OmniBind), or set OMNIBIND_CHECKOUT;
nothing of it is part of omnisearch. The authors' module is filled with random numbers and saved as they saved theirs;
the file is imported, and both map the same random embeddings. Prints, for each model, modality and batch, the largest
difference of two numbers of the embeddings, the milliseconds of both, in turns, and the ratio of those.

Of their module three things are mended from outside: heads learn to project points, as they project texts; Full's
points start behind the image heads, as in Large; and Full's sounds go the way of Large's, theirs names no input.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from bench.results import Report, add_json_option, checked_out
from omnisearch.binding import checkpoint
from omnisearch.binding.fusion import Fusion
from omnisearch.binding.official import OFFICIAL, WIDTHS
from omnisearch.binding.official_checkpoint import import_file
from omnisearch.types import Modality

# What the authors call the spaces, in the order of theirs; their lists for each modality.
SPACES = {
    "CLAP_G": "clap_g",
    "CLAP_M": "clap_m",
    "WAVCAPS_PT": "wavcaps_pt",
    "WAVCAPS_FT_aud": "wavcaps_aud",
    "WAVCAPS_FT_clo": "wavcaps_clo",
    "DFN_H14": "dfn_h14",
    "EVA_E14p": "eva_e14p",
    "SigLip_384": "siglip_l",
    "SigLip_400M_384": "siglip_so400m",
    "UNI3D_L": "uni3d_lvis",
    "UNI3D_M": "uni3d_mnet",
    "UNI3D_S": "uni3d_scan",
    "IB": "imagebind",
    "EVA_18B": "eva_18b",
}
LISTS = {Modality.TEXT: "T", Modality.IMAGE: "V", Modality.AUDIO: "A", Modality.POINT_CLOUD: "P"}

Embed = Callable[[Modality, dict[str, Tensor]], Tensor]


def authors(checkout: Path, name: str) -> tuple[nn.Module, Embed]:
    """Build the authors' module with random numbers, and say how it embeds."""
    sys.path.insert(0, str(checkout / "omni_model"))
    sys.modules.setdefault("einops", ModuleType("einops"))  # imported there, not used
    import omni_utils
    import projector
    import router

    projector.Reaction_Head_mini.proj_point = projector.Reaction_Head_mini.proj_text
    config = omni_utils.get_config(name.removeprefix("omnibind-").capitalize())
    full = name == "omnibind-full"
    kind = router.ATVP_router_UNI if full else router.ATVP_router_wo18B
    with redirect_stdout(sys.stderr):
        module = kind(weights=None, config=config, pretrained=False).eval()
    shake(module)

    def embed(part: Modality, rows: dict[str, Tensor]) -> Tensor:
        given = [rows[SPACES[each]] for each in config[LISTS[part]]]
        owner, sights = router.ATVP_router_wo18B if full and part is Modality.AUDIO else kind, module.V_proj_nums
        if full and part is Modality.POINT_CLOUD:
            module.V_proj_nums = sights + module.P_proj_nums
        try:
            return getattr(owner, f"proj_{'point' if part is Modality.POINT_CLOUD else part}")(module, given)
        finally:
            module.V_proj_nums = sights

    return module, embed


def shake(module: nn.Module) -> None:
    """Give biases and running statistics values, so that no term vanishes."""
    generator = torch.Generator().manual_seed(0)
    for name, value in module.state_dict().items():
        if value.ndim == 1:
            noise = 0.3 * torch.randn(value.shape, generator=generator)
            value.copy_(noise.abs() + 0.5 if name.endswith(("running_var", "weight")) else noise)


def ours(module: nn.Module, name: str) -> Fusion:
    """Save the authors' module, import the file, and read the model back as `OmniBind.load` does."""
    with tempfile.TemporaryDirectory() as place:
        file, folder = Path(place) / "projs.pt", Path(place) / "model"
        torch.save(module.state_dict(), file)
        made = import_file(file, folder)
        if made.config.name != name or made.extra:
            raise SystemExit(f"{name} was imported as {made}")
        return checkpoint.build(checkpoint.read(folder), WIDTHS, folder).fold()


def milliseconds(step: Callable[[], object]) -> float:
    """How long a step takes by the clock."""
    begun = time.perf_counter()
    step()
    return 1000 * (time.perf_counter() - begun)


def measure(report: Report, name: str, checkout: Path, batches: list[int], rounds: int) -> None:
    """Compare one model in every modality and batch."""
    released = {"peer": "the authors' module", "peer_version": checked_out(checkout)}
    module, theirs = authors(checkout, name)
    fusion = ours(module, name)
    for batch in batches:
        generator = torch.Generator().manual_seed(batch)
        drawn = {space: torch.randn(batch, width, generator=generator) for space, width in WIDTHS.items()}
        rows = {space: nn.functional.normalize(each, dim=-1) for space, each in drawn.items()}
        for part in LISTS:
            off = float((fusion(part, rows) - theirs(part, rows)).abs().max())
            steps = partial(fusion, part, rows), partial(theirs, part, rows)
            times = [tuple(map(milliseconds, steps)) for _ in range(rounds)]
            ratios = [mine / other for mine, other in times]
            report.add(f"{name}, {part.value}, batches of {batch}, time", "ratio", ratios, batch, **released)
            our, their = (statistics.median(each) for each in zip(*times, strict=True))
            row = {"model": name, "modality": part, "batch": batch, "difference": off}
            row |= {"ms": round(our, 1), "authors_ms": round(their, 1), "ratio": round(their / our, 2)}
            print(json.dumps(row), flush=True)


def main() -> None:
    """Print a line of JSON for each comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkout", type=Path, default=os.environ.get("OMNIBIND_CHECKOUT"))
    parser.add_argument("--models", nargs="+", choices=list(OFFICIAL), default=list(OFFICIAL))
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 64])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    add_json_option(parser)
    given, report = parser.parse_args(), Report(__file__)
    if given.checkout is None:
        reason = (
            "no package registry has it; --checkout or OMNIBIND_CHECKOUT names a checkout of the paper's repository"
        )
        if given.json is None:
            parser.error(reason)
        report.miss("binding, time", "ratio", reason, peer="the authors' module")
        report.write(given.json)
        return
    torch.set_num_threads(given.threads)
    with torch.inference_mode():
        for name in given.models:
            measure(report, name, given.checkout, given.batches, given.rounds)
    report.write(given.json)


if __name__ == "__main__":
    main()
