/* Wine knows one user, but its tokens are real: one with another SID gives a process and all that it starts that user's
 * HKEY_CURRENT_USER. What Wine does not do is to forbid such a user what he may not do: he can write everywhere.
 */
#include "users.h"
#include <sddl.h>
#include <winternl.h>

typedef NTSTATUS (NTAPI *create_token)(HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *, TOKEN_TYPE, LUID *, LARGE_INTEGER *, TOKEN_USER *,
                                       TOKEN_GROUPS *, TOKEN_PRIVILEGES *, TOKEN_OWNER *, TOKEN_PRIMARY_GROUP *,
                                       TOKEN_DEFAULT_DACL *, TOKEN_SOURCE *);

#define IN_EFFECT (SE_GROUP_MANDATORY | SE_GROUP_ENABLED | SE_GROUP_ENABLED_BY_DEFAULT)
/* Everyone, interactive, authenticated users, Users; Administrators come last. */
static const WCHAR *GROUPS[] = { L"S-1-1-0", L"S-1-5-4", L"S-1-5-11", L"S-1-5-32-545", L"S-1-5-32-544" };
static const WCHAR *PRIVILEGES[] = { SE_CHANGE_NOTIFY_NAME, SE_BACKUP_NAME, SE_RESTORE_NAME, SE_DEBUG_NAME, SE_SECURITY_NAME,
                                     SE_TAKE_OWNERSHIP_NAME, SE_SHUTDOWN_NAME, SE_IMPERSONATE_NAME };

int logged_on(struct user *users)
{
    WCHAR sid[192], key[PATHS], session[16];
    DWORD index, chars;
    HKEY volatile_key;
    int count = 0;

    for (index = 0; count < MAX_USERS; index++)
    {
        struct user *user = &users[count];
        chars = 192;
        if (RegEnumKeyExW(HKEY_USERS, index, sid, &chars, NULL, NULL, NULL, NULL)) break;
        swprintf(key, PATHS, L"%ls\\Volatile Environment", sid);
        memset(user, 0, sizeof(*user));
        if (!text_value(HKEY_USERS, key, L"USERNAME", user->name, 256)) continue;
        wcscpy(user->sid, sid);
        text_value(HKEY_USERS, key, L"USERDOMAIN", user->domain, 64);
        text_value(HKEY_USERS, key, L"USERPROFILE", user->profile, PATHS);
        if (!RegOpenKeyExW(HKEY_USERS, key, 0, KEY_READ, &volatile_key))
        {
            chars = 16;
            if (!RegEnumKeyExW(volatile_key, 0, session, &chars, NULL, NULL, NULL, NULL)) user->session = _wtoi(session);
            RegCloseKey(volatile_key);
        }
        count++;
    }
    return count;
}

void system_account(struct user *user)
{
    DWORD chars = 64;

    memset(user, 0, sizeof(*user));
    wcscpy(user->sid, SYSTEM_SID);
    GetComputerNameW(user->name, &chars);
    wcscat(user->name, L"$");
    if (!GetEnvironmentVariableW(L"USERDOMAIN", user->domain, 64)) wcscpy(user->domain, L"WORKGROUP");
    wcscpy(user->profile, L"C:\\windows\\system32\\config\\systemprofile");
}

/* A token with this SID, made as Windows' logon process makes one. */
static DWORD token_of(const WCHAR *sid, BOOL administrator, HANDLE *token)
{
    static create_token make;
    SECURITY_QUALITY_OF_SERVICE quality = { sizeof(quality), SecurityAnonymous, 0, 0 };
    OBJECT_ATTRIBUTES attributes = { .Length = sizeof(attributes), .SecurityQualityOfService = &quality };
    DWORD count = sizeof(GROUPS) / sizeof(*GROUPS) - !administrator, index;
    DWORD rights = administrator ? sizeof(PRIVILEGES) / sizeof(*PRIVILEGES) : 1;
    TOKEN_GROUPS *groups = calloc(1, sizeof(*groups) + count * sizeof(SID_AND_ATTRIBUTES));
    TOKEN_PRIVILEGES *privileges = calloc(1, sizeof(*privileges) + rights * sizeof(LUID_AND_ATTRIBUTES));
    TOKEN_SOURCE source = { "Lab", { 0, 0 } };
    TOKEN_DEFAULT_DACL list;
    TOKEN_PRIMARY_GROUP primary;
    TOKEN_OWNER owner;
    TOKEN_USER user;
    LUID logon;
    LARGE_INTEGER never = { .QuadPart = 0x7fffffffffffffff };
    PSECURITY_DESCRIPTOR descriptor;
    WCHAR text[512];
    BOOL present, defaulted;
    PSID mine;

    if (!make) make = (create_token)(void *)GetProcAddress(GetModuleHandleW(L"ntdll"), "NtCreateToken");
    if (!make || !ConvertStringSidToSidW(sid, &mine)) return ERROR_INVALID_SID;
    AllocateLocallyUniqueId(&logon);
    groups->GroupCount = count;
    for (index = 0; index < count; index++)
    {
        ConvertStringSidToSidW(GROUPS[index], &groups->Groups[index].Sid);
        groups->Groups[index].Attributes = IN_EFFECT;
    }
    privileges->PrivilegeCount = rights;
    for (index = 0; index < rights; index++)
    {
        LookupPrivilegeValueW(NULL, PRIVILEGES[index], &privileges->Privileges[index].Luid);
        privileges->Privileges[index].Attributes = index ? 0 : SE_PRIVILEGE_ENABLED | SE_PRIVILEGE_ENABLED_BY_DEFAULT;
    }
    user.User.Sid = owner.Owner = mine;
    user.User.Attributes = 0;
    primary.PrimaryGroup = groups->Groups[3].Sid;
    swprintf(text, 512, L"D:(A;;GA;;;SY)(A;;GA;;;BA)(A;;GA;;;%ls)", sid);
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(text, SDDL_REVISION_1, &descriptor, NULL)) return GetLastError();
    GetSecurityDescriptorDacl(descriptor, &present, &list.DefaultDacl, &defaulted);
    return RtlNtStatusToDosError(make(token, TOKEN_ALL_ACCESS, &attributes, TokenPrimary, &logon, &never, &user, groups, privileges,
                                      &owner, &primary, &list, &source));
}

