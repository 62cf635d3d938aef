#!/usr/bin/python3
"""Does the JSON Schema agree with the parser?

    schema.py SCHEMA accept|refuse FILE ...

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


def main():
    schema, wanted, *files = sys.argv[1:]
    with open(schema) as file:
        document = json.load(file)
    jsonschema.Draft7Validator.check_schema(document)
    validator = jsonschema.Draft7Validator(document)
    for path in files:
        answers = {accepts(validator, path, TextLoader)}
        if wanted == "accept":
            answers.add(accepts(validator, path, EditorLoader))
        if answers != {wanted == "accept"}:
            print(os.path.basename(path))


main()
