"""Settings: flags, then OMNISEARCH_* variables, then ./omnisearch.toml, then the user's config file, then defaults."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from platformdirs import user_cache_path, user_config_path, user_data_path
from pydantic import (
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from omnisearch.errors import SettingsError
from omnisearch.types import DEFAULT_COLLECTION, Modality
from omnisearch.wording import did_you_mean

PROJECT_FILE = Path("omnisearch.toml")
COLLECTIONS = "collections"
EMBEDDED = "embedded"  # the name of the embedded engine where others have the URL of a server
COLLECTION_NAME = "^[a-z0-9][a-z0-9_-]{0,39}$"  # also the name of its folder
Collection = Annotated[str, StringConstraints(pattern=COLLECTION_NAME)]
Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "fp32", "bf16", "fp16", "int8"]
ReadLevel = Literal["none", "fast", "full"]
Quantization = Literal["none", "int8", "binary"]


def _names(given: object) -> object:
    """Split the comma separated value of an environment variable; TOML and flags already give lists."""
    return [name for name in map(str.strip, given.split(",")) if name] if isinstance(given, str) else given


class TowerSettings(BaseModel):
    """What is set for one tower alone: in TOML, the table [towers.NAME]."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: Device | None = None
    precision: Precision | None = None
    tokens: int | None = Field(None, description="the most tokens per image, of a tower that has several budgets")


