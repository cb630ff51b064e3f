/* The laboratory's logon: what Windows does when a person logs on or off, as far as rollouts can see it. No tool of Windows'.
 *
 *   lablogon default                             make C:\Users\Default with its NTUSER.DAT
 *   lablogon logon SID DOMAIN NAME               profile, hive, session; Active Setup, Run and RunOnce, tasks with a logon trigger
 *   lablogon logoff SID | lablogon logoff-all    his programs end, his hive is written back and unloaded
 *   lablogon users                               one line each: SID, session, domain\name, profile
 *   lablogon run SID COMMAND LINE                run something in his session and wait; its exit code
 */
#include "../tools/hives.h"
#include "../tools/task.h"
#include <sddl.h>
#include <tlhelp32.h>

#define PROFILES L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList"
#define SETUP L"Software\\Microsoft\\Active Setup\\Installed Components"
#define SETUP_LIMIT 120000u

static const WCHAR *FOLDERS[] = { L"AppData\\Local\\Temp\\", L"AppData\\Local\\Microsoft\\Windows\\", L"AppData\\Roaming\\Microsoft\\Windows\\Start Menu\\Programs\\Startup\\",
                                  L"Desktop\\", L"Documents\\", L"Downloads\\" };

static void folders_of(const WCHAR *profile)
{
    WCHAR path[PATHS];
    size_t index;

    for (index = 0; index < sizeof(FOLDERS) / sizeof(*FOLDERS); index++)
    {
        swprintf(path, PATHS, L"%ls\\%ls", profile, FOLDERS[index]);
        make_folders_for(path);
    }
}

static const struct { const WCHAR *name, *value; } shell[] = {
        { L"AppData", L"%USERPROFILE%\\AppData\\Roaming" }, { L"Local AppData", L"%USERPROFILE%\\AppData\\Local" },
        { L"Desktop", L"%USERPROFILE%\\Desktop" }, { L"Personal", L"%USERPROFILE%\\Documents" },
        { L"Programs", L"%USERPROFILE%\\AppData\\Roaming\\Microsoft\\Windows\\Start Menu\\Programs" },
        { L"Start Menu", L"%USERPROFILE%\\AppData\\Roaming\\Microsoft\\Windows\\Start Menu" },
        { L"Startup", L"%USERPROFILE%\\AppData\\Roaming\\Microsoft\\Windows\\Start Menu\\Programs\\Startup" },
};

/* Wine's shell takes %USERPROFILE% in these for that of its own account: written out they are his. */
static void shell_folders(const struct user *user)
{
    WCHAR key[PATHS], text[PATHS];
    size_t index;

    swprintf(key, PATHS, L"%ls\\Software\\Microsoft\\Windows\\CurrentVersion\\Explorer\\User Shell Folders", user->sid);
    for (index = 0; index < sizeof(shell) / sizeof(*shell); index++)
    {
        swprintf(text, PATHS, L"%ls%ls", user->profile, shell[index].value + wcslen(L"%USERPROFILE%"));
        set_text(HKEY_USERS, key, shell[index].name, REG_EXPAND_SZ, text, FALSE);
    }
}

/* The hive of those who will come: what a new profile begins with. */
static int make_default(void)
{
    const WCHAR *key = L"laboratory-default", *file = L"C:\\users\\Default\\NTUSER.DAT";
    WCHAR path[PATHS];
    DWORD error;
    size_t index;

    folders_of(L"C:\\users\\Default");
    for (index = 0; index < sizeof(shell) / sizeof(*shell); index++)
    {
        swprintf(path, PATHS, L"%ls\\Software\\Microsoft\\Windows\\CurrentVersion\\Explorer\\User Shell Folders", key);
        set_text(HKEY_USERS, path, shell[index].name, REG_EXPAND_SZ, shell[index].value, FALSE);
    }
    swprintf(path, PATHS, L"%ls\\Environment", key);
    set_text(HKEY_USERS, path, L"TEMP", REG_EXPAND_SZ, L"%USERPROFILE%\\AppData\\Local\\Temp", FALSE);
    set_text(HKEY_USERS, path, L"TMP", REG_EXPAND_SZ, L"%USERPROFILE%\\AppData\\Local\\Temp", FALSE);
    /* Wine's own: windows that nobody sees instead of none, so that a dialog waits as it does on a desktop. */
    swprintf(path, PATHS, L"%ls\\Software\\Wine\\Drivers", key);
    set_text(HKEY_USERS, path, L"Graphics", REG_SZ, L"null", FALSE);
    error = hive_save(HKEY_USERS, key, file);
    RegDeleteTreeW(HKEY_USERS, key);
    return error ? fail(1, L"lablogon: %ls cannot be written (%lu)\r\n", file, error) : 0;
}

