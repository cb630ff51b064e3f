/* How the stand-in for curl.exe reads its command line and its files of --config: see curl.c. */
#include "curl.h"

/* What option() gives beside exit codes. */
#define LACKS (-1)

static int config(struct options *o, const WCHAR *file);

/* One option by its long name. *used: whether the value belongs to it. 0, LACKS for a missing or wrong value, or the exit code. */
static int option(struct options *o, const WCHAR *name, const WCHAR *value, BOOL *used)
{
    static BOOL nothing;
    static const WCHAR *no_text;
    static int no_number;
    const struct { const WCHAR *name; BOOL *flag; } flags[] = {
        { L"fail", &o->fail }, { L"silent", &o->silent }, { L"show-error", &o->show }, { L"location", &o->location },
        { L"insecure", &o->insecure }, { L"create-dirs", &o->make_folders }, { L"retry-all-errors", &o->retry_all },
        { L"retry-connrefused", &o->retry_refused }, { L"ssl-no-revoke", &nothing }, { L"ssl-revoke-best-effort", &nothing },
        { L"no-progress-meter", &nothing }, { L"disable", &nothing }, { L"tlsv1.2", &nothing }, { L"http1.1", &nothing },
        { L"fail-early", &nothing },
    };
    const struct { const WCHAR *name, **text; } texts[] = {
        { L"output", &o->file }, { L"cacert", &o->ca }, { L"user-agent", &o->agent }, { L"write-out", &o->write_out },
        { L"noproxy", &no_text },
    };
    const struct { const WCHAR *name; int *number; } numbers[] = {
        { L"retry", &o->retry }, { L"retry-delay", &o->retry_delay }, { L"connect-timeout", &o->connect_timeout },
        { L"max-time", &o->max_time }, { L"retry-max-time", &no_number }, { L"speed-limit", &no_number }, { L"speed-time", &no_number },
    };
    WCHAR *end;
    size_t index;

    *used = FALSE;
    for (index = 0; index < sizeof(flags) / sizeof(*flags); index++)
        if (!wcscmp(name, flags[index].name)) { *flags[index].flag = TRUE; return 0; }
    *used = TRUE;
    for (index = 0; index < sizeof(texts) / sizeof(*texts); index++)
        if (!wcscmp(name, texts[index].name)) { if (!value) return LACKS; *texts[index].text = value; return 0; }
    for (index = 0; index < sizeof(numbers) / sizeof(*numbers); index++)
    {
        long number;
        if (wcscmp(name, numbers[index].name)) continue;
        if (!value || (number = wcstol(value, &end, 10), end == value || *end)) return LACKS;
        *numbers[index].number = number;
        return 0;
    }
    if (wcscmp(name, L"url") && wcscmp(name, L"header") && wcscmp(name, L"continue-at") && wcscmp(name, L"config")) return 2;
    if (!value) return LACKS;
    if (!wcscmp(name, L"config")) return config(o, value);
    if (!wcscmp(name, L"continue-at")) o->resume = TRUE;
    if (!wcscmp(name, L"continue-at") && wcscmp(value, L"-")) return 2;
    if (!wcscmp(name, L"header") && o->header_count == 16) return 2;
    if (!wcscmp(name, L"header")) o->headers[o->header_count++] = value;
    if (!wcscmp(name, L"url") && o->url) return 2;
    if (!wcscmp(name, L"url")) o->url = value;
    return 0;
}

