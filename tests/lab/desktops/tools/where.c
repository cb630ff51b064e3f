/* A stand-in for where.exe, as Microsoft documents it: one file is looked for in the current folder and along PATH.
 *
 *   where [/q] [$VARIABLE:|FOLDER;…:]PATTERN      PATTERN may hold * and ?; without a point the endings of PATHEXT are tried, too
 * Exit codes: 0 found, 1 not found, 2 anything wrong. /q prints nothing. Refused with 2: /r, /f, /t and several patterns, which the real one
 * knows.
 */
#include "common.h"

static int found;

static void look(const WCHAR *folder, const WCHAR *pattern, const WCHAR *ending, BOOL quiet)
{
    static WCHAR path[LINES];
    WIN32_FIND_DATAW file;
    HANDLE search;
    size_t length = wcslen(folder);

    swprintf(path, LINES, L"%ls%ls%ls%ls", folder, length && folder[length - 1] == '\\' ? L"" : L"\\", pattern, ending);
    if ((search = FindFirstFileW(path, &file)) == INVALID_HANDLE_VALUE) return;
    do
    {
        if (file.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) continue;
        found++;
        if (!quiet) say(L"%ls%ls%ls\r\n", folder, length && folder[length - 1] == '\\' ? L"" : L"\\", file.cFileName);
    } while (FindNextFileW(search, &file));
    FindClose(search);
}

/* Every folder of a list that semicolons separate; each may be in quotation marks. */
static void look_along(WCHAR *folders, const WCHAR *pattern, BOOL quiet)
{
    static WCHAR endings[LINES];
    WCHAR *folder, *next, *ending, *rest;
    BOOL whole = wcschr(pattern, '.') != NULL;

    for (folder = folders; folder; folder = next)
    {
        if ((next = wcschr(folder, ';'))) *next++ = 0;
        if (*folder == '"' && wcslen(folder) > 1) folder[wcslen(folder) - 1] = 0, folder++;
        if (!*folder) continue;
        look(folder, pattern, L"", quiet);
        if (whole || !GetEnvironmentVariableW(L"PATHEXT", endings, LINES)) continue;
        for (ending = endings; ending; ending = rest)
        {
            if ((rest = wcschr(ending, ';'))) *rest++ = 0;
            if (*ending) look(folder, pattern, ending, quiet);
        }
    }
}

int wmain(int argc, WCHAR **argv)
{
    static WCHAR here[PATHS], folders[LINES];
    WCHAR *pattern = NULL, *colon;
    BOOL quiet = FALSE;
    int index;

    for (index = 1; index < argc; index++)
    {
        if (is(argv[index], L"/q")) quiet = TRUE;
        else if (*argv[index] == '/' || pattern) return fail(2, L"ERROR: %ls is not known to this stand-in for where.exe.\r\n", argv[index]);
        else pattern = argv[index];
    }
    if (!pattern) return fail(2, L"ERROR: A pattern is missing.\r\n");
    if ((colon = wcsrchr(pattern, ':')))
    {
        *colon = 0;
        if (*pattern != '$') lstrcpynW(folders, pattern, LINES);
        else if (!GetEnvironmentVariableW(pattern + 1, folders, LINES)) return fail(2, L"ERROR: There is no variable %ls.\r\n", pattern + 1);
        pattern = colon + 1;
    }
    if (!*pattern || wcspbrk(pattern, L"\\/\"<>|")) return fail(2, L"ERROR: This is no pattern of a file's name.\r\n");
    if (colon) look_along(folders, pattern, quiet);
    else
    {
        GetCurrentDirectoryW(PATHS, here);
        look_along(here, pattern, quiet);
        if (GetEnvironmentVariableW(L"PATH", folders, LINES)) look_along(folders, pattern, quiet);
    }
    if (!found && !quiet) fail(0, L"INFO: No file was found for this pattern.\r\n");
    return found ? 0 : 1;
}