static BOOL known(const WCHAR *sid, struct user *user)
{
    static struct user users[MAX_USERS];
    int count = logged_on(users), index;

    for (index = 0; index < count; index++)
        if (is(users[index].sid, sid))
        {
            *user = users[index];
            return TRUE;
        }
    return FALSE;
}

static DWORD free_session(void)
{
    static struct user users[MAX_USERS];
    int count = logged_on(users), index;
    DWORD session = 1;

    for (index = 0; index < count; index++)
        if (users[index].session == session)
        {
            session++;
            index = -1;
        }
    return session;
}

/* The entry in ProfileList, made when he comes for the first time. */
static void profile_of(const WCHAR *sid, const WCHAR *name, WCHAR *profile)
{
    WCHAR key[PATHS];
    PSID binary;
    HKEY handle;

    swprintf(key, PATHS, L"%ls\\%ls", PROFILES, sid);
    if (text_value(HKEY_LOCAL_MACHINE, key, L"ProfileImagePath", profile, PATHS)) return;
    swprintf(profile, PATHS, L"C:\\Users\\%ls", name);
    set_text(HKEY_LOCAL_MACHINE, key, L"ProfileImagePath", REG_EXPAND_SZ, profile, FALSE);
    set_number(HKEY_LOCAL_MACHINE, key, L"Flags", 0, FALSE);
    set_number(HKEY_LOCAL_MACHINE, key, L"State", 0, FALSE);
    if (ConvertStringSidToSidW(sid, &binary) && !RegOpenKeyExW(HKEY_LOCAL_MACHINE, key, 0, KEY_ALL_ACCESS | KEY_WOW64_64KEY, &handle))
    {
        RegSetValueExW(handle, L"Sid", 0, REG_BINARY, binary, GetLengthSid(binary));
        RegCloseKey(handle);
    }
}

static void session_of(struct user *user)
{
    WCHAR key[PATHS], text[PATHS];

    user->session = free_session();
    swprintf(key, PATHS, L"%ls\\Volatile Environment", user->sid);
    set_text(HKEY_USERS, key, L"USERDOMAIN", REG_SZ, user->domain, TRUE);
    set_text(HKEY_USERS, key, L"USERPROFILE", REG_SZ, user->profile, TRUE);
    set_text(HKEY_USERS, key, L"HOMEDRIVE", REG_SZ, L"C:", TRUE);
    set_text(HKEY_USERS, key, L"HOMEPATH", REG_SZ, user->profile + 2, TRUE);
    swprintf(text, PATHS, L"%ls\\AppData\\Roaming", user->profile);
    set_text(HKEY_USERS, key, L"APPDATA", REG_SZ, text, TRUE);
    swprintf(text, PATHS, L"%ls\\AppData\\Local", user->profile);
    set_text(HKEY_USERS, key, L"LOCALAPPDATA", REG_SZ, text, TRUE);
    set_text(HKEY_USERS, key, L"USERNAME", REG_SZ, user->name, TRUE);
    swprintf(text, PATHS, L"%ls\\%lu", key, user->session);
    set_text(HKEY_USERS, text, L"SESSIONNAME", REG_SZ, user->session == 1 ? L"Console" : L"RDP-Tcp#0", TRUE);
}

static DWORD wait_for(const struct user *user, const WCHAR *line, DWORD limit)
{
    PROCESS_INFORMATION process;
    DWORD code = 0, error = start_as(user, FALSE, line, user->profile, &process);

    if (error) return error;
    if (WaitForSingleObject(process.hProcess, limit) == WAIT_TIMEOUT) TerminateProcess(process.hProcess, WAIT_TIMEOUT);
    GetExitCodeProcess(process.hProcess, &code);
    return code;
}

