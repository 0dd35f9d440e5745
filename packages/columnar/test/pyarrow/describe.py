"""Prints what pyarrow finds in a Parquet file, as JSON: schema, statistics, rows, and row groups left by filters.

Usage: describe.py FILE [COLUMN OPERATOR VALUE TYPE]
Rows are spelled so that nothing is lost: 64-bit integers and times as decimal text, floats and bytes as hexadecimal.
"""

import decimal
import json
import struct
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

decimal.getcontext().prec = 60


def plain(scalar):
    if not scalar.is_valid:
        return None
    kind = scalar.type
    if isinstance(kind, pa.BaseExtensionType):
        return plain(scalar.value)
    if pa.types.is_map(kind):
        return [[plain(entry["key"]), plain(entry["value"])] for entry in scalar.values]
    if pa.types.is_list(kind):
        return [plain(item) for item in scalar.values]
    if pa.types.is_struct(kind):
        return {field.name: plain(scalar[field.name]) for field in kind}
    if pa.types.is_temporal(kind):
        return str(scalar.value)
    if pa.types.is_decimal(kind):
        return str(int(scalar.as_py().scaleb(kind.scale)))
    if pa.types.is_float32(kind):
        return struct.pack("<f", scalar.as_py()).hex()
    if pa.types.is_float64(kind):
        return struct.pack("<d", scalar.as_py()).hex()
    if pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return scalar.as_py().hex()
    if pa.types.is_integer(kind):
        return str(scalar.as_py())
    return scalar.as_py()


def field_ids(field):
    """Field ids by path, the field's own and those within it."""
    metadata = field.metadata or {}
    found = {field.name: metadata.get(b"PARQUET:field_id", b"").decode()}
    kind = field.type
    if pa.types.is_map(kind):
        inner = [kind.key_field, kind.item_field]
    elif pa.types.is_list(kind):
        inner = [kind.value_field]
    elif pa.types.is_struct(kind):
        inner = list(kind)
    else:
        inner = []
    for child in inner:
        found.update({f"{field.name}.{path}": value for path, value in field_ids(child).items()})
    return found


def bound(found, side):
    """One bound as text; 64-bit values raw, because Python's datetime has no nanoseconds."""
    if not found or not found.has_min_max:
        return None
    return str(getattr(found, side + "_raw" if found.physical_type == "INT64" else side))


path = sys.argv[1]
file = pq.ParquetFile(path, page_checksum_verification=True)
table = file.read()
table.validate(full=True)
ids = {}
for field in table.schema:
    ids.update(field_ids(field))
statistics = []
for group in range(file.metadata.num_row_groups):
    for index in range(file.metadata.num_columns):
        column = file.metadata.row_group(group).column(index)
        found = column.statistics
        statistics.append(
            {
                "path": column.path_in_schema,
                "nulls": found.null_count if found and found.has_null_count else None,
                "values": found.num_values if found else None,
                "min": bound(found, "min"),
                "max": bound(found, "max"),
            }
        )
result = {
    "types": {field.name: str(field.type) for field in table.schema},
    "nullable": {field.name: field.nullable for field in table.schema},
    "fieldIds": ids,
    "statistics": statistics,
    "rows": [[plain(scalar) for scalar in column] for column in table.columns],
    "rowGroups": file.metadata.num_row_groups,
}
if len(sys.argv) > 2:
    name, operator, value, kind = sys.argv[2:6]
    literal = pa.scalar(value).cast(kind) if kind != "int64" else pa.scalar(int(value), pa.int64())
    compare = {"==": pc.equal, ">": pc.greater, "<": pc.less}[operator]
    expression = compare(pc.field(name), literal)
    dataset = ds.dataset(path, format="parquet")
    fragment = next(iter(dataset.get_fragments()))
    result["kept"] = [group.id for group in fragment.subset(expression).row_groups]
    result["found"] = dataset.to_table(filter=expression).num_rows
json.dump(result, sys.stdout)
