--- libcurl as the rest of curlew sees it: the C core, and what libcurl's result codes mean. The
--- only file that requires the core.

local core = require "curlew.core"

local M = {
  address_bytes = core.address_bytes,
  client = core.client,
  digest = core.digest, -- nil where the core was built without libcrypto
  features = core.features,
  figures = core.figures,
  lock = core.lock,
  O_NOFOLLOW = core.O_NOFOLLOW,
  option_type = core.option_type,
  parse_date = core.parse_date,
  parse_url = core.parse_url,
}

--- By result code: libcurl's symbolic name, and curlew's kind of error. The numbers never change
--- (libcurl-errors(3)).
M.results = {
  [1] = { "CURLE_UNSUPPORTED_PROTOCOL", "unsupported" },
  [2] = { "CURLE_FAILED_INIT", "io" },
  [3] = { "CURLE_URL_MALFORMAT", "invalid_url" },
  [4] = { "CURLE_NOT_BUILT_IN", "unsupported" },
  [5] = { "CURLE_COULDNT_RESOLVE_PROXY", "proxy" },
  [6] = { "CURLE_COULDNT_RESOLVE_HOST", "resolve" },
  [7] = { "CURLE_COULDNT_CONNECT", "connect" },
  [8] = { "CURLE_WEIRD_SERVER_REPLY", "protocol" },
  [16] = { "CURLE_HTTP2", "closed" }, -- the stream came too late for a connection that ends
  [18] = { "CURLE_PARTIAL_FILE", "closed" },
  [22] = { "CURLE_HTTP_RETURNED_ERROR", "status" },
  [23] = { "CURLE_WRITE_ERROR", "io" },
  [26] = { "CURLE_READ_ERROR", "upload" },
  [27] = { "CURLE_OUT_OF_MEMORY", "io" },
  [28] = { "CURLE_OPERATION_TIMEDOUT", "timeout" },
  [33] = { "CURLE_RANGE_ERROR", "protocol" },
  [35] = { "CURLE_SSL_CONNECT_ERROR", "tls" },
  [42] = { "CURLE_ABORTED_BY_CALLBACK", "closed_session" },
  [43] = { "CURLE_BAD_FUNCTION_ARGUMENT", "unsupported" },
  [45] = { "CURLE_INTERFACE_FAILED", "connect" },
  [47] = { "CURLE_TOO_MANY_REDIRECTS", "redirect" },
  [48] = { "CURLE_UNKNOWN_OPTION", "unsupported" },
  [49] = { "CURLE_SETOPT_OPTION_SYNTAX", "unsupported" },
  [52] = { "CURLE_GOT_NOTHING", "closed" },
  [53] = { "CURLE_SSL_ENGINE_NOTFOUND", "tls" },
  [54] = { "CURLE_SSL_ENGINE_SETFAILED", "tls" },
  [55] = { "CURLE_SEND_ERROR", "closed" },
  [56] = { "CURLE_RECV_ERROR", "closed" },
  [58] = { "CURLE_SSL_CERTPROBLEM", "tls" },
  [59] = { "CURLE_SSL_CIPHER", "tls" },
  [60] = { "CURLE_PEER_FAILED_VERIFICATION", "tls" },
  [61] = { "CURLE_BAD_CONTENT_ENCODING", "decode" },
  [63] = { "CURLE_FILESIZE_EXCEEDED", "too_large" },
  [64] = { "CURLE_USE_SSL_FAILED", "tls" },
  [65] = { "CURLE_SEND_FAIL_REWIND", "upload" },
  [66] = { "CURLE_SSL_ENGINE_INITFAILED", "tls" },
  [67] = { "CURLE_LOGIN_DENIED", "protocol" },
  [77] = { "CURLE_SSL_CACERT_BADFILE", "tls" },
  [80] = { "CURLE_SSL_SHUTDOWN_FAILED", "tls" },
  [82] = { "CURLE_SSL_CRL_BADFILE", "tls" },
  [83] = { "CURLE_SSL_ISSUER_ERROR", "tls" },
  [88] = { "CURLE_CHUNK_FAILED", "protocol" },
  [89] = { "CURLE_NO_CONNECTION_AVAILABLE", "connect" },
  [90] = { "CURLE_SSL_PINNEDPUBKEYNOTMATCH", "tls" },
  [91] = { "CURLE_SSL_INVALIDCERTSTATUS", "tls" },
  [92] = { "CURLE_HTTP2_STREAM", "protocol" },
  [94] = { "CURLE_AUTH_ERROR", "protocol" },
  [95] = { "CURLE_HTTP3", "protocol" },
  [96] = { "CURLE_QUIC_CONNECT_ERROR", "connect" },
  [97] = { "CURLE_PROXY", "proxy" },
  [98] = { "CURLE_SSL_CLIENTCERT", "tls" },
  [100] = { "CURLE_TOO_LARGE", "too_large" },
}

--- The outcome of a transfer that there is no memory to tell more of.
M.OUT_OF_MEMORY = { result = 27, verdict = "no_memory" }

--- By curlew's own reason for ending a transfer: kind of error, and the sentence for it.
M.verdicts = {
  body_too_large = { "too_large", "the body is larger than %.0f bytes (max_body)" },
  headers_too_large = { "too_large", "the header fields are larger than 300 KiB" },
  bad_head = { "protocol", "a header line goes on that has not begun" },
  bad_length = { "protocol", "the response announces a bad length, or two different ones" },
  no_memory = { "io", "memory is out" },
  no_descriptors = { "io", "too many open files: the process has no descriptor left" },
  cut = { "closed", "the connection ended without TLS's close_notify: it may have been cut" },
  sink = { "io", "the body cannot be written" },
  idle = { "timeout", "nothing came or went for %g s (timeout.idle)" },
}

--- By libcurl's CURL_HTTP_VERSION_* of a response.
M.http_versions = { [1] = "1.0", [2] = "1.1", [3] = "2", [30] = "3" }

return M
