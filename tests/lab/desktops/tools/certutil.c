/* A stand-in for certutil.exe: -hashfile, -encode, -decode. Exit codes are the HRESULTs of the real one where they are known.
 *
 *   certutil -hashfile FILE [MD5|SHA1|SHA256|SHA384|SHA512]     certutil [-f] -encode IN OUT     certutil [-f] -decode IN OUT
 */
#include "common.h"
#include <bcrypt.h>
#include <wincrypt.h>

#define CHUNK (1u << 20)
#define FILE_MISSING 0x80070002
#define FILE_THERE 0x80070050
#define BAD_DATA 0x8007000d
#define BAD_PARAMETER 0x80070057

static int failed(const WCHAR *what, DWORD code)
{
    say(L"CertUtil: -%ls command FAILED: 0x%08lx (%lu)\r\n", what, code, code & 0xffff);
    return (int)code;
}

static int hash(const WCHAR *path, const WCHAR *name)
{
    BCRYPT_ALG_HANDLE algorithm;
    BCRYPT_HASH_HANDLE digest;
    static BYTE buffer[CHUNK], value[64];
    DWORD size, got, length, index;
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    LARGE_INTEGER whole;

    if (file == INVALID_HANDLE_VALUE) return failed(L"hashfile", 0x80070000 | GetLastError());
    GetFileSizeEx(file, &whole);
    /* ERROR_FILE_INVALID: the real one cannot map an empty file. */
    if (!whole.QuadPart) return failed(L"hashfile", 0x800703ee);
    if (BCryptOpenAlgorithmProvider(&algorithm, name, NULL, 0) || BCryptCreateHash(algorithm, &digest, NULL, 0, NULL, 0, 0))
        return failed(L"hashfile", 0xd00000bb);
    while (ReadFile(file, buffer, CHUNK, &got, NULL) && got) BCryptHashData(digest, buffer, got, 0);
    CloseHandle(file);
    BCryptGetProperty(algorithm, BCRYPT_HASH_LENGTH, (BYTE *)&size, sizeof(size), &length, 0);
    BCryptFinishHash(digest, value, size, 0);
    say(L"%ls hash of %ls:\r\n", name, path);
    for (index = 0; index < size; index++) say(L"%02x", value[index]);
    say(L"\r\nCertUtil: -hashfile command completed successfully.\r\n");
    return 0;
}

static int convert(BOOL encode, BOOL force, const WCHAR *from, const WCHAR *to)
{
    const WCHAR *what = encode ? L"encode" : L"decode";
    size_t size;
    BYTE *data = read_file(from, &size);
    DWORD length = 0, error;
    void *result = NULL;
    BOOL good;

    if (!data) return failed(what, 0x80070000 | GetLastError());
    if (!force && GetFileAttributesW(to) != INVALID_FILE_ATTRIBUTES) return failed(what, FILE_THERE);
    if (encode)
    {
        good = CryptBinaryToStringA(data, size, CRYPT_STRING_BASE64HEADER, NULL, &length) && (result = malloc(length)) &&
               CryptBinaryToStringA(data, size, CRYPT_STRING_BASE64HEADER, result, &length);
    }
    else
    {
        good = size && CryptStringToBinaryA((char *)data, size, CRYPT_STRING_BASE64_ANY, NULL, &length, NULL, NULL) &&
               (result = malloc(length + 1)) && CryptStringToBinaryA((char *)data, size, CRYPT_STRING_BASE64_ANY, result, &length, NULL, NULL);
    }
    if (!good) return failed(what, BAD_DATA);
    say(L"Input Length = %lu\r\n", (DWORD)size);
    error = write_file(to, result, length);
    if (error) return failed(what, 0x80070000 | error);
    say(L"Output Length = %lu\r\nCertUtil: -%ls command completed successfully.\r\n", length, what);
    return 0;
}

int wmain(int argc, WCHAR **argv)
{
    const WCHAR *words[4] = { NULL }, *verb = NULL;
    BOOL force = FALSE;
    int index, count = 0;

    for (index = 1; index < argc; index++)
    {
        if ((*argv[index] == '-' || *argv[index] == '/') && is(argv[index] + 1, L"f")) force = TRUE;
        else if ((*argv[index] == '-' || *argv[index] == '/') && !verb) verb = argv[index] + 1;
        else if (count < 4) words[count++] = argv[index];
    }
    if (verb && is(verb, L"hashfile") && (count == 1 || count == 2))
    {
        static WCHAR name[16];
        lstrcpynW(name, count == 2 ? words[1] : L"SHA1", 16);
        _wcsupr(name);
        return hash(words[0], name);
    }
    if (verb && (is(verb, L"encode") || is(verb, L"decode")) && count == 2) return convert(is(verb, L"encode"), force, words[0], words[1]);
    return failed(verb ? verb : L"?", BAD_PARAMETER);
}
