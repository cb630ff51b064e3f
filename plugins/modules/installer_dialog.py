#!/usr/bin/python
# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: installer_dialog
short_description: Run an interactive installer once, answer what it asks and keep what it gives
version_added: 0.1.0
author:
  - onprem.chat maintainers (@onprem-chat)
description:
  - Runs an installer that wants a person at the keyboard, on a terminal of its own, answers its prompts, and keeps the values
    that it prints (identifiers, secrets, tokens) in a journal that only root can read.
  - The installer is run by a supervisor, a process of its own session. It goes on when the connection or the controller is lost. The
    next run of the task waits for its end, or returns what came out.
  - A run that ended well is never run again. Its result is returned from the journal.
  - A run that failed is run again. One that was cut off, because the installer, the supervisor or the host went down, is by default
    run again as well, see O(interrupted).
  - It never hangs. A question that no pattern fits, an answer that is refused, an error that is known and the end of
    O(timeout) stop the installer and fail the task with the last screen.
extends_documentation_fragment:
  - onprem.chat._attributes
attributes:
  check_mode:
    support: full
    details: Nothing is run; RV(ignore:changed) is true unless the installer was run to its end.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: Once the installer was run to its end, nothing is run.
options:
  name:
    description:
      - Name of this dialogue on the host, for instance V(chats-install).
      - Letters, digits, dot, dash and underscore.
    type: str
    required: true
  command:
    description:
      - The installer and its arguments. There is no shell. Required with O(state=present).
      - Everybody on the host can see the arguments of a process, so put no secret here.
    type: list
    elements: str
  chdir:
    description: Folder in which it is started. V(/) without it.
    type: path
  environment:
    description:
      - Variables for the installer, beside those of the task.
      - C(TERM) is V(xterm) and C(LANG) V(C.UTF-8) unless they are given here; of C(LANG) that of the task counts as well.
      - It is printed with C(-vvv), so put no secret here.
    type: dict
    default: {}
  prompts:
    description:
      - What the installer may ask. Of several that fit, the first counts.
      - >-
        A prompt is answered when it stands at the end of the output, after everything that moves the cursor, colours or
        overwrites was carried out and wrapped lines were joined, when nothing more comes, and when the installer waits for
        input. Whether it does, the kernel tells (C(/proc/PID/syscall)). Where it does not, one second of silence must do.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name for journal, result and messages.
        type: str
        required: true
      pattern:
        description:
          - Regular expression of Python, searched in what was printed since the last answer. C(^) and C($) stand for lines.
          - >-
            After the match only spaces, punctuation and signs may follow in the line, so V(Client ID) fits C(Client ID:) and not
            C(Client ID: 4711).
          - When the installer ends the line before it waits, end the pattern with V(\\n).
        type: str
        required: true
      answer:
        description: What is typed, one line. V("") is the Enter key alone. One of O(prompts[].answer) and O(prompts[].secret_answer).
        type: str
      secret_answer:
        description:
          - The same for a secret. It is masked wherever it would be seen, also where the terminal shows what is typed.
          - One of less than three characters is masked only there.
        type: str
      enter:
        description:
          - Whether the Enter key is pressed after the answer.
          - V(false) is for a question that takes a single key, as C(read -n 1) of bash does. Enter would be the answer to the next one.
        type: bool
        default: true
      repeat:
        description: How often it may be asked. Once more, and the answer counts as refused.
        type: int
        default: 1
      optional:
        description: Whether a run in which it is not asked is complete.
        type: bool
        default: false
  values:
    description:
      - What the installer prints and must be kept. The last line that fits counts; what it replaces is kept as well, see
        RV(former_values).
      - Each is written to the journal as soon as its line has ended. What is typed is never taken for it.
      - When a run was cut off or failed and the next one, with the same inputs and secrets, does not print a value again, that of
        the earlier run is returned, see RV(carried_values). Not of one that printed another value differently, for what belongs together
        would be mixed; see RV(previous_values) then.
      - >-
        A secret is only masked when it is known. So while a secret one was not seen (or has not its O(values[].format)) and every
        prompt that is not optional was answered, no screen is returned, whatever the end of the run: the value may stand there in
        words that its pattern does not fit. The transcript on the host has it.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name under which it is returned.
        type: str
        required: true
      pattern:
        description:
          - Regular expression of Python; its group 1 is the value, without spaces at its ends.
          - It is matched with each line alone, unless it contains V(\\n).
        type: str
        required: true
      secret:
        description: Whether it is masked everywhere but with O(state=read), and in the journal.
        type: bool
        default: true
      required:
        description: Whether a run without it has failed.
        type: bool
        default: true
      format:
        description:
          - Regular expression for the whole value. Once a value fits, one that does not is passed over.
        type: str
        default: ""
  errors:
    description:
      - Texts by which the installer tells of an error, looked for at any time and whatever the exit code is. Of those that are
        O(errors[].fatal), the one that is seen first decides.
      - After it nothing is answered. The installer has ten seconds to end by itself.
    type: list
    elements: dict
    default: []
    suboptions:
      pattern:
        description: Regular expression of Python, matched with each line alone unless it contains V(\\n).
        type: str
        required: true
      cause:
        description: Likely cause, for the message.
        type: str
        required: true
      remedy:
        description: What to do, for the message.
        type: str
        required: true
      source:
        description: Document that says so.
        type: str
        default: ""
      fatal:
        description:
          - V(true) makes the run fail, and stops the installer.
          - >-
            V(false) does neither. It explains a run that ends badly for another reason: an exit code, a missing value, an unexpected
            question, silence, the end of O(timeout). For texts that an installer also prints when all is well. Of these the
            last line that was seen counts, and the first entry that fits it.
        type: bool
        default: true
  success:
    description: Regular expression that must have been seen in a line for the run to be complete.
    type: str
    default: ""
  exit_codes:
    description: Exit codes of the installer that mean success.
    type: list
    elements: int
    default: [0]
  timeout:
    description:
      - Seconds that the installer may take in all.
      - Ansible shows nothing while it waits. Where a connection is cut when it is silent for long, use C(async) and C(poll), or let
        ssh keep it alive (C(ServerAliveInterval)). When it is cut, run the task again.
    type: int
    default: 3600
  silence:
    description:
      - Seconds without output after which an installer that waits for input has asked something unexpected.
      - It waits when a process of it with a single thread reads the terminal (read, readv).
      - One that only looks whether something was typed (poll, select, epoll), or that reads in one of several threads, may be working
        meanwhile, as C(docker run -it) and C(docker exec -it) are, whether it has ended its line or not. It counts as waiting after five
        times these seconds.
      - Where the kernel does not tell, these seconds must do when the last line is unfinished, and five times as many when it is not.
      - One that does neither works, and is left alone until the end of O(timeout).
    type: int
    default: 120
  columns:
    description: Width of the terminal.
    type: int
    default: 200
  rows:
    description: Height of the terminal.
    type: int
    default: 50
  interrupted:
    description:
      - >-
        What to do when the last run was cut off: by a reboot, or because the supervisor was ended or killed, or because a signal killed
        the installer's first process. Where that is a shell and something below it was killed, it is an exit code (137 for
        SIGKILL) and the run has failed.
      - V(rerun) ends what is left of it and runs the installer again. Values that it gave stay in the journal.
      - V(fail) leaves the decision to a person.
    type: str
    choices: [rerun, fail]
    default: rerun
  state_directory:
    description: Folder on the host for the journals. Each lies in a folder of its O(name), with mode 0700.
    type: path
    default: /var/lib/onprem-chat/dialogs
  state:
    description:
      - V(present) runs the installer unless it was run to its end.
      - V(read) returns RV(captured_values), RV(former_values) and RV(previous_values) in clear, and runs nothing. It fails unless the
        installer was run to its end, and also then returns those that the journal holds. Set C(no_log) on this task.
      - V(absent) forgets the journal with all values, so that the installer would run again. It undoes nothing, and refuses while it
        runs.
    type: str
    choices: [present, read, absent]
    default: present
