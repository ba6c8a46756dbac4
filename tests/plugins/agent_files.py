"""Small real files, made here: no fixture of unknown origin lies in the repository."""

from __future__ import annotations

import io
import zipfile

import docx


def _escaped(text: str) -> bytes:
    raw = text.encode("cp1252")
    return raw.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _page_stream(lines: list[str]) -> bytes:
    """The first line large, as a heading; the others as one paragraph, tabs as columns."""
    parts = [b"BT /F1 20 Tf 72 760 Td (" + _escaped(lines[0]) + b") Tj ET"]
    for number, line in enumerate(lines[1:]):
        for column, text in enumerate(line.split("\t")):
            at = f"{72 + 150 * column} {720 - 14 * number}".encode()
            parts.append(b"BT /F1 11 Tf " + at + b" Td (" + _escaped(text) + b") Tj ET")
    return b"\n".join(parts)


def make_pdf(pages: list[list[str]], *, encrypt: bytes = b"") -> bytes:
    """A PDF with a text layer; `encrypt` is an entry for the trailer."""
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    objects.append(
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    )
    kids = []
    for lines in pages:
        stream = _page_stream(lines)
        objects.append(
            b"<< /Length " + str(len(stream)).encode() + b" >>\nstream\n" + stream + b"\nendstream"
        )
        content = len(objects)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R"
            b" >> >> /Contents " + str(content).encode() + b" 0 R >>"
        )
        kids.append(len(objects))
    listed = b" ".join(str(kid).encode() + b" 0 R" for kid in kids)
    objects[1] = (
        b"<< /Type /Pages /Kids [" + listed + b"] /Count " + str(len(kids)).encode() + b" >>"
    )
    return _assembled(objects, encrypt)


def _assembled(objects: list[bytes], encrypt: bytes) -> bytes:
    body, offsets = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += str(number).encode() + b" 0 obj\n" + content + b"\nendobj\n"
    table = b"xref\n0 " + str(len(objects) + 1).encode() + b"\n0000000000 65535 f \n"
    table += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    size = str(len(objects) + 1).encode()
    trailer = b"trailer\n<< /Size " + size + b" /Root 1 0 R " + encrypt + b" >>\nstartxref\n"
    return body + table + trailer + str(len(body)).encode() + b"\n%%EOF\n"


def make_locked_pdf() -> bytes:
    """A PDF whose standard security handler wants a password nobody knows."""
    entry = (
        b"/Encrypt << /Filter /Standard /V 1 /R 2 /Length 40 /P -4 /O <" + b"ab" * 32
        + b"> /U <" + b"cd" * 32 + b"> >> /ID [<" + b"01" * 16 + b"> <" + b"01" * 16 + b">]"
    )  # fmt: skip
    return make_pdf([["Secret", "Nobody reads this."]], encrypt=entry)


def make_docx(heading: str, *paragraphs: str) -> bytes:
    """A Word document."""
    document = docx.Document()
    document.add_heading(heading, level=1)
    for text in paragraphs:
        document.add_paragraph(text)
    output = io.BytesIO()
    document.save(output)
    return output.getvalue()


def make_zip_bomb(megabytes: int = 200) -> bytes:
    """A Word document whose text part unpacks to much more than it takes."""
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("word/document.xml", "w", force_zip64=True) as part:
            for _ in range(megabytes):
                part.write(b"0" * 2**20)
    return output.getvalue()
