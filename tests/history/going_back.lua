-- The same searches two ways: run_back from the end, and every stop in turn when the past runs forward again.
local function check(what, a, b)
  if a ~= b then error(string.format("%s: %s, not %s", what, tostring(a), tostring(b)), 2) end
end

sleep(tonumber(arg[1] or "2"))
pause()
local last = status().instructions
local here = hash().all
check("state", history().state, "live")
check("end", history()["end"], last)

-- Each place has one hash, whichever way the machine comes there.
local seed = 12345
local function random(most)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return seed % most
end
local begin = history().begin
local places, known = {}, {}
for n = 1, 8 do
  places[n] = begin + random(last - begin)
  local r = go_to(places[n])
  check("instructions", r.instructions, places[n])
  check("state", history().state, "past")
  known[n] = {hash = hash().all, pc = r.pc}
end
for n = 8, 1, -1 do
  go_to(places[n])
  check("hash at " .. places[n], hash().all, known[n].hash)
end
for n = 1, 3 do
  go_to(places[n] + 1 < last and places[n] + 1 or places[n] - 1)
  local r = step_back(1)
  check("one step back", r.instructions, status().instructions)
end
go_to(last)
check("the end", history().state, "live")
check("hash at the end", hash().all, here)

-- All stops on the way, by running forward.
local function forward()
  local stops = {}
  go_to(begin)
  while #stops < 40 do
    local ok, r = pcall(wait_breakpoint, 0.001)
    pause()
    local now = status().instructions
    if ok and now <= last then
      stops[#stops + 1] = {at = now, pc = r.pc, by = r.watchpoint and r.watchpoint.by, hash = hash().all}
    elseif ok or history().state == "live" then
      break
    end
  end
  return stops
end

local function compare(what)
  local stops = forward()
  if history().state == "live" and status().instructions > last then
    last = status().instructions -- it went on a little
  end
  go_to(#stops == 40 and stops[40].at or math.min(last, history()["end"]))
  local now = status().instructions
  local n = #stops
  while n > 0 and stops[n].at >= now do n = n - 1 end
  -- Many places are alike; some at each end will do.
  local from = n
  while n > 0 and n > from - 10 do
    local r = run_back()
    check(what .. ": stop " .. n, r.instructions, stops[n].at)
    check(what .. ": pc", r.pc, stops[n].pc)
    check(what .. ": by", r.watchpoint and r.watchpoint.by, stops[n].by)
    check(what .. ": hash", hash().all, stops[n].hash)
    n = n - 1
  end
  if from < 40 and n == 0 then
    local r = run_back()
    check(what .. ": beginning", r.why, "beginning")
    check(what .. ": beginning", r.instructions, begin)
  end
  print(what, from, "stops")
  go_to(last)
  return from
end

local met = 0
for n = 1, 3 do
  breakpoint(known[n].pc)
  met = met + compare("breakpoint")
  delete_breakpoint(known[n].pc)
end
go_to(places[1])
local sp = read_register("sp") & ~7
go_to(last)
for _, kind in ipairs {"write", "access"} do
  watchpoint(sp - 16, 24, kind)
  met = met + compare("watchpoint " .. kind)
  delete_watchpoint(sp - 16)
end
if met == 0 then error("nothing was ever met") end

-- Another way from the past.
local half = begin + (last - begin) // 2
go_to(half)
diverge()
check("diverged", history().state, "live")
sleep(0.0002)
pause()
check("the end is here", history()["end"], status().instructions)
go_to(half)
check("still there", status().instructions, half)
local ok, why = pcall(go_to, last + 1000000000)
check("the future", ok, false)
if not tostring(why):find("the history ends at instruction") then error(why) end
local info = history()
if info.bytes > info.budget then error("the budget is exceeded") end
quit(0)
