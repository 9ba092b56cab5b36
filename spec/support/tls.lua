--- Servers whose certificates are not to be trusted, or that want one: an nginx with a port for
--- each certificate, and `openssl s_server`.

local daemon = require "support.daemon"
local nginx = require "support.nginx"
local shell = require "support.shell"

local CERTIFICATES = [[
set -e
names=subjectAltName=DNS:localhost,IP:127.0.0.1
request() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
    -keyout "$1.key" -out "$1.csr" -subj "/CN=$1"
}
sign() {
  echo "$2" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days "$3" \
    -extfile "$1.ext" -out "$1.pem"
}
authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
    -keyout "$1.key" -out "$1.pem" -subj "/CN=$1" \
    -addext "keyUsage=critical,keyCertSign,cRLSign"
}
authority ca
request good; sign good "$names" 3650
request expired; sign expired "$names" -1
request future; echo "$names" >future.ext; : >index.txt
cat >ca.conf <<'CONF'
[ca]
default_ca = this
[this]
database = index.txt
new_certs_dir = .
default_md = sha256
rand_serial = yes
policy = any
[any]
commonName = supplied
CONF
openssl ca -batch -notext -config ca.conf -cert ca.pem -keyfile ca.key -in future.csr \
  -extfile future.ext -startdate 20900101000000Z -enddate 20910101000000Z -out future.pem
request other; sign other subjectAltName=DNS:other.invalid 3650
request client; sign client extendedKeyUsage=clientAuth 3650
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
  -keyout self.key -out self.pem -subj /CN=localhost -addext "$names"
authority stranger
openssl pkey -in client.key -aes128 -passout pass:sesame -out locked.key
openssl pkey -in good.key -pubout -outform der | openssl dgst -sha256 -binary |
  openssl base64 -A >good.pin
]]

local CONF = [[
daemon off;
master_process off;
pid nginx.pid;
error_log error.log warn;
%s
events { worker_connections 200; }
http {
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
%s}
]]

local SERVER = [[
  server {
    listen 127.0.0.1:%d ssl;
    ssl_certificate %s.pem;
    ssl_certificate_key %s.key;
    ssl_protocols %s;
    location / { return 200 "%s\n"; }
    location /unsized { # neither a length nor chunks: the body lasts until the connection ends
      gzip on;
      gzip_min_length 1;
      gzip_types text/plain;
      chunked_transfer_encoding off;
      return 200 "all of it";
    }
  }
]]

local BOTH = "TLSv1.2 TLSv1.3"
local SERVERS = { -- name, certificate, versions
  { "good", "good", BOTH },
  { "expired", "expired", BOTH },
  { "future", "future", BOTH },
  { "other", "other", BOTH },
  { "self", "self", BOTH },
  { "tls12", "good", "TLSv1.2" },
  { "tls13", "good", "TLSv1.3" },
}

local M = {}

local function start_nginx(dir)
  local ports
  daemon.start(dir, "nginx", function(first)
    ports = nginx.free_ports(#SERVERS)
    for i, port in ipairs(ports) do
      if port == first then -- which was free again
        ports[i] = ports[#ports]
      end
    end
    ports[#ports] = first -- the last one to listen
    local servers = {}
    for i, server in ipairs(SERVERS) do
      servers[i] = SERVER:format(ports[i], server[2], server[2], server[3], server[1])
    end
    local user = shell.read("id -u") == "0" and "user root;" or ""
    shell.write_file(dir .. "/nginx.conf", CONF:format(user, table.concat(servers)))
    return 'nginx -p "$PWD/" -c nginx.conf -e error.log'
  end)
  return ports
end

-- nginx would answer 400 to a client without a certificate; this one ends the handshake.
local function start_strict(dir, name, more)
  return daemon.start(dir, name, function(port)
    return ("openssl s_server -accept 127.0.0.1:%d -cert good.pem -key good.key -www -quiet %s"
      .. " -Verify 2 -verify_return_error -CAfile ca.pem"):format(port, more)
  end)
end

local function open()
  local dir = daemon.directory()
  if not nginx.in_directory(dir, "certificates", CERTIFICATES) then
    error("openssl failed:\n" .. tostring(shell.read_file(dir .. "/certificates.log")), 0)
  end
  local site = {
    dir = dir,
    ca = dir .. "/ca.pem",
    stranger = dir .. "/stranger.pem",
    pin = "sha256//" .. shell.read_file(dir .. "/good.pin"),
  }
  for i, port in ipairs(start_nginx(dir)) do
    site[SERVERS[i][1]] = ("https://localhost:%d/"):format(port)
  end
  site.strict = ("https://localhost:%d/"):format(start_strict(dir, "strict", ""))
  site.strict12 = ("https://localhost:%d/"):format(start_strict(dir, "strict12", "-tls1_2"))
  return site
end

--- Starts them, or returns those that run already.
---
--- Fields: URLs `good` (signed by `ca`, for localhost and 127.0.0.1), `expired`, `future` (not
--- valid yet), `other` (for another name), `self` (signed by itself), `tls12` and `tls13` (no other
--- version), `strict` and `strict12` (the handshake wants a client certificate); `ca` (file),
--- `stranger` (file of a CA that has signed none of them), `pin` (of the key of `good`), `dir`,
--- where client.pem, client.key, locked.key (its password is "sesame") and NAME.pem of each
--- certificate are.
---@return table site
function M.start()
  return shell.once("tls", open)
end

return M
