"""The machines of `crates/templates/src/machines.rs` again, with any seed.

`collegium init --template machines` writes the table of one seed only. This is the same process and these
are the same rules, applied to the same rounded numbers; only the random numbers are Python's, so no table
here is one that the template could write. `check` holds the rules against the template's own table.
"""

import math
import random

WEAR = {"L": 2, "M": 3, "H": 5}
STRAIN = {"L": 11_000, "M": 12_000, "H": 13_000}
SERIAL = {"L": 47_180, "M": 14_859, "H": 29_413}
HEAD = (
    "udi,product_id,type,air_temperature,process_temperature,speed,torque,wear,failure,twf,hdf,pwf,osf,rnf"
)
# What each rule reads. A product's type is how many minutes it adds to the tool, and so how likely the
# tool's end falls into this process: it has a part in tool_wear, if a small one.
RULES = {
    "tool_wear": {"wear", "type"},
    "heat": {"air_temperature", "process_temperature", "speed"},
    "power": {"torque", "speed"},
    "overstrain": {"wear", "torque", "type"},
}
MODES = {"tool_wear": "twf", "heat": "hdf", "power": "pwf", "overstrain": "osf"}


def nearest(value):
    """Half away from zero, as Rust rounds; Python's own goes to the even neighbour."""
    return math.copysign(math.floor(abs(value) + 0.5), value)


def tenths(value):
    return int(nearest(10 * value))


def walk(of, n):
    at, path = 0.0, []
    for _ in range(n):
        at += of.gauss(0, 1)
        path.append(at)
    mean = sum(path) / n
    deviation = math.sqrt(sum((x - mean) ** 2 for x in path) / n)
    return [(x - mean) / deviation for x in path]


def rules(quality, air, process, speed, torque, wear):
    """hdf, pwf, osf of a process; temperatures and torque in tenths."""
    power = torque / 10 * speed * (2 * math.pi / 60)
    return (
        process - air < 86 and speed < 1380,
        not 3500 <= power <= 9000,
        wear * torque > 10 * STRAIN[quality],
    )


def rows(seed, n=10_000, again=""):
    """As text, one list for each row. With `again`, other processes under the same temperatures: rows that no
    fit has seen, from the population of the table of that seed."""
    air, excess = (walk(random.Random(f"machines {seed} {which}"), n) for which in ("air", "process"))
    of = lambda purpose: random.Random(f"machines {seed} {purpose}{again}")
    types, torques, speeds, tool, chance = (of(p) for p in ("type", "torque", "speed", "tool", "random"))
    wear, life, table = 0, tool.randint(200, 240), []
    for udi in range(1, n + 1):
        kelvin = 300 + 2 * air[udi - 1]
        air_tenths, process_tenths = tenths(kelvin), tenths(kelvin + 10 + excess[udi - 1])
        at = types.random()
        quality = "L" if at < 0.5 else "M" if at < 0.8 else "H"
        torque = 0
        while torque <= 0:
            torque = tenths(40 + 10 * torques.gauss(0, 1))
        turning = 892 + 2860 / (torque / 10 + 4.75) * (60 / (2 * math.pi)) + 50 * speeds.gauss(0, 1)
        speed = int(min(max(nearest(turning), 0), 2886))
        worn = wear + WEAR[quality] >= life
        twf = worn and tool.random() < 51 / 120
        hdf, pwf, osf = rules(quality, air_tenths, process_tenths, speed, torque, wear)
        rnf = chance.random() < 0.001
        flags = [twf or hdf or pwf or osf or rnf, twf, hdf, pwf, osf, rnf]
        tenth = lambda value: f"{value // 10}.{value % 10}"
        table.append(
            [str(udi), f"{quality}{SERIAL[quality] + udi}", quality, tenth(air_tenths), tenth(process_tenths)]
            + [str(speed), tenth(torque), str(wear)]
            + [str(int(flag)) for flag in flags]
        )
        if worn:
            wear, life = 0, tool.randint(200, 240)
        else:
            wear += WEAR[quality]
    return table


def write(table, path):
    path.write_text("\n".join([HEAD, *(",".join(row) for row in table)]) + "\n")


def failures(table):
    """How many there are by mode."""
    at = HEAD.split(",")
    return {mode: sum(row[at.index(flag)] == "1" for row in table) for mode, flag in MODES.items()}


def check(path):
    """Rows of the template's own table that the rules here do not reproduce."""
    lines = path.read_text().splitlines()
    assert lines[0] == HEAD
    wrong, before = 0, None
    for line in lines[1:]:
        row = dict(zip(HEAD.split(","), line.split(",")))
        number = lambda name: int(row[name].replace(".", ""))
        wear, flags = int(row["wear"]), [row[name] == "1" for name in ("hdf", "pwf", "osf")]
        found = rules(
            row["type"], number("air_temperature"), number("process_temperature"), number("speed"),
            number("torque"), wear,
        )
        ok = list(found) == flags
        ok &= row["product_id"] == f"{row['type']}{SERIAL[row['type']] + int(row['udi'])}"
        ok &= (row["failure"] == "1") == any(row[f] == "1" for f in ("twf", "hdf", "pwf", "osf", "rnf"))
        # A tool goes on by its type's minutes, or is new; it ends between 200 and 240, always after a failure.
        if before is not None:
            after = before["wear"] + WEAR[before["type"]]
            ok &= wear == after < 240 and not before["twf"] or wear == 0 and after >= 200
        before = {"wear": wear, "type": row["type"], "twf": row["twf"] == "1"}
        wrong += not ok
    return len(lines) - 1, wrong
