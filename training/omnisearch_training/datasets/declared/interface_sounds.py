"""Sounds of user interfaces from four desktop themes. Test only: a kind of sounds that no pool has."""

from collections.abc import Iterator

from omnisearch.types import Modality
from omnisearch_training.datasets.base import Declaration, Draft, Workshop
from omnisearch_training.datasets.captions import with_keywords, words_of
from omnisearch_training.datasets.named_sounds import debian

THEMES = {
    "freedesktop": (debian("sound-theme-freedesktop"), "freedesktop/stereo/*.oga"),
    "yaru": (debian("yaru-theme-sound"), "Yaru/stereo/*.oga"),
    "deepin": (debian("deepin-sound-theme"), "deepin/stereo/*.wav"),
    "oxygen": (debian("oxygen-sounds"), "Oxygen-*.ogg"),
}

# Event -> the names that the themes give it. Spoken names of channels and events without a common name are left out.
_EVENTS = {
    "alarm clock ringing": ("alarm clock elapsed",),
    "bell": ("bell",),
    "low battery": ("battery low", "power unplug battery low"),
    "busy signal": ("phone outgoing busy",),
    "camera shutter": ("camera shutter",),
    "closing a window": ("window close",),
    "connection failed": ("im cant connect", "im error on connection"),
    "connection lost": ("im connection lost", "im network problems"),
    "contact comes online": ("im contact in",),
    "contact goes offline": ("im contact out",),
    "copying complete": ("complete copy",),
    "device connected": ("device added",),
    "device disconnected": ("device removed",),
    "emptying the trash": ("trash empty", "sys trash emptied"),
    "error message": (
        "dialog error", "dialog error serious", "dialog error critical", "sys app error", "sys app error serious",
        "sys app error serious very", "sys app error critical", "im internal error", "suspend error",
    ),
    "information message": ("dialog information",),
    "insert a disc": ("k b insert medium",),
    "login": ("service login", "desktop login", "sys log in", "sys log in long", "sys log in short"),
    "logout": ("service logout", "desktop logoff", "desktop logout", "sys log out", "sys log out long"),
    "maximizing a window": ("window maximize",),
    "message received": ("message", "sys app message", "im message in", "im low priority message"),
    "message sent": ("im message out",),
    "minimizing a window": ("window minimize",),
    "moving a window": ("window move", "window move stop"),
    "new email": ("message new email", "im new mail"),
    "new instant message": ("message new instant",),
    "new text message": ("im sms",),
    "phone ringing": ("phone incoming call", "im phone ring"),
    "power plugged in": ("power plug",),
    "power unplugged": ("power unplug",),
    "printing complete": ("complete print",),
    "printing failed": ("sys error printing",),
    "question": ("dialog question", "sys question"),
    "ringing tone of an outgoing call": ("phone outgoing calling",),
    "screenshot": ("screen capture", "screen capture complete"),
    "system shutdown": ("system shutdown",),
    "system startup": ("system ready",),
    "task complete": ("complete", "k b finish success"),
    "task failed": ("k b finish error",),
    "volume change": ("audio volume change",),
    "waking from sleep": ("suspend resume",),
    "warning message": ("dialog warning", "sys warning"),
}  # fmt: skip
_NAMES = {words: event for event, names in _EVENTS.items() for words in names}


def read(workshop: Workshop) -> Iterator[Draft]:
    """Yield the sounds of every theme that have a common name. A link is another name of a sound and is left out."""
    for theme, (package, pattern) in THEMES.items():
        for path in sorted((workshop.packages[package.name] / "usr/share/sounds").glob(pattern)):
            name = _NAMES.get(words_of(path.stem).removeprefix("oxygen "))
            if name is not None and not path.is_symlink():
                details = with_keywords(name, ["sound of a computer", "notification"])
                yield Draft(f"{theme}/{path.name}", name, {Modality.AUDIO: path}, details)


DECLARATION = Declaration(
    name="interface_sounds",
    about="logins, errors, messages, calls and windows of four desktop sound themes; test only",
    modalities=(Modality.AUDIO,),
    packages=tuple(package for package, _ in THEMES.values()),
    licence="CC-BY-SA-3.0, CC-BY-3.0, GPL-2+ (freedesktop), CC-BY-SA-4.0 (yaru), GPL-3 (deepin), LGPL-3+ (oxygen)",
    expected=91,
    read=read,
    held_out=True,
)
