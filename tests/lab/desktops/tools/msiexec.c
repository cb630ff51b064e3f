/* Before Wine's own msiexec.exe, which does the work: what Windows Installer does or refuses and Wine does not.
 *
 * 1618  another installation runs: whoever holds the mutex Global\_MSIExecute, as the real one does while it executes
 * 1619  the package of /i or /package cannot be opened because it is not there (Wine says 2)
 * RemoveExistingProducts: products that the package's Upgrade table names are removed first (Wine finds them and leaves them). The
 *       real one does so within the installation, and rolls back with it.
 */
#include "common.h"
#include <msi.h>
#include <msiquery.h>

static BOOL wants_package(const WCHAR *word)
{
    return (*word == '/' || *word == '-') && (is(word + 1, L"i") || is(word + 1, L"package"));
}

static BOOL works(const WCHAR *word)
{
    return wants_package(word) || ((*word == '/' || *word == '-') &&
           (is(word + 1, L"x") || is(word + 1, L"uninstall") || is(word + 1, L"p") || is(word + 1, L"update") ||
            (towlower(word[1]) == 'f' && wcslen(word) < 10) || !_wcsnicmp(word + 1, L"j", 1)));
}

static DWORD run(const WCHAR *arguments)
{
    static WCHAR line[LINES];
    WCHAR program[PATHS];
    STARTUPINFOW startup = { .cb = sizeof(startup) };
    PROCESS_INFORMATION process;
    DWORD code = 1603;

    GetModuleFileNameW(NULL, program, PATHS);
    wcscpy(wcsrchr(program, '\\') + 1, L"wine-msiexec.exe");
    swprintf(line, LINES, L"msiexec %ls", arguments);
    if (!CreateProcessW(program, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process)) return code;
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    return code;
}

/* The first three fields decide. */
static int compare(const WCHAR *one, const WCHAR *other)
{
    int field;

    for (field = 0; field < 3; field++)
    {
        WCHAR *end, *other_end;
        long left = wcstol(one, &end, 10), right = wcstol(other, &other_end, 10);
        if (left != right) return left < right ? -1 : 1;
        one = *end ? end + 1 : end;
        other = *other_end ? other_end + 1 : other_end;
    }
    return 0;
}

static void text_of(MSIHANDLE record, UINT field, WCHAR *text)
{
    DWORD chars = 64;
    *text = 0;
    MsiRecordGetStringW(record, field, text, &chars);
}

/* One row of the Upgrade table. Attributes: 2 only to be detected, 0x100 and 0x200 the limits themselves are meant, too. */
static void remove_related(MSIHANDLE record)
{
    WCHAR upgrade[64], least[64], most[64], product[64], version[64], arguments[128];
    int attributes = MsiRecordGetInteger(record, 4), low, high;
    DWORD index, chars;

    text_of(record, 1, upgrade);
    text_of(record, 2, least);
    text_of(record, 3, most);
    if (attributes & 2) return;
    for (index = 0; !MsiEnumRelatedProductsW(upgrade, 0, index, product);)
    {
        chars = 64;
        if (MsiGetProductInfoW(product, INSTALLPROPERTY_VERSIONSTRING, version, &chars)) return;
        low = *least ? compare(version, least) : 1;
        high = *most ? compare(version, most) : -1;
        swprintf(arguments, 128, L"/x %ls /qn", product);
        if (low < 0 || (!low && !(attributes & 0x100)) || high > 0 || (!high && !(attributes & 0x200)) || run(arguments)) index++;
    }
}

static void remove_existing(const WCHAR *package)
{
    MSIHANDLE database, view, record;

    if (MsiOpenDatabaseW(package, MSIDBOPEN_READONLY, &database)) return;
    if (!MsiDatabaseOpenViewW(database, L"SELECT `UpgradeCode`, `VersionMin`, `VersionMax`, `Attributes` FROM `Upgrade`", &view))
    {
        for (MsiViewExecute(view, 0); !MsiViewFetch(view, &record); MsiCloseHandle(record)) remove_related(record);
        MsiCloseHandle(view);
    }
    MsiCloseHandle(database);
}

int wmain(int argc, WCHAR **argv)
{
    const WCHAR *installs = NULL;
    HANDLE mutex = NULL;
    DWORD code;
    int index;
    BOOL busy = FALSE;

    for (index = 1; index < argc; index++)
    {
        const WCHAR *package = index + 1 < argc ? argv[index + 1] : L"";
        if (!works(argv[index])) continue;
        busy = TRUE;
        if (!wants_package(argv[index]) || *package == '{' || wcsstr(package, L"://")) continue;
        if (GetFileAttributesW(package) == INVALID_FILE_ATTRIBUTES) return 1619;
        installs = package;
    }
    if (busy)
    {
        mutex = CreateMutexW(NULL, FALSE, L"Global\\_MSIExecute");
        if (!mutex || WaitForSingleObject(mutex, 0) == WAIT_TIMEOUT) return 1618;
    }
    if (installs) remove_existing(installs);
    code = run(rest_of_command_line());
    if (mutex) ReleaseMutex(mutex);
    return code;
}
