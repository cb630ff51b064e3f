/* What the stand-ins share: see common.h. */
#include "common.h"
#include <stdarg.h>

static void write_text(DWORD where, const WCHAR *format, va_list arguments)
{
    static WCHAR text[LINES];
    static char bytes[LINES * 4];
    HANDLE out = GetStdHandle(where);
    UINT page = GetConsoleOutputCP();
    DWORD mode, done;
    int count = vswprintf(text, LINES, format, arguments);

    if (count < 0) return;
    if (GetConsoleMode(out, &mode))
    {
        WriteConsoleW(out, text, count, &done, NULL);
        return;
    }
    count = WideCharToMultiByte(page ? page : CP_UTF8, 0, text, count, bytes, sizeof(bytes), NULL, NULL);
    WriteFile(out, bytes, count, &done, NULL);
}

void say(const WCHAR *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_text(STD_OUTPUT_HANDLE, format, arguments);
    va_end(arguments);
}

int fail(int code, const WCHAR *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_text(STD_ERROR_HANDLE, format, arguments);
    va_end(arguments);
    return code;
}

BOOL is(const WCHAR *one, const WCHAR *other)
{
    return CompareStringOrdinal(one, -1, other, -1, TRUE) == CSTR_EQUAL;
}

BYTE *read_file(const WCHAR *path, size_t *size)
{
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
    LARGE_INTEGER length;
    BYTE *data;
    DWORD done;

    if (file == INVALID_HANDLE_VALUE) return NULL;
    GetFileSizeEx(file, &length);
    data = calloc(1, (size_t)length.QuadPart + 2);
    for (*size = 0; data && *size < (size_t)length.QuadPart; *size += done)
        if (!ReadFile(file, data + *size, (DWORD)min((size_t)length.QuadPart - *size, 1u << 30), &done, NULL) || !done) break;
    CloseHandle(file);
    return data;
}

WCHAR *read_text(const WCHAR *path, BOOL *wide)
{
    size_t size;
    BYTE *data = read_file(path, &size);
    const char *bytes = (const char *)data;
    UINT page = CP_UTF8;
    WCHAR *text;
    int count;

    if (!data) return NULL;
    *wide = size >= 2 && data[0] == 0xff && data[1] == 0xfe;
    if (*wide)
    {
        memmove(data, data + 2, size - 1);
        data[size - 2] = data[size - 1] = 0;
        return (WCHAR *)data;
    }
    if (size >= 3 && !memcmp(data, "\xef\xbb\xbf", 3)) bytes += 3;
    count = MultiByteToWideChar(page, MB_ERR_INVALID_CHARS, bytes, -1, NULL, 0);
    if (!count) count = MultiByteToWideChar(page = CP_ACP, 0, bytes, -1, NULL, 0);
    text = calloc(count + 1, sizeof(WCHAR));
    MultiByteToWideChar(page, 0, bytes, -1, text, count);
    free(data);
    return text;
}

DWORD write_file(const WCHAR *path, const void *data, size_t size)
{
    HANDLE file = CreateFileW(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    DWORD done = 0, error;

    if (file == INVALID_HANDLE_VALUE) return GetLastError();
    error = WriteFile(file, data, (DWORD)size, &done, NULL) && done == size ? 0 : GetLastError();
    CloseHandle(file);
    return error;
}

void make_folders_for(const WCHAR *file)
{
    WCHAR path[PATHS];
    WCHAR *end;

    lstrcpynW(path, file, PATHS);
    for (end = path; (end = wcschr(end, '\\')); end++)
    {
        *end = 0;
        CreateDirectoryW(path, NULL);
        *end = '\\';
    }
}

BOOL text_value(HKEY root, const WCHAR *key, const WCHAR *name, WCHAR *out, DWORD chars)
{
    DWORD size = chars * sizeof(WCHAR);
    out[0] = 0;
    return !RegGetValueW(root, key, name, RRF_RT_REG_SZ, NULL, out, &size);
}

static void set_value(HKEY root, const WCHAR *key, const WCHAR *name, DWORD type, const void *data, DWORD size, BOOL is_volatile)
{
    HKEY handle;
    DWORD options = is_volatile ? REG_OPTION_VOLATILE : 0;

    if (RegCreateKeyExW(root, key, 0, NULL, options, KEY_ALL_ACCESS | KEY_WOW64_64KEY, NULL, &handle, NULL)) return;
    RegSetValueExW(handle, name, 0, type, data, size);
    RegCloseKey(handle);
}

void set_text(HKEY root, const WCHAR *key, const WCHAR *name, DWORD type, const WCHAR *text, BOOL is_volatile)
{
    set_value(root, key, name, type, text, (DWORD)(wcslen(text) + 1) * sizeof(WCHAR), is_volatile);
}

void set_number(HKEY root, const WCHAR *key, const WCHAR *name, DWORD number, BOOL is_volatile)
{
    set_value(root, key, name, REG_DWORD, &number, sizeof(number), is_volatile);
}

DWORD number_value(HKEY root, const WCHAR *key, const WCHAR *name, DWORD otherwise)
{
    DWORD number, size = sizeof(number);
    return RegGetValueW(root, key, name, RRF_RT_REG_DWORD, NULL, &number, &size) ? otherwise : number;
}

const WCHAR *rest_of_command_line(void)
{
    const WCHAR *line = GetCommandLineW();
    BOOL quoted = FALSE;

    for (; *line && (quoted || (*line != ' ' && *line != '\t')); line++)
        if (*line == '"') quoted = !quoted;
    while (*line == ' ' || *line == '\t') line++;
    return line;
}
