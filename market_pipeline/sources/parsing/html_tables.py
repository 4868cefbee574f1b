"""Finds tables in HTML pages by their headings, since ids and places change. Must not know any source's format."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from lxml import etree

from market_pipeline.sources.parsing.readings import payload_error

type Cells = list[etree._Element]


def tables(body: bytes, source: str) -> Iterator[list[Cells]]:
    """Give each table of a page as rows of cells. Raises PayloadError when the body is no HTML."""
    text = body.decode("utf-8", errors="replace")
    try:
        root = etree.fromstring(text.encode("utf-8"), parser=etree.HTMLParser(encoding="utf-8"))
    except etree.LxmlError as error:
        raise payload_error(source, "an HTML page", text) from error
    if root is not None:
        yield from ([_cells(row) for row in _own_rows(table)] for table in root.iter("table"))


def rows_below(
    body: bytes, source: str, *, headings: Mapping[str, str], needed: Collection[str]
) -> tuple[list[str | None], list[Cells]]:
    """Return the named columns of the first table that has the `needed` headings, and the rows below them.

    `headings` are texts in lower case → our name; an unknown column is None. Raises PayloadError without such a table.
    """
    for rows in tables(body, source):
        for position, cells in enumerate(rows):
            names = [headings.get(text_in(cell).casefold()) for cell in cells]
            if set(names) >= set(needed):
                return names, rows[position + 1 :]
    wanted = f"a table with the headings {', '.join(sorted(needed))}"
    raise payload_error(source, wanted, f"{len(body)} bytes without")


def text_in(cell: etree._Element) -> str:
    """Return a cell's text, links included, with single spaces."""
    return " ".join(str(cell.xpath("string()")).split())


def links_in(cells: Cells) -> list[str]:
    """Return the addresses that the cells of a row link to."""
    return [str(link.get("href")) for cell in cells for link in cell.iter("a")]


def named_texts(cells: Cells, names: list[str | None], source: str) -> dict[str, str]:
    """Return column → text of one row. Raises PayloadError when two columns have the same name."""
    named = [name for name in names if name is not None]
    if len(named) > len(set(named)):
        raise payload_error(source, "one column of each heading", named)
    return {name: text_in(cell) for name, cell in zip(names, cells, strict=False) if name is not None}


def _own_rows(table: etree._Element) -> list[etree._Element]:
    """Return the rows of the table itself, not those of a table inside one of its cells."""
    parts = [table, *(part for part in table if part.tag in ("thead", "tbody", "tfoot"))]
    return [row for part in parts for row in part if row.tag == "tr"]


def _cells(row: etree._Element) -> Cells:
    return [cell for cell in row if cell.tag in ("td", "th")]
