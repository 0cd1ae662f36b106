"""JSON Schemas that installed packages carry, read from their files: nothing of the packages is run."""

import importlib.util
import json
import pathlib

import jsonschema_rs


def _folder(package):
    return pathlib.Path(importlib.util.find_spec(package).submodule_search_locations[0])


def _read(path):
    return json.loads(path.read_text())


def vendored(name):
    """A validator by one of check-jsonschema's, such as `compose-spec`."""
    return jsonschema_rs.validator_for(_read(_folder("check_jsonschema") / f"builtin_schemas/vendor/{name}.json"))


def cyclonedx(version):
    """A validator by CycloneDX's own schema, with those that it refers to."""
    folder = _folder("cyclonedx") / "schema/_res"
    whole = _read(folder / f"bom-{version}.SNAPSHOT.schema.json")
    others = [path for path in folder.glob("*.SNAPSHOT.schema.json") if not path.name.startswith("bom-")]
    registry = jsonschema_rs.Registry([(f"http://cyclonedx.org/schema/{path.name}", _read(path)) for path in others])
    return jsonschema_rs.validator_for(whole, registry=registry)


def complaints(validator, document):
    """What is wrong with a document, where."""
    return [f"{list(error.instance_path)}: {error.message}"[:300] for error in validator.iter_errors(document)]
