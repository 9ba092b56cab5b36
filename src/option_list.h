/* The options of libcurl by name, id and type: its own list, or that of option_list.c. */
#ifndef CURLEW_OPTION_LIST_H
#define CURLEW_OPTION_LIST_H

#include <curl/curl.h>

#if LIBCURL_VERSION_NUM >= 0x074900

#define option_list_next curl_easy_option_next

#else

enum {
    CURLOT_LONG,
    CURLOT_VALUES,
    CURLOT_OFF_T,
    CURLOT_OBJECT,
    CURLOT_STRING,
    CURLOT_SLIST,
    CURLOT_CBPTR,
    CURLOT_BLOB,
    CURLOT_FUNCTION
};

struct curl_easyoption {
    const char *name; /* borrowed, as the list is */
    CURLoption id;
    int type; /* of CURLOT_* */
};

/* The option after that one, the first after NULL; NULL after the last. */
const struct curl_easyoption *option_list_next(const struct curl_easyoption *previous);

#endif

#endif
