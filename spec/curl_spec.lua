local curl = require "curlew.curl"

-- From libcurl-errors(3): what a transfer over HTTP can end with.
local NAMES = {
  [1] = "UNSUPPORTED_PROTOCOL", [2] = "FAILED_INIT", [3] = "URL_MALFORMAT", [4] = "NOT_BUILT_IN",
  [5] = "COULDNT_RESOLVE_PROXY", [6] = "COULDNT_RESOLVE_HOST", [7] = "COULDNT_CONNECT",
  [8] = "WEIRD_SERVER_REPLY", [16] = "HTTP2", [18] = "PARTIAL_FILE", [22] = "HTTP_RETURNED_ERROR",
  [23] = "WRITE_ERROR",
  [26] = "READ_ERROR", [27] = "OUT_OF_MEMORY", [28] = "OPERATION_TIMEDOUT", [33] = "RANGE_ERROR",
  [35] = "SSL_CONNECT_ERROR", [42] = "ABORTED_BY_CALLBACK", [43] = "BAD_FUNCTION_ARGUMENT",
  [45] = "INTERFACE_FAILED", [47] = "TOO_MANY_REDIRECTS", [48] = "UNKNOWN_OPTION",
  [49] = "SETOPT_OPTION_SYNTAX",
  [52] = "GOT_NOTHING", [53] = "SSL_ENGINE_NOTFOUND", [54] = "SSL_ENGINE_SETFAILED",
  [55] = "SEND_ERROR", [56] = "RECV_ERROR", [58] = "SSL_CERTPROBLEM", [59] = "SSL_CIPHER",
  [60] = "PEER_FAILED_VERIFICATION", [61] = "BAD_CONTENT_ENCODING", [63] = "FILESIZE_EXCEEDED",
  [64] = "USE_SSL_FAILED", [65] = "SEND_FAIL_REWIND", [66] = "SSL_ENGINE_INITFAILED",
  [67] = "LOGIN_DENIED", [88] = "CHUNK_FAILED", [89] = "NO_CONNECTION_AVAILABLE",
  [77] = "SSL_CACERT_BADFILE", [80] = "SSL_SHUTDOWN_FAILED", [82] = "SSL_CRL_BADFILE",
  [83] = "SSL_ISSUER_ERROR", [90] = "SSL_PINNEDPUBKEYNOTMATCH", [91] = "SSL_INVALIDCERTSTATUS",
  [92] = "HTTP2_STREAM", [94] = "AUTH_ERROR", [95] = "HTTP3", [96] = "QUIC_CONNECT_ERROR",
  [97] = "PROXY", [98] = "SSL_CLIENTCERT", [100] = "TOO_LARGE",
}

describe("libcurl", function()
  it("tells what it is made of", function()
    local features = curl.features()
    assert.matches("^%d+%.%d+%.%d+", features.libcurl)
    assert.equal("string", type(features.tls_library))
    for _, name in ipairs { "http2", "http3", "brotli", "gzip", "zstd", "tls", "ipv6", "psl" } do
      assert.equal("boolean", type(features[name]), name)
    end
    local known = {}
    for _, name in ipairs(features.protocols) do
      known[name] = true
    end
    assert.is_true(known.http)
    assert.equal(known.https or false, features.tls)
  end)

  it("tells it in a new table each time", function()
    curl.features().libcurl = "changed"
    assert.not_equal("changed", curl.features().libcurl)
  end)

  it("is not asked twice for the same: parse_url answers or says what is wrong", function()
    assert.equal("h", curl.parse_url("http://h/").host)
    local parts, problem = curl.parse_url("http://h:x/")
    assert.is_nil(parts)
    assert.equal("string", type(problem))
  end)

  it("has its results by their symbolic names", function()
    for number, name in pairs(NAMES) do
      assert.equal("CURLE_" .. name, curl.results[number] and curl.results[number][1])
    end
    for number in pairs(curl.results) do
      assert.is_not_nil(NAMES[number], tostring(number))
    end
  end)

  it("has a verdict for each reason that the C core gives", function()
    local folder = debug.getinfo(1, "S").source:match("^@(.-)spec[/\\][^/\\]*$")
    local file = assert(io.open(folder .. "src/outcome.c"))
    local names = file:read("*a"):match("verdict_names%[%] = (%b{})")
    file:close()
    local count = 0
    for name in names:gmatch('"([%w_]+)"') do
      count = count + 1
      assert.is_not_nil(curl.verdicts[name], name)
    end
    assert.is_true(count > 0)
    for _ in pairs(curl.verdicts) do
      count = count - 1
    end
    assert.equal(0, count)
  end)

  it("has the names of the results that the escape hatch can bring about", function()
    for number, name in pairs {
      [22] = "HTTP_RETURNED_ERROR", [67] = "LOGIN_DENIED", [89] = "NO_CONNECTION_AVAILABLE",
    } do
      assert.equal("CURLE_" .. name, curl.results[number] and curl.results[number][1])
    end
  end)
end)
