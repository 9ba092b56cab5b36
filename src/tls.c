/* A body of HTTP/1 without a length lasts until its connection ends. Over TLS, that end
 * is the server's only if it says close_notify first; else anybody on the way may have
 * cut the body (RFC 8446 section 6.1, RFC 9112 section 9.8). libcurl takes either for the
 * end. */
#include "core.h"

#include <openssl/ssl.h>
#include <string.h>

static int user_index; /* of what connections keep: the id of their last transfer */
static bool openssl_is_known; /* see is_known */

/* Whether libcurl uses the OpenSSL that this file is built for. */
static bool is_known(void)
{
    static const char name[] = "OpenSSL/";
    const char *in_use = curl_version_info(CURLVERSION_NOW)->ssl_version;
    return in_use && strncmp(in_use, name, sizeof name - 1) == 0 &&
           (unsigned long)(in_use[sizeof name - 1] - '0') == OPENSSL_VERSION_NUMBER >> 28;
}

/* The connection's TLS, borrowed; NULL without. */
static SSL *session_of(CURL *easy)
{
    struct curl_tlssessioninfo *info = NULL;
    CURLcode code = curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info);
    if (code != CURLE_OK || !info || info->backend != CURLSSLBACKEND_OPENSSL)
        return NULL;
    return info->internals;
}

/* libcurl's last call is after the last byte, while there still is a connection. */
static int on_progress(void *pointer, curl_off_t to_receive, curl_off_t received,
                       curl_off_t to_send, curl_off_t sent)
{
    (void)to_receive;
    (void)received;
    (void)to_send;
    (void)sent;
    struct transfer *transfer = pointer;
    SSL *session = session_of(transfer->easy);
    transfer->is_cut = session && !(SSL_get_shutdown(session) & SSL_RECEIVED_SHUTDOWN);
    return 0;
}

#if LIBCURL_VERSION_NUM >= 0x074800
/* RFC 9112 section 6.3: some responses have no body, whatever their fields say. */
static bool may_have_body(CURL *easy)
{
    long status = 0;
    char *method = NULL;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_METHOD, &method);
    return status >= 200 && status != 204 && status != 304 &&
           (!method || strcmp(method, "HEAD") != 0);
}
#else
/* An older libcurl does not tell the method, and a cut of what has no body is none. */
static bool may_have_body(CURL *easy)
{
    (void)easy;
    return false;
}
#endif

void tls_watch_end(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    if (!may_have_body(easy) || !openssl_is_known || !session_of(easy))
        return;
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, transfer);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    transfer->altered = true;
}

void tls_prepare(void)
{
    openssl_is_known = is_known();
    user_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

/* libcurl 7.88 notes for a host, not for each of its connections, that it can carry
 * several requests at once. Where one of them has come out as HTTP/1.1, a second request
 * goes down it while the first one runs, and the answers change places. */
bool tls_is_taken(const struct transfer *transfer)
{
    SSL *session = openssl_is_known ? session_of(transfer->easy) : NULL;
    if (!session)
        return false;
    const unsigned char *protocol = NULL;
    unsigned length = 0;
    SSL_get0_alpn_selected(session, &protocol, &length);
    if (length == 2 && memcmp(protocol, "h2", 2) == 0)
        return false;
    int id = (int)(intptr_t)SSL_get_ex_data(session, user_index);
    const struct transfer *user = client_find(transfer->client, id);
    if (user && user != transfer && user->state == TRANSFER_RUNNING &&
        session_of(user->easy) == session)
        return true;
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): it is never followed */
    SSL_set_ex_data(session, user_index, (void *)(intptr_t)transfer->id);
    return false;
}
