local headers = require "curlew.headers"
local options = require "curlew.options"
local request = require "curlew.request"
local response = require "curlew.response"

local wanted = assert(request.new(options.for_session(), nil, "http://u:secret@h/p?token=secret"))

local function make(changes, history)
  local outcome = {
    status = 200,
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n",
    trailers = "X-Sum: 1\r\n",
    body = "text",
    http_version = 2,
    connects = 1,
    remote_ip = "127.0.0.1",
  }
  for name, value in pairs(changes or {}) do
    outcome[name] = value
  end
  return response.new(wanted, outcome, history or {})
end

describe("a response", function()
  it("tells status, body, URL and where it came from", function()
    local history = {}
    local res = make(nil, history)
    assert.equal(200, res.status)
    assert.is_true(res.ok)
    assert.equal("OK", res.reason)
    assert.equal("text", res.body)
    assert.equal("127.0.0.1", res.remote_ip)
    assert.equal(history, res.history)
    assert.equal(1, res.attempts)
  end)

  it("has a URL without user and password", function()
    assert.equal("http://h/p?token=secret", make().url)
  end)

  it("is ok from 200 to 299", function()
    for status, ok in pairs {
      [100] = false, [199] = false, [200] = true, [204] = true, [299] = true, [300] = false,
      [304] = false, [404] = false, [500] = false, [999] = false,
    } do
      assert.equal(ok, make({ status = status }).ok)
    end
  end)

  it("has headers and trailers", function()
    local res = make()
    assert.equal("text/plain", res.headers["content-type"])
    assert.equal("1", res.trailers["x-sum"])
    assert.is_nil(res.headers["x-sum"])
    assert.equal(res.headers, res.headers)
    assert.equal(getmetatable(headers.parse("")), getmetatable(res.headers))
  end)

  it("has the server's reason, which may be empty", function()
    for line, reason in pairs {
      ["HTTP/1.1 200 OK"] = "OK",
      ["HTTP/1.1 404 Not Found: at all "] = "Not Found: at all ",
      ["HTTP/1.1 200 "] = "",
      ["HTTP/1.1 200"] = "",
      ["HTTP/2 200 "] = "",
      ["HTTP/1.0 500 \195\169"] = "\195\169",
    } do
      assert.equal(reason, make({ head = line .. "\r\nA: 1\r\n\r\n" }).reason)
    end
  end)

  it("names its version of HTTP", function()
    for number, name in pairs { [1] = "1.0", [2] = "1.1", [3] = "2", [30] = "3" } do
      assert.equal(name, make({ http_version = number }).http_version)
    end
  end)

  it("has no times when it came from no transfer", function()
    assert.same({}, make().timing)
  end)

  it("knows whether its connection had served before", function()
    assert.is_false(make({ connects = 1 }).reused)
    assert.is_true(make({ connects = 0 }).reused)
  end)

  it("reads well", function()
    assert.equal("<Response 200 http://h/p?token=secret>", tostring(make()))
  end)

  it("has no other fields", function()
    local res = make()
    assert.is_nil(res.nope)
    assert.is_nil(res[1])
  end)
end)

describe("res:json", function()
  it("gives the value of the body", function()
    assert.same({ a = { true, "x" } }, make({ body = '{"a":[true,"x"]}' }):json())
    local value, err = make({ body = "false" }):json()
    assert.equal(false, value)
    assert.is_nil(err)
  end)

  it("gives an error of kind decode when the body is no JSON", function()
    for _, body in ipairs { "", "<html>", "{", "\0", ("["):rep(100000) } do
      local value, err = make({ body = body }):json()
      assert.is_nil(value)
      assert.equal("decode", err.kind)
      assert.is_false(err.retryable)
      assert.matches("^decode: the body is not JSON: .+ %(GET http://h/p%?token=%*%*%*%)$",
        tostring(err))
    end
  end)
end)

describe("res:check", function()
  it("gives the response itself below 400", function()
    for _, status in ipairs { 100, 200, 204, 301, 304, 399 } do
      local res = make { status = status }
      local checked, err = res:check()
      assert.equal(res, checked)
      assert.is_nil(err)
    end
  end)

  it("gives an error of kind status from 400 on, which has the response", function()
    local res = make { status = 404, head = "HTTP/1.1 404 Not Found\r\n\r\n" }
    local checked, err = res:check()
    assert.is_nil(checked)
    assert.equal("status", err.kind)
    assert.equal(res, err.response)
    assert.equal("status: the server answered 404 Not Found (GET http://h/p?token=***)",
      tostring(err))
  end)

  it("does without a reason", function()
    local _, err = make({ status = 503, head = "HTTP/2 503 \r\n\r\n" }):check()
    assert.equal("the server answered 503", err.message)
  end)

  it("takes a reason with a percent sign as it is", function()
    local _, err = make({ status = 400, head = "HTTP/1.1 400 100%d %s\r\n\r\n" }):check()
    assert.equal("the server answered 400 100%d %s", err.message)
  end)

  it("says that a later attempt may succeed, for the statuses that are retried", function()
    for status, retryable in pairs {
      [400] = false, [401] = false, [404] = false, [408] = true, [410] = false, [425] = true,
      [429] = true, [500] = true, [501] = false, [502] = true, [503] = true, [504] = true,
      [505] = false,
    } do
      assert.equal(retryable, select(2, make({ status = status }):check()).retryable, status)
    end
  end)

  it("says so for no others (506, 510 and 511 stay as they are)", function()
    for _, status in ipairs { 506, 510, 511 } do
      assert.is_false(select(2, make({ status = status }):check()).retryable)
    end
  end)
end)
