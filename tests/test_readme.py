# SPDX-License-Identifier: Apache-2.0
"""What the README shows is what happens."""

from __future__ import annotations

import contextlib
import io
import shlex
from pathlib import Path

from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from marginrules import rulebook
from marginrules.server.settings import Settings
from marginrules.service import signing
from marginrules.service.policy import load_policy
from tests.server import wire as w

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(language: str, containing: str) -> str:
    """Return a code block of the README."""
    fenced = README.split("```")[1::2]
    return next(one.partition("\n")[2] for one in fenced if one.startswith(f"{language}\n") and containing in one)


def test_python_example_runs() -> None:
    """The ten lines run as they stand, and the order is decided."""
    with w.serving(rulebook=ROOT / "rules" / "crypto-derivatives" / "rulebook.yaml") as (server, _):
        code = block("python", "Client(").replace("50051", str(server.port))
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - our own text
        assert "accepted=True" in said.getvalue()


def test_grpcurl_line_is_answered() -> None:
    """What the line sends is understood through the server's own description of itself, and answered."""
    line = block("", "grpcurl").replace("\\\n", " ")
    words = shlex.split(line)
    content, (address, method) = words[words.index("-d") + 1], words[-2:]
    service, _, name = method.partition("/")
    with w.serving(rulebook=ROOT / "rules" / "crypto-derivatives" / "rulebook.yaml") as (server, wire):
        code = block("python", "Client(").replace("50051", str(server.port))
        exec(compile(code, "README.md", "exec"), {"print": lambda _: None})  # noqa: S102 - our own text
        pool = DescriptorPool(ProtoReflectionDescriptorDatabase(wire.channel))
        described = pool.FindServiceByName(service).methods_by_name[name]
        request = json_format.Parse(content, GetMessageClass(described.input_type)())
        answer = GetMessageClass(described.output_type)()
        answer.ParseFromString(wire.channel.unary_unary(f"/{method}")(request.SerializeToString()))

    assert address == f"{Settings().host}:{Settings().port}"
    assert json_format.MessageToDict(answer)["decision"]["accepted"] is True


def test_rulebook_of_the_readme_is_the_one_that_ships() -> None:
    """The explained rulebook means what `rules/smallest` means."""
    shown = rulebook.load(block("yaml", "rulebook: smallest").encode(), "README.md")
    shipped = rulebook.load((ROOT / "rules" / "smallest" / "rulebook.yaml").read_bytes(), "rulebook.yaml")
    assert shown.digest == shipped.digest


def test_policy_of_the_readme_is_one() -> None:
    """With keys in it, the policy that is shown is read."""
    shown = block("yaml", "signing: required")
    for name in ("jdoe", "asmith"):
        shown = shown.replace('"..."', f'"{signing.new_key()[1]}"', 1)
        assert name in shown
    made = load_policy(shown.encode(), "README.md")
    assert (made.name, [*made.people], made.is_open) == ("production", ["jdoe", "asmith"], False)


def test_misspelt_key_is_shown_as_in_the_readme() -> None:
    """The message in the README is the message of the checker."""
    text = (
        (ROOT / "rules" / "smallest" / "rulebook.yaml")
        .read_text(encoding="utf-8")
        .replace("below: 120%", "belwo: 120%")
    )
    found = rulebook.render_text(rulebook.validate(text.encode(), "perps.yaml"))
    shown = block("", "marginrules check perps.yaml").split("\n", 1)[1]
    assert shown.startswith(found)


def test_defaults_are_those_of_the_readme() -> None:
    """The example's address is the one a server listens on unless told otherwise."""
    assert f"{Settings().host}:{Settings().port}" in README