class Settings(BaseSettings):
    """Everything that can be set. A name here is the TOML key, and OMNISEARCH_<NAME> the variable, if not empty."""

    model_config = SettingsConfigDict(env_prefix="OMNISEARCH_", env_ignore_empty=True, extra="forbid", frozen=True)

    data_dir: Path = Field(
        default_factory=lambda: user_data_path("omnisearch"), description="where index, embeddings and previews live"
    )
    collection: Collection = Field(DEFAULT_COLLECTION, description="which index of the data directory is used, by name")
    weights_dir: Path = Field(
        default_factory=lambda: user_cache_path("omnisearch") / "weights", description="where the weight files lie"
    )
    model: str = Field("mini", description="name of a shipped bound model, or the folder of one")
    allow_host: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        (), description="names that `serve` answers to beside localhost; in a variable comma separated"
    )
    store: str | None = Field(None, description="URL of a Qdrant server; none means the embedded engine")
    store_api_key: SecretStr | None = Field(None, description="the API key of the Qdrant server")
    store_api_key_file: Path | None = Field(None, description="a file with that key alone, such as a mounted secret")
    store_shards: int | None = Field(
        None, ge=1, description="shards of a new collection on a Qdrant server; none means its own choice"
    )
    store_replicas: int | None = Field(
        None, ge=1, description="copies of each shard of a new collection on a Qdrant cluster; none means one"
    )
    store_quantization: Quantization = Field(
        "none", description="small copies of the vectors of a new collection on a Qdrant server: none, int8 or binary"
    )
    store_on_disk: bool = Field(
        False, description="whether a Qdrant server reads the vectors of a new collection from disk"
    )
    server: str | None = Field(
        None,
        description="URL of the server that clients, `search` and `locate` ask; none means one of this machine",
    )
    api_key: SecretStr | None = Field(None, description="the key that clients send to that server")
    api_key_file: Path | None = Field(None, description="a file with that key alone, such as a mounted secret")
    device: Device = Field("auto", description="auto, cpu or cuda")
    precision: Precision = Field(
        "auto", description="fp32, bf16, fp16, int8 (on CPUs), or auto: fp32 on a CPU, else the tower's own"
    )
    max_memory: ByteSize | None = Field(None, description="what the towers of one device may take, such as 24GB")
    towers: dict[str, TowerSettings] = Field({}, description="device, precision and tokens of single towers, by name")
    dim: int | None = Field(
        None, ge=1, description="width of the vectors, of a model with several; none means the full width"
    )
    share: float = Field(
        1.0, gt=0, le=1, description="how much of the combining factors queries run spaces for; 1 is exact"
    )
    license: Literal["any", "commercial"] = Field(
        "any", description="commercial refuses models whose weights may not be used commercially"
    )
    query_seconds: float = Field(
        600.0, gt=0, description="longest sound or video, or slice of one, that `serve` takes as a term of a query"
    )
    query_timeout: float = Field(60.0, gt=0, description="seconds after which `serve` stops a search")
    warm: Annotated[tuple[Modality, ...], NoDecode, BeforeValidator(_names)] = Field(
        (), description="modalities whose encoders `serve` loads before it is ready, beside text; comma separated"
    )
    api_keys: SecretStr | None = Field(
        None, description="keys that `serve` accepts, as NAME:SCOPE+SCOPE:KEY, comma separated"
    )
    api_keys_file: Path | None = Field(None, description="a file with one such key a line, such as a mounted secret")
    key_rate: float = Field(
        100.0, gt=0, description="requests per second that `serve` takes from a key which has no rate of its own"
    )
    upload_seconds: float = Field(
        86_400.0, ge=60, description="how long `serve` keeps an upload after its last use, in seconds"
    )
    upload_bytes: ByteSize = Field(
        ByteSize(10 << 30), description="what the uploads that `serve` keeps may take up together, such as 10GiB"
    )
    preview_bytes: ByteSize = Field(
        ByteSize(2 << 30),
        ge=1 << 20,
        description="what the previews, 3D previews and peaks that are kept may take up together",
    )
    index_roots: Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_names)] = Field(
        (), description="folders that index jobs of the API may read, as absolute paths; comma separated"
    )
    fetch_urls: bool = Field(
        False, description="let queries name files of other servers by `url`, which `serve` fetches"
    )
    log_level: Literal["warning", "info"] = Field("warning", description="info makes `serve` log every request")
    log_queries: bool = Field(False, description="log the queries, too: what was asked, item ids and names of files")
    gps: bool | None = Field(
        None,
        description="whether an index keeps places and positions; none keeps the choice of its last run, at first yes",
    )
    workers: int = Field(
        default_factory=lambda: min(4, os.cpu_count() or 1), ge=1, le=64, description="files that are read at a time"
    )
    read: ReadLevel = Field(
        "none", description="how thoroughly text in pictures and speech in sound are read when files are indexed"
    )
    speech_model: str = Field(
        "speech-en", description="the model that transcribes speech: speech-en, -tiny, -base, -small or -turbo, or none"
    )
    batch_size: int = Field(32, ge=1, le=4096, description="contents that are encoded at a time")
    segment_seconds: float = Field(10.0, ge=1, le=600, description="length of a segment of sound or video")
    segment_overlap: float = Field(2.0, ge=0, description="seconds shared by neighbouring segments")
    passage_characters: int = Field(1000, ge=100, le=100_000, description="length of a passage of text")
    passage_overlap: int = Field(150, ge=0, description="characters shared by neighbouring passages")

    @property
    def named_collection(self) -> str | None:
        """The collection that a flag, a variable or a file names; None where the one of another server is meant."""
        return self.collection if "collection" in self.model_fields_set else None

    @property
    def store_name(self) -> str:
        """The store of the vectors: the URL of a server, or EMBEDDED."""
        return self.store or EMBEDDED

    @property
    def index_dir(self) -> Path:
        """The folder of the collection: the data directory itself for the default one."""
        if self.collection == DEFAULT_COLLECTION:
            return self.data_dir
        return self.data_dir / COLLECTIONS / self.collection

    @field_validator("data_dir", "weights_dir", mode="before")
    @classmethod
    def _named(cls, folder: Any) -> Any:
        if folder == "":
            raise ValueError("a folder without a name would be the working directory; write . for that")
        return folder

    @model_validator(mode="after")
    def _without_password(self) -> Self:
        check_store_url(self.store or "")  # not as the check of a field, whose error would show the password
        return self

    @model_validator(mode="after")
    def _shorter_overlaps(self) -> Self:
        for overlap, whole in (("segment_overlap", "segment_seconds"), ("passage_overlap", "passage_characters")):
            shared, length = getattr(self, overlap), getattr(self, whole)
            if shared >= length:
                raise ValueError(f"{overlap} = {shared} must be smaller than {whole} = {length}")
        return self

    def __init__(self, **given: Any) -> None:
        """Read the settings that are not `given`.

        Raises:
            SettingsError: a value has no meaning; the message names the setting, the value and where it is wrong.
        """
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise SettingsError(_first(error)) from None
        except OSError as error:
            raise SettingsError(f"a settings file cannot be read: {error}") from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources, strongest first."""
        user_file = user_config_path("omnisearch") / "config.toml"
        files = (_read_toml(settings_cls, file) for file in (PROJECT_FILE, user_file))
        return (init_settings, env_settings, *files)


def check_store_url(url: str) -> None:
    """Check that the URL of a Qdrant server has no user name and no password, which messages would show.

    Raises:
        SettingsError: it has.
    """
    if "@" in url:
        raise SettingsError(
            "the URL of the Qdrant server has a user name or a password, which Qdrant does not read: leave it out, and "
            "give an API key as store_api_key"
        )


def read_secret(settings: Settings, name: Literal["store_api_key", "api_key"]) -> str | None:
    """Return a secret of the settings, from its file if one is set; None if neither is set.

    Raises:
        SettingsError: both are set, or the file cannot be read or holds no key.
    """
    key: SecretStr | None = getattr(settings, name)
    file: Path | None = getattr(settings, f"{name}_file")
    if file is None:
        return None if key is None else key.get_secret_value()
    if key is not None:
        raise SettingsError(f"{name} and {name}_file are both set: unset one of them")
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}_file = {file} cannot be read: {error}; write the key into it") from None
    if not text:
        raise SettingsError(f"{name}_file = {file} is empty: write the key into it")
    return text


def _read_toml(settings_cls: type[BaseSettings], file: Path) -> TomlConfigSettingsSource:
    try:
        return TomlConfigSettingsSource(settings_cls, toml_file=file)
    except ValueError as error:  # not TOML, or not UTF-8; the error does not name the file
        raise SettingsError(f"the settings file {file} is not valid TOML: {error}; correct it or rename it") from None


def _first(invalid: ValidationError) -> str:
    """Name the first setting that is wrong."""
    first = invalid.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    if not name:  # of several settings together
        return str(first["msg"]).removeprefix("Value error, ")
    if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
        return _unknown(name)
    return f"setting {name} = {first.get('input')!r}: {first['msg']}"


def _unknown(name: str) -> str:
    guess = did_you_mean(name, Settings.model_fields) or "; docs/cli.md lists the settings"
    return f"there is no setting {name!r} in {PROJECT_FILE} or the user's config.toml{guess}"


def load_settings(**flags: Any) -> Settings:
    """Read the settings; a flag that is None was not given.

    Raises:
        SettingsError: as `Settings`.
    """
    return Settings(**{name: value for name, value in flags.items() if value is not None})
