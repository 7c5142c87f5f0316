#!/usr/bin/env python3
"""A software bill of materials (CycloneDX 1.5, JSON) of the binary, to standard output.

    python3 benches/sbom.py > collegium.cdx.json

It lists every crate that is compiled into `collegium` on this machine's platform, or runs while it is built:
version, licence, the checksum of Cargo.lock, and what depends on what. Tests and benches are not in it. The
same lock gives the same bytes. Nothing is fetched: cargo must have the crates, as after a build. For other
formats there is `cargo cyclonedx`; this needs nothing but cargo and Python.
"""

import json
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = "collegium-cli"


def cargo(*words):
    """What cargo says of the lock as it is, without a network."""
    command = ["cargo", words[0], "--locked", "--offline", *words[1:]]
    return subprocess.check_output(command, cwd=ROOT, text=True)


def needs():
    """Every package of the binary, as (name, version), and those that it needs. `cargo metadata` would name
    those of features that are off, too."""
    found, above = {}, []
    for line in cargo("tree", "--package", BINARY, "--edges", "normal,build", "--prefix", "depth").splitlines():
        depth, name, version = re.match(r"(\d+)(\S+) v(\S+)", line).groups()
        package = (name, version)
        found.setdefault(package, set())
        del above[int(depth):]
        if above:
            found[above[-1]].add(package)
        above.append(package)
    return found


def main():
    metadata = json.loads(cargo("metadata", "--format-version", "1"))
    licences = {(one["name"], one["version"]): one.get("license") for one in metadata["packages"]}
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    checksums = {(one["name"], one["version"]): one.get("checksum") for one in lock}
    packages = needs()
    root = next(package for package in packages if package[0] == BINARY)

    def reference(package):
        return "pkg:cargo/{}@{}".format(*package)

    def component(package):
        name, version = package
        one = {
            "type": "application" if package == root else "library",
            "bom-ref": reference(package),
            "name": name,
            "version": version,
            "purl": reference(package),
        }
        if licences[package]:
            # Crates of old write "MIT/Apache-2.0".
            one["licenses"] = [{"expression": licences[package].replace("/", " OR ")}]
        if checksums[package]:
            one["hashes"] = [{"alg": "SHA-256", "content": checksums[package]}]
        return one

    order = sorted(packages)
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(root)},
        "components": [component(package) for package in order if package != root],
        "dependencies": [
            {"ref": reference(package), "dependsOn": sorted(map(reference, packages[package]))}
            for package in order
        ],
    }
    json.dump(document, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