requirements:
  - ptyprocess 0.6 or newer, where the module runs (C(python3-ptyprocess) of Debian)
  - Linux, Python 3.8 or newer
notes:
  - When the supervisor is killed, its terminal is gone and the kernel hangs up the installer (SIGHUP). What ignores that is ended
    before the next run begins.
  - The installer is not the leader of its session, as it is not for a person in a shell. What prints for it (a C(tee) into a log) may end
    up to five seconds after its first process, and a service that it left in the background goes on.
  - An installer that is stopped gets SIGHUP, after three seconds SIGTERM, after five more SIGKILL, with all processes of its session.
    What it moved into a session or service of its own goes on.
  - Two tasks for the same O(name) at a time - the second waits for the first when their inputs are the same, and else fails and says who
    runs it.
  - Without pipelining Ansible writes every module with its options, so this one with the secret answers, into a file on the
    host, which only the user of the connection can read and which is there for as long as the module runs. Set
    C(ansible_pipelining) on the task, then they come by a pipe alone. Sudo must not ask for a terminal (C(requiretty)) then.
  - Where C(KillUserProcesses=yes) is set in logind.conf (it is not in Debian), the end of the connection ends the supervisor as well.
  - The transcript is kept for root beside the journal, at most 1 MiB of it. What is known as a secret is masked in it; a value
    that no pattern fits is not.
