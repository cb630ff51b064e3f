/* A stand-in for curl.exe (Windows 10 1803 and newer has the real one): downloads over HTTP and HTTPS by WinHTTP, with Wine's TLS.
 *
 *   -f -s -S -L -o FILE --create-dirs -C - --retry N --retry-delay S --retry-all-errors --retry-connrefused --cacert FILE -k
 *   --connect-timeout S -m|--max-time S -H HEADER -A AGENT -w TEXT (%{http_code} …) --ssl-no-revoke --ssl-revoke-best-effort --noproxy LIST
 *   --url URL, also with USER:PASSWORD@ (basic authentication), -K|--config FILE|-
 * A file of --config (- is standard input) is read as curl.1 and curl itself do: one option a line, long ones also without dashes and then
 * with = or : before the value; # at the beginning for comments; values in quotation marks with \\ \" \t \n \r \v. A value too many or one
 * that is missing is warned about and passed over.
 * Exit codes are curl's: 2 option, 3 URL, 6 name, 7 connect, 18 partial, 22 HTTP status with -f, 23 write, 26 no such file of --config,
 * 28 time, 33 range, 35 TLS, 60 certificate, 77 CA file. An option that it does not know is refused with 2, also in a file: the real
 * one only warns there, but this one cannot know which options that one has.
 */
#include <winsock2.h>
#include "curl.h"
#include <winhttp.h>
#include <wincrypt.h>

static HCERTSTORE authorities(const WCHAR *file)
{
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, CERT_STORE_CREATE_NEW_FLAG, NULL);
    size_t size;
    char *text = (char *)read_file(file, &size), *at, *end;
    int count = 0;

    for (at = text; at && (at = strstr(at, "-----BEGIN CERTIFICATE-----")); at = end)
    {
        static BYTE binary[16384];
        DWORD length = sizeof(binary);
        if (!(end = strstr(at, "-----END CERTIFICATE-----"))) break;
        end += 25;
        if (CryptStringToBinaryA(at, (DWORD)(end - at), CRYPT_STRING_BASE64HEADER, binary, &length, NULL, NULL) &&
            CertAddEncodedCertificateToStore(store, X509_ASN_ENCODING, binary, length, CERT_STORE_ADD_ALWAYS, NULL))
            count++;
    }
    return count ? store : NULL;
}

/* Whether the server's certificate leads to one of these. What WinHTTP checks itself (name, time) it has checked. */
static BOOL trusted(HINTERNET request, HCERTSTORE store)
{
    const CERT_CONTEXT *certificate = NULL;
    const CERT_CHAIN_CONTEXT *chain = NULL;
    CERT_CHAIN_PARA how = { sizeof(how) };
    DWORD size = sizeof(certificate);
    BOOL good = FALSE;

    if (!WinHttpQueryOption(request, WINHTTP_OPTION_SERVER_CERT_CONTEXT, &certificate, &size)) return FALSE;
    {
        HCERTSTORE all = CertOpenStore(CERT_STORE_PROV_COLLECTION, 0, 0, 0, NULL);
        CertAddStoreToCollection(all, store, 0, 0);
        if (certificate->hCertStore) CertAddStoreToCollection(all, certificate->hCertStore, 0, 0);
        if (CertGetCertificateChain(NULL, certificate, NULL, all, &how, 0, NULL, &chain))
        {
            CERT_SIMPLE_CHAIN *path = chain->rgpChain[0];
            const CERT_CONTEXT *top = path->rgpElement[path->cElement - 1]->pCertContext;
            DWORD status = chain->TrustStatus.dwErrorStatus & ~(CERT_TRUST_IS_UNTRUSTED_ROOT | CERT_TRUST_REVOCATION_STATUS_UNKNOWN | CERT_TRUST_IS_OFFLINE_REVOCATION);
            good = !status && CertFindCertificateInStore(store, X509_ASN_ENCODING, 0, CERT_FIND_EXISTING, top, NULL) != NULL;
            CertFreeCertificateChain(chain);
        }
        CertCloseStore(all, 0);
    }
    CertFreeCertificateContext(certificate);
    return good;
}

