"""Download a file of a model hub, resumed where it stopped, with errors that say what to do."""

import hashlib
import logging
import os
from collections.abc import Callable
from errno import ENOSPC
from pathlib import Path
from typing import Any

from omnisearch.errors import OmnisearchError
from omnisearch.spaces.weights.download import hold
from omnisearch.spaces.weights.spec import Hub


def hub_file(source: Hub, folder: Path, advance: Callable[[int], None]) -> Path:
    """Download a file into `folder` and return its path; `advance` receives the number of bytes of each block.

    After an interruption the bytes so far are kept under a name with the file's ETag, and are not requested again. (The
    client's own `hf_hub_download` starts again in every process.)

    Raises:
        OSError: the hub cannot be reached or refuses the file, the disk is full, or another process downloads the file.
    """
    try:
        return _download(source, folder, advance)
    except OmnisearchError:  # of `advance`
        raise
    except Exception as error:  # the hub's client raises many classes
        raise OSError(_explain(error, source)) from None


def _download(source: Hub, folder: Path, advance: Callable[[int], None]) -> Path:
    # Imported here: huggingface_hub must not be imported when models load.
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]
    from tqdm.std import tqdm

    class Silent(tqdm):  # type: ignore[misc]
        """Passes the progress of the hub's client on."""

        def __init__(self, *given: Any, **options: Any) -> None:
            super().__init__(*given, **options | {"disable": True})

        def update(self, n: float | None = 1) -> None:
            advance(int(n or 0))

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its retries end in an error that says all
    url = hf_hub_url(source.repository, source.file, revision=source.revision)
    found = get_hf_file_metadata(url, headers=build_hf_headers())
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / hashlib.sha256(f"{url} {found.etag}".encode()).hexdigest()
    with part.open("ab") as out:
        hold(out, part)
        if found.etag is None:
            out.truncate(0)
        begun = out.seek(0, os.SEEK_END)
        advance(begun)
        http_get(
            url,
            out,
            resume_size=begun,
            headers=build_hf_headers(),
            expected_size=found.size,
            displayed_filename=source.file,
            tqdm_class=Silent,
        )
        out.flush()
        os.fsync(out.fileno())
    return part


def _explain(error: Exception, source: Hub) -> str:
    from huggingface_hub import constants, errors

    page = f"{constants.ENDPOINT}/{source.repository}"
    sign_in = "set HF_TOKEN to a token of your account"
    elsewhere = "update omnisearch, or copy the file yourself"
    match error:
        case errors.GatedRepoError():
            return f"its publisher wants you to accept terms: sign in at {page}, accept them, and {sign_in}"
        case errors.RepositoryNotFoundError():
            return f"{page} does not exist or is private: if you have access to it, {sign_in}"
        case errors.RevisionNotFoundError():
            return f"{page} has no revision {source.revision}: {elsewhere}"
        case errors.EntryNotFoundError():
            return f"{page} has no file {source.file} at {source.revision}: {elsewhere}"
        case errors.HfHubHTTPError():
            return f"{page}: {error}".splitlines()[0]
        case errors.OfflineModeIsEnabled():
            return "the variable HF_HUB_OFFLINE is set: unset it"
        case OSError(errno=code) if code == ENOSPC:
            return "the disk of weights_dir is full: free space, or set weights_dir to another folder, and pull again"
        case OSError():
            return str(error).splitlines()[0]
    said = f"{type(error).__name__}: {error}".splitlines()[0]
    return (
        f"{constants.ENDPOINT} cannot be reached, or broke off ({said}): check the network and HTTPS_PROXY, or set "
        f"HF_ENDPOINT to a mirror, and pull again; what has come is kept"
    )
