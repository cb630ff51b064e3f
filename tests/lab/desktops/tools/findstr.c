/* A stand-in for findstr.exe: Wine's knows no regular expressions. Exit codes: 0 a line was found, 1 none was, 2 a wrong option or file.
 *
 *   findstr [/b] [/e] [/x] [/i] [/v] [/n] [/m] [/r|/l] [/c:TEXT …] [TEXT] [FILE …]
 * Of expressions: ^ $ . * [a-z] [^…] \x. Lines are bytes, as they are; TEXT is compared in UTF-8. What is not here is refused.
 */
#include "common.h"
#include <ctype.h>

#define MAX_TEXTS 64

static char texts[MAX_TEXTS][4096];
static int count;
static BOOL begins, ends, exactly, any_case, others, numbers, names, expression;

static int same(char one, char other)
{
    return any_case ? tolower((unsigned char)one) == tolower((unsigned char)other) : one == other;
}

/* The piece that a pattern begins with: how long it is, and whether it means this character. */
static size_t piece(const char *pattern, char c, BOOL *means)
{
    size_t length = 1;
    BOOL not;

    *means = same(*pattern, c);
    if (*pattern == '.') *means = TRUE;
    else if (*pattern == '\\' && pattern[1])
    {
        *means = same(pattern[1], c);
        length = 2;
    }
    else if (*pattern == '[' && strchr(pattern, ']'))
    {
        not = pattern[1] == '^';
        *means = FALSE;
        for (length = 1 + not; pattern[length] != ']'; length++)
            if (pattern[length + 1] == '-' && pattern[length + 2] != ']')
            {
                *means |= c >= pattern[length] && c <= pattern[length + 2];
                length += 2;
            }
            else *means |= same(pattern[length], c);
        *means ^= not;
        length++;
    }
    return length;
}

static BOOL matches(const char *pattern, const char *text, const char *end)
{
    size_t length;
    BOOL means;

    if (!*pattern) return !(ends || exactly) || text == end;
    if (*pattern == '$' && !pattern[1]) return text == end;
    length = piece(pattern, text < end ? *text : 0, &means);
    if (pattern[length] == '*')
    {
        do
        {
            if (matches(pattern + length + 1, text, end)) return TRUE;
            if (text >= end) return FALSE;
            piece(pattern, *text++, &means);
        } while (means);
        return FALSE;
    }
    return text < end && means && matches(pattern + length, text + 1, end);
}

static BOOL found(const char *line, const char *end)
{
    int index;

    for (index = 0; index < count; index++)
    {
        const char *pattern = texts[index], *at = line;
        size_t length = strlen(pattern), position;
        BOOL fixed = begins || exactly;
        if (expression && *pattern == '^')
        {
            fixed = TRUE;
            pattern++;
        }
        for (; at <= end; at++)
        {
            if (expression ? matches(pattern, at, end) : (size_t)(end - at) >= length && (!(ends || exactly) || at + length == end))
            {
                for (position = 0; !expression && position < length && same(pattern[position], at[position]); position++) ;
                if (expression || position == length) return TRUE;
            }
            if (fixed) break;
        }
    }
    return FALSE;
}

static void put(const char *text, size_t length)
{
    DWORD done;
    WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), text, (DWORD)length, &done, NULL);
}

