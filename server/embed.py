"""Write a JSON document as a C string: embed.py IN OUT NAME VERSION.

The document's info.version becomes VERSION, and all white space goes."""

import json
import sys

source, target, name, version = sys.argv[1:]
with open(source, encoding="utf-8") as file:
    document = json.load(file)
document["info"]["version"] = version
text = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
with open(target, "w", encoding="ascii") as file:
    file.write(f"/* Made by embed.py from {source.rsplit('/', 1)[-1]}. */\n"
               f"extern const char {name}[];\nconst char {name}[] =\n")
    for at in range(0, len(text), 1000):
        piece = text[at:at + 1000].replace("\\", "\\\\").replace('"', '\\"')
        file.write(f'    "{piece}"\n')
    file.write("    ;\n")
