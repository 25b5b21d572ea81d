"""The command line: help, version, the configuration in force, and its refusals."""

import os
import pathlib
import re
import subprocess

import pytest


def run(imgjobd, *flags, **environment):
    clean = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run([imgjobd, *flags], capture_output=True, text=True, timeout=30, env=clean)


def test_help_names_every_setting(imgjobd):
    shown = run(imgjobd, "--help")
    assert shown.returncode == 0
    names = re.findall(r"^(\w+) = ", run(imgjobd, "--print-config").stdout, re.M)
    assert len(names) > 20
    for name in names:
        assert f"--{name.replace('_', '-')}" in shown.stdout
    for task in ("--print-config", "--operations", "--audit [--repair]", "--backup FILE"):
        assert task in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 100


def test_help_is_given_whatever_the_configuration_is(imgjobd):
    assert run(imgjobd, "--help", PORT="nonsense").returncode == 0


def test_version_is_one_line(imgjobd):
    assert re.fullmatch(r"imgjobd \d+\.\d+\.\d+\n", run(imgjobd, "--version").stdout)


def test_operations_are_listed_whatever_the_configuration_is(imgjobd):
    shown = run(imgjobd, "--operations", PORT="nonsense")
    assert shown.returncode == 0
    assert "resize" in shown.stdout and "quality" in shown.stdout


def test_the_six_of_the_original_have_its_defaults(imgjobd):
    shown = run(imgjobd, "--print-config").stdout
    for line in ("port = 8080 # default", "db_path = ./data/jobs.db # default",
                 "upload_dir = ./uploads # default", "output_dir = ./outputs # default",
                 "max_upload_size = 10485760 # default"):
        assert line in shown.splitlines()
    assert re.search(r"^worker_pool_size = 0 # default, \d+ CPUs$", shown, re.M)


def test_print_config_says_where_each_value_came_from(imgjobd, tmp_path):
    file = tmp_path / "imgjobd.conf"
    file.write_text("# mine\nport = 1\nmax_side = 2\n")
    shown = run(imgjobd, "--config", str(file), "--print-config", "--grace-ms=3",
                WORKER_POOL_SIZE="4").stdout.splitlines()
    assert f"port = 1 # {file}:2" in shown
    assert f"max_side = 2 # {file}:3" in shown
    assert "grace_ms = 3 # flag" in shown
    assert "worker_pool_size = 4 # environment" in shown


def test_printed_config_can_be_read_again(imgjobd, tmp_path):
    shown = run(imgjobd, "--print-config", "--port=7", "--log-format=json").stdout
    file = tmp_path / "again.conf"
    file.write_text(shown)
    again = run(imgjobd, "--config", str(file), "--print-config").stdout
    assert re.sub(" #.*", "", again) == re.sub(" #.*", "", shown)


@pytest.mark.parametrize("flags, words", [
    (["--port=65536"], "port = '65536' (flag): must be a whole number, 0 to 65535"),
    (["--worker-pool-size", "257"], "worker_pool_size = '257' (flag): must be a whole number"),
    (["--durability=maybe"], "durability = 'maybe' (flag): must be one of full, normal"),
    (["--colour=red"], "'--colour=red' (flag): no such flag"),
    (["--bind=0.0.0.0"], "allow_open = 1"),
    (["--config=/nowhere.conf"], "/nowhere.conf"),
    (["--presets-only=1"], "presets_only = 1: needs a presets_file"),
    (["--cors-origins=example.org"], "cors_origins: 'example.org'"),
    (["--public-url=https://example.org/"], "public_url = 'https://example.org/'"),
    (["--repair"], "'--repair' (flag): only beside --audit"),
])
def test_wrong_setting_stops_the_start_with_words(imgjobd, flags, words):
    answer = run(imgjobd, *flags)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith("imgjobd: ") and words in answer.stderr


def test_wrong_line_of_a_file_is_named(imgjobd, tmp_path):
    file = tmp_path / "imgjobd.conf"
    file.write_text("port = 1\ncolour = red\n")
    answer = run(imgjobd, "--config", str(file))
    assert answer.returncode == 2
    assert f"'colour' ({file}:2): no such setting" in answer.stderr


def test_readme_names_every_setting(imgjobd):
    readme = (pathlib.Path(__file__).parents[2] / "README.md").read_text()
    for line in run(imgjobd, "--print-config").stdout.splitlines():
        assert f"`{line.split(' = ')[0].upper()}`" in readme