seealso:
  - module: ansible.builtin.expect
"""

EXAMPLES = r"""
- name: Install the server
  onprem.chat.installer_dialog:
    name: chats-install
    command: [/opt/chats/installer.sh]
    chdir: /opt/chats
    prompts:
      - name: domain
        pattern: (?i)domain name\s*:?
        answer: chats.corp.test
      - name: licence_key
        pattern: (?i)licen[cs]e key
        secret_answer: "{{ vault_licence_key }}"
    values:
      - name: client_id
        pattern: 'Client ID:\s+(\S+)$'
        secret: false
      - name: client_secret
        pattern: 'Client secret:\s+(\S+)$'
        format: '[A-Za-z0-9]{32}'
    errors:
      - pattern: "unauthorized: Incorrect login or password"
        cause: The registry of the vendor refuses this host.
        remedy: Open port 443 to it, then run this again.
        source: Installation manual, section 5
    success: Installation complete
  vars:
    ansible_pipelining: true # else the answers lie in a file of the connection's user while this runs

- name: Take the values
  onprem.chat.installer_dialog:
    name: chats-install
    state: read
  register: chats
  no_log: true
"""

RETURN = r"""
status:
  description: >-
    V(done), V(failed), V(interrupted) (cut off), V(running) or V(absent) (never run, or forgotten).
  returned: always
  type: str
  sample: done
step:
  description: Name of the prompt that was answered last.
  returned: always
  type: str
  sample: licence_key
answered:
  description: Names of the prompts that were answered, in their order.
  returned: always
  type: list
  elements: str
  sample: [domain, licence_key]
captured_values:
  description: The values by name. Secret ones are masked unless O(state=read).
  returned: always
  type: dict
  sample:
    client_id: "4711"
    client_secret: "********"
previous_values:
  description: >-
    Values of earlier runs that are not those of this one, with C(run), C(started), C(status), C(values) and C(former_values). Secret
    ones are masked unless O(state=read).
  returned: always
  type: list
  elements: dict
  sample: []
carried_values:
  description: Names of values that this run did not give and an earlier one that was cut off or failed did.
  returned: always
  type: list
  elements: str
  sample: []
former_values:
  description: >-
    Lists of values, by name, that fitted and that a later line of this run replaced, the first 20 of each. The right one may be among
    them. Secret ones are masked unless O(state=read).
  returned: always
  type: dict
  sample: {}
changed_values:
  description: Names of values that were given more than once in this run, and not the same.
  returned: always
  type: list
  elements: str
  sample: []
exit_code:
  description: Exit code of the installer; null when it was killed.
  returned: always
  type: int
  sample: 0
screen:
  description: The last screen, without secrets; or that it is not shown, see O(values).
  returned: always
  type: str
  sample: Installation complete
