/* A stand-in for timeout.exe: it waits. Like the real one it refuses when its standard input is not a console, as it is in WinRM. */
#include "common.h"

int wmain(int argc, WCHAR **argv)
{
    DWORD mode;
    int index, seconds = -2;

    for (index = 1; index < argc; index++)
    {
        if (is(argv[index], L"/t") || is(argv[index], L"/nobreak")) continue;
        seconds = _wtoi(argv[index]);
    }
    if (seconds < 0 || seconds > 99999) return fail(1, L"ERROR: Invalid syntax.\r\n");
    if (!GetConsoleMode(GetStdHandle(STD_INPUT_HANDLE), &mode))
        return fail(1, L"ERROR: Input redirection is not supported, exiting the process immediately.\r\n");
    Sleep(seconds * 1000);
    return 0;
}
