"""Each lint passes a small sound tree and finds the fault that is planted in it."""

import pytest

import exports
import forms
import layers
import public_docs
import readme
import sizes

SOUND = {
    "include/imgjob/run.h": """/** Running. */
#ifndef IMGJOB_RUN_H
#define IMGJOB_RUN_H
#include <stddef.h>

/** A run. @since 0.1 */
struct imgjob_run;

/**
 * Run it.
 *
 * @since 0.1
 */
IMGJOB_API int imgjob_run(const void *data,
                          size_t len);
#endif
""",
    "lib/imgjob.map": "IMGJOB_0.1 {\nglobal:\n    imgjob_run;\nlocal:\n    *;\n};\n",
    "lib/run.c": """/* Owns running. */
#include <imgjob/run.h>

#include <string.h>

#include "image/image.h"

int imgjob_run(const void *data, size_t len)
{
    return memchr(data, '/', len) ? ij_image(data, "a // b goto", len) : 0;
}
""",
    "lib/image/image.h": '/* Images. */\n#pragma once\n\n#include "base/base.h"\n',
    "lib/image/image.c": '/* Owns vips. */\n#include "image/image.h"\n\n#include <vips/vips.h>\n',
    "lib/base/base.h": "/* Base. */\n#pragma once\n",
    "server/http.c": '/* Owns civetweb. */\n#include <civetweb.h>\n\n#include "base/base.h"\n',
    "examples/run.c": "/* Runs. */\n#include <imgjob/run.h>\n",
    "README.md": "",
    "meson.build": "",
}


@pytest.fixture
def tree(tmp_path):
    def plant(changes=None):
        for name, text in {**SOUND, **(changes or {})}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return plant


@pytest.mark.parametrize("lint", [layers, exports, public_docs, forms, sizes])
def test_a_sound_tree_passes(tree, lint):
    assert lint.check(tree()) == []


@pytest.mark.parametrize(
    "path, include, words",
    [
        ("lib/base/base.h", '"image/image.h"', "points up"),
        ("lib/image/image.c", '"lib.h"', "points up"),
        ("lib/base/base.h", '"nowhere/x.h"', "in no room"),
        ("lib/run.c", "<vips/vips.h>", "has one door"),
        ("lib/image/image.h", "<expat.h>", "no door is named"),
        ("server/http.c", '"image/image.h"', "sees <imgjob/*.h> and base/*.h only"),
        ("server/http.c", "<sqlite3.h>", "has one door"),
        ("include/imgjob/run.h", "<pthread.h>", "a public header includes"),
        ("include/imgjob/run.h", '"base/base.h"', "a public header includes"),
        ("examples/run.c", '"base/base.h"', "sees <imgjob/*.h> only"),
    ],
)
def test_a_planted_include_is_found(tree, path, include, words):
    faults = layers.check(tree({path: SOUND[path] + f"#include {include}\n"}))
    assert len(faults) == 1 and path in faults[0] and words in faults[0]


def test_the_own_header_comes_first(tree):
    text = SOUND["lib/image/image.c"].replace("#include", "#include <stdio.h>\n#include", 1)
    assert "does not come first" in layers.check(tree({"lib/image/image.c": text}))[0]


def test_headers_and_map_must_name_the_same(tree):
    more = "lib/imgjob.map"
    faults = exports.check(tree({more: SOUND[more].replace("imgjob_run;", "imgjob_run; ij_x;")}))
    assert "ij_x is in lib/imgjob.map but not in the headers" in faults
    assert "ij_x does not begin with imgjob_" in faults
    less = exports.check(tree({more: SOUND[more].replace("imgjob_run;", "")}))
    assert less == ["imgjob_run is in the headers but not in lib/imgjob.map"]


