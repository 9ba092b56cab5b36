local secrets = require "curlew.secrets"

describe("secrets.is_secret", function()
  it("knows the header fields that carry credentials", function()
    for _, name in ipairs {
      "Authorization", "Proxy-Authorization", "WWW-Authenticate", "Cookie", "Set-Cookie", "Cookie2",
      "X-Api-Key", "X-Auth-Token", "X-CSRF-Token", "X-Amz-Security-Token", "Api-Key", "X-Secret",
      "PRIVATE-TOKEN", "Ocp-Apim-Subscription-Key", "X-Session-Id", "X-Hub-Signature-256",
    } do
      assert.is_true(secrets.is_secret(name), name)
      assert.is_true(secrets.is_secret(name:lower()), name)
      assert.is_true(secrets.is_secret(name:upper()), name)
    end
  end)

  it("knows the parameters that do", function()
    for _, name in ipairs {
      "password", "passwd", "access_token", "refresh_token", "client_secret", "api_key", "apikey",
      "session", "sessionid", "X-Amz-Signature", "X-Amz-Credential", "auth", "oauth_token",
    } do
      assert.is_true(secrets.is_secret(name), name)
    end
  end)

  it("leaves the ordinary ones alone", function()
    for _, name in ipairs {
      "Accept", "Accept-Encoding", "Content-Type", "Content-Length", "Host", "User-Agent", "Range",
      "If-None-Match", "page", "q", "limit", "id", "Referer", "Date", "",
    } do
      assert.is_false(secrets.is_secret(name), name)
    end
  end)

  it("answers with a boolean for any bytes", function()
    assert.is_false(secrets.is_secret("\0\255\n"))
    assert.is_true(secrets.is_secret("\0token\255"))
    assert.is_false(secrets.is_secret(("x"):rep(100000)))
  end)

  it("knows the short names that well-known services use", function()
    for _, name in ipairs { "sig", "pass", "pwd", "passphrase", "jwt", "X-Jwt-Assertion", "otp" } do
      assert.is_true(secrets.is_secret(name), name)
    end
  end)
end)