/* One file or standard input, line by line; a buffer that grows with the longest line. */
static BOOL search(HANDLE file, const char *prefix)
{
    size_t room = 1 << 20, used = 0, start, number = 0;
    char *buffer = malloc(room), head[32];
    DWORD got = 1;
    BOOL any = FALSE;

    while (got || used)
    {
        if (used == room) buffer = realloc(buffer, room *= 2);
        if (got && !ReadFile(file, buffer + used, (DWORD)(room - used), &got, NULL)) got = 0;
        used += got;
        for (start = 0; start < used;)
        {
            char *line = buffer + start, *newline = memchr(line, '\n', used - start), *end;
            if (!newline && got) break;
            end = newline ? newline : buffer + used;
            start = newline ? (size_t)(newline + 1 - buffer) : used;
            if (end > line && end[-1] == '\r') end--;
            number++;
            if (found(line, end) == others) continue;
            any = TRUE;
            if (names)
            {
                put(prefix, strlen(prefix));
                put("\r\n", 2);
                free(buffer);
                return TRUE;
            }
            if (prefix && *prefix) { put(prefix, strlen(prefix)); put(":", 1); }
            if (numbers) put(head, sprintf(head, "%u:", (unsigned)number));
            put(line, end - line);
            put("\r\n", 2);
        }
        used -= start;
        memmove(buffer, buffer + start, used);
        if (!got) break;
    }
    free(buffer);
    return any;
}

static BOOL add(const WCHAR *text)
{
    if (count == MAX_TEXTS) return FALSE;
    return WideCharToMultiByte(CP_UTF8, 0, text, -1, texts[count++], sizeof(*texts), NULL, NULL) > 0;
}

int wmain(int argc, WCHAR **argv)
{
    BOOL literal = FALSE, given = FALSE, any = FALSE;
    int index, files = 0, first = argc;

    for (index = 1; index < argc && *argv[index] == '/'; index++)
    {
        const WCHAR *word = argv[index] + 1;
        if (!_wcsnicmp(word, L"c:", 2))
        {
            if (!add(word + 2)) return 2;
            given = TRUE;
            continue;
        }
        for (; *word; word++)
            switch (towlower(*word))
            {
            case 'b': begins = TRUE; break;
            case 'e': ends = TRUE; break;
            case 'x': exactly = TRUE; break;
            case 'i': any_case = TRUE; break;
            case 'v': others = TRUE; break;
            case 'n': numbers = TRUE; break;
            case 'm': names = TRUE; break;
            case 'r': expression = TRUE; break;
            case 'l': literal = TRUE; break;
            case '/': break;
            default: return fail(2, L"FINDSTR: /%lc ignored or unknown\r\n", *word);
            }
    }
    if (!given)
    {
        WCHAR *text = index < argc ? argv[index++] : NULL;
        if (!text) return fail(2, L"FINDSTR: Bad command line\r\n");
        /* Words are searched one by one; with a sign of an expression in them they are expressions. */
        if (!literal && wcspbrk(text, L"^$.*[\\")) expression = TRUE;
        for (text = wcstok(text, L" "); text; text = wcstok(NULL, L" "))
            if (!add(text)) return 2;
    }
    first = index;
    for (; index < argc; index++)
    {
        WCHAR folder[PATHS];
        WIN32_FIND_DATAW data;
        HANDLE find = FindFirstFileW(argv[index], &data);
        if (find == INVALID_HANDLE_VALUE)
        {
            fail(0, L"FINDSTR: Cannot open %ls\r\n", argv[index]);
            continue;
        }
        do
        {
            char prefix[PATHS * 3];
            HANDLE file;
            WCHAR *slash;
            lstrcpynW(folder, argv[index], PATHS);
            slash = wcsrchr(folder, '\\');
            lstrcpynW(slash ? slash + 1 : folder, data.cFileName, 260);
            file = CreateFileW(folder, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
            if (file == INVALID_HANDLE_VALUE) continue;
            files++;
            WideCharToMultiByte(CP_UTF8, 0, folder, -1, prefix, sizeof(prefix), NULL, NULL);
            any |= search(file, names || argc - first > 1 || wcspbrk(argv[index], L"*?") ? prefix : NULL);
            CloseHandle(file);
        } while (FindNextFileW(find, &data));
        FindClose(find);
    }
    if (first == argc) any = search(GetStdHandle(STD_INPUT_HANDLE), names ? "(standard input)" : NULL);
    return any ? 0 : 1;
}