def test_the_library_must_export_the_same(tree, monkeypatch):
    monkeypatch.setattr(exports, "in_library", lambda library: {"imgjob_run", "leaked"})
    assert exports.check(tree(), "x.so") == ["leaked is in x.so but not in the headers"]


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("/** A run. @since 0.1 */\n", "", "imgjob_run has no doc comment"),
        ("A run. @since 0.1", "A run.", "imgjob_run does not say @since"),
        (" * @since 0.1\n", "", "imgjob_run does not say @since"),
        ("#endif", "enum imgjob_x { IMGJOB_X };\n#endif", "imgjob_x has no doc comment"),
        ("#endif", "#define IMGJOB_MAX 3\n#endif", "IMGJOB_MAX has no doc comment"),
        ("#endif", "typedef int (*imgjob_fn)(void);\n#endif", "imgjob_fn has no doc comment"),
        ("/** Running. */\n", "", "does not begin with what it is for"),
    ],
)
def test_a_missing_doc_comment_is_found(tree, old, new, words):
    path = "include/imgjob/run.h"
    faults = public_docs.check(tree({path: SOUND[path].replace(old, new)}))
    assert len(faults) == 1 and words in faults[0]


@pytest.mark.parametrize(
    "line, words",
    [
        ("    goto out;", "goto"),
        ("    strcpy(a, b);", "unbounded"),
        ("    x = atoi(text);", "number parsing"),
        ("    p = alloca(3);", "alloca"),
        ("    x(); // why", "a // comment"),
        ("    x(); /* TODO */", "unfinished"),
        ("\tx();", "a tab"),
        ("    x(); ", "trailing blanks"),
        ("    signal(SIGPIPE, SIG_IGN);", "signal handler"),
        ("typedef struct x y;", "typedef of a struct"),
    ],
)
def test_a_forbidden_form_is_found(tree, line, words):
    text = SOUND["lib/run.c"].replace("{\n", "{\n" + line + "\n", 1)
    faults = forms.check(tree({"lib/run.c": text}))
    assert len(faults) == 1 and words in faults[0] and "lib/run.c:10" in faults[0]


def test_how_a_file_begins_and_what_stands_at_the_top_is_looked_at(tree):
    root = tree({"notes.txt": "x", "lib/run.c": SOUND["lib/run.c"].split("\n", 1)[1],
                 "lib/base/base.h": "/* Base. */\n"})
    assert forms.check(root) == [
        "lib/base/base.h: no #pragma once",
        "lib/run.c: does not begin with what it owns",
        "notes.txt: does not belong at the top of the checkout",
    ]


def test_long_functions_are_reported(tree):
    body = "".join(f"    x({i});\n" for i in range(70))
    long = "static int f(int a, int (*b)(int, int), int c, int d, int e, int g)\n{\n" + body + "}\n"
    notes = sizes.check(tree({"lib/run.c": SOUND["lib/run.c"] + "\n" + long}))
    assert notes == ["lib/run.c:13: f: 73 lines", "lib/run.c:13: f: 6 parameters"]


def test_the_readme_has_the_list_of_operations_between_its_marks():
    old = f"# A\n{readme.BEGIN}old\n{readme.END}# B\n"
    new = readme.with_operations(old, "\n| `blur` |\n")
    assert new == f"# A\n{readme.BEGIN}\n| `blur` |\n\n{readme.END}# B\n"
    assert readme.with_operations(new, "| `blur` |") == new


def test_a_readme_without_marks_is_a_fault():
    with pytest.raises(ValueError, match="are missing"):
        readme.with_operations("# A\n", "| `blur` |")


def test_a_readme_that_lacks_an_operation_is_a_fault(tmp_path, capsys):
    program = tmp_path / "imgjobd"
    program.write_text("#!/bin/sh\n[ $1 = --print-config ] || echo '| `blur` |'\n")
    program.chmod(0o755)
    page = tmp_path / "README.md"
    page.write_text(readme.BEGIN + readme.END)
    assert readme.main(str(page), str(program)) == 1
    assert "+| `blur` |" in capsys.readouterr().out
    assert readme.main(str(page), str(program), "--write") == 0
    assert readme.main(str(page), str(program)) == 0


def test_a_setting_that_the_readme_lacks_is_named():
    config = "port = 8080  # default\nmax_side = 5\n"
    assert readme.settings_missing("| `PORT` | 8080 |", config) == ["MAX_SIDE"]
