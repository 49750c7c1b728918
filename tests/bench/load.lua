-- Callbacks for wrk: each with a receipt of its own, the mix of make_callbacks.py without repeats.
-- Arguments: a letter that no other load on the same books has. Prints one JSON line at the end.

local digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
local number = 0
local letter = "A"

function init(args)
  letter = args[1] or letter
  math.randomseed(string.byte(letter))
end

local function receipt()
  local left, text = number, ""
  for _ = 1, 6 do
    local digit = left % 36 + 1
    text = string.sub(digits, digit, digit) .. text
    left = math.floor(left / 36)
  end
  return "UB3" .. letter .. text
end

function request()
  number = number + 1
  local kind, reference = math.random(), nil
  if kind < 0.6 then
    reference = string.format("INV-20260101-%04d", math.random(1, 5000))
  elseif kind < 0.9 then
    reference = string.format("CUST-%03d", math.random(1, 1000))
  else
    reference = string.format("NOBODY %d", math.random(1, 9999))
  end
  local body = string.format(
    '{"TransactionType": "Pay Bill", "TransID": "%s", "TransTime": "20260203%02d%02d%02d", ' ..
    '"TransAmount": "%d.00", "BusinessShortCode": "174379", "BillRefNumber": "%s", ' ..
    '"InvoiceNumber": "", "OrgAccountBalance": "%d.00", "ThirdPartyTransID": "", ' ..
    '"MSISDN": "2547 ***** 149", "FirstName": "JANE"}',
    receipt(), 6 + math.floor(number / 3600) % 6, math.floor(number / 60) % 60, number % 60,
    math.random(10, 5000), reference, number * 100)
  return "POST /c2b/confirmation HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n" ..
    "Content-Length: " .. #body .. "\r\n\r\n" .. body
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '{"answers": %d, "failed": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "min_ms": %.3f}\n',
    summary.requests, failed, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency.min / 1e3))
end
