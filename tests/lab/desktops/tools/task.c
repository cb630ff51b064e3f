/* Scheduled tasks: see task.h. Of the schema that Windows has for them this knows what rollouts use; it refuses what it does not
 * know how to do (other actions than a command, other principals) instead of doing nothing.
 */
#include "task.h"

#define TASKS L"C:\\windows\\system32\\Tasks"
#define NAMESPACE L"http://schemas.microsoft.com/windows/2004/02/mit/task"
#define RESULTS L"SOFTWARE\\OnPremChatLab\\Tasks"
#define HOUR 3600u

BOOL task_file(const WCHAR *name, WCHAR *path)
{
    while (*name == '\\') name++;
    if (!*name || wcslen(name) > 200 || wcspbrk(name, L"/:*?\"<>|") || wcsstr(name, L"..")) return FALSE;
    swprintf(path, PATHS, L"%ls\\%ls", TASKS, name);
    return TRUE;
}

void task_key(const WCHAR *name, WCHAR *key)
{
    WCHAR *c;

    while (*name == '\\') name++;
    swprintf(key, PATHS, L"%ls\\%ls", RESULTS, name);
    for (c = key + wcslen(RESULTS) + 1; *c; c++)
        if (*c == '\\') *c = '/';
}

/* Decode the five entities and numbers in place. */
static void decode(WCHAR *text)
{
    static const struct { const WCHAR *name; WCHAR value; } entities[] = {
        { L"&amp;", '&' }, { L"&lt;", '<' }, { L"&gt;", '>' }, { L"&quot;", '"' }, { L"&apos;", '\'' },
    };
    WCHAR *out = text, *end;
    size_t index;

    while (*text)
    {
        for (index = 0; *text == '&' && index < 5; index++)
            if (!wcsncmp(text, entities[index].name, wcslen(entities[index].name))) break;
        if (*text == '&' && index < 5)
        {
            *out++ = entities[index].value;
            text += wcslen(entities[index].name);
        }
        else if (text[0] == '&' && text[1] == '#')
        {
            *out++ = (WCHAR)(text[2] == 'x' ? wcstoul(text + 3, &end, 16) : wcstoul(text + 2, &end, 10));
            text = *end == ';' ? end + 1 : end;
        }
        else *out++ = *text++;
    }
    *out = 0;
}

static void trim(WCHAR *text)
{
    size_t length = wcslen(text), front = wcsspn(text, L" \t\r\n");

    while (length > front && wcschr(L" \t\r\n", text[length - 1])) length--;
    memmove(text, text + front, (length - front) * sizeof(WCHAR));
    text[length - front] = 0;
}

static const WCHAR *take(struct task *task, const WCHAR *path, WCHAR *text)
{
    static const struct { const WCHAR *path; size_t offset, chars; } texts[] = {
#define AT(path, field) { path, offsetof(struct task, field), sizeof(((struct task *)0)->field) / sizeof(WCHAR) }
        AT(L"/Task/Principals/Principal/UserId", user), AT(L"/Task/Principals/Principal/GroupId", group),
        AT(L"/Task/Principals/Principal/LogonType", logon_type), AT(L"/Task/Principals/Principal/RunLevel", run_level),
        AT(L"/Task/Actions/Exec/Command", command), AT(L"/Task/Actions/Exec/Arguments", arguments),
        AT(L"/Task/Actions/Exec/WorkingDirectory", folder), AT(L"/Task/Triggers/LogonTrigger/UserId", trigger_user),
#undef AT
    };
    size_t index;

    trim(text);
    decode(text);
    for (index = 0; index < sizeof(texts) / sizeof(*texts); index++)
        if (!wcscmp(path, texts[index].path))
        {
            if (wcslen(text) >= texts[index].chars) return L"a value is too long";
            wcscpy((WCHAR *)((BYTE *)task + texts[index].offset), text);
        }
    if (!wcscmp(path, L"/Task/Settings/Enabled")) task->enabled = wcscmp(text, L"false") != 0;
    if (!wcscmp(path, L"/Task/Settings/AllowStartOnDemand")) task->on_demand = wcscmp(text, L"false") != 0;
    if (!wcscmp(path, L"/Task/Settings/MultipleInstancesPolicy")) task->parallel = !wcscmp(text, L"Parallel");
    if (!wcscmp(path, L"/Task/Triggers/LogonTrigger/Enabled")) task->logon_trigger = wcscmp(text, L"false") != 0;
    if (!wcscmp(path, L"/Task/Settings/ExecutionTimeLimit"))
    {
        WCHAR unit = *text ? text[wcslen(text) - 1] : 0;
        DWORD number = wcsncmp(text, L"PT", 2) ? 0 : wcstoul(text + 2, NULL, 10);
        task->limit = number * (unit == 'H' ? HOUR : unit == 'M' ? 60 : 1);
    }
    if (!wcsncmp(path, L"/Task/Actions/", 14) && wcsncmp(path + 14, L"Exec", 4)) return L"only the action Exec is known to this stand-in";
    return NULL;
}

