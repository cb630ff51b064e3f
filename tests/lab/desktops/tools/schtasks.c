/* A stand-in for schtasks.exe, and for the service behind it: what is registered is run, in the sessions of those whom it is for.
 *
 *   schtasks /create /tn NAME /xml FILE [/f]                      schtasks /run /tn NAME [/i]
 *   schtasks /create /tn NAME /tr COMMAND /sc ONCE|ONLOGON|… [/st HH:MM] [/ru SYSTEM] [/rl HIGHEST] [/f]
 *   schtasks /query [/tn NAME] [/fo csv|list|table] [/nh] [/v] [/xml]    schtasks /end /tn NAME     schtasks /delete /tn NAME /f
 * Exit codes: 0, and 1 for everything that failed. Triggers other than a logon are kept and never fire; a password is refused.
 */
#include "task.h"
#include <tlhelp32.h>

struct options
{
    const WCHAR *action, *name, *xml, *command, *schedule, *start, *user, *level, *format;
    BOOL force, no_header, verbose, as_xml;
};

static int parse(int argc, WCHAR **argv, struct options *out)
{
    int index;

    memset(out, 0, sizeof(*out));
    out->format = L"table";
    for (index = 1; index < argc; index++)
    {
        const WCHAR *word = argv[index];
        const WCHAR *next = index + 1 < argc ? argv[index + 1] : NULL;
        if (is(word, L"/create") || is(word, L"/run") || is(word, L"/query") || is(word, L"/delete") || is(word, L"/end"))
        {
            if (out->action) return 1;
            out->action = word + 1;
        }
        else if (is(word, L"/f")) out->force = TRUE;
        else if (is(word, L"/nh") || is(word, L"/hresult")) out->no_header |= is(word, L"/nh");
        else if (is(word, L"/v")) out->verbose = TRUE;
        else if (is(word, L"/i") || is(word, L"/z") || is(word, L"/np") || is(word, L"/it")) continue;
        else if (is(word, L"/xml") && out->action && is(out->action, L"query")) out->as_xml = TRUE;
        else if (!next) return 1;
        else if (is(word, L"/tn")) out->name = next, index++;
        else if (is(word, L"/xml")) out->xml = next, index++;
        else if (is(word, L"/tr")) out->command = next, index++;
        else if (is(word, L"/sc")) out->schedule = next, index++;
        else if (is(word, L"/st") || is(word, L"/sd")) out->start = next, index++;
        else if (is(word, L"/ru")) out->user = next, index++;
        else if (is(word, L"/rl")) out->level = next, index++;
        else if (is(word, L"/fo")) out->format = next, index++;
        else return 1;
    }
    return !out->action;
}

static void append_escaped(WCHAR *out, const WCHAR *text)
{
    out += wcslen(out);
    for (; *text; text++)
        out += swprintf(out, 10, *text == '&' ? L"&amp;" : *text == '<' ? L"&lt;" : *text == '>' ? L"&gt;" : L"%lc", *text);
}

/* What /tr and its companions mean, as XML; NULL when they are not complete. */
static WCHAR *xml_of(const struct options *options)
{
    static WCHAR xml[16384];
    const WCHAR *command = options->command, *end;
    WCHAR program[PATHS] = L"";
    BOOL is_system = options->user && (is(options->user, L"SYSTEM") || is(options->user, L"NT AUTHORITY\\SYSTEM") || is(options->user, SYSTEM_SID));
    BOOL at_logon = options->schedule && is(options->schedule, L"ONLOGON");

    if (!options->schedule || (!is_system && !at_logon && options->user && !*options->user)) return NULL;
    if (is(options->schedule, L"ONCE") && !options->start) return NULL;
    end = *command == '"' ? wcschr(command + 1, '"') : command + wcscspn(command, L" ");
    if (!end) return NULL;
    wcsncpy(program, command + (*command == '"'), min(PATHS - 1, end - command - (*command == '"')));
    wcscpy(xml, L"\ufeff<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n<Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\r\n"
                L"  <Triggers>");
    wcscat(xml, at_logon ? L"<LogonTrigger/>" : L"");
    wcscat(xml, L"</Triggers>\r\n  <Principals><Principal id=\"Author\">");
    if (is_system) wcscat(xml, L"<UserId>S-1-5-18</UserId>");
    else if (options->user)
    {
        wcscat(xml, L"<UserId>");
        append_escaped(xml, options->user);
        wcscat(xml, L"</UserId><LogonType>InteractiveToken</LogonType>");
    }
    else wcscat(xml, L"<GroupId>S-1-5-32-545</GroupId>");
    wcscat(xml, options->level && is(options->level, L"HIGHEST") ? L"<RunLevel>HighestAvailable</RunLevel>" : L"");
    wcscat(xml, L"</Principal></Principals>\r\n  <Actions Context=\"Author\"><Exec><Command>");
    append_escaped(xml, program);
    wcscat(xml, L"</Command><Arguments>");
    append_escaped(xml, end + (*end == '"') + wcsspn(end + (*end == '"'), L" "));
    wcscat(xml, L"</Arguments></Exec></Actions>\r\n</Task>\r\n");
    return xml;
}

