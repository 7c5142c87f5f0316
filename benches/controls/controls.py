"""What an audit says where the truth is known: see benches/controls.sh."""

import collections
import json
import math
import pathlib
import random
import re
import subprocess
import sys

import machines

HERE = pathlib.Path(__file__).parent
AUDITS = {"seeds = 0": (0, 0), "seeds = 3": (3, 0), "seeds = 3, permuted = 2": (3, 2)}


class Bench:
    """Runs pipelines in folders of their own, and keeps what their audits said."""

    def __init__(self, binary, scratch):
        self.binary, self.scratch = binary, scratch

    def call(self, folder, *arguments):
        command = [self.binary, "-C", folder, *arguments, "--json", "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(map(str, command))}\n{done.stderr}")
        return json.loads(done.stdout)

    def project(self, name, seed, write):
        """A folder with the pipeline of that name at that seed, and its table."""
        folder = self.scratch / f"{name}-{seed}"
        pipelines = folder / "pipelines"
        if not folder.exists():
            pipelines.mkdir(parents=True)
            write(pipelines / f"{name}.csv")
            text, changed = re.subn(r"(?m)^seed = 1$", f"seed = {seed}", (HERE / f"{name}.toml").read_text(), count=1)
            text = re.sub(r"\bseed = 1 \}", f"seed = {seed} }}", text)
            assert changed == 1
            (pipelines / f"{name}.toml").write_text(text)
        return folder

    def audited(self, name, seed, write, seeds=None, permuted=None):
        """The audit's nodes by name, trained where they are not yet."""
        kept = self.scratch / f"{name}-{seed}" / f"audit-{seeds}-{permuted}.json"
        if kept.exists():
            return json.loads(kept.read_text())
        folder = self.project(name, seed, write)
        file = folder / "pipelines" / f"{name}.toml"
        if seeds is not None:
            text = file.read_text()
            text = re.sub(r"(?m)^seeds = \d+$", f"seeds = {seeds}", text)
            file.write_text(re.sub(r"(?m)^permuted = \d+$", f"permuted = {permuted}", text))
        self.call(folder, "run", f"pipelines/{name}.toml")
        nodes = self.call(folder, "audit", f"pipelines/{name}.toml")["nodes"]
        nodes = {node["name"].removeprefix("expert."): node for node in nodes}
        kept.write_text(json.dumps(nodes))
        return nodes


# ---- Nothing to learn, or nothing that a network finds -----------------------------------------


def shuffled(template, seed):
    """The template's table with its labels shuffled, each by itself."""
    def write(path):
        head, *lines = template.read_text().splitlines()
        rows = [line.split(",") for line in lines]
        for label in ("failure", "speed"):
            at, of = head.split(",").index(label), random.Random(f"shuffled {label} {seed}")
            labels = [row[at] for row in rows]
            of.shuffle(labels)
            for row, value in zip(rows, labels):
                row[at] = value
        path.write_text("\n".join([head, *(",".join(row) for row in rows)]) + "\n")

    return write


def sine(seed, rows=5_000, inputs=50):
    def write(path):
        of = random.Random(f"sine {seed}")
        u = [of.gauss(0, 1) for _ in range(inputs)]
        length = math.sqrt(sum(v * v for v in u))
        lines = [",".join([f"x{i + 1:02}" for i in range(inputs)] + ["y"])]
        for _ in range(rows):
            x = [of.gauss(0, 1) for _ in range(inputs)]
            along = sum(a * b for a, b in zip(u, x)) / length
            y = math.sin(3 * along) + 0.3 * of.gauss(0, 1)
            lines.append(",".join(f"{v:.5f}" for v in [*x, y]))
        path.write_text("\n".join(lines) + "\n")

    return write


def parity(seed, rows=2_000, inputs=50, of_them=4):
    def write(path):
        of = random.Random(f"parity {seed}")
        chosen = of.sample(range(inputs), of_them)
        lines = [",".join([f"s{i + 1:02}" for i in range(inputs)] + ["odd"])]
        for _ in range(rows):
            s = [of.choice((-1, 1)) for _ in range(inputs)]
            odd = sum(s[i] < 0 for i in chosen) % 2
            lines.append(",".join(map(str, [*s, odd])))
        path.write_text("\n".join(lines) + "\n")

    return write


def pictures(node):
    """What is shown of it that only an expert with skill should have."""
    probe = node["probe"]
    shown = [name for name in ("layers", "rows", "raw", "images", "comparisons", "cues") if probe.get(name)]
    shown += ["agop"] if node.get("agop") else []
    return shown + ([] if node.get("withheld") else ["no word that it is withheld"])