/* One word with what follows it: a long option, with or without its dashes, or short ones in a row. Otherwise as option(). */
static int word(struct options *o, const WCHAR *text, const WCHAR *next, BOOL *used)
{
    static const struct { WCHAR letter; const WCHAR *name; } shorts[] = {
        { 'f', L"fail" }, { 's', L"silent" }, { 'S', L"show-error" }, { 'L', L"location" }, { 'k', L"insecure" }, { 'o', L"output" },
        { 'C', L"continue-at" }, { 'm', L"max-time" }, { 'H', L"header" }, { 'A', L"user-agent" }, { 'w', L"write-out" },
        { 'K', L"config" }, { 'q', L"disable" },
    };
    size_t index;
    int code;

    if (*text != '-' || text[1] == '-') return option(o, *text == '-' ? text + 2 : text, next, used);
    for (*used = FALSE, text++; *text && !*used; text++)
    {
        for (index = 0; index < sizeof(shorts) / sizeof(*shorts) && shorts[index].letter != *text; index++) ;
        if (index == sizeof(shorts) / sizeof(*shorts)) return 2;
        if ((code = option(o, shorts[index].name, text[1] ? text + 1 : next, used))) return code;
        if (*used && text[1]) { *used = FALSE; return 0; }
    }
    return 0;
}

static BOOL blank(WCHAR sign)
{
    return sign && wcschr(L" \t\r\n\v\f", sign) != NULL;
}

static int config_line(struct options *o, WCHAR *line, int number)
{
    WCHAR *name, *value, *out;
    BOOL dashed, used;
    int code;

    while (blank(*line)) line++;
    if (!*line || wcschr(L"#/*", *line)) return 0;
    dashed = *line == '-';
    for (name = line; *line && !blank(*line) && (dashed || (*line != '=' && *line != ':')); line++) ;
    if (*line) *line++ = 0;
    while (blank(*line) || (!dashed && (*line == '=' || *line == ':'))) line++;
    value = line;
    if (*line == '"')
    {
        for (value = out = ++line; *line && *line != '"'; line++)
        {
            WCHAR sign = *line;
            if (sign == '\\')
            {
                if (!*++line) break;
                sign = *line == 't' ? '\t' : *line == 'n' ? '\n' : *line == 'r' ? '\r' : *line == 'v' ? '\v' : *line;
            }
            *out++ = sign;
        }
        *out = 0;
    }
    else
    {
        while (*line && !blank(*line)) line++;
        *line = 0;
        if (!*value) value = NULL;
    }
    code = word(o, name, value, &used);
    if (code != LACKS && (code || used || !value || !*value)) return code;
    if (!o->silent) fail(0, L"Warning: line %d of the configuration: '%ls' has no good value, or needs none\r\n", number, name);
    return 0;
}

static WCHAR *standard_input(void)
{
    size_t size = 0, room = 65536;
    char *data = malloc(room);
    WCHAR *text;
    DWORD got;

    for (; ReadFile(GetStdHandle(STD_INPUT_HANDLE), data + size, (DWORD)(room - size - 1), &got, NULL) && got; size += got)
        if (room - size - got < 2) data = realloc(data, room *= 2);
    data[size] = 0;
    text = calloc(size + 1, sizeof(WCHAR));
    MultiByteToWideChar(CP_UTF8, 0, data, -1, text, (int)size + 1);
    return text;
}

static int config(struct options *o, const WCHAR *file)
{
    BOOL wide;
    WCHAR *line = wcscmp(file, L"-") ? read_text(file, &wide) : standard_input(), *next;
    int code, number = 0;

    if (!line) return 26;
    for (; line; line = next)
    {
        if ((next = wcschr(line, '\n'))) *next++ = 0;
        if ((code = config_line(o, line, ++number))) return code;
    }
    return 0;
}

int parse(int argc, WCHAR **argv, struct options *o)
{
    int index, code;
    BOOL used;

    memset(o, 0, sizeof(*o));
    o->agent = L"curl/8 (laboratory)";
    for (index = 1; index < argc; index++)
    {
        if (*argv[index] != '-')
        {
            if (o->url) return 2;
            o->url = argv[index];
            continue;
        }
        if ((code = word(o, argv[index], index + 1 < argc ? argv[index + 1] : NULL, &used))) return code == LACKS ? 2 : code;
        index += used;
    }
    return o->url ? 0 : 2;
}
