# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxies in all the places where programs look for one, and the passwords in them."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._host import proxies
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.host_fake import Host

PROXY = "http://proxy.corp.test:3128"
SECRET = "s3cret/p@ss"


@pytest.fixture(name="host")
def _host(tmp_path):
    return Host(tmp_path)


def ask(host):
    return host.said("host.proxy", proxies=True)


def test_none(host):
    assert ask(host) == ("pass", "none found")
    assert host.ran == [("apt-config", "dump")]


def test_not_asked(host):
    assert host.all("host.proxy") == []
    assert host.ran == []


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "ftp_proxy"])
def test_environment_of_the_task(host, name):
    host.machine.environment = {"PATH": "/bin", name: PROXY, "no_proxy": "localhost"}
    assert ask(host) == ("warn", f"{name}={PROXY} (environment of this task)")


def test_what_is_no_proxy(host):
    host.machine.environment = {"http_proxy": " ", "no_proxy": "corp.test", "my_http_proxy": PROXY}
    host.write("etc/environment", f"#http_proxy={PROXY}\nno_proxy=corp.test\nhttps_proxy=\n")
    host.write("etc/wgetrc", f"#http_proxy = {PROXY}\nuse_proxy = on\n")
    host.write("etc/systemd/system.conf", f"[Manager]\n#DefaultEnvironment=http_proxy={PROXY}\n")
    host.write("etc/docker/daemon.json", '{"proxies": {"no-proxy": "corp.test"}, "log-driver": "journald"}')
    host.write("root/.docker/config.json", '{"auths": {"registry": {"auth": "c2VjcmV0"}}}')
    host.write("etc/profile.d/notes.txt", f"export http_proxy={PROXY}\n")
    apt = 'Acquire::http::Proxy "DIRECT";\nAcquire::https::Proxy "";\nAcquire::http::Pipeline-Depth "5";\n'
    host.program("apt-config", apt)
    assert ask(host) == ("pass", "none found")


@pytest.mark.parametrize(
    ("path", "text", "name"),
    [
        ("etc/environment", f'http_proxy="{PROXY}"\n', "http_proxy"),
        ("etc/environment", f"  HTTPS_PROXY={PROXY}\n", "HTTPS_PROXY"),
        ("etc/environment.d/90-proxy.conf", f"all_proxy={PROXY}\n", "all_proxy"),
        ("etc/profile", f"export http_proxy={PROXY}\n", "http_proxy"),
        ("etc/profile.d/proxy.sh", f"http_proxy='{PROXY}'; export http_proxy\n".replace("; export http_proxy", ";"), "http_proxy"),
        ("etc/profile.d/proxy.sh", f"export HTTP_PROXY='{PROXY}' # the company's\n", "HTTP_PROXY"),
        ("etc/bash.bashrc", f"  export https_proxy={PROXY}\n", "https_proxy"),
        ("etc/default/docker", f'export http_proxy="{PROXY}"\n', "http_proxy"),
        ("root/.bashrc", f"export http_proxy={PROXY}\n", "http_proxy"),
        ("etc/wgetrc", f"https_proxy = {PROXY}\n", "https_proxy"),
        ("root/.wgetrc", f"http_proxy={PROXY}\n", "http_proxy"),
        ("root/.curlrc", f'proxy = "{PROXY}"\n', "proxy"),
        ("root/.curlrc", f"--proxy {PROXY}\n", "proxy"),
        ("etc/systemd/system.conf", f"[Manager]\nDefaultEnvironment=A=b http_proxy={PROXY}\n", "http_proxy"),
        ("etc/systemd/system.conf.d/p.conf", f'[Manager]\nDefaultEnvironment="https_proxy={PROXY}"\n', "https_proxy"),
        ("etc/systemd/system/docker.service.d/http.conf", f'[Service]\nEnvironment="HTTP_PROXY={PROXY}"\n', "HTTP_PROXY"),
        ("etc/systemd/system/docker.service.d/http.conf", f"[Service]\nEnvironment=A=b \\\n  HTTPS_PROXY={PROXY}\n", "HTTPS_PROXY"),
        ("etc/systemd/system/containerd.service.d/p.conf", f"[Service]\nEnvironment='all_proxy={PROXY}'\n", "all_proxy"),
        ("etc/docker/daemon.json", f'{{"proxies": {{"http-proxy": "{PROXY}"}}}}', "http-proxy"),
        ("root/.docker/config.json", f'{{"proxies": {{"default": {{"httpsProxy": "{PROXY}"}}}}}}', "httpsProxy"),
    ],
)  # fmt: skip
def test_files(host, path, text, name):
    host.write(path, text)
    assert ask(host) == ("warn", f"{name}={PROXY} (/{path})")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (f'Acquire::http::Proxy "{PROXY}";', "Acquire::http::Proxy"),
        (f'Acquire::https::Proxy::deb.debian.org "{PROXY}";', "Acquire::https::Proxy"),
        ('Acquire::http::Proxy-Auto-Detect "/usr/bin/auto-apt-proxy";', "Acquire::http::Proxy-Auto-Detect"),
    ],
)
def test_apt(host, line, name):
    host.program("apt-config", f'APT "";\n{line}\nAcquire::Retries "3";\n')
    assert ask(host) == ("warn", f"{name}={line.split()[1].strip(chr(34) + ';')} (apt)")