static int code_of(DWORD error)
{
    switch (error)
    {
    case ERROR_WINHTTP_NAME_NOT_RESOLVED: return 6;
    case ERROR_WINHTTP_CANNOT_CONNECT: return 7;
    case ERROR_WINHTTP_TIMEOUT: return 28;
    case ERROR_WINHTTP_SECURE_FAILURE: case ERROR_WINHTTP_SECURE_INVALID_CA: case ERROR_WINHTTP_SECURE_CERT_CN_INVALID:
    case ERROR_WINHTTP_SECURE_CERT_DATE_INVALID: return 60;
    case ERROR_WINHTTP_SECURE_CHANNEL_ERROR: return 35;
    case ERROR_WINHTTP_CONNECTION_ERROR: return 56;
    default: return 7;
    }
}

/* Wine's WinHTTP says of every failed handshake the same: the certificate was at fault when another one succeeds that takes any. */
static BOOL any_certificate_would_do(HINTERNET connection)
{
    DWORD flags = SECURITY_FLAG_IGNORE_UNKNOWN_CA | SECURITY_FLAG_IGNORE_CERT_DATE_INVALID | SECURITY_FLAG_IGNORE_CERT_CN_INVALID;
    HINTERNET request = WinHttpOpenRequest(connection, L"HEAD", L"/", NULL, NULL, NULL, WINHTTP_FLAG_SECURE);
    BOOL good;

    WinHttpSetOption(request, WINHTTP_OPTION_SECURITY_FLAGS, &flags, sizeof(flags));
    good = WinHttpSendRequest(request, NULL, 0, NULL, 0, 0, 0);
    WinHttpCloseHandle(request);
    return good;
}

static int complain(const struct options *o, int code, const WCHAR *text)
{
    if (!o->silent || o->show) fail(0, L"curl: (%d) %ls\r\n", code, text);
    return code;
}

/* What stands before the @ of the URL, as curl sends it: without being asked. */
static void authenticate(HINTERNET request, WCHAR *user, WCHAR *password)
{
    static WCHAR header[4096];
    static char bytes[2048], coded[3000];
    char *from, *to = bytes;
    DWORD length = sizeof(coded);
    int users;

    users = WideCharToMultiByte(CP_UTF8, 0, user, -1, bytes, 1024, NULL, NULL);
    bytes[users - 1] = ':';
    WideCharToMultiByte(CP_UTF8, 0, password, -1, bytes + users, 1024, NULL, NULL);
    for (from = bytes; *from; from++)
    {
        char digits[3] = { from[0] == '%' ? from[1] : 0, from[0] == '%' && from[1] ? from[2] : 0, 0 };
        *to++ = digits[1] ? (char)strtol(digits, NULL, 16) : *from;
        from += digits[1] ? 2 : 0;
    }
    *to = 0;
    CryptBinaryToStringA((BYTE *)bytes, (DWORD)strlen(bytes), CRYPT_STRING_BASE64 | CRYPT_STRING_NOCRLF, coded, &length);
    swprintf(header, 4096, L"Authorization: Basic %hs", coded);
    WinHttpAddRequestHeaders(request, header, -1, WINHTTP_ADDREQ_FLAG_ADD);
}

