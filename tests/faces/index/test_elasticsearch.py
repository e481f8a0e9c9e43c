"""The Elasticsearch index: faults against a stand-in, all else against the real server that ELASTICSEARCH_TEST_URL names."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from faces.index.base import Entry, IndexUnavailable
from faces.index.elasticsearch import ElasticsearchIndex, index_name
from faces.types import Metric
from tests.elasticsearch_server import Reply, stand_in
from tests.faces.index.contract import (
    DIMENSION,
    VectorIndexContract,
    axis,
    entries,
    nearest_first,
    scores_of,
    vectors_for,
)

IDENTITY = "fake:test@1"


def make_index(url, *, prefix="kiosk-test", metric=Metric.COSINE, dimension=DIMENSION, **options):
    return ElasticsearchIndex(
        url,
        name_prefix=prefix,
        engine_identity=IDENTITY,
        dimension=dimension,
        metric=metric,
        **{"timeout_seconds": 5.0, **options},
    )


@pytest.fixture
def server_url():
    url = os.environ.get("ELASTICSEARCH_TEST_URL")
    if not url:
        pytest.skip("ELASTICSEARCH_TEST_URL is not set: no Elasticsearch to test against (deploy/elasticsearch/run.sh start)")
    return url


@pytest.fixture
def client(server_url):
    from elasticsearch import Elasticsearch

    with Elasticsearch(server_url) as client:
        yield client


@pytest.fixture
def open_index(server_url):
    """Opens the test's index; each call is as good as another process."""
    prefix = f"kiosk-test-{uuid4().hex}"
    opened = []

    def open_one(**options):
        opened.append(make_index(server_url, prefix=prefix, **options))
        return opened[-1]

    yield open_one
    for index in opened:
        index.clear()
        index.close()


# Without a server


@pytest.mark.parametrize(
    ("identity", "readable"),
    [
        pytest.param("dlib:resnet-v1", "kiosk-dlib-resnet-v1-128-", id="dlib"),
        pytest.param("insightface:Mobile@3f2a9c01", "kiosk-insightface-mobile-3f2a9c01-128-", id="capitals and an at sign"),
        pytest.param('a/b\\c*d?e"f<g>h|i j,k#l', "kiosk-a-b-c-d-e-f-g-h-i-j-k-l-128-", id="all that Elasticsearch forbids"),
        pytest.param("人脸", "kiosk--128-", id="no latin letter"),
    ],
)
def test_index_name_is_readable_and_valid(identity, readable):
    name = index_name("kiosk", engine_identity=identity, dimension=128, metric=Metric.EUCLIDEAN)
    assert name.startswith(readable)
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(name) <= 255


def test_index_names_differ_where_engines_differ_in_anything():
    names = {
        index_name("kiosk", engine_identity=identity, dimension=dimension, metric=metric)
        for identity in ("a:b", "a-b", "A:b")
        for dimension in (128, 512)
        for metric in Metric
    }
    assert len(names) == 12


@pytest.mark.parametrize("prefix", ["", "-kiosk", "_kiosk", "Kiosk", "kiosk*", "kiosk faces", "k" * 101])
def test_prefix_that_no_index_may_have_is_refused(prefix):
    with pytest.raises(ValueError, match="prefix"):
        make_index("http://127.0.0.1:9", prefix=prefix)


def test_importing_the_module_does_not_import_the_client():
    code = "import faces.index.elasticsearch, sys; sys.exit('elasticsearch' in sys.modules or 'elastic_transport' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


