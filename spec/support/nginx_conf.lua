--- The text of the nginx configuration: which addresses answer what.

local M = {}

local STATUSES = {
  200, 201, 202, 204, 205, 304, 400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 416, 418, 422,
  425, 429, 500, 501, 502, 503, 504,
}
local REDIRECTS = { 301, 302, 303, 307, 308 }
local LONGEST_CHAIN = 30

-- The fields of an access log line, in order; the address comes last, as it may hold anything.
M.LOG_FIELDS = {
  { "connection", "$connection" },
  { "serial", "$connection_requests" },
  { "port", "$server_port" },
  { "method", "$request_method" },
  { "status", "$status" },
  { "bytes", "$body_bytes_sent" },
  { "received", "$request_length" },
  { "protocol", "$server_protocol" },
  { "tls", "$ssl_protocol" },
  { "user", "$remote_user" },
  { "uri", "$request_uri" },
}

local ECHOED = {
  "method: $request_method", "uri: $request_uri", "query: $args", "protocol: $server_protocol",
  "host: $http_host", "user-agent: $http_user_agent", "accept: $http_accept",
  "accept-encoding: $http_accept_encoding", "content-type: $content_type",
  "content-length: $content_length", "authorization: $http_authorization",
  "cookie: $http_cookie", "referer: $http_referer", "range: $http_range", "x-test: $http_x_test",
  "x-api-key: $http_x_api_key", "client-cert: $ssl_client_verify $ssl_client_s_dn",
}

local HEAD = [[
daemon off;
master_process off;
pid nginx.pid;
error_log error.log warn;
@USER@
@MODULES@
events { worker_connections 16000; multi_accept on; }
http {
  default_type application/octet-stream;
  log_format spec '@LOG_FORMAT@';
  access_log @ACCESS_LOG@;
  client_body_temp_path tmp/body;
  proxy_temp_path tmp/proxy;
  fastcgi_temp_path tmp/fastcgi;
  uwsgi_temp_path tmp/uwsgi;
  scgi_temp_path tmp/scgi;
  client_max_body_size 256m;
  keepalive_requests 1000000000;
  keepalive_timeout 300;
  absolute_redirect off;
  sendfile on;
  tcp_nodelay on;
  gzip_vary on;
  server {
    listen 127.0.0.1:@HTTP@ backlog=4096;
    listen 127.0.0.1:@H2C@ http2 backlog=4096;
    listen 127.0.0.1:@HTTPS@ ssl http2 backlog=4096;
    listen 127.0.0.1:@HTTPS1@ ssl backlog=4096;
    listen unix:@DIR@/http.sock;
    server_name localhost;
    ssl_certificate server.pem;
    ssl_certificate_key server.key;
    ssl_client_certificate ca.pem;
    ssl_verify_client optional;
    ssl_protocols TLSv1.2 TLSv1.3;
    root www;
]]

local BODY = [[
    location = /hello.txt { default_type text/plain; }
    location = /json { default_type application/json; }
    location = /gzip { default_type text/plain; gzip on; gzip_types text/plain; gzip_min_length 1; }
    location = /drip { limit_rate 16k; }
    location = /loop { return 302 /loop; }
    location = /to-https { return 302 https://localhost:@HTTPS@/echo; }
    location = /to-http { return 302 http://localhost:@HTTP@/echo; }
    location = /to-ftp { return 302 ftp://localhost:1/hello.txt; }
    location = /to-nowhere { return 302 http://127.0.0.1:1/; }
    location = /attachment {
      add_header Content-Disposition 'attachment; filename="../../evil name.txt"';
      alias www/hello.txt;
    }
    location = /headers {
      default_type text/plain;
      add_header X-Repeated one;
      add_header X-Other other;
      add_header X-Repeated two;
      add_header x-repeated three;
      add_header x-MiXeD-CaSe "Mixed Value";
      add_header X-Empty-Ish " ";
      add_header Set-Cookie "first=1; Path=/";
      add_header Set-Cookie "second=2; Path=/; HttpOnly";
      return 200 "headers\n";
    }
    location = /auth {
      auth_basic "curlew";
      auth_basic_user_file htpasswd;
      default_type text/plain;
      try_files /hello.txt =404;
    }
    location = /accepts { stub_status; }
    location = /no-etag { etag off; add_header Last-Modified ""; alias www/big; }
    location = /no-range { max_ranges 0; alias www/big; }
    location /upload/ { dav_methods PUT DELETE; create_full_put_path on; }
]]

local WITH_ECHO = [[
    location ~ ^/sleep/([0-9.]+)$ { default_type text/plain; echo_sleep $1; echo slept; }
    location = /post {
      client_body_buffer_size 64m;
      echo_read_request_body;
      echo_request_body;
    }
]]

local function log_format()
  local names = {}
  for i, field in ipairs(M.LOG_FIELDS) do
    names[i] = field[2]
  end
  return table.concat(names, " ")
end

local function generated(line)
  line('location = /echo { default_type text/plain; return 200 "%s\\n"; }',
    table.concat(ECHOED, "\\n"))
  for _, status in ipairs(STATUSES) do
    line('location = /status/%d { default_type text/plain; return %d "status %d\\n"; }',
      status, status, status)
  end
  line("location = /redirect/0 { default_type text/plain; alias www/hello.txt; }")
  for n = 1, LONGEST_CHAIN do
    local target = n == 1 and "/hello.txt" or "/redirect/" .. (n - 1)
    line("location = /redirect/%d { return 302 %s; }", n, target)
  end
  for _, status in ipairs(REDIRECTS) do
    line("location = /moved/%d { return %d /echo; }", status, status)
  end
end

--- Writes the configuration.
---@param values table DIR, HTTP, H2C, HTTPS and HTTPS1 (ports), access_log, root (booleans), echo
--- (module file)
---@return string
function M.text(values)
  local lines = {}
  local function line(format, ...)
    lines[#lines + 1] = "    " .. format:format(...)
  end
  generated(line)
  local all = HEAD .. BODY .. (values.echo and WITH_ECHO or "") .. table.concat(lines, "\n")
  local holes = {
    DIR = values.DIR,
    HTTP = values.HTTP,
    H2C = values.H2C,
    HTTPS = values.HTTPS,
    HTTPS1 = values.HTTPS1,
    USER = values.root and "user root;" or "",
    MODULES = values.echo and ("load_module %s;"):format(values.echo) or "",
    LOG_FORMAT = log_format(),
    ACCESS_LOG = values.access_log and "access.log spec" or "off",
  }
  return (all:gsub("@(%u[%u%d_]*)@", holes)) .. "\n  }\n}\n"
end

return M