/* One try. *status: the HTTP status, 0 when there was none. */
static int once(const struct options *o, HCERTSTORE store, DWORD *status, ULONGLONG deadline)
{
    static WCHAR host[256], path[16384], query[8192], user[256], password[256], ranges[64], text[256];
    static BYTE buffer[65536];
    URL_COMPONENTS parts = {
        .dwStructSize = sizeof(parts), .lpszHostName = host, .dwHostNameLength = 256, .lpszUrlPath = path, .dwUrlPathLength = 8192,
        .lpszExtraInfo = query, .dwExtraInfoLength = 8192, .lpszUserName = user, .dwUserNameLength = 256, .lpszPassword = password,
        .dwPasswordLength = 256,
    };
    HINTERNET session, connection, request;
    HANDLE out = GetStdHandle(STD_OUTPUT_HANDLE);
    LARGE_INTEGER have = { 0 };
    ULONGLONG wanted = 0, got_all = 0;
    DWORD size, got, done, flags, index, zero = 0, policy;
    int code = 0;

    *status = 0;
    if (!WinHttpCrackUrl(o->url, 0, 0, &parts)) return complain(o, 3, L"URL rejected: malformed or of another kind than http and https");
    query[wcscspn(query, L"#")] = 0;
    wcscat(path, query);
    session = WinHttpOpen(o->agent, WINHTTP_ACCESS_TYPE_NO_PROXY, NULL, NULL, 0);
    WinHttpSetTimeouts(session, 10000, (o->connect_timeout ? o->connect_timeout : 30) * 1000, 60000, (o->max_time ? o->max_time : 300) * 1000);
    connection = WinHttpConnect(session, host, parts.nPort, 0);
    request = WinHttpOpenRequest(connection, L"GET", path, NULL, NULL, NULL, parts.nScheme == INTERNET_SCHEME_HTTPS ? WINHTTP_FLAG_SECURE : 0);
    policy = o->location ? WINHTTP_OPTION_REDIRECT_POLICY_DISALLOW_HTTPS_TO_HTTP : WINHTTP_OPTION_REDIRECT_POLICY_NEVER;
    WinHttpSetOption(request, WINHTTP_OPTION_REDIRECT_POLICY, &policy, sizeof(policy));
    flags = o->insecure ? SECURITY_FLAG_IGNORE_UNKNOWN_CA | SECURITY_FLAG_IGNORE_CERT_DATE_INVALID | SECURITY_FLAG_IGNORE_CERT_CN_INVALID
          : store ? SECURITY_FLAG_IGNORE_UNKNOWN_CA : 0;
    if (flags) WinHttpSetOption(request, WINHTTP_OPTION_SECURITY_FLAGS, &flags, sizeof(flags));
    if (*user || *password) authenticate(request, user, password);
    for (index = 0; index < (DWORD)o->header_count; index++) WinHttpAddRequestHeaders(request, o->headers[index], -1, WINHTTP_ADDREQ_FLAG_ADD);
    if (o->file)
    {
        if (o->make_folders) make_folders_for(o->file);
        out = CreateFileW(o->file, GENERIC_WRITE, FILE_SHARE_READ, NULL, o->resume ? OPEN_ALWAYS : CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
        if (out == INVALID_HANDLE_VALUE) { code = complain(o, 23, L"Failure writing output to destination"); goto end; }
        if (o->resume)
        {
            GetFileSizeEx(out, &have);
            SetFilePointerEx(out, have, NULL, FILE_BEGIN);
        }
        if (have.QuadPart)
        {
            swprintf(ranges, 64, L"Range: bytes=%I64d-", have.QuadPart);
            WinHttpAddRequestHeaders(request, ranges, -1, WINHTTP_ADDREQ_FLAG_ADD);
        }
    }
    if (!WinHttpSendRequest(request, NULL, 0, NULL, 0, 0, 0) || !WinHttpReceiveResponse(request, NULL))
    {
        DWORD error = GetLastError();
        swprintf(text, 256, L"the transfer failed with Windows' error %lu", error);
        code = code_of(error);
        if (code == 35 && !o->insecure && any_certificate_would_do(connection)) code = 60;
        complain(o, code, text);
        goto end;
    }
    if (store && parts.nScheme == INTERNET_SCHEME_HTTPS && !o->insecure && !trusted(request, store))
    {
        code = complain(o, 60, L"the server's certificate leads to none of the given CA's");
        goto end;
    }
    size = sizeof(*status);
    WinHttpQueryHeaders(request, WINHTTP_QUERY_STATUS_CODE | WINHTTP_QUERY_FLAG_NUMBER, NULL, status, &size, NULL);
    if (*status == 416 && have.QuadPart)
    {
        size = sizeof(text);
        /* "bytes *" and the whole length: everything was here already. */
        if (WinHttpQueryHeaders(request, WINHTTP_QUERY_CONTENT_RANGE, NULL, text, &size, NULL) && wcschr(text, '/') &&
            _wtoi64(wcschr(text, '/') + 1) == have.QuadPart) goto end;
    }
    if (o->fail && *status >= 400)
    {
        swprintf(text, 256, L"The requested URL returned error: %lu", *status);
        code = complain(o, 22, text);
        goto end;
    }
    if (have.QuadPart && *status == 200) { code = complain(o, 33, L"HTTP server does not seem to support byte ranges. Cannot resume."); goto end; }
    size = sizeof(text);
    if (WinHttpQueryHeaders(request, WINHTTP_QUERY_CONTENT_LENGTH, NULL, text, &size, NULL)) wanted = _wtoi64(text);
    while (!code)
    {
        if (deadline && GetTickCount64() > deadline) { code = complain(o, 28, L"Operation timed out"); break; }
        if (!WinHttpReadData(request, buffer, sizeof(buffer), &got)) { code = complain(o, GetLastError() == ERROR_WINHTTP_TIMEOUT ? 28 : 56, L"the connection was cut"); break; }
        if (!got) break;
        got_all += got;
        if (!WriteFile(out, buffer, got, &done, NULL) || done != got) code = complain(o, 23, L"Failure writing output to destination");
    }
    if (!code && wanted && got_all < wanted) code = complain(o, 18, L"transfer closed with bytes remaining to read");
end:
    (void)zero;
    if (o->file && out != INVALID_HANDLE_VALUE) CloseHandle(out);
    WinHttpCloseHandle(request);
    WinHttpCloseHandle(connection);
    WinHttpCloseHandle(session);
    return code;
}

static void tell(const WCHAR *format, DWORD status)
{
    for (; *format; format++)
    {
        if (!wcsncmp(format, L"%{http_code}", 12) || !wcsncmp(format, L"%{response_code}", 16))
        {
            say(L"%03lu", status);
            format = wcschr(format, '}');
        }
        else if (format[0] == '\\' && format[1] == 'n') say(L"\n"), format++;
        else say(L"%lc", *format);
    }
}

int wmain(int argc, WCHAR **argv)
{
    struct options o;
    HCERTSTORE store = NULL;
    DWORD status;
    ULONGLONG deadline;
    int code, tried = 0, pause;

    if ((code = parse(argc, argv, &o)))
        return fail(code, code == 26 ? L"curl: cannot read the file of --config\r\n" : L"curl: an option is unknown here or incomplete, or there is no URL\r\n");
    if (o.ca && !(store = authorities(o.ca))) return complain(&o, 77, L"error setting certificate verify locations: no certificate in the file of --cacert");
    deadline = o.max_time ? GetTickCount64() + o.max_time * 1000 : 0;
    for (pause = 1;; pause = min(pause * 2, 600))
    {
        BOOL transient;
        code = once(&o, store, &status, deadline);
        transient = code == 28 || code == 6 || status == 408 || status == 429 || (status >= 500 && status != 501 && status <= 504) ||
                    (code == 7 && o.retry_refused) || (code && o.retry_all);
        if (!transient || tried++ >= o.retry || (deadline && GetTickCount64() > deadline)) break;
        Sleep((o.retry_delay ? o.retry_delay : pause) * 1000);
    }
    if (o.write_out) tell(o.write_out, status);
    return code;
}