def negatives(bench, seeds):
    template = bench.scratch / "template"
    if not template.exists():
        subprocess.run([bench.binary, "init", template, "--template", "machines", "--quiet"], check=True,
                       capture_output=True)
    table = template / "pipelines" / "data" / "machines.csv"
    rows, wrong = machines.check(table)
    print(f"rules of machines.py on the template's own table: {wrong} of {rows} rows differ")
    held = wrong == 0
    cases = [
        ("shuffled", "yes_no", "labels shuffled, yes or no", lambda seed: shuffled(table, seed)),
        ("shuffled", "number", "labels shuffled, number", lambda seed: shuffled(table, seed)),
        ("sine", "value", "sin(3 u·x) + noise, d = 50, n = 5,000", sine),
        ("parity", "yes_no", "parity of 4 of 50 signs, n = 2,000", parity),
    ]
    print("\nnegative controls                       learned nothing  no picture  largest gain (interval)")
    for name, expert, words, write in cases:
        nothing, unseen, gains = 0, 0, []
        for seed in seeds:
            node = bench.audited(name, seed, write(seed))[expert]
            skill = node["skill"]
            nothing += not skill["beats_baseline"]
            shown = pictures(node)
            unseen += not shown
            gains.append((skill["gain"], skill["gain_interval"], seed))
            said = any(f["text"].startswith("It learned nothing") for f in node["findings"])
            if skill["beats_baseline"] or shown or not said:
                words_shown = ", ".join(shown) or "nothing"
                print(f"  seed {seed} {name} {expert}: gain {skill['gain']:.4f}, shown: {words_shown}")
        gain, interval, _ = max(gains, key=lambda entry: entry[0])
        print(
            f"{words:39} {nothing:6} of {len(seeds)}    {unseen:3} of {len(seeds)}  "
            f"{gain:+.4f} ({interval['low']:+.4f} to {interval['high']:+.4f})"
        )
        held &= nothing == unseen == len(seeds)
    print(f"{'holds' if held else 'FAILS'}: every seed of every control says that it learned nothing, and shows none")
    return held


# ---- Known truth -------------------------------------------------------------------------------


def names(text):
    return [part.split(".", 1)[1] for part in re.findall(r"[\w]+\.[\w]+", text)]


def said(node):
    """What the audit makes of each input: used, counts (a measured effect although its sensitivity is low), idle
    (sensitivity, and no measurable effect of its own), noise."""
    words = {"used": "used", "effect-only": "counts", "sensitivity-only": "idle", "proxy": "idle"}
    found = {}
    for use in node["uses"]:
        for name in use["inputs"]:
            # A group as one is told after its members.
            found.setdefault(name.split(".", 1)[1], words.get(use["reading"], "noise"))
    return found


def looks(node):
    """Share, agreement and cost of each input."""
    loss = "log_loss" if node["task"] == "classification" else "rmse"
    cues = {cue["input"]: cue["permuted"].get(loss) for cue in node["probe"]["cues"]}
    short = lambda name: name.split(".", 1)[1]
    every = node["agop"]["importance"]
    return {short(i["input"]): (i["share"], i.get("agreement"), cues.get(i["input"])) for i in every}


def describe(seed, name, look):
    share, agreement, cue = look
    text = f"{name} (seed {seed}: share {share:.3f}"
    text += f", agreement {agreement:.2f}" if agreement is not None else ""
    if cue:
        interval = cue["interval"]
        text += f", costs {cue['difference']:.5f}, {interval['low']:.5f} to {interval['high']:.5f}"
    return text + ")"


def judged(node, rule, weak=frozenset()):
    """Missed and extra names against the rule; `weak` inputs are in the rule, and may be missed."""
    if not node.get("agop") or node["skill"].get("verdict") == "not-judged":
        return None
    found = said(node)
    used = {name for name, what in found.items() if what == "used"}
    return found, sorted(rule - weak - used), sorted(used - rule)


def tally(bench, title, entries, weak=frozenset()):
    """One line for a case, and its errors. `entries`: (seed, node, rule). Returns how many are exact."""
    exact, withheld, missed, extra, lines = 0, 0, 0, 0, []
    for seed, node, rule in entries:
        found = judged(node, rule, weak)
        if found is None:
            withheld += 1
            lines.append(f"    seed {seed}: withheld, skill is {node['skill']['verdict']}")
            continue
        found, misses, extras = found
        exact += not misses and not extras
        missed, extra = missed + len(misses), extra + len(extras)
        look = looks(node)
        for name in misses:
            lines.append(f"    missed ({found.get(name, 'not named')}): {describe(seed, name, look[name])}")
        for name in extras:
            lines.append(f"    extra: {describe(seed, name, look[name])}")
    print(f"  {title:34} {exact:5} of {len(entries):2} {missed:7} {extra:6} {withheld:9}")
    return exact, lines


