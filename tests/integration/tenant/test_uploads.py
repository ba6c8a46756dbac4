"""Every bad upload ends as a sentence and a failed job, and everything else goes on."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest
from demo.agent import Place
from plugins.agent_client import AgentUser
from plugins.agent_files import make_docx, make_locked_pdf, make_pdf, make_zip_bomb
from plugins.waiting import expect
from tenant_agent import sentences

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 4096


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("leer.pdf", b"", "empty"),
        ("leer.txt", b" \n\n ", "empty"),
        ("kaputt.pdf", b"%PDF-1.7\n" + b"\x00garbage" * 50, "corrupt"),
        ("kaputt.docx", b"PK\x03\x04" + b"broken" * 100, "corrupt"),
        ("zufall.pdf", bytes(range(256)) * 20, "corrupt"),
        ("gesperrt.pdf", make_locked_pdf(), "encrypted"),
        ("gesperrt.docx", OLE, "encrypted"),
        ("bombe.docx", make_zip_bomb(), "zip_bomb"),
        ("bild.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 64, "unsupported_type"),
        ("falsch.txt", make_pdf([["A", "B"]]), "extension_mismatch"),
        ("falsch.pdf", b"just text, not a PDF", "extension_mismatch"),
        ("tabelle.docx", None, "not_word"),
        ("scan.pdf", make_pdf([[""]]), "no_text"),
    ],
)
def test_unreadable_file_is_a_failed_job_with_its_cause(
    agent: AgentUser, name: str, content: bytes | None, code: str
) -> None:
    if content is None:
        content = make_docx("x").replace(b"word/document.xml", b"xl/workbook0.xml0")
    document = agent.upload(name, content)
    assert document["state"] == "failed", document
    assert document["job"]["failure"]["code"] == code
    for language in ("de", "en"):
        said = agent.http.get(
            f"/api/v1/documents/{document['id']}", headers={"Accept-Language": language}
        )
        pattern = "".join(
            ".+" if part.startswith("{") else re.escape(part)
            for part in re.split(r"(\{\w+\})", sentences.DETAILS[code][language])
        )
        assert re.fullmatch(pattern, said.json()["job"]["failure"]["message"])


def test_everything_else_goes_on_beside_bad_files(agent: AgentUser) -> None:
    bad = [agent.send(f"kaputt {n}.pdf", b"%PDF-1.7\nbroken" + b"!" * n).json() for n in range(4)]
    bomb = agent.send("bombe 2.docx", make_zip_bomb(150)).json()
    good = agent.upload("Gut.txt", "Der Hausmeister heißt Alrik Sundermann.".encode())
    assert good["state"] == "ready"
    assert "Sundermann" in agent.answer("Wie heißt der Hausmeister?")["content"]
    for document in [*bad, bomb]:
        assert agent.settled(document["id"])["state"] == "failed"


def test_file_past_the_limit_is_answered_and_listed(agent: AgentUser) -> None:
    assert agent.http.get("/api/v1/session").json()["upload_limit"] == 4 * 2**20
    answer = agent.send("riesig.txt", b"x" * (6 * 2**20))
    problem = answer.json()
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["code"], problem["status"]) == ("too_large", 413)
    assert "4 MB" in problem["detail"]
    document = agent.document(problem["document_id"])
    assert document["job"]["failure"]["code"] == "too_large"
    stored = [path for path in (agent.folder / "data").rglob("*") if path.is_file()]
    assert all(path.stat().st_size < 2**20 for path in stored)


def test_same_content_is_refused_with_the_document_that_has_it(agent: AgentUser) -> None:
    first = agent.upload("Original.txt", b"The quick brown fox lives here.")
    answer = agent.send("Kopie.txt", b"The quick brown fox lives here.")
    assert answer.status_code == 409
    assert answer.json()["document_id"] == first["id"]
    assert "Original.txt" in answer.json()["detail"]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.txt", "..\\..\\boot.txt", "/abs/olute.txt", "a\u202etxt.exe.txt"]
)
def test_path_in_the_name_stays_a_name(agent: AgentUser, name: str) -> None:
    document = agent.upload(name, f"Inhalt von {name!a} im Text.".encode())
    assert document["state"] == "ready"
    assert not set("/\\\u202e") & set(document["name"])
    assert not list(Path(agent.folder).parent.glob("etc"))


def test_characters_a_browser_escapes_in_a_name_come_back(agent: AgentUser) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; '
        b'filename="Bericht %0D%0A%22final%22 100%25.txt"\r\n\r\nEin Bericht.\r\n--b--\r\n'
    )
    headers = {"content-type": "multipart/form-data; boundary=b"}
    answer = agent.http.post("/api/v1/documents", content=body, headers=headers)
    assert answer.json()["name"] == 'Bericht "final" 100%25.txt'
    shown = agent.http.get(f"/api/v1/documents/{answer.json()['id']}/file")
    assert (
        "filename*=utf-8''Bericht%20%22final%22%20100%2525.txt"
        in (shown.headers["content-disposition"])
    )


@pytest.mark.parametrize("size", [10, 2**20])
def test_a_second_file_is_refused_and_neither_is_stored(agent: AgentUser, size: int) -> None:
    name = f"Eins von zweien {size}.txt"
    files = [("file", (name, b"eins " * size)), ("file", ("zwei.txt", b"zwei"))]
    answer = agent.http.post("/api/v1/documents", files=files)
    assert (answer.status_code, answer.json()["code"]) == (422, "one_file_only")
    listed = agent.http.get("/api/v1/documents", params={"limit": 200}).json()["items"]
    assert name not in {item["name"] for item in listed}
    assert not list((agent.folder / "data" / "incoming").iterdir())


def test_ranges_of_a_file_are_served_refused_or_ignored(agent: AgentUser) -> None:
    document = agent.upload("Bereiche.txt", b"0123456789 ist eine Zahlenreihe.")
    path, size = f"/api/v1/documents/{document['id']}/file", document["size"]

    def ask(wanted: str) -> httpx.Response:
        return agent.http.get(path, headers={"range": wanted})

    assert (ask("bytes=2-4").status_code, ask("bytes=2-4").content) == (206, b"234")
    past = ask("bytes=999-")
    assert (past.status_code, past.json()["code"]) == (416, "range_not_satisfiable")
    assert past.headers["content-type"] == "application/problem+json"
    assert past.headers["content-range"] == f"bytes */{size}"
    for nonsense in ("lines=1-2", "bytes=x", "nothing"):
        assert (ask(nonsense).status_code, len(ask(nonsense).content)) == (200, size)


def test_failed_document_can_be_retried_only_when_that_makes_sense(agent: AgentUser) -> None:
    document = agent.upload("kaputt2.pdf", b"%PDF-1.7\nnothing else here")
    answer = agent.http.post(f"/api/v1/documents/{document['id']}/retry")
    assert answer.status_code == 202
    assert agent.settled(document["id"])["state"] == "failed"
    picture = agent.upload("bild2.png", b"\x89PNG\r\n\x1a\n" + b"\x01" * 64)
    answer = agent.http.post(f"/api/v1/documents/{picture['id']}/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_retryable")


def test_retrying_what_was_uploaded_again_meanwhile_is_refused(
    agent: AgentUser, agent_place: Place
) -> None:
    text = "Die Fahrräder stehen im Hof.".encode()
    first = agent.upload("Fahrräder.txt", text)
    place = agent_place.database
    target = f"host={place.host} port={place.port} user=agent dbname={agent_place.database_name}"
    with ThreadPoolExecutor(1) as beside, psycopg.connect(target) as connection:
        fail = "update document set state = 'failed' where id = %s"
        connection.execute(fail, [first["id"]])
        connection.execute("update job set state = 'failed' where document_id = %s", [first["id"]])
        connection.commit()
        twin = agent.upload("Fahrräder noch einmal.txt", text)
        # The second upload as if it were just being taken in: nobody else sees it yet.
        connection.execute(fail, [twin["id"]])
        connection.commit()
        connection.execute("update document set state = 'ready' where id = %s", [twin["id"]])
        asked = beside.submit(agent.http.post, f"/api/v1/documents/{first['id']}/retry")
        waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
        with psycopg.connect(target, autocommit=True) as watcher:
            expect(lambda: watcher.execute(waiting).fetchone() == (1,), "the retry to wait")
        connection.commit()
        answer = asked.result()
    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate")
    assert answer.json()["document_id"] == twin["id"]
    for document in (first, twin):
        assert agent.http.delete(f"/api/v1/documents/{document['id']}").status_code == 204


def test_body_that_is_no_upload_is_refused(agent: AgentUser) -> None:
    plain = agent.http.post("/api/v1/documents", content=b"hello")
    assert (plain.status_code, plain.json()["code"]) == (422, "invalid_request")
    other = agent.http.post("/api/v1/documents", files={"other": ("a.txt", b"x")})
    assert other.status_code == 422
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="cut.txt"\r\n\r\nhalf a'
    headers = {"content-type": "multipart/form-data; boundary=b"}
    for ending, status in ((b"", 422), (b"\r\n--b\r\n", 422), (b"\r\n--b--\r\n", 202)):
        cut = agent.http.post("/api/v1/documents", content=part + ending, headers=headers)
        assert cut.status_code == status


def test_upload_that_breaks_off_leaves_nothing(agent: AgentUser, agent_place: Place) -> None:
    boundary = "frontier"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="halb.txt"\r\n\r\n'
    )
    headers = {
        "content-type": f"multipart/form-data; boundary={boundary}",
        "cookie": agent.http.headers["cookie"],
    }

    def body() -> object:
        yield head.encode()
        yield b"half of it"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        httpx.post(f"{agent.url}/api/v1/documents", content=body(), headers=headers)  # type: ignore[arg-type]
    incoming = agent_place.folder / "data" / "incoming"
    expect(lambda: not any(incoming.iterdir()), "the removal of what had come")
    listed = agent.http.get("/api/v1/documents", params={"limit": 200}).json()["items"]
    assert "halb.txt" not in {item["name"] for item in listed}
    assert "unexpected error" not in (agent_place.folder / "serve.log").read_text()


def test_list_pages_through_everything_once(agent: AgentUser) -> None:
    for number in range(3):
        agent.send(f"Seite {number}.txt", f"Eintrag Nummer {number} der Liste.".encode())
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query: dict[str, str | int] = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = agent.http.get("/api/v1/documents", params=query).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) >= 3
    assert agent.http.get("/api/v1/documents", params={"cursor": "!"}).status_code == 422
