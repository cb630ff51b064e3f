/* A stand-in for more.com where nobody sees a page: it copies its standard input, or files, to standard output. */
#include "common.h"

static void copy(HANDLE from)
{
    static BYTE buffer[65536];
    DWORD got, done;
    while (ReadFile(from, buffer, sizeof(buffer), &got, NULL) && got) WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), buffer, got, &done, NULL);
}

int wmain(int argc, WCHAR **argv)
{
    int index, files = 0;

    for (index = 1; index < argc; index++)
    {
        HANDLE file;
        if (*argv[index] == '/' || *argv[index] == '+') continue;
        files++;
        file = CreateFileW(argv[index], GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
        if (file == INVALID_HANDLE_VALUE) return fail(1, L"Cannot access file %ls\r\n", argv[index]);
        copy(file);
        CloseHandle(file);
    }
    if (!files) copy(GetStdHandle(STD_INPUT_HANDLE));
    return 0;
}
