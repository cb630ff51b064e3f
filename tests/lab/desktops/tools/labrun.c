/* Starts one command line as it is and tells its exit code with all 32 bits. The laboratory's own: Windows has nothing like it.
 *
 * labrun.exe REQUEST ANSWER
 *   REQUEST  a file of UTF-16LE without a byte order mark: the command line, as CreateProcessW gets it
 *   ANSWER   a file that this writes: the exit code as a decimal number and a line feed, or "error NUMBER" (GetLastError)
 * Standard input, output and error, the working directory and the environment are its own.
 */

#include <windows.h>
#include <stdio.h>
#include <wchar.h>

static int answer(const WCHAR *path, const char *format, DWORD number)
{
    FILE *file = _wfopen(path, L"wb");
    if (!file) return 126;
    fprintf(file, format, (unsigned long)number);
    fclose(file);
    return 0;
}

int wmain(int argc, WCHAR **argv)
{
    static WCHAR line[40000];
    STARTUPINFOW startup = { sizeof(startup) };
    PROCESS_INFORMATION process;
    DWORD code = 0;
    FILE *file;

    if (argc != 3 || !(file = _wfopen(argv[1], L"rb"))) return 126;
    line[fread(line, sizeof(WCHAR), 39999, file)] = 0;
    fclose(file);
    if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process))
        return answer(argv[2], "error %lu\n", GetLastError());
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    return answer(argv[2], "%lu\n", code);
}