problem:
  description: What is wrong and where, the first part of C(msg).
  returned: failure
  type: str
  sample: The installer ended with exit code 3 instead of 0, after licence_key.
hint:
  description: The likely cause, as a question, and what to do.
  returned: failure
  type: str
  sample: What do its last lines say? Mend what they say and run it again.
cause:
  description: Likely cause of a failure; of a known error O(errors[].cause).
  returned: always
  type: str
  sample: ""
remedy:
  description: What to do about it; of a known error O(errors[].remedy).
  returned: always
  type: str
  sample: ""
source:
  description: Where that is written.
  returned: always
  type: str
  sample: ""
started:
  description: When the run began, UTC.
  returned: always
  type: str
  sample: "2026-01-01T12:00:00Z"
finished:
  description: When it ended, UTC.
  returned: always
  type: str
  sample: "2026-01-01T12:03:00Z"
attached:
  description: Whether this task waited for a run that another one had started.
  returned: always
  type: bool
  sample: false
journal:
  description: The journal's file on the host.
  returned: always
  type: str
  sample: /var/lib/onprem-chat/dialogs/chats-install/journal.json
transcript:
  description: What was seen, without what is known as a secret, on the host; what is older lies beside it in C(transcript.old.log).
  returned: always
  type: str
  sample: /var/lib/onprem-chat/dialogs/chats-install/transcript.log
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.onprem.chat.plugins.module_utils._dialog.client import run
from ansible_collections.onprem.chat.plugins.module_utils._dialog.errors import DialogError
from ansible_collections.onprem.chat.plugins.module_utils._dialog.process import PTYPROCESS_ERROR

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "command": {"type": "list", "elements": "str"},
    "chdir": {"type": "path"},
    "environment": {"type": "dict", "default": {}},
    "prompts": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "pattern": {"type": "str", "required": True},
            "answer": {"type": "str"},
            "secret_answer": {"type": "str", "no_log": True},
            "enter": {"type": "bool", "default": True},
            "repeat": {"type": "int", "default": 1},
            "optional": {"type": "bool", "default": False},
        },
    },
    "values": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "pattern": {"type": "str", "required": True},
            "secret": {"type": "bool", "default": True, "no_log": False},
            "required": {"type": "bool", "default": True},
            "format": {"type": "str", "default": ""},
        },
    },
    "errors": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "pattern": {"type": "str", "required": True},
            "cause": {"type": "str", "required": True},
            "remedy": {"type": "str", "required": True},
            "source": {"type": "str", "default": ""},
            "fatal": {"type": "bool", "default": True},
        },
    },
    "success": {"type": "str", "default": ""},
    "exit_codes": {"type": "list", "elements": "int", "default": [0]},
    "timeout": {"type": "int", "default": 3600},
    "silence": {"type": "int", "default": 120},
    "columns": {"type": "int", "default": 200},
    "rows": {"type": "int", "default": 50},
    "interrupted": {"type": "str", "choices": ["rerun", "fail"], "default": "rerun"},
    "state_directory": {"type": "path", "default": "/var/lib/onprem-chat/dialogs"},
    "state": {"type": "str", "choices": ["present", "read", "absent"], "default": "present"},
}


class DialogModule(AnsibleModule):
    """An AnsibleModule that tells the system's log less of its options."""

    def _log_invocation(self) -> None:
        # The usual text has the list of prompts as Python writes it, and there a secret with a quote or a backslash looks
        # otherwise than the one that would be masked.
        self.log(f"Invoked with name={self.params['name']} state={self.params['state']}")


def main() -> None:
    module = DialogModule(
        argument_spec=ARGUMENT_SPEC, supports_check_mode=True, required_if=[("state", "present", ("command",))]
    )
    if PTYPROCESS_ERROR and module.params["state"] == "present":
        module.fail_json(msg=missing_required_lib("ptyprocess"), exception=PTYPROCESS_ERROR)
    try:
        result = run(module)
    except DialogError as error:
        module.fail_json(msg=str(error), problem=error.what, hint=error.hint, **error.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
