/* What curl.c was told; see its head. */
#ifndef CURL_H
#define CURL_H

#include "common.h"

struct options
{
    const WCHAR *url, *file, *ca, *agent, *write_out, *headers[16];
    int header_count, retry, retry_delay, connect_timeout, max_time;
    BOOL fail, silent, show, location, resume, insecure, make_folders, retry_all, retry_refused;
};

/* The command line, and the files that it names by --config. 0 or an exit code. */
int parse(int argc, WCHAR **argv, struct options *o);
#endif