const WCHAR *task_parse(const WCHAR *xml, BOOL wide, struct task *task)
{
    static WCHAR text[16384];
    WCHAR path[PATHS] = L"", tag[256];
    const WCHAR *at = xml, *end, *wrong;
    size_t length, used = 0, commands = 0;
    BOOL root = FALSE;

    memset(task, 0, sizeof(*task));
    task->enabled = task->on_demand = TRUE;
    task->limit = 72 * HOUR;
    while (*at)
    {
        if (*at != '<')
        {
            if (!*path && !wcschr(L" \t\r\n", *at)) return L"there is text outside of the root element";
            if (used < 16383) text[used++] = *at;
            at++;
            continue;
        }
        if (!wcsncmp(at, L"<!--", 4))
        {
            if (!(end = wcsstr(at, L"-->"))) return L"a comment does not end";
            at = end + 3;
            continue;
        }
        if (!(end = wcschr(at, '>'))) return L"an element does not end";
        if (at[1] == '?')
        {
            const WCHAR *encoding = wcsstr(at, L"encoding=");
            BOOL says_wide = encoding && encoding < end && !_wcsnicmp(encoding + 10, L"UTF-16", 6);
            if (encoding && encoding < end && says_wide != wide) return L"the declared encoding is not that of the file";
            at = end + 1;
            continue;
        }
        text[used] = 0;
        if (at[1] == '/')
        {
            WCHAR *last = wcsrchr(path, '/');
            length = wcslen(last ? last + 1 : L"");
            if (!last || wcsncmp(at + 2, last + 1, length) || !wcschr(L"> \t\r\n", at[2 + length])) return L"an element is closed that is not open";
            if ((wrong = take(task, path, text))) return wrong;
            *last = 0;
        }
        else
        {
            length = wcscspn(at + 1, L" \t\r\n/>");
            if (!length || length > 255 || wcslen(path) + length + 2 > PATHS) return L"an element has no name";
            wcsncpy(tag, at + 1, length);
            tag[length] = 0;
            if (!*path)
            {
                const WCHAR *space = wcsstr(at, NAMESPACE);
                if (root || wcscmp(tag, L"Task") || !space || space > end) return L"the root element is not Task of its namespace";
                root = TRUE;
            }
            if (end[-1] != '/')
            {
                wcscat(path, L"/");
                wcscat(path, tag);
            }
            if (!wcscmp(tag, L"LogonTrigger")) task->logon_trigger = TRUE;
            if (!wcscmp(path, L"/Task/Actions/Exec/Command")) commands++;
        }
        used = 0;
        at = end + 1;
    }
    if (!root || *path) return L"the document does not end";
    if (!*task->command) return L"/Task/Actions/Exec/Command is missing";
    if (commands > 1) return L"more than one action is not known to this stand-in";
    if (*task->user && *task->group) return L"a principal has both UserId and GroupId";
    if (*task->group && *task->logon_type) return L"a principal with GroupId has no LogonType";
    return NULL;
}

