"""Reader of the offline files of W&B, `*.wandb`.

A file is a 7-byte header, then blocks of 32 KiB in the form of LevelDB's log: a record is cut into chunks
that never cross a block's end, each under a header of CRC-32 (4 bytes), length (2) and kind (1),
little-endian.
"""

import functools
import json
import struct
import time
import zlib
from pathlib import Path

_MAGIC = b":W&B"
_FILE_HEADER = 7
_BLOCK = 32768
_CHUNK_HEADER = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


def wait_until_complete(path, seconds=20):
    """Wait for the record that ends a run: W&B's service writes it some milliseconds after `finish` returns.

    Raises:
        TimeoutError: where it does not come within so many seconds.
    """
    deadline = time.monotonic() + seconds
    while not any(record.WhichOneof("record_type") == "exit" for record in read_records(path)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path} has no end after {seconds} s")
        time.sleep(0.01)


def read_records(path):
    """Yield the `wandb_internal_pb2.Record`s of a file as far as it is written, checking every checksum."""
    from wandb.proto.wandb_internal_pb2 import Record

    for payload in _payloads(Path(path).read_bytes()):
        yield Record.FromString(payload)


def read_history(path):
    """Return the logged rows without W&B's own `_` keys, non-finite numbers spelled as in `metrics.jsonl`."""
    rows = []
    for record in read_records(path):
        if record.WhichOneof("record_type") == "history":
            row = {}
            for item in record.history.item:
                *parents, key = item.nested_key or [item.key]
                functools.reduce(lambda node, name: node.setdefault(name, {}), parents, row)[key] = _value(
                    item
                )
            rows.append({key: value for key, value in row.items() if not key.startswith("_")})
    return rows


def read_summary_updates(path):
    """Return the last value that each top-level summary key was set to."""
    summary = {}
    for record in read_records(path):
        if record.WhichOneof("record_type") == "summary":
            summary |= {_key(item): _value(item) for item in record.summary.update}
    return summary


def _payloads(data):
    assert data[: len(_MAGIC)] in (_MAGIC, b"")
    position, payload = _FILE_HEADER, b""
    while position + _CHUNK_HEADER.size <= len(data):
        left = _BLOCK - position % _BLOCK
        if left < _CHUNK_HEADER.size:  # too short for a chunk: zeros up to the block's end
            position += left
            continue
        checksum, length, kind = _CHUNK_HEADER.unpack_from(data, position)
        start = position + _CHUNK_HEADER.size
        position = start + length
        chunk = data[start:position]
        if len(chunk) < length:
            return
        assert zlib.crc32(bytes([kind]) + chunk) == checksum
        payload = chunk if kind in (_FULL, _FIRST) else payload + chunk
        if kind in (_FULL, _LAST):
            yield payload


def _key(item):
    return item.key or ".".join(item.nested_key)


def _value(item):
    spelling = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}
    return json.loads(item.value_json, parse_constant=spelling.__getitem__)