def truth(bench, seeds):
    """The four modes on all inputs."""
    good, tables = True, {seed: machines.rows(seed) for seed in seeds}
    print(f"\nmachines, tables and pipelines of seeds {seeds[0]} to {seeds[-1]}; failures by mode:")
    for mode in machines.MODES:
        print(f"  {mode:11} " + " ".join(f"{machines.failures(tables[seed])[mode]:4}" for seed in seeds))
    for audit, (refits, permuted) in AUDITS.items():
        print(f"\n[audit] {audit:28} exact  missed  extra  withheld")
        detail = []
        for mode, rule in machines.RULES.items():
            weak = {"type"} if mode == "tool_wear" else set()
            write = lambda seed: (lambda path: machines.write(tables[seed], path))
            entries = [(s, bench.audited("machines", s, write(s), refits, permuted)[mode], rule) for s in seeds]
            exact, lines = tally(bench, mode, entries, weak)
            detail += [f"  {mode}:"] + lines if lines else []
            good &= 10 * exact >= 9 * len(seeds)
        print("\n".join(detail))
    verdict = "holds" if good else "FAILS"
    print(f"{verdict}: in 9 of 10 seeds exactly the rule's inputs are named, every mode and every audit")
    return good


def ten(rows):
    def of_seed(seed):
        def write(path):
            of = random.Random(f"ten {rows} {seed}")
            lines = [",".join([f"x{i + 1:02}" for i in range(10)] + ["y", "yes"])]
            for _ in range(rows):
                x = [of.gauss(0, 1) for _ in range(10)]
                f = 1.5 * math.sin(1.5 * x[0]) + x[1] * x[2] + 0.7 * x[3]
                yes = int(of.random() < 1 / (1 + math.exp(-2 * f)))
                lines.append(",".join(f"{v:.5f}" for v in [*x, f + 0.5 * of.gauss(0, 1)]) + f",{yes}")
            path.write_text("\n".join(lines) + "\n")

        return write

    return of_seed


def four_of_ten(bench, seeds):
    rule = {"x01", "x02", "x03", "x04"}
    for audit, (refits, permuted) in AUDITS.items():
        print(f"\nten inputs, four matter, {audit:26}\n{'':36} exact  missed  extra  withheld")
        detail = []
        for rows in (1_000, 5_000):
            sub = Bench(bench.binary, bench.scratch / f"{rows}")
            nodes = [(seed, sub.audited("ten", seed, ten(rows)(seed), refits, permuted)) for seed in seeds]
            for expert in ("number", "yes_no"):
                title = f"{expert}, {rows:,} rows"
                _, lines = tally(sub, title, [(seed, node[expert], rule) for seed, node in nodes])
                detail += [f"  {title}:"] + lines if lines else []
        print("\n".join(detail))
    return True


