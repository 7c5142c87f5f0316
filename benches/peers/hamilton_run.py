"""`hamilton_run.py NODE…`: executes nodes of flow.py with Hamilton's cache, prints what they gave."""

import json
import pathlib
import sys

import flow
from hamilton import driver

settings = json.loads(pathlib.Path("params.json").read_text())
built = driver.Builder().with_modules(flow).with_cache(recompute=["table"]).build()
print(built.execute(sys.argv[1:], inputs={"path": "rows.csv", **settings}))
