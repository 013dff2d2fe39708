"""Files that are whole, or as they were before: tables as Parquet and as CSV, and texts."""

import contextlib
import io
import os
import pathlib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

#: names of what an interrupted write leaves
LEFT_OVER = f".tmp-{32 * '[0-9a-f]'}-*"
WORDS = pa.dictionary(pa.int32(), pa.string())
#: columns of numbers of which hardly two neighbours are alike: with their first bytes first, then their second ones, they
#: take less time to compress, and less space
APART = {"startups", "dormant", "rd_heads", "area_m2", "rent_bill_rmb", "entries", "failures", "revenue_rmb",
         "startups_within_1km"}  # fmt: skip


def require_writable(folder: str | os.PathLike[str]) -> None:
    """Make a folder if it is not there.

    Raises
    ------
    OSError
        If nothing can be written into it.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / ".tmp-probe"
    probe.touch()
    probe.unlink(missing_ok=True)  # another process may have asked the same


def write_table(path: pathlib.Path, table: pa.Table) -> None:
    """Write a table as Parquet with page checksums; the file is whole or absent."""
    write(path, packed(table))


def write_csv(path: pathlib.Path, table: pa.Table) -> None:
    """Write a table as CSV; the file is whole or absent."""
    write(path, csv_of(table))


def write_text(path: pathlib.Path, text: str) -> None:
    """Write a text; the file is whole or absent."""
    write(path, text.encode())


def write(path: pathlib.Path, data: bytes | pa.Buffer) -> None:
    """Write a file so that after any crash it is whole, or as it was, also where several write it at a time."""
    write_all([(path, data)])


def write_all(files: Iterable[tuple[pathlib.Path, bytes | pa.Buffer]]) -> None:
    """Write files as `write` does; they take their places in their order, once all of them are on the disk.

    All are synced together, for what the first one waits for is then done for the others too.
    """
    with contextlib.ExitStack() as stack:
        written = {}
        for path, data in files:
            written[path] = stack.enter_context(_beside(path))
            written[path].write(data)
        _put(written)


@contextlib.contextmanager
def writing_whole(path: pathlib.Path) -> Iterator[BinaryIO]:
    """Give a file to write into, which takes its place once it is written; what fails on the way leaves nothing."""
    with _beside(path) as file:
        yield file
        _put({path: file})


@contextlib.contextmanager
def _beside(path: pathlib.Path) -> Iterator[BinaryIO]:
    """Give a file beside a place, which is gone at the end if nobody put it there."""
    temporary = path.with_name(f".tmp-{uuid.uuid4().hex}-{path.name}")
    try:
        with temporary.open("wb") as file:
            yield file
    finally:
        temporary.unlink(missing_ok=True)


def _put(files: Mapping[pathlib.Path, BinaryIO]) -> None:
    """Sync files that were written beside their places, and rename them."""
    for file in files.values():
        file.flush()
        os.fsync(file.fileno())
    for path, file in files.items():
        os.replace(file.name, path)
    for parent in {path.parent for path in files}:
        folder = os.open(parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def packed(table: pa.Table) -> pa.Buffer:
    """Return a table as a Parquet file.

    Only words are worth a dictionary: with one for each column of numbers, writing takes half as long again and the
    file is larger. LZ4 takes two thirds of the time of Zstandard, and half as much space again. Arrow's usual memory pool
    gives its pages back between two shards and takes them anew, which costs a tenth of a write; the system's does not.
    """
    words = [field.name for field in table.schema if pa.types.is_dictionary(field.type)]
    apart = {
        field.name: "BYTE_STREAM_SPLIT"
        for field in table.schema
        if field.name in APART and pa.types.is_floating(field.type)
    }
    sink = pa.BufferOutputStream(pa.system_memory_pool())
    pq.write_table(table, sink, compression="lz4", write_page_checksum=True, write_statistics=False,
                   use_dictionary=words or False, column_encoding=apart or None)  # fmt: skip
    return sink.getvalue()


def plain(table: pa.Table) -> pa.Table:
    """Return a table whose words have one type, also where it has no rows."""
    for i, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type) and field.type != WORDS:
            codes = table.column(i).combine_chunks()
            words = codes.dictionary.cast(pa.string())
            same = pa.DictionaryArray.from_arrays(codes.indices.cast(pa.int32()), words)
            table = table.set_column(i, field.with_type(WORDS), same)
    return table


def csv_of(table: pa.Table) -> bytes:
    """Return a table as CSV; a cell that a spreadsheet would take for a formula is defused."""
    for i, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_dictionary(field.type):
            cells = table.column(i).cast(pa.string())
            formulas = pc.match_substring_regex(cells, r"\A[=+\-@\t\r]")
            safe = pc.if_else(formulas, pc.binary_join_element_wise("'", cells, ""), cells)
            table = table.set_column(i, field.with_type(pa.string()), safe)
    sink = io.BytesIO()
    pyarrow.csv.write_csv(table, sink)
    return sink.getvalue()
