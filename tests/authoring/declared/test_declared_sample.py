"""The sample's own platform.yaml: applied, applied again, and for another run."""

from __future__ import annotations

import shutil

from authoring.calls import Call, CallKind, Service
from authoring.declared import Options, apply, read_declared
from authoring.resources import samples_dir
from tests.platformdesk import PlatformDesk


def test_the_sample(desk: PlatformDesk) -> None:
    folder = desk.folder / "reading-data"
    shutil.copytree(samples_dir() / "reading-data", folder)
    (folder / "runs").mkdir()
    (folder / "runs" / "2028_T1.yaml").write_text("start: 2028-01-10\n")
    if desk.server.profile.pathways_need_user_id:
        text = (folder / "platform.yaml").read_text("utf-8")
        owner = "    name: First steps with data\n"
        assert owner in text
        (folder / "platform.yaml").write_text(text.replace(owner, f"{owner}    user_id: 1\n"), "utf-8")
    with desk.client() as client:
        for run in ("2027_T1", "2028_T1"):
            body = {"org": "OpenLearnX", "number": "DATA101", "run": run, "display_name": "Data"}
            client.send(Call(CallKind.CREATE, Service.CMS, "POST", "/api/ibl/manage/course/", json=body))
        for named_run in (None, "2028_T1"):
            found = read_declared(folder / "platform.yaml", named_run)
            first = apply(found, client, Options(issue=True), environ={})
            told = [report.to_json() for report in first.imports]
            assert (first.exit_code, first.plan.notices, first.notes) == (0, (), ()), told
            desk.server.clear_log()
            assert apply(found, client, Options(issue=True), environ={}).done == ()
            assert desk.writes() == []
    (program,) = desk.rows("program")
    assert program["course_list"] == [{"course_id": "course-v1:OpenLearnX+DATA101+2028_T1"}]