struct variable
{
    const WCHAR *name;
    WCHAR value[PATHS];
};

static int variables_of(const struct user *user, struct variable *list)
{
    static const struct { const WCHAR *name, *format; } ours[] = {
        { L"USERPROFILE", L"%ls" }, { L"APPDATA", L"%ls\\AppData\\Roaming" }, { L"LOCALAPPDATA", L"%ls\\AppData\\Local" },
        { L"TEMP", L"%ls\\AppData\\Local\\Temp" }, { L"TMP", L"%ls\\AppData\\Local\\Temp" },
    };
    int count;

    for (count = 0; count < 5; count++)
    {
        list[count].name = ours[count].name;
        swprintf(list[count].value, PATHS, ours[count].format, user->profile);
        /* SYSTEM has that of the machine, which is there. */
        if (count > 2 && wcsstr(user->profile, L"\\config\\systemprofile")) wcscpy(list[count].value, L"C:\\windows\\temp");
    }
    list[count].name = L"HOMEPATH";
    lstrcpynW(list[count++].value, user->profile + 2, PATHS);
    list[count].name = L"USERNAME";
    lstrcpynW(list[count++].value, user->name, PATHS);
    /* Where Wine's GetUserName looks. */
    list[count].name = L"WINEUSERNAME";
    lstrcpynW(list[count++].value, user->name, PATHS);
    list[count].name = L"USERDOMAIN";
    lstrcpynW(list[count++].value, user->domain, PATHS);
    if (user->session)
    {
        list[count].name = L"SESSIONNAME";
        wcscpy(list[count++].value, user->session == 1 ? L"Console" : L"RDP-Tcp#0");
    }
    return count;
}

DWORD start_as(const struct user *user, BOOL administrator, const WCHAR *line, const WCHAR *folder, PROCESS_INFORMATION *process)
{
    static struct variable mine[16], before[16];
    static WCHAR copy[LINES];
    STARTUPINFOW startup = { .cb = sizeof(startup) };
    int count = variables_of(user, mine), index;
    HANDLE token = NULL;
    WCHAR *block;
    DWORD error = token_of(user->sid, administrator, &token);

    if (error) return error;
    lstrcpynW(copy, line, LINES);
    for (index = 0; index < count; index++)
    {
        before[index].name = mine[index].name;
        if (!GetEnvironmentVariableW(mine[index].name, before[index].value, PATHS)) before[index].value[0] = 0;
        SetEnvironmentVariableW(mine[index].name, mine[index].value);
    }
    block = GetEnvironmentStringsW();
    if (!CreateProcessAsUserW(token, NULL, copy, NULL, NULL, TRUE, CREATE_UNICODE_ENVIRONMENT, block,
                              folder && *folder ? folder : NULL, &startup, process))
        error = GetLastError();
    FreeEnvironmentStringsW(block);
    for (index = 0; index < count; index++)
        SetEnvironmentVariableW(before[index].name, before[index].value[0] ? before[index].value : NULL);
    CloseHandle(token);
    return error;
}

BOOL runs_as(HANDLE process, const WCHAR *sid)
{
    BYTE buffer[256];
    WCHAR *text = NULL;
    HANDLE token;
    DWORD size;
    BOOL same = FALSE;

    if (!OpenProcessToken(process, TOKEN_QUERY, &token)) return FALSE;
    if (GetTokenInformation(token, TokenUser, buffer, sizeof(buffer), &size) &&
        ConvertSidToStringSidW(((TOKEN_USER *)buffer)->User.Sid, &text))
    {
        same = is(text, sid);
        LocalFree(text);
    }
    CloseHandle(token);
    return same;
}