static int create(const struct options *options)
{
    static struct task task;
    WCHAR path[PATHS];
    const WCHAR *wrong;
    WCHAR *xml;
    BOOL wide = TRUE;

    if (!options->name || !(options->xml || options->command)) return fail(1, L"ERROR: Invalid syntax. /tn and one of /xml and /tr are needed.\r\n");
    if (!task_file(options->name, path)) return fail(1, L"ERROR: The filename, directory name, or volume label syntax is incorrect.\r\n");
    xml = options->xml ? read_text(options->xml, &wide) : xml_of(options);
    if (!xml && options->xml) return fail(1, L"ERROR: The system cannot find the file specified.\r\n");
    if (!xml) return fail(1, L"ERROR: Invalid syntax. /sc, or /st for ONCE, is missing.\r\n");
    wrong = task_parse(xml + (*xml == 0xfeff), wide, &task);
    if (wrong) return fail(1, L"ERROR: The task XML is malformed or not known here: %ls.\r\n", wrong);
    if (is(task.logon_type, L"Password") || is(task.logon_type, L"S4U"))
        return fail(1, L"ERROR: The user name or password is incorrect.\r\n");
    if (GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES && !options->force)
    {
        int answer;
        say(L"WARNING: The task name \"%ls\" already exists. Do you want to replace it (Y/N)? ", options->name);
        answer = getchar();
        if (answer != 'y' && answer != 'Y') return fail(1, L"\r\nERROR: The task was not replaced: /f was not given.\r\n");
    }
    make_folders_for(path);
    if (options->xml)
    {
        size_t size;
        BYTE *data = read_file(options->xml, &size);
        if (!data || write_file(path, data, size)) return fail(1, L"ERROR: Access is denied.\r\n");
    }
    else if (write_file(path, xml, wcslen(xml) * sizeof(WCHAR))) return fail(1, L"ERROR: Access is denied.\r\n");
    say(L"SUCCESS: The scheduled task \"%ls\" has successfully been created.\r\n", options->name);
    return 0;
}

static int missing(void)
{
    return fail(1, L"ERROR: The system cannot find the file specified.\r\n");
}

static BOOL runs(const WCHAR *name)
{
    WCHAR key[PATHS];
    task_key(name, key);
    return number_value(HKEY_LOCAL_MACHINE, key, L"LastTaskResult", 0) == 0x41301;
}

static int start(const struct options *options)
{
    static struct user users[MAX_USERS];
    static struct task task;
    int count = logged_on(users), index, started = 0;

    if (!options->name || task_read(options->name, &task)) return missing();
    if (!task.enabled || !task.on_demand) return fail(1, L"ERROR: The task is disabled, or must not be started on demand.\r\n");
    if (!task.parallel && runs(task.name))
    {
        say(L"INFO: scheduled task \"%ls\" is currently running.\r\n", options->name);
        return 0;
    }
    if (task_is_for_system(&task)) started = task_start(task.name, SYSTEM_SID);
    for (index = 0; index < count; index++)
        if (task_is_for(&task, &users[index])) started += task_start(task.name, users[index].sid);
    if (!started && *task.user)
        return fail(1, L"ERROR: The operator or administrator has refused the request: this user is not logged on.\r\n");
    say(L"SUCCESS: Attempted to run the scheduled task \"%ls\".\r\n", options->name);
    return 0;
}

static void end_tree(DWORD parent)
{
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0), process;
    PROCESSENTRY32W entry = { .dwSize = sizeof(entry) };

    if (Process32FirstW(snapshot, &entry))
        do
            if (entry.th32ParentProcessID == parent && entry.th32ProcessID != parent) end_tree(entry.th32ProcessID);
        while (Process32NextW(snapshot, &entry));
    CloseHandle(snapshot);
    if ((process = OpenProcess(PROCESS_TERMINATE, FALSE, parent)))
    {
        /* 0x41306: ended by a person. */
        TerminateProcess(process, 0x41306);
        CloseHandle(process);
    }
}