DOORS = [
    pytest.param(lambda index: index.version, id="version"),
    pytest.param(len, id="len"),
    pytest.param(lambda index: index.search(axis(1), limit=3), id="search"),
    pytest.param(lambda index: index.apply(upto=1, added=entries([axis(1)]), removed=[7]), id="apply"),
    pytest.param(lambda index: index.clear(), id="clear"),
]
QUOTING = "failed to parse field [embedding]: 0.123456"
FAULTS = [
    pytest.param(Reply(401, {"error": {"type": "security_exception"}}), "credentials.*401", id="401"),
    pytest.param(Reply(403, {"error": {"type": "security_exception"}}), "credentials.*403", id="403"),
    pytest.param(
        Reply(400, {"error": {"type": "parse_exception", "reason": QUOTING, "root_cause": [{"reason": QUOTING}]}}),
        "parse_exception.*400",
        id="400",
    ),
    pytest.param(Reply(404, {"detail": "Not Found"}), "404", id="404 of something else"),
    pytest.param(Reply(404, "<html>not found</html>", {"Content-Type": "text/html"}), "404", id="404 of a web server"),
    pytest.param(Reply(429, {"error": {"type": "circuit_breaking_exception"}}), "circuit_breaking_exception.*429", id="429"),
    pytest.param(Reply(500, {"error": {"type": "oops"}}), "oops.*500", id="500"),
    pytest.param(Reply(503, "", {}), "503", id="503 without a body"),
    pytest.param(Reply(200, {"hello": "world"}, {}), "is not an Elasticsearch server", id="not Elasticsearch"),
    pytest.param(Reply(200, "{not json"), "can't be read", id="not JSON"),
    pytest.param(Reply(delay_seconds=0.6), "in time", id="too slow"),
]


@pytest.mark.parametrize("call", DOORS)
@pytest.mark.parametrize(("reply", "complaint"), FAULTS)
def test_fault_of_the_server_is_index_unavailable_and_quotes_nothing(call, reply, complaint, monkeypatch):
    monkeypatch.setattr("faces.index.documents._WRITE_TIMEOUT_SECONDS", 0.2)
    with stand_in({"": reply}) as server:
        index = make_index(server.url.replace("//", "//hall:s3cret@"), timeout_seconds=0.2)
        with pytest.raises(IndexUnavailable, match=complaint) as caught:
            call(index)
        assert server.url in str(caught.value)
        shown = "".join(traceback.format_exception(caught.value))
        assert "s3cret" not in shown
        assert "0.123456" not in shown
        index.close()


@pytest.mark.parametrize("call", DOORS)
def test_no_server_is_index_unavailable(call):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(IndexUnavailable, match="can't be reached"):
        call(make_index(f"http://127.0.0.1:{port}"))


@pytest.mark.parametrize(
    ("item", "complaint"),
    [
        pytest.param(
            {"index": {"_id": "1", "status": 400, "error": {"type": "document_parsing_exception", "reason": QUOTING}}},
            r"index sample 1: document_parsing_exception \(HTTP 400\)",
            id="document refused",
        ),
        pytest.param(
            {"index": {"_id": "1", "status": 404, "error": {"type": "index_not_found_exception"}}}, "was cleared", id="cleared"
        ),
    ],
)
def test_refused_document_is_index_unavailable_and_quotes_nothing(item, complaint):
    name = index_name("kiosk-test", engine_identity=IDENTITY, dimension=DIMENSION, metric=Metric.COSINE)
    replies = {
        "_alias": Reply(body={name: {"aliases": {f"{name}.1": {}}}}),
        "state": Reply(404, {"_id": "state", "found": False}),
        "_bulk": Reply(body={"errors": True, "items": [item]}),
    }
    with stand_in(replies) as server:
        index = make_index(server.url)
        with pytest.raises(IndexUnavailable, match=complaint) as caught:
            index.apply(upto=1, added=entries([axis(1)]), removed=[])
        assert "0.123456" not in "".join(traceback.format_exception(caught.value))
        index.close()


@pytest.mark.parametrize(
    ("userinfo", "options", "header"),
    [
        pytest.param("hall:s3cret@", {}, "Basic aGFsbDpzM2NyZXQ=", id="in the URL"),
        pytest.param("", {"basic_auth": ("hall", "s3cret")}, "Basic aGFsbDpzM2NyZXQ=", id="basic auth"),
        pytest.param("", {"api_key": "a2V5"}, "ApiKey a2V5", id="API key"),
        pytest.param("", {}, None, id="none"),
    ],
)
def test_credentials_are_sent(userinfo, options, header):
    with stand_in({"": Reply(404, {"error": {"type": "index_not_found_exception"}})}) as server:
        index = make_index(server.url.replace("//", f"//{userinfo}"), **options)
        assert index.version == 0
        assert server.authorizations == [header]
        index.close()