/* "2,0,1" against "2,0": the part that is larger first decides. */
static int compare_versions(const WCHAR *one, const WCHAR *other)
{
    while (*one || *other)
    {
        WCHAR *end, *other_end;
        long left = wcstol(one, &end, 10), right = wcstol(other, &other_end, 10);
        if (left != right) return left < right ? -1 : 1;
        one = *end ? end + 1 : end;
        other = *other_end ? other_end + 1 : other_end;
    }
    return 0;
}

static void active_setup(const struct user *user, REGSAM view)
{
    WCHAR name[256], key[PATHS], stub[4096], version[128], mine[128];
    DWORD index, chars = 256;
    HKEY machine, component;

    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, SETUP, 0, KEY_READ | view, &machine)) return;
    for (index = 0; !RegEnumKeyExW(machine, index, name, &chars, NULL, NULL, NULL, NULL); index++, chars = 256)
    {
        if (RegOpenKeyExW(machine, name, 0, KEY_READ | view, &component)) continue;
        swprintf(key, PATHS, L"%ls\\%ls%ls\\%ls", user->sid, view == KEY_WOW64_32KEY ? L"Software\\Wow6432Node\\Microsoft\\Active Setup" : L"Software\\Microsoft\\Active Setup",
                 L"\\Installed Components", name);
        text_value(component, NULL, L"Version", version, 128);
        text_value(HKEY_USERS, key, L"Version", mine, 128);
        if (text_value(component, NULL, L"StubPath", stub, 4096) && *stub && number_value(component, NULL, L"IsInstalled", 1) &&
            (!*mine || compare_versions(mine, version) < 0))
        {
            /* It counts as done whatever its exit code is. */
            wait_for(user, stub, SETUP_LIMIT);
            set_text(HKEY_USERS, key, L"Version", REG_SZ, version, FALSE);
        }
        RegCloseKey(component);
    }
    RegCloseKey(machine);
}

static void run_key(const struct user *user, HKEY root, const WCHAR *key, BOOL once)
{
    WCHAR names[64][256], line[4096];
    DWORD count, chars, index;
    PROCESS_INFORMATION process;
    HKEY handle;

    if (RegOpenKeyExW(root, key, 0, KEY_ALL_ACCESS, &handle)) return;
    for (count = 0; count < 64; count++)
    {
        chars = 256;
        if (RegEnumValueW(handle, count, names[count], &chars, NULL, NULL, NULL, NULL)) break;
    }
    for (index = 0; index < count; index++)
    {
        if (!text_value(handle, NULL, names[index], line, 4096)) continue;
        if (once) RegDeleteValueW(handle, names[index]);
        if (!start_as(user, FALSE, line, user->profile, &process)) CloseHandle(process.hProcess);
    }
    RegCloseKey(handle);
}

static void at_logon(const WCHAR *name, void *context)
{
    static struct task task;
    const struct user *user = context;

    if (task_read(name, &task) || !task.enabled || !task.logon_trigger) return;
    if (*task.trigger_user)
    {
        struct task wanted = task;
        wcscpy(wanted.user, task.trigger_user);
        if (!task_is_for(&wanted, user)) return;
    }
    if (task_is_for_system(&task)) task_start(task.name, SYSTEM_SID);
    else if (task_is_for(&task, user)) task_start(task.name, user->sid);
}

