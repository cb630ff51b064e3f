#!/usr/bin/python
# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: win_client
short_description: One client package on a Windows desktop, at one version, with its settings
version_added: 0.1.0
author:
  - onprem.chat maintainers (@onprem-chat)
description:
  - Installs, upgrades, repairs or removes an MSI or EXE package on a Windows host, for the machine or for each of its users, and
    sets the registry settings that belong to it.
  - Needs no PowerShell on the host. It runs the host's own programs (C(msiexec), C(reg), C(certutil), C(curl), C(schtasks)) over the
    same C(winrm) connection that the inventory describes for C(ansible.windows).
  - The package is read on the controller. Whether something is to be done is asked of the host's registry, in few requests, before
    anything is transferred. Products of the same UpgradeCode count as versions of one client.
  - An installer runs from a batch file on the host that keeps a journal. When the connection is lost it goes on, the task waits for
    it over a new connection, and nothing is installed twice.
  - Afterwards the registry is asked again. The task fails when the wanted version is not there, whatever the installer said.
  - Versions of MSI packages are compared as Windows Installer does, by their first three fields.
  - Nothing restarts the host. RV(reboot_required) says when somebody should.
extends_documentation_fragment:
  - onprem.chat._attributes
  - onprem.chat._win_settings
attributes:
  check_mode:
    support: full
    details: The host is asked, nothing is transferred or changed.
  diff_mode:
    support: full
    details: The installed version before and after, and the registry settings.
  idempotent:
    support: full
    details: With O(state=repair) the repair is done every time.
