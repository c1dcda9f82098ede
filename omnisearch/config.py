"""Settings: flags, then OMNISEARCH_* variables, then ./omnisearch.toml, then the user's config file, then defaults.

Every command reads them, so this module imports little: with pydantic it would take longer than a run of `omnisearch
index` that finds nothing new.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self, get_args

from omnisearch import setting_kinds as kinds
from omnisearch.errors import SettingsError
from omnisearch.modality import Modality
from omnisearch.setting_kinds import Secret
from omnisearch.user_folders import user_folder

PROJECT_FILE = Path("omnisearch.toml")
PREFIX = "OMNISEARCH_"
DEFAULT_COLLECTION = "default"
COLLECTIONS = "collections"
EMBEDDED = "embedded"  # the name of the embedded engine where others have the URL of a server
COLLECTION_NAME = "^[a-z0-9][a-z0-9_-]{0,39}$"  # also the name of its folder
Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "fp32", "bf16", "fp16", "int8"]
ReadLevel = Literal["none", "fast", "full"]
Quantization = Literal["none", "int8", "binary"]
License = Literal["any", "commercial"]
LogLevel = Literal["warning", "info"]

DEVICE = kinds.one_of(*get_args(Device))
PRECISION = kinds.one_of(*get_args(Precision))


class Declared(NamedTuple):
    """A declared setting: the parser of given values, the default or a function that returns it, and its meaning."""

    parse: kinds.Parser
    default: Any
    description: str


def setting(parse: kinds.Parser, default: Any, description: str) -> Any:
    """Declare a setting as a field of a dataclass; see `Declared`."""
    metadata = {"declared": Declared(parse, default, description)}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


def declared(kind: type[Any]) -> dict[str, Declared]:
    """Return the settings that a dataclass declares, by name, in the order of the class."""
    return {one.name: one.metadata["declared"] for one in fields(kind) if one.metadata}


@dataclass(frozen=True)
class TowerSettings:
    """The settings of a single tower: in TOML, the table [towers.NAME]."""

    device: Device | None = setting(kinds.optional(DEVICE), None, "auto, cpu or cuda")
    precision: Precision | None = setting(kinds.optional(PRECISION), None, "as for all towers")
    tokens: int | None = setting(
        kinds.optional(kinds.integer()), None, "the most tokens per image, of a tower that has several budgets"
    )


def _towers(given: Any) -> Mapping[str, TowerSettings]:
    if not isinstance(given, Mapping):
        raise ValueError("give a table of tables, such as [towers.NAME]")
    return {name: _tower(name, one) for name, one in given.items()}


def _tower(name: str, given: Any) -> TowerSettings:
    if isinstance(given, TowerSettings):
        return given
    if not isinstance(given, Mapping):
        raise ValueError(f"give a table for {name}")
    return TowerSettings(**_parsed(TowerSettings, given, f"towers.{name}."))


@dataclass(frozen=True, init=False)
class Settings:
    """Everything that can be set. A name here is the TOML key, and OMNISEARCH_<NAME> is the variable.

    `model_fields_set` has the names of the settings that were given or changed.
    """

    data_dir: Path = setting(kinds.folder, lambda: user_folder("data"), "where index, embeddings and previews live")
    collection: str = setting(
        kinds.matching(COLLECTION_NAME),
        DEFAULT_COLLECTION,
        "which index of the data directory is used, by name",
    )
    weights_dir: Path = setting(kinds.folder, lambda: user_folder("cache") / "weights", "where the weight files lie")
    model: str = setting(kinds.text, "mini", "name of a shipped bound model, or the folder of one")
    allow_host: tuple[str, ...] = setting(
        kinds.list_of(kinds.text),
        (),
        "names that `serve` answers to beside localhost; in a variable comma separated",
    )
    store: str | None = setting(
        kinds.optional(kinds.text), None, "URL of a Qdrant server; if it is not set, the embedded engine is used"
    )
    store_api_key: Secret | None = setting(kinds.optional(kinds.secret), None, "the API key of the Qdrant server")
    store_api_key_file: Path | None = setting(
        kinds.optional(kinds.path), None, "a file with that key alone, such as a mounted secret"
    )
    store_shards: int | None = setting(
        kinds.optional(kinds.integer(1)),
        None,
        "shards of a new collection on a Qdrant server; if it is not set, the server chooses",
    )
    store_replicas: int | None = setting(
        kinds.optional(kinds.integer(1)),
        None,
        "copies of each shard of a new collection on a Qdrant cluster; one if it is not set",
    )
    store_quantization: Quantization = setting(
        kinds.one_of(*get_args(Quantization)),
        "none",
        "small copies of the vectors of a new collection on a Qdrant server: none, int8 or binary",
    )
    store_on_disk: bool = setting(
        kinds.boolean, False, "whether a Qdrant server reads the vectors of a new collection from disk"
    )
    server: str | None = setting(
        kinds.optional(kinds.text),
        None,
        "URL of the server that clients, `search` and `locate` ask; if it is not set, one of this machine",
    )
    api_key: Secret | None = setting(kinds.optional(kinds.secret), None, "the key that clients send to that server")
    api_key_file: Path | None = setting(
        kinds.optional(kinds.path), None, "a file with that key alone, such as a mounted secret"
    )
    device: Device = setting(DEVICE, "auto", "auto, cpu or cuda")
    precision: Precision = setting(
        PRECISION, "auto", "fp32, bf16, fp16, int8 (on CPUs), or auto: fp32 on a CPU, else the tower's own"
    )
    max_memory: int | None = setting(
        kinds.optional(kinds.byte_count()), None, "what the towers of one device may take, such as 24GB"
    )
    towers: Mapping[str, TowerSettings] = setting(
        _towers, dict, "device, precision and tokens of single towers, by name"
    )
    dim: int | None = setting(
        kinds.optional(kinds.integer(1)),
        None,
        "width of the vectors, of a model with several; if it is not set, the full width",
    )
    share: float = setting(
        kinds.number(above=0, most=1),
        1.0,
        "how much of the combining factors queries run spaces for; 1 is exact",
    )
    license: License = setting(
        kinds.one_of(*get_args(License)),
        "any",
        "commercial refuses models whose weights may not be used commercially",
    )
    query_seconds: float = setting(
        kinds.number(above=0),
        600.0,
        "longest sound or video, or slice of one, that `serve` takes as a term of a query",
    )
    query_timeout: float = setting(kinds.number(above=0), 60.0, "seconds after which `serve` stops a search")
    warm: tuple[Modality, ...] = setting(
        kinds.list_of(lambda given: Modality(kinds.one_of(*Modality)(given))),
        (),
        "modalities whose encoders `serve` loads before it is ready, beside text; comma separated",
    )
    api_keys: Secret | None = setting(
        kinds.optional(kinds.secret), None, "keys that `serve` accepts, as NAME:SCOPE+SCOPE:KEY, comma separated"
    )
    api_keys_file: Path | None = setting(
        kinds.optional(kinds.path), None, "a file with one such key a line, such as a mounted secret"
    )
    key_rate: float = setting(
        kinds.number(above=0),
        100.0,
        "requests per second that `serve` takes from a key which has no rate of its own",
    )
    upload_seconds: float = setting(
        kinds.number(least=60), 86_400.0, "how long `serve` keeps an upload after its last use, in seconds"
    )
    upload_bytes: int = setting(
        kinds.byte_count(),
        10 << 30,
        "what the uploads that `serve` keeps may take up together, such as 10GiB",
    )
    preview_bytes: int = setting(
        kinds.byte_count(least=1 << 20),
        2 << 30,
        "what the previews, 3D previews and peaks that are kept may take up together",
    )
    index_roots: tuple[Path, ...] = setting(
        kinds.list_of(kinds.path),
        (),
        "folders that index jobs of the API may read, as absolute paths; comma separated",
    )
    fetch_urls: bool = setting(
        kinds.boolean, False, "let queries name files of other servers by `url`, which `serve` fetches"
    )
    log_level: LogLevel = setting(kinds.one_of(*get_args(LogLevel)), "warning", "info makes `serve` log every request")
    log_queries: bool = setting(
        kinds.boolean, False, "log the queries, too: what was asked, item ids and names of files"
    )
    gps: bool | None = setting(
        kinds.optional(kinds.boolean),
        None,
        "whether an index keeps places and positions; if it is not set, as in its last run, at first yes",
    )
    workers: int = setting(kinds.integer(1, 64), lambda: min(4, os.cpu_count() or 1), "files that are read at a time")
    read: ReadLevel = setting(
        kinds.one_of(*get_args(ReadLevel)),
        "none",
        "how thoroughly text in pictures and speech in sound are read when files are indexed",
    )
    speech_model: str = setting(
        kinds.text,
        "speech-en",
        "the model that transcribes speech: speech-en, -tiny, -base, -small or -turbo, or none",
    )
    batch_size: int = setting(kinds.integer(1, 4096), 32, "contents that are encoded at a time")
    segment_seconds: float = setting(kinds.number(1, 600), 10.0, "length of a segment of sound or video")
    segment_overlap: float = setting(kinds.number(0), 2.0, "seconds shared by neighbouring segments")
    passage_characters: int = setting(kinds.integer(100, 100_000), 1000, "length of a passage of text")
    passage_overlap: int = setting(kinds.integer(0), 150, "characters shared by neighbouring passages")
    model_fields_set: frozenset[str] = field(default=frozenset(), compare=False, repr=False)

    def __init__(self, **given: Any) -> None:
        """Take the `given` settings, and read the others from variables and files.

        Raises:
            SettingsError: a value has no meaning, or there is no such setting. The message names the setting and its
                source, and shows the value, except a secret.
        """
        files = [(str(path), _read_toml(path)) for path in (PROJECT_FILE, user_folder("config") / "config.toml")]
        variables = _variables()
        sources = [*((f"{PREFIX}{name.upper()}", {name: value}) for name, value in variables.items()), *files]
        known: Mapping[str, Any] = {}
        for _, values in reversed(sources):
            known = _merged(values, known)
        known = _merged(given, known)

        def origin(name: str) -> str:
            found = [] if name in given else [source for source, values in sources if name in values]
            # The value is that of the strongest source. A table is merged from the tables of all sources.
            shown = found if isinstance(known[name], Mapping) else found[:1]
            return f" (from {' and '.join(shown)})" if shown else ""

        vars(self).update(_parsed(Settings, known, origin=origin), model_fields_set=frozenset(known))
        check_store_url(self.store or "")
        for overlap, whole in (("segment_overlap", "segment_seconds"), ("passage_overlap", "passage_characters")):
            shared, length = getattr(self, overlap), getattr(self, whole)
            if shared >= length:
                raise SettingsError(f"{overlap} = {shared} must be smaller than {whole} = {length}")

    def model_copy(self, update: Mapping[str, Any] | None = None) -> Self:
        """Return a copy with the values of `update`, which are not checked."""
        made = object.__new__(type(self))
        changed = dict(update or {})
        vars(made).update({**vars(self), **changed}, model_fields_set=self.model_fields_set | changed.keys())
        return made

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
    key: Secret | None = getattr(settings, name)
    file: Path | None = getattr(settings, f"{name}_file")
    if file is None:
        return None if key is None else key.reveal()
    if key is not None:
        raise SettingsError(f"{name} and {name}_file are both set: unset one of them")
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}_file = {file} cannot be read: {error}; write the key into it") from None
    if not text:
        raise SettingsError(f"{name}_file = {file} is empty: write the key into it")
    return text


def load_settings(**flags: Any) -> Settings:
    """Read the settings; a flag that is None was not given.

    Raises:
        SettingsError: as `Settings`.
    """
    return Settings(**{name: value for name, value in flags.items() if value is not None})


def _parsed(
    kind: type[Any], given: Mapping[str, Any], place: str = "", origin: Callable[[str], str] = lambda _: ""
) -> dict[str, Any]:
    """Return the value of every setting that a class declares: as it was given, else its default.

    `origin` returns the end of a message: the source of the value of a setting.
    """
    known, made = declared(kind), {}
    for name, one in known.items():
        if name in given:
            try:
                made[name] = one.parse(given[name])
            except kinds.HiddenValueError as error:
                hidden = f"setting {place}{name}, whose value is not shown here: {error}{origin(name)}"
                raise SettingsError(hidden) from None
            except ValueError as error:
                raise SettingsError(f"setting {place}{name} = {given[name]!r}: {error}{origin(name)}") from None
            except SettingsError as error:  # of a nested table, such as [towers.NAME]
                raise SettingsError(f"{error}{origin(name)}") from None
        else:
            made[name] = one.default() if callable(one.default) else one.default
    for name in given:
        if name not in known:
            raise SettingsError(_unknown(f"{place}{name}", [f"{place}{each}" for each in known]) + origin(name))
    return made


def _unknown(name: str, known: list[str]) -> str:
    from omnisearch.wording import did_you_mean

    guess = did_you_mean(name, known) or "; docs/cli.md lists the settings"
    return f"there is no setting {name!r}{guess}"


def _variables() -> dict[str, Any]:
    """Return the settings of the environment. As in most programs, an empty variable is one that is not set."""
    given = {
        name.upper().removeprefix(PREFIX).lower(): text for name, text in os.environ.items() if text and _is_ours(name)
    }
    found: dict[str, Any] = {name: text for name, text in given.items() if name in declared(Settings)}
    if "towers" in found:
        found["towers"] = _from_json(found["towers"])
    return found


def _is_ours(variable: str) -> bool:
    return variable.upper().startswith(PREFIX)


def _from_json(text: str) -> Any:
    import json

    try:
        return json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{PREFIX}TOWERS is not valid JSON: {error}") from None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8-sig") as file:  # an editor may have written a byte order mark
            import tomllib

            return tomllib.loads(file.read())
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return {}
    except OSError as error:
        raise SettingsError(f"a settings file cannot be read: {error}") from None
    except ValueError as error:  # not TOML, or not UTF-8; the error does not name the file
        raise SettingsError(f"the settings file {path} is not valid TOML: {error}; correct it or rename it") from None


def _merged(stronger: Mapping[str, Any], weaker: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of both, the stronger ones where both have one; tables are merged."""
    both = {**weaker, **stronger}
    for name in stronger.keys() & weaker.keys():
        if isinstance(stronger[name], Mapping) and isinstance(weaker[name], Mapping):
            both[name] = _merged(stronger[name], weaker[name])
    return both