def rules(bench, seeds):
    """Rules for "used" on the experts of `truth` and `four_of_ten`."""
    import exchange
    import numpy as np

    counts = collections.defaultdict(lambda: [0, 0, 0, 0])
    errors = collections.defaultdict(list)
    cases = []

    def count(case, rule_name, seed, rule, weak, used):
        if used is None:
            counts[case, rule_name][3] += 1
            return
        missed, extra = sorted(rule - weak - used), sorted(used - rule)
        entry = counts[case, rule_name]
        entry[0] += not missed and not extra
        entry[1] += len(missed)
        entry[2] += len(extra)
        if missed or extra:
            words = [f"missed {', '.join(missed)}"] * bool(missed) + [f"extra {', '.join(extra)}"] * bool(extra)
            errors[case, rule_name].append(f"seed {seed} {'; '.join(words)}")

    def one(case, name, folder_of, write, columns, experts, rule, weak, seed):
        audited = {audit: folder_of.audited(name, seed, write, *which) for audit, which in AUDITS.items()}
        kept = folder_of.scratch / f"{name}-{seed}" / "costs.json"
        if not kept.exists():
            found = exchange.costs(folder_of, kept.parent, name, columns, experts, seed)
            kept.write_text(json.dumps([[*key, *value] for key, value in found.items()]))
        found = {(e, kind, n): (cost, chance) for e, kind, n, cost, chance in json.loads(kept.read_text())}
        for e in experts:
            title = case(e)
            if title not in cases:
                cases.append(title)
            freely, alike = (exchange.by_cost(found, e, kind) for kind in ("freely", "alike"))
            for audit, nodes in audited.items():
                node, short = nodes[e], audit.replace("seeds = ", "").replace(", permuted = ", "+")
                seen = bool(node.get("agop"))
                weighs = exchange.weighs(node) if seen else set()
                for what, used in (
                    ("now", {n for n, what in said(node).items() if what == "used"}),
                    ("freely", freely & weighs),
                    ("alike", alike & weighs),
                    ("weight", weighs),
                    ("weight twentieth", exchange.weighs(node, 1 / 20) if seen else None),
                ):
                    count(title, f"{what} {short}", seed, rule(e), weak(e), used if seen else None)
            count(title, "alike alone", seed, rule(e), weak(e), alike if seen else None)

    at = machines.HEAD.split(",")
    for seed in seeds:
        table = machines.rows(seed)
        new = machines.rows(seed, again=" again")
        new = random.Random(f"new {seed}").sample(new, 3_000)
        read = ("type", "air_temperature", "process_temperature", "speed", "torque", "wear")
        columns = {name: [row[at.index(name)] for row in new] for name in read}
        experts = {
            mode: (f"{mode}.probability", np.array([int(row[at.index(flag)]) for row in new]), True)
            for mode, flag in machines.MODES.items()
        }
        write = lambda path: machines.write(table, path)
        one(lambda e: e, "machines", bench, write, columns, experts, machines.RULES.get,
            lambda e: {"type"} if e == "tool_wear" else set(), seed)
        for rows in (1_000, 5_000):
            sub = Bench(bench.binary, bench.scratch / f"{rows}")
            more = sub.scratch / f"new-{seed}.csv"
            more.parent.mkdir(exist_ok=True)
            ten(rows * 3 // 10)(f"new {seed}")(more)
            head, *lines = (line.split(",") for line in more.read_text().splitlines())
            by = {name: [line[i] for line in lines] for i, name in enumerate(head)}
            columns = {name: by[name] for name in head[:10]}
            experts = {"number": ("number.value", np.array(by["y"], float), False),
                       "yes_no": ("yes_no.probability", np.array(by["yes"], int), True)}
            one(lambda e, rows=rows: f"ten {e} {rows:,}", "ten", sub, ten(rows)(seed), columns, experts,
                lambda e: {"x01", "x02", "x03", "x04"}, lambda e: set(), seed)
    order = ["now", "freely", "alike", "weight"]
    kinds = sorted({kind for _, kind in counts}, key=lambda kind: (order.index(kind.split()[0]), kind))
    print(f"\nrules for \"used\", seeds {seeds[0]} to {seeds[-1]}: exact/missed/extra (of {len(seeds)})")
    print(f"{'':22}" + "".join(f"{case:>17}" for case in cases))
    for kind in kinds:
        print(f"{kind:22}" + "".join(f"{'/'.join(map(str, counts[case, kind][:3])):>17}" for case in cases))
    held = True
    for case in cases:
        for kind in ("alike 0", "alike 3", "alike 3+2"):
            for line in errors[case, kind]:
                print(f"  {kind}, {case}: {line}")
        withheld = counts[case, "alike 0"][3]
        if withheld:
            print(f"  {case}: {withheld} withheld, no skill")
        if not case.startswith("ten"):
            held &= all(10 * counts[case, f"alike {audit}"][0] >= 9 * len(seeds) for audit in ("0", "3", "3+2"))
    print(f"{'holds' if held else 'FAILS'}: with *alike*, in 9 of 10 seeds exactly the rule's inputs of every mode")
    return held


def main():
    binary, scratch, *parts = sys.argv[1:]
    bench = Bench(pathlib.Path(binary).resolve(), pathlib.Path(scratch).resolve())
    held = True
    for part in parts:
        held &= {
            "negatives": lambda: negatives(bench, range(1, 21)),
            "truth": lambda: truth(bench, range(1, 11)),
            "ten": lambda: four_of_ten(bench, range(1, 11)),
            "fresh": lambda: truth(bench, range(11, 21)) & four_of_ten(bench, range(11, 21)),
            "rules": lambda: rules(bench, range(1, 11)),
            "fresh-rules": lambda: rules(bench, range(11, 21)),
        }[part]()
        sys.stdout.flush()
    sys.exit(not held)


main()
