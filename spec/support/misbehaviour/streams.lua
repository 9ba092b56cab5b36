--- HTTP/2 with many requests on one connection, over TLS, where it fails some of them or all.

local http2 = require "support.http2"

local COUNT, HALF = 50, 25
local IDLE = 0.2 -- seconds

-- Many requests at once, of which each meets this, told how many have come; `outcomes` is how many
-- have ended with which kind or status.
local function case(name, on_request, outcomes)
  return {
    name, tls = true, count = COUNT, outcomes = outcomes, frames = {
      function(conn)
        on_request(conn, conn.stream, conn.requests)
      end,
    },
    given = { http = "2", timeout = { idle = IDLE } },
  }
end

-- Does something once all requests have come.
local function once_all(act)
  return function(conn, stream, number)
    conn.data[number] = stream
    if number == COUNT then
      act(conn, conn.data)
    end
  end
end

-- Answers those requests, or ends every other one so.
local function answer_half(end_stream)
  return once_all(function(conn, streams)
    for number, stream in ipairs(streams) do
      if number % 2 == 0 then
        http2.answer(conn, stream, "hello")
      else
        end_stream(conn, stream)
      end
    end
  end)
end

return {
  case("50 requests, all answered", once_all(function(conn, streams)
    for _, stream in ipairs(streams) do
      http2.answer(conn, stream, "hello")
    end
  end), { [200] = COUNT }),
  case("50 requests, answered in the reverse order", once_all(function(conn, streams)
    for number = COUNT, 1, -1 do
      http2.answer(conn, streams[number], "hello")
    end
  end), { [200] = COUNT }),
  case("50 requests, and closes within their bodies", once_all(function(conn, streams)
    for _, stream in ipairs(streams) do
      conn:send(http2.head(stream) .. http2.frame("data", 0, stream, "half"))
    end
    conn:after(0.02, function()
      conn:close()
    end)
  end), { closed = COUNT }),
  case("50 requests, and silence", once_all(function() end), { timeout = COUNT }),
  case("RST_STREAM to every other request", answer_half(function(conn, stream)
    conn:send(http2.rst_stream(stream, http2.INTERNAL_ERROR))
  end), { [200] = HALF, protocol = HALF }),
  case("silence to every other request", answer_half(function() end), {
    [200] = HALF, timeout = HALF,
  }),
  case("a broken answer to every other request", answer_half(function(conn, stream)
    conn:send(http2.head(stream, "content-length", "99") .. http2.ending(stream, "half"))
  end), { [200] = HALF, protocol = HALF }),
  -- libcurl sends it once more; then it is answered.
  case("REFUSED_STREAM to one of 50 requests, once", function(conn, stream, number)
    if number == HALF then
      conn:send(http2.rst_stream(stream, http2.REFUSED_STREAM))
    else
      http2.answer(conn, stream, "hello")
    end
  end, { [200] = COUNT }),
  case("GOAWAY in the middle, and answers those before", once_all(function(conn, streams)
    conn:send(http2.goaway(streams[HALF], http2.NO_ERROR))
    for number = 1, HALF do
      http2.answer(conn, streams[number], "hello")
    end
    conn:after(0.05, function()
      conn:close()
    end)
  end), { [200] = HALF, closed = HALF }),
  case("GOAWAY with an error", once_all(function(conn)
    conn:send(http2.goaway(0, http2.ENHANCE_YOUR_CALM))
    conn:after(0.05, function()
      conn:close()
    end)
  end), { closed = COUNT }),
  -- libcurl 7.88 ends the connection, but tells nobody.
  case("a frame on stream 0 that breaks all", once_all(function(conn)
    conn:send(http2.frame("headers", http2.END_HEADERS, 0, http2.block(":status", "200")))
  end), { timeout = COUNT }),
}
