/* Wine loads and saves hives, in its own text format instead of Windows' binary one, but neither remembers from which file one came
 * nor writes it back, and it unloads any key. This keeps the list that Windows keeps, too (Control\hivelist).
 */
#include "hives.h"

static void allow(const WCHAR *name)
{
    TOKEN_PRIVILEGES wanted = { 1, { { { 0, 0 }, SE_PRIVILEGE_ENABLED } } };
    HANDLE token;

    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, &token)) return;
    if (LookupPrivilegeValueW(NULL, name, &wanted.Privileges[0].Luid))
        AdjustTokenPrivileges(token, FALSE, &wanted, 0, NULL, NULL);
    CloseHandle(token);
}

static void listed_name(HKEY root, const WCHAR *key, WCHAR *name)
{
    swprintf(name, PATHS, L"\\REGISTRY\\%ls\\%ls", root == HKEY_USERS ? L"USER" : L"MACHINE", key);
}

static BOOL file_of(HKEY root, const WCHAR *key, WCHAR *file)
{
    WCHAR name[PATHS];
    listed_name(root, key, name);
    return text_value(HKEY_LOCAL_MACHINE, HIVELIST, name, file, PATHS);
}

static BOOL file_is_loaded(const WCHAR *file)
{
    WCHAR name[PATHS], found[PATHS];
    HKEY list;
    BOOL used = FALSE;
    DWORD index, chars, size;

    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, HIVELIST, 0, KEY_READ, &list)) return FALSE;
    for (index = 0; !used; index++)
    {
        chars = PATHS;
        size = sizeof(found) - sizeof(WCHAR);
        memset(found, 0, sizeof(found));
        if (RegEnumValueW(list, index, name, &chars, NULL, NULL, (BYTE *)found, &size)) break;
        used = is(found, file);
    }
    RegCloseKey(list);
    return used;
}

DWORD hive_load(HKEY root, const WCHAR *key, const WCHAR *file)
{
    WCHAR full[PATHS], name[PATHS];
    HKEY handle;
    DWORD error;

    allow(SE_RESTORE_NAME);
    allow(SE_BACKUP_NAME);
    if (!GetFullPathNameW(file, PATHS, full, NULL)) return GetLastError();
    if (GetFileAttributesW(full) == INVALID_FILE_ATTRIBUTES) return ERROR_FILE_NOT_FOUND;
    if (file_is_loaded(full)) return ERROR_SHARING_VIOLATION;
    if (!RegOpenKeyExW(root, key, 0, KEY_READ, &handle))
    {
        RegCloseKey(handle);
        return ERROR_ACCESS_DENIED;
    }
    error = RegLoadKeyW(root, key, full);
    if (error) return error == ERROR_NOT_REGISTRY_FILE ? error : ERROR_BADDB;
    listed_name(root, key, name);
    set_text(HKEY_LOCAL_MACHINE, HIVELIST, name, REG_SZ, full, TRUE);
    return 0;
}

DWORD hive_save(HKEY root, const WCHAR *key, const WCHAR *file)
{
    WCHAR beside[PATHS];
    HKEY handle;
    DWORD error;

    allow(SE_BACKUP_NAME);
    error = RegOpenKeyExW(root, key, 0, KEY_READ, &handle);
    if (error) return error;
    swprintf(beside, PATHS, L"%ls.%lu.new", file, GetCurrentProcessId());
    DeleteFileW(beside);
    error = RegSaveKeyW(handle, beside, NULL);
    RegCloseKey(handle);
    if (!error && !MoveFileExW(beside, file, MOVEFILE_REPLACE_EXISTING)) error = GetLastError();
    if (error) DeleteFileW(beside);
    return error;
}

DWORD hive_flush(HKEY root, const WCHAR *key)
{
    WCHAR file[PATHS];
    return file_of(root, key, file) ? hive_save(root, key, file) : ERROR_INVALID_PARAMETER;
}

DWORD hive_unload(HKEY root, const WCHAR *key)
{
    WCHAR file[PATHS], name[PATHS];
    HKEY list;
    DWORD error;

    if (!file_of(root, key, file)) return ERROR_INVALID_PARAMETER;
    allow(SE_RESTORE_NAME);
    error = hive_save(root, key, file);
    if (!error) error = RegUnLoadKeyW(root, key);
    if (error) return error;
    listed_name(root, key, name);
    if (!RegOpenKeyExW(HKEY_LOCAL_MACHINE, HIVELIST, 0, KEY_ALL_ACCESS, &list))
    {
        RegDeleteValueW(list, name);
        RegCloseKey(list);
    }
    return 0;
}