def test_all_are_told_with_what_to_do(host):
    host.machine.environment = {"https_proxy": PROXY}
    host.write("etc/environment", f"https_proxy={PROXY}\n")
    check = host.one("host.proxy", proxies=True)
    assert (
        check["evidence"] == f"https_proxy={PROXY} (environment of this task); https_proxy={PROXY} (/etc/environment)"
    )
    assert "no_proxy" in check["hint"]


def test_files_that_this_user_may_not_read(host, monkeypatch):
    real = type(host.root).read_text

    def read_text(self, *arguments, **more):
        if "/root/." in str(self) or str(self).endswith("wgetrc"):
            raise PermissionError(13, "Permission denied")
        return real(self, *arguments, **more)

    monkeypatch.setattr(type(host.root), "read_text", read_text)
    assert ask(host) == ("pass", "none found; not readable without root: /root, /etc/wgetrc")


@pytest.mark.parametrize("text", ["{", "[]", '{"proxies": []}', '{"proxies": {"default": "x"}}', "null", ""])
def test_broken_json(host, text):
    host.write("root/.docker/config.json", text)
    assert ask(host)[0] == "pass"


def test_curls_other_settings_of_proxies(host):
    host.write(
        "root/.curlrc", f"proxy-user = anna:{SECRET}\n--proxy-user anna:{SECRET}\nproxy-header x\n-U a:{SECRET}\n"
    )
    assert ask(host) == ("pass", "none found")


def test_a_password_with_a_blank(host):
    host.write("etc/environment", f"http_proxy=http://anna:half #{SECRET}@proxy:3128\n")
    assert ask(host) == ("warn", "http_proxy=http://anna:*** (/etc/environment)")


HTTP, HTTPS = f"http://anna:{SECRET}@one:3128", f"http://bob:{SECRET}@two:3129"


@pytest.mark.parametrize(
    "line",
    [
        f"export http_proxy={HTTP} https_proxy={HTTPS}",
        f"export http_proxy='{HTTP}' https_proxy=\"{HTTPS}\"  # the company's",
        f"http_proxy={HTTP}; https_proxy={HTTPS};export http_proxy https_proxy",
        f"http_proxy={HTTP};export http_proxy;https_proxy={HTTPS} && export https_proxy",
        f"declare -x LANG=C http_proxy={HTTP} no_proxy='a b' https_proxy={HTTPS}",
        f"  export PATH=/bin http_proxy={HTTP} https_proxy={HTTPS} ftp_proxy=",
    ],
)
def test_several_in_a_line(host, line):
    host.write("etc/profile.d/p.sh", f"{line}\n")
    assert ask(host) == (
        "warn",
        "http_proxy=http://anna:***@one:3128 (/etc/profile.d/p.sh);"
        " https_proxy=http://bob:***@two:3129 (/etc/profile.d/p.sh)",
    )


