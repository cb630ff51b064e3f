/* A stand-in for tar.exe (libarchive's bsdtar, part of Windows 10 1803 and newer): what small files need, and the work is done.
 *
 *   tar -xf -                     an archive from standard input, as it is or as base64 (begin-base64 …, libarchive's filter for uuencode)
 *   tar --b64encode -cf - NAME    one file as such an archive, to standard output
 * Exit codes: 0, and 1 for whatever went wrong; nothing at all to unpack is no error. Known are ustar's headers and plain files without
 * folders in their names; everything else, and every other option, is refused with 1.
 */
#include "common.h"
#include <wincrypt.h>

#define BLOCK 512
#define RECORD 10240

static int refused(const WCHAR *why)
{
    return fail(1, L"tar: %ls\r\n", why);
}

static BYTE *input(size_t *size)
{
    size_t room = 1 << 20;
    BYTE *data = malloc(room);
    DWORD got;

    for (*size = 0; ReadFile(GetStdHandle(STD_INPUT_HANDLE), data + *size, (DWORD)(room - *size), &got, NULL) && got; )
        if ((*size += got) == room) data = realloc(data, room *= 2);
    return data;
}

static int digit(BYTE sign)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = sign ? strchr(alphabet, sign) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

/* In its own place; FALSE when it is no base64 or has no end. */
static BOOL from_base64(BYTE *data, size_t *size)
{
    BYTE *from = memchr(data, '\n', *size), *end = data + *size, *to = data;
    unsigned bits = 0;
    int count = 0;

    for (; from && from < end; from++)
    {
        if (*from == '\n' && end - from > 4 && !memcmp(from + 1, "====", 4))
        {
            *size = to - data;
            return TRUE;
        }
        if (*from == '\n' || *from == '\r' || *from == '=') continue;
        if (digit(*from) < 0) return FALSE;
        bits = bits << 6 | digit(*from);
        if ((count += 6) >= 8) *to++ = (BYTE)(bits >> (count -= 8));
    }
    return FALSE;
}

static unsigned long long octal(const BYTE *field, size_t length)
{
    unsigned long long number = 0;
    size_t index;
    for (index = 0; index < length && field[index] == ' '; index++) ;
    for (; index < length && field[index] >= '0' && field[index] <= '7'; index++) number = number * 8 + field[index] - '0';
    return number;
}

static unsigned sum(const BYTE *header)
{
    unsigned total = 0;
    int index;
    for (index = 0; index < BLOCK; index++) total += index >= 148 && index < 156 ? ' ' : header[index];
    return total;
}

static int unpack_one(const BYTE *header, const BYTE *content, size_t there)
{
    char name[101] = { 0 };
    WCHAR wide[101];
    size_t size = (size_t)octal(header + 124, 12);
    ULONGLONG time = octal(header + 136, 12) * 10000000 + 116444736000000000ULL;
    FILETIME written = { (DWORD)time, (DWORD)(time >> 32) };
    HANDLE file;
    DWORD done = 0;
    BOOL good;

    memcpy(name, header, 100);
    if ((header[156] && header[156] != '0') || header[345] || !*name || strpbrk(name, "/\\:") || *name == '.')
        return refused(L"an entry of the archive is of a kind that this stand-in does not know");
    MultiByteToWideChar(CP_UTF8, 0, name, -1, wide, 101);
    file = CreateFileW(wide, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE) return refused(L"a file cannot be made");
    good = WriteFile(file, content, (DWORD)min(size, there), &done, NULL) && done == min(size, there);
    SetFileTime(file, NULL, NULL, &written);
    CloseHandle(file);
    if (!good) return refused(L"a file cannot be written");
    return there < size ? refused(L"the archive is cut") : 0;
}

static int unpack(void)
{
    static const BYTE nothing[BLOCK];
    size_t size, at = 0, length;
    BYTE *data = input(&size);
    int code;

    if (size > 13 && !memcmp(data, "begin-base64 ", 13) && !from_base64(data, &size)) return refused(L"this is no base64, or it is cut");
    while (at < size)
    {
        if (size - at >= BLOCK && !memcmp(data + at, nothing, BLOCK)) return 0;
        if (size - at < BLOCK || memcmp(data + at + 257, "ustar", 5) || sum(data + at) != octal(data + at + 148, 8))
            return refused(L"this is no archive");
        if ((code = unpack_one(data + at, data + at + BLOCK, size - at - BLOCK))) return code;
        length = (size_t)octal(data + at + 124, 12);
        at += BLOCK + (length + BLOCK - 1) / BLOCK * BLOCK;
    }
    return 0;
}

static void write_base64(const BYTE *data, size_t size)
{
    static const char head[] = "begin-base64 644 -\n", end[] = "====\n";
    HANDLE out = GetStdHandle(STD_OUTPUT_HANDLE);
    size_t at;
    char line[80];
    DWORD length, done;

    WriteFile(out, head, sizeof(head) - 1, &done, NULL);
    for (at = 0; at < size; at += 57)
    {
        length = sizeof(line);
        CryptBinaryToStringA(data + at, (DWORD)min(57, size - at), CRYPT_STRING_BASE64 | CRYPT_STRING_NOCRLF, line, &length);
        line[length++] = '\n';
        WriteFile(out, line, length, &done, NULL);
    }
    WriteFile(out, end, sizeof(end) - 1, &done, NULL);
}

static int pack(const WCHAR *name)
{
    size_t size = 0, all;
    BYTE *content = read_file(name, &size), *archive;
    char *header;

    /* bsdtar writes an archive with nothing in it when the file cannot be read, and says so afterwards. */
    all = content ? BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK : 0;
    all = (all + 2 * BLOCK + RECORD - 1) / RECORD * RECORD;
    archive = calloc(1, all);
    header = (char *)archive;
    if (content)
    {
        if (!WideCharToMultiByte(CP_UTF8, 0, name, -1, header, 100, NULL, NULL) || wcspbrk(name, L"/\\:"))
            return refused(L"this name is none that this stand-in knows");
        sprintf(header + 100, "000644 ");
        sprintf(header + 108, "000000 ");
        sprintf(header + 116, "000000 ");
        sprintf(header + 124, "%011llo", (unsigned long long)size);
        sprintf(header + 136, "%011o", 0);
        memcpy(header + 257, "ustar\0" "00", 8);
        header[156] = '0';
        sprintf(header + 148, "%06o", sum(archive));
        header[155] = ' ';
        memcpy(archive + BLOCK, content, size);
    }
    write_base64(archive, all);
    return content ? 0 : refused(L"the file cannot be read");
}

int wmain(int argc, WCHAR **argv)
{
    if (argc == 3 && !wcscmp(argv[1], L"-xf") && !wcscmp(argv[2], L"-")) return unpack();
    if (argc == 5 && !wcscmp(argv[1], L"--b64encode") && !wcscmp(argv[2], L"-cf") && !wcscmp(argv[3], L"-")) return pack(argv[4]);
    return refused(L"these options are not known to this stand-in");
}
