# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in of MTS Link itself, driven by hand: it must go the way of the guide, and refuse what the guide says does not work.

What the roles and installer_dialog are proven with is worth what this is worth.
"""

from __future__ import annotations

import threading
import time

import pytest
from company_ca import CompanyCA
from lab_mts_link import ADDRESS, CHATS, INSTALLED, LINKS, NAMES, REGISTRY, REP_BOX, MtsLink
from mts_link_dialog import talk
from mts_link_standin import CHATS_ASKS, DOCKER, INSTALLER, REFUSED, WORDING, Standin

STEPS = ("checks", "licence", "registry", "pull", "configure", "start", "finish")


@pytest.fixture(scope="module")
def standin(mts_link: MtsLink) -> Standin:
    """On bare hosts; the vendor does nothing wrong."""
    ca = CompanyCA(mts_link.lab.state)
    made = Standin(mts_link, ca, ca.issue(NAMES))
    mts_link.prepare(made.pair)
    mts_link.write("meetings", INSTALLER, (mts_link.folder / "installer.sh").read_text(), "0755")
    made.answers = {"domain": CHATS, "licence_key": mts_link.licence_key, "token": "unknown", "extra": "y"}
    return made


@pytest.fixture
def linked(standin: Standin) -> Standin:
    """Ready for the installer on Chats."""
    standin.language = "en"
    standin.linked()
    return standin


def whole_way(standin: Standin) -> dict[str, str]:
    """From nothing to the token on Meetings; what was installed."""
    standin.linked()
    talked = standin.install()
    assert (talked.code, talked.open_questions) == (0, ()), talked.screen
    assert talked.screen.rstrip().splitlines()[-1] == standin.says("out_installed", CHATS)
    installed = standin.link.installed()
    assert installed["token"] == talked.value("Integrational token")
    talked = standin.add_token(token=installed["token"])
    assert talked.code == 0, talked.screen
    assert standin.link.linked() == {key: installed[key] for key in ("client_id", "client_secret", "token")}
    return installed


def pages(link: MtsLink) -> list[str]:
    """Status of the login page, of the root, and of port 80, as users see them."""
    ask = "curl -sS -o /dev/null -w '%{http_code} ' --cacert $ONPREM_CHAT_LAB_STATE/company-ca.crt "
    urls = f"https://{CHATS}/chats/", f"https://{CHATS}/", f"http://{CHATS}/chats/"
    return link.shell("users", "; ".join(ask + url for url in urls)).split()


def test_whole_way_in_english(standin: Standin):
    standin.language = "en"
    whole_way(standin)
    assert pages(standin.link) == ["200", "403", "301"]
    serial = standin.link.shell(
        "users", f"openssl s_client -connect {ADDRESS}:443 </dev/null 2>/dev/null | openssl x509 -noout -serial"
    )
    assert int(serial.partition("=")[2], 16) == standin.pair.certificate.serial_number


def test_whole_way_in_russian_with_everything_that_makes_it_hard_to_read(standin: Standin):
    standin.language = "ru"
    odd = {"colours": 1, "typing": 0.002, "wrap": 11, "no_space": 1}
    standin.link.uninstall()
    with standin.link.settings("chat", **odd, silent=1), standin.link.settings("meetings", **odd):
        talked = standin.cfglink()
        answers = {"client_id": talked.value("Client ID"), "client_secret": talked.value("Client secret")}
        talked = standin.install(**answers)
    assert talked.code == 0, talked.screen
    assert answers["client_secret"] not in talked.screen  # it was not echoed
    assert standin.link.installed()["token"] == talked.value("Integrational token")


@pytest.fixture(scope="module")
def refusing(standin: Standin) -> Standin:
    """One link for all refusals: none of them may change it."""
    standin.language = "en"
    standin.linked()
    return standin


@pytest.mark.parametrize("case", REFUSED)
def test_chats_refuses(refusing: Standin, case: str):
    plant, answers, expected = REFUSED[case]
    with plant(refusing):
        for refusing.language in WORDING:
            talked = refusing.install(**answers)
            text = expected
            if not isinstance(expected, str):
                text = refusing.says("error", refusing.says(f"refused_{expected[0]}", *expected[1:]))
            assert talked.screen.rstrip().endswith(text), talked.screen
            assert talked.code == 1
        assert refusing.link.installed() == {}


def test_chats_installs_after_all_these_refusals(refusing: Standin):
    refusing.language = "en"
    talked = refusing.install()
    assert talked.code == 0, talked.screen
    assert refusing.says("out_cleaning") in talked.screen
    refusing.link.uninstall()


MEETINGS_REFUSES = {
    "no domain": ({"domain": "chats corp"}, ("domain", "chats corp")),
    "another second level": ({"domain": "chats.other.test"}, ("other_domain", "chats.other.test", "meet.corp.test")),
    "host not set up": ({"domain": "talk.corp.test"}, ("unknown_name", "talk.corp.test")),
}


@pytest.mark.parametrize("language", WORDING)
@pytest.mark.parametrize("case", MEETINGS_REFUSES)
def test_cfglink_refuses(standin: Standin, case: str, language: str):
    standin.language = language
    answers, (key, *values) = MEETINGS_REFUSES[case]
    talked = standin.cfglink(**answers)
    assert talked.screen.rstrip().endswith(standin.says("error", standin.says(f"refused_{key}", *values)))
    assert talked.code == 1
    assert standin.link.linked(answers["domain"]) == {}


@pytest.mark.parametrize("language", WORDING)
def test_add_chats_token_refuses(standin: Standin, language: str):
    standin.language = language
    standin.link.uninstall()

    def refused(key: str, *values: str, **answers: str) -> None:
        talked = standin.add_token(**answers)
        assert talked.screen.rstrip().endswith(standin.says("error", standin.says(f"refused_{key}", *values)))
        assert (talked.code, "token" in standin.link.linked()) == (1, False)

    refused("not_linked", CHATS)
    standin.linked()
    refused("token")
    assert standin.install().code == 0
    token = standin.link.installed()["token"]
    other = "chats2.corp.test"
    standin.link.write("meetings", f"{LINKS}/{other}.conf", "client_id=x\n")
    refused("token_domain", token=token, domain=other)
    standin.link.shell("chat", "systemctl stop mts-link-chats-standin")
    refused("no_answer", CHATS, token=token)
    with standin.link.refusing(REP_BOX):
        refused("unreachable", REP_BOX, "dial tcp: connect: connection refused", token=token)


def test_only_root_and_only_the_known_option(linked: Standin):
    copy = "/tmp/installer.sh"
    linked.link.shell("chat", f"install -m 0755 {INSTALLER} {copy}")
    talked = linked.run("chat", ["setpriv", "--reuid=nobody", "--clear-groups", copy], [])
    assert (talked.screen.strip(), talked.code) == (linked.says("error", linked.says("refused_root")), 1)
    talked = linked.run("chat", [INSTALLER, "--yes"], [])
    assert (talked.screen.strip(), talked.code) == (linked.says("error", linked.says("refused_usage", "--yes")), 1)


def test_what_is_killed_at_any_step_is_done_by_the_next_run(linked: Standin):
    for step in STEPS:
        with linked.link.settings("chat", crash=step):
            assert linked.install().code in (-9, 137)
        assert linked.link.unfinished() == (step not in STEPS[:2])
    assert linked.link.installed() == {}
    assert linked.install().code == 0
    assert linked.link.installed()["client_id"] == linked.answers["client_id"]
    assert linked.link.trace("chat").count("installer.sh asked licence_key") == len(
        STEPS
    )  # once a run, but for that without


def test_planted_error_and_exit_code(linked: Standin):
    with linked.link.settings("chat", fail="configure", exit_code=0):
        talked = linked.install()
    assert talked.screen.rstrip().endswith(linked.says("error", linked.says("refused_planted", "configure")))
    assert (talked.code, linked.link.installed()) == (0, {})


def test_error_of_the_registry_as_the_guide_prints_it(linked: Standin):
    with linked.link.faults({"name": REGISTRY, "status": 401}), linked.link.settings("chat", error_wrap=1):
        talked = linked.install()
    assert talked.screen.rstrip().splitlines()[-3:] == [DOCKER.rstrip(), "unauthorized:", "Incorrect login or password"]


@pytest.mark.parametrize("step", ["pull", "configure"])
def test_disk_full_in_the_middle(linked: Standin, step: str):
    """A real file system that is too small, or becomes full later; the run after it has room again."""
    room = 2048 if step == "pull" else 5000
    with linked.link.small_disk(room), linked.link.settings("chat", disk_full=step):
        talked = linked.install()
        assert "o space left on device" in talked.screen.splitlines()[-1], talked.screen
        assert talked.code == 1
        assert linked.link.unfinished()
    assert linked.install().code == 0


def test_second_run(linked: Standin):
    first = linked.install()
    installed = linked.link.installed()
    again = linked.run("chat", [INSTALLER], [])
    assert again.screen.strip() == linked.says("error", linked.says("refused_again", CHATS))
    with linked.link.settings("chat", again="idempotent"):
        again = linked.run("chat", [INSTALLER], [])
    assert again.value("Integrational token") == first.value("Integrational token") == installed["token"]
    with linked.link.settings("chat", again="regenerate"):
        again = linked.install()
    assert again.code == 0
    assert again.value("Integrational token") != installed["token"]
    assert installed["token"] not in linked.link.issued()["tokens"]
    # And Meetings.
    assert linked.cfglink().screen.rstrip().endswith(linked.says("refused_again", CHATS))
    with linked.link.settings("meetings", again="idempotent"):
        assert linked.cfglink().value("Client ID") == linked.answers["client_id"]
    with linked.link.settings("meetings", again="regenerate"):
        assert linked.cfglink().value("Client ID") != linked.answers["client_id"]


def test_token_that_is_there(linked: Standin):
    linked.install()
    token = linked.link.installed()["token"]
    assert linked.add_token(token=token).code == 0
    again = linked.add_token(token=token)
    assert again.screen.rstrip().endswith(linked.says("error", linked.says("refused_token_again", CHATS)))
    assert again.code == 1
    for kind in ("idempotent", "regenerate"):
        with linked.link.settings("meetings", again=kind):
            again = linked.add_token(token=token)
        assert (again.code, again.screen.rstrip().splitlines()[-1]) == (0, linked.says("out_token_added", CHATS))
    assert linked.link.linked()["token"] == token


def test_wrong_answer_is_asked_for_again(linked: Standin):
    texts = WORDING["en"]
    answers = [(texts["ask_licence_key"], word) for word in ("wrong", "also wrong", linked.link.licence_key)]
    answers += [(texts[f"ask_{one}"], linked.answers[one]) for one in CHATS_ASKS[1:]]
    with linked.link.settings("chat", attempts=3):
        talked = talk(linked.link.lab.command("chat", [INSTALLER]), answers)
        assert talked.code == 0, talked.screen
        assert talked.screen.count(linked.says("refused_licence")) == 2


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1)])
def test_question_that_nobody_expects(linked: Standin, answer: str, code: int):
    with linked.link.settings("chat", extra_prompt="end"):
        talked = linked.install("extra", extra=answer)
    assert (talked.code, talked.open_questions) == (code, ()), talked.screen
    assert bool(linked.link.installed()) == (not code)


def test_step_that_hangs_goes_on_when_told(linked: Standin):
    def go_on() -> None:
        while "installer.sh step pull" not in linked.link.trace("chat"):
            time.sleep(0.2)
        linked.link.set("chat", "hang", None)

    linked.link.set("chat", "hang", "pull")
    other = threading.Thread(target=go_on)
    other.start()
    talked = linked.install()
    other.join()
    assert talked.code == 0, talked.screen


def test_installer_that_is_killed_while_it_hangs(linked: Standin):
    """By its terminal, which goes away."""
    answers = [(WORDING["en"][f"ask_{one}"], linked.answers[one]) for one in CHATS_ASKS]
    with linked.link.settings("chat", hang="pull"):
        talked = talk(linked.link.lab.command("chat", [INSTALLER]), answers, until=linked.says("step_pull"))
        # Before nothing hangs any more: it would go on, beside the next run.
        linked.link.shell(
            "chat",
            "for _time in $(seq 300); do grep -qsz '/[i]nstaller.sh' /proc/[0-9]*/cmdline || exit 0; sleep 0.2; done; exit 1",
        )
    assert (talked.code, talked.open_questions) == (-9, ())
    assert linked.link.unfinished()
    assert linked.install().code == 0


def test_nothing_of_it_is_for_others(linked: Standin):
    linked.install()
    for host, folder in (("chat", INSTALLED), ("meetings", LINKS)):
        assert linked.link.shell(host, f"find {folder} -perm /077 -not -type l") == ""
    trace = linked.link.shell("chat", "cat /var/log/mts-link-standin.log")
    for secret in (linked.link.licence_key, *linked.link.installed().values()):
        assert secret == CHATS or secret not in trace
