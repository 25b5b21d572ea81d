"""Every function, struct, enum, typedef and constant of the public headers stands under a
doc comment that says since when."""

import re

import source

COMMENT = re.compile(r"/\*\*.*?\*/", re.S)
SINCE = re.compile(r"@since[\s*]+\d+\.\d+")
PUBLIC = re.compile(
    r"^(?:IMGJOB_API\b[^;{]*?\b(?P<function>\w+)\s*\("
    r"|(?P<kind>struct|enum)\s+(?P<tag>\w+)\s*[{;]"
    r"|typedef\b[^;]*?\(\*(?P<callback>\w+)\)"
    r"|\#define\s+(?P<constant>IMGJOB_(?!\w+_H\b|VERSION_|BEGIN_|END_|API\b)\w+)\s+\S)",
    re.M,
)


def check(root):
    faults = []
    for path in source.files(root, "include/imgjob/*.h"):
        text = source.read(root, path)
        comments = {}  # where the text goes on → the comment before it
        for match in COMMENT.finditer(text):
            follows = match.end() + len(text[match.end():]) - len(text[match.end():].lstrip())
            comments[follows] = match.group(0)
        blanked = source.code_only(text)
        for match in PUBLIC.finditer(blanked):
            name = next(value for key, value in match.groupdict().items()
                        if value and key != "kind")
            comment = comments.get(match.start())
            place = f"{path}:{source.line_of(text, match.start())}: {name}"
            if comment is None:
                faults.append(f"{place} has no doc comment")
            elif not SINCE.search(comment):
                faults.append(f"{place} does not say @since")
        if not text.startswith("/**"):
            faults.append(f"{path}: does not begin with what it is for")
    return faults


if __name__ == "__main__":
    source.main(check)
