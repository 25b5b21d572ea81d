"""Turns for HEIC and AVIF, which keep them not in EXIF but in properties of the image (ISO
23008-12 §6.5.10 `irot`, §6.5.12 `imir`): added by hand to a file that has none."""

import struct

# EXIF orientation → (quarter turns against the clock, then an axis to mirror along)
TURNS = {1: (0, None), 2: (0, 1), 3: (2, None), 4: (0, 0), 5: (1, 0), 6: (3, None), 7: (3, 0),
         8: (1, None)}


def box(kind, body):
    return struct.pack(">I4s", 8 + len(body), kind) + body


def boxes(data):
    """The boxes in a row: kind and body of each."""
    at, found = 0, []
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        assert size >= 8, "a box of 64 bits or to the end of the file"
        found.append((kind, data[at + 8:at + size]))
        at += size
    return found


def associate(ipma, properties):
    """Add essential properties to the first item of an ipma box of 8-bit indices."""
    head, count = ipma[:11], ipma[10]
    assert ipma[:4] == bytes(4) and head[4:8] != bytes(4)
    indices = ipma[11:11 + count]
    added = bytes(0x80 | index for index in properties)
    return ipma[:10] + bytes([count + len(added)]) + indices + added + ipma[11 + count:]


def with_properties(iprp, added):
    ipco, ipma = (body for _, body in boxes(iprp))
    first = len(boxes(ipco)) + 1
    indices = range(first, first + len(added))
    return box(b"ipco", ipco + b"".join(added)) + box(b"ipma", associate(ipma, indices))


def moved(iloc, by):
    """An iloc box of data that lies `by` bytes later: version 0 or 1, and offsets that count
    from a base offset of each item, all of 32 bits, as libheif writes them."""
    version = iloc[0]
    assert version <= 1 and iloc[4:6] == b"\x44\x40"
    out, at = bytearray(iloc), 8
    for _ in range(struct.unpack(">H", iloc[6:8])[0]):
        at += 4 + 2 * version  # item, construction method, data reference
        base, extents = struct.unpack(">IH", iloc[at:at + 6])
        out[at:at + 4] = struct.pack(">I", base + by)
        at += 6 + 8 * extents
    return bytes(out)


def turned(data, orientation):
    """The file, said to be stored as that EXIF orientation says."""
    angle, axis = TURNS[orientation]
    added = []
    if angle:
        added.append(box(b"irot", bytes([angle])))
    if axis is not None:
        added.append(box(b"imir", bytes([axis])))
    if not added:
        return data
    by = sum(map(len, added)) + len(added)  # each has an index of one byte too
    out = b""
    for kind, body in boxes(data):
        if kind == b"meta":
            inner = b"".join(
                box(k, with_properties(b, added) if k == b"iprp" else
                    moved(b, by) if k == b"iloc" else b) for k, b in boxes(body[4:]))
            body = body[:4] + inner
        out += box(kind, body)
    return out