static int end(const struct options *options)
{
    static struct task task;
    WCHAR key[PATHS], sid[192], below[PATHS];
    DWORD index, chars = 192, process;
    HKEY handle;

    if (!options->name || task_read(options->name, &task)) return missing();
    task_key(task.name, key);
    if (!RegOpenKeyExW(HKEY_LOCAL_MACHINE, key, 0, KEY_READ, &handle))
    {
        for (index = 0; !RegEnumKeyExW(handle, index, sid, &chars, NULL, NULL, NULL, NULL); index++, chars = 192)
        {
            swprintf(below, PATHS, L"%ls\\%ls", key, sid);
            process = number_value(HKEY_LOCAL_MACHINE, below, L"ProcessId", 0);
            if (process) end_tree(process);
        }
        RegCloseKey(handle);
    }
    say(L"SUCCESS: The scheduled task \"%ls\" has been terminated successfully.\r\n", options->name);
    return 0;
}

static int delete(const struct options *options)
{
    WCHAR path[PATHS], key[PATHS];

    if (!options->name || !task_file(options->name, path) || GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES) return missing();
    if (!options->force)
    {
        int answer;
        say(L"WARNING: Are you sure you want to remove the task \"%ls\" (Y/N)? ", options->name);
        answer = getchar();
        if (answer != 'y' && answer != 'Y') return fail(1, L"\r\nERROR: The task was not removed: /f was not given.\r\n");
    }
    if (!DeleteFileW(path)) return fail(1, L"ERROR: Access is denied.\r\n");
    /* An empty folder stays on Windows, too. */
    task_key(options->name, key);
    RegDeleteTreeW(HKEY_LOCAL_MACHINE, key);
    say(L"SUCCESS: The scheduled task \"%ls\" was successfully deleted.\r\n", options->name);
    return 0;
}

static void show(const WCHAR *name, void *context)
{
    static struct task task;
    const struct options *options = context;
    WCHAR key[PATHS];
    const WCHAR *status;

    if (task_read(name, &task)) return;
    task_key(task.name, key);
    status = !task.enabled ? L"Disabled" : runs(task.name) ? L"Running" : L"Ready";
    if (is(options->format, L"csv"))
    {
        say(L"\"%ls\",\"N/A\",\"%ls\"", task.name, status);
        if (options->verbose) say(L",\"%d\",\"%ls %ls\"", (int)number_value(HKEY_LOCAL_MACHINE, key, L"LastTaskResult", 0x41303), task.command, task.arguments);
        say(L"\r\n");
    }
    else if (is(options->format, L"list"))
    {
        say(L"TaskName:      %ls\r\nNext Run Time: N/A\r\nStatus:        %ls\r\n", task.name, status);
        if (options->verbose) say(L"Last Result:   %d\r\nTask To Run:   %ls %ls\r\n", (int)number_value(HKEY_LOCAL_MACHINE, key, L"LastTaskResult", 0x41303), task.command, task.arguments);
        say(L"\r\n");
    }
    else say(L"%-40ls %-22ls %ls\r\n", task.name, L"N/A", status);
}

static int query(const struct options *options)
{
    static struct task task;
    WCHAR path[PATHS];
    WCHAR *xml;
    BOOL wide;

    if (options->name)
    {
        if (!task_file(options->name, path) || GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES) return missing();
        if (task_read(options->name, &task)) return missing();
    }
    if (options->as_xml)
    {
        if (!options->name || !(xml = read_text(path, &wide))) return fail(1, L"ERROR: /xml wants /tn here.\r\n");
        say(L"%ls\r\n", xml);
        return 0;
    }
    if (!options->no_header && is(options->format, L"csv"))
        say(L"\"TaskName\",\"Next Run Time\",\"Status\"%ls\r\n", options->verbose ? L",\"Last Result\",\"Task To Run\"" : L"");
    if (options->name) show(options->name, (void *)options);
    else tasks_each(show, (void *)options);
    return 0;
}

int wmain(int argc, WCHAR **argv)
{
    struct options options;

    if (argc == 4 && is(argv[1], L"/laboratory-run")) return task_run(argv[2], argv[3]);
    if (parse(argc, argv, &options)) return fail(1, L"ERROR: Invalid syntax, or an option that this stand-in does not know.\r\n");
    if (is(options.action, L"create")) return create(&options);
    if (is(options.action, L"run")) return start(&options);
    if (is(options.action, L"end")) return end(&options);
    if (is(options.action, L"delete")) return delete(&options);
    return query(&options);
}