@pytest.mark.parametrize(
    "line",
    [
        "http_proxy=http://anna:12 34@one:3128",
        "http_proxy=http://anna:12\\ 34@one:3128 https_proxy=http://bob:56@one:3128",
        "export http_proxy=http://anna:12 34@two:3128 https_proxy=http://bob:56@one:3128",
        "export http_proxy=http://anna:12;34@one:3128",
        "export http_proxy=http://anna:12&34@one:3128",
        "export http_proxy='http://anna:12 34@one:3128'",
        'export http_proxy="http://anna:12\'34@one:3128"',
        "export http_proxy=http://anna:12'34@one:3128",
    ],
)
def test_a_line_that_no_shell_would_divide_like_that_is_masked_as_a_whole(host, line):
    host.write("etc/environment", f"{line}\n")
    assert ask(host) == ("warn", "http_proxy=http://anna:***@one:3128 (/etc/environment)")


def test_what_is_only_named(host):
    host.write("etc/profile.d/p.sh", "export http_proxy https_proxy\nunset http_proxy\nhttp_proxy= https_proxy=''\n")
    assert ask(host) == ("pass", "none found")


def test_a_broken_quote(host):
    host.write("etc/systemd/system.conf", f'DefaultEnvironment="http_proxy={PROXY}\n')
    assert ask(host)[0] == "pass"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (PROXY, PROXY),
        ("proxy:3128", "proxy:3128"),
        (f"http://anna:{SECRET}@proxy:3128/", "http://anna:***@proxy:3128/"),
        (f"anna:{SECRET}@proxy:3128", "anna:***@proxy:3128"),
        (f"http://{SECRET}@proxy:3128", "http://***@proxy:3128"),
        (f"http://CORP\\anna:{SECRET}@proxy", "http://CORP\\anna:***@proxy"),
        (f"http://an na:{SECRET}@proxy", "http://***@proxy"),
        (f"socks5h://u:{SECRET}@[fd00::1]:1080", "socks5h://u:***@[fd00::1]:1080"),
        (f"http://:{SECRET}@proxy", "http://***@proxy"),
        ("a\nb", "a b"),
        ("http://anna:s3cret", "http://anna:***"),
        ("anna:s3cret/3128", "anna:***"),
        ("http://proxy:3128/x", "http://proxy:3128/x"),
        ("http://[fd00::1]:3128", "http://[fd00::1]:3128"),
        ("$PROXY", "$PROXY"),
    ],
)
def test_passwords_are_masked(value, shown):
    assert proxies.masked(value) == shown


def test_no_password_is_told(host):
    url = f"http://anna:{SECRET}@proxy:3128"
    host.machine.environment = {"http_proxy": url}
    for path, text in {
        "etc/environment": f"http_proxy={url}\n",
        "etc/profile.d/p.sh": f"export https_proxy='{url}'\n",
        "etc/wgetrc": f"http_proxy = {url}\n",
        "root/.curlrc": f"proxy = {url}\n",
        "etc/systemd/system/docker.service.d/p.conf": f'Environment="HTTP_PROXY={url}"\n',
        "root/.docker/config.json": f'{{"proxies": {{"default": {{"httpProxy": "{url}"}}}}}}',
    }.items():
        host.write(path, text)
    host.program("apt-config", f'Acquire::http::Proxy "{url}";\n')
    _status, evidence = ask(host)
    assert evidence.count("http://anna:***@proxy:3128") == 8
    assert not [part for part in (SECRET, "s3cret", "p@ss") if part in evidence]
