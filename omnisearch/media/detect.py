"""Detect the kind of a file by its content. The extension decides only if the content is ambiguous."""

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.kinds import BY_SUFFIX, KINDS, SHARED_SUFFIXES, UNREAD_OBJECTS, Kind
from omnisearch.media.sniff.containers import container_format, known_container
from omnisearch.media.sniff.documents import document_format, document_text_format
from omnisearch.media.sniff.head import FileHead
from omnisearch.media.sniff.images import image_format
from omnisearch.media.sniff.meshes import mesh_format, mesh_text_format
from omnisearch.media.sniff.texts import named_text, pdf_format, text_format


def detect(source: Source) -> Kind:
    """Return the kind of a file from its first 64 KiB; resets the file position to the start.

    Raises:
        MediaError: `damaged` if the extension belongs to a supported kind and the content matches none;
            `unsupported_format` if the extension does not; `needs_password` for an encrypted document of Office.
    """
    head = FileHead.read(source)
    name = pdf_format(head) or document_format(head, source.file) or image_format(head) or mesh_format(head)
    name = name or container_format(head) or mesh_text_format(head, named_text(head) is not None)
    name = name or document_text_format(head) or known_container(head) or text_format(head)
    if name is not None:
        return KINDS[name]
    if source.suffix in UNREAD_OBJECTS:
        raise MediaError(Reason.UNSUPPORTED_FORMAT, f"{UNREAD_OBJECTS[source.suffix]} ({source.suffix})")
    promised = BY_SUFFIX.get(source.suffix)
    if promised is None or _belongs_elsewhere(head):
        raise MediaError(Reason.UNSUPPORTED_FORMAT, f"no known content ({source.suffix or 'no extension'})")
    raise MediaError(Reason.DAMAGED, f"the name ends in {source.suffix}, but the content is not {promised.format}")


def _belongs_elsewhere(head: FileHead) -> bool:
    """Whether the content belongs to another program that uses this extension, such as TypeScript for .ts."""
    if head.suffix in SHARED_SUFFIXES:
        return True
    is_text = head.text is not None
    return (head.suffix == ".ts" and is_text) or (head.suffix == ".obj" and not is_text)