options:
  package:
    description:
      - The package on the controller, an C(.msi) or C(.exe) file. Relative paths are looked for as for
        M(ansible.builtin.copy), in C(files) first.
      - Or an https URL. It is downloaded on the controller, once for all hosts, into a folder of C($XDG_CACHE_HOME/onprem-chat) that is
        readable by its owner only. A download that breaks off is continued. A URL needs O(sha256), or O(signature) with a signer or a
        thumbprint. Then it is fetched once in a run.
      - Neither a password nor a query in the URL is shown anywhere.
      - May be left out with O(state=absent) when O(product_code), O(upgrade_code) or O(uninstall_key) says what is removed.
    type: path
  sha256:
    description:
      - The SHA-256 that the package must have. Without it and without O(signature), the package on the controller is trusted as it is.
    type: str
  ca_path:
    description:
      - PEM file with the authorities that may vouch for the server of a O(package) that is a URL, instead of those of the controller.
    type: path
  signature:
    description:
      - Verify the Authenticode signature of the package on the controller before anything is sent, with the program C(osslsigncode), which
        must be installed there. The file must be what was signed, the signer's certificate must be meant for signing software and be
        issued by a trusted authority, and it must be valid, now or at the time of a trusted timestamp.
      - Revocation lists are not fetched. Only the first signature counts, as on Windows. Transforms are not covered.
      - Verified once in a run for all hosts that get the same bytes. Not looked at with O(state=absent).
    type: dict
    suboptions:
      signer:
        description:
          - Common name, organisation or whole subject (RFC 4514) of the certificate that signed it. The case of letters does not matter.
        type: str
      thumbprint:
        description: SHA-1 or SHA-256 of the certificate that signed it, as Windows shows it.
        type: str
      trust_anchors:
        description:
          - PEM files with the authorities to trust, for the signature and for its timestamp. By default the controller's own
            list, which is meant for web servers and lacks many that vouch for software.
          - Without O(signature.signer) and O(signature.thumbprint) everybody for whom they vouch is trusted.
        type: list
        elements: path
  state:
    description:
      - V(present) installs the package or upgrades to it. V(absent) removes every version. V(repair) writes everything anew and
        installs when nothing is there.
      - With V(absent) the values that O(settings) would set are removed, and what O(settings) removes is removed, too. Other values
        are left alone, and so are keys, see O(onprem.chat.win_registry#module:state).
    type: str
    choices: [present, absent, repair]
    default: present
  scope:
    description:
      - For whom it is installed. V(machine) for all users of the host at once.
      - With V(user) every user installs it himself, in his own session and without administrator's rights. The package stays on the
        host, below C(%ProgramFiles%), and a scheduled task runs it at each user's next logon. For those who are logged on it is run
        at once, all at the same time, and waited for.
      - A user who is not logged on is V(pending), which is neither a failure nor a change. RV(users) has the state of each profile.
      - A user's newer version is never replaced unless O(allow_downgrade) is set, and the task fails for it at the end unless
        O(keep_newer) is.
      - With O(state=absent) uninstallers run the same way. The task and the folder go when nobody has the client any more, so the
        task has to be run again after everybody has logged on once. Name the client as when it was installed, by O(package),
        O(upgrade_code) or O(uninstall_key).
      - With O(state=repair) the installer runs again for everybody, at the next logon where it cannot be now. One that fails is tried
        again at every logon.
    type: str
    choices: [machine, user]
    default: machine
  version:
    description:
      - The version that the host's registry has when the package is installed. By default the version that the package itself says.
      - Needed for an EXE that registers another version than its file has.
      - With O(scope=user) a batch file compares it in each user's session. A version with more than six numbers, or more than 20
        digits in one, or with signs other than letters and those of ASCII, is refused there.
    type: str
  allow_downgrade:
    description: Remove a newer version and install this one. Without it the task fails when a newer one is installed.
    type: bool
    default: false
  keep_newer:
    description:
      - A newer version is as good as this one, for clients that update themselves. It is left alone, and the settings are still set.
      - Not together with O(allow_downgrade).
    type: bool
    default: false
  version_file:
    description:
      - Path of a program on the host, for instance C(C:\Program Files\Chat\chat.exe). When the client is installed, the version of
        this file counts instead of the one in the registry, for clients that update themselves without telling it. Where the file is
        not there the client is installed again.
      - Compared with O(version), so give that where the package says another version than its program.
      - Read by the host's C(cscript.exe). The task fails where Windows Script Host is switched off. Not with O(scope=user).
    type: str
  product_code:
    description: ProductCode of an MSI, instead of the package's own.
    type: str
  upgrade_code:
    description: UpgradeCode of an MSI, instead of the package's own.
    type: str
  uninstall_key:
    description:
      - Name of the key below C(Software\Microsoft\Windows\CurrentVersion\Uninstall) under which an EXE registers itself. Both views of
        the registry are looked at.
      - Required for EXE packages.
    type: str
  arguments:
    description:
      - Pieces of the command line, joined by one space and otherwise as they are.
      - For an EXE they replace the silent switches that are known for the tool it was built with. For an MSI they come last.
      - Everybody on the host can see command lines. Give no secrets.
    type: list
    elements: str
  uninstall_arguments:
    description: The same for removal. For an EXE they are added to the command that is registered on the host.
    type: list
    elements: str
  properties:
    description:
      - Public properties of an MSI, as in V(SERVER). They are seen on the host while it installs. Give no secrets.
      - Like O(arguments) and O(transforms) they count when something is installed. A host that has the version is not touched because
        they changed; use O(settings) for that.
      - Numbers are taken as they are; yes, no, and an empty value need quotation marks.
    type: dict
  transforms:
    description: Transforms (C(.mst) files on the controller), applied in this order.
    type: list
    elements: path
  success_codes:
    description:
      - Exit codes that mean success, beside those of Windows Installer.
      - Those above 31 bits with a sign (V(-2147021886)) or without one (V(2147945410)); results show them without.
    type: list
    elements: int
  delivery:
    description:
      - How the package gets to the host. V(pull) lets its C(curl.exe) fetch O(url), V(smb) writes it to the host's administrative
        share with the account of the connection, by its password or Kerberos ticket (needs the Python library C(smbprotocol[kerberos])
        on the controller), V(channel) sends it through WinRM, which is slow. V(share) lets the host copy it from O(share).
      - V(auto) takes O(url) when it is given, then O(share) when it is given, then SMB for packages above 512 KiB (where the connection has
        a password, or logs in by Kerberos), then the channel. When one fails it takes the next one, and a warning says why. A full disk of the host ends it.
      - In every case the SHA-256 is calculated on the host before anything is started, and the package is removed afterwards.
    type: str
    choices: [auto, pull, smb, channel, share]
    default: auto
  url:
    description:
      - Where the host can get the same package. The host must trust the server's certificate.
      - One with a user or a query reaches C(curl.exe) by its standard input, so that a token in it is not seen in lists of processes.
    type: str
  share:
    description:
      - The same package on a share that the host reaches, as C(\\SERVER\SHARE\FOLDER\FILE).
      - The host copies it as SYSTEM, by a scheduled task that is removed afterwards, and installs the copy after its SHA-256 was
        calculated. A WinRM session has no identity towards a second server, SYSTEM has that of the host. So the share must let the host's
        account read, for instance by the group Domain Computers, both on the share and in the file system. Hosts that are in no domain
        cannot use it.
    type: str
  free_space:
    description: The space that must be free on the host, in MiB. By default three times the package and 100 MiB.
    type: int
  close:
    description:
      - Programs to be closed before the installer runs, by their whole names as the page Details of the task manager shows them, with
        C(.exe). A name is taken as it is, with whatever signs a file name may have.
      - Refused are patterns (V(chat*)), paths, numbers, names that begin with a dash, and what the installation itself runs by
        (C(cmd.exe), C(svchost.exe)).
      - They are asked first. Windows passes this on only to programs of the session in which the installer runs.
      - With O(scope=user) each user's run closes them, so those that are that user's. It does so only when it installs something.
    type: list
    elements: str
  force_close:
    description: End those that still run ten seconds later. What users have not saved is lost.
    type: bool
    default: false
  run_as:
    description:
      - V(session) runs the installer in the WinRM session, V(system) as SYSTEM by a scheduled task that is removed afterwards.
      - V(auto) runs it in the session, and as SYSTEM when Windows Installer cannot work there (1601, 1640).
    type: str
    choices: [auto, session, system]
    default: auto
  deadline:
    description:
      - Seconds that the installer may take. Then it is ended with everything that it started, and the task fails.
      - A dialog that nobody sees ends this way.
    type: int
    default: 1800
  retry_busy:
    description: Seconds for which it is tried again while another installation is running (1618).
    type: int
    default: 900
notes:
  - In the laboratory this was run against Wine behind a WinRM endpoint of this collection, not against Windows.
seealso:
  - module: onprem.chat.win_registry
"""

EXAMPLES = r"""
- name: Chat client for all users, with the address of the server
  onprem.chat.win_client:
    package: corp-chat-2.1.0.msi
    url: https://files.corp.test/corp-chat-2.1.0.msi
    properties:
      SERVER: chat.corp.test
    settings:
      - key: HKLM\SOFTWARE\Policies\Corp Chat
        name: AutoUpdate
        type: dword
        data: 0

- name: From the vendor's site by way of the controller, and only when the vendor has signed it
  onprem.chat.win_client:
    package: https://downloads.vendor.test/chat-2.1.0.msi
    sha256: 5994982b7e5c0e38e965e62eb245f169b27fd631ce071439ed22634f41761ad4
    signature:
      signer: Vendor Ltd
      trust_anchors: [code-signing-roots.pem]

- name: It lies on a share of the company already
  onprem.chat.win_client:
    package: corp-chat-2.1.0.msi
    delivery: share
    share: \\files.corp.test\packages\corp-chat-2.1.0.msi

- name: An EXE, the running program closed first
  onprem.chat.win_client:
    package: corp-voice-1.4.exe
    uninstall_key: Corp Voice
    close: [corpvoice.exe]
    force_close: true

- name: An EXE that every user installs for himself, at once or at his next logon
  onprem.chat.win_client:
    package: corp-talk-mine-3.2.exe
    uninstall_key: Corp Talk Mine
    scope: user

- name: Away with it, whatever version it is
  onprem.chat.win_client:
    upgrade_code: "{6F8C1D20-5B1A-4C6E-9A00-0000000000FF}"
    state: absent
"""

RETURN = r"""
client:
  description: What was wanted, as the package and the options say.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the product.
      type: str
      returned: always
    version:
      description: The version.
      type: str
      returned: always
    kind:
      description: V(msi) or V(exe).
      type: str
      returned: always
    product_code:
      description: ProductCode of an MSI.
      type: str
      returned: always
    upgrade_code:
      description: UpgradeCode of an MSI.
      type: str
      returned: always
    uninstall_key:
      description: Key of an EXE.
      type: str
      returned: always
    sha256:
      description: Of the package. Empty without one.
      type: str
      returned: always
reason:
  description: Why something was to be done, or why not.
  returned: success
  type: str
  sample: 1.0.0 is installed
found:
  description: What was installed before.
  returned: when the host was asked
  type: list
  elements: dict
  sample:
    - key: "{6F8C1D20-5B1A-4C6E-9A00-000000000100}"
      name: Corp Talk
      version: 1.0.0
      scope: machine
      sid: S-1-5-18
installed:
  description: What is installed now. In check mode, what would be.
  returned: success
  type: list
  elements: dict
steps:
  description: The installers that were run.
  returned: when the host was asked
  type: list
  elements: dict
  contains:
    action:
      description: V(install), V(update), V(repair) or V(uninstall).
      type: str
      returned: always
    run_as:
      description: V(session) or V(system), V(user) with O(scope=user).
      type: str
      returned: always
    user:
      description: In whose session it ran.
      type: str
      returned: with O(scope=user)
    exit_code:
      description: The exit code, unsigned.
      type: int
      returned: when the installer gave one
    meaning:
      description: What it means.
      type: str
      returned: always
    tries:
      description: How often it was started because another installation was running.
      type: int
      returned: always
users:
  description: Everybody who has a profile on the host, after what was done. In check mode, before.
  returned: with O(scope=user)
  type: list
  elements: dict
  contains:
    name:
      description: Name of the account, or of the profile's folder where nobody is logged on.
      type: str
      returned: always
    sid:
      description: SID of the account.
      type: str
      returned: always
    logged_on:
      description: Whether this user has a session.
      type: bool
      returned: always
    state:
      description:
        - V(installed), V(pending) (at the next logon; with O(state=absent) the removal, after O(state=repair) the repair), V(outdated)
          (an older version until the next logon), V(newer), V(failed), V(absent), or V(unknown) where the registry of this profile
          could not be read.
      type: str
      returned: always
    version:
      description: The version that this user has. Empty without one.
      type: str
      returned: always
    exit_code:
      description: Exit code of the installer's last run for what is wanted now, unsigned. None when it did not run.
      type: int
      returned: always
signature:
  description: Who signed the package. Times are in UTC.
  returned: when O(signature) was given and holds
  type: dict
  contains:
    signer:
      description: Common name of the certificate.
      type: str
      returned: always
    subject:
      description: Its whole subject.
      type: str
      returned: always
    issuer:
      description: Who issued it.
      type: str
      returned: always
    thumbprint:
      description: Its SHA-1, as Windows shows it.
      type: str
      returned: always
    not_after:
      description: Until when it is valid.
      type: str
      returned: always
    time:
      description: When it was signed, as a trusted timestamp says. Empty without one.
      type: str
      returned: always
delivery:
  description: How the package came to the host. Empty when none was needed, V(present) when it was there already.
  returned: when the host was asked
  type: str
reboot_required:
  description: Whether an installer said that the host must be restarted.
  returned: when the host was asked
  type: bool
exit_code:
  description: Exit code of the installer that failed.
  returned: when an installer failed
  type: int
log_lines:
  description: The lines of Windows Installer's log that say why.
  returned: when an MSI failed
  type: list
  elements: str
error:
  description: The parts of the message.
  returned: failure
  type: dict
  contains:
    what:
      description: What happened.
      type: str
      returned: always
    where:
      description: Where.
      type: str
      returned: always
    cause:
      description: The likely cause.
      type: str
      returned: always
    remedy:
      description: What to do.
      type: str
      returned: always
"""
