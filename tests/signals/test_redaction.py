import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.redaction import MARK, MAX_SECRETS, body_redact, tokens_read
from signals.strict_json import parse_object

CANARY = "canary-5f1c9a77e0"
SECRET_NAMES = [
    "secret",
    "client_secret",
    "webhookSecret",
    "passphrase",
    "Passphrase ",
    "passwd",
    "password",
    "db_password",
    "token",
    "access_token",
    "accessToken",
    "api_key",
    "apikey",
    "apiKey",
    "X-Api-Key",
    "x_apikey",
    "authorization",
    "Authorization",
    "proxy-authorization",
    "private_key",
    "privateKey",
    "rsa_private_key",
    "secret_key",
    "aws_secret_key",
    "access_key",
    "AWS_ACCESS_KEY",
]


def test_a_body_without_secrets_is_kept_byte_for_byte():
    body = b'{ "symbol" : "SPY",\n "price": 1.50, "note": "a secret place" }'
    assert body_redact(body).body == body
    assert tokens_read(body) == ()


def test_the_secret_is_blanked_and_nothing_else_is_touched():
    redacted = body_redact(b'{"symbol": "SPY",  "secret": "canary-5f1c9a77e0", "price": 1.50}')
    assert redacted.body == b'{"symbol": "SPY",  "secret": "[redacted]", "price": 1.50}'
    assert tokens_read(b'{"symbol": "SPY",  "secret": "canary-5f1c9a77e0", "price": 1.50}') == (CANARY,)


@pytest.mark.parametrize(
    "body",
    [
        '{"secret":"%s"}',
        '{"Secret" : "%s"}',
        '{"s\\u0065cret":"%s"}',
        '{"secret":{"value":"%s"}}',
        '{"secret":["%s"]}',
        '{"a":[{"password":"%s"}]}',
        '{"passphrase":"%s","note":"repeats %s"}',
        '{"api_key":"%s","%s":1}',
        '{"secret":"%s","a":"\\u0063anary-5f1c9a77e0"}',
        '{"secret":"%s"',
        '{"secret":"%s',
        '{"secret":"%s","secret":"%s"}',
        "{'secret':'%s'}",
        "secret=%s&symbol=SPY",
        "secret: %s",
        "{secret:%s}",
        '{"secret":{"value":"%s"',
        '{"s\\u0065cret":"%s"',
        '{"a":NaN,"secret":"%s"}',
        '{"secret":"%s"}\x00',
    ],
)
def test_no_form_of_a_secret_survives(body):
    filled = body.replace("%s", CANARY)
    redacted = body_redact(filled.encode()).body
    assert CANARY.encode() not in redacted
    assert b"\\u0063anary" not in redacted
    assert MARK.encode() in redacted


@pytest.mark.parametrize("name", SECRET_NAMES)
@pytest.mark.parametrize(
    "body",
    [
        '{"symbol":"SPY","%n":"%s"}',
        '{"a":{"b":[{"%n":"%s"}]}}',
        '{"%n":{"value":["%s"]}}',
        '{"symbol":"SPY","%n":"%s"',
        '{"a":{"b":[{"%n":"%s"}],"price":NaN}}',
        '{"%n":{"value":["%s"]',
        "{'%n': '%s'}",
        "%n=%s&symbol=SPY",
        "%n: %s",
        "%n: Bearer %s",
    ],
)
def test_names_of_secrets_are_the_same_in_every_body(body, name):
    redacted = body_redact(body.replace("%n", name).replace("%s", CANARY).encode()).body
    assert CANARY.encode() not in redacted
    assert MARK.encode() in redacted


@pytest.mark.parametrize(
    "name", ["tokens", "secretary", "broken", "key", "monkey", "passwords", "author", "api_key_id"]
)
def test_other_names_are_no_secrets(name):
    parsed, unparsed = f'{{"{name}":"{CANARY}"}}'.encode(), f'{{"{name}":"{CANARY}"'.encode()
    assert (body_redact(parsed).body, body_redact(unparsed).body) == (parsed, unparsed)


@pytest.mark.parametrize("end", ["}", ""])
@pytest.mark.parametrize("name", ["client_secret", "client-secret", "client.secret", "mysecret", "token"])
def test_only_the_name_secret_holds_a_sender_s_token(name, end):
    assert tokens_read(f'{{"{name}":"{CANARY}"{end}'.encode()) == ()
    assert tokens_read(f'{{"secret":"{CANARY}"{end}'.encode()) == (CANARY,)


@pytest.mark.parametrize("value", ["12345", "null", "true", '""', "[]", "{}"])
def test_a_secret_of_any_type_leaves_readable_json(value):
    redacted = body_redact(f'{{"secret": {value}, "symbol": "SPY"}}'.encode())
    assert parse_object(redacted.body) == {"secret": MARK, "symbol": "SPY"}


def test_quotes_inside_other_texts_do_not_break_the_body():
    body = json.dumps({"note": 'my "secret": 5, and so on', "secret": CANARY, "symbol": "SPY"}).encode()
    assert parse_object(body_redact(body).body) == {
        "note": 'my "secret": 5, and so on',
        "secret": MARK,
        "symbol": "SPY",
    }


def test_known_secrets_are_blanked_wherever_they_stand():
    redacted = body_redact(b'{"symbol":"SPY","note":"the key is hunter2-hunter2!"}', ["hunter2-hunter2", "SPY", ""])
    assert redacted.body == b'{"symbol":"SPY","note":"the key is [redacted]!"}'


def test_a_token_with_escapes_is_found_as_it_was_meant():
    body = b'{"secret":"a\\/b\\u0063-0123456789"}'
    redacted = body_redact(body)
    assert tokens_read(body) == ("a/bc-0123456789",)
    assert parse_object(redacted.body) == {"secret": MARK}


@settings(max_examples=150)
@given(
    st.dictionaries(st.sampled_from(["a", "b", "note", "secret", "token"]), st.text(max_size=12), max_size=4),
    st.booleans(),
)
def test_what_is_left_means_the_same(body, ascii_only):
    raw = json.dumps(body, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    redacted = body_redact(raw)
    if not {"secret", "token"} & set(body):
        assert redacted.body == raw
    elif "\x00" not in "".join(body.values()):
        kept = parse_object(redacted.body)
        assert set(kept) == set(body)
        assert {kept[key] for key in ("secret", "token") if key in kept} == {MARK}


@settings(max_examples=200)
@given(st.binary(max_size=40), st.binary(max_size=40))
def test_the_canary_is_found_in_the_middle_of_anything(before, after):
    body = before + b'"secret":"' + CANARY.encode() + b'"' + after
    assert CANARY.encode() not in body_redact(body).body


def test_the_largest_bodies_take_no_time(benchmark_seconds):
    for body in (b'"secret":' * 14000, b"secret" * 21000, b'"' * 131072, b'{"secret":"' + b"\\" * 131000):
        assert benchmark_seconds(lambda body=body: body_redact(body)) < 0.25


@pytest.mark.parametrize(("count", "kept"), [(MAX_SECRETS, True), (MAX_SECRETS + 1, False)])
@pytest.mark.parametrize("end", ["]}", "]", ""])
def test_nothing_is_kept_of_a_body_with_too_many_secrets(count, kept, end):
    listed = ", ".join(f'{{"secret": "secret-number-{number}"}}' for number in range(count))
    body = f'{{"symbol": "SPY", "all": [{listed}{end}'.encode()
    redacted = body_redact(body)
    assert b"secret-number" not in redacted.body
    assert (redacted.body != MARK.encode()) == kept
    assert len(tokens_read(body)) <= MAX_SECRETS
