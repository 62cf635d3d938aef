#!/usr/bin/python3
"""Does the JSON Schema agree with the parser?

    schema.py SCHEMA accept|refuse FILE ...
    schema.py SCHEMA messages FILE ...   what an editor says to each
    schema.py SCHEMA strict              what ajv's strict mode would refuse in the schema itself

Values are read as text, as capshim reads them, and once more as an editor reads them, with numbers and truth values.
Prints the names of the files about which the schema is of another opinion.
"""
import json
import os
import sys

import jsonschema
import yaml


class Strict:
    """Refuses what capshim refuses before it looks at keys: duplicate keys, anchors, aliases and tags."""

    def compose_node(self, parent, index):
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or \
                (getattr(event, "tag", None) and not isinstance(event, yaml.DocumentStartEvent)):
            raise yaml.YAMLError("anchor, alias or tag")
        return super().compose_node(parent, index)

    def construct_mapping(self, node, deep=False):
        mapping = {}
        for key, value in node.value:
            # A key is text, also where an editor takes it for a number.
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if name is None or name in mapping:
                raise yaml.YAMLError("a key that is none, or stands twice")
            mapping[name] = self.construct_object(value, deep=True)
        return mapping

    def construct_yaml_map(self, node):
        data = {}
        yield data
        data.update(self.construct_mapping(node))


class TextLoader(Strict, yaml.BaseLoader):
    pass


class EditorLoader(Strict, yaml.SafeLoader):
    pass


for loader in (TextLoader, EditorLoader):
    loader.add_constructor("tag:yaml.org,2002:map", loader.construct_yaml_map)


def accepts(validator, path, loader):
    try:
        with open(path, "rb") as file:
            text = file.read()
        # JSON has an escape that YAML's readers do not all know.
        document = json.loads(text) if text.startswith(b"{\n") else yaml.load(text, loader)
        return not list(validator.iter_errors(document))
    except (yaml.YAMLError, ValueError, RecursionError):
        return False


KEYWORDS = {
    "string": {"pattern", "minLength", "maxLength"},
    "number": {"minimum", "maximum"},
    "object": {"properties", "required", "additionalProperties", "propertyNames", "minProperties"},
    "array": {"items", "minItems", "maxItems"},
}
OTHERS = {"$schema", "$ref", "title", "description", "default", "definitions", "type", "enum", "const", "anyOf", "oneOf", "allOf",
          "not", "if", "then", "else"}


def strict(schema, where="#", types=()):
    """Yields what makes ajv's strict mode refuse a schema: https://ajv.js.org/strict-mode.html"""
    if isinstance(schema, bool):
        return
    types = [schema["type"]] if isinstance(schema.get("type"), str) else types
    if isinstance(schema.get("type"), list):
        yield f"{where}: several types: use anyOf"
    if isinstance(schema.get("items"), list):
        yield f"{where}: a tuple that does not end"
    for keyword in schema:
        of = [name for name, words in KEYWORDS.items() if keyword in words]
        if of and not set(of + ["integer"] * ("number" in of)) & set(types):
            yield f"{where}: {keyword} without type {of[0]}"
        elif not of and keyword not in OTHERS:
            yield f"{where}: unknown keyword {keyword}"
    for name in schema.get("required", []):
        if name not in schema.get("properties", {}):
            yield f"{where}: {name} is required, and not among the properties"
    for keyword in ("anyOf", "oneOf", "allOf"):
        for i, part in enumerate(schema.get(keyword, [])):
            yield from strict(part, f"{where}/{keyword}/{i}", types)
    for keyword in ("not", "if", "then", "else"):
        yield from strict(schema.get(keyword, True), f"{where}/{keyword}", types)
    for keyword in ("items", "additionalProperties", "propertyNames"):
        part = schema.get(keyword, True)
        yield from strict(part if isinstance(part, dict) else True, f"{where}/{keyword}", ["string"] * (keyword == "propertyNames"))
    for keyword in ("properties", "definitions"):
        for name, part in schema.get(keyword, {}).items():
            yield from strict(part, f"{where}/{keyword}/{name}")


def leaves(errors):
    for error in errors:
        yield from leaves(error.context) if error.context else [error]


def messages(validator, path):
    """An editor shows those of the alternative that fits best; here all are."""
    with open(path) as file:
        document = yaml.load(file, EditorLoader)
    for error in leaves(validator.iter_errors(document)):
        print(f"{os.path.basename(path)}: {error.message}")


def main():
    schema, wanted, *files = sys.argv[1:]
    with open(schema) as file:
        document = json.load(file)
    jsonschema.Draft7Validator.check_schema(document)
    validator = jsonschema.Draft7Validator(document)
    if wanted == "strict":
        print("\n".join(strict(document)))
        return
    if wanted == "messages":
        for path in files:
            messages(validator, path)
        return
    for path in files:
        answers = {accepts(validator, path, TextLoader)}
        if wanted == "accept":
            answers.add(accepts(validator, path, EditorLoader))
        if answers != {wanted == "accept"}:
            print(os.path.basename(path))


main()
