"""Pictures that can be told apart: one plain colour each, written and read as PNG.

A number is a picture and a picture is a number, so whoever holds a result can say which
job it belongs to. Of PNG only what imgjobd answers here is read: 8-bit RGB, not
interlaced.
"""
import struct
import zlib

SCATTER = 0x9E3779  # odd: number → colour is one to one below 2^24
NUMBER_MAX = 1 << 24
UNSCATTER = pow(SCATTER, -1, NUMBER_MAX)


def colour_of(number):
    return (number * SCATTER % NUMBER_MAX).to_bytes(3, "big")


def number_of(colour):
    return int.from_bytes(colour, "big") * UNSCATTER % NUMBER_MAX


def input_size(number):
    """Every fourth keeps a worker busy for a while, so that kills find one at work."""
    return (2400, 1800) if number % 4 == 0 else (32, 24)


def output_size(number):
    return 16 + number % 13, 16 + number % 7


def chunk(name, data):
    return (struct.pack(">I", len(data)) + name + data
            + struct.pack(">I", zlib.crc32(name + data)))


def write(number):
    """One colour in the palette and one bit a pixel: cheap to write, not to decode."""
    width, height = input_size(number)
    line = bytes(1 + (width + 7) // 8)
    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 3, 0, 0, 0))
            + chunk(b"PLTE", colour_of(number))
            + chunk(b"IDAT", zlib.compress(line * height, 1)) + chunk(b"IEND", b""))


def chunks(data):
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("not a PNG")
    at = 8
    while at < len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        body = data[at + 8:at + 8 + length]
        if zlib.crc32(name + body) != struct.unpack_from(">I", data, at + 8 + length)[0]:
            raise ValueError(f"bad checksum of {name!r}")
        yield name, body
        at += 12 + length


def paeth(left, up, corner):
    """PNG (third edition) 9.4."""
    estimate = left + up - corner
    distances = abs(estimate - left), abs(estimate - up), abs(estimate - corner)
    return (left, up, corner)[distances.index(min(distances))]


def unfilter(kind, line, above):
    for i, value in enumerate(line):
        left = line[i - 3] if i >= 3 else 0
        corner = above[i - 3] if i >= 3 else 0
        predicted = (0, left, above[i], (left + above[i]) // 2,
                     paeth(left, above[i], corner))[kind]
        line[i] = (value + predicted) & 255
    return line


def read(data):
    """@return (width, height, number); ValueError unless it is one plain colour"""
    parts = list(chunks(data))
    if not parts or parts[0][0] != b"IHDR" or parts[-1][0] != b"IEND":
        raise ValueError("a torn PNG")
    width, height, *kind = struct.unpack(">IIBBBBB", parts[0][1])
    if kind != [8, 2, 0, 0, 0]:
        raise ValueError(f"a PNG of another kind: {kind}")
    raw = zlib.decompress(b"".join(body for name, body in parts if name == b"IDAT"))
    stride = 3 * width + 1
    if len(raw) != stride * height:
        raise ValueError(f"{len(raw)} bytes of pixels for {width}x{height}")
    above, colours = bytes(3 * width), set()
    for at in range(0, len(raw), stride):
        above = unfilter(raw[at], bytearray(raw[at + 1:at + stride]), above)
        colours.update(bytes(above[i:i + 3]) for i in range(0, 3 * width, 3))
    if len(colours) != 1:
        raise ValueError(f"{len(colours)} colours instead of one")
    return width, height, number_of(colours.pop())


def fault(data, number, size):
    """What is wrong with `data` as the result of job `number`; None = nothing."""
    try:
        width, height, found = read(data)
    except (ValueError, zlib.error, struct.error) as error:
        return str(error)
    if found != number:
        return f"it shows picture {found}, not {number}"
    if (width, height) != size:
        return f"it is {width}x{height}, not {size}"
    return None
