"""Bytes to text, whatever the label says.

Senders name charsets wrongly all the time. The order: the label (by an allowed codec only, as some
Python codecs are quadratic or no charsets at all), then UTF-8, then a hint, then Windows-1252.
"""

from __future__ import annotations

import re

from channels_app.mailparse.words import words

# What senders write, without - _ and blanks, to the Python codec to try. As browsers do, a label
# is read as its superset: Latin-1 as Windows-1252, GB2312 as GB18030, Shift_JIS as CP932.
_ALIASES = {
    "ascii": "utf-8",
    "usascii": "utf-8",
    "ansix3.41968": "utf-8",
    "iso646us": "utf-8",
    "646": "utf-8",
    "7bit": "utf-8",
    "8bit": "utf-8",
    "binary": "utf-8",
    "default": "utf-8",
    "unknown": "utf-8",
    "unknown8bit": "utf-8",
    "xunknown": "utf-8",
    "utf8mb4": "utf-8",
    "unicode": "utf-8",
    "unicode11utf8": "utf-8",
    "unicode11utf7": "utf-7",
    "latin1": "cp1252",
    "l1": "cp1252",
    "iso88591": "cp1252",
    "88591": "cp1252",
    "iso88599": "cp1254",
    "iso885911": "cp874",
    "tis620": "cp874",
    "ansi": "cp1252",
    "latin2": "iso8859_2",
    "latin5": "cp1254",
    "latin9": "iso8859_15",
    "iso88598i": "iso8859_8",
    "iso88598e": "iso8859_8",
    "iso88596i": "iso8859_6",
    "iso88596e": "iso8859_6",
    "gb2312": "gb18030",
    "gb23121980": "gb18030",
    "gbk": "gb18030",
    "xgbk": "gb18030",
    "cp936": "gb18030",
    "ms936": "gb18030",
    "windows936": "gb18030",
    "cngb": "gb18030",
    "hzgb2312": "hz",
    "big5": "big5hkscs",
    "xxbig5": "big5hkscs",
    "cnbig5": "big5hkscs",
    "shiftjis": "cp932",
    "xsjis": "cp932",
    "sjis": "cp932",
    "mskanji": "cp932",
    "windows31j": "cp932",
    "xeucjp": "euc_jp",
    "eucjp": "euc_jp",
    "euckr": "cp949",
    "ksc5601": "cp949",
    "ksc56011987": "cp949",
    "ksc5601.1987": "cp949",
    "ksx1001": "cp949",
    "windows949": "cp949",
    "uhc": "cp949",
    "macintosh": "mac_roman",
    "mac": "mac_roman",
    "xmacroman": "mac_roman",
    "xmaccyrillic": "mac_cyrillic",
    "xmacce": "mac_latin2",
    "koi8": "koi8_r",
}
_ALLOWED = frozenset(
    [f"iso8859_{n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)]
    + [f"cp125{n}" for n in range(9)]
) | words(
    "utf-8 utf-7 utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be"
    " cp437 cp720 cp737 cp775 cp850 cp852 cp855 cp857 cp858 cp860 cp861 cp862 cp863 cp864 cp865"
    " cp866 cp869 cp874 cp932 cp949 big5hkscs cp950 gb18030 hz euc_jp johab koi8_r koi8_u koi8_t"
    " ptcp154 mac_roman mac_cyrillic mac_latin2 mac_greek mac_turkish mac_iceland iso2022_jp"
    " iso2022_kr"
)
_BY_KEY = {re.sub(r"[-_\s]", "", name): name for name in _ALLOWED} | _ALIASES
_MULTIBYTE = words("gb18030 cp932 cp949 big5hkscs euc_jp utf-8 hz")
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
# The C1 control that Windows-1252 leaves open stays what it is, so that decoding never fails.
_CP1252 = "".join(bytes([n]).decode("cp1252", "ignore") or chr(n) for n in range(256))
_JIS = re.compile(rb"\x1b(\$[@B]|\$\([@BD]|\([BJIH])")
_UTF7 = re.compile(rb"\+[A-Za-z0-9+/]{2,}-")


def codec_for(label: str) -> str:
    """The Python codec for a charset label as senders write it, "" when there is none."""
    key = re.sub(r"[-_\s\"';]", "", label[:60]).casefold()
    if key in _BY_KEY:
        return _BY_KEY[key]
    short = re.sub(r"^(?:x|cs|charset=|windows|ibm|cp|ms|dos)+", "", key)
    for candidate in (f"cp{short}", f"iso{short}", short):
        if candidate in _BY_KEY:
            return _BY_KEY[candidate]
    return ""


def decode(data: bytes, label: str = "", hint: str = "") -> str:
    """Text of `data`: by BOM, label, UTF-8, `hint` (another part's label), Windows-1252."""
    for bom, codec in _BOMS:
        if data.startswith(bom):
            return data[len(bom) :].decode(codec, "replace")
    codec = codec_for(label)
    if _is_jis(data, codec):
        return _decode_jis(data)
    if data.isascii() and codec not in ("utf-7", "hz") and not codec.startswith("utf-"):
        return data.decode("ascii")
    candidates = [codec, "utf-8", codec_for(hint)]
    if "iso2022_jp" in candidates:
        candidates += ["euc_jp", "cp932"]
    if not codec:
        candidates.append(guessed(data))
    for candidate in candidates:
        text = _strict(data, candidate)
        if text is not None:
            return text
    return _least_bad(data, codec)


def windows_1252(data: bytes) -> str:
    """Every byte has a character here, so this never fails."""
    return data.decode("latin-1").translate(_CP1252_TABLE)


_CP1252_TABLE = {n: _CP1252[n] for n in range(0x80, 0xA0)}


def _strict(data: bytes, codec: str) -> str | None:
    if not codec:
        return None
    if codec == "cp1252":
        # Valid UTF-8 with a multi-byte character is never meant as Latin-1.
        return _strict(data, "utf-8") or windows_1252(data)
    if codec == "utf-7" and (not data.isascii() or not _UTF7.search(data)):
        return None
    try:
        return data.decode(codec)
    except (UnicodeDecodeError, LookupError, ValueError):
        return None


_RUN = re.compile(rb"[\x80-\xff]+")
_SJIS_KANA = re.compile(rb"[\x82\x83][\x40-\xf1]")


def guessed(data: bytes) -> str:
    """The charset that unlabelled bytes look like, "" for none but the Western ones.

    Two-byte scripts come in pairs; Chinese prefers the first half of its table, which is ordered
    by sound, Korean never leaves the first third; Cyrillic has few bytes below 0x80 in a word.
    """
    sample = data[:20_000]
    runs = _RUN.findall(sample)
    high = sum(map(len, runs))
    if high < 6:
        return ""
    if len(_SJIS_KANA.findall(sample)) * 5 >= high // 2 and _strict(sample, "cp932") is not None:
        return "cp932"
    pairs = [run[i] for run in runs if len(run) % 2 == 0 for i in range(0, len(run), 2)]
    if len(pairs) * 2 >= 0.9 * high and high / len(runs) >= 3.5:
        return _two_byte(pairs, len(runs))
    letters = sum(1 for byte in sample if byte > 0xBF)
    plain = sum(1 for byte in sample if chr(byte).isalpha() and byte < 0x80)
    if high >= 3 * len(runs) and letters > 2 * plain and letters >= 0.9 * high:
        return "cp1251" if sum(b > 0xDF for b in sample) * 2 > letters else "koi8_r"
    return ""


def _two_byte(leads: list[int], runs: int) -> str:
    hangul = sum(0xB0 <= lead <= 0xC8 for lead in leads)
    kana = sum(lead in (0xA4, 0xA5) for lead in leads)
    if kana * 3 >= len(leads):
        return "euc_jp"
    if hangul == len(leads) and (len(leads) >= 12 or (runs > 1 and len(leads) <= 5 * runs)):
        return "cp949"  # Korean has blanks between its words
    common = sum(0xB0 <= lead <= 0xD7 or 0xA1 <= lead <= 0xA3 for lead in leads)
    return "gb18030" if common >= 0.8 * len(leads) else ""


def _least_bad(data: bytes, codec: str) -> str:
    """Broken text: the label's codec while it loses little, else Windows-1252."""
    if codec in _MULTIBYTE or codec.startswith(("utf-", "iso2022")):
        text = data.decode(codec, "replace")
        high = sum(1 for byte in data if byte > 127) if len(data) < 200_000 else len(data) // 2
        if text.count("\ufffd") * 5 <= high:
            return text
    elif codec:
        return data.decode(codec, "replace")
    return windows_1252(data)


def _is_jis(data: bytes, codec: str) -> bool:
    wanted = codec in ("iso2022_jp", "utf-8", "", "cp932", "euc_jp")
    return wanted and b"\x1b" in data and _JIS.search(data) is not None


def _decode_jis(data: bytes) -> str:
    """ISO-2022-JP with the vendor rows (circled digits and such) that Python's codec refuses."""
    out: list[str] = []
    mode = b"(B"
    position = 0
    for match in _JIS.finditer(data):
        out.append(_decode_jis_run(data[position : match.start()], mode))
        mode, position = match.group(1), match.end()
    out.append(_decode_jis_run(data[position:], mode))
    return "".join(out)


def _decode_jis_run(run: bytes, mode: bytes) -> str:
    if mode == b"(I":
        return bytes(byte | 0x80 for byte in run).decode("cp932", "replace")
    if mode[:1] == b"(":
        return decode(run) if run else ""
    if mode == b"$(D":
        pairs = (b"\x8f" + bytes(b | 0x80 for b in run[i : i + 2]) for i in range(0, len(run), 2))
        return b"".join(pairs).decode("euc_jp", "replace")
    return "".join(_jis_pair(run[i], run[i + 1]) for i in range(0, len(run) - 1, 2))


def _jis_pair(row: int, cell: int) -> str:
    """One two-byte JIS character by way of Shift_JIS, whose codec knows the vendor rows."""
    if row < 0x21 or cell < 0x21 or row > 0x7E or cell > 0x7E:
        return (chr(row) + chr(cell)).strip("\x00")
    lead = (row - 0x21) // 2 + (0x81 if row < 0x5F else 0xC1)
    trail = cell + (0x1F if cell < 0x60 else 0x20) if row % 2 else cell + 0x7E
    return bytes([lead, trail]).decode("cp932", "replace")