static int logon(const WCHAR *sid, const WCHAR *domain, const WCHAR *name)
{
    static struct user user;
    WCHAR path[PATHS], hive[PATHS];
    DWORD error;

    if (known(sid, &user)) return 0;
    memset(&user, 0, sizeof(user));
    lstrcpynW(user.sid, sid, 192);
    lstrcpynW(user.domain, domain, 64);
    lstrcpynW(user.name, name, 256);
    profile_of(sid, name, user.profile);
    folders_of(user.profile);
    swprintf(path, PATHS, L"%ls\\NTUSER.DAT", user.profile);
    CopyFileW(L"C:\\users\\Default\\NTUSER.DAT", path, TRUE);
    error = hive_load(HKEY_USERS, sid, path);
    if (error) return fail(1, L"lablogon: the hive %ls cannot be loaded (%lu)\r\n", path, error);
    swprintf(path, PATHS, L"%ls\\AppData\\Local\\Microsoft\\Windows\\UsrClass.dat", user.profile);
    swprintf(hive, PATHS, L"%ls_Classes", sid);
    if (GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES)
    {
        set_text(HKEY_USERS, hive, L"", REG_SZ, L"", FALSE);
        hive_save(HKEY_USERS, hive, path);
        RegDeleteTreeW(HKEY_USERS, hive);
    }
    hive_load(HKEY_USERS, hive, path);
    shell_folders(&user);
    session_of(&user);
    active_setup(&user, KEY_WOW64_64KEY);
    active_setup(&user, KEY_WOW64_32KEY);
    run_key(&user, HKEY_LOCAL_MACHINE, L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run", FALSE);
    run_key(&user, HKEY_LOCAL_MACHINE, L"SOFTWARE\\Wow6432Node\\Microsoft\\Windows\\CurrentVersion\\Run", FALSE);
    swprintf(path, PATHS, L"%ls\\Software\\Microsoft\\Windows\\CurrentVersion\\Run", sid);
    run_key(&user, HKEY_USERS, path, FALSE);
    wcscat(path, L"Once");
    run_key(&user, HKEY_USERS, path, TRUE);
    tasks_each(at_logon, &user);
    return 0;
}

static void end_programs_of(const WCHAR *sid)
{
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0), process;
    PROCESSENTRY32W entry = { .dwSize = sizeof(entry) };

    if (Process32FirstW(snapshot, &entry))
        do
        {
            process = OpenProcess(PROCESS_TERMINATE | PROCESS_QUERY_INFORMATION | SYNCHRONIZE, FALSE, entry.th32ProcessID);
            if (!process) continue;
            if (runs_as(process, sid))
            {
                TerminateProcess(process, 0x40010004);
                WaitForSingleObject(process, 5000);
            }
            CloseHandle(process);
        } while (Process32NextW(snapshot, &entry));
    CloseHandle(snapshot);
}

static int logoff(const WCHAR *sid)
{
    WCHAR key[PATHS];
    DWORD error;

    end_programs_of(sid);
    swprintf(key, PATHS, L"%ls\\Volatile Environment", sid);
    RegDeleteTreeW(HKEY_USERS, key);
    RegDeleteKeyW(HKEY_USERS, key);
    swprintf(key, PATHS, L"%ls_Classes", sid);
    hive_unload(HKEY_USERS, key);
    error = hive_unload(HKEY_USERS, sid);
    return error ? fail(1, L"lablogon: the hive of %ls cannot be unloaded (%lu)\r\n", sid, error) : 0;
}

int wmain(int argc, WCHAR **argv)
{
    static struct user users[MAX_USERS], user;
    const WCHAR *what = argc > 1 ? argv[1] : L"";
    int count, index, bad = 0;

    if (is(what, L"default") && argc == 2) return make_default();
    if (is(what, L"logon") && argc == 5) return logon(argv[2], argv[3], argv[4]);
    if (is(what, L"logoff") && argc == 3) return logoff(argv[2]);
    if (is(what, L"run") && argc > 3)
    {
        const WCHAR *line = wcsstr(GetCommandLineW(), argv[2]) + wcslen(argv[2]);
        if (!known(argv[2], &user)) return fail(1, L"lablogon: %ls is not logged on\r\n", argv[2]);
        return wait_for(&user, line + wcsspn(line, L" "), INFINITE);
    }
    count = logged_on(users);
    if (is(what, L"logoff-all"))
    {
        for (index = 0; index < count; index++) bad |= logoff(users[index].sid);
        return bad;
    }
    if (!is(what, L"users")) return fail(2, L"lablogon default|logon|logoff|logoff-all|users|run\r\n");
    for (index = 0; index < count; index++)
        say(L"%ls %lu %ls\\%ls %ls\r\n", users[index].sid, users[index].session, users[index].domain, users[index].name, users[index].profile);
    return 0;
}