@pytest.mark.parametrize("question", [{"limit": 0}, {"limit": 5, "person_ids": []}], ids=["limit 0", "among nobody"])
def test_question_without_an_answer_asks_no_server(question):
    assert make_index("http://127.0.0.1:9").search(axis(1), **question) == []


# With a real server


class TestElasticsearchIndex(VectorIndexContract):
    """The contract, by clients that know nothing of each other."""


@pytest.mark.parametrize("metric", Metric)
def test_scores_and_order_are_exact(open_index, metric):
    index = open_index(metric=metric)
    vectors = vectors_for(metric, 500)
    index.apply(upto=1, added=entries(vectors), removed=[])
    for probe in vectors_for(metric, 10, seed=1):
        scores = scores_of(metric, vectors, probe)
        nearest = nearest_first(metric, scores)[:20]
        hits = index.search(probe, limit=20)
        assert [hit.sample_id - 1 for hit in hits] == nearest.tolist()
        assert [hit.score for hit in hits] == pytest.approx(scores[nearest], abs=5e-6)


def test_slow_process_neither_takes_the_version_back_nor_brings_a_sample_back(open_index):
    quick, slow = open_index(), open_index()
    quick.apply(upto=5, added=entries([axis(1), axis(0, 1)]), removed=[])

    def rows():
        quick.apply(upto=9, added=[Entry(1, 1000, axis(0, 0, 1))], removed=[2])
        yield from entries([axis(1), axis(0, 1), axis(0, 0, 0, 1)])

    slow.apply(upto=7, added=rows(), removed=[])
    assert quick.version == 9
    assert {hit.sample_id: hit.score for hit in quick.search(axis(0, 0, 1), limit=9)} == {
        1: pytest.approx(1.0),
        3: pytest.approx(0.0, abs=1e-6),
    }


def test_processes_that_start_together_share_one_index(open_index):
    indexes = [open_index() for _ in range(4)]
    vectors = vectors_for(Metric.COSINE, 50)

    def start(index):
        assert index.version in {0, 3}
        index.apply(upto=3, added=entries(vectors), removed=[])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(start, indexes))
    assert [(index.version, len(index)) for index in indexes] == [(3, 50)] * 4


def test_index_cleared_in_the_middle_of_a_change_is_not_called_complete(client, open_index):
    changed, cleared = open_index(), open_index()
    changed.apply(upto=1, added=entries([axis(1)]), removed=[])

    def rows():
        yield from entries(vectors_for(Metric.COSINE, 600), first=2)
        cleared.clear()
        cleared.apply(upto=1, added=entries([axis(1)]), removed=[])
        yield Entry(1000, 1, axis(0, 1))

    with pytest.raises(IndexUnavailable, match="was cleared"):
        changed.apply(upto=2, added=rows(), removed=[])
    assert list(client.indices.get(index=f"{changed.name}*")) == [changed.name]
    assert (changed.version, len(changed)) == (1, 1)
    changed.apply(upto=2, added=entries([axis(0, 1)], first=2), removed=[])
    assert (cleared.version, len(cleared)) == (2, 2)


def test_process_that_cleared_the_index_may_fill_it_at_once(open_index):
    index = open_index()
    index.apply(upto=8, added=entries([axis(1), axis(0, 1)]), removed=[])
    index.clear()
    index.apply(upto=2, added=entries([axis(1)]), removed=[])
    assert (index.version, len(index)) == (2, 1)


def test_index_of_that_name_that_is_not_ours_is_refused(client, open_index):
    index = open_index()
    client.indices.create(index=index.name)
    with pytest.raises(IndexUnavailable, match="delete that index"):
        index.apply(upto=1, added=[], removed=[])


def test_aliases_that_an_administrator_added_are_no_matter(client, open_index):
    index = open_index()
    index.apply(upto=1, added=entries([axis(1)]), removed=[])
    for letter in "abcdefgh":
        client.indices.put_alias(index=index.name, name=f"{letter}-{index.name}")
    index.apply(upto=2, added=entries([axis(0, 1)], first=2), removed=[])
    assert (index.version, len(index)) == (2, 2)
