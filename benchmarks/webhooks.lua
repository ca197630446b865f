-- For wrk: each line of BODIES is posted once, `signature<TAB>body`, for SECONDS; then nothing new is sent, so that
-- everything sent is answered before wrk ends and what was acknowledged can be compared with what is stored.
local ffi = require("ffi")
ffi.cdef([[
  typedef struct { long seconds; long nanoseconds; } moment;
  int clock_gettime(int clock, moment *at);
]])
-- A margin for what the other connections may have under way when the last bodies are near.
local MONOTONIC, REST, MARGIN = 1, 600000, 64
local requests, count, next_one = {}, 0, 0
local threads = {}
local at = ffi.new("moment")

local function now()
  ffi.C.clock_gettime(MONOTONIC, at)
  return tonumber(at.seconds) + tonumber(at.nanoseconds) / 1e9
end

function setup(thread)
  threads[#threads + 1] = thread
end

-- Globals, so that `done` can fetch them from the thread.
function init()
  acknowledged, refused, began, ended = 0, 0, 0, 0
  local headers = { ["Content-Type"] = "application/json" }
  for line in io.lines(os.getenv("BODIES")) do
    local signature, body = line:match("^(%x+)\t(.*)$")
    headers["X-Hub-Signature-256"] = "sha256=" .. signature
    count = count + 1
    requests[count] = wrk.format("POST", nil, headers, body)
  end
  seconds = tonumber(os.getenv("SECONDS"))
end

function delay()
  if began == 0 then began = now() end
  if next_one >= count - MARGIN or now() - began > seconds then return REST end
  return 0
end

function request()
  next_one = next_one + 1
  return requests[next_one]
end

function response(status)
  ended = now()
  if status == 200 then acknowledged = acknowledged + 1 else refused = refused + 1 end
end

function done(summary, latency)
  local thread = threads[1]
  io.write(string.format('{"acknowledged":%d,"refused":%d,"seconds":%.4f,"p50":%.3f,"p99":%.3f,"errors":%d}\n',
    thread:get("acknowledged"), thread:get("refused"), thread:get("ended") - thread:get("began"),
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