DWORD task_read(const WCHAR *name, struct task *task)
{
    WCHAR path[PATHS];
    WCHAR *xml;
    BOOL wide, bad;

    if (!task_file(name, path) || GetFileAttributesW(path) & FILE_ATTRIBUTE_DIRECTORY) return ERROR_FILE_NOT_FOUND;
    if (!(xml = read_text(path, &wide))) return ERROR_FILE_NOT_FOUND;
    bad = task_parse(xml, wide, task) != NULL;
    free(xml);
    while (*name == '\\') name++;
    swprintf(task->name, PATHS, L"\\%ls", name);
    return bad ? ERROR_INVALID_DATA : 0;
}

BOOL task_is_for_system(const struct task *task)
{
    return is(task->user, SYSTEM_SID) || is(task->user, L"SYSTEM") || is(task->user, L"NT AUTHORITY\\SYSTEM") || is(task->group, SYSTEM_SID);
}

static BOOL names(const WCHAR *given, const struct user *user)
{
    const WCHAR *name = wcschr(given, '\\');

    if (is(given, user->sid)) return TRUE;
    if (!name) return is(given, user->name);
    return is(name + 1, user->name) && wcslen(user->domain) == (size_t)(name - given) && !_wcsnicmp(given, user->domain, name - given);
}

BOOL task_is_for(const struct task *task, const struct user *user)
{
    /* Users, interactive, authenticated users, everyone; also the names that an English Windows has for them. */
    static const WCHAR *all[] = { L"S-1-5-32-545", L"S-1-5-4", L"S-1-5-11", L"S-1-1-0", L"BUILTIN\\Users", L"Users", L"NT AUTHORITY\\INTERACTIVE", L"INTERACTIVE" };
    size_t index;

    if (*task->user) return names(task->user, user);
    for (index = 0; index < sizeof(all) / sizeof(*all); index++)
        if (is(task->group, all[index])) return TRUE;
    return FALSE;
}

BOOL task_start(const WCHAR *name, const WCHAR *sid)
{
    WCHAR line[PATHS * 2];
    STARTUPINFOW startup = { .cb = sizeof(startup), .dwFlags = STARTF_USESTDHANDLES };
    PROCESS_INFORMATION process;
    SECURITY_ATTRIBUTES inherited = { sizeof(inherited), NULL, TRUE };
    HANDLE nothing = CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherited, OPEN_EXISTING, 0, NULL);
    BOOL started;

    /* Nothing of who asked is handed on: a WinRM command must end while the task goes on. */
    startup.hStdInput = startup.hStdOutput = startup.hStdError = nothing;
    swprintf(line, PATHS * 2, L"schtasks.exe /laboratory-run \"%ls\" %ls", name, sid);
    SetHandleInformation(GetStdHandle(STD_INPUT_HANDLE), HANDLE_FLAG_INHERIT, 0);
    SetHandleInformation(GetStdHandle(STD_OUTPUT_HANDLE), HANDLE_FLAG_INHERIT, 0);
    SetHandleInformation(GetStdHandle(STD_ERROR_HANDLE), HANDLE_FLAG_INHERIT, 0);
    started = CreateProcessW(L"C:\\windows\\system32\\schtasks.exe", line, NULL, NULL, TRUE, DETACHED_PROCESS | CREATE_BREAKAWAY_FROM_JOB, NULL, L"C:\\windows\\system32", &startup, &process);
    CloseHandle(nothing);
    if (!started) return FALSE;
    CloseHandle(process.hThread);
    CloseHandle(process.hProcess);
    return TRUE;
}

static BOOL find_user(const WCHAR *sid, struct user *user)
{
    static struct user users[MAX_USERS];
    int count, index;

    system_account(user);
    if (is(sid, SYSTEM_SID)) return TRUE;
    count = logged_on(users);
    for (index = 0; index < count; index++)
        if (is(users[index].sid, sid))
        {
            *user = users[index];
            return TRUE;
        }
    return FALSE;
}

