#!/usr/bin/env python3
"""Makes runs.bin and glyphs.bin from GNU Unifont, as Debian 12 ships it:

    apt-get install unifont        # 1:15.0.01-2, /usr/share/unifont/unifont.hex
    python3 assets/font/make.py [unifont.hex]

What is kept: printable ASCII at 8x16, and every character of GB18030's two-byte area (private use left out) at 16x16,
because that is what a Chinese receipt printer has and how wide it prints them. What Unifont draws 8 wide in that area is
put in the middle of 16; line drawing is drawn out to the edges, and blocks are doubled, so that both still join.

runs.bin, little-endian: a run each: u16 first character, u16 how many, u16 index of the first among the wide glyphs.
glyphs.bin: 95 glyphs of ASCII from U+0020, 16 bytes each, a byte a row; the wide glyphs, 32 bytes each: the left 8 dots of
each row, then the right 8 (which packs better than rows do). The highest bit is the leftmost dot.
"""
import struct
import sys
from pathlib import Path

ASCII = range(0x20, 0x7F)
# Two bytes in GB18030 of 2005 and 2022, while Python's codec is of 2000.
SINCE_2000 = [0x1E3F, *range(0x9FB4, 0x9FBC), *range(0xFE10, 0xFE1A)]


def two_byte_area():
    """The characters that GB18030 writes in two bytes, without the private use area."""
    for lead in range(0x81, 0xFF):
        for trail in [*range(0x40, 0x7F), *range(0x80, 0xFF)]:
            try:
                code = ord(bytes([lead, trail]).decode("gb18030"))
            except (UnicodeDecodeError, TypeError):
                continue
            if not 0xE000 <= code < 0xF900:
                yield code


def widened(code, row):
    """A row of 8 dots as 16."""
    if 0x2500 <= code < 0x2580:
        return (0xF000 if row & 0x80 else 0) | row << 4 | (0x000F if row & 0x01 else 0)
    if 0x2580 <= code < 0x25A0:
        return sum(3 << 2 * bit for bit in range(8) if row >> bit & 1)
    return row << 4


def wide(code, bits):
    """The rows of a glyph at 16x16."""
    if len(bits) == 32:
        return bits
    return b"".join(struct.pack(">H", widened(code, row)) for row in bits)


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/unifont/unifont.hex"
    with open(path, encoding="ascii") as lines:
        glyphs = {int(code, 16): bytes.fromhex(bits) for code, bits in (line.strip().split(":") for line in lines)}
    codes = sorted({*two_byte_area(), *SINCE_2000})
    runs = []
    for index, code in enumerate(codes):
        if runs and runs[-1][0] + runs[-1][1] == code:
            runs[-1][1] += 1
        else:
            runs.append([code, 1, index])
    for code in ASCII:
        assert len(glyphs[code]) == 16, hex(code)
    here = Path(__file__).parent
    (here / "runs.bin").write_bytes(b"".join(struct.pack("<HHH", *run) for run in runs))
    pictures = [wide(code, glyphs[code]) for code in codes]
    halves = (half for rows in pictures for half in (rows[0::2], rows[1::2]))
    (here / "glyphs.bin").write_bytes(b"".join([*(glyphs[code] for code in ASCII), *halves]))


main()
