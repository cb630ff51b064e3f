/* A stand-in for reg.exe, for load, unload and save; everything else is done by Wine's own reg.exe, which lies beside it.
 *
 *   reg load HKLM\NAME|HKU\NAME FILE    reg unload HKLM\NAME|HKU\NAME    reg save KEY FILE [/y] [/reg:32|/reg:64]
 * Exit codes: 0 done, 1 failed. Real: the hive is loaded, changes come into the file. Not real: its format is Wine's text.
 */
#include "hives.h"

static BOOL root_of(const WCHAR *path, HKEY *root, const WCHAR **rest)
{
    static const struct { const WCHAR *name; HKEY root; } roots[] = {
        { L"HKLM", HKEY_LOCAL_MACHINE }, { L"HKEY_LOCAL_MACHINE", HKEY_LOCAL_MACHINE }, { L"HKU", HKEY_USERS },
        { L"HKEY_USERS", HKEY_USERS }, { L"HKCU", HKEY_CURRENT_USER }, { L"HKEY_CURRENT_USER", HKEY_CURRENT_USER },
        { L"HKCR", HKEY_CLASSES_ROOT }, { L"HKEY_CLASSES_ROOT", HKEY_CLASSES_ROOT },
    };
    size_t length = wcscspn(path, L"\\"), index;

    for (index = 0; index < sizeof(roots) / sizeof(*roots); index++)
        if (wcslen(roots[index].name) == length && !_wcsnicmp(path, roots[index].name, length))
        {
            *root = roots[index].root;
            *rest = path[length] ? path + length + 1 : path + length;
            return TRUE;
        }
    return FALSE;
}

static int told(DWORD error)
{
    if (!error)
    {
        say(L"The operation completed successfully.\r\n");
        return 0;
    }
    if (error == ERROR_SHARING_VIOLATION)
        return fail(1, L"ERROR: The process cannot access the file because it is being used by another process.\r\n");
    if (error == ERROR_ACCESS_DENIED) return fail(1, L"ERROR: Access is denied.\r\n");
    if (error == ERROR_FILE_NOT_FOUND) return fail(1, L"ERROR: The system cannot find the file specified.\r\n");
    if (error == ERROR_INVALID_PARAMETER) return fail(1, L"ERROR: The parameter is incorrect.\r\n");
    return fail(1, L"ERROR: The operation failed with error %lu.\r\n", error);
}

/* The one that writes UTF-8 would also read files of the ANSI code page as such. */
static int wines_own(BOOL imports)
{
    static WCHAR line[LINES];
    WCHAR program[PATHS];
    STARTUPINFOW startup = { .cb = sizeof(startup) };
    PROCESS_INFORMATION process;
    DWORD code = 1;

    GetModuleFileNameW(NULL, program, PATHS);
    wcscpy(wcsrchr(program, '\\') + 1, imports ? L"wine-reg-import.exe" : L"wine-reg.exe");
    swprintf(line, LINES, L"reg %ls", rest_of_command_line());
    if (!CreateProcessW(program, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process))
        return fail(1, L"ERROR: %ls cannot be started (%lu).\r\n", program, GetLastError());
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    return code;
}

int wmain(int argc, WCHAR **argv)
{
    const WCHAR *key;
    HKEY root;
    BOOL loads = argc > 1 && is(argv[1], L"load"), unloads = argc > 1 && is(argv[1], L"unload");

    if (argc < 2 || !(loads || unloads || is(argv[1], L"save"))) return wines_own(argc > 1 && is(argv[1], L"import"));
    if (argc < (unloads ? 3 : 4) || !root_of(argv[2], &root, &key)) return fail(1, L"ERROR: Invalid syntax.\r\n");
    if (!(loads || unloads))
    {
        if (GetFileAttributesW(argv[3]) != INVALID_FILE_ATTRIBUTES && !(argc > 4 && is(argv[4], L"/y")))
            return fail(1, L"ERROR: The file exists, and /y was not given.\r\n");
        return told(hive_save(root, key, argv[3]));
    }
    if ((root != HKEY_LOCAL_MACHINE && root != HKEY_USERS) || !*key || wcschr(key, '\\') || argc != (loads ? 4 : 3))
        return fail(1, L"ERROR: Invalid syntax.\r\n");
    return told(loads ? hive_load(root, key, argv[3]) : hive_unload(root, key));
}
