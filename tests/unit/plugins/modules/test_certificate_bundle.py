# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""certificate_bundle as a module: what it writes and returns, check mode, diff, literally what it says, and no secret anywhere."""

from __future__ import annotations

import base64
import contextlib
import grp
import json
import os
import pwd
import stat
import traceback
from pathlib import Path

import pytest
from ansible.module_utils.testing import patch_module_args
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from ansible_collections.onprem.chat.plugins.module_utils._x509 import bundle, command, install, lib
from ansible_collections.onprem.chat.plugins.module_utils._x509.errors import InputError
from ansible_collections.onprem.chat.plugins.modules import certificate_bundle
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils import x509_workshop as workshop

PASSPHRASE = "canary-Pa55phrase-7f3a"
ROOT, ISSUING = workshop.company()
LEAF = workshop.good_leaf(key="leaf")
RENEWED = workshop.good_leaf(key="leaf", end=360)
REKEYED = workshop.good_leaf(key="other")
FOREIGN = workshop.make("Another Root", ca=True)


def pem(*made):
    return [one.certificate.pem.decode() for one in made]


def key(made):
    return made.key_pem().decode()


GIVEN = [*pem(ROOT, LEAF, ISSUING), key(LEAF)]
FILE = b"".join(one.certificate.pem for one in (LEAF, ISSUING, ROOT))


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run the module; gives its result."""
    monkeypatch.setattr(command, "now", lambda: workshop.NOW)
    monkeypatch.setattr(bundle, "system_store", list)
    anchor = tmp_path / "root.crt"
    anchor.write_bytes(ROOT.certificate.pem)

    warned = []
    monkeypatch.setattr(certificate_bundle.AnsibleModule, "warn", lambda _self, text: warned.append(text))

    def _run(check_mode=False, diff=True, **arguments):
        warned.clear()
        wanted = {"path": str(tmp_path / "certs"), "name": "corp.test", "trust_anchors": [str(anchor)], **arguments}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        wanted |= {"_ansible_check_mode": check_mode, "_ansible_diff": diff}
        with patch_module_args(wanted), pytest.raises(SystemExit):
            certificate_bundle.main()
        output = capsys.readouterr().out
        assert PASSPHRASE not in output
        for one in (LEAF, REKEYED):
            assert key(one).splitlines()[1] not in output
        return {**json.loads(output), "warned": list(warned)}

    return _run


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "certs"


def content(folder):
    return (folder / "corp.test.crt").read_bytes(), (folder / "corp.test.key").read_bytes()


def everything(folder):
    return {str(path): (path.lstat().st_ino, path.lstat().st_mode) for path in folder.rglob("*")}


def bad(result):
    return {check["id"]: check["status"] for check in result["checks"] if check["status"] in ("warn", "fail")}


# -- the rhythm -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["links", "files"])
def test_check_run_and_again(run, folder, layout):
    checked = run(check_mode=True, content=GIVEN, layout=layout)
    assert (checked["changed"], folder.exists()) == (True, False)
    first = run(content=GIVEN, layout=layout)
    assert content(folder) == (FILE, LEAF.key_pem())
    assert (first["changed"], first["diff"], first["checks"]) == (True, checked["diff"], checked["checks"])
    assert first["differences"] == ["content", "layout", "rights"]
    assert (first["backup_directory"], bool(first["version"])) == (None, layout == "links")
    before = everything(folder)
    for check_mode in (True, False):
        again = run(check_mode=check_mode, content=GIVEN, layout=layout)
        assert (again["changed"], again["differences"], again["version"]) == (False, [], first["version"])
        assert "diff" not in again
    assert everything(folder) == before


def test_result(run, folder):
    result = run(content=[*GIVEN, *pem(ISSUING, FOREIGN)])
    assert bad(result) == {}
    assert [check["id"] for check in result["checks"]] == [
        *(id_ for id_, _question, _source in bundle.TABLE),
        "certificate.files.names",
        "certificate.files.modes",
        "certificate.files.text",
    ]
    assert {check["subject"] for check in result["checks"]} == {"corp.test"}
    assert [one["subject"] for one in result["chain"]] == ["CN=chat.corp.test", "CN=Company Issuing", "CN=Company Root"]
    assert result["chain"][0] == {
        "subject": "CN=chat.corp.test",
        "issuer": "CN=Company Issuing",
        "serial": bundle.render.serial(LEAF.certificate),
        "not_before": "2026-05-16T12:00:00Z",
        "not_after": "2027-05-16T12:00:00Z",
        "fingerprint": LEAF.certificate.fingerprint,
        "origin": "content, item 2",
    }
    assert [(one["subject"], one["reason"]) for one in result["dropped"]] == [
        ("CN=Company Issuing", "a duplicate"),
        ("CN=Another Root", "a root to which the chain does not lead"),
    ]
    assert result["certificate_file"] == str(folder / "corp.test.crt")
    assert result["key_file"] == str(folder / "corp.test.key")


def test_diff(run, folder):
    run(content=GIVEN)
    diff = run(content=[*pem(ROOT, REKEYED, ISSUING), key(REKEYED)])["diff"]
    before, after = diff["before"].splitlines(), diff["after"].splitlines()
    owner, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    assert before[0] == f"{folder}/corp.test.crt: link, mode 0644, owner {owner}, group {group}"
    assert before[1] == (
        f"certificate 1: CN=chat.corp.test, issuer CN=Company Issuing, serial {bundle.render.serial(LEAF.certificate)}, "
        f"2026-05-16T12:00:00Z to 2027-05-16T12:00:00Z, sha256 {LEAF.certificate.fingerprint}"
    )
    assert before[4] == f"{folder}/corp.test.key: link, mode 0600, owner {owner}, group {group}"
    assert before[5].startswith("private key: SPKI sha256 ")
    assert [one for one in before if one not in after] == [before[1], before[5]]
    assert (len(before), len(after)) == (6, 6)


# -- what goes in -----------------------------------------------------------------------------------------------------


def test_the_same_in_another_form_changes_nothing(run, folder, tmp_path):
    run(content=GIVEN)
    before = everything(folder)
    whole = pkcs12.serialize_key_and_certificates(
        b"chat",
        LEAF.private,
        LEAF.certificate.parsed,
        [ROOT.certificate.parsed, ISSUING.certificate.parsed],
        serialization.BestAvailableEncryption(PASSPHRASE.encode()),
    )
    (tmp_path / "chat.p12").write_bytes(whole)
    result = run(sources=[str(tmp_path / "chat.p12")], remote_src=True, passphrases=["wrong one", PASSPHRASE])
    assert (result["changed"], everything(folder)) == (False, before)
    delivered = tmp_path / "delivered"
    delivered.mkdir()
    for name, one in (("a.der", ROOT), ("b.der", ISSUING), ("c.der", LEAF)):
        (delivered / name).write_bytes(one.certificate.der)
    (delivered / "chat.key").write_bytes(LEAF.key_pem(PASSPHRASE.encode(), "TraditionalOpenSSL"))
    (delivered / "readme.txt").write_text("Dear customer")
    result = run(sources=[str(delivered)], remote_src=True, passphrases=[PASSPHRASE])
    assert (result["changed"], everything(folder)) == (False, before)
    assert any("readme.txt" in note for note in result["notes"])


def test_a_key_file_in_another_form_stays_when_servers_read_it(run, folder):
    run(content=GIVEN, layout="files")
    (folder / "corp.test.key").write_bytes(LEAF.key_pem(form="TraditionalOpenSSL"))
    assert run(content=GIVEN, layout="files")["changed"] is False
    (folder / "corp.test.key").write_bytes(LEAF.key_pem(PASSPHRASE.encode()))
    assert run(content=GIVEN, layout="files")["differences"] == ["content"]
    assert content(folder)[1] == LEAF.key_pem()
    (folder / "corp.test.key").write_bytes(LEAF.key_pem().replace(b"\n", b"\r\n"))
    assert run(content=GIVEN, layout="files")["differences"] == ["content"]
    (folder / "corp.test.crt").write_bytes(b"subject=chat\n" + FILE)
    assert run(content=GIVEN, layout="files")["differences"] == ["content"]
    assert content(folder) == (FILE, LEAF.key_pem())


def test_a_renewed_certificate_for_the_key_that_is_there(run, folder):
    run(content=GIVEN)
    result = run(content=pem(RENEWED, ISSUING, ROOT))
    assert (result["changed"], content(folder)[1]) == (True, LEAF.key_pem())
    assert result["chain"][0]["fingerprint"] == RENEWED.certificate.fingerprint


def test_key_on_the_host(run, folder, tmp_path):
    (tmp_path / "made-here.key").write_bytes(LEAF.key_pem())
    assert run(content=GIVEN[:3], key_path=str(tmp_path / "made-here.key"))["changed"] is True
    assert content(folder)[1] == LEAF.key_pem()


def test_intermediates_and_root(run, folder, tmp_path):
    pool = tmp_path / "pool"
    pool.mkdir()
    for number, one in enumerate((ISSUING, FOREIGN, ROOT)):
        (pool / f"{number}.crt").write_bytes(one.certificate.pem)
    given = {"content": [*pem(LEAF), key(LEAF)], "intermediates": [str(pool)], "remote_src": True}
    result = run(root="include", **given)
    assert (content(folder)[0], result["dropped"]) == (FILE, [])
    run(root="exclude", **given)
    assert content(folder)[0] == LEAF.certificate.pem + ISSUING.certificate.pem
    assert run(**given)["changed"] is False  # keep: the root was not delivered
    assert run(content=GIVEN, root="exclude")["dropped"][0]["reason"] == "the root, which is left out here"


def test_delivered_by_the_action_plugin(run, folder):
    def file(name, data, excuse=""):
        return [name, base64.b64encode(data).decode(), excuse]

    delivered = {
        "sources": [
            {"path": "chat.pem", "folder": False, "files": [file("chat.pem", LEAF.certificate.pem)]},
            {
                "path": "more",
                "folder": True,
                "files": [
                    file("more/sub", b"", "passed over: more/sub is a folder in a folder"),
                    file("more/k.pem", LEAF.key_pem()),
                    file("more/x.txt", b"Dear customer"),
                ],
            },
        ],
        "intermediates": [{"path": "i.pem", "folder": False, "files": [file("i.pem", ISSUING.certificate.pem)]}],
        "trust_anchors": [{"path": "r.pem", "folder": False, "files": [file("r.pem", ROOT.certificate.pem)]}],
    }
    result = run(delivered=json.dumps(delivered), sources=["chat.pem", "more"], trust_anchors=["r.pem"])
    assert result["changed"] is True, result
    assert content(folder) == (LEAF.certificate.pem + ISSUING.certificate.pem, LEAF.key_pem())
    assert result["notes"][0] == "passed over: more/sub is a folder in a folder"
    assert "more/x.txt" in result["notes"][1]


@pytest.mark.parametrize(
    ("option", "hint"), [("content", "Name binary files in sources instead."), ("passphrases", "Write it in UTF-8.")]
)
def test_half_a_character(option, hint):
    """Past AnsibleModule: what it does with such a text is different from version to version."""
    params = dict.fromkeys(command.OPTIONS) | {option: ["whole", f"{PASSPHRASE}\udcff"]}
    with pytest.raises(InputError) as caught:
        bundle.gather(params)
    assert str(caught.value) == (
        f"{option}, item 2 is no text: half a character (a lone surrogate) is in it. Was it read from a binary file, or in a "
        f"wrong encoding? {hint}"
    )
    assert PASSPHRASE not in "".join(traceback.format_exception(caught.value))


def test_the_key_that_is_there_is_encrypted(run, folder):
    folder.mkdir()
    (folder / "corp.test.key").write_bytes(LEAF.key_pem(PASSPHRASE.encode()))
    start = f"No private key was given for CN=chat.corp.test, and {folder}/corp.test.key "
    assert run(content=GIVEN[:3])["msg"] == (
        start + "needs a passphrase: it is encrypted, none was given. Give it in passphrases."
    )
    assert run(content=GIVEN[:3], passphrases=["wrong"])["msg"].startswith(
        start + "is encrypted, and the one passphrase that was given does not open it."
    )
    assert run(content=GIVEN[:3], passphrases=["wrong", PASSPHRASE])["changed"] is True
    assert content(folder) == (FILE, LEAF.key_pem())


def test_keys_that_are_not_used(run):
    assert run(content=[*GIVEN, key(REKEYED), key(LEAF)])["notes"] == [
        "content, item 5: not used, a key that does not belong to the certificate",
        "content, item 6: not used, the same key once more",
    ]


def test_what_is_wrong_with_the_files_that_are_there(run, folder):
    """It is repaired, and said: a key that everybody could read is one to be made anew."""
    folder.mkdir()
    for ending, data in (("crt", b"\xef\xbb\xbf" + FILE), ("key", LEAF.key_pem())):
        (folder / f"corp.test.{ending}").write_bytes(data)
        (folder / f"corp.test.{ending}").chmod(0o644)
    found = {check["id"]: check for check in run(content=GIVEN, layout="files")["checks"] if check["status"] == "warn"}
    assert list(found) == ["certificate.files.modes", "certificate.files.text"]
    assert found["certificate.files.modes"]["evidence"].startswith(f"until now {folder}/corp.test.key 0644")
    assert found["certificate.files.modes"]["hint"] == (
        "It is repaired when the new pair is installed. Others may have read the key: if others than administrators work on "
        "the host, make a new one."
    )
    assert (
        found["certificate.files.text"]["evidence"] == f"until now {folder}/corp.test.crt begins with a byte order mark"
    )
    assert found["certificate.files.text"]["hint"] == "It is repaired when the new pair is installed."
    assert bad(run(content=GIVEN, layout="files")) == {}


# -- rights -----------------------------------------------------------------------------------------------------------


def test_rights_are_set_and_repaired(run, folder):
    group = grp.getgrgid(os.getegid()).gr_name
    run(content=GIVEN, mode="0640", certificate_mode="0444", group=group)
    assert [stat.S_IMODE((folder / f"corp.test.{end}").stat().st_mode) for end in ("key", "crt")] == [0o640, 0o444]
    (folder / "corp.test.key").chmod(0o644)
    checked = run(check_mode=True, content=GIVEN, mode="0640", certificate_mode="0444")
    assert stat.S_IMODE((folder / "corp.test.key").stat().st_mode) == 0o644
    result = run(content=GIVEN, mode="0640", certificate_mode="0444")
    assert (result["changed"], result["differences"], result["diff"]) == (True, ["rights"], checked["diff"])
    assert "corp.test.key: link, mode 0644" in result["diff"]["before"]
    assert "corp.test.key: link, mode 0640" in result["diff"]["after"]
    assert stat.S_IMODE((folder / "corp.test.key").stat().st_mode) == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_owner_stays_when_none_is_given(run, folder):
    run(content=GIVEN, owner="1234", group="2345", mode="0640")
    run(content=[*pem(ROOT, REKEYED, ISSUING), key(REKEYED)], mode="0640")
    status = (folder / "corp.test.key").stat()
    assert (status.st_uid, status.st_gid) == (1234, 2345)


@pytest.mark.parametrize(("option", "kind"), [("owner", "user"), ("group", "group")])
def test_owner_that_is_not_there_yet(run, folder, option, kind):
    checked = run(check_mode=True, content=GIVEN, **{option: "not-there-yet"})
    assert checked["changed"] is True
    said = f"{option}: there is no not-there-yet on this host yet; outside of check mode this would fail."
    assert said in checked["warned"]
    result = run(content=GIVEN, **{option: "not-there-yet"})
    assert (result["failed"], folder.exists()) == (True, False)
    assert result["msg"] == (
        f"{option}: there is no {kind} not-there-yet on this host. Is it made by a later task, or misspelt? Make it first "
        "(ansible.builtin.user, ansible.builtin.group)."
    )


# -- the pair before --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["links", "files"])
def test_previous(run, folder, layout):
    given = [*pem(ROOT, REKEYED, ISSUING), key(REKEYED)]
    run(content=GIVEN, layout=layout)
    old = content(folder)
    replaced = run(content=given, layout=layout)["backup_directory"]
    assert os.path.isdir(replaced)  # noqa: PTH112 - a text of the result
    new = content(folder)
    checked = run(check_mode=True, state="previous", layout=layout)
    assert (checked["changed"], content(folder)) == (True, new)
    result = run(state="previous", layout=layout)
    assert (result["changed"], result["diff"], content(folder)) == (True, checked["diff"], old)
    assert result["chain"][0]["fingerprint"] == LEAF.certificate.fingerprint
    assert run(state="previous", layout=layout)["changed"] is True
    assert content(folder) == new


def test_previous_keeps_the_mode_in_use(run, folder):
    run(content=GIVEN, mode="0640", certificate_mode="0444")
    run(content=[*pem(ROOT, REKEYED, ISSUING), key(REKEYED)], mode="0640", certificate_mode="0444")
    run(state="previous")
    assert [stat.S_IMODE((folder / f"corp.test.{end}").stat().st_mode) for end in ("key", "crt")] == [0o640, 0o444]
    run(state="previous", mode="0600")
    assert stat.S_IMODE((folder / "corp.test.key").stat().st_mode) == 0o600


def test_previous_when_there_is_none(run, folder):
    expected = (
        f"There is no pair in {folder}/corp.test.d that could be put back. Was one ever replaced under this path and name? "
        "Install one with state=present."
    )
    assert run(state="previous")["msg"] == expected
    run(content=GIVEN)
    assert run(state="previous")["msg"] == expected


@pytest.mark.parametrize("layout", ["links", "files"])
def test_previous_keeps_the_layout(run, folder, layout):
    run(content=GIVEN, layout=layout)
    run(content=[*pem(ROOT, REKEYED, ISSUING), key(REKEYED)], layout=layout)
    assert run(state="previous")["differences"] == ["content"]
    assert (folder / "corp.test.crt").is_symlink() == (layout == "links")
    assert content(folder) == (FILE, LEAF.key_pem())
    other = "files" if layout == "links" else "links"
    assert run(state="previous", layout=other)["differences"] == ["content", "layout"]


@pytest.mark.parametrize("layout", ["links", "files"])
def test_previous_of_a_certificate_file_with_a_key_in_it(run, folder, layout):
    """Only its certificates are put back: the file is for everybody."""
    folder.mkdir()
    for ending, data in (("crt", FILE + LEAF.key_pem()), ("key", LEAF.key_pem())):
        (folder / f"corp.test.{ending}").write_bytes(data)
        (folder / f"corp.test.{ending}").chmod(0o600)
    run(content=[*pem(ROOT, REKEYED, ISSUING), key(REKEYED)], layout=layout, backup=True)
    run(state="previous", layout=layout)
    assert content(folder) == (FILE, LEAF.key_pem())
    keys = [path for path in folder.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}


@pytest.mark.parametrize("layout", ["links", "files"])
def test_previous_after_a_killed_run(run, folder, monkeypatch, layout):
    """Killed just before the journal became ``previous``: what it took away is put back, and not the pair before that."""

    class Killed(BaseException):
        pass

    replace = Path.replace

    def killed(path, target):
        if path.name == ".previous":
            raise Killed
        return replace(path, target)

    run(content=[*pem(ROOT, RENEWED, ISSUING), key(RENEWED)], layout=layout)
    run(content=GIVEN, layout=layout)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, "replace", killed)
        run(content=[*pem(ROOT, REKEYED, ISSUING), key(REKEYED)], layout=layout)
    checked = run(check_mode=True, state="previous")
    assert run(state="previous")["diff"] == checked["diff"]
    assert content(folder) == (FILE, LEAF.key_pem())
    run(state="previous")
    assert content(folder)[1] == REKEYED.key_pem()


def test_the_kept_pair_is_read_while_nobody_else_may_change_it(run, folder, monkeypatch):
    run(content=GIVEN)
    run(content=[*pem(ROOT, REKEYED, ISSUING), key(REKEYED)])
    locked, held = install.locked, []

    @contextlib.contextmanager
    def noted(*arguments):
        with locked(*arguments):
            held.append(True)
            yield
            held.clear()

    seen = []
    kept = command.Command._kept
    monkeypatch.setattr(install, "locked", noted)
    monkeypatch.setattr(command.Command, "_kept", lambda self: seen.append(bool(held)) or kept(self))
    run(state="previous")
    assert seen == [True]


def test_previous_that_is_broken(run, folder):
    run(content=GIVEN)
    kept = run(content=[*pem(ROOT, REKEYED, ISSUING), key(REKEYED)])["backup_directory"]
    with open(f"{kept}/corp.test.key", "w") as file:  # noqa: PTH123
        file.write(key(REKEYED))
    before = everything(folder)
    assert run(state="previous")["msg"] == (
        f"What was kept in {kept} is no pair that belongs together. Nothing was changed. Was it broken before it was "
        "replaced? Install a good one with state=present."
    )
    assert everything(folder) == before


# -- what is refused --------------------------------------------------------------------------------------------------


def test_a_bad_bundle_changes_nothing(run, folder):
    run(content=GIVEN)
    before = everything(folder)
    expired = workshop.good_leaf(end=-1, key="other")
    given = [*pem(ROOT, expired, ISSUING), key(REKEYED)]
    result = run(content=given, dns_names=["chat.corp.test", "files.corp.test"])
    assert (result["failed"], everything(folder)) == (True, before)
    assert [id_ for id_, status in bad(result).items() if status == "fail"] == [
        "certificate.names",
        "certificate.validity",
    ]
    assert result["msg"].startswith("The bundle for corp.test is refused by 2 checks. certificate.names: ")
    assert "files.corp.test" in result["msg"]
    assert result["msg"].endswith("Nothing was changed.")
    assert result["chain"][0]["fingerprint"] == expired.certificate.fingerprint
    accepted = run(
        content=given,
        dns_names=["chat.corp.test", "files.corp.test"],
        accept=["certificate.names", "certificate.validity"],
    )
    assert (accepted["changed"], set(bad(accepted).values())) == (True, {"warn"})
    assert any(text.startswith("certificate.validity: ") for text in accepted["warned"])


def test_a_refused_run_takes_away_what_a_killed_one_left(run, folder):
    run(content=GIVEN)
    left = folder / "corp.test.d" / ".new-20260101T000000"
    left.mkdir()
    (left / "corp.test.key").write_bytes(REKEYED.key_pem())
    refused = {"content": [*pem(ROOT, LEAF, ISSUING), key(REKEYED)]}
    assert (run(check_mode=True, **refused)["failed"], left.exists()) == (True, True)
    assert (run(**refused)["failed"], left.exists()) == (True, False)
    left.mkdir()
    assert (run(content=["no certificate"])["failed"], left.exists()) == (True, False)


def test_a_key_of_another_certificate(run, folder):
    result = run(content=[*pem(ROOT, LEAF, ISSUING), key(REKEYED)])
    assert (list(bad(result)), folder.exists()) == (["certificate.key.match"], False)


def test_no_key(run, folder):
    start = f"No private key was given for CN=chat.corp.test, and there is none in {folder}/corp.test.key."
    end = (
        " Was the key made elsewhere, for instance where the request was made? Give it among the sources or in content, or "
        "name its file on the host in key_path."
    )
    assert run(content=GIVEN[:3])["msg"] == start + end
    run(content=[*pem(ROOT, REKEYED, ISSUING), key(REKEYED)])
    other = start.replace("there is none in", "none that belongs to it is in")
    assert run(content=GIVEN[:3])["msg"] == other + end


def test_trust(run):
    """Own roots that were given prove it; without them the delivered root is a warning, and its absence a failure."""
    assert bad(run(check_mode=True, content=GIVEN)) == {}
    assert bad(run(check_mode=True, content=GIVEN, trust_anchors=None)) == {"certificate.chain.trust": "warn"}
    result = run(check_mode=True, content=[*pem(LEAF, ISSUING), key(LEAF)], trust_anchors=None)
    assert bad(result)["certificate.chain.trust"] == "fail"


def test_trust_of_a_root_that_was_delivered_and_is_left_out(run, folder):
    result = run(content=GIVEN, trust_anchors=None, root="exclude")
    assert bad(result) == {"certificate.chain.trust": "warn"}
    assert content(folder)[0] == LEAF.certificate.pem + ISSUING.certificate.pem


def test_the_key_that_is_there_tells_which_leaf_is_meant(run, folder):
    run(content=GIVEN)
    result = run(content=pem(workshop.good_leaf(key="yet another"), RENEWED, ISSUING, ROOT))
    assert result["chain"][0]["fingerprint"] == RENEWED.certificate.fingerprint
    assert [one["reason"] for one in result["dropped"]] == [
        "another certificate of CN=chat.corp.test makes the better chain"
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "Neither sources nor content is given. Give the certificate in one of them."),
        (
            {"delivered": '{"trust_anchors": []}'},
            "Neither sources nor content is given. Give the certificate in one of them.",
        ),
        (
            {"content": GIVEN, "accept": ["certificate.files.modes"]},
            "accept: certificate.files.modes cannot be accepted. It never refuses: what is wrong with the two files is repaired.",
        ),
        (
            {"content": GIVEN, "name": "certs/corp.test"},
            "name: 'certs/corp.test' cannot be used. Does it hold a folder or an extension? Give the part before .crt: "
            "letters, digits, dot, dash, underscore.",
        ),
        (
            {"content": GIVEN, "name": "corp.test.crt"},
            "name: 'corp.test.crt' cannot be used. Does it hold a folder or an extension? Give the part before .crt: "
            "letters, digits, dot, dash, underscore.",
        ),
        ({"content": GIVEN, "path": "certs"}, "path: certs does not begin with /. Give the whole path."),
        (
            {"content": GIVEN, "mode": "0644"},
            "mode: 0644 lets everybody at the private key. Is it meant for certificate_mode? Take 0600, or 0640 with the group "
            "of the service.",
        ),
        (
            {"content": GIVEN, "mode": "0660"},
            "mode: others than the owner could replace the content. Take 0600 or 0640 for the key, 0644 for the certificate.",
        ),
        (
            {"content": GIVEN, "certificate_mode": "0666"},
            "certificate_mode: others than the owner could replace the content. Take 0600 or 0640 for the key, 0644 for the "
            "certificate.",
        ),
        ({"content": GIVEN, "mode": "0040"}, "mode: 0040 does not let the owner read. Take 0600 or 0640."),
        (
            {"content": GIVEN, "accept": ["certificate.key.match"]},
            "accept: certificate.key.match cannot be accepted. No server starts with such a pair.",
        ),
        (
            {"content": GIVEN, "accept": ["certificate.name"]},
            "accept: there is no check certificate.name. Is it misspelt? Known: "
            + ", ".join(id_ for id_, _question, _source in bundle.TABLE)
            + ".",
        ),
        ({"content": GIVEN, "delivered": "[1]"}, "delivered is for the action plugin only. Use sources."),
    ],
)
def test_wrong_input(run, folder, arguments, message):
    assert run(**arguments)["msg"] == message
    assert not folder.exists()


def test_key_path_that_is_not_there(run):
    result = run(content=GIVEN, key_path="/nowhere/chat.key")
    assert result["msg"].startswith("There is no file or folder '/nowhere/chat.key'. ")


def test_key_path_without_a_key(run, tmp_path):
    path = tmp_path / "root.crt"
    assert run(content=GIVEN, key_path=str(path))["msg"] == (
        f"key_path: there is no private key in {path}. Is it the certificate's file? Name the file of the key."
    )


def test_trust_anchors_without_a_certificate(run):
    assert run(content=GIVEN, trust_anchors=[])["msg"] == (
        "trust_anchors: there is no certificate in what it names. Is the list or the folder empty? Name the root of the "
        "company's CA, or leave trust_anchors out to trust what the host trusts."
    )


def test_a_full_disk_leaves_the_old_pair(run, folder, monkeypatch):
    run(content=GIVEN)
    before = everything(folder)

    def full(descriptor, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    result = run(content=[*pem(ROOT, REKEYED, ISSUING), key(REKEYED)])
    assert result["msg"] == (
        f"The pair corp.test could not be written to {folder}: No space left on device. What was there before is in place. Is "
        "the disk full, or the file system mounted read-only? Remove the cause and run it again: it goes on from here."
    )
    assert everything(folder) == before


def test_without_the_library(run, monkeypatch):
    monkeypatch.setattr(lib, "CRYPTOGRAPHY_ERROR", "Traceback")
    result = run(content=GIVEN)
    assert result["failed"] is True
    assert "(cryptography)" in result["msg"]


def test_an_old_python(run, monkeypatch):
    monkeypatch.setattr(certificate_bundle.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(certificate_bundle.sys, "version", "3.9.2 (default, Feb 28 2021)")
    monkeypatch.setattr(certificate_bundle.sys, "executable", "/usr/bin/python3")
    assert run(content=GIVEN)["msg"] == (
        "certificate_bundle needs Python 3.11 or newer where it runs, and this is 3.9.2 (/usr/bin/python3). Set "
        "ansible_python_interpreter to a newer one."
    )