DWORD task_run(const WCHAR *name, const WCHAR *sid)
{
    static struct task task;
    static WCHAR line[16384], command[PATHS], arguments[12288], folder[PATHS];
    WCHAR key[PATHS], running[PATHS];
    struct user user;
    PROCESS_INFORMATION process;
    DWORD code = 1, error;

    if (task_read(name, &task) || !find_user(sid, &user)) return 1;
    task_key(task.name, key);
    swprintf(running, PATHS, L"%ls\\%ls", key, sid);
    /* Variables are those of the user: cmd.exe would expand them in his process; the service expands them itself. */
    SetEnvironmentVariableW(L"USERPROFILE", user.profile);
    swprintf(line, 16384, L"%ls\\AppData\\Local", user.profile);
    SetEnvironmentVariableW(L"LOCALAPPDATA", line);
    swprintf(line, 16384, L"%ls\\AppData\\Roaming", user.profile);
    SetEnvironmentVariableW(L"APPDATA", line);
    SetEnvironmentVariableW(L"USERNAME", user.name);
    ExpandEnvironmentStringsW(task.command, command, PATHS);
    ExpandEnvironmentStringsW(task.arguments, arguments, 12288);
    ExpandEnvironmentStringsW(*task.folder ? task.folder : L"C:\\windows\\system32", folder, PATHS);
    swprintf(line, 16384, command[0] == '"' ? L"%ls %ls" : L"\"%ls\" %ls", command, arguments);
    error = start_as(&user, is(sid, SYSTEM_SID) || is(task.run_level, L"HighestAvailable"), line, folder, &process);
    if (error)
    {
        code = error == ERROR_FILE_NOT_FOUND ? 0x80070002 : 0x80070000 | error;
        set_number(HKEY_LOCAL_MACHINE, running, L"LastTaskResult", code, FALSE);
        set_number(HKEY_LOCAL_MACHINE, key, L"LastTaskResult", code, FALSE);
        return code;
    }
    /* 0x41301: the task is running. */
    set_number(HKEY_LOCAL_MACHINE, running, L"LastTaskResult", 0x41301, FALSE);
    set_number(HKEY_LOCAL_MACHINE, key, L"LastTaskResult", 0x41301, FALSE);
    set_number(HKEY_LOCAL_MACHINE, running, L"ProcessId", process.dwProcessId, FALSE);
    if (WaitForSingleObject(process.hProcess, task.limit ? task.limit * 1000 : INFINITE) == WAIT_TIMEOUT)
        TerminateProcess(process.hProcess, 0x41306);
    GetExitCodeProcess(process.hProcess, &code);
    set_number(HKEY_LOCAL_MACHINE, running, L"ProcessId", 0, FALSE);
    set_number(HKEY_LOCAL_MACHINE, running, L"LastTaskResult", code, FALSE);
    set_number(HKEY_LOCAL_MACHINE, key, L"LastTaskResult", code, FALSE);
    return code;
}

static void each_below(const WCHAR *name, void (*found)(const WCHAR *, void *), void *context)
{
    WCHAR path[PATHS];
    WIN32_FIND_DATAW data;
    HANDLE find;

    swprintf(path, PATHS, L"%ls%ls\\*", TASKS, name);
    find = FindFirstFileW(path, &data);
    if (find == INVALID_HANDLE_VALUE) return;
    do
    {
        if (is(data.cFileName, L".") || is(data.cFileName, L"..")) continue;
        swprintf(path, PATHS, L"%ls\\%ls", name, data.cFileName);
        if (data.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) each_below(path, found, context);
        else found(path, context);
    } while (FindNextFileW(find, &data));
    FindClose(find);
}

void tasks_each(void (*found)(const WCHAR *name, void *context), void *context)
{
    each_below(L"", found, context);
}
