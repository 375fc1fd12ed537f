-- Debian's drivers of the PL050, the PS/2 keyboard and the PS/2 mouse: what the user does arrives at /dev/input/event*.
expect("init is done", 900)
expect("# ")

local function events_of(number, act)
    run(("dd if=/dev/input/event%d of=/tmp/events bs=16 2>/dev/null &"):format(number), 60)
    sleep(1)
    act()
    sleep(1)
    local dump = run("killall dd; od -An -v -w16 -t x2 /tmp/events", 60)
    local events = {}
    for line in dump:gmatch("[^\n]+") do -- eight bytes of time, type, code, value
        local kind, code, low, high = line:match("^ %x+ %x+ %x+ %x+ (%x+) (%x+) (%x+) (%x+)$")
        if kind == "0001" or kind == "0002" then -- keys, movements
            local value = tonumber(high .. low, 16)
            events[#events + 1] = ("%d:%d"):format(tonumber(code, 16), value < 2 ^ 31 and value or value - 2 ^ 32)
        end
    end
    return table.concat(events, " ")
end

local function check(what, got, wanted)
    assert(got == wanted, ("%s gave %q, not %q"):format(what, got, wanted))
end

local function number_of(name)
    local list = run("cat /proc/bus/input/devices", 60)
    for block in list:gmatch("(.-)\n\n") do
        if block:find(name) then
            return tonumber(block:match("event(%d+)"))
        end
    end
    error(("there is no %s among the input devices:\n%s"):format(name, list))
end

-- A key that was pressed while there was no driver waits for one.
key_down("Z")
key_up("Z")
assert(not keyboard().keyboard, "there is a keyboard before its driver was loaded")
check("loading", run("for m in ambakmi evdev psmouse; do insmod /modules/$m.ko || echo $m; done; sleep 8"), "")

local kbd, mouse = number_of("AT Raw Set 2 keyboard"), number_of("ImExPS/2 Generic Explorer Mouse")
local driven = keyboard()
assert(driven.keyboard and driven.mouse, "Linux's drivers are there, but do not count as such")
assert(driven.waiting == 0, "a key did not leave the queue")

check("a letter", events_of(kbd, function() key_down("A") key_up("A") end), "30:1 30:0")
check("all kinds of keys", events_of(kbd, function()
    for _, key in ipairs { "LEFTSHIFT", "UP", "KPENTER", "F7", "PAUSE", "SYSRQ", "RIGHTALT" } do
        key_down(key)
        key_up(key)
    end
end), "42:1 42:0 103:1 103:0 96:1 96:0 65:1 65:0 119:1 119:0 99:1 99:0 100:1 100:0")
check("Shift and cursor", events_of(kbd, function()
    key_down("RIGHTSHIFT") key_down("DOWN") key_up("DOWN") key_up("RIGHTSHIFT")
end), "54:1 108:1 108:0 54:0")

-- Linux sets 250 ms and 33 ms, the keyboard repeats, and Linux says 2.
local held = events_of(kbd, function() key_down("B") sleep(1) key_up("B") end)
local repeated = select(2, held:gsub("48:2", ""))
assert(held:find("^48:1 48:2") and held:find("48:2 48:0$"), "a key that was held gave " .. held)
assert(repeated >= 20 and repeated <= 25, ("a key that was held for a second repeated %d times"):format(repeated))

-- Many at once: none is lost.
local wanted = {}
local got = events_of(kbd, function()
    for n = 1, 100 do
        key_down("C")
        key_up("C")
        wanted[n] = "46:1 46:0"
    end
    sleep(1)
end)
check("a hundred keys", got, table.concat(wanted, " "))

run("echo 1 > $(echo /sys/class/leds/*::capslock/brightness)")
sleep(1)
assert(keyboard().caps_lock, "the light of Caps Lock is off")
run("echo 0 > $(echo /sys/class/leds/*::capslock/brightness)")
sleep(1)
assert(not keyboard().caps_lock, "the light of Caps Lock is on")

check("movement", events_of(mouse, function() mouse_move(5, -7) end), "0:5 1:-7")
check("far movement", events_of(mouse, function() mouse_move(-600, 0) end), "0:-255 0:-255 0:-90")
check("buttons", events_of(mouse, function()
    for _, button in ipairs { "left", "right", "middle" } do
        click(button)
    end
end), "272:1 272:0 273:1 273:0 274:1 274:0")
check("wheel", events_of(mouse, function() wheel(2) end), "8:2")

-- A driver that leaves and comes back finds everything as it was.
run("rmmod psmouse ambakmi")
assert(not keyboard().keyboard, "the driver is gone, but the keyboard still counts as driven")
run("for m in ambakmi psmouse; do insmod /modules/$m.ko; done; sleep 8")
check("a letter again", events_of(number_of("AT Raw Set 2 keyboard"), function() key_down("D") key_up("D") end), "32:1 32:0")
local log = run("dmesg")
assert(not log:find("atkbd serio%d+: [SU]"), "the keyboard driver complained:\n" .. log)
poweroff("poweroff -f", 300)
