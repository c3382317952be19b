"""Reads YAML texts from standard input and prints their trees as JSON.

`tollgate lint` runs it (`python3 -c`), because Tollgate has no YAML library. PyYAML (Debian: python3-yaml) with
libyaml keeps the positions of values and is on nearly every machine. It opens no file.

A text comes as its length in bytes, a newline, and its bytes. A value is printed as [line, kind, content]. Only
YAML's nodes are made, no Python objects. Aliases are expanded, up to a number of values; a key given twice is
an error. The arguments are the limits.
"""

import json
import sys

import yaml

NODES_MAX, DEPTH_MAX = map(int, sys.argv[1:])
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
KINDS = {"null": "null", "bool": "bool", "int": "number", "float": "number"}
KINDS = {"tag:yaml.org,2002:" + tag: kind for tag, kind in KINDS.items()}


def fail(mark, message):
    raise yaml.MarkedYAMLError(problem=message, problem_mark=mark)


# The trees of a text, with aliases expanded and merges done.
class Reader:
    def __init__(self, text):
        self.nodes = 0
        # Where the document's member begins that is read.
        self.member = None
        # PyYAML builds nodes by recursion: how deep it would go is looked at before.
        depth = 0
        for event in yaml.parse(text, Loader=LOADER):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            self.bound(event, depth)
        self.documents = [self.tree(node, 0) for node in yaml.compose_all(text, Loader=LOADER)]

    def bound(self, node, depth):
        if depth > DEPTH_MAX:
            fail(node.start_mark, f"nested deeper than {DEPTH_MAX} (depthMax)")

    def count(self, node):
        self.nodes += 1
        if self.nodes > NODES_MAX:
            mark = self.member or node.start_mark
            fail(mark, f"more than {NODES_MAX} values, aliases expanded (nodesMax)")

    def tree(self, node, depth):
        line = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return [line, "map", list(self.members(node, depth + 1).values())]
        self.count(node)
        if isinstance(node, yaml.SequenceNode):
            self.bound(node, depth + 1)
            return [line, "list", [self.tree(one, depth + 1) for one in node.value]]
        return [line, KINDS.get(node.tag, "literal" if node.style == "|" else "text"), node.value]

    def members(self, node, depth):
        if not isinstance(node, yaml.MappingNode):
            fail(node.start_mark, "<< takes a map or a list of maps")
        self.bound(node, depth)
        self.count(node)
        own, merged = {}, {}
        for key, value in node.value:
            name, mark = key.value, key.start_mark
            if depth == 1:
                self.member = mark
            if not isinstance(key, yaml.ScalarNode):
                fail(mark, "a key is no single value")
            if name == "<<" and not isinstance(value, yaml.ScalarNode):
                for one in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    merged = self.members(one, depth + 1) | merged
            elif name in own:
                fail(mark, f'the key "{name}" is given twice; first on line {own[name][0]}')
            else:
                own[name] = [mark.line + 1, name, self.tree(value, depth)]
        return own | {name: one for name, one in merged.items() if name not in own}


def read(data):
    try:
        return {"documents": Reader(data.decode("utf-8")).documents}
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return {"problem": [line, 1, "not UTF-8 from here on"]}
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        text = ", ".join(part for part in (error.context, error.problem) if part)
        return {"problem": [mark.line + 1, mark.column + 1, text] if mark else [1, 1, text]}
    except yaml.YAMLError as error:
        return {"problem": [1, 1, " ".join(str(error).split())]}


results = []
while size := sys.stdin.buffer.readline():
    results.append(read(sys.stdin.buffer.read(int(size))))
json.dump(results, sys.stdout)
