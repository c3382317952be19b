/// The YAML reader: a Python program that `LintTools` runs, because Tollgate has no YAML library. PyYAML
/// (Debian: python3-yaml) with libyaml keeps the positions of values and is on nearly every machine.
/// The script gets texts on standard input and prints trees, which `YAMLTree` reads; it opens no file.
///
/// It uses YAML's events, so that no Python objects are constructed. Aliases are expanded up to
/// `DocumentLimits.nodesMax` values, and a key given twice is an error.
enum YAMLScript {
  /// The script's exit status where PyYAML is missing.
  static let noYAMLStatus: Int32 = 3

  /// The script, for `python3 -c`.
  static let source = """
    import json
    import sys

    try:
        import yaml
    except ImportError:
        sys.exit(\(noYAMLStatus))

    NODES_MAX, DEPTH_MAX = \(DocumentLimits.nodesMax), \(DocumentLimits.depthMax)
    RESOLVER = yaml.SafeLoader("")
    KINDS = {"null": "null", "bool": "bool", "int": "number", "float": "number"}
    TAG = "tag:yaml.org,2002:"


    class Problem(Exception):
        def __init__(self, mark, message):
            self.place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            self.message = message


    class Reader:
        def __init__(self):
            self.nodes = 0

        def count(self, number, mark):
            self.nodes += number
            if self.nodes > NODES_MAX:
                raise Problem(mark, f"more than {NODES_MAX} values, aliases expanded (nodesMax)")

        def scalar(self, event):
            tag = event.tag
            if tag in (None, "!"):
                tag = RESOLVER.resolve(yaml.ScalarNode, event.value, event.implicit)
            kind = KINDS.get(tag[len(TAG):] if tag.startswith(TAG) else "", "text")
            if kind == "text" and event.style == "|":
                kind = "literal"
            return [event.start_mark.line + 1, kind, event.value]

        def documents(self, text):
            # A frame is [node, anchor, size before, pending key]; sizes are for aliases.
            done, frames, anchors = [], [], {}
            for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
                mark = event.start_mark
                if isinstance(event, yaml.DocumentStartEvent):
                    frames, anchors = [], {}
                    continue
                if isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
                    if len(frames) >= DEPTH_MAX:
                        raise Problem(mark, f"nested deeper than {DEPTH_MAX} (depthMax)")
                    kind = "map" if isinstance(event, yaml.MappingStartEvent) else "list"
                    self.count(1, mark)
                    frames.append([[mark.line + 1, kind, []], event.anchor, self.nodes, None, len(frames)])
                    continue
                if isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
                    node, anchor, before, _, _ = frames.pop()
                    if node[1] == "map":
                        node[2] = self.merged(node[2], mark)
                    size = self.nodes - before + 1
                    depth = self.depth(node)
                elif isinstance(event, yaml.ScalarEvent):
                    self.count(1, mark)
                    node, anchor, size, depth = self.scalar(event), event.anchor, 1, 0
                elif isinstance(event, yaml.AliasEvent):
                    if event.anchor not in anchors:
                        raise Problem(mark, f"no such anchor, or one that contains itself: *{event.anchor}")
                    node, size, depth = anchors[event.anchor]
                    anchor = None
                    if len(frames) + depth > DEPTH_MAX:
                        raise Problem(mark, f"nested deeper than {DEPTH_MAX} (depthMax)")
                    self.count(size, mark)
                else:
                    continue
                if anchor is not None:
                    anchors[anchor] = (node, size, depth)
                if frames:
                    self.put(frames[-1], node, mark)
                else:
                    done.append(node)
            return done

        def depth(self, node):
            # Bounded by DEPTH_MAX, and asked for anchored trees only where sizes are.
            if node[1] == "list":
                return 1 + max((self.cached(item) for item in node[2]), default=0)
            return 1 + max((self.cached(item) for _, _, item in node[2]), default=0)

        def cached(self, node):
            if node[1] not in ("list", "map"):
                return 0
            if len(node) == 3:
                node.append(self.depth(node))
            return node[3]

        def put(self, frame, node, mark):
            parent = frame[0]
            if parent[1] == "list":
                parent[2].append(node)
            elif frame[3] is None:
                if node[1] in ("list", "map"):
                    raise Problem(mark, "a key is no single value")
                frame[3] = (node[0], node[2], node, mark)
            else:
                line, key, _, key_mark = frame[3]
                frame[3] = None
                parent[2].append((line, key, node, key_mark))

        def merged(self, members, mark):
            own, merges = {}, []
            for line, key, node, key_mark in members:
                if key == "<<" and node[1] in ("map", "list"):
                    merges += [node] if node[1] == "map" else node[2]
                    continue
                if key in own:
                    raise Problem(key_mark, f'the key "{key}" is given twice; first on line {own[key][0]}')
                own[key] = (line, key, node)
            for source in merges:
                if source[1] != "map":
                    raise Problem(mark, "<< takes a map or a list of maps")
                for line, key, node in source[2]:
                    own.setdefault(key, (line, key, node))
            return list(own.values())


    def stripped(node):
        kind, content = node[1], node[2]
        if kind == "list":
            content = [stripped(item) for item in content]
        elif kind == "map":
            content = [[line, key, stripped(item)] for line, key, item in content]
        return [node[0], kind, content]


    def read(data):
        try:
            return {"documents": [stripped(node) for node in Reader().documents(data.decode("utf-8"))]}
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\\n") + 1
            return {"problem": [line, 1, "not UTF-8 from here on"]}
        except Problem as problem:
            return {"problem": [*problem.place, problem.message]}
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            text = ", ".join(part for part in (error.context, error.problem) if part)
            return {"problem": [mark.line + 1, mark.column + 1, text] if mark else [1, 1, text]}
        except yaml.YAMLError as error:
            return {"problem": [1, 1, " ".join(str(error).split())]}


    def main():
        stdin, results = sys.stdin.buffer, []
        while size := stdin.readline():
            results.append(read(stdin.read(int(size))))
        json.dump(results, sys.stdout)


    main()
    """
}
