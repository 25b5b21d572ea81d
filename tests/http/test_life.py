"""Beginning and end: restart, drain, release, a second server, the service manager."""

import shutil
import signal
import socket
import subprocess

import pytest
import requests

from imgjobd import PATIENCE, until

SLEEPS = 4008  # the width at which the misbehaving worker sleeps


def test_jobs_and_images_survive_a_restart(start, png):
    first = start()
    done = first.submit(png)
    first.ended(done)
    image = first.get(f"/jobs/{done}/download").content
    assert first.stop() == 0
    second = start()
    assert second.get(f"/jobs/{done}").json()["status"] == "completed"
    assert second.get(f"/jobs/{done}/download").content == image


def test_queued_jobs_run_after_a_restart(start, png):
    first = start(paused=1)
    jobs = [first.submit(png) for _ in range(3)]
    assert first.stop() == 0
    second = start()
    assert [second.ended(job)["status"] for job in jobs] == ["completed"] * 3


def test_queued_jobs_run_after_the_server_was_killed(start, png):
    first = start(paused=1)
    jobs = [first.submit(png) for _ in range(3)]
    first.kill()
    second = start()
    assert [second.ended(job)["status"] for job in jobs] == ["completed"] * 3


def test_running_job_may_finish_within_the_grace_time(start, images):
    server = start(grace_ms=60000)
    job = server.submit((images / "photo-2725x2225.jpg").read_bytes(), "resize", 3000, 3000,
                        output_format="png")
    server.wait_for_line(f"processing.*{job}")
    assert server.stop() == 0
    assert server.wait_for_line(f"completed.*{job}")
    assert start().get(f"/jobs/{job}").json()["status"] == "completed"


def test_job_that_outlasts_the_grace_time_is_released_and_runs_again(start, png,
                                                                     misbehaving_worker):
    first = start(worker_path=misbehaving_worker, grace_ms=100)
    job = first.submit(png, "resize", SLEEPS, 1)
    first.wait_for_line(f"processing.*{job}")
    assert first.stop() == 0
    first.wait_for_line("some jobs still run: they are released")
    second = start()
    view = second.ended(job)
    assert view["status"] == "completed"
    assert view["attempt"] == 1  # the release was nobody's fault and counts for nothing


def test_draining_server_says_so_and_a_second_signal_ends_it(start, png, misbehaving_worker):
    server = start(worker_path=misbehaving_worker, grace_ms=60000)
    job = server.submit(png, "resize", SLEEPS, 1)
    server.wait_for_line(f"processing.*{job}")
    server.signal()
    server.wait_for_line("SIGTERM: no new jobs")
    ready = server.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json()["checks"]["draining"] == {"ok": False}
    assert server.get("/health/live").status_code == 200
    assert server.get(f"/jobs/{job}").json()["status"] == "processing"
    answer = server.post(data=png, headers={"Content-Type": "image/png"},
                         params={"operation": "resize", "width": 2, "height": 2})
    assert answer.status_code == 503
    assert answer.json()["error"] == "the server is about to end"
    assert "Retry-After" in answer.headers
    server.signal()
    assert server.wait() == -signal.SIGTERM
    assert start().ended(job)["status"] == "completed"


def test_interrupt_is_an_orderly_end_too(start):
    server = start()
    server.signal(signal.SIGINT)
    assert server.wait() == 0
    server.wait_for_line("SIGINT: no new jobs")


def run(imgjobd, directory, *flags):
    return subprocess.run([imgjobd, "--port=0", *flags], cwd=directory, capture_output=True,
                          text=True, timeout=PATIENCE)


def test_second_server_on_the_same_store_is_refused_with_words(start, imgjobd, tmp_path):
    start()
    second = run(imgjobd, tmp_path)
    assert second.returncode == 1
    assert second.stderr.startswith("imgjobd: ")
    assert "in use" in second.stderr
    third = run(imgjobd, tmp_path, "--db-path=other.db", "--output-dir=other")
    assert third.returncode == 1
    assert "in use" in third.stderr


def test_directory_with_foreign_files_is_refused_with_words(imgjobd, tmp_path):
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / "thesis.txt").write_text("do not lose me")
    answer = run(imgjobd, tmp_path)
    assert answer.returncode == 1
    assert "uploads" in answer.stderr
    assert (tmp_path / "uploads" / "thesis.txt").exists()


def test_port_that_is_taken_is_refused_with_words(start, imgjobd, tmp_path):
    server = start()
    other = tmp_path / "other"
    other.mkdir()
    answer = run(imgjobd, other, f"--port={server.address[1]}")
    assert answer.returncode == 1
    assert f"listen on 127.0.0.1:{server.address[1]}" in answer.stderr


def test_worker_that_cannot_start_is_refused_with_words(imgjobd, tmp_path):
    answer = run(imgjobd, tmp_path, "--worker-path=/nowhere/imgjob-worker")
    assert answer.returncode == 1
    assert "/nowhere/imgjob-worker" in answer.stderr


def test_service_manager_is_told(start, tmp_path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(PATIENCE)
        server = start(environment={"NOTIFY_SOCKET": str(path)})
        assert manager.recv(100) == b"READY=1"
        assert server.stop() == 0
        assert manager.recv(100) == b"STOPPING=1"


def test_ended_server_no_longer_listens(start):
    server = start()
    assert server.stop() == 0
    try:
        server.get("/health")
    except requests.ConnectionError:
        return
    raise AssertionError("somebody answers")


def test_closing_terminal_ends_nothing(start, png):
    server = start()
    server.signal(signal.SIGHUP)
    assert server.ended(server.submit(png))["status"] == "completed"
    assert server.stop() == 0


def test_server_ends_when_its_storage_fails(start, png):
    if not shutil.which("strace"):
        pytest.skip("no strace to make an fsync fail")
    server = start()
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(server.process.pid),
                               "-e", "trace=fsync", "-e", "inject=fsync:error=EIO"],
                              stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: server.post(data=png, headers={"Content-Type": "image/png"},
                                  params={"operation": "resize", "width": 2, "height": 2}
                                  ).status_code == 503)
    finally:
        tracer.kill()
        tracer.wait()
    assert server.wait() == 1  # though the disk would take it again: what was lost stays lost
    assert any("the store has failed" in line for line in server.lines)
