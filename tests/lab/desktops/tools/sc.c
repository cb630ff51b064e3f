/* A stand-in for sc.exe, for services of this machine: query, start, stop NAME. Exit codes are Windows' errors (1060: no such service). */
#include "common.h"

static int failed(const WCHAR *what, DWORD error)
{
    say(L"[SC] %ls FAILED %lu:\r\n", what, error);
    return (int)error;
}

int wmain(int argc, WCHAR **argv)
{
    static const WCHAR *states[] = { L"", L"STOPPED", L"START_PENDING", L"STOP_PENDING", L"RUNNING", L"CONTINUE_PENDING", L"PAUSE_PENDING", L"PAUSED" };
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT), service;
    SERVICE_STATUS status;

    if (argc != 3 || !(is(argv[1], L"query") || is(argv[1], L"start") || is(argv[1], L"stop"))) return fail(1639, L"sc query|start|stop NAME\r\n");
    service = OpenServiceW(manager, argv[2], SERVICE_QUERY_STATUS | SERVICE_START | SERVICE_STOP);
    if (!service) return failed(L"OpenService", GetLastError());
    if (is(argv[1], L"start") && !StartServiceW(service, 0, NULL)) return failed(L"StartService", GetLastError());
    if (is(argv[1], L"stop") && !ControlService(service, SERVICE_CONTROL_STOP, &status)) return failed(L"ControlService", GetLastError());
    if (!QueryServiceStatus(service, &status)) return failed(L"QueryServiceStatus", GetLastError());
    say(L"\r\nSERVICE_NAME: %ls\r\n        TYPE               : %lx\r\n        STATE              : %lu  %ls\r\n", argv[2], status.dwServiceType,
        status.dwCurrentState, status.dwCurrentState < 8 ? states[status.dwCurrentState] : L"");
    say(L"        WIN32_EXIT_CODE    : %lu  (0x%lx)\r\n", status.dwWin32ExitCode, status.dwWin32ExitCode);
    return 0;
}
