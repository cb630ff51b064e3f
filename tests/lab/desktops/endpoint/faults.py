"""Faults as Windows words them: code, subcode and text of what was recorded from real hosts, or of [MS-WSMV]/wsmerror.h.

RECORDED marks those whose whole shape was seen in public recordings of Windows Server; DOCUMENTED those built from headers,
documents and reports of users, in the same shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

DETAIL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/"
PROVIDER = (
    '<f:ProviderFault provider="Shell cmd plugin" path="%systemroot%\\system32\\winrscmd.dll">{}</f:ProviderFault>'
)


@dataclass(eq=False)
class Fault(Exception):
    """One fault: who is to blame, what kind, the code of Windows, and the text."""

    blame: str  # Sender or Receiver
    subcode: str  # with prefix: w:TimedOut
    code: int
    reason: str
    message: str = ""  # in WSManFault; the reason when empty
    detail: str = ""  # FaultDetail
    provider: bool = False  # the message is one of the cmd plugin's
    wmi: bool = False  # MSFT_WmiError instead of WSManFault
    status: int = 500

    def body(self, machine: str) -> str:
        """The s:Fault element."""
        text = escape(self.message or self.reason)
        if self.wmi:
            detail = _wmi_error(self.code, text)
        else:
            message = PROVIDER.format(text) if self.provider else text
            fault_detail = f"<w:FaultDetail>{DETAIL}{self.detail}</w:FaultDetail>" if self.detail else ""
            detail = (
                f'{fault_detail}<f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" '
                f'Code="{self.code}" Machine={quoteattr(machine)}><f:Message>{message}</f:Message></f:WSManFault>'
            )
        return (
            f"<s:Fault><s:Code><s:Value>s:{self.blame}</s:Value><s:Subcode><s:Value>{self.subcode}</s:Value></s:Subcode></s:Code>"
            f'<s:Reason><s:Text xml:lang="en-US">{escape(self.reason)}</s:Text></s:Reason><s:Detail>{detail}</s:Detail></s:Fault>'
        )


def _wmi_error(code: int, text: str) -> str:
    """The detail of faults that newer Windows reports as a CIM instance (quota of operations)."""
    return (
        '<p:MSFT_WmiError b:IsCIM_Error="true" xmlns:b="http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd" '
        'xmlns:p="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError" '
        'xmlns:cim="http://schemas.dmtf.org/wbem/wscim/1/common" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:type="p:MSFT_WmiError_Type"><p:CIMStatusCode xsi:type="cim:cimUnsignedInt">27</p:CIMStatusCode>'
        f'<p:Message xsi:type="cim:cimString">{text}</p:Message>'
        f'<p:MessageID xsi:type="cim:cimString">HRESULT 0x{code:x}</p:MessageID>'
        '<p:error_Category xsi:type="cim:cimUnsignedInt">30</p:error_Category>'
        f'<p:error_Code xsi:type="cim:cimUnsignedInt">{code}</p:error_Code>'
        '<p:error_Type xsi:type="cim:cimString">HRESULT</p:error_Type>'
        f'<p:error_WindowsErrorMessage xsi:type="cim:cimString">{text}</p:error_WindowsErrorMessage></p:MSFT_WmiError>'
    )


# RECORDED
def timed_out() -> Fault:
    """Receive had nothing to say within OperationTimeout: clients ask again."""
    text = "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.  "
    return Fault("Receiver", "w:TimedOut", 2150858793, text)


def unknown_shell(shell: str) -> Fault:
    """ShellId of no shell of this user."""
    return Fault(
        "Sender",
        "w:InvalidSelectors",
        2150858843,
        "The WS-Management service cannot process the request because the request contained invalid selectors for the resource. ",
        f"The request for the Windows Remote Shell with ShellId {shell} failed because the shell was not found on the server. "
        "Possible causes are: the specified ShellId is incorrect or the shell no longer exists on the server. "
        "Provide the correct ShellId or create a new shell and retry the operation. ",
        "UnexpectedSelectors",
    )


def unknown_command() -> Fault:
    """CommandId of no command in this shell."""
    return Fault(
        "Sender",
        "w:InvalidSelectors",
        2150858843,
        "The WS-Management service cannot process the request because the request contained invalid selectors for the resource. ",
        "The Windows Remote Shell received a request to perform an operation on a command identifier that does not exist. "
        "Either the command has completed execution or the client specified an invalid command identifier. ",
        "UnexpectedSelectors",
    )


def wrong_parameter() -> Fault:
    """Receive without a CommandId, and the like."""
    text = "The parameter is incorrect. "
    return Fault("Sender", "w:InvalidParameter", 87, text, detail="InvalidValue", provider=True)


def file_not_found() -> Fault:
    """WINRS_SKIP_CMD_SHELL with a program that is not there under that very name."""
    text = "The system cannot find the file specified. "
    return Fault("Receiver", "w:InternalError", 2147942402, text, provider=True)


# DOCUMENTED
def already_exists() -> Fault:
    """An id that a client chose and that is taken: documented to fail, the code is a guess (ERROR_ALREADY_EXISTS)."""
    text = "Cannot create a file when that file already exists. "
    return Fault("Receiver", "w:InternalError", 2147942583, text, provider=True)


def too_many_shells(limit: int) -> Fault:
    """ERROR_WSMAN_QUOTA_MAX_SHELLS."""
    text = (
        "The WS-Management service cannot process the request. This user is allowed a maximum number of "
        f"{limit} concurrent shells, which has been exceeded. Close existing shells or raise the quota for this user. "
    )
    return Fault("Receiver", "w:QuotaLimit", 2150859173, text)


def too_many_operations(limit: int) -> Fault:
    """ERROR_WSMAN_QUOTA_MAX_OPERATIONS, which WinRS never counts down within a shell."""
    text = (
        "The WS-Management service cannot process the request. This user is allowed a maximum number of "
        f"{limit} concurrent operations, which has been exceeded. "
        "Close existing operations for this user, or raise the quota for this user. "
    )
    return Fault("Receiver", "w:QuotaLimit", 2150859174, text, wmi=True)


def too_many_processes() -> Fault:
    """ERROR_WSMAN_QUOTA_MAX_COMMANDS_PER_SHELL_PPQ."""
    text = (
        "The WS-Management service cannot process the request. The maximum number of concurrent commands per shell "
        "has been exceeded. Retry the request later or raise the Maximum Commands per Shell quota. "
    )
    return Fault("Receiver", "w:QuotaLimit", 2150859241, text)


def access_denied() -> Fault:
    """Logged on, but no administrator and in no group that may use WinRM."""
    return Fault("Sender", "w:AccessDenied", 5, "Access is denied. ")


def unknown_resource(uri: str) -> Fault:
    """ERROR_WSMAN_INVALID_RESOURCE_URI: only the cmd shell is here. Windows would serve PowerShell and WMI, too."""
    text = (
        "The WS-Management service cannot process the request. The resource URI is missing or it has an incorrect format. "
        'Check the documentation or use the following command for information on how to construct a resource URI: "winrm help uris". '
    )
    return Fault("Sender", "a:DestinationUnreachable", 2150858811, text, detail="InvalidResourceURI")


def unknown_action() -> Fault:
    """ERROR_WSMAN_INVALID_ACTIONURI."""
    text = (
        "The WS-Management service cannot process the request. The WS-Addressing action URI is invalid. "
        "Check the documentation for information on how to construct an action URI. "
    )
    return Fault("Sender", "a:ActionNotSupported", 2150858753, text)


def bad_message(text: str) -> Fault:
    """SOAP that cannot be understood."""
    return Fault(
        "Sender",
        "w:SchemaValidationError",
        2150858791,
        f"The WS-Management service cannot process the request. {text} ",
    )


def busy() -> Fault:
    """Send while the former input was not taken yet: ERROR_BUSY."""
    return Fault("Receiver", "w:InternalError", 170, "The requested resource is in use. ", provider=True)


def input_closed() -> Fault:
    """Send after End: ERROR_NO_DATA."""
    return Fault("Receiver", "w:InternalError", 232, "The pipe is being closed. ", provider=True)


def aborted() -> Fault:
    """A Receive that waits while its shell or command is taken away: ERROR_OPERATION_ABORTED."""
    text = "The I/O operation has been aborted because of either a thread exit or an application request. "
    return Fault("Receiver", "w:InternalError", 995, text)
