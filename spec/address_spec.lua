local address = require "curlew.address"
local core = require "curlew.core"
local curlew = require "curlew"

-- For each kind, its first and last addresses, or any.
local SPECIAL = {
  ["this host"] = { "0.0.0.0", "0.255.255.255", "::" },
  ["private networks"] = {
    "10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255",
  },
  ["shared by a carrier"] = { "100.64.0.0", "100.127.255.255" },
  ["loopback"] = { "127.0.0.1", "127.255.255.255", "::1" },
  ["link-local"] = {
    "169.254.0.0", "169.254.169.254", "169.254.255.255", "fe80::1", "febf::1", "fe80::1%eth0",
  },
  ["unique-local and site-local"] = { "fc00::1", "fdff:ffff::1", "fd00:ec2::254", "fec0::1" },
  ["protocol assignments"] = {
    "192.0.0.1", "192.0.0.255", "2001::1", "2001:1ff:ffff::", "5f00::1",
  },
  ["documentation"] = {
    "192.0.2.1", "198.51.100.1", "203.0.113.255", "2001:db8::1", "3fff::1", "3fff:fff:ffff::1",
  },
  ["benchmarks"] = { "198.18.0.0", "198.19.255.255", "2001:2::1" },
  ["multicast, reserved and broadcast"] = {
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "ff02::1", "ff0e::1",
  },
  ["of IPv4, within IPv6"] = {
    "::ffff:10.0.0.1", "::ffff:7f00:1", "::10.0.0.1", "::ffff:0:10.0.0.1", "64:ff9b::10.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b:1::8.8.8.8", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:1::",
  },
}

local PUBLIC = {
  "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
  "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
  "192.0.1.0", "192.0.3.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
  "203.0.112.255", "223.255.255.255", "2000::1", "2001:200::1", "2001:4860:4860::8888",
  "2001:db7::1", "2001:db9::1", "2606:4700:4700::1111", "2a00:1450::1", "3ffe::1", "3fff:1000::1",
  "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
}

describe("an address", function()
  for kind, list in pairs(SPECIAL) do
    it("is not public: " .. kind, function()
      for _, ip in ipairs(list) do
        assert.is_false(address.is_public(ip), ip)
      end
    end)
  end

  it("is public next to those, and also within one that stands for it", function()
    for _, ip in ipairs(PUBLIC) do
      assert.is_true(address.is_public(ip), ip)
    end
  end)

  it("is not public when it is none, or written as no address is", function()
    for _, text in ipairs {
      "", "example.org", "8.8.8", "8.8.8.8.8", "8.8.8.256", "0x8.8.8.8", "134744072", " 8.8.8.8",
      "8.8.8.8 ", "8.8.8.8\0", "[2606::1]", "2606:::1", "8.8.8.8:80", "2000::1%eth0",
    } do
      assert.is_false(address.is_public(text), text)
    end
  end)

  it("is a string", function()
    for _, value in ipairs { 5, {}, true } do
      local good, message = pcall(address.is_public, value)
      assert.is_false(good)
      assert.matches("address_spec.lua:%d+: the address must be a string", message)
    end
  end)

  it("is asked about by name, of curlew", function()
    assert.equal(address.is_public, curlew.is_public)
  end)

  it("has bytes, in the core #valgrind", function()
    assert.equal("\1\2\3\255", core.address_bytes "1.2.3.255")
    assert.equal("\32\1" .. ("\0"):rep(13) .. "\1", core.address_bytes "2001::1")
    assert.is_nil(core.address_bytes "1.2.3.4\0")
    assert.is_nil(core.address_bytes "x")
  end)
end)
