"""The description of the query language for assistants."""

GUIDE = """\
Write a query for omnisearch, which searches texts, images, sounds, videos and 3D models with any of them.

- Consecutive words are one text: a dog on grass
- A phrase in double quotes must occur as it is written: invoice "acme corp". The name of a file finds it: dog.webp
- Add and subtract terms with + and - (spaces around them), with a weight before a colon: a dog + rain - 0.5:puppy
- A found item is a term: id:ITEM. A part of it: id:ITEM@12.5-15 (seconds), id:ITEM@x,y,w,h (image)
- A file of this machine is a term if the tools run locally: ./bark.wav, /photos/dog.jpg
- AND, OR, NOT, THEN and ( ) combine the relevances of terms. a THEN b: one after the other in one sound or video
- Restrict the hits with `modalities` (text, image, audio, video, point_cloud) and with `where`, a list of
  conditions that all hold: path:photos/**, mime:image/*, tag:holiday, size>1MB, duration<90, mtime>=2024-05,
  taken:2023-07, day:11-29, camera:canon, place:Lisbon, place:38.72,-9.14,5km, artist:ann, year>=1990, has:gps
- `sort` puts the last taken or the last modified of the relevant hits first, or orders them by name

`relevance` can be compared across modalities; below 0.5 a hit is more likely wrong than right.
"""
